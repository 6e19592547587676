//! authenticatorMakeCredential (0x01): CTAP 2.1 section 6.1.

use crate::webauthn::{AttestationObject, CoseAlgorithm, CredentialId, RelyingParty, UserEntity};

/// credProtect levels (CTAP 2.1, 12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredProtect {
    /// 1: userVerificationOptional
    UserVerificationOptional = 1,
    /// 2: userVerificationOptionalWithCredentialIDList
    UserVerificationOptionalWithCredentialIdList = 2,
    /// 3: userVerificationRequired
    UserVerificationRequired = 3,
}

/// Which enterprise attestation is asked for (CTAP 2.1, 7.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnterpriseAttestation {
    /// 1: the key decides by the RP IDs that its vendor put in.
    VendorFacilitated = 1,
    /// 2: the platform decides.
    PlatformManaged = 2,
}

/// A request for a credential. `user.name` and `user.displayName` are cut to 64 bytes at a character boundary when it is sent.
#[derive(Debug, Clone)]
pub struct MakeCredential {
    /// SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// The relying party.
    pub rp: RelyingParty,
    /// The account.
    pub user: UserEntity,
    /// Algorithms, the preferred one first.
    pub pub_key_cred_params: Vec<CoseAlgorithm>,
    /// Credentials whose key must not make another one.
    pub exclude_list: Vec<CredentialId>,
    /// rk: whether the key stores the credential.
    pub resident_key: bool,
    /// credProtect, if asked for.
    pub cred_protect: Option<CredProtect>,
    /// credBlob: up to maxCredBlobLength bytes to store.
    pub cred_blob: Option<Vec<u8>>,
    /// Whether the key should tell its minimum PIN length.
    pub min_pin_length: bool,
    /// Whether the credential gets an HMAC secret.
    pub hmac_secret: bool,
    /// Whether the credential gets a large blob key.
    pub large_blob_key: bool,
    /// Enterprise attestation, if asked for.
    pub enterprise_attestation: Option<EnterpriseAttestation>,
    /// attestationFormatsPreference (0x0B), the preferred one first.
    pub attestation_formats_preference: Vec<String>,
}

/// What the key made.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// fmt, authData and attStmt, as an attestation object.
    pub attestation_object: AttestationObject,
    /// epAtt (0x04): whether this is an enterprise attestation. Absent means no, whatever was asked.
    pub enterprise_attestation: bool,
    /// largeBlobKey (0x05).
    pub large_blob_key: Option<Vec<u8>>,
}
