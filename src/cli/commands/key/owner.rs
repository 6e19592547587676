//! Whose key this is, for commands that erase something of it: said before, and written down after.
//!
//! It refuses to guess: a key that shows nothing without its PIN has no known owner, and the person is told so.

use serde::Serialize;

use crate::audit::key::credentials_of_ledger;
use crate::cli::shared::ledger::register_of;
use crate::cli::shared::operator::operator_name;
use crate::cli::shared::{CliError, Session};
use crate::cli::view::ledger_credential::LedgerCredential;
use crate::ledger::{Erasure, Event};
use keywright_fido::ctap::Authenticator;
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

/// The ledger's credentials in use that the key shows without its PIN.
pub(crate) fn of_key(key: &mut Authenticator, session: &Session) -> Result<Vec<Owner>, CliError> {
    let Some(register) = session.register_if_any()? else { return Ok(Vec::new()) };
    let shown = credentials_of_ledger(key, &register)?;
    of_credentials(&shown, session)
}

/// Writes down that these are gone from their key.
pub(crate) fn record_erased(owners: &[Owner], how: Erasure, session: &Session) -> Result<(), CliError> {
    if owners.is_empty() {
        return Ok(());
    }
    let store = session.ledger_for_writing()?;
    let mut register = register_of(&*store)?;
    let credential_ids = owners.iter().map(|owner| owner.credential.credential_id.clone()).collect();
    let operator = operator_name();
    register.record(&*store, &Event::KeyErased { credential_ids, how, operator })?;
    for Owner { credential, .. } in owners {
        session.console.say(&format!(
            "key {ordinal} of {login} is written down as erased; it is still registered at {directory}, until: \
             keywright revoke {login} --key {ordinal} --idp {directory} --reason erased",
            ordinal = credential.ordinal,
            login = credential.account,
            directory = credential.directory
        ));
    }
    Ok(())
}
