//! A security key's signature under a note: a WebAuthn assertion whose challenge is the SHA-256 of the note's text.
//!
//! The RP ID is one that nobody can own, so that no website ever asks for such an assertion and none of ours signs in anywhere.
//! It refuses an assertion without a touch.

use keywright_fido::webauthn::{
    AuthenticatorData, CeremonyType, Challenge, ClientDataJson, CosePublicKey, CredentialId, Origin, RpId,
    SignedAssertion,
};
use sha2::{Digest, Sha256};

/// The RP ID of credentials that sign notes (RFC 6761 keeps `.invalid` from ever being anybody's).
const RP_ID: &str = "ledger.keywright.invalid";

/// A credential of a security key that signs notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityKey {
    /// The credential, which the key is asked with.
    pub credential_id: CredentialId,
    /// Its public key.
    pub public_key: CosePublicKey,
}

/// The RP ID of credentials that sign notes.
pub fn rp_id() -> RpId {
    RP_ID.parse().expect("it is a domain in lower case")
}

/// The client data that is signed for a note with this text.
pub fn client_data(text: &str) -> ClientDataJson {
    let challenge =
        Challenge::new(Sha256::digest(text).to_vec()).expect("a hash has 32 bytes, and 1 to 65536 are allowed");
    let origin: Origin = format!("https://{RP_ID}").parse().expect("it is a host name");
    ClientDataJson::new(CeremonyType::Get, &challenge, &origin)
}

/// The assertion as a note's signature: two bytes with the length of the authenticator data, these, the signature. `None` for
/// one that no key makes.
pub fn pack(assertion: &SignedAssertion) -> Option<Vec<u8>> {
    let length = u16::try_from(assertion.authenticator_data.len()).ok()?;
    Some([&length.to_be_bytes()[..], &assertion.authenticator_data, &assertion.signature].concat())
}

impl SecurityKey {
    /// Two bytes with the length of the credential id, this, the COSE key.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let id = self.credential_id.as_bytes();
        let length = u16::try_from(id.len()).expect("a credential id has 1023 bytes at most");
        [&length.to_be_bytes()[..], id, &self.public_key.bytes].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, key) = split(bytes)?;
        Some(Self { credential_id: CredentialId::new(id).ok()?, public_key: CosePublicKey::parse(key).ok()? })
    }

    /// Whether the signature is this credential's over a note with this text, with a touch.
    pub(super) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let Some((authenticator_data, signature)) = split(signature) else { return false };
        let Ok(data) = AuthenticatorData::parse(authenticator_data) else { return false };
        let assertion = SignedAssertion {
            authenticator_data: authenticator_data.to_vec(),
            client_data_json: client_data(text),
            signature: signature.to_vec(),
        };
        data.rp_id_hash == rp_id().hash() && data.flags.user_present() && assertion.verify(&self.public_key).is_ok()
    }
}

/// Cuts off what a length of two bytes stands before.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}
