//! What holds of an account and of each of its keys at a moment, and why. The only place that counts keys.
//!
//! It refuses to count a key that nobody saw sign, that failed when it was tried last, whose PIN did not reach its reader, or
//! that the same account or another one has under another number: one key is one key.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Account, AccountState, Credential, CredentialState, Hardened, Job, JobState, Register, Replacement};
use crate::ledger::{AccountId, Entry, FailureCode, Head, JobId, KeyState, LedgerError, Step, Store};
use crate::profile::Profile;
use keywright_attest::Policy;
use keywright_fido::webauthn::CredentialId;

/// What holds of one key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum KeyStanding {
    /// Registered, proved, handed over.
    InService,
    /// In service, and to be tried again since this moment (RFC 3339).
    DrillDue {
        /// When its interval ended.
        since: String,
    },
    /// It did not sign when it was tried last.
    FailedDrill {
        /// When, RFC 3339.
        at: String,
    },
    /// Made for another profile than the account has now, and it lacks what that demands.
    ProfileNotMet {
        /// What it lacks, a sentence each.
        why: Vec<String>,
    },
    /// To be registered by hand, or registered so, and no drill has confirmed it.
    ToBeConfirmed,
    /// The same key has a newer credential: as this key of this account.
    Superseded {
        /// The newer credential's account.
        #[serde(rename = "by")]
        account: AccountId,
        /// The newer credential's number there.
        #[serde(rename = "by_ordinal")]
        ordinal: usize,
    },
    /// No key has been taken for it yet.
    Planned,
    /// Its job was begun and did not end.
    Interrupted {
        /// The step that is open or next.
        step: Step,
    },
    /// Its job stopped at this step.
    Failed {
        /// The step.
        step: Step,
        /// What happened.
        message: String,
    },
    /// Its PIN is lost: the sealed copy is gone, and nothing says that it was handed over. Another key has to be made.
    PinLost,
    /// Its job will not be finished.
    GivenUp,
    /// On a key, and the IdP does not have it.
    NotRegistered,
    /// Its key is lost, retired or destroyed, and the IdP still has it: it is to be revoked.
    Withdrawn {
        /// Where the key is.
        key_state: KeyState,
    },
    /// Its key was about to be erased, and nobody knows whether it was.
    CannotTell {
        /// When that was begun, RFC 3339.
        since: String,
    },
    /// Gone from its key, which was reset or whose credential was deleted.
    Erased,
    /// Deleted from its key, because its registration did not come to be.
    Deleted,
    /// Removed at the IdP.
    Revoked,
    /// It is to be removed at the IdP, which could not be reached: it still signs in.
    RevocationPending,
}

impl KeyStanding {
    /// Whether the key counts towards what the profile demands.
    pub fn counts(&self) -> bool {
        matches!(self, Self::InService | Self::DrillDue { .. })
    }

    /// Whether the key was taken out of service here: the IdP is not to have it.
    pub fn is_out_of_service(&self) -> bool {
        match self {
            Self::Revoked
            | Self::RevocationPending
            | Self::Erased
            | Self::Deleted
            | Self::GivenUp
            | Self::Withdrawn { .. } => true,
            Self::InService
            | Self::DrillDue { .. }
            | Self::FailedDrill { .. }
            | Self::ProfileNotMet { .. }
            | Self::ToBeConfirmed
            | Self::Superseded { .. }
            | Self::Planned
            | Self::Interrupted { .. }
            | Self::Failed { .. }
            | Self::PinLost
            | Self::NotRegistered
            | Self::CannotTell { .. } => false,
        }
    }

    /// Whether something is still to be done to make the key.
    pub fn is_to_come(&self) -> bool {
        matches!(self, Self::Planned | Self::Interrupted { .. } | Self::Failed { .. })
    }
}

/// One key of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// Its number in the account.
    pub ordinal: usize,
    /// The job that makes or made it.
    pub job: JobId,
    /// Its credential, if one was made.
    pub credential_id: Option<CredentialId>,
    /// What holds.
    pub standing: KeyStanding,
}

/// What holds of an account, the most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountStanding {
    /// A key's job stopped.
    Failed,
    /// A key's job was begun and did not end.
    UnderWay,
    /// Keys are planned, and none was taken yet.
    Planned,
    /// Fewer keys than the profile demands, and none to come.
    KeysMissing,
    /// As many as the profile demands once those that were registered by hand are confirmed.
    ToBeConfirmed,
    /// As many as the profile demands.
    Complete,
    /// The person has another account in the log, which counts; see [`super::Account::same_as`].
    Duplicate,
    /// The person left.
    Left,
    /// It was planned by mistake.
    Forgotten,
}

impl AccountStanding {
    /// It in a word or two, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::UnderWay => "under way",
            Self::Planned => "planned",
            Self::KeysMissing => "keys missing",
            Self::ToBeConfirmed => "to be confirmed",
            Self::Complete => "complete",
            Self::Duplicate => "duplicate",
            Self::Left => "left",
            Self::Forgotten => "forgotten",
        }
    }

    /// Whether no keys are made for it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Duplicate | Self::Left | Self::Forgotten)
    }
}

/// What holds of an account at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The account as a whole.
    pub account: AccountStanding,
    /// Its keys, in the order of their jobs.
    pub keys: Vec<KeyLine>,
    /// Keys that the profile demands.
    pub required: usize,
    /// When the first of its keys has to be tried next; `None` if its profile has no interval, or no key counts.
    pub next_drill: Option<OffsetDateTime>,
}

impl Standing {
    /// Keys that count.
    pub fn in_service(&self) -> usize {
        self.keys.iter().filter(|key| key.standing.counts()).count()
    }

    /// Keys that a drill has to confirm.
    pub fn to_be_confirmed(&self) -> usize {
        self.keys.iter().filter(|key| key.standing == KeyStanding::ToBeConfirmed).count()
    }

    /// Keys whose job has something left to do.
    pub fn to_come(&self) -> usize {
        self.keys.iter().filter(|key| key.standing.is_to_come()).count()
    }

    /// Whether the account has what its profile demands.
    pub fn is_complete(&self) -> bool {
        self.account == AccountStanding::Complete
    }

    /// Keys that count, or will.
    pub fn had_or_to_come(&self) -> usize {
        self.in_service() + self.to_be_confirmed() + self.to_come()
    }

    /// Keys that nobody has planned yet.
    pub fn missing(&self) -> usize {
        match self.account {
            AccountStanding::Left | AccountStanding::Forgotten | AccountStanding::Duplicate => 0,
            _ => self.required.saturating_sub(self.had_or_to_come()),
        }
    }
}

impl Register {
    /// What the log said at a moment: nothing from the first later event on is known, though its chain is followed to the end.
    pub fn as_of(store: &dyn Store, at: OffsetDateTime) -> Result<Self, LedgerError> {
        let (mut register, mut over) = (Self::default(), false);
        store.each(&Head::EMPTY, &mut |entry| {
            over |= is_later(&entry, at);
            if over { Ok(()) } else { register.apply(&entry, &entry.event()?) }
        })?;
        Ok(register)
    }

    /// What holds of an account at a moment, which judges drills; `None` if it was never planned.
    pub fn standing(&self, account: &AccountId, at: OffsetDateTime) -> Option<Standing> {
        self.standing_with(account, &self.accounts.get(account)?.profile, at)
    }

    /// What would hold of it if its profile were this one.
    pub fn standing_with(&self, account: &AccountId, profile: &Profile, at: OffsetDateTime) -> Option<Standing> {
        let known = self.accounts.get(account)?;
        let jobs = known.jobs.iter().filter_map(|id| Some((*id, self.jobs.get(id)?)));
        let jobs = jobs.filter(|(_, job)| !job.is_withdrawn());
        let keys = jobs.map(|(id, job)| self.key_line(id, job, profile, at)).collect();
        let required = profile.keys.required;
        let mut standing = Standing { account: AccountStanding::Forgotten, keys, required, next_drill: None };
        standing.account = account_standing(known, &standing);
        let counting = standing.keys.iter().filter(|key| key.standing.counts());
        let drills = counting.filter_map(|key| self.next_drill(&self.credentials[key.credential_id.as_ref()?]));
        standing.next_drill = drills.min();
        Some(standing)
    }

    /// Keys that another one has taken the place of and that the IdP still has: the account, the number of the key, and why.
    /// The new one counts, so nobody is locked out by revoking the old one.
    pub fn replaced_keys(&self, at: OffsetDateTime) -> Vec<(&AccountId, usize, &str)> {
        let replacing = self.jobs.outstanding().filter_map(|(id, job)| Some((*id, job, job.replaces.as_ref()?)));
        let replaced = replacing.filter_map(|(id, job, Replacement { ordinal, reason, .. })| {
            let new = self.key_line(id, job, &self.accounts.get(&job.account)?.profile, at);
            let old = self.jobs.get(&self.job_of_key(&job.account, *ordinal)?)?;
            let old = self.credentials.get(old.credential_id()?)?;
            let is_due = new.standing.counts() && old.state.may_be_registered() && old.to_be_revoked.is_none();
            is_due.then_some((&job.account, *ordinal, reason.as_str()))
        });
        replaced.collect()
    }

    /// The standing of every account.
    pub fn standings(&self, at: OffsetDateTime) -> BTreeMap<&AccountId, Standing> {
        self.accounts.keys().filter_map(|id| Some((id, self.standing(id, at)?))).collect()
    }

    /// What a job came to.
    fn key_line(&self, id: JobId, job: &Job, profile: &Profile, at: OffsetDateTime) -> KeyLine {
        let current = job.credential_id().and_then(|id| self.credentials.get_key_value(id));
        // A job that goes on speaks for its credential; one that ended is what its credential is.
        let standing = match (&job.state, current) {
            (JobState::Ready(Step::Inspect), _) => KeyStanding::Planned,
            (JobState::Ready(step) | JobState::Open(step), _) => KeyStanding::Interrupted { step: *step },
            (JobState::Failed(_, failure), _) if failure.code == FailureCode::PinLost => KeyStanding::PinLost,
            (JobState::Failed(step, failure), _) => {
                KeyStanding::Failed { step: *step, message: failure.message.clone() }
            }
            (JobState::GivenUp, Some((_, credential))) if !credential.state.lives() => gone(credential),
            (JobState::GivenUp, Some((_, credential))) if credential.to_be_revoked.is_some() => {
                KeyStanding::RevocationPending
            }
            (JobState::GivenUp, _) | (JobState::Done, None) => KeyStanding::GivenUp,
            (JobState::Done, Some((id, credential))) => self.key_standing(id, credential, job, profile, at),
        };
        KeyLine { ordinal: job.ordinal, job: id, credential_id: current.map(|(id, _)| id.clone()), standing }
    }

    /// What a credential is whose job came to its end.
    fn key_standing(
        &self,
        id: &CredentialId,
        credential: &Credential,
        job: &Job,
        profile: &Profile,
        at: OffsetDateTime,
    ) -> KeyStanding {
        match credential.state {
            CredentialState::Erased | CredentialState::Deleted | CredentialState::Revoked => return gone(credential),
            CredentialState::OnKey => return KeyStanding::NotRegistered,
            CredentialState::Unconfirmed | CredentialState::Registered if credential.to_be_revoked.is_some() => {
                return KeyStanding::RevocationPending;
            }
            CredentialState::Unconfirmed | CredentialState::Registered => {}
        }
        if let Some(erasing) = &credential.erasing {
            return KeyStanding::CannotTell { since: erasing.since.clone() };
        }
        let key = credential.number.and_then(|number| self.keys.get(number));
        if let Some(key_state @ (KeyState::Lost | KeyState::Retired | KeyState::Destroyed)) = key.map(|key| key.state) {
            return KeyStanding::Withdrawn { key_state };
        }
        if let Some(newer) = self.newer_on_same_key(id, credential) {
            return KeyStanding::Superseded { account: newer.account.clone(), ordinal: newer.ordinal };
        }
        let why = lacks(credential, job, profile);
        if !why.is_empty() {
            return KeyStanding::ProfileNotMet { why };
        }
        if credential.state == CredentialState::Unconfirmed {
            return KeyStanding::ToBeConfirmed;
        }
        if let Some(at) = &credential.failed {
            return KeyStanding::FailedDrill { at: at.clone() };
        }
        match self.next_drill(credential).filter(|due| *due <= at) {
            Some(due) => KeyStanding::DrillDue { since: due.format(&Rfc3339).unwrap_or_default() },
            None if credential.proved.is_none() => KeyStanding::NotRegistered,
            None => KeyStanding::InService,
        }
    }

    /// A later credential in use on the same key.
    fn newer_on_same_key(&self, id: &CredentialId, credential: &Credential) -> Option<&Credential> {
        let key = self.keys.get(credential.number?)?;
        let mut others = key.credentials.iter().rev().filter(|other| *other != id);
        others.find_map(|other| {
            let other = self.credentials.get(other)?;
            (other.state.is_in_use() && other.job > credential.job).then_some(other)
        })
    }
}

/// What a key lacks of what a profile demands. What it was made for is not asked again: the verdict of that day stands, and
/// an audit judges it anew.
fn lacks(credential: &Credential, job: &Job, profile: &Profile) -> Vec<String> {
    let mut why = Vec::new();
    if let Some(made_for) = credential.made_for.as_ref().filter(|one| !std::ptr::eq(Arc::as_ptr(one), profile)) {
        let policy = Policy::from(&profile.keys);
        if Policy::from(&made_for.keys) != policy {
            why.extend(credential.refusals(&policy).into_iter().flatten().map(|refusal| refusal.to_string()));
        }
    }
    if let Some(Hardened { min_pin_length, always_uv, pin_complexity_policy, long_touch_for_reset }) = job.hardened {
        if min_pin_length < profile.pin.minimum_on_key {
            let minimum = profile.pin.minimum_on_key;
            why.push(format!(
                "The key enforces PINs of {min_pin_length} characters, and the profile demands {minimum}."
            ));
        }
        if profile.keys.always_uv && !always_uv {
            why.push("The key does not ask for the PIN at every use, and the profile demands that.".to_owned());
        }
        if profile.pin.complexity_on_key && !pin_complexity_policy {
            why.push("The key has no rules of its own for PINs, and the profile demands them.".to_owned());
        }
        if profile.keys.long_touch_for_reset && !long_touch_for_reset {
            why.push("A reset of the key takes a short touch, and the profile demands a long one.".to_owned());
        }
    }
    why
}

/// What a credential is that is no longer in use.
fn gone(credential: &Credential) -> KeyStanding {
    match credential.state {
        CredentialState::Revoked => KeyStanding::Revoked,
        CredentialState::Erased => KeyStanding::Erased,
        _ => KeyStanding::Deleted,
    }
}

/// Whether an entry was written after a moment.
pub fn is_later(entry: &Entry, at: OffsetDateTime) -> bool {
    moment(&entry.time).is_some_and(|time| time > at)
}

fn account_standing(known: &Account, standing: &Standing) -> AccountStanding {
    let any = |wanted: fn(&KeyStanding) -> bool| standing.keys.iter().any(|key| wanted(&key.standing));
    match known.state {
        AccountState::Left { .. } => AccountStanding::Left,
        AccountState::Forgotten => AccountStanding::Forgotten,
        AccountState::Active if known.same_as.is_some() => AccountStanding::Duplicate,
        AccountState::Active if any(|key| matches!(key, KeyStanding::Failed { .. })) => AccountStanding::Failed,
        AccountState::Active if any(|key| matches!(key, KeyStanding::Interrupted { .. })) => AccountStanding::UnderWay,
        AccountState::Active if any(|key| *key == KeyStanding::Planned) => AccountStanding::Planned,
        AccountState::Active if standing.in_service() >= standing.required => AccountStanding::Complete,
        AccountState::Active if standing.in_service() + standing.to_be_confirmed() >= standing.required => {
            AccountStanding::ToBeConfirmed
        }
        AccountState::Active => AccountStanding::KeysMissing,
    }
}

/// A moment as the log has it, RFC 3339; `None` if it is none.
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::*;
    use crate::ledger::{Actor, Erasure, Event};

    fn at(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &Rfc3339).unwrap()
    }

    /// What holds of ada the day after these events.
    fn standing(events: &[Event]) -> Standing {
        Register::read(&log(events)).unwrap().standing(&account("ada"), at("2026-11-24T00:00:00Z")).unwrap()
    }

    fn with(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
        events.extend(more);
        events
    }

    fn states(standing: &Standing) -> Vec<KeyStanding> {
        standing.keys.iter().map(|key| key.standing.clone()).collect()
    }

    #[test]
    fn two_keys_that_signed_make_an_account_complete() {
        let ada = standing(&journey("ada"));
        assert_eq!((ada.account, ada.in_service(), ada.missing()), (AccountStanding::Complete, 2, 0));
        assert_eq!(states(&ada), [KeyStanding::InService, KeyStanding::InService]);
    }

    #[test]
    fn a_key_counts_when_its_pin_is_handed_over_and_not_before() {
        let events = with(
            vec![planned("ada", 1), found("ada"), job_planned(1, "ada", 1)],
            steps(1, Step::ALL.into_iter().take_while(|step| *step < Step::HandOver)),
        );
        let ada = standing(&events);
        assert_eq!((ada.account, ada.in_service(), ada.to_come()), (AccountStanding::UnderWay, 0, 1));
        let ada = standing(&with(events.clone(), [started(1, Step::HandOver), failed(1, Step::HandOver)]));
        assert_eq!((ada.account, ada.in_service()), (AccountStanding::Failed, 0));
        assert_eq!(standing(&with(events, steps(1, [Step::HandOver]))).account, AccountStanding::Complete);
    }

    #[test]
    fn a_key_whose_pin_is_lost_is_missing_and_not_to_come() {
        let lost = event(serde_json::json!({"event": "step-failed", "job": 1, "step": "hand-over",
            "failure": {"code": "pin-lost", "message": "its PIN is lost"}}));
        let events = with(
            vec![planned("ada", 1), found("ada"), job_planned(1, "ada", 1)],
            steps(1, Step::ALL.into_iter().take_while(|step| *step < Step::HandOver)),
        );
        let ada = standing(&with(events, [started(1, Step::HandOver), lost]));
        assert_eq!(states(&ada), [KeyStanding::PinLost]);
        assert_eq!((ada.account, ada.in_service(), ada.missing()), (AccountStanding::KeysMissing, 0, 1));
    }

    #[test]
    fn a_key_that_was_erased_counts_no_more() {
        let erased = Event::KeyErased {
            credential_ids: vec![credential_id(1)],
            how: Erasure::Reset,
            operator: "root".into(),
            seen: None,
        };
        let ada = standing(&with(journey("ada"), [erased]));
        assert_eq!(states(&ada), [KeyStanding::Erased, KeyStanding::InService]);
        assert_eq!((ada.account, ada.missing()), (AccountStanding::KeysMissing, 1));
    }

    #[test]
    fn a_key_whose_erasure_was_begun_counts_no_more_until_it_is_seen() {
        let (credential_ids, operator) = (vec![credential_id(1)], Actor::from("root"));
        let begun = Event::KeyErasureStarted {
            credential_ids: credential_ids.clone(),
            how: Erasure::Reset,
            operator: operator.clone(),
        };
        let begun = with(journey("ada"), [begun]);
        let ada = standing(&begun);
        assert!(matches!(ada.keys[0].standing, KeyStanding::CannotTell { .. }), "{ada:?}");
        assert_eq!((ada.account, ada.in_service()), (AccountStanding::KeysMissing, 1));
        let seen = Event::KeyNotErased { credential_ids, operator };
        assert_eq!(standing(&with(begun.clone(), [seen])).account, AccountStanding::Complete);
        let drilled = Event::KeyDrilled {
            account: account("ada"),
            credential_id: credential_id(1),
            proved: true,
            observed: None,
            operator: None,
        };
        assert_eq!(standing(&with(begun.clone(), [drilled])).account, AccountStanding::Complete);
        let revoked = Event::CredentialRevoked {
            account: account("ada"),
            credential_id: credential_id(1),
            reason: "reset".to_owned(),
            operator: None,
        };
        assert_eq!(states(&standing(&with(begun, [revoked])))[0], KeyStanding::Revoked);
    }

    #[test]
    fn a_key_that_failed_its_drill_counts_again_when_it_passed_one() {
        let drilled = |proved| Event::KeyDrilled {
            account: account("ada"),
            credential_id: credential_id(1),
            proved,
            observed: None,
            operator: None,
        };
        let failed = with(journey("ada"), [drilled(false)]);
        assert!(matches!(standing(&failed).keys[0].standing, KeyStanding::FailedDrill { .. }));
        assert_eq!(standing(&failed).account, AccountStanding::KeysMissing);
        assert_eq!(standing(&with(failed, [drilled(true)])).account, AccountStanding::Complete);
    }

    #[test]
    fn a_drill_that_is_due_is_told_and_the_key_still_counts() {
        let register = Register::read(&log(&journey("ada"))).unwrap();
        let ada = register.standing(&account("ada"), at("2027-03-01T00:00:00Z")).unwrap();
        assert!(ada.keys.iter().all(|key| matches!(key.standing, KeyStanding::DrillDue { .. })));
        assert_eq!(ada.account, AccountStanding::Complete);
        assert_eq!(ada.next_drill, Some(at("2027-02-21T18:23:00Z")));
    }

    #[test]
    fn a_revocation_that_did_not_reach_the_idp_is_told_until_it_does() {
        let (account, reason) = (account("ada"), "lost".to_owned());
        let asked = Event::RevocationRequested {
            account: account.clone(),
            credential_id: credential_id(1),
            reason: reason.clone(),
            operator: None,
        };
        let pending = with(journey("ada"), [asked]);
        assert_eq!(states(&standing(&pending))[0], KeyStanding::RevocationPending);
        let revoked = Event::CredentialRevoked { account, credential_id: credential_id(1), reason, operator: None };
        assert_eq!(states(&standing(&with(pending, [revoked])))[0], KeyStanding::Revoked);
    }

    #[test]
    fn nothing_is_missing_for_somebody_who_left_or_never_was() {
        let (account, reason, operator) = (account("ada"), "typing error".to_owned(), Actor::from("root"));
        let left = Event::AccountLeft { account: account.clone(), reason: reason.clone(), operator: operator.clone() };
        let ada = standing(&with(journey("ada"), [left]));
        assert_eq!((ada.account, ada.missing()), (AccountStanding::Left, 0));
        let mistake = vec![planned("ada", 2), job_planned(1, "ada", 1)];
        assert_eq!((standing(&mistake).account, standing(&mistake).missing()), (AccountStanding::Planned, 1));
        let forgotten = Event::AccountForgotten { account, reason, operator };
        let ada = standing(&with(mistake, [forgotten.clone()]));
        assert_eq!((ada.account, ada.missing(), ada.to_come()), (AccountStanding::Forgotten, 0, 0));
        // Planned anew, it counts again.
        assert_eq!(
            standing(&with(vec![planned("ada", 1)], [forgotten.clone(), planned("ada", 1)])).account,
            AccountStanding::KeysMissing
        );
        let entries = log(&with(journey("ada"), [forgotten]));
        assert!(Register::read(&entries).is_err(), "an account with keys cannot be forgotten");
    }

    #[test]
    fn as_of_a_moment_later_events_are_not_known() {
        let entries = log(&journey("ada"));
        let store = InMemory(entries);
        let register = Register::as_of(&store, at("2026-11-23T18:02:30Z")).unwrap();
        let ada = register.standing(&account("ada"), at("2026-11-23T18:02:30Z")).unwrap();
        assert_eq!((ada.in_service(), ada.required), (0, 2));
        assert!(Register::as_of(&store, at("2026-11-23T17:00:00Z")).unwrap().accounts.is_empty());
    }
}
