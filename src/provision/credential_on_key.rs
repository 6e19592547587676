//! Does this credential belong to this key? Asked without a touch, and without a token without a PIN either.
//!
//! A credential with credProtect 3 shows itself with the PIN only. It refuses to call a credential certain that the key does not
//! name, and to end because a key does not answer.

use keywright_fido::ctap::{Authenticator, CtapError, GetAssertion, Holding, PinUvAuthToken};
use keywright_fido::webauthn::{ClientDataJson, CredentialId, RpId, SignedAssertion};

/// Which of some credentials a key has, as far as it tells without its PIN.
#[derive(Debug, Default)]
pub struct Shown {
    /// It names these.
    pub has: Vec<CredentialId>,
    /// It has these, by all appearances: its PIN and a signature tell.
    pub perhaps: Vec<CredentialId>,
    /// Why it does not tell of the others.
    pub cannot_tell: Option<CtapError>,
}

/// The first of these credentials that the key has. With a token, which needs ga for this RP ID, what follows is a signature: so a key
/// that names another one is taken at its word.
pub fn first(
    key: &mut Authenticator,
    rp_id: &RpId,
    ids: &[CredentialId],
    token: Option<&PinUvAuthToken>,
) -> Result<Option<CredentialId>, CtapError> {
    for list in key.allow_lists(rp_id, ids, token) {
        match key.holds_one_of(rp_id, &list, token)? {
            Holding::Has(id) => return Ok(Some(id)),
            Holding::Perhaps(ids) => return Ok(ids.into_iter().next()),
            Holding::None => {}
            Holding::CannotTell(error) => return Err(error),
        }
    }
    Ok(None)
}

/// All of these credentials that the key shows without its PIN.
pub fn shown(key: &mut Authenticator, rp_id: &RpId, ids: &[CredentialId]) -> Result<Shown, CtapError> {
    let mut shown = Shown::default();
    for mut list in key.allow_lists(rp_id, ids, None) {
        // A key names one credential of a list, so the others of the list are asked for again.
        loop {
            match key.holds_one_of(rp_id, &list, None)? {
                Holding::Has(id) => {
                    list.retain(|other| *other != id);
                    shown.has.push(id);
                }
                Holding::Perhaps(ids) => {
                    list.retain(|other| !ids.contains(other));
                    shown.perhaps.extend(ids);
                }
                Holding::None => break,
                // Whatever the reason, it is the same for the rest.
                Holding::CannotTell(error) => {
                    shown.cannot_tell = Some(error);
                    return Ok(shown);
                }
            }
        }
    }
    Ok(shown)
}

/// Those of these credentials that the key has, or has by all appearances. Fails where it does not tell.
pub fn all(key: &mut Authenticator, rp_id: &RpId, ids: &[CredentialId]) -> Result<Vec<CredentialId>, CtapError> {
    let Shown { has, perhaps, cannot_tell } = shown(key, rp_id, ids)?;
    match cannot_tell {
        Some(error) if has.is_empty() && perhaps.is_empty() => Err(error),
        _ => Ok(has.into_iter().chain(perhaps).collect()),
    }
}

/// Those of these credentials that the key names, each with a signature over this client data, as evidence. Nobody touches the key for
/// them. What it shows without naming it has no signature, and is left out.
pub fn signed(
    key: &mut Authenticator,
    rp_id: &RpId,
    ids: &[CredentialId],
    client_data: &ClientDataJson,
) -> Result<Vec<(CredentialId, SignedAssertion)>, CtapError> {
    let mut signed = Vec::new();
    for id in shown(key, rp_id, ids)?.has {
        let request = GetAssertion {
            rp_id: rp_id.clone(),
            client_data_hash: client_data.hash(),
            allow_list: vec![id.clone()],
            user_presence: false,
        };
        let assertion = key.get_assertions(&request, None, &mut |_| {})?.into_iter().next();
        signed.extend(assertion.map(|assertion| (id, assertion.into_response(client_data.clone()).assertion)));
    }
    Ok(signed)
}
