//! The roll-out and the way back: who signs in with what, what keeps a group from being enforced, and what changed since.
//!
//! What reads an IdP and the register is apart from what changes something (recovery, break-glass accounts). It refuses to call clean
//! what could not be read, and to count keys: [`crate::register::Standing`] does.

pub mod breakglass;
pub mod draw;
pub mod enforce;
pub mod error;
pub mod inventory;
pub mod page;
pub mod paths;
pub mod plan;
pub mod ready;
pub mod reconcile;
pub mod recover;
pub mod shelf;
pub mod unknown_key;
pub mod watch;

pub use error::RolloutError;
pub use inventory::{Entry, Inventory, KeyEntry, MadeHere, Scope, Whose};
pub use plan::{Factor, GroupPlan, Plan, PlanError, Who};
pub use ready::{Readiness, Reason};
pub use shelf::Shelf;
