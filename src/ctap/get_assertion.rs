//! authenticatorGetAssertion (0x02) and authenticatorGetNextAssertion (0x08): CTAP 2.1 sections 6.2 and 6.3.

use crate::webauthn::{CredentialId, RpId, UserHandle};

/// A request for a signature.
#[derive(Debug, Clone)]
pub struct GetAssertion {
    /// The relying party.
    pub rp_id: RpId,
    /// SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// Credentials that will do; empty for any resident one.
    pub allow_list: Vec<CredentialId>,
    /// up: whether somebody has to touch the key. Without, the key only says which credential it has.
    pub user_presence: bool,
}

/// A signature.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// The credential that signed.
    pub credential_id: CredentialId,
    /// Authenticator data as signed.
    pub authenticator_data: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// The account, on resident credentials.
    pub user_handle: Option<UserHandle>,
    /// The account's name, if the key told it.
    pub user_name: Option<String>,
}
