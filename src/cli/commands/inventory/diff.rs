//! `keywright inventory diff`: what changed between two inventories.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session};
use crate::register::rollout::ReadOnce;
use crate::rollout::Inventory;
use crate::rollout::inventory::diff::{Change, diff};

/// What changed between two inventories.
///
/// Without numbers: between the newest one and the one before it of the same people. Both files are held against the SHA-256 in the
/// ledger. Exit code 3 if something changed.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright inventory diff\n  keywright inventory diff 3\n  keywright inventory diff 3 7 --json"
)]
pub(super) struct Diff {
    /// The older one: its number, or the start of its SHA-256 [default: the one before, of the same people]
    #[arg(value_name = "OLD")]
    old: Option<String>,
    /// The newer one [default: the newest, of the same people]
    #[arg(value_name = "NEW")]
    new: Option<String>,
}

#[derive(Serialize)]
struct ChangeLine<'a> {
    account: &'a str,
    directory: &'a str,
    #[serde(flatten)]
    change: &'a Change,
    message: String,
}

impl View for ChangeLine<'_> {
    const KIND: &'static str = "inventory-change";
}

#[derive(Serialize)]
struct Compared<'a> {
    scope: &'a str,
    old: usize,
    new: usize,
    /// RFC 3339.
    old_at: &'a str,
    new_at: &'a str,
    changes: usize,
}

impl View for Compared<'_> {
    const KIND: &'static str = "inventory-diff";
}

/// An inventory of the ledger, with its number.
type Numbered<'a> = (usize, &'a ReadOnce);

impl Diff {
    pub(super) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let all: Vec<Numbered<'_>> = (1..).zip(register.rollout.inventories()).collect();
        let (old, new) = self.both(&all)?;
        let read = |(number, one): Numbered<'_>| -> Result<Inventory, CliError> {
            session.shelf()?.get::<Inventory>(&one.read.sha256)?.ok_or_else(|| {
                CliError::NotFound(format!(
                    "inventory {number} is in the ledger, and its file is not in this state folder"
                ))
            })
        };
        let changes = diff(&read(old)?, &read(new)?);
        let compared = Compared {
            scope: &new.1.read.scope,
            old: old.0,
            new: new.0,
            old_at: &old.1.at,
            new_at: &new.1.at,
            changes: changes.len(),
        };
        let mut text = String::new();
        for one in &changes {
            let (account, message) = (one.account.as_str(), one.change.words());
            text.push_str(&format!("{account}: {message}\n"));
            if session.output.is_json() {
                let directory = &new.1.read.directory;
                session.output.object(&ChangeLine { account, directory, change: &one.change, message })?;
            }
        }
        session.output.result(&compared, || {
            format!(
                "{text}{} from inventory {} ({}) to {} ({})\n",
                count(changes.len(), "change", "changes"),
                old.0,
                old.1.at.get(..10).unwrap_or_default(),
                new.0,
                new.1.at.get(..10).unwrap_or_default(),
            )
        })?;
        Ok(if changes.is_empty() { Exit::Done } else { Exit::Partial })
    }

    fn both<'a>(&self, all: &[Numbered<'a>]) -> Result<(Numbered<'a>, Numbered<'a>), CliError> {
        let same = |one: &Numbered<'_>, other: &Numbered<'_>| {
            (&one.1.read.directory, &one.1.read.scope) == (&other.1.read.directory, &other.1.read.scope)
        };
        let newest_like = |one: &Numbered<'a>| all.iter().rev().find(|other| same(one, other)).copied();
        let named = |text: &str| {
            let is_it = |one: &&Numbered<'a>| {
                text.parse() == Ok(one.0) || text.len() > 5 && one.1.read.sha256.starts_with(text)
            };
            all.iter()
                .find(is_it)
                .copied()
                .ok_or_else(|| CliError::NotFound(format!("no inventory {text} is in the ledger")))
        };
        let few = || CliError::NotFound("there are not two inventories of the same people in the ledger".to_owned());
        let new = match (&self.new, &self.old) {
            (Some(new), _) => named(new)?,
            (None, Some(old)) => newest_like(&named(old)?).ok_or_else(few)?,
            (None, None) => all.last().copied().ok_or_else(few)?,
        };
        let old = match &self.old {
            Some(old) => named(old)?,
            None => {
                let mut before = all.iter().rev().filter(|one| one.0 < new.0 && same(one, &new));
                before.next().copied().ok_or_else(few)?
            }
        };
        if !same(&old, &new) {
            let why =
                format!("inventory {} is about {}, {} about {}", old.0, old.1.read.scope, new.0, new.1.read.scope);
            return Err(CliError::Usage(why));
        }
        Ok((old, new))
    }
}
