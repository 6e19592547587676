//! A credential, as the ledger knows it: the one view of it for every command.

use serde::Serialize;

use crate::ledger::KeyNumber;
use crate::register::{Credential, CredentialState, Register};
use keywright_fido::webauthn::{CredentialId, RpId};

/// A credential in the ledger.
#[derive(Clone, Serialize)]
pub(crate) struct LedgerCredential {
    pub(crate) account: String,
    pub(crate) directory: String,
    pub(crate) ordinal: usize,
    /// The key's own number, once it is known which key it is.
    pub(crate) number: Option<KeyNumber>,
    pub(crate) label: Option<String>,
    pub(crate) state: CredentialState,
    pub(crate) rp_id: RpId,
    pub(crate) credential_id: CredentialId,
    pub(crate) proved: Option<String>,
}

impl LedgerCredential {
    /// What the ledger says of these.
    pub(crate) fn all(ids: &[CredentialId], register: &Register) -> Vec<Self> {
        let known = ids.iter().filter_map(|id| register.credentials.get_key_value(id));
        known.map(|(id, credential)| Self::new(id, credential, register)).collect()
    }

    /// What the ledger says of this one.
    pub(crate) fn new(credential_id: &CredentialId, credential: &Credential, register: &Register) -> Self {
        Self {
            account: register.login(&credential.account).to_owned(),
            directory: credential.account.directory.clone(),
            ordinal: credential.ordinal,
            number: credential.number,
            label: credential.label().map(str::to_owned),
            state: credential.state,
            rp_id: credential.rp_id.clone(),
            credential_id: credential_id.clone(),
            proved: credential.proved.clone(),
        }
    }

    /// What became of it, for a key that has it.
    pub(crate) fn state_text(&self) -> &'static str {
        match self.state {
            CredentialState::OnKey => "on the key, not registered",
            CredentialState::Unconfirmed => "to be registered by hand and confirmed",
            CredentialState::Registered => "registered",
            CredentialState::Deleted => "deleted according to the ledger, but still on the key",
            CredentialState::Erased => "erased according to the ledger, but still on the key",
            CredentialState::Revoked => "revoked",
        }
    }

    /// Whose it is, in a line.
    pub(crate) fn owner_text(&self) -> String {
        let state = self.state_text();
        let label = self.label.as_ref().map(|label| format!(", \"{label}\"")).unwrap_or_default();
        let number = self.number.map(|number| format!(" ({number})")).unwrap_or_default();
        format!("{} at {}, key {}{number}: {state}{label}", self.account, self.directory, self.ordinal)
    }
}
