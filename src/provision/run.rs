//! Runs a plan with all keys that are there at once.

use super::{Plan, Station};
use crate::idp::{DirectoryError, Finding};
use crate::ledger::{AccountId, Failure, JobId, LedgerError, Step};
use crate::webauthn::{Aaguid, CredentialId};

/// How a job ended.
#[derive(Debug, Clone)]
pub struct JobReport {
    /// The job.
    pub job: JobId,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// Where the key was plugged in, if the job got one.
    pub port: Option<String>,
    /// The key's model.
    pub aaguid: Option<Aaguid>,
    /// The credential, if it was made and is still there.
    pub credential_id: Option<CredentialId>,
    /// The step that failed and why; `None` if the job is done.
    pub failure: Option<(Step, Failure)>,
}

/// How an account ended.
#[derive(Debug, Clone)]
pub struct AccountReport {
    /// The account.
    pub account: AccountId,
    /// The person's name.
    pub person: String,
    /// The profile's name.
    pub profile: String,
    /// Whether it has all its proved keys.
    pub complete: bool,
    /// Weaker ways to sign in that the account still has.
    pub other_methods: Vec<String>,
    /// Its jobs in this run.
    pub jobs: Vec<JobReport>,
    /// Why no job was begun, if the account itself was the reason.
    pub failure: Option<Failure>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// The batch's number.
    pub batch: u64,
    /// In the order of the roster.
    pub accounts: Vec<AccountReport>,
    /// Whether somebody ended it early.
    pub interrupted: bool,
}

/// Why a run could not begin or go on at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The directory is reached, but no registration would work.
    #[error("{directory} would refuse every registration: {}", messages(findings))]
    Blocked {
        /// The directory's name.
        directory: String,
        /// What blocks.
        findings: Vec<Finding>,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The keys' bus.
    #[error(transparent)]
    Hid(#[from] crate::hid::HidError),
    /// No key came.
    #[error("no key is plugged in")]
    NoKey,
}

fn messages(findings: &[Finding]) -> String {
    findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
}

/// Makes every key of the plan. Failures of single people are in the report.
pub fn run(_station: &Station<'_>, _plan: &Plan) -> Result<Report, RunError> {
    todo!()
}

/// Goes on with every job of the ledger that is not done.
pub fn resume(_station: &Station<'_>) -> Result<Report, RunError> {
    todo!()
}

/// Checks everything that can be checked without writing to a key, the directory or the ledger: directory, accounts, keys that
/// are plugged in. The report's jobs are those that would be begun.
pub fn dry_run(_station: &Station<'_>, _plan: &Plan) -> Result<Report, RunError> {
    todo!()
}
