//! One key in hand: what its attestation shows, and which credentials of the ledger it has.
//!
//! A key attests nothing without making a credential. The one that is made here is not resident, and for an RP that cannot exist:
//! the key keeps nothing of it. It refuses to take anything from the ledger for granted: a key that does not answer for a
//! credential does not have it.

use std::collections::BTreeMap;

use super::Registration;
use crate::register::Register;
use crate::secret::Entropy;
use keywright_fido::ctap::{
    Authenticator, CtapError, EnterpriseAttestation, GetAssertion, MakeCredential, PinUvAuthToken, StatusCode, Touch,
};
use keywright_fido::webauthn::{
    CeremonyType, Challenge, ClientDataJson, CoseAlgorithm, CredentialId, Origin, RelyingParty, RpId, UserEntity,
    UserHandle,
};

/// Has the key make a throw-away credential, with a touch, and gives what it answered. `token` needs mc for [`RpId::probe`];
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
    let rp_id = RpId::probe();
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

/// The ledger's credentials that are on this key, asked without PIN and touch (getAssertion with `up` false). A credential with
/// credProtect 3 does not answer to this.
pub fn credentials_of_ledger(key: &mut Authenticator, book: &Register) -> Result<Vec<CredentialId>, CtapError> {
    let mut by_rp: BTreeMap<&RpId, Vec<CredentialId>> = BTreeMap::new();
    for (id, credential) in &book.credentials {
        by_rp.entry(&credential.rp_id).or_default().push(id.clone());
    }
    let info = key.info();
    let limit = ListLimit {
        count: info.max_credential_count_in_list.map_or(1, |count| usize::try_from(count).unwrap_or(usize::MAX)).max(1),
        bytes: info.max_msg_size.saturating_sub(OVERHEAD),
        id_length: info.max_credential_id_length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX),
    };
    let mut found = Vec::new();
    for (rp_id, ids) in by_rp {
        for mut chunk in limit.chunks(ids) {
            // A key names one credential of a list, so the others of the list are asked for again.
            while let Some(id) = first_of(key, rp_id, &chunk)? {
                chunk.retain(|other| *other != id);
                found.push(id);
            }
        }
    }
    Ok(found)
}

fn first_of(
    key: &mut Authenticator,
    rp_id: &RpId,
    allow_list: &[CredentialId],
) -> Result<Option<CredentialId>, CtapError> {
    if allow_list.is_empty() {
        return Ok(None);
    }
    // The signature is thrown away, so what is signed means nothing.
    let request = GetAssertion {
        rp_id: rp_id.clone(),
        client_data_hash: [0; 32],
        allow_list: allow_list.to_vec(),
        user_presence: false,
    };
    match key.get_assertions(&request, None, &mut |_| {}) {
        Ok(assertions) => {
            Ok(assertions.into_iter().map(|assertion| assertion.credential_id).find(|id| allow_list.contains(id)))
        }
        Err(CtapError::Status { status: StatusCode::NoCredentials, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a getAssertion takes besides its list, generously: RP ID, hash, options, map heads.
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
    /// Lists that this key takes; ids that are longer than the key's own ever are cannot be on it.
    fn chunks(&self, ids: Vec<CredentialId>) -> Vec<Vec<CredentialId>> {
        let mut chunks: Vec<Vec<CredentialId>> = Vec::new();
        let mut bytes = 0;
        for id in ids.into_iter().filter(|id| id.as_bytes().len() <= self.id_length) {
            let size = id.as_bytes().len() + DESCRIPTOR_OVERHEAD;
            match chunks.last_mut() {
                Some(chunk) if chunk.len() < self.count && bytes + size <= self.bytes => {
                    bytes += size;
                    chunk.push(id);
                }
                _ => {
                    bytes = size;
                    chunks.push(vec![id]);
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
        limit.chunks(ids(given)).iter().map(Vec::len).collect()
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
