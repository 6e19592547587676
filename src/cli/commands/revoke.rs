//! `keywright revoke`: a key is lost, or nobody knows whose it is.

mod unknown_key;

pub(crate) use unknown_key::UnknownKeyLine;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::{Change, WhichIdp, WhichKey};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::idp::Registration;
use crate::ledger::{AccountId, JobId};
use crate::provision::{self, RetryPolicy, RevokeOrder};
use crate::register::{KeyStanding, Standing};
use keywright_fido::webauthn::CredentialId;

/// Take a lost key out of service.
///
/// Removes the key's credential at the IdP and gives up what was left to do on it. At an IdP without an API you remove it, and
/// this writes it down. The key itself is not needed. The person's
/// other keys stay as they are; 'keywright enroll' or the roster makes another one.
///
/// With --unknown, a key goes that the IdP has and nobody here made, as 'keywright reconcile' names it; what the account is signed in to
/// ends. Never the last way in that the account has. Interrupted, 'keywright resume' ends it.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright status\n  keywright revoke ada@example.org --key 1 --reason ticket-4711\n  keywright revoke ada@example.org --unknown 9f2c --reason nobody-knows-it"
)]
pub(crate) struct Revoke {
    /// The login at the IdP
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Which of the person's keys: 1, 2, ... as 'keywright status' and the key's label count them, or its own number (K-0042)
    #[arg(long, value_name = "NUMBER", required_unless_present = "unknown", conflicts_with = "unknown")]
    key: Option<WhichKey>,
    /// A key that nobody here made, by the IdP's name for it
    #[arg(long, value_name = "ID")]
    unknown: Option<String>,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    idp: WhichIdp,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Revoked<'a> {
    account: &'a str,
    directory: &'a str,
    ordinal: usize,
    job: JobId,
    dry_run: bool,
    removed: &'a [CredentialId],
    absent: &'a [CredentialId],
    by_hand: &'a [CredentialId],
    /// To be removed at the IdP by the next `resume`: they still sign in.
    pending: &'a [CredentialId],
    given_up: bool,
    keys_left: usize,
    keys_required: usize,
}

impl View for Revoked<'_> {
    const KIND: &'static str = "revoked";
}

impl Revoke {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if let Some(directory_id) = &self.unknown {
            return self.unknown_key(directory_id, session);
        }
        let Some(key) = &self.key else { return Err(CliError::Usage("say which key: --key NUMBER".to_owned())) };
        let known = session.register()?;
        let directory = account::directory_of(&self.account, &known, &self.idp, &session.settings()?)?;
        let account = account::known_at_idp(&self.account, &*directory, &known)?;
        session.catch_interrupts(ENDING)?;
        let ordinal = key.of_account(&account, &known)?;
        let Some(id) = known.job_of_key(&account, ordinal) else {
            return Err(provision::RevokeError::NoSuchKey { account, ordinal }.into());
        };
        let standing = known.standing(&account, Session::now());
        let of_key = standing.iter().flat_map(|standing| &standing.keys).find(|key| key.job == id);
        if of_key.is_some_and(|key| key.standing == KeyStanding::Revoked) {
            return Err(CliError::NotFound(format!("key {} of {account} is revoked already", ordinal)));
        }
        let login = known.login(&account);
        let required = known.accounts[&account].profile.keys.required;
        let mut revoked = Revoked {
            account: login,
            directory: directory.name(),
            ordinal,
            job: id,
            dry_run: self.change.dry_run,
            removed: &[],
            absent: &[],
            by_hand: &[],
            pending: &[],
            given_up: false,
            keys_left: standing.as_ref().map_or(0, Standing::in_service),
            keys_required: required,
        };
        let question = match directory.registration() {
            Registration::ByHand(by_hand) => {
                session.console.say(&format!("{} has no API: {}", directory.name(), by_hand.removal));
                format!("is key {} of {account} removed there, and to be written down as revoked?", ordinal)
            }
            Registration::Api => format!("revoke key {} of {account}?", ordinal),
        };
        if self.change.dry_run {
            session.output.result(&revoked, || format!("would revoke key {} of {account}", ordinal))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&question, self.change.yes)?;
        let store = session.ledger_for_writing()?;
        let (retry, cancel, operator) = (RetryPolicy::default(), &session.cancel, session.operator()?);
        let order = RevokeOrder { reason: &self.reason, operator: &operator };
        let done = provision::revoke(&*directory, &*store, &retry, cancel, &account, ordinal, order)?;
        (revoked.removed, revoked.absent, revoked.by_hand) = (&done.removed, &done.absent, &done.by_hand);
        (revoked.pending, revoked.given_up, revoked.keys_left) = (&done.pending, done.given_up, done.keys_left);
        session.output.result(&revoked, || revocation_text(&account, ordinal, &revoked))?;
        if done.pending.is_empty() {
            return Ok(Exit::Done);
        }
        session.console.hint("the IdP did not answer; 'keywright resume' removes the key there once it does");
        Ok(Exit::Directory)
    }
}

fn revocation_text(account: &AccountId, key: usize, revoked: &Revoked<'_>) -> String {
    let mut text = match revoked.pending {
        [] => format!("key {key} of {account} is out of service\n"),
        _ => format!("key {key} of {account} still signs in: it is to be removed at the IdP, which did not answer\n"),
    };
    for id in revoked.removed {
        text.push_str(&format!("  removed at the IdP: credential {id}\n"));
    }
    for id in revoked.absent {
        text.push_str(&format!("  not at the IdP: credential {id}\n"));
    }
    for id in revoked.by_hand {
        text.push_str(&format!("  removed at the IdP by hand, as you say: key with credential {id}\n"));
    }
    if revoked.given_up {
        text.push_str("  what was left to do on it is given up\n");
    }
    text.push_str(&format!("{} left, {} needed\n", count(revoked.keys_left, "key", "keys"), revoked.keys_required));
    if revoked.keys_left < revoked.keys_required {
        text.push_str(&format!("make another one with: keywright enroll {}\n", revoked.account));
    }
    text
}
