//! Does this credential belong to this key? Asked with getAssertion and `up` false: no touch, and without a token no PIN either.
//!
//! A credential with credProtect 3 shows itself with the PIN only. It refuses to believe a key that answers for a credential
//! that it was not asked for.

use keywright_fido::ctap::{Assertion, Authenticator, CtapError, GetAssertion, GetInfo, PinUvAuthToken, StatusMeaning};
use keywright_fido::webauthn::{ClientDataJson, CredentialId, RpId, SignedAssertion};

/// The first of these credentials that the key has. A token needs ga for this RP ID.
pub fn first(
    key: &mut Authenticator,
    rp_id: &RpId,
    ids: &[CredentialId],
    token: Option<&PinUvAuthToken>,
) -> Result<Option<CredentialId>, CtapError> {
    for chunk in ListLimit::new(key.info()).chunks(ids) {
        if let Some(found) = one_of(key, rp_id, &chunk, token)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The same with a signature over this client data for each, as evidence. Nobody touches the key for them.
pub fn signed(
    key: &mut Authenticator,
    rp_id: &RpId,
    ids: &[CredentialId],
    client_data: &ClientDataJson,
) -> Result<Vec<(CredentialId, SignedAssertion)>, CtapError> {
    let mut signed = Vec::new();
    for id in all(key, rp_id, ids)? {
        let hash = client_data.hash();
        if let Some(assertion) = ask(key, rp_id, std::slice::from_ref(&id), None, hash)? {
            signed.push((id, assertion.into_response(client_data.clone()).assertion));
        }
    }
    Ok(signed)
}

/// Those of these credentials that the key has and shows without its PIN.
pub fn all(key: &mut Authenticator, rp_id: &RpId, ids: &[CredentialId]) -> Result<Vec<CredentialId>, CtapError> {
    let mut found = Vec::new();
    for mut chunk in ListLimit::new(key.info()).chunks(ids) {
        // A key names one credential of a list, so the others of the list are asked for again.
        while let Some(id) = one_of(key, rp_id, &chunk, None)? {
            chunk.retain(|other| *other != id);
            found.push(id);
        }
    }
    Ok(found)
}

fn one_of(
    key: &mut Authenticator,
    rp_id: &RpId,
    allow_list: &[CredentialId],
    token: Option<&PinUvAuthToken>,
) -> Result<Option<CredentialId>, CtapError> {
    if allow_list.is_empty() {
        // A key would take that for any credential of this RP.
        return Ok(None);
    }
    // The signature is thrown away, so what is signed means nothing.
    Ok(ask(key, rp_id, allow_list, token, [0; 32])?.map(|assertion| assertion.credential_id))
}

fn ask(
    key: &mut Authenticator,
    rp_id: &RpId,
    allow_list: &[CredentialId],
    token: Option<&PinUvAuthToken>,
    client_data_hash: [u8; 32],
) -> Result<Option<Assertion>, CtapError> {
    let request =
        GetAssertion { rp_id: rp_id.clone(), client_data_hash, allow_list: allow_list.to_vec(), user_presence: false };
    match key.get_assertions(&request, token, &mut |_| {}) {
        Ok(assertions) => Ok(assertions.into_iter().find(|assertion| allow_list.contains(&assertion.credential_id))),
        Err(error) if error.means(StatusMeaning::NoCredentials) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a getAssertion takes besides its list, generously: RP ID, hash, options, PIN/UV auth parameter, map heads.
const OVERHEAD: usize = 400;

/// What one descriptor takes besides the id: map head, two names, the type, a length.
const DESCRIPTOR_OVERHEAD: usize = 32;

/// How long an allowList may be.
struct ListLimit {
    count: usize,
    bytes: usize,
    id_length: usize,
}

impl ListLimit {
    /// What this key takes. One that does not say how many takes a few (CTAP 2.1, 6.4 leaves it open).
    fn new(info: &GetInfo) -> Self {
        const UNTOLD: u64 = 4;
        let count = info.max_credential_count_in_list.unwrap_or(UNTOLD).clamp(1, 16) as usize;
        let id_length = info.max_credential_id_length.and_then(|length| usize::try_from(length).ok());
        Self { count, bytes: info.max_msg_size.saturating_sub(OVERHEAD), id_length: id_length.unwrap_or(usize::MAX) }
    }

    /// Lists that this key takes; ids that are longer than the key's own ever are cannot be on it.
    fn chunks(&self, ids: &[CredentialId]) -> Vec<Vec<CredentialId>> {
        let mut chunks: Vec<Vec<CredentialId>> = Vec::new();
        let mut bytes = 0;
        for id in ids.iter().filter(|id| id.as_bytes().len() <= self.id_length) {
            let size = id.as_bytes().len() + DESCRIPTOR_OVERHEAD;
            match chunks.last_mut() {
                Some(chunk) if chunk.len() < self.count && bytes + size <= self.bytes => {
                    bytes += size;
                    chunk.push(id.clone());
                }
                _ => {
                    bytes = size;
                    chunks.push(vec![id.clone()]);
                }
            }
        }
        chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(lengths: &[usize]) -> Vec<CredentialId> {
        lengths.iter().enumerate().map(|(n, length)| CredentialId::new(vec![n as u8; *length]).unwrap()).collect()
    }

    fn lengths(limit: &ListLimit, given: &[usize]) -> Vec<usize> {
        limit.chunks(&ids(given)).iter().map(Vec::len).collect()
    }

    #[test]
    fn lists_keep_to_count_bytes_and_id_length() {
        let wide = ListLimit { count: 8, bytes: 10_000, id_length: 128 };
        assert_eq!(lengths(&wide, &[16; 17]), [8, 8, 1]);
        assert_eq!(lengths(&wide, &[]), [0_usize; 0]);
        assert_eq!(lengths(&wide, &[16, 129, 16]), [2]);
        let narrow = ListLimit { count: 8, bytes: 2 * (64 + DESCRIPTOR_OVERHEAD), id_length: 128 };
        assert_eq!(lengths(&narrow, &[64; 5]), [2, 2, 1]);
        assert_eq!(lengths(&ListLimit { count: 1, bytes: 0, id_length: 128 }, &[64; 2]), [1, 1]);
    }
}
