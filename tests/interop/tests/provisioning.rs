//! The journey of the main package's `provision_two_admins`, with keys whose firmware is not OpenSK.

use keywright::ledger::{FailureCode, Step};
use keywright::register::{CredentialState, JobState};
use keywright_attest::AttestationDemand;
use keywright_fido::ctap::{Authenticator, Pin, StatusCode};
use keywright_fido::hid::{Bus, Cancel, Limits};
use keywright_interop::{AAGUID, Maker, Rack, UserPresence};
use keywright_test_support::workshop::{Hands, Workshop, failures};

/// A workshop, and so many keys whose maker's certificate is from the authority that the workshop trusts.
fn workshop(keys: usize, logins: &[&str]) -> (Workshop, Rack) {
    let workshop = Workshop::new(0, logins);
    let pem = |name: &str| std::fs::read_to_string(workshop.path().join("softkeys").join(name)).unwrap();
    let maker = Maker::under(&pem("attestation-ca.pem"), &pem("attestation-ca-key.pem"));
    (workshop, Rack::new(keys, &maker))
}

fn open(rack: &Rack, slot: usize) -> Authenticator {
    let pipe = rack.key(slot).open().unwrap();
    Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()).unwrap()
}

#[test]
fn two_admins_get_two_keys_each() {
    let (workshop, rack) = workshop(4, &["ada", "grace"]);
    let report = workshop.provision_with(&rack, &Hands::default()).unwrap();
    assert_eq!(failures(&report), []);
    assert!(report.accounts.iter().all(|account| account.complete));
    workshop.everything_agrees_on(&rack, &["ada", "grace"], 2);
    let book = workshop.book();
    assert!(book.jobs.values().all(|job| job.outcomes.steps().eq(Step::ALL)));
    assert!(book.jobs.values().all(|job| job.key().unwrap().aaguid == AAGUID));
    assert_eq!(book.credentials.len(), 4);
}

#[test]
fn a_second_run_of_the_same_roster_has_nothing_to_do() {
    let (workshop, rack) = workshop(3, &["ada"]);
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    let before = workshop.book();
    let report = workshop.provision_with(&rack, &Hands::default()).unwrap();
    assert!(report.accounts[0].complete);
    assert_eq!(workshop.book().jobs.len(), before.jobs.len());
    workshop.everything_agrees_on(&rack, &["ada"], 2);
}

#[test]
fn used_keys_are_reset_first() {
    let (workshop, rack) = workshop(2, &["ada"]);
    for slot in 0..2 {
        open(&rack, slot).set_pin(&Pin::new("271828").unwrap()).unwrap();
    }
    let report = workshop.provision_with(&rack, &Hands::default()).unwrap();
    assert_eq!(failures(&report), []);
    workshop.everything_agrees_on(&rack, &["ada"], 2);
}

#[test]
fn a_forced_pin_change_comes_last_and_ends_with_the_person_s_own_pin() {
    let (mut workshop, rack) = workshop(2, &["ada"]);
    workshop.profile.pin.force_change = true;
    let report = workshop.provision_with(&rack, &Hands::default()).unwrap();
    assert_eq!(failures(&report), []);
    assert!(open(&rack, 0).info().force_pin_change);
    // Changes the PINs before it looks.
    workshop.everything_agrees_on(&rack, &["ada"], 2);
}

#[test]
fn a_profile_with_enterprise_attestation_refuses_these_keys_untouched() {
    let (mut workshop, rack) = workshop(2, &["ada"]);
    workshop.profile.keys.attestation = AttestationDemand::Enterprise;
    let report = workshop.provision_with(&rack, &Hands::default()).unwrap();
    assert!(!report.accounts[0].complete);
    let failures = failures(&report);
    assert!(!failures.is_empty());
    for (step, failure) in failures {
        assert!(matches!(step, Step::Inspect), "{step}: {failure:?}");
    }
    assert!((0..2).all(|slot| !open(&rack, slot).info().has_pin()));
}

#[test]
fn nobody_touches_the_key_and_the_next_run_goes_on() {
    let (workshop, rack) = workshop(2, &["ada"]);
    rack.key(0).put_finger(UserPresence::Away);
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(rack.key(0).comes_to_wait(std::time::Duration::from_secs(60)));
            // The firmware waits 30 s of its clock.
            rack.key(0).advance(std::time::Duration::from_secs(31));
        });
        workshop.provision_with(&rack, &Hands::default()).unwrap()
    });
    let [(_, failure)] = &failures(&report)[..] else { panic!("one key was not touched: {report:?}") };
    assert_eq!(failure.code, FailureCode::TouchTimeout);
    rack.key(0).put_finger(UserPresence::Pressed);
    let report = workshop.with(&rack, &Hands::default(), keywright_test_support::workshop::resume).unwrap();
    assert_eq!(failures(&report), []);
    workshop.everything_agrees_on(&rack, &["ada"], 2);
}

#[test]
fn a_key_is_pulled_at_each_step_and_the_next_run_goes_on() {
    for step in Step::ALL {
        let (workshop, rack) = workshop(2, &["ada"]);
        let pulled = std::sync::atomic::AtomicBool::new(false);
        let hands = Hands {
            at_step: Some(Box::new(|who, now| {
                if now == step && who.port == "board-0" && !pulled.swap(true, std::sync::atomic::Ordering::SeqCst) {
                    rack.key(0).pull();
                }
            })),
            ..Hands::default()
        };
        let report = workshop.provision_with(&rack, &hands).unwrap();
        for (at, failure) in failures(&report) {
            assert_eq!(failure.code, FailureCode::KeyRemoved, "{step}, {at}: {failure:?}");
        }
        rack.key(0).plug();
        let report = workshop.with(&rack, &Hands::default(), keywright_test_support::workshop::resume).unwrap();
        assert_eq!(failures(&report), [], "{step}");
        workshop.everything_agrees_on(&rack, &["ada"], 2);
    }
}

#[test]
fn what_was_made_is_on_the_key_under_the_name_that_the_ledger_has() {
    let (workshop, rack) = workshop(2, &["ada"]);
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    let book = workshop.book();
    for device in rack.devices().unwrap() {
        let pin = workshop.pin_of(&book, &device.port).unwrap();
        let mut key = Authenticator::open(rack.open(&device, Limits::default(), Cancel::default()).unwrap()).unwrap();
        let wrong = key.change_pin(&Pin::new("not the PIN").unwrap(), &pin).unwrap_err();
        assert_eq!(wrong.status(), Some(StatusCode::PinInvalid));
        let token =
            key.pin_uv_auth_token(&pin, keywright_fido::ctap::Permissions::CREDENTIAL_MANAGEMENT, None).unwrap();
        let [rp] = &key.enumerate_rps(&token).unwrap()[..] else { panic!("one RP") };
        let [stored] = &key.enumerate_credentials(&token, &rp.id_hash).unwrap()[..] else { panic!("one credential") };
        assert_eq!(stored.user_name.as_deref(), Some("ada"));
        let known = &book.credentials[&stored.credential_id];
        assert_eq!(known.state, CredentialState::Registered);
        assert_eq!(book.jobs[&known.job].state, JobState::Done);
        assert_eq!(key.info().min_pin_length, 6);
        assert_eq!(key.info().option("alwaysUv"), Some(true));
    }
}
