//! Every request to the IdP goes wrong in every way; the next run ends what was begun, and nothing is there twice.

use keywright_test_support::workshop;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use keywright::idp::embedded::Embedded;
use keywright::idp::{Directory, DirectoryError, Finding, Registered, User, http};
use keywright::ledger::{Failure, FailureCode, Step};
use keywright::provision::{Report, RunError};
use keywright::register::CredentialState;
use keywright_fido::webauthn::{Ceremony, RegistrationResponse};
use keywright_practice::softkey::{Moment, Side, Touch};
use keywright_test_support::fault_proxy::{Fault, FaultProxy, Reply, Which};
use keywright_test_support::workshop::{DIRECTORY, Hands, TOKEN, Workshop, each, failures};
use time::OffsetDateTime;

/// Every request of a run that nothing disturbs, in order.
const REQUESTS: [(&str, &str); 9] = [
    ("GET", "/v1/check"),
    ("GET", "/v1/users"),
    ("GET", "/v1/users/*/methods"),
    ("POST", "/v1/users/*/ceremonies"),
    ("POST", "/v1/users/*/ceremonies/*"),
    ("GET", "/v1/users/*/credentials"),
    ("POST", "/v1/users/*/sign-ins"),
    ("POST", "/v1/users/*/sign-ins/*"),
    // Only where something is taken back.
    ("GET", "/v1/users/*/ceremonies"),
];

const ABANDON: (&str, &str) = ("DELETE", "/v1/users/*/ceremonies/*");

/// Each fault, with what a job may say of it.
fn faults() -> Vec<(Fault, FailureCode)> {
    use FailureCode::{DirectoryDown, DirectoryRefused, DirectorySignIn};
    vec![
        (Fault::ReplyBefore(Reply::status(500)), DirectoryDown),
        (Fault::ReplyAfter(Reply::status(500)), DirectoryDown),
        (Fault::ReplyBefore(Reply::too_many(None)), DirectoryDown),
        (Fault::ReplyBefore(Reply::too_many(Some("0"))), DirectoryDown),
        (Fault::ReplyBefore(Reply::too_many(Some("3600"))), DirectoryDown),
        (Fault::ReplyBefore(Reply::status(401)), DirectorySignIn),
        (Fault::ReplyBefore(Reply::status(403)), DirectoryRefused),
        (Fault::ReplyBefore(Reply::page(200)), DirectoryDown),
        (Fault::ReplyAfter(Reply::page(200)), DirectoryDown),
        (Fault::ReplyAfter(Reply::garbage()), DirectoryDown),
        (Fault::DropBefore, DirectoryDown),
        (Fault::DropAfter, DirectoryDown),
        (Fault::StallBefore, DirectoryDown),
        (Fault::StallAfter, DirectoryDown),
        (Fault::HalfHead, DirectoryDown),
        (Fault::HalfBody, DirectoryDown),
        (Fault::StallInBody, DirectoryDown),
    ]
}

fn is_slow(fault: &Fault) -> bool {
    matches!(fault, Fault::StallBefore | Fault::StallAfter | Fault::StallInBody)
}

/// The IdP behind a proxy, with a client that does not wait long.
fn through(proxy: &FaultProxy) -> Embedded {
    let limits = http::Limits { connect: Duration::from_secs(5), total: Duration::from_millis(700) };
    Embedded::with_limits(DIRECTORY, &proxy.url(), TOKEN.to_owned().into(), limits).unwrap()
}

/// What every account and job failed with.
fn all_failures(report: &Report) -> Vec<(Option<Step>, Failure)> {
    let accounts = report.accounts.iter().filter_map(|account| account.failure.clone());
    let jobs = failures(report).into_iter().map(|(step, failure)| (Some(step), failure));
    accounts.map(|failure| (None, failure)).chain(jobs).collect()
}

/// Ends what is open with an IdP that is well again.
fn mend(workshop: &Workshop, proxy: &FaultProxy, case: &str) {
    proxy.clear();
    proxy.settle();
    let hands = Hands::default();
    let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
    let said = hands.said.lock().unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{case}: {report:#?} {said:#?}");
    workshop.everything_agrees(&["ada", "grace"], 1);
}

#[test]
fn the_requests_here_are_those_of_a_run() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let proxy = FaultProxy::start(&workshop.url);
    workshop.provision_at(&through(&proxy), &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    let shape = |path: String| {
        let mut segments: Vec<&str> = path.split('/').collect();
        // The segments after "users" and after a collection are ids.
        [3, 5].into_iter().for_each(|at| segments.iter_mut().skip(at).take(1).for_each(|id| *id = "*"));
        segments.join("/")
    };
    let seen: BTreeSet<(String, String)> =
        proxy.seen().into_iter().map(|seen| (seen.method, shape(seen.path))).collect();
    let told = REQUESTS[..8].iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned()));
    assert_eq!(seen, told.collect());
}

#[test]
fn one_request_goes_wrong_once() {
    let cases = REQUESTS[..8].iter().flat_map(|request| faults().into_iter().map(move |fault| (request, fault)));
    each(cases, |(&(method, path), (fault, code))| {
        let case = format!("{method} {path} {fault:?}");
        let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
        let proxy = FaultProxy::start(&workshop.url);
        proxy.once(Which::request(method, path), fault.clone());
        let run = workshop.provision_at(&through(&proxy), &workshop.store(), &workshop.rack(), &Hands::default());
        match run {
            Ok(report) => {
                let complete = report.accounts.iter().filter(|account| account.complete).count();
                assert!(complete >= 1, "{case}: the other person was disturbed: {report:#?}");
                let failed = all_failures(&report);
                assert_eq!(failed.len(), 2 - complete, "{case}: {report:#?}");
                for (step, failure) in failed {
                    // To the last request of all, a refusal means that the credential does not sign in.
                    let refused = code == FailureCode::DirectoryRefused && path.ends_with("/sign-ins/*");
                    let code = if refused { FailureCode::ProofFailed } else { code };
                    // Not being let to look says nothing about the registration.
                    let looked = step == Some(Step::Complete) && path.ends_with("/credentials");
                    let code =
                        if looked && code != FailureCode::DirectorySignIn { FailureCode::DirectoryDown } else { code };
                    assert_eq!(failure.code, code, "{case} {step:?}: {failure:?}");
                }
                // What changes nothing is asked again.
                let passing = code == FailureCode::DirectoryDown && !format!("{fault:?}").contains("Reply");
                assert!(complete == 2 || method == "POST" || !passing, "{case}: {report:#?}");
            }
            Err(RunError::Directory(_)) => assert_eq!(path, "/v1/check", "{case}"),
            Err(error) => panic!("{case}: {error}"),
        }
        mend(&workshop, &proxy, &case);
    });
}

#[test]
fn one_request_goes_wrong_every_time() {
    let lasting = faults().into_iter().filter(|(fault, _)| !is_slow(fault)).collect::<Vec<_>>();
    let cases = REQUESTS.iter().chain([&ABANDON]).flat_map(|request| lasting.iter().map(move |fault| (request, fault)));
    each(cases, |(&(method, path), (fault, _))| {
        let case = format!("{method} {path} {fault:?}");
        let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
        let proxy = FaultProxy::start(&workshop.url);
        proxy.always(Which::request(method, path), fault.clone());
        let rack = workshop.rack();
        let taking_back = (method, path) == ABANDON || path == "/v1/users/*/ceremonies" && method == "GET";
        if taking_back {
            // Something to take back: an answer that was lost, and a touch that did not come.
            proxy.once(Which::request("POST", "/v1/users/*/ceremonies"), Fault::DropAfter);
            rack.key(0).touch(Touch::Declined);
        }
        match workshop.provision_at(&through(&proxy), &workshop.store(), &rack, &Hands::default()) {
            Ok(report) => {
                let failed = all_failures(&report).len();
                assert_eq!(failed, report.accounts.iter().filter(|account| !account.complete).count(), "{case}");
                let harmless = path.ends_with("/ceremonies/*") && method == "POST" && {
                    // The key is registered, and that is read back.
                    matches!(fault, Fault::ReplyAfter(_) | Fault::DropAfter | Fault::HalfHead | Fault::HalfBody)
                };
                assert!(failed > 0 || harmless, "{case}: {report:#?}");
            }
            Err(RunError::Directory(_)) => assert_eq!(path, "/v1/check", "{case}"),
            Err(error) => panic!("{case}: {error}"),
        }
        drop(rack);
        mend(&workshop, &proxy, &case);
    });
}

#[test]
fn a_directory_that_is_down_is_not_asked_about_everybody() {
    let logins = ["ada", "barbara", "frances", "grace", "hedy", "mary"];
    let workshop = Workshop::with_one_key_each(&logins);
    let proxy = FaultProxy::start(&workshop.url);
    proxy.always(Which::request("GET", "/v1/users"), Fault::ReplyBefore(Reply::status(401)));
    let report =
        workshop.provision_at(&through(&proxy), &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    let failed = all_failures(&report);
    assert_eq!(failed.len(), logins.len());
    assert!(failed.iter().all(|(step, failure)| step.is_none() && failure.code == FailureCode::DirectorySignIn));
    assert_eq!(proxy.seen().iter().filter(|seen| seen.path == "/v1/users").count(), 2);
}

/// An IdP whose clock a test moves.
fn with_clock() -> (Workshop, Arc<AtomicU64>) {
    let ahead = Arc::new(AtomicU64::new(0));
    let own = Arc::clone(&ahead);
    let mut workshop = Workshop::with_settings(1, &["ada"], |settings| {
        settings.now = Arc::new(move || OffsetDateTime::now_utc() + Duration::from_secs(own.load(Ordering::SeqCst)));
    });
    workshop.profile.keys.required = 1;
    (workshop, ahead)
}

const LONG_ENOUGH: u64 = 600;

#[test]
fn a_challenge_that_expires_on_the_way_is_replaced_in_the_same_run() {
    for (at, servers) in [(Step::Make, false), (Step::Complete, false), (Step::Complete, true), (Step::SignIn, true)] {
        let (workshop, server_ahead) = with_clock();
        let station_ahead = Arc::new(AtomicU64::new(0));
        let late = |_: &_, step: Step| {
            if step == at {
                let clock = if servers { &server_ahead } else { &station_ahead };
                clock.store(LONG_ENOUGH, Ordering::SeqCst);
                // From then on both agree again.
                if !servers {
                    server_ahead.store(LONG_ENOUGH, Ordering::SeqCst);
                }
            }
        };
        let expire_sign_in = |_: &_, step: Step| {
            if step == at && step == Step::SignIn {
                server_ahead.fetch_add(LONG_ENOUGH, Ordering::SeqCst);
            }
        };
        let first_touch = std::sync::Once::new();
        let rack = workshop.rack();
        rack.set_touch(Touch::After(Duration::from_millis(50)));
        let hands = Hands {
            clock_ahead: Arc::clone(&station_ahead),
            at_step: (at != Step::SignIn).then(|| Box::new(late) as workshop::Then<'_>),
            at_touch: Some(Box::new(move |who, step| {
                if step == Step::SignIn {
                    first_touch.call_once(|| expire_sign_in(who, step));
                }
            })),
            ..Hands::default()
        };
        let report = workshop.provision_with(&rack, &hands).unwrap();
        assert!(report.accounts[0].complete, "{at} {servers}: {report:#?}");
        let book = workshop.book();
        let deleted = book.credentials.values().filter(|one| one.state == CredentialState::Deleted).count();
        assert_eq!(deleted, usize::from(at == Step::Complete), "{at} {servers}");
        workshop.everything_agrees(&["ada"], 1);
    }
}

#[test]
fn a_challenge_that_expired_between_runs_is_replaced() {
    // Before the credential was made, and after.
    for command in [0x01, 0x02] {
        let (workshop, server_ahead) = with_clock();
        let rack = workshop.rack();
        rack.key(0).pull_at(Moment::Command(command), Side::After);
        workshop.provision_with(&rack, &Hands::default()).unwrap();
        drop(rack);
        server_ahead.store(LONG_ENOUGH, Ordering::SeqCst);
        let hands = Hands { clock_ahead: Arc::clone(&server_ahead), ..Hands::default() };
        let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
        assert!(report.accounts[0].complete, "{report:#?}");
        workshop.everything_agrees(&["ada"], 1);
    }
}

#[test]
fn a_directory_whose_challenges_are_always_too_late_does_not_hold_the_run() {
    let mut workshop = Workshop::with_settings(1, &["ada"], |settings| {
        settings.challenge_lifetime = Duration::ZERO;
    });
    workshop.profile.keys.required = 1;
    let report = workshop.provision().unwrap();
    let [(_, failure)] = failures(&report).try_into().unwrap();
    assert_eq!(failure.code, FailureCode::ChallengeExpired);
}

/// An IdP whose list does not have yet what was registered.
struct Lagging {
    directory: Embedded,
    lags: AtomicBool,
}

impl Directory for Lagging {
    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        if self.lags.load(Ordering::SeqCst) { Ok(Vec::new()) } else { self.directory.list(user) }
    }

    fn name(&self) -> &str {
        self.directory.name()
    }

    fn instance(&self) -> Result<keywright::ledger::IdpInstance, DirectoryError> {
        self.directory.instance()
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        self.directory.preflight()
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        self.directory.find_user(login)
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        self.directory.begin(user)
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        self.directory.complete(ceremony, response, label)
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        self.directory.abandon(user, pending)
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.directory.pending(user)
    }

    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.directory.revoke(user, registered)
    }

    fn other_methods(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.directory.other_methods(user)
    }
}

#[test]
fn a_credential_that_the_list_does_not_have_yet_stays_on_its_key() {
    let (workshop, _) = with_clock();
    let directory = Lagging { directory: workshop.directory(), lags: AtomicBool::new(true) };
    let run = |ahead: u64| {
        let hands = Hands { clock_ahead: Arc::new(AtomicU64::new(ahead)), ..Hands::default() };
        let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &hands).unwrap();
        assert_eq!(workshop.credentials_on_keys(&workshop.rack(), &workshop.book()).len(), 1, "{report:#?}");
        report
    };
    // Right after it was registered, and when the registration's time is over.
    for (ahead, code) in [(0, FailureCode::DirectoryDown), (LONG_ENOUGH, FailureCode::DirectoryRefused)] {
        let [(step, failure)] = failures(&run(ahead)).try_into().unwrap();
        assert_eq!((step, failure.code), (Step::Complete, code), "{failure:?}");
    }
    directory.lags.store(false, Ordering::SeqCst);
    let report = run(LONG_ENOUGH);
    assert!(report.accounts[0].complete, "{report:#?}");
    workshop.everything_agrees(&["ada"], 1);
}
