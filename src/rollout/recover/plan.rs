//! What a recovery would do: data, which a dry run prints and a run carries out.

use crate::idp::capability::{Listing, Standing, Told, Untold, weaker_ways};
use crate::idp::{DirectoryError, User};
use crate::ledger::rollout::{Loss, RecoveryStep};
use crate::ledger::{AccountId, Head};
use crate::provision::{PersonError, Station, same_person};
use crate::register::{AccountState, Register};

use super::RecoverError;

/// What somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The account.
    pub account: AccountId,
    /// Which of its keys is gone.
    pub lost: usize,
    /// What became of it.
    pub loss: Loss,
    /// Who asked.
    pub asked_by: String,
    /// How their identity was proved.
    pub identity_proved: String,
    /// The group that it is rehearsed for; `None`: it is real.
    pub rehearsal: Option<String>,
    /// For how many minutes a temporary pass is wanted, if one is.
    pub pass_minutes: Option<u32>,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct RecoveryPlan {
    /// What was asked for.
    pub wanted: Wanted,
    /// The login now.
    pub login: String,
    /// The steps, in order.
    pub steps: Vec<RecoveryStep>,
    /// Keys that count once this one is gone.
    pub keys_left: usize,
    /// How the account stands at the IdP.
    pub standing: Told<Standing>,
    /// What else the account signs in with that whoever has the key could use as well, and what could not be read.
    pub other_ways: Vec<String>,
    /// The end of the log that it rests on.
    pub head: Head,
}

/// What the IdP says of the account, as far as it answers.
struct AtTheIdp {
    standing: Told<Standing>,
    other_ways: Vec<String>,
}

/// Looks at ledger and IdP, and changes nothing. An IdP that does not answer keeps nobody from beginning: that the key is to go is
/// written down, and what could not be asked is in the plan.
pub fn plan(station: &Station<'_>, register: &Register, wanted: Wanted) -> Result<RecoveryPlan, RecoverError> {
    let account = &wanted.account;
    let known = register.accounts.get(account).filter(|known| known.state == AccountState::Active);
    known.ok_or_else(|| RecoverError::NotActive(account.clone()))?;
    if register.is_break_glass(account) {
        return Err(RecoverError::BreakGlass(account.clone()));
    }
    if let Some((recovery, open)) = register.rollout.open_recovery(account) {
        return Err(RecoverError::AnotherGoesOn { account: account.clone(), recovery, lost: open.lost });
    }
    let key = register.credential_of_key(account, wanted.lost).and_then(|id| register.credentials.get(id));
    let no_such_key = || RecoverError::NoSuchKey { account: account.clone(), ordinal: wanted.lost };
    key.filter(|key| key.state.may_be_registered()).ok_or_else(no_such_key)?;

    let AtTheIdp { standing, other_ways } = ask(station, register, &wanted)?;
    if let Told::Known(Standing::Out(word)) = &standing {
        return Err(RecoverError::Out { account: account.clone(), word: word.clone() });
    }
    let counting = register.standing(account, (station.now)()).map(|standing| standing.keys).unwrap_or_default();
    let left = counting.iter().filter(|key| key.standing.counts() && key.ordinal != wanted.lost).count();
    let required = register.accounts[account].profile.keys.required;
    let suspends = station.directory.capabilities().suspension.is_some();
    let steps = steps(&wanted, &standing, suspends, left < required);
    let (login, head) = (register.login(account).to_owned(), register.head.clone());
    Ok(RecoveryPlan { login, steps, keys_left: left, standing, other_ways, head, wanted })
}

/// The account is never opened before the key is revoked; one that somebody else suspended is opened too, because no IdP lets a
/// suspended account sign in, and a new key has to be proved. Where nobody knows whether it is suspended, it is opened all the same:
/// that changes nothing for one that is open.
fn steps(wanted: &Wanted, standing: &Told<Standing>, can_suspend: bool, new_key: bool) -> Vec<RecoveryStep> {
    let may_be_suspended = match standing {
        Told::Known(standing) => *standing == Standing::Suspended,
        Told::CannotTell(_) => can_suspend,
    };
    let suspends = wanted.loss == Loss::Stolen && *standing != Told::Known(Standing::Suspended);
    let with_pass = wanted.pass_minutes.is_some();
    let all = [
        (suspends, RecoveryStep::Suspend),
        (true, RecoveryStep::EndSessions),
        (true, RecoveryStep::RevokeKey),
        (suspends || may_be_suspended, RecoveryStep::Restore),
        (with_pass, RecoveryStep::GivePass),
        (new_key, RecoveryStep::NewKey),
        (with_pass, RecoveryStep::EndPass),
    ];
    all.into_iter().filter_map(|(wanted, step)| wanted.then_some(step)).collect()
}

fn ask(station: &Station<'_>, register: &Register, wanted: &Wanted) -> Result<AtTheIdp, RecoverError> {
    let (directory, cancel) = (station.directory, &station.cancel);
    let user = match same_person::find(directory, &station.retry_policy, cancel, &register.person(&wanted.account)) {
        Ok(user) => user,
        Err(PersonError::Directory(error)) if error.is_away() => return Ok(untold(&error)),
        Err(error) => return Err(error.into()),
    };
    match at_the_idp(station, &user) {
        Err(error) if error.is_away() => Ok(untold(&error)),
        told => Ok(told?),
    }
}

fn at_the_idp(station: &Station<'_>, user: &User) -> Result<AtTheIdp, DirectoryError> {
    let (capabilities, ask) = (station.directory.capabilities(), &station.retry_policy);
    let what = "whether the account is suspended";
    let standing = match capabilities.suspension {
        None => Told::CannotTell(Untold::not_offered(what)),
        Some(suspension) => Told::from_answer(what, "", ask.ask(&station.cancel, || suspension.standing(user)))?,
    };
    let methods = match capabilities.methods {
        None => Listing::untold(Untold::not_offered("sign-in methods")),
        Some(methods) => ask.ask(&station.cancel, || methods.methods(user))?,
    };
    Ok(AtTheIdp { standing, other_ways: weaker_ways(&methods) })
}

/// What is known of an account at an IdP that does not answer.
fn untold(error: &DirectoryError) -> AtTheIdp {
    let why = format!("the IdP did not answer: {error}");
    AtTheIdp {
        standing: Told::CannotTell(Untold::not_offered("whether the account is suspended")),
        other_ways: vec![format!("cannot tell sign-in methods: {why}")],
    }
}
