//! Questions asked afterwards: is what was provisioned still what it should be? What is this registration that somebody kept,
//! this key that somebody found?
//!
//! Everything here reads. It refuses to change a key, the IdP or the ledger.

pub mod bulk;
pub mod export;
pub mod key;
pub mod ledger;
pub mod page;
pub mod registration;
pub mod registrations;

pub use registration::{Contradiction, Registration, RegistrationError};
pub use registrations::{Found, FoundError, Place, Registrations};
