//! What goes over the cable, counted: a getInfo, a key agreement or a token that nobody needs shows up here.
//!
//! Each exchange costs a key milliseconds, and a batch has thousands. `benches/clients` holds the same errands against other
//! clients of CTAP2.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keywright::ledger::Step;
use keywright::profile::Reset;
use keywright_fido::ctap::{
    Authenticator, GetAssertion, MakeCredential, Permissions, Pin, PinUvAuthToken, Transport, TransportError,
};
use keywright_fido::hid::{Bus, Cancel, Channel, Device, Limits, Pipe, PipeError, Report};
use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, RpId, UserEntity, UserHandle};
use keywright_practice::softkey::Rack;
use keywright_test_support::workshop::{Hands, Workshop};

/// What went to the key since it was last looked at. What comes back is the key's affair: it says KEEPALIVE when it likes.
#[derive(Debug, Default, Clone)]
struct HidConnection(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<&'static str>,
    reports: usize,
}

impl HidConnection {
    /// The requests, in order, and the number of their reports.
    fn take(&self) -> (Vec<&'static str>, usize) {
        let seen = std::mem::take(&mut *self.0.lock().unwrap());
        (seen.requests, seen.reports)
    }
}

/// A rack whose keys are all on one cable.
struct Tapped(Rack, HidConnection);

impl Bus for Tapped {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        self.0.devices()
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        let pipe = TappedPipe(self.0.pipe(device)?, self.1.clone());
        Ok(Box::new(Channel::open(Box::new(pipe), limits, cancel)?))
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        self.0.replug(device, patience, cancel)
    }
}

struct TappedPipe(Box<dyn Pipe>, HidConnection);

impl Pipe for TappedPipe {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        {
            let mut seen = self.1.0.lock().unwrap();
            seen.reports += 1;
            seen.requests.extend(request(report));
        }
        self.0.write(report)
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        self.0.read(timeout)
    }
}

/// What a report begins, if it begins anything: channel, command, length, then the CTAP2 command and its first members.
fn request(report: &Report) -> Option<&'static str> {
    Some(match report[4..] {
        [0x86, ..] => "INIT",
        [0x90, _, _, 0x01, ..] => "makeCredential",
        [0x90, _, _, 0x02, ..] => "getAssertion",
        [0x90, _, _, 0x04, ..] => "getInfo",
        [0x90, _, _, 0x06, _, 0x01, _, 0x02, subcommand, ..] => match subcommand {
            0x02 => "getKeyAgreement",
            0x03 => "setPIN",
            0x09 => "getPinUvAuthToken",
            other => panic!("clientPIN {other:#x}"),
        },
        [0x90, _, _, 0x07, ..] => "reset",
        [0x90, _, _, 0x0a, _, 0x01, subcommand, ..] => match subcommand {
            0x02 => "enumerateRPsBegin",
            0x04 => "enumerateCredentialsBegin",
            other => panic!("credentialManagement {other:#x}"),
        },
        [0x90, _, _, 0x0d, _, 0x01, subcommand, ..] => match subcommand {
            0x01 => "enableEnterpriseAttestation",
            0x02 => "toggleAlwaysUv",
            0x03 => "setMinPINLength",
            other => panic!("config {other:#x}"),
        },
        [command, ..] if command >= 0x80 => panic!("{report:02x?}"),
        _ => return None,
    })
}

#[test]
fn each_errand_takes_no_more_than_it_needs() {
    let bus = Tapped(Rack::in_memory(1).unwrap(), HidConnection::default());
    let cable = bus.1.clone();
    let (pin, rp_id): (Pin, RpId) = (Pin::new("k7mw4xrt").unwrap(), "example.org".parse().unwrap());
    let token = |key: &mut Authenticator, permissions, rp_id: Option<&RpId>| -> PinUvAuthToken {
        key.pin_uv_auth_token(&pin, permissions, rp_id).unwrap()
    };

    let opened = bus.open(&bus.devices().unwrap()[0], Limits::default(), Cancel::default()).unwrap();
    let mut key = Authenticator::open(opened).unwrap();
    assert_eq!(cable.take(), (vec!["INIT", "getInfo"], 2));

    key.set_pin(&pin).unwrap();
    assert_eq!(cable.take(), (vec!["getKeyAgreement", "setPIN"], 5));

    let for_making = token(&mut key, Permissions::MAKE_CREDENTIAL, Some(&rp_id));
    let request = MakeCredential {
        resident_key: true,
        ..MakeCredential::new(
            [7; 32],
            RelyingParty { id: rp_id.clone(), name: "Example".into() },
            UserEntity {
                id: UserHandle::new([7; 32]).unwrap(),
                name: "ada@example.org".into(),
                display_name: "Ada Lovelace".into(),
            },
            vec![CoseAlgorithm::ES256],
        )
    };
    let made = key.make_credential(&request, Some(&for_making), &mut |_| {}).unwrap();
    assert_eq!(cable.take(), (vec!["getKeyAgreement", "getPinUvAuthToken", "makeCredential"], 8));

    let for_signing = token(&mut key, Permissions::GET_ASSERTION, Some(&rp_id));
    let request = GetAssertion {
        rp_id,
        client_data_hash: [7; 32],
        allow_list: vec![made.attestation_object.auth_data.attested_credential_data.unwrap().credential_id],
        user_presence: true,
    };
    key.get_assertions(&request, Some(&for_signing), &mut |_| {}).unwrap();
    assert_eq!(cable.take(), (vec!["getKeyAgreement", "getPinUvAuthToken", "getAssertion"], 7));

    let for_listing = token(&mut key, Permissions::CREDENTIAL_MANAGEMENT, None);
    for rp in key.enumerate_rps(&for_listing).unwrap() {
        assert_eq!(key.enumerate_credentials(&for_listing, &rp.id_hash).unwrap().len(), 1);
    }
    let whole = vec!["getKeyAgreement", "getPinUvAuthToken", "enumerateRPsBegin", "enumerateCredentialsBegin"];
    assert_eq!(cable.take(), (whole, 7));
}

/// Everything that a profile can ask of a key.
#[test]
fn each_step_of_a_job_takes_no_more_than_it_needs() {
    let mut workshop = Workshop::with_one_key_each(&["ada"]);
    workshop.profile.keys.reset = Reset::Always;
    workshop.profile.pin.force_change = true;
    let bus = Tapped(workshop.rack(), HidConnection::default());
    let steps = Mutex::new((None, BTreeMap::new()));
    let turn_over = |next: Option<Step>| {
        let (step, seen) = &mut *steps.lock().unwrap();
        seen.insert(std::mem::replace(step, next), bus.1.take().0);
    };
    let hands = Hands { at_step: Some(Box::new(|_, step| turn_over(Some(step)))), ..Hands::default() };
    assert!(workshop.provision_with(&bus, &hands).unwrap().accounts[0].complete);
    turn_over(None);

    let mut seen = std::mem::take(&mut steps.lock().unwrap().1);
    let mut at = |step| seen.remove(&step).unwrap();
    // Before the first step.
    assert_eq!(at(None), ["INIT", "getInfo"]);
    // It is another insertion, so it has to say again what it is, and then that it is as from the factory.
    assert_eq!(at(Some(Step::Reset)), ["INIT", "getInfo", "reset", "getInfo"]);
    assert_eq!(at(Some(Step::SetPin)), ["getKeyAgreement", "setPIN"]);
    assert_eq!(at(Some(Step::Make)), ["getKeyAgreement", "getPinUvAuthToken", "makeCredential"]);
    assert_eq!(at(Some(Step::Prove)), ["getKeyAgreement", "getPinUvAuthToken", "getAssertion"]);
    assert_eq!(at(Some(Step::SignIn)), ["getKeyAgreement", "getPinUvAuthToken", "getAssertion"]);
    // alwaysUv is a toggle: looked at before and after, and seen to hold. The last look is what goes into the ledger.
    let token = ["getInfo", "getKeyAgreement", "getPinUvAuthToken"];
    let policy = ["toggleAlwaysUv", "getInfo", "getAssertion", "setMinPINLength", "getInfo"];
    assert_eq!(at(Some(Step::Harden)), [&token[..], &policy].concat());
    for (step, requests) in seen {
        assert_eq!(requests, Vec::<&str>::new(), "{step:?} needs no key");
    }
}
