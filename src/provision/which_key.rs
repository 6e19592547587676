//! Which key of the register one is that is nobody's now, by what it shows before anything is done to it.
//!
//! It refuses to recognise a key by a serial number that several show, and one that is somebody's in service by its serial number
//! alone: that is for a person to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::credential_on_key;
use super::job_error::JobError;
use super::journal::Journal;
use super::open_key::{OpenKey, identity};
use crate::ledger::{KeyIdentity, KeyNumber};
use crate::register::Register;
use keywright_fido::ctap::{Authenticator, CtapError, StatusMeaning};
use keywright_fido::hid::Device;
use keywright_fido::webauthn::{CredentialId, RpId};

/// What the key can be recognised by, with its number if it is known.
pub(super) fn recognise(journal: &Journal<'_>, key: &mut OpenKey) -> Result<KeyIdentity, JobError> {
    let identity = key.identity();
    let markers = markers(&journal.book(), &identity);
    let number = by_marker(&mut key.authenticator, &markers)?;
    let number = number.or_else(|| by_serial(&journal.book(), &identity));
    Ok(KeyIdentity { number, ..identity })
}

/// Which key of the register it is, if it shows that: one that is nobody's now.
pub fn number(register: &Register, device: &Device, key: &mut Authenticator) -> Result<Option<KeyNumber>, CtapError> {
    let identity = identity(device, key.info());
    let number = by_marker(key, &markers(register, &identity))?;
    Ok(number.or_else(|| by_serial(register, &identity)))
}

/// Which key of the register it is by its throw-away credential, if it has one.
pub(super) fn marked(
    register: &Register,
    device: &Device,
    key: &mut Authenticator,
) -> Result<Option<KeyNumber>, CtapError> {
    let identity = identity(device, key.info());
    by_marker(key, &markers(register, &identity))
}

/// Whether it shows that it is the key with this number, which a person named: by a credential that only that key has, or by its
/// USB serial number.
pub fn shows(
    register: &Register,
    number: KeyNumber,
    device: &Device,
    key: &mut Authenticator,
) -> Result<bool, CtapError> {
    let ids = register.keys.get(number).into_iter().flat_map(|known| &known.credentials);
    let mut by_rp: BTreeMap<&RpId, Vec<CredentialId>> = BTreeMap::new();
    for (id, credential) in ids.filter_map(|id| register.credentials.get_key_value(id)) {
        by_rp.entry(&credential.rp_id).or_default().push(id.clone());
    }
    for (rp_id, ids) in by_rp {
        let shown = credential_on_key::shown(key, rp_id, &ids)?;
        if !shown.has.is_empty() || !shown.perhaps.is_empty() {
            return Ok(true);
        }
    }
    let identity = identity(device, key.info());
    let marked = by_marker(key, &markers(register, &identity))?;
    Ok(marked.or_else(|| register.keys.by_usb_serial(&identity)) == Some(number))
}

/// By its USB serial number, unless that says that it is somebody's.
fn by_serial(register: &Register, identity: &KeyIdentity) -> Option<KeyNumber> {
    register.keys.by_usb_serial(identity).filter(|number| register.current_of(*number).is_none())
}

/// The throw-away credentials of keys of this model that could be it.
fn markers(register: &Register, identity: &KeyIdentity) -> Vec<(KeyNumber, CredentialId)> {
    let of_model =
        |known: &Option<Arc<KeyIdentity>>| known.as_ref().is_none_or(|known| known.aaguid == identity.aaguid);
    let keys = register.keys.iter().filter(|(_, key)| of_model(&key.identity));
    keys.filter_map(|(number, key)| Some((number, key.marker.as_deref()?.clone()))).collect()
}

/// The key that answers for one of these, asked without PIN and touch.
fn by_marker(key: &mut Authenticator, markers: &[(KeyNumber, CredentialId)]) -> Result<Option<KeyNumber>, CtapError> {
    let ids: Vec<CredentialId> = markers.iter().map(|(_, id)| id.clone()).collect();
    match credential_on_key::first(key, &RpId::PROBE, &ids, None) {
        Ok(found) => Ok(markers.iter().find(|(_, id)| Some(id) == found.as_ref()).map(|(number, _)| *number)),
        Err(error) if error.means(StatusMeaning::PinRequired) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whose key in service this one may be by its USB serial number, in words for a question: `K-0042, key 1 of ada at corp`.
pub(super) fn in_service(register: &Register, identity: &KeyIdentity) -> Option<String> {
    let number = register.keys.by_usb_serial(identity)?;
    let (_, credential) = register.current_of(number).filter(|(_, one)| one.state.lives())?;
    Some(format!("{number}, key {} of {}", credential.ordinal, credential.account))
}
