//! The vocabulary of audits. As that of the jobs, it is part of the log's format: it may be added to, never changed.

use serde::{Deserialize, Serialize};

use crate::ledger::Actor;

/// Keys were drawn to be checked by hand. The log up to here, seed and size draw the same ones again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSampled {
    /// The auditor's words.
    pub seed: String,
    /// How many were asked for.
    pub size: u64,
    /// Keys in use that they were drawn from.
    pub drawn_from: u64,
    /// Who ran it.
    pub operator: Actor,
}
