//! The attestation object (WebAuthn 6.5.4): format, statement, authenticator data.

use super::cbor::Value;
use super::{AuthenticatorData, WebauthnError};

/// A parsed attestation object that still has the authenticator data's bytes, because they are what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationObject {
    /// The attestation statement format identifier: `packed`, `fido-u2f`, `none`, ...
    pub fmt: String,
    /// The statement, by format.
    pub att_stmt: Value,
    /// The authenticator data as received.
    pub auth_data_bytes: Vec<u8>,
    /// The same, parsed.
    pub auth_data: AuthenticatorData,
}

impl AttestationObject {
    /// Puts together an answer of authenticatorMakeCredential.
    pub fn new(_fmt: String, _att_stmt: Value, _auth_data_bytes: Vec<u8>) -> Result<Self, WebauthnError> {
        todo!()
    }

    /// Reads exactly the three text-keyed members `fmt`, `attStmt` and `authData`.
    pub fn parse(_bytes: &[u8]) -> Result<Self, WebauthnError> {
        todo!()
    }

    /// Writes it in canonical CBOR, with WebAuthn's text keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!()
    }
}
