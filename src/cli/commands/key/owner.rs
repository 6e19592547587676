//! Whose credentials these are, for commands that erase them: said before, and what is left at the IdP after.
//!
//! It refuses to name an owner of a credential that is out of use already.

use serde::Serialize;

use crate::cli::shared::{CliError, Session};
use crate::cli::view::ledger_credential::LedgerCredential;
use keywright_fido::webauthn::CredentialId;

/// A credential in use that the ledger and the key have.
#[derive(Serialize)]
pub(crate) struct Owner {
    #[serde(flatten)]
    credential: LedgerCredential,
    /// Keys of the account that would still count.
    keys_left: usize,
    /// Keys that its profile demands.
    keys_required: usize,
}

impl Owner {
    /// The account's login.
    pub(crate) fn login(&self) -> &str {
        &self.credential.account
    }

    /// Whose it is and what is left without it, as part of a question.
    pub(crate) fn sentence(&self) -> String {
        let Self { credential: LedgerCredential { account, directory, ordinal, .. }, keys_left, keys_required } = self;
        format!("It is key {ordinal} of {account} at {directory}; {keys_left} of {keys_required} keys would be left.")
    }
}

/// The ledger's credentials in use among these; none where there is no ledger.
pub(crate) fn of_credentials(ids: &[CredentialId], session: &Session) -> Result<Vec<Owner>, CliError> {
    let Some(register) = session.register_if_any()? else { return Ok(Vec::new()) };
    let mut owners: Vec<Owner> = Vec::new();
    for id in ids {
        let Some(credential) = register.credentials.get(id).filter(|one| one.state.is_in_use()) else { continue };
        let Some(standing) = register.standing(&credential.account, Session::now()) else { continue };
        let others = standing
            .keys
            .iter()
            .filter(|key| key.standing.counts() && key.credential_id.as_ref().is_none_or(|other| !ids.contains(other)));
        owners.push(Owner {
            credential: LedgerCredential::new(id, credential, &register),
            keys_left: others.count(),
            keys_required: standing.required,
        });
    }
    Ok(owners)
}

/// Says what is still registered of keys that were erased.
pub(crate) fn tell_registered(owners: &[Owner], session: &Session) {
    for Owner { credential, .. } in owners {
        session.console.say(&format!(
            "key {ordinal} of {login} is written down as erased; it is still registered at {directory}, until: \
             keywright revoke {login} --key {ordinal} --idp {directory} --reason erased",
            ordinal = credential.ordinal,
            login = credential.account,
            directory = credential.directory
        ));
    }
}
