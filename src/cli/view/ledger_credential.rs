//! A credential, as the ledger knows it.

use serde::Serialize;

use crate::register::{Credential, CredentialState, Register};
use keywright_fido::webauthn::{CredentialId, RpId};

/// A credential that the ledger and the key have.
#[derive(Serialize)]
pub(crate) struct Owned<'a> {
    account: &'a str,
    directory: &'a str,
    ordinal: usize,
    label: Option<&'a str>,
    state: CredentialState,
    rp_id: &'a RpId,
    credential_id: &'a CredentialId,
    proved: Option<&'a str>,
}

impl<'a> Owned<'a> {
    /// What the ledger says of these.
    pub(crate) fn all(ids: &[CredentialId], book: &'a Register) -> Vec<Self> {
        let known = ids.iter().filter_map(|id| book.credentials.get_key_value(id));
        known.map(|(id, credential)| Self::of(id, credential)).collect()
    }

    fn of(credential_id: &'a CredentialId, credential: &'a Credential) -> Self {
        Self {
            account: &credential.account.login,
            directory: &credential.account.directory,
            ordinal: credential.ordinal,
            label: credential.label.as_deref(),
            state: credential.state,
            rp_id: &credential.rp_id,
            credential_id,
            proved: credential.proved.as_deref(),
        }
    }

    /// Whose it is, in a line.
    pub(crate) fn words(&self) -> String {
        let state = match self.state {
            CredentialState::OnKey => "on the key, not registered",
            CredentialState::Unconfirmed => "to be registered by hand and confirmed",
            CredentialState::Registered => "registered",
            CredentialState::Deleted => "deleted according to the ledger, and yet on the key",
            CredentialState::Erased => "erased according to the ledger, and yet on the key",
            CredentialState::Revoked => "revoked",
        };
        let label = self.label.map(|label| format!(", \"{label}\"")).unwrap_or_default();
        format!("{} at {}, key {}: {state}{label}", self.account, self.directory, self.ordinal)
    }
}
