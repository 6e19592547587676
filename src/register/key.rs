//! Keys as things: which is which, where each is, and what was on it over time.
//!
//! A key is recognised by the serial number that its attestation names, else by a credential that only it has, else by a USB serial
//! number that no other key of the register shows. It refuses to recognise one by its port, its model, or a serial number that a
//! maker gives to all.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::table::Outstanding;
use super::{Credential, Kept, Register, Table};
use crate::ledger::{KeyIdentity, KeyNumber, KeyState};
use keywright_attest::Verdict;
use keywright_fido::webauthn::{Aaguid, CredentialId};

/// A key.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Where it is.
    pub state: KeyState,
    /// Since when, RFC 3339.
    pub since: String,
    /// Why it is lost, retired or destroyed, in the operator's words.
    pub reason: Option<Box<str>>,
    /// What it said of itself when it was plugged in last; `None` while nobody has seen it.
    #[serde(with = "super::snapshot::shared::option")]
    pub identity: Option<Arc<KeyIdentity>>,
    /// What its newest verdict says of its model.
    #[serde(with = "super::snapshot::shared::option")]
    pub model_verdict: Option<Arc<Verdict>>,
    /// The serial number that its attestation names, in hexadecimal.
    pub attested_serial: Option<String>,
    /// What is known of it from before it was anybody's.
    pub bought: Option<Box<Bought>>,
    /// A throw-away credential that only this key has, until it is reset: it shows which key it is.
    pub marker: Option<Box<CredentialId>>,
    /// What is written on it, where it is kept and by whom.
    pub kept: Box<Kept>,
    /// When it was seen to be reset, RFC 3339.
    pub resets: Vec<String>,
    /// Whether it was reset, and is nobody's since.
    pub wiped: bool,
    /// Its credentials, the newest last.
    pub credentials: Vec<CredentialId>,
}

/// A key as it came into the house.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bought {
    /// The model's name.
    pub model: Option<String>,
    /// The serial number in the list of what was bought.
    pub serial: Option<String>,
}

impl Outstanding for Key {
    fn is_outstanding(&self) -> bool {
        self.state == KeyState::InStock
    }
}

impl Key {
    pub(super) fn new(time: &str, state: KeyState) -> Self {
        Self {
            state,
            since: time.to_owned(),
            reason: None,
            identity: None,
            model_verdict: None,
            attested_serial: None,
            bought: None,
            marker: None,
            kept: Box::default(),
            resets: Vec::new(),
            wiped: false,
            credentials: Vec::new(),
        }
    }

    /// The model's name: as metadata has it, else as it was bought, else the product's.
    pub fn model(&self) -> Option<&str> {
        let verdict = self.model_verdict.as_ref().and_then(|verdict| verdict.model.as_deref());
        let bought = || self.bought.as_ref().and_then(|bought| bought.model.as_deref());
        verdict.or_else(bought).or(self.identity.as_ref().map(|identity| identity.product.as_str()))
    }

    /// The serial number: as bought, else the attested one, else what USB tells.
    pub fn serial(&self) -> Option<&str> {
        self.bought_serial().or(self.attested_serial.as_deref()).or(self.usb_serial())
    }

    pub(super) fn move_to(&mut self, state: KeyState, time: &str) {
        if self.state != state {
            (self.state, self.since) = (state, time.to_owned());
        }
    }

    fn usb_serial(&self) -> Option<&str> {
        self.identity.as_ref()?.usb_serial.as_deref()
    }

    fn bought_serial(&self) -> Option<&str> {
        self.bought.as_ref()?.serial.as_deref()
    }
}

/// All keys of a register.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    pub(super) all: Table<KeyNumber, Key>,
    pub(super) attested: Table<(Aaguid, String), KeyNumber>,
    /// By USB serial, and by the one that was bought, which may be the same.
    pub(super) shown: Table<String, BTreeSet<KeyNumber>>,
}

impl Keys {
    /// The key with this number.
    pub fn get(&self, number: KeyNumber) -> Option<&Key> {
        self.all.get(&number)
    }

    /// All, by number.
    pub fn iter(&self) -> impl Iterator<Item = (KeyNumber, &Key)> {
        self.all.iter().map(|(number, key)| (*number, key))
    }

    /// A number that no key has, higher than all.
    pub fn next_number(&self) -> KeyNumber {
        KeyNumber(self.all.last_key().map_or(1, |last| last.0.saturating_add(1)))
    }

    /// The key that an attestation names, if it names a single one: one that was enrolled, or one that was bought with this serial
    /// number.
    pub fn attested(&self, verdict: &Verdict) -> Option<KeyNumber> {
        let serial = verdict.serial.as_ref()?;
        let known = self.attested.get(&(verdict.aaguid, serial.clone())).copied();
        let printed = || self.bought(verdict.aaguid, &[Some(serial.clone()), decimal(serial)]);
        known.or_else(printed)
    }

    /// The key that this one is by its USB serial number, if that is a single key's.
    pub fn by_usb_serial(&self, identity: &KeyIdentity) -> Option<KeyNumber> {
        let serial = identity.usb_serial.as_deref().filter(|serial| !is_placeholder(serial))?;
        self.only_with(serial).filter(|number| self.is_model(*number, identity.aaguid))
    }

    /// A key that was bought with this serial number, or shows it over USB; where several do, one of them.
    pub fn with_serial(&self, serial: &str) -> Option<KeyNumber> {
        if is_placeholder(serial) {
            return None;
        }
        self.shown.get(&folded(serial))?.first().copied()
    }

    /// Whether a key that is nobody's shows that it is this one: by the throw-away credential that it was given, its attestation, or its
    /// USB serial number. One whose wiping was cut short before it got another credential may show nothing.
    pub fn is_recognisable(&self, number: KeyNumber) -> bool {
        let Some(key) = self.all.get(&number) else { return false };
        let by_usb_serial = || key.identity.as_ref().and_then(|identity| self.by_usb_serial(identity)) == Some(number);
        key.marker.is_some() || key.attested_serial.is_some() || by_usb_serial()
    }

    /// Keys that are here and nobody's, by number.
    pub fn in_stock(&self) -> impl Iterator<Item = (KeyNumber, &Key)> {
        let outstanding = self.all.outstanding().filter(|(_, key)| key.state == KeyState::InStock);
        outstanding.map(|(number, key)| (*number, key))
    }

    /// Keys that show one USB serial number, of one model: one key that was reset, or a maker that gives several keys one number.
    pub fn sharing_usb_serial(&self, number: KeyNumber) -> impl Iterator<Item = KeyNumber> {
        let identity = self.all.get(&number).and_then(|key| key.identity.as_ref());
        let shown = identity.and_then(|identity| Some((identity.aaguid, identity.usb_serial.as_deref()?)));
        let shown = shown.filter(|(_, serial)| !is_placeholder(serial));
        let same = shown.and_then(|(aaguid, serial)| Some((aaguid, self.shown.get(&folded(serial))?)));
        let same = same.into_iter().flat_map(|(aaguid, numbers)| numbers.iter().map(move |other| (aaguid, *other)));
        same.filter(move |(aaguid, other)| *other != number && self.is_model(*other, *aaguid)).map(|(_, other)| other)
    }

    /// The one key that was bought with this serial number, or shows it over USB.
    fn only_with(&self, serial: &str) -> Option<KeyNumber> {
        let numbers = self.shown.get(&folded(serial))?;
        numbers.first().copied().filter(|_| numbers.len() == 1)
    }

    /// A key that was bought with one of these serial numbers, and that nobody has seen: of another model, it is another key.
    fn bought(&self, aaguid: Aaguid, serials: &[Option<String>]) -> Option<KeyNumber> {
        let mut found = serials.iter().flatten().filter_map(|serial| self.only_with(serial));
        found.find(|number| self.all[number].bought_serial().is_some() && self.is_model(*number, aaguid))
    }

    /// Whether the key is of this model, as far as anybody knows.
    fn is_model(&self, number: KeyNumber, aaguid: Aaguid) -> bool {
        let seen = self.all.get(&number).and_then(|key| key.identity.as_ref());
        seen.is_none_or(|identity| identity.aaguid == aaguid)
    }

    pub(super) fn let_go(&mut self) {
        self.all.let_go();
    }

    pub(super) fn get_mut(&mut self, number: KeyNumber) -> Option<&mut Key> {
        self.all.get_mut(&number)
    }

    /// A key that came into the house before it was anybody's.
    pub(super) fn add(&mut self, number: KeyNumber, key: Key) {
        for serial in [key.usb_serial(), key.bought_serial()].into_iter().flatten() {
            index(&mut self.shown, serial, number);
        }
        if let (Some(serial), Some(identity)) = (&key.attested_serial, &key.identity) {
            self.attested.insert((identity.aaguid, serial.clone()), number);
        }
        self.all.insert(number, key);
    }

    /// A job has this credential on it, and its attestation was judged.
    pub(super) fn enrolled(
        &mut self,
        number: KeyNumber,
        credential: &Credential,
        id: &CredentialId,
        was_reset: bool,
        time: &str,
    ) {
        let key = self.all.get_or_insert_with(number, || Key::new(time, KeyState::Held));
        key.move_to(KeyState::Held, time);
        (key.reason, key.kept, key.wiped) = (None, Box::default(), false);
        if was_reset {
            key.resets.push(time.to_owned());
            key.marker = None;
        }
        key.identity = Some(Arc::clone(&credential.key));
        key.model_verdict.clone_from(&credential.model_verdict);
        if !key.credentials.contains(id) {
            key.credentials.push(id.clone());
        }
        if let Some((serial, verdict)) = credential.attested_serial.as_ref().zip(credential.model_verdict.as_ref()) {
            key.attested_serial = Some(serial.clone());
            self.attested.insert((verdict.aaguid, serial.clone()), number);
        }
        if let Some(serial) = &credential.key.usb_serial {
            index(&mut self.shown, serial, number);
        }
    }
}

impl Outstanding for KeyNumber {}
impl Outstanding for BTreeSet<KeyNumber> {}

/// What events do to keys beside what they do to credentials.
impl Register {
    /// The key that a credential is on, if it is known which.
    pub fn key_of(&self, credential_id: &CredentialId) -> Option<(KeyNumber, &Key)> {
        let number = self.credentials.get(credential_id)?.number?;
        Some((number, self.keys.get(number)?))
    }

    /// The credential of a key that could sign in, the newest: what the key is today.
    pub fn current_of(&self, number: KeyNumber) -> Option<(&CredentialId, &Credential)> {
        let ids = self.keys.get(number)?.credentials.iter().rev();
        let mut known = ids.filter_map(|id| self.credentials.get_key_value(id));
        known.find(|(_, credential)| credential.state.may_be_registered())
    }

    /// The keys that these credentials are on were reset.
    pub(super) fn note_reset(&mut self, time: &str, ids: &[CredentialId]) {
        let numbers: BTreeSet<KeyNumber> = ids.iter().filter_map(|id| self.credentials.get(id)?.number).collect();
        for number in numbers {
            if let Some(key) = self.keys.get_mut(number) {
                key.resets.push(time.to_owned());
                (key.marker, key.wiped) = (None, true);
            }
        }
    }

    /// A key is back: in stock if it was wiped.
    pub(super) fn note_returned(&mut self, time: &str, id: &CredentialId) {
        let Some(number) = self.credentials.get(id).and_then(|credential| credential.number) else { return };
        let Some(key) = self.keys.get_mut(number) else { return };
        key.move_to(if key.wiped { KeyState::InStock } else { KeyState::Returned }, time);
        key.kept.custodian = None;
    }

    pub(super) fn note_changed(
        &mut self,
        time: &str,
        number: KeyNumber,
        state: Option<KeyState>,
        reason: Option<&String>,
        (label, place, custodian): (&Option<String>, &Option<String>, &Option<String>),
    ) {
        let current = self.current_of(number).map(|(id, _)| id.clone());
        if let Some(Credential { kept, .. }) = current.and_then(|id| self.credentials.get_mut(&id)) {
            kept.edit(label, place, custodian);
        }
        let Some(key) = self.keys.get_mut(number) else { return };
        key.kept.edit(label, place, custodian);
        if let Some(state) = state {
            key.move_to(state, time);
            key.reason = reason.map(|reason| reason.as_str().into());
        }
    }
}

fn index(shown: &mut Table<String, BTreeSet<KeyNumber>>, serial: &str, number: KeyNumber) {
    shown.get_or_insert_with(folded(serial), BTreeSet::new).insert(number);
}

/// Serial numbers are compared without regard to case and to zeros in front, which lists and keys leave out or not.
fn folded(serial: &str) -> String {
    serial.trim().trim_start_matches('0').to_lowercase()
}

/// An attested serial number (hexadecimal) as makers print it: in decimal.
fn decimal(serial: &str) -> Option<String> {
    u64::from_str_radix(serial, 16).ok().map(|number| number.to_string())
}

/// A serial number that says nothing: all zeros, or a counter that never began.
fn is_placeholder(serial: &str) -> bool {
    matches!(folded(serial).as_str(), "" | "1" | "1000000000") || serial.trim().len() < 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::*;
    use serde_json::json;

    const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

    fn identity(usb_serial: Option<&str>) -> KeyIdentity {
        serde_json::from_value(json!({"port": "1-1", "product": "Key", "usb_serial": usb_serial, "aaguid": MODEL,
            "firmware_version": 5, "fingerprint": "00"}))
        .unwrap()
    }

    fn verdict(serial: Option<&str>) -> Verdict {
        serde_json::from_value(json!({"fmt": "packed", "statement": "valid", "chain": "trusted", "anchor": null,
            "aaguid": MODEL, "model": "A key", "subject": null, "firmware": null, "serial": serial,
            "enterprise": serial.is_some(), "transports": [], "backup_eligible": false, "reasons": []}))
        .unwrap()
    }

    fn bought(serial: &str) -> Key {
        let bought = Bought { serial: Some(serial.to_owned()), ..Bought::default() };
        Key { bought: Some(bought.into()), ..Key::new("", KeyState::InStock) }
    }

    /// A job puts its credential on the key with this number.
    fn enrol(keys: &mut Keys, number: u64, usb_serial: Option<&str>, attested_serial: Option<&str>) {
        let mut register = Register::read(&log(&journey("ada"))).unwrap();
        let credential = register.credentials.get_mut(&credential_id(1)).unwrap();
        credential.key = Arc::new(identity(usb_serial));
        credential.attested_serial = attested_serial.map(str::to_owned);
        keys.enrolled(KeyNumber(number), credential, &credential_id(number), false, "");
    }

    #[test]
    fn an_attested_serial_names_the_key_that_was_enrolled_or_bought() {
        let mut keys = Keys::default();
        keys.add(KeyNumber(1), bought("12345678"));
        enrol(&mut keys, 2, None, Some("00ff"));
        assert_eq!(keys.attested(&verdict(Some("00ff"))), Some(KeyNumber(2)));
        // 0x00bc614e, as it is printed on the key.
        assert_eq!(keys.attested(&verdict(Some("00bc614e"))), Some(KeyNumber(1)));
        assert_eq!(keys.attested(&verdict(Some("00aa"))), None);
        assert_eq!(keys.attested(&verdict(None)), None);
        assert_eq!(keys.next_number(), KeyNumber(3));
    }

    #[test]
    fn a_usb_serial_names_a_key_only_while_no_other_shows_it() {
        let mut keys = Keys::default();
        enrol(&mut keys, 1, Some("0A77"), None);
        assert_eq!(keys.by_usb_serial(&identity(Some("0a77"))), Some(KeyNumber(1)));
        assert_eq!(keys.by_usb_serial(&identity(Some("0A78"))), None);
        enrol(&mut keys, 2, Some("0A77"), None);
        assert_eq!(keys.by_usb_serial(&identity(Some("0A77"))), None);
        assert!(keys.sharing_usb_serial(KeyNumber(1)).eq([KeyNumber(2)]));
        for placeholder in ["0", "0000000000", "1000000000", "1", ""] {
            enrol(&mut keys, 3, Some(placeholder), None);
            assert_eq!(keys.by_usb_serial(&identity(Some(placeholder))), None, "{placeholder:?}");
            assert_eq!(keys.sharing_usb_serial(KeyNumber(3)).next(), None);
        }
    }
}
