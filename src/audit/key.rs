//! One key in hand: what its attestation shows, and which credentials of the ledger it has.
//!
//! A key attests nothing without making a credential. The one that is made here is not resident, and for an RP that cannot exist:
//! the key keeps nothing of it. It refuses to take anything from the ledger for granted: a key that does not answer for a
//! credential does not have it.

use std::collections::BTreeMap;

use super::Registration;
use crate::provision::credential_on_key::{self, Shown};
use crate::provision::was_on_empty_key;
use crate::register::Register;
use crate::secret::Entropy;
use keywright_fido::ctap::{Authenticator, CtapError, EnterpriseAttestation, MakeCredential, PinUvAuthToken, Touch};
use keywright_fido::hid::Device;
use keywright_fido::webauthn::{
    CeremonyType, Challenge, ClientDataJson, CoseAlgorithm, CredentialId, Origin, RelyingParty, RpId, UserEntity,
    UserHandle,
};

/// Has the key make a throw-away credential, with a touch, and gives what it answered. `token` needs mc for [`RpId::PROBE`];
/// most keys with a PIN want one.
pub fn attest(
    key: &mut Authenticator,
    enterprise: Option<EnterpriseAttestation>,
    token: Option<&PinUvAuthToken>,
    entropy: &dyn Entropy,
    touch: Touch<'_>,
) -> Result<Registration, CtapError> {
    let mut challenge = [0; 32];
    entropy.fill(&mut challenge);
    let rp_id = RpId::PROBE;
    let origin: Origin = format!("https://{rp_id}").parse()?;
    let client_data = ClientDataJson::new(CeremonyType::Create, &Challenge::new(challenge)?, &origin);
    let name = "keywright audit".to_owned();
    let request = MakeCredential {
        enterprise_attestation: enterprise,
        ..MakeCredential::new(
            client_data.hash(),
            RelyingParty { id: rp_id, name: name.clone() },
            UserEntity { id: UserHandle::new([0])?, name: name.clone(), display_name: name },
            vec![CoseAlgorithm::ES256, CoseAlgorithm::EDDSA],
        )
    };
    let made = key.make_credential(&request, token, touch)?;
    Ok(Registration {
        attestation: made.attestation_object,
        client_data: Some(client_data),
        credential_id: None,
        reported_firmware: key.info().firmware_version,
    })
}

/// The ledger's credentials that are on this key, for certain or by all appearances. Fails where the key does not tell.
pub fn credentials_of_ledger(key: &mut Authenticator, book: &Register) -> Result<Vec<CredentialId>, CtapError> {
    let Shown { has, perhaps, cannot_tell } = shown_of_ledger(key, book)?;
    match cannot_tell {
        Some(error) if has.is_empty() && perhaps.is_empty() => Err(error),
        _ => Ok(has.into_iter().chain(perhaps).collect()),
    }
}

/// The ledger's credentials that this key shows, asked without PIN and touch (getAssertion with `up` false). A credential with
/// credProtect 3 does not answer to this.
pub fn shown_of_ledger(key: &mut Authenticator, book: &Register) -> Result<Shown, CtapError> {
    let mut by_rp: BTreeMap<&RpId, Vec<CredentialId>> = BTreeMap::new();
    for (id, credential) in &book.credentials {
        by_rp.entry(&credential.rp_id).or_default().push(id.clone());
    }
    let mut found = Shown::default();
    for (rp_id, ids) in by_rp {
        let Shown { has, perhaps, cannot_tell } = credential_on_key::shown(key, rp_id, &ids)?;
        found.has.extend(has);
        found.perhaps.extend(perhaps);
        found.cannot_tell = found.cannot_tell.or(cannot_tell);
    }
    Ok(found)
}

/// Keys that are plugged in, each with the ledger's credentials on it, or that were, as far as one can tell. An empty key is taken for
/// the one whose erasure did not end only where that key is not there with its credential, and no other empty key may be it.
pub fn in_hand<E: From<CtapError>>(
    devices: Vec<Device>,
    register: &Register,
    mut open: impl FnMut(&Device) -> Result<Authenticator, E>,
) -> Result<Vec<(Device, Vec<CredentialId>)>, E> {
    let (mut found, mut empty) = (Vec::new(), Vec::new());
    for device in devices {
        let mut key = open(&device)?;
        let shown = credentials_of_ledger(&mut key, register)?;
        if !shown.is_empty() {
            found.push((device, shown));
            continue;
        }
        let was = was_on_empty_key(register, &device, &mut key)?;
        if !was.is_empty() {
            empty.push((device, was));
        }
    }
    let is_shown = |ids: &[CredentialId]| found.iter().any(|(_, shown)| shown.iter().any(|id| ids.contains(id)));
    let only = |ids: &[CredentialId]| empty.iter().filter(|(_, other)| other == ids).count() == 1;
    let was: Vec<_> = empty.iter().filter(|(_, ids)| only(ids) && !is_shown(ids)).cloned().collect();
    found.extend(was);
    Ok(found)
}
