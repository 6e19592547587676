//! `keywright key edit`: what people keep of a key in their own words.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::Event;
use crate::settings::IdpChoice;

/// Correct a key's label, place or custodian.
///
/// What is written on it, where it is kept, and by whom. The label at the IdP stays as it is.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key edit ada@example.org --key 2 --place safe-3")]
pub(crate) struct Edit {
    /// The login of the account that has the key
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Which of the account's keys: 1, 2, ... as 'keywright status' counts them
    #[arg(long, value_name = "NUMBER")]
    key: usize,
    /// What is written on it
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["place", "custodian"])]
    label: Option<String>,
    /// Where it is kept
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,
    /// Who keeps it
    #[arg(long, value_name = "NAME")]
    custodian: Option<String>,
    /// The IdP, where several have this login
    #[arg(long, value_name = "NAME")]
    idp: Option<IdpChoice>,
}

#[derive(Serialize)]
struct Edited<'a> {
    account: &'a str,
    directory: &'a str,
    ordinal: usize,
    label: Option<&'a str>,
    place: Option<&'a str>,
    custodian: Option<&'a str>,
}

impl View for Edited<'_> {
    const KIND: &'static str = "key-edited";
}

impl Edit {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut register = session.register()?;
        let id = account::find(&self.account, self.idp.as_ref(), &register)?;
        let job = register.job_of_key(&id, self.key).and_then(|job| register.jobs.get(&job));
        let Some(credential_id) = job.and_then(|job| job.credential_id()).cloned() else {
            return Err(CliError::NotFound(format!("{id} has no key {} in the ledger", self.key)));
        };
        let store = session.ledger_for_writing()?;
        register.catch_up(&*store)?;
        let (label, place, custodian) = (self.label.clone(), self.place.clone(), self.custodian.clone());
        let operator = session.operator()?;
        let event = Event::KeyEdited { credential_id: credential_id.clone(), label, place, custodian, operator };
        register.record(&*store, &event)?;
        let Some(credential) = register.credentials.get(&credential_id) else {
            return Err(CliError::NotFound(format!("{id} has no key {} in the ledger", self.key)));
        };
        let edited = Edited {
            account: register.login(&id),
            directory: &id.directory,
            ordinal: self.key,
            label: credential.label(),
            place: credential.kept.place.as_deref(),
            custodian: credential.kept.custodian.as_deref(),
        };
        session.output.result(&edited, || format!("key {} of {id} is changed", self.key))?;
        Ok(Exit::Done)
    }
}
