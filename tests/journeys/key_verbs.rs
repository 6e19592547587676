//! What is done to keys after their first day, by the functions that the program calls: for tests whose process may die in the middle.

use std::time::Duration;

use keywright::audit::key::{self, attest, credentials_of_ledger};
use keywright::idp::Directory;
use keywright::ledger::{Event, LedgerError, Store};
use keywright::provision::{self, Eraser, Relabelled, RetryPolicy, identity, was_on_empty_key, which_key};
use keywright::register::{Credential, Register};
use keywright::secret::SystemEntropy;
use keywright_fido::ctap::{Authenticator, CtapError};
use keywright_fido::hid::{Bus as _, Device, Limits};
use keywright_fido::webauthn::CredentialId;
use keywright_files::Cancel;
use keywright_practice::softkey::Rack;
use keywright_test_support::workshop::Workshop;

fn nothing(_: &Device) {}

/// What erases keys, as the program does.
pub(crate) fn eraser<'a>(rack: &'a Rack, store: &'a dyn Store) -> Eraser<'a> {
    Eraser {
        bus: rack,
        store,
        limits: Limits::default(),
        patience: Duration::ZERO,
        cancel: Cancel::default(),
        entropy: &SystemEntropy,
        operator_name: "tester".into(),
        ask_to_replug: &nothing,
        ask_to_touch: &nothing,
    }
}

pub(crate) fn open(rack: &Rack, device: &Device) -> Authenticator {
    Authenticator::open(rack.open(device, Limits::default(), Cancel::default()).unwrap()).unwrap()
}

pub(crate) fn read(store: &dyn Store) -> Register {
    let mut register = Register::default();
    register.catch_up(store).unwrap();
    register
}

/// What is meant of that which is plugged in comes back, as by `key return` and `account left --wipe`: erased, and marked again.
pub(crate) fn take_back(workshop: &Workshop, store: &dyn Store, is_meant: impl Fn(&Device, &Credential) -> bool) {
    let rack = workshop.rack();
    let in_hand = key::in_hand(rack.devices().unwrap(), &read(store), |device| Ok::<_, CtapError>(open(&rack, device)));
    for (device, mut ids) in in_hand.unwrap() {
        let mut register = read(store);
        let is_out = |one: &Credential| one.returned.is_none() && is_meant(&device, one);
        ids.retain(|id| is_out(&register.credentials[id]));
        let Some(number) = ids.first().and_then(|id| register.credentials[id].number) else { continue };
        let back = ids.iter().map(|id| Event::KeyReturned { credential_id: id.clone(), operator: "tester".into() });
        let key = open(&rack, &device);
        let (_, mut key) = eraser(&rack, store).reset(&device, key, &ids, back.collect()).unwrap();
        register = read(store);
        let credential_id = marker(&mut key);
        register.record(store, &Event::KeyMarked { key: number, credential_id, operator: None }).unwrap();
    }
}

/// Erases the key in this port, as `key reset` does.
pub(crate) fn reset(workshop: &Workshop, store: &dyn Store, port: &str) {
    let (rack, register) = (workshop.rack(), read(store));
    let Some(device) = rack.devices().unwrap().into_iter().find(|device| device.port == port) else { return };
    let mut key = open(&rack, &device);
    let mut ids = credentials_of_ledger(&mut key, &register).unwrap();
    if ids.is_empty() {
        ids = was_on_empty_key(&register, &device, &mut key).unwrap();
    }
    eraser(&rack, store).reset(&device, key, &ids, Vec::new()).unwrap();
}

/// A throw-away credential.
fn marker(key: &mut Authenticator) -> CredentialId {
    let made = attest(key, None, None, &SystemEntropy, &mut |_| {}).unwrap();
    made.attestation.auth_data.attested_credential_data.unwrap().credential_id
}

/// Takes the empty keys that are plugged in and unknown into stock, as `key add --stock` does.
pub(crate) fn take_into_stock(workshop: &Workshop, store: &dyn Store) {
    let rack = workshop.rack();
    for device in rack.devices().unwrap() {
        let (mut register, mut key) = (read(store), open(&rack, &device));
        let is_known = which_key::number(&register, &device, &mut key).unwrap().is_some();
        if is_known || key.info().has_pin() || !credentials_of_ledger(&mut key, &register).unwrap().is_empty() {
            continue;
        }
        let (number, operator) = (register.keys.next_number(), "tester".into());
        let identity = Some(identity(&device, key.info()).into());
        let (model, serial, attested_serial, place) = (None, None, None, Some("safe".to_owned()));
        let credential_id = marker(&mut key);
        let added = Event::KeyAdded { key: number, identity, model, serial, attested_serial, place, operator };
        let marked = Event::KeyMarked { key: number, credential_id, operator: None };
        register.record_all(store, &[added, marked]).unwrap();
    }
}

/// Gives a key that was judged another label, as `key edit` does.
pub(crate) fn label_anew(
    directory: &dyn Directory,
    store: &dyn Store,
    id: &CredentialId,
    label: &str,
) -> Result<Relabelled, LedgerError> {
    let mut register = read(store);
    let key = register.credentials[id].number.expect("it was judged");
    let changed = Event::KeyChanged {
        key,
        state: None,
        reason: None,
        label: Some(label.to_owned()),
        place: None,
        custodian: None,
        operator: "tester".into(),
    };
    let events: Vec<_> = std::iter::once(changed).chain(provision::request_label(&register, id, label)).collect();
    register.record_all(store, &events)?;
    let policy = RetryPolicy { backoff: Duration::from_millis(1), ..RetryPolicy::default() };
    provision::relabel(directory, store, &policy, &Cancel::default(), id)
}
