//! `keywright account left`: a person leaves.

use clap::Args;
use serde::Serialize;

use crate::audit::key::in_hand;
use crate::cli::commands::key::{erase, mark};
use crate::cli::shared::arguments::{Change, KeySource, WhichIdp};
use crate::cli::shared::open_key::{self, Keys};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::{AccountId, Event, KeyNumber};
use crate::provision::{self, RetryPolicy, RevokeOrder};
use crate::register::Register;
use keywright_fido::hid::Device;
use keywright_fido::webauthn::CredentialId;

/// Take everything of a person who leaves out of service.
///
/// Revokes every key of the account at the IdP, ends what was left to do for it, and lists the keys that are to be collected;
/// 'keywright key return' takes each back, and 'keywright status' names those that are still out. It can be run again: what the
/// IdP could not be told the first time is done then, or by 'keywright resume'.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright account left ada@example.org --reason HR-2026-114\n  keywright account left ada@example.org --reason HR-2026-114 --wipe"
)]
pub(crate) struct Left {
    /// The login
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Take back those of the person's keys that are plugged in, too: each is erased, and shown to be
    #[arg(long)]
    wipe: bool,
    #[command(flatten)]
    source: KeySource,
    #[command(flatten)]
    idp: WhichIdp,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Departed<'a> {
    account: &'a str,
    directory: &'a str,
    dry_run: bool,
    removed: Vec<CredentialId>,
    absent: Vec<CredentialId>,
    /// To be removed at the IdP by the next `resume`: they still sign in.
    pending: Vec<CredentialId>,
    by_hand: Vec<CredentialId>,
    collect: Vec<ToCollect>,
    /// Keys that were erased, and that no longer answer for the person's credential.
    wiped: Vec<Wiped>,
}

impl View for Departed<'_> {
    const KIND: &'static str = "account-left";
}

/// A key that was in hand, and is empty now.
#[derive(Serialize)]
struct Wiped {
    ordinal: usize,
    number: Option<KeyNumber>,
    port: String,
}

/// A key that is still out.
#[derive(Serialize)]
struct ToCollect {
    ordinal: usize,
    number: Option<KeyNumber>,
    label: Option<String>,
    serial: Option<String>,
}

impl Left {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let directory = account::directory_of(&self.account, &register, &self.idp, &session.settings()?)?;
        let id = account::known_at_idp(&self.account, &*directory, &register)?;
        session.catch_interrupts(ENDING)?;
        let mut departed = Departed {
            account: register.login(&id),
            directory: directory.name(),
            dry_run: self.change.dry_run,
            removed: Vec::new(),
            absent: Vec::new(),
            pending: Vec::new(),
            by_hand: Vec::new(),
            collect: to_collect(&register, &id),
            wiped: Vec::new(),
        };
        let keys = count(in_use(&register, &id), "key", "keys");
        if let Some(by_hand) = directory.registration().by_hand() {
            session.console.say(&format!(
                "{} has no API: {}, for each of the {keys}",
                directory.name(),
                by_hand.removal
            ));
        }
        let in_hand = match self.wipe {
            true => {
                let keys = Keys::open(&self.source, session)?;
                let found = InHand::find(&keys, &id, session)?;
                Some((keys, found))
            }
            false => None,
        };
        departed.wiped =
            in_hand.iter().flat_map(|(_, found)| found).flat_map(|one| one.of_account(&register)).collect();
        let erase = match departed.wiped.as_slice() {
            [] => String::new(),
            wiped => format!(", and erase {} in hand", count(wiped.len(), "key", "keys")),
        };
        let question = format!("take {keys} of {id} out of service{erase}, as of somebody who left?");
        if self.change.dry_run {
            session.output.result(&departed, || format!("would {}", question.trim_end_matches('?')))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&question, self.change.yes)?;
        let store = session.ledger_for_writing()?;
        let (retry, cancel, operator) = (RetryPolicy::default(), &session.cancel, session.operator()?);
        let order = RevokeOrder { reason: &self.reason, operator: &operator };
        for done in provision::leave(&*directory, &*store, &retry, cancel, &id, order)? {
            departed.removed.extend(done.removed);
            departed.absent.extend(done.absent);
            departed.pending.extend(done.pending);
            departed.by_hand.extend(done.by_hand);
        }
        drop(store);
        if let Some((keys, in_hand)) = &in_hand {
            in_hand.iter().try_for_each(|one| one.wipe(keys, session))?;
            departed.collect = to_collect(&session.register()?, &id);
        }
        session.output.result(&departed, || departure_text(&departed))?;
        if departed.pending.is_empty() {
            return Ok(Exit::Done);
        }
        session.console.hint("the IdP did not answer; 'keywright resume' removes the keys there once it does");
        Ok(Exit::Directory)
    }
}

/// A key of the account that is plugged in.
struct InHand {
    device: Device,
    ids: Vec<CredentialId>,
}

impl InHand {
    /// All of them.
    fn find(keys: &Keys, id: &AccountId, session: &Session) -> Result<Vec<Self>, CliError> {
        let register = session.register()?;
        let open = |device: &Device| open_key::open(keys.bus(), device, session);
        let found = in_hand(keys.bus().devices()?, &register, open)?.into_iter().map(|(device, mut ids)| {
            ids.retain(|one| register.credentials[one].account == *id && register.credentials[one].returned.is_none());
            Self { device, ids }
        });
        let found = found.filter(|one| !one.ids.is_empty()).collect();
        Ok(found)
    }

    fn of_account(&self, register: &Register) -> Vec<Wiped> {
        let known = self.ids.iter().filter_map(|id| register.credentials.get(id));
        let port = &self.device.port;
        known.map(|one| Wiped { ordinal: one.ordinal, number: one.number, port: port.clone() }).collect()
    }

    /// Erases it. It is shown to be empty: the ledger has what it answered before, and that it does not any more.
    fn wipe(&self, keys: &Keys, session: &Session) -> Result<(), CliError> {
        let operator = session.operator()?;
        let back = |id: &CredentialId| Event::KeyReturned { credential_id: id.clone(), operator: operator.clone() };
        let (ids, key) = (&self.ids, open_key::open(keys.bus(), &self.device, session)?);
        let (again, key) = erase::reset(keys, &self.device, key, ids, ids.iter().map(back).collect(), session)?;
        mark::mark_again(keys, &again, key, ids, session)
    }
}

/// Keys of the account that its IdP may have.
fn in_use(register: &Register, id: &AccountId) -> usize {
    register.credentials_of(id).filter(|(_, one)| one.state.may_be_registered()).count()
}

/// Keys of the account that somebody has: made, and neither back nor wiped.
fn to_collect(register: &Register, id: &AccountId) -> Vec<ToCollect> {
    let out = register.credentials_of(id).filter(|(_, one)| one.is_out());
    let out = out.map(|(_, one)| ToCollect {
        ordinal: one.ordinal,
        number: one.number,
        label: one.label().map(str::to_owned),
        serial: one.serial().map(str::to_owned),
    });
    out.collect()
}

fn departure_text(departed: &Departed<'_>) -> String {
    let removed = departed.removed.len() + departed.by_hand.len();
    let mut text = format!("{} left; {} removed at the IdP\n", departed.account, count(removed, "key", "keys"));
    for id in &departed.pending {
        text.push_str(&format!("  still signs in, because the IdP did not answer: credential {id}\n"));
    }
    for key in &departed.wiped {
        let number = key.number.map(|number| format!(", {number}")).unwrap_or_default();
        text.push_str(&format!("  erased and back in stock: key {}{number}, in port {}\n", key.ordinal, key.port));
    }
    for key in &departed.collect {
        let label = key.label.as_deref().unwrap_or("no label");
        let serial = key.serial.as_deref().map(|serial| format!(", serial {serial}")).unwrap_or_default();
        let number = key.number.map(|number| format!(", {number}")).unwrap_or_default();
        text.push_str(&format!("  to be collected: key {}{number}, {label}{serial}\n", key.ordinal));
    }
    if !departed.collect.is_empty() {
        text.push_str("take each back with: keywright key return\n");
    }
    text
}
