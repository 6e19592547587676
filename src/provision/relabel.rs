//! The label of a key at the IdP, after somebody corrected it.
//!
//! That it is to change is in the ledger before the IdP is asked, so that the next `resume` ends what was interrupted. It refuses to
//! touch a key that the IdP has not, or has no longer.

use super::journal::Journal;
use super::retry_policy::RetryPolicy;
use super::same_person::{self, PersonError};
use crate::idp::Directory;
use crate::idp::error::IdpName;
use crate::ledger::{Event, LedgerError, Store};
use crate::register::{Credential, CredentialState, Register};
use keywright_fido::webauthn::CredentialId;
use keywright_files::Cancel;

/// What became of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relabelled {
    /// The IdP has it.
    Done,
    /// The IdP did not answer: the next `resume` changes it.
    Pending,
    /// The IdP refused, in its words; what it calls the key stays.
    Refused(String),
}

/// That a key is to have another label at the IdP. `None` where the IdP has not got the key, or calls it so already.
pub fn request(register: &Register, credential_id: &CredentialId, label: &str) -> Option<Event> {
    let credential = register.credentials.get(credential_id)?;
    let is_there = credential.state == CredentialState::Registered && credential.to_be_revoked.is_none();
    let is_called_so = credential.relabel.as_deref().or(credential.label.as_deref()) == Some(label);
    (is_there && !is_called_so).then(|| Event::RelabelRequested {
        account: credential.account.clone(),
        credential_id: credential_id.clone(),
        label: label.to_owned(),
    })
}

/// Gives a key the label at the IdP that the ledger says it is to have.
pub fn relabel(
    directory: &dyn Directory,
    store: &dyn Store,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    credential_id: &CredentialId,
) -> Result<Relabelled, LedgerError> {
    relabel_in(&Journal::open(store)?, directory, retry_policy, cancel, credential_id)
}

/// As [`relabel`], in a journal that is open.
pub(super) fn relabel_in(
    journal: &Journal<'_>,
    directory: &dyn Directory,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    credential_id: &CredentialId,
) -> Result<Relabelled, LedgerError> {
    let wanted = |credential: &Credential| Some((credential.clone(), credential.relabel.clone()?));
    let Some((credential, label)) = journal.book().credentials.get(credential_id).and_then(wanted) else {
        return Ok(Relabelled::Done);
    };
    let (relabelled, label) = match ask(journal, directory, retry_policy, cancel, credential_id, &credential, &label) {
        Ok(()) => (Relabelled::Done, Some(label)),
        Err(PersonError::Directory(error)) if error.is_away() => return Ok(Relabelled::Pending),
        Err(error) => (Relabelled::Refused(error.to_string()), None),
    };
    let (account, credential_id) = (credential.account, credential_id.clone());
    journal.record(&Event::RelabelEnded { account, credential_id, label })?;
    Ok(relabelled)
}

fn ask(
    journal: &Journal<'_>,
    directory: &dyn Directory,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    credential_id: &CredentialId,
    credential: &Credential,
    label: &str,
) -> Result<(), PersonError> {
    let idp = IdpName::new(directory.name());
    let labels = directory.capabilities().labels.ok_or_else(|| idp.refused("its API changes no labels"))?;
    let person = journal.book().person(&credential.account);
    let user = same_person::find(directory, retry_policy, cancel, &person)?;
    let listed = retry_policy.ask(cancel, || directory.list(&user))?;
    let name = credential.directory_id.as_deref();
    let registered = listed.iter().find(|one| one.is(credential_id, name));
    let absent = || idp.not_found(format!("key {} of {}", credential.ordinal, person.login));
    let registered = registered.ok_or_else(absent)?;
    Ok(retry_policy.ask(cancel, || labels.relabel(&user, registered, label))?)
}
