//! One card: found, opened, asked, cancelled, taken away.

use std::time::Duration;

use keywright_fido::bus::{Bus as _, Cancel, Device, Limits};
use keywright_fido::ctap::{
    Authenticator, CtapError, GetAssertion, MakeCredential, Permissions, Pin, TransportError, TransportKind,
};
use keywright_fido::smart_card::readers::ReaderBus;
use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
use keywright_practice::softkey::{CardForm, Rack, Touch};
use keywright_test_support::cli::Home;

use crate::service::{Service, reader, until};

fn open(bus: &ReaderBus, device: &Device, cancel: &Cancel) -> Result<Authenticator, CtapError> {
    Authenticator::open(bus.open(device, Limits::default(), cancel.clone())?)
}

fn only(bus: &ReaderBus) -> Device {
    let [device] = <[Device; 1]>::try_from(bus.devices().unwrap()).unwrap();
    device
}

#[test]
fn a_card_is_found_by_its_reader_and_gone_when_it_is_taken_away() {
    let Some(service) = Service::start() else { return };
    let (rack, bus, cancel) = (Rack::in_memory(2).unwrap(), ReaderBus::default(), Cancel::default());
    assert_eq!(bus.devices(), Ok(Vec::new()));
    let first = service.insert(3, rack.key(0), CardForm::Contactless);
    let device = only(&bus);
    assert_eq!((device.path.as_str(), device.port.clone()), ("pcsc:Virtual 1 00 01", reader(3)));
    assert_eq!((device.kind, device.product.as_str(), device.usb_id), (TransportKind::Nfc, "NFC card", None));
    assert_eq!(bus.devices(), Ok(vec![device.clone()]), "two looks see the same");
    let mut key = open(&bus, &device, &cancel).unwrap();
    assert!(key.transports().contains(&TransportKind::Nfc), "{:?}", key.transports());
    assert_eq!(
        bus.open(&device, Limits { busy: Duration::ZERO, ..Limits::default() }, cancel.clone()).err(),
        Some(TransportError::Held { path: reader(3), holder: "unknown".into() }),
        "one program at a time"
    );

    drop(first);
    assert_eq!(key.refresh_info().unwrap_err(), CtapError::Transport(TransportError::Removed));
    until("the reader is empty", || bus.devices() == Ok(Vec::new()));
    let _second = service.insert(3, rack.key(1), CardForm::Contacts);
    let again = only(&bus);
    assert!(again.attach > device.attach, "{again:?} {device:?}");
    assert_eq!((again.kind, again.product.as_str()), (TransportKind::SmartCard, "smart card"));
    assert_eq!(open(&bus, &device, &cancel).err(), Some(CtapError::Transport(TransportError::Removed)));
    open(&bus, &again, &cancel).unwrap();
}

#[test]
fn a_card_makes_credentials_and_signs_in_short_and_in_extended_apdus() {
    let Some(service) = Service::start() else { return };
    let rack = Rack::in_memory(1).unwrap();
    for form in [CardForm::Contacts, CardForm::Contactless] {
        let _card = service.insert(0, rack.key(0), form);
        let (bus, cancel) = (ReaderBus::default(), Cancel::default());
        // The power is cut by the reader, so that nobody has to lift the card for a reset.
        let device = bus.replug(&only(&bus), Duration::from_secs(5), &cancel).unwrap();
        let mut key = open(&bus, &device, &cancel).unwrap();
        key.reset(&mut |_| {}).unwrap();
        let pin = Pin::new("271828").unwrap();
        key.set_pin(&pin).unwrap();
        let rp = RelyingParty { id: "example.org".parse().unwrap(), name: "Example".into() };
        let token = key.pin_uv_auth_token(&pin, Permissions::MAKE_CREDENTIAL, Some(&rp.id)).unwrap();
        let name = "x".repeat(64);
        let user = UserEntity { id: UserHandle::new([7; 64]).unwrap(), name: name.clone(), display_name: name.clone() };
        let request = MakeCredential {
            resident_key: true,
            ..MakeCredential::new([1; 32], rp.clone(), user, vec![CoseAlgorithm::ES256])
        };
        let made = key.make_credential(&request, Some(&token), &mut |_| {}).unwrap();
        let id = made.attestation_object.auth_data.attested_credential_data.unwrap().credential_id;
        let token = key.pin_uv_auth_token(&pin, Permissions::GET_ASSERTION, Some(&rp.id)).unwrap();
        let request = GetAssertion {
            rp_id: rp.id,
            client_data_hash: [2; 32],
            allow_list: vec![id.clone(), id.clone(), id.clone()],
            user_presence: true,
        };
        assert_eq!(key.get_assertions(&request, Some(&token), &mut |_| {}).unwrap().len(), 1, "{form:?}");
    }
}

#[test]
fn who_cancels_ends_the_wait_and_the_card_answers_the_next() {
    let Some(service) = Service::start() else { return };
    let (rack, bus) = (Rack::in_memory(1).unwrap(), ReaderBus::default());
    rack.set_touch(Touch::Never);
    let _card = service.insert(0, rack.key(0), CardForm::Contacts);
    let cancel = Cancel::default();
    let mut key = open(&bus, &only(&bus), &cancel).unwrap();
    let mut asked = 0;
    let ended = key.selection(&mut |_| {
        asked += 1;
        if rack.key(0).is_waiting() {
            cancel.cancel();
        }
    });
    assert_eq!(ended, Err(CtapError::Transport(TransportError::Cancelled)));
    assert!(asked > 0 && !rack.key(0).is_waiting());
    drop(key);
    open(&bus, &only(&bus), &Cancel::default()).unwrap();
}

#[test]
fn a_service_that_ends_takes_its_cards_with_it() {
    let Some(mut service) = Service::start() else { return };
    let (rack, bus) = (Rack::in_memory(1).unwrap(), ReaderBus::default());
    let _card = service.insert(0, rack.key(0), CardForm::Contacts);
    let device = only(&bus);
    let mut key = open(&bus, &device, &Cancel::default()).unwrap();
    service.stop();
    assert!(matches!(
        key.refresh_info(),
        Err(CtapError::Transport(TransportError::Removed | TransportError::System(_)))
    ));
    assert_eq!(bus.devices(), Ok(Vec::new()), "no service, no cards");
    assert_eq!(bus.open(&device, Limits::default(), Cancel::default()).err(), Some(TransportError::Removed));
}

#[test]
fn the_program_lists_cards_and_says_what_stands_between() {
    let Some(service) = Service::start() else { return };
    let (rack, home) = (Rack::in_memory(1).unwrap(), Home::new());
    let _card = service.insert(9, rack.key(0), CardForm::Contactless);
    let key = home.run(&["key", "list", "--json"]).expect(0).one();
    assert_eq!((&key["port"], &key["transport"]), (&"Virtual 4 00 01".into(), &"nfc".into()));
    assert!(key["vendor_id"].is_null() && key["product_id"].is_null(), "{key}");
    let shown = home.run(&["key", "info", "--key", "Virtual 4 00 01", "--json"]).expect(0).one();
    assert_eq!(shown["port"], "Virtual 4 00 01");
    let found = home.run(&["doctor", "--json"]).json();
    let about = |check: &str| found.iter().find(|finding| finding["check"] == check).unwrap();
    assert_eq!((&about("cards")["ok"], &about("cards")["message"]), (&true.into(), &"10 card readers".into()));
    assert_eq!((&about("key")["ok"], &about("key")["port"]), (&true.into(), &"Virtual 4 00 01".into()));
}
