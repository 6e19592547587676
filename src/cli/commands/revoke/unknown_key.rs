//! `keywright revoke --unknown`: a key that the IdP has and nobody here made.

use serde::Serialize;

use super::Revoke;
use crate::cli::shared::estate::Estate;
use crate::cli::shared::output::View;
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::rollout::{UnknownKeyEnding, UnknownKeyRemoval};
use crate::rollout::Scope;
use crate::rollout::inventory::read::Depth;
use crate::rollout::unknown_key::{self, Removed, Removing};
use keywright_files::shown;

/// What was done, or would be.
#[derive(Serialize)]
pub(crate) struct UnknownKeyLine<'a> {
    account: &'a str,
    directory: &'a str,
    directory_id: &'a str,
    label: Option<&'a str>,
    dry_run: bool,
    /// `removed`, `absent`, `kept`; `null` in a dry run.
    ending: Option<&'static str>,
    sessions_ended: bool,
    /// Why something was not done.
    open: Vec<&'a str>,
}

impl View for UnknownKeyLine<'_> {
    const KIND: &'static str = "unknown-key";
}

impl<'a> UnknownKeyLine<'a> {
    pub(crate) fn new(removal: &'a UnknownKeyRemoval, removed: Option<&'a Removed>) -> Self {
        let ending = removed.map(|removed| match removed.ending {
            UnknownKeyEnding::Removed {} => "removed",
            UnknownKeyEnding::Absent {} => "absent",
            UnknownKeyEnding::Kept { .. } => "kept",
        });
        let kept = removed.and_then(|removed| match &removed.ending {
            UnknownKeyEnding::Kept { why } => Some(why.as_str()),
            UnknownKeyEnding::Removed {} | UnknownKeyEnding::Absent {} => None,
        });
        let sessions = removed.and_then(|removed| removed.sessions.as_ref().err()).map(String::as_str);
        Self {
            account: &removal.login,
            directory: &removal.account.directory,
            directory_id: &removal.directory_id,
            label: removal.label.as_deref(),
            dry_run: removed.is_none(),
            ending,
            sessions_ended: removed.is_some_and(|removed| removed.sessions.is_ok()),
            open: kept.into_iter().chain(sessions).collect(),
        }
    }

    /// Whether nothing is left to do.
    pub(crate) fn exit(&self) -> Exit {
        if self.open.is_empty() { Exit::Done } else { Exit::Partial }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let label = self.label.map(|label| format!(" \"{label}\"")).unwrap_or_default();
        let key = format!("key {}{label} of {}", self.directory_id, self.account);
        let mut text = match self.ending {
            None => format!("would remove {key}, which nobody here made, and end what the account is signed in to\n"),
            Some("absent") => format!("{key} is not at {} any more\n", self.directory),
            Some("kept") => format!("{key} is still at {}\n", self.directory),
            Some(_) => format!("{key} is removed at {}\n", self.directory),
        };
        if self.sessions_ended {
            text.push_str("  what the account was signed in to has ended\n");
        }
        for why in &self.open {
            text.push_str(&format!("  not done: {}\n", shown::one_line(why)));
        }
        text
    }
}

impl Revoke {
    pub(super) fn unknown_key(&self, directory_id: &str, session: &Session) -> Result<Exit, CliError> {
        let register = session.register_or_empty()?;
        let mut estate = Estate::open(&self.idp, None, session)?;
        session.catch_interrupts(ENDING)?;
        let operator = session.operator()?;
        let scope = Scope::Accounts(vec![self.account.clone()]);
        let inventory = estate.inventory(&scope, None, Depth::EachAccount, &register, true)?;
        let [entry] = &inventory.people[..] else {
            return Err(CliError::NotFound(format!("{} has no account {}", inventory.directory, self.account)));
        };
        let removal = unknown_key::plan(entry, &inventory.directory, directory_id, &self.reason, &operator)?;
        if self.change.dry_run {
            let line = UnknownKeyLine::new(&removal, None);
            session.output.result(&line, || line.text())?;
            return Ok(Exit::Done);
        }
        let label = removal.label.as_ref().map(|label| format!(" \"{label}\"")).unwrap_or_default();
        let question = format!(
            "remove key {directory_id}{label} of {}, which nobody here made, and end its sessions? Nobody signs in with it any longer",
            removal.login
        );
        session.console.confirm(&question, self.change.yes)?;
        estate.directory = self.idp.open_for_writing(&session.settings()?)?;
        let removed = {
            let store = session.ledger_for_writing()?;
            let (directory, retry, cancel) = (&*estate.directory, &estate.retry, &session.cancel);
            Removing { directory, store: &*store, retry, cancel }.remove(&removal)?
        };
        let line = UnknownKeyLine::new(&removal, Some(&removed));
        session.output.result(&line, || line.text())?;
        session.checkpoint()?;
        Ok(line.exit())
    }
}
