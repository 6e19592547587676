//! Everything that a run works with: one machine with keys attached.

use std::path::PathBuf;

use super::operator::{Identification, Operator};
use super::retry_policy::RetryPolicy;
use crate::idp::Directory;
use crate::ledger::{Actor, Store};
use crate::secret::{Entropy, Reader, Vault};
use crate::witness::Witness;
use keywright_attest::Judge;
use keywright_fido::hid::{Bus, Cancel, Limits};

/// One machine, set up.
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
    pub identification: Identification,
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
    /// How long to wait for keys and for the IdP.
    pub retry_policy: RetryPolicy,
    /// Ends the run between two steps, and every wait.
    pub cancel: Cancel,
    /// Who runs it, for the ledger.
    pub operator_name: Actor,
}
