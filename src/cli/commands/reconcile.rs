//! `keywright reconcile`: do IdP, ledger and keys in hand say the same?

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use crate::audit::key::shown_of_ledger;
use crate::cli::shared::arguments::{KeySource, WhichIdp};
use crate::cli::shared::estate::Estate;
use crate::cli::shared::open_key::{self, Keys};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session};
use crate::provision::was_on_empty_key;
use crate::register::Register;
use crate::rollout::Scope;
use crate::rollout::inventory::read::Depth;
use crate::rollout::reconcile::{Difference, InHand, Kind, differences};
use keywright_files::shown;

/// Hold the IdP's keys against the ledger's, and against those that are plugged in.
///
/// Each difference is told with what mends it; first of all, keys of administrators that nobody here made. A list that could not be
/// read is a difference. Changes nothing anywhere. With --plugged-in, each key that is plugged in is asked which credentials of the
/// ledger it has, without its PIN and without a touch. Exit code 0: they agree; 3: they differ, or it cannot be told.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright reconcile --all\n  keywright reconcile ada@example.org --json\n  keywright reconcile --all --plugged-in"
)]
pub(crate) struct Reconcile {
    /// Logins at the IdP, or its ids
    #[arg(value_name = "ACCOUNT", required_unless_present = "all", conflicts_with = "all")]
    accounts: Vec<String>,
    /// Every account of the ledger, and all administrators of the IdP
    #[arg(long)]
    all: bool,
    /// Ask the keys that are plugged in, too
    #[arg(long)]
    plugged_in: bool,
    #[command(flatten)]
    source: KeySource,
    #[command(flatten)]
    idp: WhichIdp,
}

#[derive(Serialize)]
struct DifferenceLine<'a> {
    directory: &'a str,
    /// `null` if it is about no single account.
    account: Option<&'a str>,
    administrator: bool,
    difference: &'static str,
    ordinal: Option<usize>,
    /// The IdP's name for a key that nobody here made.
    directory_id: Option<&'a str>,
    message: String,
    next: String,
}

impl View for DifferenceLine<'_> {
    const KIND: &'static str = "difference";
}

#[derive(Serialize)]
struct Reconciled<'a> {
    directory: &'a str,
    accounts: usize,
    /// Keys that were asked; `null` if none were to be.
    plugged_in: Option<usize>,
    differences: usize,
}

impl View for Reconciled<'_> {
    const KIND: &'static str = "reconciled";
}

impl<'a> DifferenceLine<'a> {
    fn new(difference: &'a Difference, directory: &'a str) -> Self {
        Self {
            directory,
            account: difference.account.as_deref(),
            administrator: difference.administrator,
            difference: difference.kind.code(),
            ordinal: difference.kind.ordinal(),
            directory_id: match &difference.kind {
                Kind::Unknown { directory_id, .. } => Some(directory_id),
                _ => None,
            },
            message: difference.kind.to_string(),
            next: difference.next_step(),
        }
    }
}

impl Reconcile {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register_or_empty()?;
        let estate = Estate::open(&self.idp, None, session)?;
        session.catch_interrupts("ending; what was read is kept for a day; Ctrl-C again ends at once")?;
        let scope = match self.all {
            true => Scope::Ledger,
            false => Scope::Accounts(self.accounts.clone()),
        };
        let inventory = estate.inventory(&scope, None, Depth::EachAccount, &register, true)?;
        self.all_known(&inventory, &register)?;
        let in_hand = match self.plugged_in || self.source.softkeys().is_some() {
            true => Some(in_hand(&self.source, &register, session)?),
            false => None,
        };
        let found = differences(&inventory, in_hand.as_deref().unwrap_or_default(), &register);
        let (directory, accounts) = (inventory.directory.as_str(), inventory.people.len() + inventory.gone.len());
        let line =
            Reconciled { directory, accounts, plugged_in: in_hand.as_ref().map(Vec::len), differences: found.len() };
        if session.output.is_json() {
            for difference in &found {
                session.output.object(&DifferenceLine::new(difference, directory))?;
            }
            session.output.object(&line)?;
        } else {
            session.output.text(&text(&found, &line))?;
        }
        Ok(if found.is_empty() { Exit::Done } else { Exit::Partial })
    }

    /// A login that neither the IdP nor the ledger has is a typing error, and no account without differences.
    fn all_known(&self, inventory: &crate::rollout::Inventory, register: &Register) -> Result<(), CliError> {
        let gone: BTreeSet<&str> = inventory.gone.iter().map(|gone| gone.user_id.as_str()).collect();
        let unknown = self
            .accounts
            .iter()
            .find(|login| gone.contains(login.as_str()) && register.accounts_named(login).is_empty());
        match unknown {
            Some(login) => Err(CliError::NotFound(format!(
                "neither {} nor the ledger has an account {login}",
                inventory.directory
            ))),
            None => Ok(()),
        }
    }
}

/// What each key that is plugged in says. One that cannot be opened does not tell.
fn in_hand(source: &KeySource, register: &Register, session: &Session) -> Result<Vec<InHand>, CliError> {
    let keys = Keys::open(source, session)?;
    let mut all = Vec::new();
    for device in keys.bus().devices()? {
        let mut one = InHand { port: device.port.clone(), has: Vec::new(), had: Vec::new(), cannot_tell: None };
        match open_key::open(keys.bus(), &device, session) {
            Ok(mut key) => {
                one.had = was_on_empty_key(register, &device, &mut key)?;
                match shown_of_ledger(&mut key, register) {
                    Ok(shown) => {
                        one.cannot_tell = shown.cannot_tell.as_ref().map(ToString::to_string);
                        one.has = shown.has.into_iter().chain(shown.perhaps).collect();
                    }
                    Err(error) => one.cannot_tell = Some(error.to_string()),
                }
            }
            Err(error) => one.cannot_tell = Some(error.to_string()),
        }
        all.push(one);
    }
    Ok(all)
}

fn text(found: &[Difference], line: &Reconciled<'_>) -> String {
    let mut text = String::new();
    for difference in found {
        let administrator = if difference.administrator { " (administrator)" } else { "" };
        let who = difference.account.as_ref().map(|account| format!("{account}{administrator}: ")).unwrap_or_default();
        text.push_str(&format!("{}\n", shown::one_line(&format!("{who}{}", difference.kind))));
        text.push_str(&format!("  -> {}\n", shown::one_line(&difference.next_step())));
    }
    let in_hand =
        line.plugged_in.map(|keys| format!(" and {} in hand", count(keys, "key", "keys"))).unwrap_or_default();
    let accounts = count(line.accounts, "account", "accounts");
    text.push_str(&match line.differences {
        0 => format!("{} and the ledger agree on {accounts}{in_hand}\n", line.directory),
        number => format!("{} in {accounts}{in_hand}\n", count(number, "difference", "differences")),
    });
    text
}
