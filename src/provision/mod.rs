//! The job: roster and profiles become a plan, the plan becomes steps, and every step is in the ledger before and after it is
//! done.
//!
//! It refuses to guess: a key that cannot be recognised is not touched, a PIN is not tried twice, a request that may have been
//! acted on is not repeated before the directory was asked.

mod attendee;
pub mod drill;
mod dry_run;
mod job;
mod job_error;
mod journal;
mod key;
pub mod operator;
pub mod plan;
mod recognise;
pub mod report;
mod resource_locks;
pub mod retry_policy;
pub mod revoke;
pub mod run;
mod scheduler;
mod steps;

pub use drill::{Drill, DrillError};
use job_error::JobError;
pub use key::fingerprint;
pub use operator::{Identification, JobLabel, Operator};
pub use plan::{Plan, Planned};
pub use report::{AccountReport, JobReport, Report};
pub use retry_policy::RetryPolicy;
pub use revoke::{Revocation, RevokeError, revoke};
pub use run::{RunError, dry_run, resume, run};

use std::path::PathBuf;

use crate::idp::Directory;
use crate::ledger::Store;
use crate::secret::{Entropy, Reader, Vault};
use crate::witness::Witness;
use keywright_attest::Judge;
use keywright_fido::hid::{Bus, Cancel, Limits};

/// Everything that a run works with: one machine with keys attached.
pub struct Station<'a> {
    /// Where keys are.
    pub bus: &'a dyn Bus,
    /// The identity provider.
    pub directory: &'a dyn Directory,
    /// The ledger, open for writing.
    pub store: &'a dyn Store,
    /// Working copies of PINs.
    pub vault: &'a Vault,
    /// The person at the machine.
    pub operator: &'a dyn Operator,
    /// How that person tells keys apart.
    pub apart: Identification,
    /// What attestations are held against.
    pub judge: &'a Judge,
    /// Who else has each key sign, on USB.
    pub witness: Witness,
    /// Who gets PINs as age files.
    pub readers: &'a [Reader],
    /// Where age files go.
    pub hand_over_folder: PathBuf,
    /// The program that prints letters, with its arguments; empty if there is none.
    pub letter_program: Vec<String>,
    /// Where PINs come from.
    pub entropy: &'a dyn Entropy,
    /// The time.
    pub now: &'a (dyn Fn() -> time::OffsetDateTime + Sync),
    /// How long exchanges with keys may take.
    pub limits: Limits,
    /// How long to wait for keys and for the directory.
    pub retry_policy: RetryPolicy,
    /// Ends the run between two steps, and every wait.
    pub cancel: Cancel,
    /// Who runs it, for the ledger.
    pub operator_name: String,
}
