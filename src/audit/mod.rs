//! Questions asked afterwards: is what was provisioned still what it should be?
//!
//! Everything here reads. It refuses to change a key, the IdP or the ledger.

pub mod ledger;
pub mod page;
