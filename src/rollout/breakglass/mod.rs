//! Accounts for emergencies: whether there are enough, apart from each other, tried in time, and used by nobody else.
//!
//! It says which policies are about them and does not decide whether they should be: guidance differs. It refuses to call an account
//! unused where the IdP's sign-in log could not be read.

mod judge;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub use judge::{Finding, judge};

use crate::idp::capability::{Listing, People, Person, Rule, SignInSeen, Untold, walk};
use crate::idp::{Directory, DirectoryError};
use crate::ledger::AccountId;
use crate::ledger::rollout::{SignInEntry, SignInLog};
use crate::provision::{PersonError, RetryPolicy, same_person};
use crate::register::{Register, moment};
use keywright_files::Cancel;

/// Accounts that there have to be: one may be in the fire.
pub const ACCOUNTS_NEEDED: usize = 2;

/// Days after which an account has to be tried again (Microsoft, emergency access accounts: at least every 90 days).
pub const DRILL_DAYS: i64 = 90;

/// Clocks differ, and logs have whole seconds.
const SLACK: Duration = Duration::minutes(1);

/// What an IdP says of one break-glass account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Sign-ins since the account's key went into its bag.
    pub sign_ins: Listing<SignInSeen>,
    /// Rules of policies, by the group whose member the account is.
    pub policies: BTreeMap<String, Listing<Rule>>,
    /// Groups that were asked for and that the account is not in: their policies leave it out.
    pub not_in: Vec<String>,
}

/// Asks the IdP about an account: its sign-ins since it was bagged, and the policies of those of these groups that it is in.
pub fn sight(
    directory: &dyn Directory,
    retry: &RetryPolicy,
    cancel: &Cancel,
    register: &Register,
    account: &AccountId,
    groups: &[String],
) -> Result<Sighting, PersonError> {
    let has = directory.capabilities();
    let user = same_person::find(directory, retry, cancel, &register.person(account))?;
    let since = bagged_since(register, account);
    let sign_ins = sign_ins(directory, retry, cancel, &user, since)?;
    let (mut policies, mut not_in) = (BTreeMap::new(), Vec::new());
    for group in groups {
        let is_in = match has.people {
            Some(people) => retry.ask(cancel, || members_have(directory.name(), people, group, &user.id))?,
            None => true,
        };
        if !is_in {
            not_in.push(group.clone());
            continue;
        }
        let rules = match has.policies {
            Some(asked) => retry.ask(cancel, || asked.of_group(group))?,
            None => Listing::untold(Untold::not_offered("policies")),
        };
        policies.insert(group.clone(), rules);
    }
    Ok(Sighting { sign_ins, policies, not_in })
}

/// An account's sign-ins since a moment, as far as the IdP has a log.
pub fn sign_ins(
    directory: &dyn Directory,
    retry: &RetryPolicy,
    cancel: &Cancel,
    user: &crate::idp::User,
    since: OffsetDateTime,
) -> Result<Listing<SignInSeen>, DirectoryError> {
    match directory.capabilities().last_use {
        Some(log) => retry.ask(cancel, || log.sign_ins(user, since)),
        None => Ok(Listing::untold(Untold::not_offered("the sign-in log"))),
    }
}

/// What of it is kept in the ledger: IdPs forget within days.
pub fn kept(log: &Listing<SignInSeen>, since: OffsetDateTime) -> SignInLog {
    if let Some(untold) = log.untold.first() {
        return SignInLog::CannotTell { why: untold.to_string() };
    }
    let entry = |seen: &SignInSeen| SignInEntry { at: text(seen.at), by: seen.by.clone() };
    SignInLog::Read { since: text(since), sign_ins: log.found.iter().map(entry).collect() }
}

/// From when on the log is read that belongs to a drill which began then.
pub fn since_drill(began: OffsetDateTime) -> OffsetDateTime {
    began - SLACK
}

/// Sign-ins that were neither a drill's nor our own proof that a key works.
pub fn outside_drills<'s>(register: &Register, account: &AccountId, seen: &'s [SignInSeen]) -> Vec<&'s SignInSeen> {
    let Some(known) = register.rollout.break_glass.get(account) else { return Vec::new() };
    let drills = known.drills.iter().filter_map(|drill| Some((moment(&drill.began)?, moment(&drill.ended)?)));
    let proofs = register.credentials_of(account).flat_map(|(_, one)| [&one.proved, &one.drilled, &one.failed]);
    let proofs = proofs.flatten().filter_map(|at| moment(at)).map(|at| (at, at));
    let ours: Vec<_> = drills.chain(proofs).map(|(from, to)| from - SLACK..=to + SLACK).collect();
    seen.iter().filter(|seen| !ours.iter().any(|span| span.contains(&seen.at))).collect()
}

/// Since when the account was to be used by nobody: its first bag was sealed.
fn bagged_since(register: &Register, account: &AccountId) -> OffsetDateTime {
    let known = register.rollout.break_glass.get(account);
    let first = known.and_then(|known| moment(&known.since));
    first.unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Whether the user is a member of the group, or may be: what was kept back may have it in it.
pub fn members_have(directory: &str, people: &dyn People, group: &str, user: &str) -> Result<bool, DirectoryError> {
    let mut may_be = false;
    walk(
        directory,
        |after| people.members(group, after),
        |listing: Listing<Person>| {
            may_be = listing.found.iter().any(|person| person.user.id == user) || !listing.is_whole();
            if may_be { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    )?;
    Ok(may_be)
}

fn text(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
