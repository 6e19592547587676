//! What the log says now: accounts, jobs, keys and credentials, and the questions asked of them.
//!
//! It is made by reading events in order, and by nothing else. It keeps what decides, and of evidence only where in the log it
//! stands ([`Evidence`] reads it), so that a ledger of many keys fits into memory; what many keys have in common is kept once.

#[cfg(test)]
mod erasure_tests;
mod evidence;
mod identity;
mod key;
mod outcomes;
mod pool;
mod replay;
pub mod rollout;
mod snapshot;
mod standing;
mod table;

pub use evidence::{Evidence, outcome};
pub use identity::{IdpIdentity, KnownPerson};
pub use key::{Bought, Key, Keys};
pub use outcomes::Outcomes;
pub use rollout::Rollout;
pub use standing::{AccountStanding, KeyLine, KeyStanding, Standing, is_later, moment};
pub use table::Table;

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use self::pool::Pool;
use self::table::Outstanding;
use crate::ledger::{
    AccountId, Actor, Erasure, Failure, Head, IdpInstance, JobId, KeyIdentity, KeyNumber, SeenByHand, Step,
    WitnessResult, tree::Tree,
};
use crate::profile::{HandOver, Person, Profile};
use keywright_attest::{Policy, Refusal, Verdict};
use keywright_fido::webauthn::{Aaguid, CredentialId, RpId};

/// An account.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// The login as the IdP had it when it was asked last; before it was asked, the one that was planned.
    pub login: String,
    /// Logins that it had before, the newest last.
    pub former_logins: Vec<String>,
    /// Which IdP, once it was asked; `None` in logs of version 0.1.0.
    pub idp: Option<IdpInstance>,
    /// The account that the IdP's user had already when this one was planned: in logs of version 0.1.0 a login that was written
    /// otherwise made another account. Its keys are that person's, and count there for nothing twice.
    pub same_as: Option<AccountId>,
    /// The roster's newest row.
    #[serde(with = "snapshot::as_tuple")]
    pub person: Person,
    /// The newest profile.
    #[serde(with = "snapshot::shared")]
    pub profile: Arc<Profile>,
    /// The IdP's stable id, once it was found.
    pub user_id: Option<String>,
    /// Weaker ways to sign in that the account had when it was found.
    pub other_methods: Vec<String>,
    /// Whether keys are still made for it.
    pub state: AccountState,
    /// When its names were erased, RFC 3339.
    pub erased: Option<String>,
    /// Who ran the newest batch that planned it.
    #[serde(with = "snapshot::shared::option")]
    pub operator: Option<Arc<Actor>>,
    /// Its jobs in order.
    pub jobs: Vec<JobId>,
    /// Whether an event said that it is complete, and none since has taken a key away.
    pub completed: bool,
}

impl Outstanding for Account {}
impl Outstanding for Vec<CredentialId> {}

impl Account {
    /// Forgets the person, whatever older events may still say in plain text: `instead` stands for the login.
    fn erase(&mut self, time: &str, instead: &str) {
        let Person { account, profile: _, name, ticket, reason, storage, wave: _ } = &mut self.person;
        for text in [&mut self.login, account] {
            instead.clone_into(text);
        }
        for text in [name, ticket, reason, storage] {
            *text = None;
        }
        self.former_logins.clear();
        if let AccountState::Left { reason, .. } = &mut self.state {
            instead.clone_into(reason);
        }
        self.erased = Some(time.to_owned());
    }
}

/// Whether keys are made for an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum AccountState {
    /// As its profile says.
    Active,
    /// The person left.
    Left {
        /// When, RFC 3339.
        since: String,
        /// Why, in the operator's words.
        reason: String,
    },
    /// It was planned by mistake.
    Forgotten,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum JobState {
    /// This step is the next; nothing is open.
    Ready(Step),
    /// This step was begun and did not end: a crash.
    Open(Step),
    /// This step failed; it is the next.
    Failed(Step, #[serde(with = "snapshot::as_json")] Failure),
    /// All steps are done.
    Done,
    /// It will not be finished.
    GivenUp,
}

impl JobState {
    /// The step that is the next, or open; `None` if nothing is left to do.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Ready(step) | Self::Open(step) | Self::Failed(step, _) => Some(*step),
            Self::Done | Self::GivenUp => None,
        }
    }
}

/// One person, one key.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Job {
    /// The account.
    pub account: AccountId,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// Where it stands.
    pub state: JobState,
    /// Where in the log it stands what its steps ended with.
    pub outcomes: Outcomes,
    /// The key that it took.
    #[serde(with = "snapshot::shared::option")]
    key: Option<Arc<KeyIdentity>>,
    /// Which key that was recognised as, if it was.
    pub number: Option<KeyNumber>,
    /// Whether it was reset for this job.
    was_reset: bool,
    /// The credential that it made.
    credential_id: Option<CredentialId>,
    /// Credentials that it made before it went back.
    earlier: Vec<CredentialId>,
    /// What the witness said of its credential.
    #[serde(with = "snapshot::shared::option")]
    witness: Option<Arc<WitnessResult>>,
    /// What the key enforces since the job gave it its policy.
    hardened: Option<Hardened>,
    /// Whether the IdP was asked to begin a registration and, as far as is known, still waits for it.
    pub directory_waits: bool,
    /// The object that the IdP made for the registration that it waits for, if it made one.
    pub pending: Option<String>,
    /// The account's key that this one takes the place of, and why.
    pub replaces: Option<Replacement>,
    /// How many PINs were sealed for it, those of keys that were turned away too.
    pub pins_sealed: usize,
    /// How its key's PIN reached its readers, and their names; `None` while it did not.
    pub pin_delivered: Option<(HandOver, Vec<String>)>,
    /// Whether a letter with its key's PIN went to the printer and nobody has said that it came out.
    pub pin_unconfirmed: bool,
    /// Places in [`Register::attention`].
    attention: Vec<usize>,
}

/// What a job takes the place of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Replacement {
    /// Which of the account's keys.
    pub ordinal: usize,
    /// Why, in the operator's words.
    pub reason: String,
    /// Whether the key stays: it is reset and enrolled anew, and its old credential goes.
    pub same_key: bool,
}

/// What a key enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Hardened {
    min_pin_length: usize,
    always_uv: bool,
    pin_complexity_policy: bool,
    long_touch_for_reset: bool,
}

impl Outstanding for Job {
    /// What it takes the place of may be left to be revoked.
    fn is_outstanding(&self) -> bool {
        self.state.step().is_some() || self.replaces.is_some()
    }
}

impl Job {
    /// The key that the job took.
    pub fn key(&self) -> Option<&KeyIdentity> {
        self.key.as_deref()
    }

    /// Whether it was given up before any key was taken for it: then it left nothing anywhere.
    pub fn is_withdrawn(&self) -> bool {
        self.state == JobState::GivenUp && self.outcomes.is_empty() && self.pins_sealed == 0
    }

    /// Whether a signature is kept that proves the job's credential.
    pub fn has_proof(&self) -> bool {
        self.outcomes.contains(Step::Prove)
    }

    /// What the witness said of the job's credential; `None` before it was proved, and in ledgers from before there was a
    /// witness.
    pub fn witness_result(&self) -> Option<&WitnessResult> {
        self.witness.as_deref()
    }

    /// The credential that the job made.
    pub fn credential_id(&self) -> Option<&CredentialId> {
        self.credential_id.as_ref()
    }

    /// Every credential that the job made, the newest last.
    pub fn credential_ids(&self) -> impl Iterator<Item = &CredentialId> {
        self.earlier.iter().chain(&self.credential_id)
    }

    /// It made this credential, or found it again.
    fn make(&mut self, credential_id: CredentialId) {
        self.earlier.retain(|earlier| *earlier != credential_id);
        self.credential_id = Some(credential_id);
    }

    /// What its steps ended with from `to` on is no longer so.
    fn step_back(&mut self, to: Step) {
        self.outcomes.forget_from(to);
        let is_kept = |step| step < to;
        self.key.take_if(|_| !is_kept(Step::Inspect));
        self.number.take_if(|_| !is_kept(Step::Inspect));
        self.was_reset &= is_kept(Step::Reset);
        self.earlier.extend(self.credential_id.take_if(|_| !is_kept(Step::Make)));
        self.witness.take_if(|_| !is_kept(Step::Prove));
        self.hardened.take_if(|_| !is_kept(Step::Harden));
        self.directory_waits &= is_kept(Step::Begin);
        self.pending.take_if(|_| !is_kept(Step::Begin));
        self.state = JobState::Ready(to);
    }
}

/// What became of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialState {
    /// On a key, not (yet) at the IdP.
    OnKey,
    /// On a key that a person has registered, or has to, at an IdP without an API; no drill has confirmed it yet.
    Unconfirmed,
    /// At the IdP. It signed before it got there. At an IdP without an API: its key is.
    Registered,
    /// Deleted from the key.
    Deleted,
    /// Gone from its key outside a job, and perhaps still at the IdP: nobody can sign in with it.
    Erased,
    /// Removed at the IdP.
    Revoked,
}

impl CredentialState {
    /// Whether it is on its key, as far as is known, and was not taken out of service.
    pub fn lives(self) -> bool {
        matches!(self, Self::OnKey | Self::Unconfirmed | Self::Registered)
    }

    /// Whether the IdP may have it.
    pub fn may_be_registered(self) -> bool {
        self.lives() || self == Self::Erased
    }

    /// Whether it is registered, or its key is to be by hand, and nothing has taken it out of service since.
    pub fn is_in_use(self) -> bool {
        matches!(self, Self::Unconfirmed | Self::Registered)
    }
}

/// An erasure that was begun, and of which nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Erasing {
    /// How.
    pub how: Erasure,
    /// When, RFC 3339.
    pub since: String,
}

/// What people keep of a key in their own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// What is written on it, if not its label at the IdP.
    pub label: Option<String>,
    /// Where it is.
    pub place: Option<String>,
    /// Who keeps it.
    pub custodian: Option<String>,
}

impl Kept {
    /// What is `None` stays.
    fn edit(&mut self, label: &Option<String>, place: &Option<String>, custodian: &Option<String>) {
        for (new, old) in [(label, &mut self.label), (place, &mut self.place), (custodian, &mut self.custodian)] {
            if new.is_some() {
                old.clone_from(new);
            }
        }
    }
}

/// A credential.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Credential {
    /// The account.
    pub account: AccountId,
    /// The job that made it.
    pub job: JobId,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The key it is on.
    #[serde(with = "snapshot::shared")]
    pub key: Arc<KeyIdentity>,
    /// Which key that is, once its attestation was judged.
    pub number: Option<KeyNumber>,
    /// The RP ID.
    pub rp_id: RpId,
    /// What its public key is recognised by; see [`Credential::print`].
    pub public_key_print: u64,
    /// The number of the event that it was made by, which has the key's answer; [`Register::evidence`] reads it.
    pub made_by: u64,
    /// The number of the event that has its verdict, once there is one.
    pub judged_by: Option<u64>,
    /// What the verdict says of its model, once there is one. The verdict as it was is among the evidence: here keys of one
    /// model share what they have in common, and what is one key's alone, its serial number and subject, is left out.
    #[serde(with = "snapshot::shared::option")]
    pub model_verdict: Option<Arc<Verdict>>,
    /// The single key's serial number, where its attestation names it ([`Verdict::serial`]).
    pub attested_serial: Option<String>,
    /// The profile that the account had when there was a verdict.
    #[serde(with = "snapshot::shared::option")]
    pub made_for: Option<Arc<Profile>>,
    /// The IdP's name for it, once registered.
    pub directory_id: Option<String>,
    /// The label at the IdP; see [`Credential::label`].
    pub label: Option<String>,
    /// How a registration that was made by hand was confirmed last.
    #[serde(with = "snapshot::as_json")]
    pub by_hand: Option<Box<SeenByHand>>,
    /// What became of it.
    pub state: CredentialState,
    /// Whether its key was about to be erased when the program ended: it may be gone.
    pub erasing: Option<Erasing>,
    /// When it was made, RFC 3339.
    pub made: String,
    /// When it last signed as it should, RFC 3339.
    pub proved: Option<String>,
    /// What is written on the key, where it is kept and by whom, where somebody wrote that down.
    pub kept: Kept,
    /// The label that the IdP is to give it; `None` once it has, or will not.
    pub relabel: Option<String>,
    /// Why it has to be removed at the IdP, which could not be reached; `None` if it has not.
    pub to_be_revoked: Option<String>,
    /// When the key was given back, RFC 3339.
    pub returned: Option<String>,
    /// Whether it is gone from its key, which was reset, or from which it was deleted; whatever became of it at the IdP since.
    pub gone: bool,
    /// When it was last taken out and tried as it should ([`crate::ledger::Event::KeyDrilled`]), RFC 3339.
    pub drilled: Option<String>,
    /// When it was last tried and did not sign as it should, RFC 3339; `None` again once it does.
    pub failed: Option<String>,
}

impl Outstanding for Credential {
    fn is_outstanding(&self) -> bool {
        self.to_be_revoked.is_some() || self.relabel.is_some() || self.erasing.is_some()
    }
}

impl Credential {
    /// The first 8 bytes of SHA-256 of a public key (COSE, base64url as the log has it): enough to find out keys that make the same.
    pub fn print(public_key: &str) -> u64 {
        let hash: [u8; 32] = Sha256::digest(public_key).into();
        hash.iter().take(8).fold(0, |print, byte| print << 8 | u64::from(*byte))
    }

    /// Whether it counts towards a complete account: the IdP has it, and it was seen to sign.
    pub fn is_proved_key(&self) -> bool {
        self.state == CredentialState::Registered && self.proved.is_some() && self.erasing.is_none()
    }

    /// What the key is called: as people wrote on it, else as the IdP has it.
    pub fn label(&self) -> Option<&str> {
        self.kept.label.as_deref().or(self.label.as_deref())
    }

    /// The key's serial number: the attested one, else what USB tells.
    pub fn serial(&self) -> Option<&str> {
        self.attested_serial.as_deref().or(self.key.usb_serial.as_deref())
    }

    /// Whether somebody has the key: it was made, and is neither back nor wiped.
    pub fn is_out(&self) -> bool {
        self.returned.is_none() && !self.gone
    }

    /// Why a policy would turn down the verdict of that day; `None` if there was none.
    pub fn refusals(&self, policy: &Policy) -> Option<Vec<Refusal>> {
        let verdict = Verdict { serial: self.attested_serial.clone(), ..(**self.model_verdict.as_ref()?).clone() };
        Some(policy.accept(&verdict).err().unwrap_or_default())
    }

    /// Forgets what people call the key, where it is, and who said what about it.
    fn erase_words(&mut self, instead: &str) {
        (self.label, self.relabel, self.kept) = (None, None, Kept::default());
        if let Some(seen) = &mut self.by_hand {
            instead.clone_into(&mut seen.said_by);
            if let Some(found) = &mut seen.found {
                found.user_name = None;
            }
        }
    }

    pub(super) fn signed(&mut self, time: &str) {
        self.proved = Some(time.to_owned());
        self.failed = None;
        self.erasing = None;
    }
}

/// All of it.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Register {
    /// By IdP and login.
    #[serde(skip)]
    pub accounts: Table<AccountId, Account>,
    /// By number.
    #[serde(skip)]
    pub jobs: Table<JobId, Job>,
    /// By id.
    #[serde(skip)]
    pub credentials: Table<CredentialId, Credential>,
    /// By number.
    #[serde(skip)]
    pub keys: Keys,
    /// Break-glass accounts, recoveries, enforcement.
    pub rollout: Rollout,
    /// What people were told to do, newest last.
    pub attention: Vec<(Option<JobId>, String)>,
    /// The newest batch's number; 0 if there was none.
    pub batch: u64,
    /// Who ran it.
    #[serde(with = "snapshot::shared::option")]
    pub operator: Option<Arc<Actor>>,
    /// What names this log: the hash of its first entry, in hexadecimal; empty before there is one.
    pub id: String,
    /// The newest entry that was read. What is decided from here is appended after it.
    pub head: Head,
    /// The tree of all entries up to there, for checkpoints.
    pub tree: Tree,
    /// The newest event that erased an account: what was read before it has names that the log has no more.
    last_erasure: u64,
    /// What many accounts and keys have in common.
    #[serde(skip)]
    shared: Shared,
    /// Credentials by the serial number that their attestation names.
    #[serde(skip)]
    by_serial: Table<String, Vec<CredentialId>>,
    /// Accounts by the id of their user, in order; made when it is asked for first.
    #[serde(skip)]
    by_user: Option<BTreeSet<(String, AccountId)>>,
}

/// Values that are equal for many, each once.
#[derive(Debug, Clone, Default)]
struct Shared {
    profiles: Pool<Profile>,
    operators: Pool<Actor>,
    keys: Pool<KeyIdentity>,
    verdicts: Pool<Verdict>,
    witness_results: Pool<WitnessResult>,
}

impl Shared {
    /// The values of a snapshot, to be found again.
    fn refill(&mut self, tables: &snapshot::shared::Tables) {
        self.profiles.refill(&tables.profiles);
        self.operators.refill(&tables.operators);
        self.keys.refill(&tables.keys);
        self.verdicts.refill(&tables.verdicts);
        self.witness_results.refill(&tables.witness_results);
    }
}

impl Register {
    /// Makes bytes again of what was asked for and not changed: whoever walks over all accounts has a part of them in memory at a time.
    pub fn let_go(&mut self) {
        self.accounts.let_go();
        self.jobs.let_go();
        self.credentials.let_go();
        self.keys.let_go();
    }

    /// Gives accounts other profiles than the log says, where there is another.
    pub fn hold_against(&mut self, other: impl Fn(&Profile) -> Option<Arc<Profile>>) {
        let accounts = self.accounts.iter().filter_map(|(id, account)| Some((id.clone(), other(&account.profile)?)));
        for (id, profile) in accounts.collect::<Vec<_>>() {
            if let Some(account) = self.accounts.get_mut(&id) {
                account.profile = profile;
            }
        }
    }

    /// The login that an account has now, as far as is known.
    pub fn login<'a>(&'a self, account: &'a AccountId) -> &'a str {
        self.accounts.get(account).map_or(&account.login, |known| &known.login)
    }

    /// The number for the next job.
    pub fn next_job(&self) -> JobId {
        JobId(self.jobs.last_key().map_or(1, |job| job.0 + 1))
    }

    /// The job of an account's key, by the key's number in the account.
    pub fn job_of_key(&self, account: &AccountId, ordinal: usize) -> Option<JobId> {
        let jobs = &self.accounts.get(account)?.jobs;
        let named = |id: &&JobId| self.jobs[id].ordinal == ordinal && !self.jobs[id].is_withdrawn();
        jobs.iter().rev().find(named).copied()
    }

    /// The highest number that a key of the account has; 0 if it has none.
    pub fn last_ordinal(&self, account: &AccountId) -> usize {
        let jobs = self.jobs_of(account).filter(|(_, job)| !job.is_withdrawn());
        jobs.map(|(_, job)| job.ordinal).max().unwrap_or(0)
    }

    /// The jobs of an account, in order.
    pub fn jobs_of(&self, account: &AccountId) -> impl Iterator<Item = (JobId, &Job)> {
        let jobs = self.accounts.get(account).into_iter().flat_map(|account| &account.jobs);
        jobs.filter_map(|id| Some((*id, self.jobs.get(id)?)))
    }

    /// Jobs with something left to do, in the order they were planned.
    pub fn unfinished(&self) -> impl Iterator<Item = (JobId, &Job)> {
        self.jobs.outstanding().filter(|(_, job)| job.state.step().is_some()).map(|(id, job)| (*id, job))
    }

    /// Credentials that are still to be revoked, or called something else, at their IdP, and those whose erasure did not end.
    pub fn outstanding_credentials(&self) -> impl Iterator<Item = (&CredentialId, &Credential)> {
        self.credentials.outstanding()
    }

    /// Every credential that was made for an account, in the order of their jobs, whatever became of it.
    pub fn credentials_of(&self, account: &AccountId) -> impl Iterator<Item = (&CredentialId, &Credential)> {
        self.jobs_of(account).flat_map(|(_, job)| self.credentials_of_job(job))
    }

    /// What people were told to do about the account's jobs, in the order of these.
    pub fn attention_of(&self, account: &AccountId) -> impl Iterator<Item = &str> {
        let places = self.jobs_of(account).flat_map(|(_, job)| &job.attention);
        places.map(|place| self.attention[*place].1.as_str())
    }

    /// Every credential that a job made, whatever became of it.
    pub fn credentials_of_job(&self, job: &Job) -> impl Iterator<Item = (&CredentialId, &Credential)> {
        job.credential_ids().filter_map(|id| self.credentials.get_key_value(id))
    }

    /// Credentials on the single key that an attestation names by model and serial number.
    pub fn credentials_on_key(
        &self,
        aaguid: Aaguid,
        serial: &str,
    ) -> impl Iterator<Item = (&CredentialId, &Credential)> {
        let ids = self.by_serial.get(serial).into_iter().flatten();
        let known = ids.filter_map(|id| self.credentials.get_key_value(id));
        known.filter(move |(_, credential)| credential.model_verdict.as_ref().is_some_and(|one| one.aaguid == aaguid))
    }

    /// How many keys of the account are registered and were seen to sign: what an event that calls it complete is held against.
    /// Whether they count today is for [`Register::standing`] to say.
    pub(super) fn proved_keys(&self, account: &AccountId) -> usize {
        self.credentials_of(account).filter(|(_, credential)| credential.is_proved_key()).count()
    }

    /// When a registered credential has to be drilled next, by its profile's interval; `None` if it has none.
    pub fn next_drill(&self, credential: &Credential) -> Option<OffsetDateTime> {
        let days = self.accounts.get(&credential.account)?.profile.drill_interval_days?;
        let proved = OffsetDateTime::parse(credential.proved.as_deref()?, &Rfc3339).ok()?;
        (credential.state == CredentialState::Registered).then(|| proved + Duration::days(i64::from(days)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Event;
    use crate::ledger::sample::*;

    fn book(events: &[Event]) -> Register {
        Register::read(&log(events)).unwrap()
    }

    fn with(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
        events.extend(more);
        events
    }

    #[test]
    fn a_journey_ends_with_a_complete_account() {
        let book = book(&journey("ada"));
        let account = &book.accounts[&account("ada")];
        assert!(account.completed);
        assert_eq!(account.user_id.as_deref(), Some("id-ada"));
        assert_eq!(account.other_methods, ["SMS"]);
        assert_eq!(account.jobs, [JobId(1), JobId(2)]);
        assert!(book.jobs.values().all(|job| job.state == JobState::Done && job.outcomes.steps().count() == 12));
        assert_eq!((book.batch, book.head.seq, book.next_job()), (1, journey("ada").len() as u64, JobId(3)));
        assert_eq!(book.unfinished().count(), 0);
        assert_eq!(book.proved_keys(&crate::ledger::sample::account("ada")), 2);

        let credential = &book.credentials[&credential_id(2)];
        assert_eq!(credential.state, CredentialState::Registered);
        assert_eq!((credential.job, credential.ordinal), (JobId(2), 2));
        assert_eq!(credential.key.port, "1-2");
        assert_eq!(credential.directory_id.as_deref(), Some("key-2"));
        assert_eq!(credential.label.as_deref(), Some("Soft key 2"));
        assert!(credential.model_verdict.is_some());
        // Made, then proved twice: the sign-in is the later one.
        assert_eq!(credential.made, "2026-11-23T18:40:00.000Z");
        assert_eq!(credential.proved.as_deref(), Some("2026-11-23T18:48:00.000Z"));
    }

    #[test]
    fn drills_are_due_after_the_interval_or_a_failure() {
        let ada = account("ada");
        let drilled = |proved| Event::KeyDrilled {
            account: ada.clone(),
            credential_id: credential_id(1),
            proved,
            observed: None,
            operator: None,
        };
        let now = |text| OffsetDateTime::parse(text, &Rfc3339).unwrap();
        let due = |events: &[Event], at| {
            let keys = book(events).standing(&ada, now(at)).unwrap().keys.into_iter();
            let due =
                |key: &KeyLine| matches!(key.standing, KeyStanding::DrillDue { .. } | KeyStanding::FailedDrill { .. });
            keys.filter(due).map(|key| key.job.0).collect::<Vec<_>>()
        };
        // Signed in at 18:23 and 18:48; 90 days later is 2027-02-21.
        let journey = journey("ada");
        assert_eq!(due(&journey, "2027-02-21T18:22:59Z"), [0; 0]);
        assert_eq!(due(&journey, "2027-02-21T18:23:00Z"), [1]);
        assert_eq!(due(&journey, "2027-02-21T18:48:00Z"), [1, 2]);
        let read = book(&journey);
        assert_eq!(read.next_drill(&read.credentials[&credential_id(1)]), Some(now("2027-02-21T18:23:00Z")));
        assert_eq!(due(&with(journey.clone(), [drilled(true)]), "2027-02-21T18:48:00Z"), [2]);
        assert_eq!(due(&with(journey.clone(), [drilled(false)]), "2026-11-24T00:00:00Z"), [1]);
        assert_eq!(due(&with(journey, [drilled(false), drilled(true)]), "2026-11-24T00:00:00Z"), [0; 0]);
    }
}
