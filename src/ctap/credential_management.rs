//! authenticatorCredentialManagement (0x0A, and 0x41 on FIDO_2_1_PRE keys): CTAP 2.1 section 6.8.

use crate::webauthn::{CosePublicKey, CredentialId, UserHandle};

/// getCredsMetadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialsMetadata {
    /// Resident credentials on the key.
    pub existing: u64,
    /// An estimate of how many more it takes.
    pub remaining: u64,
}

/// One of enumerateRPs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRp {
    /// The RP ID as the key stored it (some keys cut it short); may be missing.
    pub id: Option<String>,
    /// SHA-256 of the RP ID.
    pub id_hash: [u8; 32],
}

/// One of enumerateCredentials.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// The account.
    pub user_handle: UserHandle,
    /// The account's name.
    pub user_name: Option<String>,
    /// The person's name.
    pub user_display_name: Option<String>,
    /// The credential.
    pub credential_id: CredentialId,
    /// Its public key, if the key told it.
    pub public_key: Option<CosePublicKey>,
    /// Its credProtect level, 1 to 3, if the key told it.
    pub cred_protect: Option<u64>,
}
