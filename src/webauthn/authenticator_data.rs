//! Authenticator data (WebAuthn 6.1): what the key signs, next to the client data's hash.

use super::cbor::Value;
use super::{Aaguid, CosePublicKey, CredentialId, WebauthnError};

/// The flags byte (WebAuthn 6.1). Bits 1 and 5 are reserved and kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// UP, bit 0: somebody touched the key.
    pub fn user_present(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// UV, bit 2: the key checked a PIN or a biometric.
    pub fn user_verified(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// BE, bit 3: the credential may be synced to other devices.
    pub fn backup_eligible(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// BS, bit 4: the credential is synced now.
    pub fn backup_state(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// AT, bit 6: attested credential data follows.
    pub fn attested_credential_data(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// ED, bit 7: extension outputs follow.
    pub fn extension_data(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// A new credential as the key describes it (WebAuthn 6.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedCredentialData {
    /// The model that the key claims to be. Proves nothing without a verified attestation.
    pub aaguid: Aaguid,
    /// The credential's identifier.
    pub credential_id: CredentialId,
    /// The credential's public key, with its COSE bytes as received.
    pub public_key: CosePublicKey,
}

/// Parsed authenticator data: 37 bytes, then attested credential data and extensions as the flags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorData {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: [u8; 32],
    /// What was checked, and what follows.
    pub flags: Flags,
    /// The signature counter; 0 on keys that keep none.
    pub sign_count: u32,
    /// Present on registration.
    pub attested_credential_data: Option<AttestedCredentialData>,
    /// Extension outputs: a map with text keys.
    pub extensions: Option<Value>,
}

impl AuthenticatorData {
    /// Reads authenticator data that fills the whole input: flags and content must agree, BS needs BE, nothing is left over.
    pub fn parse(_bytes: &[u8]) -> Result<Self, WebauthnError> {
        todo!()
    }
}
