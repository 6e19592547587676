//! Who gets how many keys: the roster, held against the ledger.

use time::OffsetDateTime;

use crate::ledger::AccountId;
use crate::profile::{Person, Profile, Profiles, Roster};
use crate::register::{AccountState, Register};

/// One person of a plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The account.
    pub account: AccountId,
    /// The roster's row.
    pub person: Person,
    /// The profile.
    pub profile: Profile,
    /// Keys still to be made, by ordinal; empty if the account is complete.
    pub ordinals: Vec<usize>,
}

/// People in the order of the roster.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The people.
    pub people: Vec<Planned>,
    /// SHA-256 of the roster, if there is one.
    pub roster_sha256: Option<[u8; 32]>,
}

impl Plan {
    /// The keys that the people of a roster still need. Jobs of earlier runs that are not done count as keys to come:
    /// resuming them is another command.
    pub fn for_roster(roster: &Roster, profiles: &Profiles, directory: &str, book: &Register) -> Self {
        let people = roster.people.iter().map(|person| {
            // A roster is only read with the profiles that it is checked against.
            let profile = profiles[&person.profile].clone();
            let account = AccountId { directory: directory.to_owned(), login: person.account.clone() };
            let (last, have) = (last_ordinal(&account, book), keys_had_or_to_come(&account, book));
            let missing = profile.keys.required.saturating_sub(have);
            let ordinals = (last + 1..=last + missing).collect();
            Planned { account, person: person.clone(), profile, ordinals }
        });
        Self { people: people.collect(), roster_sha256: Some(roster.sha256) }
    }

    /// One more key for one person, whatever the account has.
    pub fn one_more(person: &Person, profile: &Profile, directory: &str, book: &Register) -> Self {
        let account = AccountId { directory: directory.to_owned(), login: person.account.clone() };
        let last = last_ordinal(&account, book);
        let planned = Planned { account, person: person.clone(), profile: profile.clone(), ordinals: vec![last + 1] };
        Self { people: vec![planned], roster_sha256: None }
    }

    /// Everyone in the ledger who is not done. Plans nothing new: a plan is in the ledger whole, or not at all.
    pub fn for_resuming(directory: &str, book: &Register) -> Self {
        let people = book.accounts.iter().filter(|(id, account)| {
            let open = account.jobs.iter().any(|job| book.jobs[job].state.step().is_some());
            let complete = book.standing(id, OffsetDateTime::now_utc()).is_some_and(|standing| standing.is_complete());
            id.directory == directory
                && account.state == AccountState::Active
                && (open || !complete || !account.completed)
        });
        let people = people.map(|(id, account)| Planned {
            account: id.clone(),
            person: account.person.clone(),
            profile: account.profile.clone(),
            ordinals: Vec::new(),
        });
        Self { people: people.collect(), roster_sha256: None }
    }

    /// Keys to be made.
    pub fn keys(&self) -> usize {
        self.people.iter().map(|planned| planned.ordinals.len()).sum()
    }
}

/// The highest ordinal that an account's jobs have.
fn last_ordinal(account: &AccountId, book: &Register) -> usize {
    book.jobs.values().filter(|job| job.account == *account).map(|job| job.ordinal).max().unwrap_or(0)
}

/// How many keys an account has or will have from its jobs, those that are to be confirmed too.
fn keys_had_or_to_come(account: &AccountId, book: &Register) -> usize {
    let standing = book.standing(account, OffsetDateTime::now_utc());
    standing.map_or(0, |standing| standing.in_service() + standing.to_be_confirmed() + standing.to_come())
}
