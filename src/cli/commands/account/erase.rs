//! `keywright account erase`: what the ledger keeps of a person in words.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::Change;
use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::{AccountId, Event, Head, LedgerError, Store};
use crate::register::{AccountState, Register};
use crate::secret::AgeFiles;
use crate::settings::IdpChoice;

/// Erase the names of a person who left.
///
/// Login, name, ticket, reasons, labels and places of the account are removed from the ledger; 'erased-' and a number stand for
/// them from then on, and the hash chain still verifies. That they were erased, when, by whom and why stays, so write no name into
/// --reason. Refused while the person has keys or signs in. Credential ids and serial numbers stay, and so does what version 0.1.0
/// wrote; this command says which events those are. Exports and lists that were made before are yours to delete.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright account erase ada@example.org --reason HR-2027-031")]
pub(crate) struct Erase {
    /// The login
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Why, for the ledger; without names
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The IdP, where several have this login
    #[arg(long, value_name = "NAME")]
    idp: Option<IdpChoice>,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Erased {
    /// What stands for the login now; in a dry run the login.
    account: String,
    directory: String,
    dry_run: bool,
    /// Numbers of events that still have texts about the person.
    plain_events: Vec<u64>,
    /// Files that are named after the account.
    files: Vec<PathBuf>,
}

impl View for Erased {
    const KIND: &'static str = "account-erased";
}

impl Erase {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let known = session.register()?;
        let id = account::find(&self.account, self.idp.as_ref(), &known)?;
        let login = known.login(&id).to_owned();
        may_be_erased(&known, &id)?;
        let files = files_with_names(session, &known, &id)?;
        if self.change.dry_run {
            let plain_events = plain_events(&*session.ledger_or_empty()?, &id)?;
            let (account, directory) = (login, id.directory.clone());
            let erased = Erased { account, directory, dry_run: true, plain_events, files };
            session
                .output
                .result(&erased, || format!("would erase the names of {}\n{}", erased.account, erased.left_over()))?;
            return Ok(Exit::Done);
        }
        session
            .console
            .confirm(&format!("erase the names of {login}? They cannot be brought back"), self.change.yes)?;

        let store = session.ledger_for_writing()?;
        let mut register = known;
        register.catch_up(&*store)?;
        may_be_erased(&register, &id)?;
        // In logs of version 0.1.0 one person may be two accounts.
        let same = register.accounts.iter().filter(|(_, other)| other.same_as.as_ref() == Some(&id));
        let same: Vec<AccountId> = same.map(|(other, _)| other.clone()).collect();
        let operator = session.operator()?;
        let erasure = |account: &AccountId| Event::AccountErased {
            account: account.clone(),
            login: register.login(account).to_owned(),
            reason: self.reason.clone(),
            operator: operator.clone(),
        };
        let erasures: Vec<Event> = same.iter().chain([&id]).map(erasure).collect();
        register.record_all(&*store, &erasures)?;

        let (id, account) = as_erased(&*store, register.head.seq)?.unwrap_or((id, login.clone()));
        let plain_events = plain_events(&*store, &id)?;
        let erased = Erased { account, directory: id.directory, dry_run: false, plain_events, files };
        session
            .output
            .result(&erased, || format!("{login} is {} from now on\n{}", erased.account, erased.left_over()))?;
        store.scrub().inspect_err(|_| {
            session
                .console
                .warn("the names are erased, but the disk may still have them until nothing reads the ledger");
        })?;
        Ok(Exit::Done)
    }
}

/// Nothing may be left to do about somebody without a name.
fn may_be_erased(register: &Register, id: &AccountId) -> Result<(), CliError> {
    let login = register.login(id);
    if register.accounts[id].state == AccountState::Active {
        return Err(CliError::Usage(format!("{login} has not left; first: keywright account left {login}")));
    }
    if let Some((_, key)) = register.credentials_of(id).find(|(_, key)| key.to_be_revoked.is_some()) {
        return Err(CliError::Usage(format!("{login}'s key {} still signs in; first: keywright resume", key.ordinal)));
    }
    let out: Vec<_> = register.credentials_of(id).filter(|(_, key)| key.is_out()).collect();
    match out.first() {
        Some((_, key)) => Err(CliError::Usage(format!(
            "{login} still has {}, such as key {}; take each back first: keywright key return",
            count(out.len(), "key", "keys"),
            key.ordinal
        ))),
        None => Ok(()),
    }
}

/// PINs for readers, whose files are named after the account, and inventories that name it.
fn files_with_names(session: &Session, register: &Register, id: &AccountId) -> Result<Vec<PathBuf>, CliError> {
    let account = &register.accounts[id];
    let logins = account.former_logins.iter().chain([&account.login, &id.login]);
    let mut names: Vec<&str> = logins.clone().map(String::as_str).collect();
    names.extend(account.user_id.as_deref());
    let mut files = AgeFiles::of_accounts(&session.state()?.hand_over(), logins.map(String::as_str));
    files.extend(session.shelf()?.naming(&names)?);
    Ok(files)
}

/// What the log calls the account and its login now, in the event that erased it.
fn as_erased(store: &dyn Store, seq: u64) -> Result<Option<(AccountId, String)>, LedgerError> {
    let mut erased = None;
    store.each(&Head::EMPTY, &mut |entry| {
        if entry.seq == seq
            && let Event::AccountErased { account, login, .. } = entry.event()?
        {
            erased = Some((account, login));
        }
        Ok(())
    })?;
    Ok(erased)
}

/// The events that keep texts about the account.
fn plain_events(store: &dyn Store, id: &AccountId) -> Result<Vec<u64>, LedgerError> {
    let (mut read, mut about) = (Register::default(), Vec::new());
    store.each(&Head::EMPTY, &mut |entry| {
        let event = entry.event()?;
        if entry.has_plain_texts(&event) {
            about.push((entry.seq, read.record_of(&event).about));
        }
        read.apply(&entry, &event)
    })?;
    // In logs of version 0.1.0 one person may be two accounts.
    let is_meant = |other: &AccountId| {
        other == id || read.accounts.get(other).is_some_and(|other| other.same_as.as_ref() == Some(id))
    };
    let about = about.into_iter().filter(|(_, about)| about.as_ref().is_some_and(is_meant));
    Ok(about.map(|(seq, _)| seq).collect())
}

impl Erased {
    /// What keeps the name.
    fn left_over(&self) -> String {
        let mut text = String::new();
        if let (Some(first), Some(last)) = (self.plain_events.first(), self.plain_events.last()) {
            let events = count(self.plain_events.len(), "event", "events");
            text.push_str(&format!(
                "  not erased: {events} of version 0.1.0, between {first} and {last}, that cannot change without breaking the chain\n"
            ));
        }
        for file in &self.files {
            text.push_str(&format!("  still has the name, to be deleted by you: {}\n", file.display()));
        }
        text
    }
}
