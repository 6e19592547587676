//! The door to the person at the machine.

use crate::ctap::Pin;
use crate::ledger::{Failure, JobId, Step};
use crate::secret::{Delivery, SecretError};

/// Whose key it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The job.
    pub job: JobId,
    /// The login.
    pub account: String,
    /// The person's name.
    pub person: String,
    /// Which of the person's keys: 1, 2, ...
    pub ordinal: usize,
    /// How many keys the person gets.
    pub of: usize,
    /// Where the key is plugged in.
    pub port: String,
}

/// The person at the machine: hears what happens, touches keys, answers questions. Called from several threads at once.
pub trait Operator: Send + Sync {
    /// A job's step begins.
    fn step(&self, who: &Who, step: Step);

    /// This key waits for a touch (`true`), or no longer does.
    fn touch(&self, who: &Who, needed: bool);

    /// A job ended: `None` if well.
    fn ended(&self, who: &Who, failure: Option<&Failure>);

    /// There is work for this many more keys than are plugged in and free.
    fn insert_keys(&self, wanted: usize);

    /// The key in this port has to be pulled out and plugged in again, for a reset.
    fn replug(&self, who: &Who);

    /// May this key be reset? Everything on it will be gone.
    fn may_reset(&self, who: &Who, why: &str) -> bool;

    /// Shows a PIN once, and returns when the person said that it was taken down.
    fn show_pin(&self, delivery: &Delivery, pin: &Pin) -> Result<(), SecretError>;

    /// Something worth knowing.
    fn tell(&self, message: &str);
}
