//! Keys, people and disks that will not do: what is refused is left as it was, somebody is told, and nothing is lost.

use keywright_test_support::workshop;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keywright::audit::ledger::{LedgerAudit, Readable, Standards};
use keywright::audit::record::KeyRecord;
use keywright::idp::embedded::Embedded;
use keywright::idp::{Directory, DirectoryError, Finding, Registered, User};
use keywright::ledger::{Entry, FailureCode, Head, LedgerError, Record, SqliteStore, Step, Store};
use keywright::profile::{HandOver, Profile, Reset};
use keywright::provision::{Drill, Plan, Report, RetryPolicy, RevokeOrder, RunError, Station, revoke};
use keywright::register::{CredentialState, JobState, KeyStanding};
use keywright::secret::SystemEntropy;
use keywright_attest::{AttestationDemand, Judge};
use keywright_fido::ctap::{Authenticator, MinPinLength, Permissions, Pin};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::{AttestationConveyance, Ceremony, RegistrationResponse};
use keywright_practice::idp_server::wire::UserChange;
use keywright_practice::softkey::{Generation, Model, Moment, Rack, SOFT_AAGUID, Side, SoftKey, Touch};
use keywright_test_support::as_said::run_as_said;
use keywright_test_support::workshop::{Hands, Workshop, each, failures, resume};

fn open(key: &SoftKey) -> Authenticator {
    Authenticator::open_hid(Box::new(key.open().unwrap()), Limits::default(), Cancel::default()).unwrap()
}

fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap()
}

/// Everything that a host can see of a key without touching it: whether it has the PIN still, and what it says of itself.
fn takes_pin(key: &SoftKey, pin: &Pin) -> bool {
    open(key).pin_uv_auth_token(pin, Permissions::CREDENTIAL_MANAGEMENT, None).is_ok()
}

/// One person, one key; keys of these models.
fn one_person(models: &[Model], change: impl FnOnce(&mut Profile)) -> Workshop {
    let mut workshop = Workshop::new(0, &["ada"]);
    Rack::create_of(&workshop.path().join("softkeys"), models).unwrap();
    workshop.profile.keys.required = 1;
    change(&mut workshop.profile);
    workshop
}

fn model(generation: Generation) -> Model {
    Model { generation, ..Model::default() }
}

/// The failure of the only job.
fn only_failure(report: &Report) -> (Step, FailureCode, String) {
    let [(step, failure)] = failures(report).try_into().unwrap();
    (step, failure.code, failure.message)
}

/// Runs once; the key has to be refused at the first look, with this code, and not to have been changed.
fn refused(workshop: &Workshop, code: FailureCode) -> String {
    let rack = workshop.rack();
    let before = open(rack.key(0)).info().clone();
    let report = workshop.provision_with(&rack, &Hands::default()).unwrap();
    let (step, found, message) = only_failure(&report);
    assert_eq!((step, found), (Step::Inspect, code), "{message}");
    assert_eq!(*open(rack.key(0)).info(), before, "a refused key is left as it was");
    assert_eq!(workshop.vault().list().unwrap(), []);
    message
}

/// Another key is plugged in, and the job ends with it.
fn another_key_does(workshop: &Workshop, keys: usize) {
    let folder = workshop.path().join("softkeys");
    Rack::create_of(&folder, &vec![Model::default(); keys + 1]).unwrap();
    let report = workshop.resume().unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
}

#[test]
fn a_key_of_another_model_is_refused() {
    let other = "00000000-0000-0000-0000-00000000000a".parse().unwrap();
    let mut workshop = one_person(&[Model::default()], |profile| profile.keys.models = vec![other]);
    assert!(refused(&workshop, FailureCode::KeyRefused).contains("does not allow"));
    // The plan's profile is the ledger's; another run of the roster brings the changed one.
    workshop.profile.keys.models = vec![SOFT_AAGUID];
    assert!(workshop.provision().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn a_key_that_cannot_do_what_the_profile_asks_for_is_refused_and_another_is_taken() {
    type Change = fn(&mut Profile);
    let demands: [(&str, Change); 7] = [
        ("enforce a PIN of", |_| {}),
        ("ask for the PIN at every use", |profile| profile.pin.minimum_on_key = 4),
        ("ask for a new PIN at first use", |profile| {
            (profile.pin.minimum_on_key, profile.keys.always_uv, profile.pin.force_change) = (4, false, true);
        }),
        ("enterprise attestation", |profile| {
            (profile.pin.minimum_on_key, profile.keys.always_uv) = (4, false);
            profile.keys.attestation = AttestationDemand::Enterprise;
        }),
        ("long touch for a reset", |profile| {
            (profile.pin.minimum_on_key, profile.keys.always_uv) = (4, false);
            profile.keys.long_touch_for_reset = true;
        }),
        ("cannot sign its minimum PIN length", |profile| {
            (profile.pin.minimum_on_key, profile.keys.always_uv) = (4, false);
            profile.pin.minimum_signed = true;
        }),
        ("rules of its own for PINs", |profile| {
            (profile.pin.minimum_on_key, profile.keys.always_uv) = (4, false);
            profile.pin.complexity_on_key = true;
        }),
    ];
    // What other soft keys can do.
    let others_can = ["enforce a PIN of", "ask for the PIN at every use", "ask for a new PIN at first use"];
    for (words, change) in demands {
        let workshop = one_person(&[model(Generation::Ctap20)], change);
        let message = refused(&workshop, FailureCode::KeyRefused);
        assert!(message.contains(words), "{message}");
        if others_can.contains(&words) {
            another_key_does(&workshop, 1);
            workshop.everything_agrees(&["ada"], 1);
        }
    }
}

#[test]
fn the_minimum_pin_length_is_signed_by_the_key_and_shown_by_an_audit() {
    let workshop = one_person(&[Model::default()], |profile| profile.pin.minimum_signed = true);
    assert!(workshop.provision().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
    let ledger = workshop.ledger();
    let readable = Readable::read(&ledger, None, None).unwrap();
    let judge = Judge::new(keywright_attest::Anchors::default());
    let audit = LedgerAudit::judge(&readable, &Standards { judge: &judge, at: time::OffsetDateTime::now_utc() });
    let records = KeyRecord::all(&audit);
    let shown: Vec<_> = records.iter().map(|one| (&*one.signed_pin_minimum, &*one.algorithm)).collect();
    assert_eq!(shown, [("6", "ES256")]);
}

#[test]
fn keys_left_over_are_used_when_others_are_refused() {
    // Four old keys and one that fits, for one person.
    let mut models = vec![model(Generation::Ctap20); 4];
    models.push(Model::default());
    let workshop = one_person(&models, |_| {});
    let report = workshop.provision().unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    assert_eq!(report.accounts[0].jobs[0].port.as_deref(), Some("soft-5"));
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn each_key_goes_to_somebody_whom_it_fits() {
    // The first in the roster needs a newer key, the second takes either.
    let workshop = one_person(&[model(Generation::Ctap20)], |_| {});
    workshop.create_user("grace");
    let mut simple = workshop.profile.clone();
    simple.name = "simple".parse().unwrap();
    (simple.pin.minimum_on_key, simple.keys.always_uv) = (4, false);
    let roster = "account,profile\nada,workshop\ngrace,simple\n";
    std::fs::write(workshop.path().join("roster.csv"), roster).unwrap();
    let mut profiles = workshop.profiles();
    profiles.insert(simple.name.clone(), simple);
    let roster = keywright::profile::Roster::read(&workshop.path().join("roster.csv"), &profiles).unwrap();
    let report = workshop.with(&workshop.rack(), &Hands::default(), |station| {
        let plan = Plan::for_roster(station, &roster, &profiles).unwrap();
        run_as_said(station, &plan).unwrap()
    });
    let complete: Vec<bool> = report.accounts.iter().map(|account| account.complete).collect();
    assert_eq!(complete, [false, true], "{report:#?}");
    assert!(failures(&report).is_empty(), "nobody was offered a key that does not fit");
}

#[test]
fn keys_of_other_generations_are_made_under_a_profile_that_fits_them() {
    for generation in [Generation::Ctap20, Generation::Ctap21Pre, Generation::Ctap23] {
        let workshop = one_person(&[model(generation)], |profile| {
            if generation != Generation::Ctap23 {
                (profile.pin.minimum_on_key, profile.keys.always_uv) = (4, false);
            }
        });
        let report = workshop.provision().unwrap();
        assert!(report.accounts[0].complete, "{generation:?}: {report:#?}");
        let book = workshop.book();
        if generation == Generation::Ctap23 {
            workshop.everything_agrees(&["ada"], 1);
        }
        // The finished key is known again, by its credential.
        let hands = Hands::default();
        workshop.create_user("grace");
        workshop.set_roster(&["grace"]);
        let run = workshop.provision_with(&workshop.rack(), &hands);
        assert!(matches!(run, Err(RunError::NoKey)), "{run:?}");
        assert!(hands.said.lock().unwrap().iter().any(|said| said.contains("ada's key 1 already")), "{generation:?}");
        assert_eq!(book.credentials.len(), workshop.book().credentials.len());
    }
}

#[test]
fn an_old_key_that_cannot_delete_replaces_what_an_earlier_attempt_left() {
    for generation in [Generation::Ctap20, Generation::Ctap21Pre] {
        let workshop = one_person(&[model(generation)], |profile| {
            (profile.pin.minimum_on_key, profile.keys.always_uv) = (4, false);
        });
        for _ in 0..2 {
            let rack = workshop.rack();
            let hands = Hands {
                // Made, and never proved.
                at_step: Some(Box::new(|_, step| {
                    rack.set_touch(if step == Step::Prove { Touch::Declined } else { Touch::After(Duration::ZERO) });
                })),
                ..Hands::default()
            };
            let report = workshop.provision_with(&rack, &hands).unwrap();
            assert_eq!(only_failure(&report).1, FailureCode::TouchDeclined);
        }
        let report = workshop.resume().unwrap();
        assert!(report.accounts[0].complete, "{generation:?}: {report:#?}");
        let book = workshop.book();
        let mut states: Vec<CredentialState> = book.credentials.values().map(|one| one.state).collect();
        states.sort_by_key(|state| *state == CredentialState::Registered);
        assert_eq!(states, [CredentialState::Deleted, CredentialState::Deleted, CredentialState::Registered]);
    }
}

#[test]
fn enterprise_attestation_names_the_key() {
    let mut workshop = Workshop::with_settings(1, &["ada"], |settings| {
        settings.attestation = AttestationConveyance::Enterprise;
    });
    workshop.profile.keys.required = 1;
    workshop.profile.keys.attestation = AttestationDemand::Enterprise;
    let report = workshop.provision().unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let book = workshop.book();
    let credential = book.credentials.values().next().unwrap();
    assert!(credential.attested_serial.as_ref().is_some_and(|serial| !serial.is_empty()), "{credential:?}");
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn a_key_whose_pin_rules_clash_with_the_profile_is_refused() {
    let workshop = one_person(&[Model::default()], |profile| profile.keys.reset = Reset::Never);
    let rack = workshop.rack();
    let longer = MinPinLength { new_min_pin_length: Some(12), ..MinPinLength::default() };
    open(rack.key(0)).set_min_pin_length(None, &longer).unwrap();
    drop(rack);
    assert!(refused(&workshop, FailureCode::PinPolicy).contains("12"));
    another_key_does(&workshop, 1);
    workshop.everything_agrees(&["ada"], 1);
}

/// Fills a key with credentials of somebody else.
fn fill(key: &SoftKey, room: u16) {
    use keywright_fido::ctap::MakeCredential;
    use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
    let mut key = open(key);
    for number in 0..room {
        let request = MakeCredential {
            resident_key: true,
            ..MakeCredential::new(
                [7; 32],
                RelyingParty { id: "shop.example".parse().unwrap(), name: "Shop".into() },
                UserEntity {
                    id: UserHandle::new(number.to_be_bytes()).unwrap(),
                    name: format!("{number}"),
                    display_name: String::new(),
                },
                vec![CoseAlgorithm::ES256],
            )
        };
        key.make_credential(&request, None, &mut |_| {}).unwrap();
    }
}

#[test]
fn a_full_key_is_refused_unless_it_is_to_be_reset() {
    let small = Model { max_resident_credentials: 2, ..Model::default() };
    let workshop = one_person(&[small], |_| {});
    fill(workshop.rack().key(0), 2);
    refused(&workshop, FailureCode::KeyFull);
    another_key_does(&workshop, 1);

    let workshop = one_person(&[small], |_| {});
    fill(workshop.rack().key(0), 2);
    open(workshop.rack().key(0)).set_pin(&pin("somebody's")).unwrap();
    assert!(workshop.provision().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn a_pin_that_nobody_gave_is_respected() {
    let foreign = pin("somebody's");
    // The profile forbids a reset.
    let workshop = one_person(&[Model::default()], |profile| profile.keys.reset = Reset::Never);
    open(workshop.rack().key(0)).set_pin(&foreign).unwrap();
    refused(&workshop, FailureCode::PinUnknown);
    assert!(takes_pin(workshop.rack().key(0), &foreign));
    another_key_does(&workshop, 1);

    // The operator forbids it.
    let workshop = one_person(&[Model::default()], |_| {});
    open(workshop.rack().key(0)).set_pin(&foreign).unwrap();
    let hands = Hands { refuses_resets: true, ..Hands::default() };
    let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
    let (step, code, _) = only_failure(&report);
    assert_eq!((step, code), (Step::Inspect, FailureCode::PinUnknown));
    assert!(takes_pin(workshop.rack().key(0), &foreign));

    // The operator says yes: it is pulled, plugged in and reset.
    let hands = Hands::default();
    let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    assert!(hands.said.lock().unwrap().contains(&"replug soft-1".to_owned()));
    assert!(!takes_pin(workshop.rack().key(0), &foreign));
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn a_key_with_few_attempts_left_is_never_tried() {
    let workshop = one_person(&[Model::default()], |_| {});
    let rack = workshop.rack();
    rack.key(0).pull_at(Moment::Command(0x01), Side::Before);
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    let key = rack.key(0);
    // Somebody guesses, until three attempts are left.
    for _ in 0..5 {
        key.power_cycle();
        assert!(!takes_pin(key, &pin("a guess")));
    }
    key.power_cycle();
    assert_eq!(open(key).pin_retries().unwrap().retries, 3);
    let hands = Hands::default();
    let run = workshop.with(&rack, &hands, resume);
    assert!(run.is_ok_and(|report| !report.accounts[0].complete));
    assert_eq!(open(key).pin_retries().unwrap().retries, 3);
    let said = hands.said.lock().unwrap();
    assert!(said.iter().any(|said| said.contains("soft-1") && said.contains("3 PIN attempts left")), "{said:?}");
    // The right PIN, given by a person, makes it a key like any other.
    let known = workshop.pin_of(&workshop.book(), "soft-1").unwrap();
    assert!(takes_pin(key, &known));
    drop(rack);
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn a_foreign_key_costs_two_attempts_at_the_most() {
    let logins = ["ada", "barbara", "frances"];
    let workshop = Workshop::with_one_key_each(&logins);
    let rack = workshop.rack();
    rack.keys().iter().for_each(|key| key.pull_at(Moment::Command(0x01), Side::Before));
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    drop(rack);
    // Three jobs miss their keys; a key comes that is nobody's of them.
    let drawer = workshop.path().join("drawer");
    std::fs::rename(workshop.path().join("softkeys"), &drawer).unwrap();
    std::fs::create_dir(workshop.path().join("softkeys")).unwrap();
    for file in ["attestation-ca.pem", "attestation-ca-key.pem"] {
        std::fs::copy(drawer.join(file), workshop.path().join("softkeys").join(file)).unwrap();
    }
    let rack = Rack::create(&workshop.path().join("softkeys"), 1).unwrap();
    open(rack.key(0)).set_pin(&pin("somebody's")).unwrap();
    let hands = Hands { refuses_resets: true, ..Hands::default() };
    workshop.with(&rack, &hands, resume).unwrap();
    assert_eq!(open(rack.key(0)).pin_retries().unwrap().retries, 6);
    assert!(takes_pin(rack.key(0), &pin("somebody's")));
    drop(rack);
    std::fs::remove_dir_all(workshop.path().join("softkeys")).unwrap();
    std::fs::rename(&drawer, workshop.path().join("softkeys")).unwrap();
    assert!(workshop.resume().unwrap().accounts.iter().all(|account| account.complete));
    workshop.everything_agrees(&logins, 1);
}

#[test]
fn a_fresh_key_in_the_port_of_a_lost_one_is_not_taken_for_it() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let rack = workshop.rack();
    rack.key(0).pull_at(Moment::Command(0x01), Side::After);
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    drop(rack);
    let file = workshop.path().join("softkeys/soft-01.key");
    let aside = workshop.path().join("soft-01.key");
    std::fs::rename(&file, &aside).unwrap();
    Rack::create(&workshop.path().join("softkeys"), 1).unwrap();
    let before = workshop.book();
    let report = workshop.resume().unwrap();
    assert!(!report.accounts[0].complete && failures(&report).is_empty(), "{report:#?}");
    assert!(!open(workshop.rack().key(0)).info().has_pin());
    assert_eq!(workshop.book().jobs.values().next().unwrap().state, before.jobs.values().next().unwrap().state);
    std::fs::rename(&aside, &file).unwrap();
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn an_attestation_that_leads_nowhere_is_refused_and_everything_taken_back() {
    let mut workshop = Workshop::new(3, &["ada", "grace"]);
    workshop.profile.keys.required = 1;
    let rack = workshop.rack();
    let hands = Hands { distrusts: true, ..Hands::default() };
    let report = workshop.provision_with(&rack, &hands).unwrap();
    let failed = failures(&report);
    assert_eq!(failed.len(), 2, "each delivery is tried with one key, not with all of them");
    let directory = workshop.directory();
    let book = workshop.book();
    for (_, failure) in &failed {
        assert_eq!(failure.code, FailureCode::AttestationRefused);
        assert!(failure.message.contains("the key in soft-"), "{}", failure.message);
    }
    for login in ["ada", "grace"] {
        let user = directory.find_user(login).unwrap();
        assert_eq!(directory.pending(&user).unwrap(), Vec::<String>::new());
        assert_eq!(directory.list(&user).unwrap(), []);
    }
    assert!(book.credentials.values().all(|one| one.state == CredentialState::Deleted));
    assert!(book.jobs.values().all(|job| job.state == JobState::Ready(Step::Inspect)));
    // The PINs that they keep are sealed, and somebody is told under which names.
    let sealed = workshop.vault().list().unwrap();
    assert_eq!((sealed.len(), book.attention.len()), (2, 2));
    let said = hands.said.lock().unwrap();
    for name in &sealed {
        assert!(book.attention.iter().any(|(_, message)| message.contains(&name.0)), "{:?}", book.attention);
        assert!(said.iter().any(|said| said.contains(&name.0)));
    }
    for key in rack.keys() {
        if !open(key).info().has_pin() {
            continue;
        }
        let known = sealed.iter().map(|name| workshop.sealed(name).unwrap());
        let mut key = open(key);
        let token = known
            .into_iter()
            .find_map(|pin| key.pin_uv_auth_token(&pin, Permissions::CREDENTIAL_MANAGEMENT, None).ok());
        assert!(key.enumerate_rps(&token.unwrap()).unwrap().is_empty(), "a credential was left on a refused key");
    }
    // With the right anchors, the next run takes them: with a reset, since they have a PIN.
    let unused = rack.keys().iter().position(|key| !open(key).info().has_pin()).unwrap();
    drop(rack);
    std::fs::remove_file(workshop.path().join(format!("softkeys/soft-{:02}.key", unused + 1))).unwrap();
    let report = workshop.provision().unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    assert_eq!(workshop.vault().list().unwrap(), sealed, "the PINs of keys that were turned away stay");
    sealed.iter().for_each(|name| workshop.vault().destroy(name).unwrap());
    workshop.everything_agrees(&["ada", "grace"], 1);
}

#[test]
fn a_key_that_has_a_credential_of_the_account_is_not_its_second_key() {
    // credProtect 3 hides the credential from everybody without the PIN. Such a key is left alone, even by who says yes to resets.
    let mut workshop = Workshop::new(1, &["ada"]);
    workshop.profile.keys.cred_protect = 3;
    let hands = Hands::default();
    let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
    assert!(!report.accounts[0].complete);
    assert!(matches!(workshop.provision_with(&workshop.rack(), &hands), Err(RunError::NoKey)));
    assert!(hands.said.lock().unwrap().iter().any(|said| said.contains("looks like ada's key 1, which is done")));
    Rack::create(&workshop.path().join("softkeys"), 2).unwrap();
    assert!(workshop.provision_with(&workshop.rack(), &hands).unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 2);
}

/// A store whose disk has room for so many events and no more. Events are counted and not writes: what two threads write at
/// the same moment goes in one.
struct FullFrom<'a> {
    store: &'a dyn Store,
    at: usize,
    events: AtomicUsize,
}

impl Store for FullFrom<'_> {
    fn append(&self, expected: &Head, records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        if self.events.fetch_add(records.len(), Ordering::SeqCst) + records.len() > self.at {
            return Err(LedgerError::DiskFull { path: "ledger.sqlite3".into() });
        }
        self.store.append(expected, records)
    }

    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.store.rows(after, visit)
    }
}

#[test]
fn the_disk_is_full_at_each_event() {
    let whole = {
        let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
        let store = workshop.store();
        let counting = FullFrom { store: &store, at: usize::MAX, events: AtomicUsize::new(0) };
        workshop.provision_at(&workshop.directory(), &counting, &workshop.rack(), &Hands::default()).unwrap();
        counting.events.into_inner()
    };
    assert!(whole > 40, "{whole}");
    each(0..whole, |at| {
        let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
        let store = workshop.store();
        let full = FullFrom { store: &store, at, events: AtomicUsize::new(0) };
        let run = workshop.provision_at(&workshop.directory(), &full, &workshop.rack(), &Hands::default());
        assert!(matches!(run, Err(RunError::Ledger(LedgerError::DiskFull { .. }))), "event {at}: {run:?}");
        drop(store);
        let report = workshop.provision().unwrap();
        assert!(report.accounts.iter().all(|account| account.complete), "event {at}: {report:#?}");
        workshop.everything_agrees(&["ada", "grace"], 1);
    });
}

#[test]
fn the_disk_is_full_while_a_refused_registration_is_taken_back() {
    use keywright_test_support::fault_proxy::{Fault, FaultProxy, Reply, Which};
    // From the first PIN on.
    each(12..40, |at| {
        let workshop = Workshop::with_one_key_each(&["ada"]);
        let proxy = FaultProxy::start(&workshop.url);
        proxy.always(Which::request("POST", "/v1/users/*/ceremonies/*"), Fault::ReplyBefore(Reply::status(403)));
        let troubled = Embedded::new(workshop::DIRECTORY, &proxy.url(), workshop::TOKEN.to_owned().into()).unwrap();
        let store = workshop.store();
        let full = FullFrom { store: &store, at, events: AtomicUsize::new(0) };
        match workshop.provision_at(&troubled, &full, &workshop.rack(), &Hands::default()) {
            Ok(report) => assert_eq!(only_failure(&report).1, FailureCode::DirectoryRefused, "event {at}"),
            Err(error) => assert!(matches!(error, RunError::Ledger(_)), "event {at}: {error}"),
        }
        drop(store);
        let report = workshop.provision().unwrap();
        assert!(report.accounts[0].complete, "event {at}: {report:#?}");
        workshop.everything_agrees(&["ada"], 1);
    });
}

#[test]
fn a_pin_that_cannot_be_handed_over_stays_sealed() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let folder = workshop.path().join("hand-over");
    std::fs::write(&folder, "no folder").unwrap();
    let report = workshop.provision().unwrap();
    let (step, code, _) = only_failure(&report);
    assert_eq!((step, code), (Step::HandOver, FailureCode::Secret));
    let known = workshop.pin_of(&workshop.book(), "soft-1").unwrap();
    assert!(takes_pin(workshop.rack().key(0), &known));
    std::fs::remove_file(&folder).unwrap();
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn what_a_letter_program_says_is_shown_and_not_kept() {
    let mut workshop = Workshop::with_one_key_each(&["ada"]);
    workshop.profile.hand_over = HandOver::Letter;
    for (script, shown) in [
        ("tr -d ' ' | tr a-z A-Z >&2; exit 3", "sh says: (not shown"),
        ("cat > /dev/null; echo 'no paper in tray 2' >&2; exit 3", "sh says: no paper in tray 2"),
    ] {
        workshop.letter_program = ["sh", "-c", script].map(str::to_owned).to_vec();
        let hands = Hands::default();
        let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
        let (step, code, message) = only_failure(&report);
        assert_eq!((step, code), (Step::HandOver, FailureCode::Secret));
        assert!(message.ends_with("exited with 3"), "{message}");
        let said = hands.said.lock().unwrap().join("\n").to_lowercase();
        assert!(said.contains(&shown.to_lowercase()), "{said}");
        let pin = workshop.pin_of(&workshop.book(), "soft-1").unwrap().expose().to_lowercase();
        let entries = SqliteStore::read(&workshop.path().join("ledger.sqlite3")).unwrap().entries(0).unwrap();
        for text in entries.iter().map(|entry| entry.with_texts().unwrap().to_string().to_lowercase()).chain([said]) {
            assert!(!text.contains(&pin) && !text.contains("no paper") || text.contains("sh says"), "{text}");
        }
    }
    workshop.letter_program = ["sh", "-c", "cat > /dev/null"].map(str::to_owned).to_vec();
    assert!(workshop.resume().unwrap().accounts[0].complete);
}

#[test]
fn sealed_pins_that_changed_places_reach_nobody() {
    let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
    let folder = workshop.path().join("hand-over");
    std::fs::write(&folder, "no folder").unwrap();
    workshop.provision().unwrap();
    std::fs::remove_file(&folder).unwrap();
    let swap = || {
        let at = |name: &str| workshop.path().join("vault/pins").join(name);
        for (from, to) in [("job-1-1.age", "kept"), ("job-2-1.age", "job-1-1.age"), ("kept", "job-2-1.age")] {
            std::fs::rename(at(from), at(to)).unwrap();
        }
    };
    swap();
    let failed = failures(&workshop.resume().unwrap());
    assert_eq!(failed.len(), 2, "{failed:?}");
    for (step, failure) in failed {
        assert_eq!((step, failure.code), (Step::HandOver, FailureCode::Secret));
        assert!(failure.message.ends_with("is not the PIN that was sealed for this key"), "{}", failure.message);
    }
    assert!(!folder.exists(), "somebody got a PIN");
    swap();
    assert!(workshop.resume().unwrap().accounts.iter().all(|account| account.complete));
    workshop.everything_agrees(&["ada", "grace"], 1);
}

#[test]
fn a_pin_whose_copy_is_gone_before_it_was_handed_over_is_lost_and_its_key_replaced() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let folder = workshop.path().join("hand-over");
    std::fs::write(&folder, "no folder").unwrap();
    workshop.provision().unwrap();
    std::fs::remove_dir_all(workshop.path().join("vault")).unwrap();
    std::fs::remove_file(&folder).unwrap();
    let report = workshop.resume().unwrap();
    let (step, code, message) = only_failure(&report);
    assert_eq!((step, code), (Step::HandOver, FailureCode::PinLost), "{message}");
    assert!(message.contains("replace this key"), "{message}");
    assert!(!report.accounts[0].complete);
    let book = workshop.book();
    let ada = book.accounts.keys().next().unwrap();
    let standing = book.standing(ada, time::OffsetDateTime::now_utc()).unwrap();
    assert_eq!((standing.in_service(), standing.missing()), (0, 1));
    assert_eq!(standing.keys[0].standing, KeyStanding::PinLost);

    // Replaced, the account is complete.
    let (directory, cancel) = (workshop.directory(), Cancel::default());
    let policy = RetryPolicy::default();
    assert!(
        revoke(
            &directory,
            &workshop.store(),
            &policy,
            &cancel,
            ada,
            1,
            RevokeOrder { reason: "PIN lost", operator: &"tester".into() }
        )
        .unwrap()
        .given_up
    );
    Rack::create(&workshop.path().join("softkeys"), 2).unwrap();
    let report = workshop.provision().unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
}

#[test]
fn a_ledger_that_another_run_holds_is_not_written() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let held = workshop.store();
    let second = SqliteStore::open(&workshop.path().join("ledger.sqlite3"), Box::new(time::OffsetDateTime::now_utc));
    assert!(matches!(second, Err(LedgerError::Locked { .. })));
    drop(held);
    assert!(workshop.provision().unwrap().accounts[0].complete);
}

#[test]
fn people_whom_the_directory_does_not_know_as_such_get_no_key_and_others_do() {
    let mut workshop = Workshop::new(3, &["ada", "grace", "hedy"]);
    workshop.profile.keys.required = 1;
    workshop.set_roster(&["nobody", "hedy", "grace"]);
    let directory = workshop.directory();
    let hedy = directory.find_user("hedy").unwrap();
    let inactive = |active| UserChange { active: Some(active), ..UserChange::default() };
    directory.change_user(&hedy, &inactive(false)).unwrap();
    let report = workshop.provision().unwrap();
    for (account, complete) in report.accounts.iter().zip([false, false, true]) {
        assert_eq!(account.complete, complete, "{report:#?}");
        let code = account.failure.as_ref().map(|failure| failure.code);
        assert_eq!(code, (!complete).then_some(FailureCode::AccountRefused));
    }
    // Only grace's key was touched.
    assert_eq!(workshop.rack().keys().iter().filter(|key| open(key).info().has_pin()).count(), 1);
    directory.change_user(&hedy, &inactive(true)).unwrap();
    workshop.create_user("nobody");
    // Those whom nobody knew are not in the register, so it is the roster that names them.
    assert_eq!(workshop.book().accounts.len(), 1);
    assert!(workshop.provision().unwrap().accounts.iter().all(|account| account.complete));
    workshop.everything_agrees(&["nobody", "hedy", "grace"], 1);
}

/// The IdP with another account behind a login.
struct HandedOn<'a>(&'a dyn Directory);

impl Directory for HandedOn<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn instance(&self) -> Result<keywright::ledger::IdpInstance, DirectoryError> {
        self.0.instance()
    }
    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        self.0.preflight()
    }
    fn find_user(&self, _login: &str) -> Result<User, DirectoryError> {
        self.0.find_user("eve")
    }
    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        self.0.begin(user)
    }
    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        self.0.complete(ceremony, response, label)
    }
    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        self.0.abandon(user, pending)
    }
    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.0.pending(user)
    }
    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        self.0.list(user)
    }
    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.0.revoke(user, registered)
    }
    fn other_methods(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.0.other_methods(user)
    }
}

#[test]
fn a_login_that_was_handed_on_to_another_account_gets_no_key() {
    let workshop = Workshop::new(1, &["ada"]);
    workshop.create_user("eve");
    // The first of two keys is made for the account as it was.
    workshop.provision().unwrap();
    Rack::create(&workshop.path().join("softkeys"), 2).unwrap();
    let directory = workshop.directory();
    let handed_on = HandedOn(&directory);
    let told = |error: &dyn ToString| {
        let words = error.to_string();
        assert!(words.starts_with("ada belongs to another user now (id "), "{words}");
    };
    let (store, rack, hands) = (workshop.store(), workshop.rack(), Hands::default());
    let work = |station: &Station<'_>| {
        let plan = workshop.plan(station)?;
        Ok::<_, RunError>((plan.people[0].refused.clone().unwrap(), run_as_said(station, &plan)?))
    };
    let (planned, report) = workshop.with_directory(&handed_on, &store, &rack, &hands, work).unwrap();
    assert_eq!(report.accounts[0].failure.as_ref(), Some(&planned));
    assert_eq!(planned.code, FailureCode::AccountRefused);
    told(&planned.message);
    let (book, cancel) = (workshop.book(), Cancel::default());
    let (account, id) = (book.accounts.keys().next().unwrap(), book.credentials.keys().next().unwrap());
    let policy = RetryPolicy::default();
    let drill = Drill::open(&handed_on, &store, policy, &cancel, &SystemEntropy, "tester".into()).unwrap();
    told(&drill.examine(&mut open(rack.key(0)), id).unwrap_err());
    drop(drill);
    told(
        &revoke(
            &handed_on,
            &store,
            &policy,
            &cancel,
            account,
            1,
            RevokeOrder { reason: "lost", operator: &"tester".into() },
        )
        .unwrap_err(),
    );
    drop((store, rack));
    assert_eq!(directory.list(&directory.find_user("eve").unwrap()).unwrap(), []);
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 2);
}

#[test]
fn nothing_is_begun_while_the_directory_is_down_or_would_refuse_everything() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let gone = Embedded::new(workshop::DIRECTORY, &address, workshop::TOKEN.to_owned().into()).unwrap();
    let run = workshop.provision_at(&gone, &workshop.store(), &workshop.rack(), &Hands::default());
    assert!(matches!(run, Err(RunError::Directory(_))), "{run:?}");
    assert_eq!(workshop.book().head.seq, 0);

    let workshop = Workshop::with_settings(1, &["ada"], |settings| {
        settings.anchors = Arc::new(keywright_attest::Anchors::default());
    });
    let run = workshop.provision();
    assert!(matches!(&run, Err(RunError::Blocked { findings, .. }) if findings.len() == 1), "{run:?}");
    assert_eq!(workshop.book().head.seq, 0);
}
