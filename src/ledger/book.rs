//! What the log says now: accounts, jobs, keys and credentials. Made by reading events in order, and by nothing else.

use std::collections::BTreeMap;

use super::{AccountId, Entry, Event, Failure, JobId, KeyIdentity, LedgerError, Outcome, Step};
use crate::profile::{Person, Profile};
use crate::trust::Verdict;
use crate::webauthn::{CredentialId, RpId, UserHandle};

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The roster's newest row.
    pub person: Person,
    /// The newest profile.
    pub profile: Profile,
    /// The directory's stable id, once it was found.
    pub user_id: Option<String>,
    /// Weaker ways to sign in that the account had when it was found.
    pub other_methods: Vec<String>,
    /// Its jobs in order.
    pub jobs: Vec<JobId>,
    /// Whether it has the proved keys that its profile asks for.
    pub completed: bool,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// This step is the next; nothing is open.
    Ready(Step),
    /// This step was begun and did not end: a crash.
    Open(Step),
    /// This step failed; it is the next.
    Failed(Step, Failure),
    /// All steps are done.
    Done,
}

/// One person, one key.
#[derive(Debug, Clone)]
pub struct Job {
    /// The account.
    pub account: AccountId,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// Where it stands.
    pub state: JobState,
    /// What its steps ended with, each once; later ones are gone after a step back.
    pub outcomes: BTreeMap<Step, Outcome>,
}

/// What became of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialState {
    /// On a key, not (yet) at the directory.
    OnKey,
    /// At the directory, and seen to sign.
    Registered,
    /// Deleted from the key; it was never registered.
    Deleted,
    /// Removed at the directory.
    Revoked,
}

/// A credential.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The account.
    pub account: AccountId,
    /// The job that made it.
    pub job: JobId,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The key it is on.
    pub key: KeyIdentity,
    /// The RP ID.
    pub rp_id: RpId,
    /// The account's handle.
    pub user_handle: UserHandle,
    /// Attestation object as received.
    pub attestation_object: Vec<u8>,
    /// Client data as hashed.
    pub client_data_json: Vec<u8>,
    /// COSE.
    pub public_key: Vec<u8>,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// The directory's name for it, once registered.
    pub directory_id: Option<String>,
    /// The label at the directory.
    pub label: Option<String>,
    /// What became of it.
    pub state: CredentialState,
    /// When it was made, RFC 3339.
    pub made: String,
    /// When it last signed as it should, RFC 3339.
    pub proved: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// By directory and login.
    pub accounts: BTreeMap<AccountId, Account>,
    /// By number.
    pub jobs: BTreeMap<JobId, Job>,
    /// By id.
    pub credentials: BTreeMap<CredentialId, Credential>,
    /// What people were told to do, newest last.
    pub attention: Vec<(Option<JobId>, String)>,
    /// The newest batch's number; 0 if there was none.
    pub batch: u64,
    /// The newest entry that was read.
    pub seq: u64,
}

impl Book {
    /// Reads a whole log.
    pub fn read(_entries: &[Entry]) -> Result<Self, LedgerError> {
        todo!()
    }

    /// Reads one more event.
    pub fn apply(&mut self, _entry: &Entry, _event: &Event) {
        todo!()
    }

    /// The number for the next job.
    pub fn next_job(&self) -> JobId {
        JobId(self.jobs.keys().next_back().map_or(1, |job| job.0 + 1))
    }
}
