//! Journeys that every IdP passes that a test plays itself, whatever it calls its objects.
//!
//! A test file says with [`Played`] what differs; what only one IdP has is tested there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keywright::idp::{Directory, DirectoryError};
use keywright::ledger::{AccountId, FailureCode, Step};
use keywright::provision::{
    JobLabel, PersonError, RetryPolicy, Revocation, RevokeError, RevokeOrder, RunError, dry_run, revoke,
};
use keywright::register::CredentialState;
use keywright_fido::hid::{Bus as _, Cancel};
use keywright_practice::softkey::Touch;

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::recorded;
use keywright_test_support::fault_proxy::{self, Fault, FaultProxy, Which};
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, each, failures};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It belongs to the preflight: if it fails, the run ends.
    Preflight,
    /// It looks. If it fails where a failure is looked into, the IdP counts as down, whatever it said.
    Look,
    /// It changes something.
    Act,
    /// It takes something back, or looks whether that may be done.
    TakeBack,
}

/// An IdP that a test plays.
pub(crate) trait Played: Sized + Sync {
    /// Where its recordings are, below `tests/idp`.
    const NAME: &'static str;
    /// Every request of a run, by method and pattern.
    const REQUESTS: &'static [(Purpose, &'static str, &'static str)];
    /// Every request of a revocation.
    const REVOKING: &'static [(&'static str, &'static str)];
    /// Whether access that is refused is renewed, once; a token that does not change cannot be.
    const RENEWS: bool = true;
    /// What the report calls the weaker ways to sign in.
    const OTHER_METHODS: &'static [&'static str];

    /// With these people. `None`, said aloud, where what verifies its registrations is not installed.
    fn start(logins: &[&str]) -> Option<Self>;

    /// Its server.
    fn server(&self) -> &FakeIdp;

    /// The adapter, with files in this folder and a client that does not wait long. A busy machine must not look like a stalled
    /// IdP: that is a second fault.
    fn open(url: &str, folder: &Path) -> Box<dyn Directory>;

    /// What it has for its people: credential ids, `None` for what is not completed.
    fn has(&self) -> Vec<Option<String>>;

    /// Lets the time run out of everything that is begun.
    fn expire(&self);

    /// Whether a request would change something.
    fn changes(request: &Request) -> bool {
        request.writes() && !request.path.ends_with("/token")
    }

    /// What is struck out of recordings, besides what every recording leaves out.
    fn struck_out(_seen: &[(Request, Answer)]) -> Vec<String> {
        Vec::new()
    }

    /// Whether something pending may be left after this request went wrong once, because its name was lost with the answer and no
    /// list shows it.
    fn may_leave(_method: &str, _path: &str) -> bool {
        false
    }
}

/// A file that nobody else may read.
pub(crate) fn keep(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file
}

/// An IdP with Ada, and a workshop with one key for her.
pub(crate) fn one_person<P: Played>() -> Option<(P, Workshop, Box<dyn Directory>)> {
    let idp = P::start(&["ada"])?;
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = P::open(&idp.server().url(), workshop.path());
    Some((idp, workshop, directory))
}

/// Provisions everybody on the roster.
pub(crate) fn everybody(directory: &dyn Directory, workshop: &Workshop) {
    let report = workshop.provision_at(directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
}

/// Ada's first key is lost.
pub(crate) fn lose(directory: &dyn Directory, workshop: &Workshop) -> Result<Revocation, RevokeError> {
    let ada = AccountId::new(DIRECTORY, "ada");
    let patience = RetryPolicy {
        backoff: Duration::from_millis(1),
        retry_after: Duration::from_secs(1),
        ..RetryPolicy::default()
    };
    revoke(
        directory,
        &workshop.store(),
        &patience,
        &Cancel::default(),
        &ada,
        1,
        RevokeOrder { reason: "lost", operator: &"tester".into() },
    )
}

/// Two people get two keys each, and one key is lost.
pub(crate) fn a_day<P: Played>() {
    let logins = ["ada", "grace"];
    let Some(idp) = P::start(&logins) else { return };
    let workshop = Workshop::without_directory(4, &logins);
    let directory = P::open(&idp.server().url(), workshop.path());
    a_day_at(directory.as_ref(), &idp, &workshop, &logins);
}

/// The same, with everything given.
pub(crate) fn a_day_at<P: Played>(directory: &dyn Directory, idp: &P, workshop: &Workshop, logins: &[&str]) {
    everybody(directory, workshop);
    workshop.everything_agrees_at(directory, &workshop.rack(), logins, 2);
    let known: BTreeSet<_> = workshop.book().credentials.keys().map(|id| Some(id.to_string())).collect();
    let registered = || idp.has().into_iter().collect::<BTreeSet<_>>();
    assert_eq!((registered(), idp.has().len()), (known.clone(), 4), "the credentials that py_webauthn verified");

    let revoked = lose(directory, workshop).unwrap();
    assert_eq!((revoked.removed.len(), revoked.absent.len(), revoked.keys_left), (1, 0, 1));
    let gone = BTreeSet::from([Some(revoked.removed[0].to_string())]);
    assert_eq!((registered(), idp.has().len()), (&known - &gone, 3));
    let book = workshop.book();
    let still = book.credentials.values().filter(|one| one.state == CredentialState::Registered).count();
    assert_eq!(still, 3);
}

/// A key is enrolled and lost, and what was said is as in the file that people can read.
pub(crate) fn on_record<P: Played>() {
    let Some((idp, workshop, directory)) = one_person::<P>() else { return };
    everybody(directory.as_ref(), &workshop);
    lose(directory.as_ref(), &workshop).unwrap();
    let seen = idp.server().seen();
    recorded::compare(&format!("{}/enrolment.http", P::NAME.replace('-', "_")), &seen, &P::struck_out(&seen));
}

/// Everything is asked, and nothing is changed.
pub(crate) fn only_tried<P: Played>() {
    let Some((idp, workshop, directory)) = one_person::<P>() else { return };
    let (store, rack, hands) = (workshop.store(), workshop.rack(), Hands::default());
    let plan = workshop.with_directory(directory.as_ref(), &store, &rack, &hands, |station| {
        let plan = workshop.plan(station).unwrap();
        dry_run(station, &plan).unwrap();
        plan
    });
    assert!(plan.people[0].refused.is_none(), "{plan:#?}");
    assert_eq!(plan.people[0].other_methods, P::OTHER_METHODS);
    let seen = idp.server().seen();
    assert!(!seen.is_empty());
    assert_eq!(seen.iter().filter(|(request, _)| P::changes(request)).count(), 0);
    assert_eq!(idp.has(), []);
}

/// What is registered is not abandoned, what is begun is, and what is gone is no error.
pub(crate) fn taken_back<P: Played>() {
    let Some((idp, workshop, directory)) = one_person::<P>() else { return };
    everybody(directory.as_ref(), &workshop);
    let user = directory.find_user("ada").unwrap();
    let [key] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(matches!(directory.abandon(&user, &key.id), Err(DirectoryError::Refused { .. })));
    let begun = directory.begin(&user).unwrap().pending.unwrap();
    assert_eq!(idp.has().len(), 2);
    directory.abandon(&user, &begun).unwrap();
    directory.abandon(&user, &begun).unwrap();
    assert_eq!(idp.has().len(), 1);
}

/// The time runs out while the key is at work: nothing is left of it, and the registration is begun anew, at once where the IdP says
/// that it was the time, else by the next run.
pub(crate) fn too_late<P: Played>() {
    let Some((idp, workshop, directory)) = one_person::<P>() else { return };
    let late = AtomicBool::new(false);
    let at_step = |_: &JobLabel, step: Step| {
        if step == Step::Complete && !late.swap(true, Ordering::SeqCst) {
            idp.expire();
        }
    };
    let hands = Hands { at_step: Some(Box::new(at_step)), ..Hands::default() };
    let report = workshop.provision_at(directory.as_ref(), &workshop.store(), &workshop.rack(), &hands).unwrap();
    assert!(late.load(Ordering::SeqCst));
    if !report.accounts[0].complete {
        let codes: Vec<_> = failures(&report).into_iter().map(|(_, failure)| failure.code).collect();
        assert_eq!((codes, idp.has()), (vec![FailureCode::DirectoryRefused], vec![]));
    }
    everybody(directory.as_ref(), &workshop);
    workshop.everything_agrees_at(directory.as_ref(), &workshop.rack(), &["ada"], 1);
    assert_eq!(idp.has().len(), 1);
}

/// Nobody listens.
pub(crate) fn unreachable<P: Played>() {
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = P::open("http://127.0.0.1:9", workshop.path());
    let result = workshop.provision_at(directory.as_ref(), &workshop.store(), &workshop.rack(), &Hands::default());
    assert!(matches!(result, Err(RunError::Directory(DirectoryError::Unreachable { .. }))), "{result:?}");
}

/// One request of a run goes wrong once, in every way: the batch goes on with the next person, the failure is coded right, and the
/// next run ends what was left, with nothing there twice.
pub(crate) fn one_fault<P: Played>() {
    const LOGINS: [&str; 2] = ["ada", "grace"];
    if P::start(&LOGINS).is_none() {
        return;
    }
    let faults = |request| fault_proxy::table().into_iter().map(move |fault| (request, fault));
    each(P::REQUESTS.iter().flat_map(faults), |(&(purpose, method, path), (fault, code))| {
        let case = format!("{method} {path} {fault:?}");
        let renewed = purpose != Purpose::TakeBack
            && P::RENEWS
            && code == FailureCode::DirectorySignIn
            && !path.ends_with("/token");
        let idp = P::start(&LOGINS).unwrap();
        let mut workshop = Workshop::without_directory(2, &LOGINS);
        workshop.profile.keys.required = 1;
        let proxy = FaultProxy::start(&idp.server().url());
        let directory = P::open(&proxy.url(), workshop.path());
        let directory = directory.as_ref();
        let gone = fault == Fault::GoneAfter;
        proxy.once(Which::request(method, path), fault);
        let rack = workshop.rack();
        let mut hands = Hands::default();
        if purpose == Purpose::TakeBack {
            // Something to take back; and the other key asks the IdP for nothing before the fault met that.
            rack.key(0).touch(Touch::Declined);
            let declining = rack.devices().unwrap()[0].port.clone();
            let proxy = &proxy;
            hands.at_step = Some(Box::new(move |who, step| {
                if step == Step::Begin && who.port != declining {
                    let ends = Instant::now() + Duration::from_secs(10);
                    while proxy.faults() == 0 && Instant::now() < ends {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                }
            }));
        }
        match workshop.provision_at(directory, &workshop.store(), &rack, &hands) {
            Ok(report) => {
                assert!(gone || report.accounts.iter().any(|account| account.complete), "{case}: {report:#?}");
                assert!(!renewed || report.accounts.iter().all(|account| account.complete), "{case}: {report:#?}");
                let accounts = report.accounts.iter().filter_map(|account| account.failure.clone());
                for failure in accounts.chain(failures(&report).into_iter().map(|(_, failure)| failure)) {
                    let looked = purpose != Purpose::Act && failure.code == FailureCode::DirectoryDown;
                    let declined = purpose == Purpose::TakeBack && failure.code == FailureCode::TouchDeclined;
                    assert!(failure.code == code || looked || declined, "{case}: {failure:?}");
                }
            }
            Err(RunError::Directory(_) | RunError::Blocked { .. }) => {
                assert!(purpose == Purpose::Preflight && !renewed, "{case}");
            }
            Err(error) => panic!("{case}: {error}"),
        }
        drop((hands, rack));
        proxy.clear();
        proxy.settle();
        everybody(directory, &workshop);
        workshop.everything_agrees_at(directory, &workshop.rack(), &LOGINS, 1);
        let has = idp.has();
        assert_eq!(has.iter().flatten().count(), 2, "{case}: {has:?}");
        assert!(has.len() == 2 || P::may_leave(method, path), "{case}: {has:?}");
    });
}

/// One request of a revocation goes wrong once, in every way: asked again, the key is gone, and no other is.
pub(crate) fn one_fault_in_a_revocation<P: Played>() {
    if P::start(&["ada"]).is_none() {
        return;
    }
    let faults = |request| fault_proxy::table().into_iter().map(move |fault| (request, fault));
    each(P::REVOKING.iter().flat_map(faults), |(&(method, path), (fault, _))| {
        let case = format!("{method} {path} {fault:?}");
        let idp = P::start(&["ada"]).unwrap();
        let workshop = Workshop::without_directory(2, &["ada"]);
        let proxy = FaultProxy::start(&idp.server().url());
        let directory = P::open(&proxy.url(), workshop.path());
        let directory = directory.as_ref();
        everybody(directory, &workshop);
        let faults_before = proxy.faults();
        proxy.once(Which::request(method, path), fault);
        match lose(directory, &workshop) {
            Ok(_) => {}
            Err(RevokeError::Directory(_) | RevokeError::Person(PersonError::Directory(_))) => {
                let book = workshop.book();
                let revoked = |one: &keywright::register::Credential| one.state == CredentialState::Revoked;
                assert!(!book.credentials.values().any(revoked), "{case}: it is written down, and nobody knows");
            }
            Err(error) => panic!("{case}: {error}"),
        }
        assert_eq!(proxy.faults(), faults_before + 1, "{case}: it did not go wrong");
        proxy.clear();
        proxy.settle();
        lose(directory, &workshop).unwrap();
        let book = workshop.book();
        let in_service = book.credentials.iter().filter(|(_, one)| one.state == CredentialState::Registered);
        let in_service: Vec<_> = in_service.map(|(id, _)| Some(id.to_string())).collect();
        assert_eq!((idp.has(), in_service.len()), (in_service, 1), "{case}");
    });
}
