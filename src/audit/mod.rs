//! Questions asked afterwards: is what was provisioned still what it should be? What is this registration that somebody kept,
//! this key that somebody found?
//!
//! Everything here reads. It refuses to change a key, the IdP or the ledger.

pub mod bulk;
pub mod diff;
pub mod export;
pub mod key;
pub mod ledger;
pub mod page;
pub mod record;
pub mod registration;
pub mod registrations;
pub mod sample;

/// The schema of all JSON that this program writes, but for the log's own; `docs/keywright-2.schema.json` describes it.
pub const JSON_SCHEMA: &str = "keywright/2";

pub use registration::{Contradiction, Registration, RegistrationError};
pub use registrations::{Found, FoundError, Place, Registrations};
