//! The roll-out and the way back: accounts for emergencies, and people who lost a key.
//!
//! It refuses to count keys: [`crate::register::Standing`] does.

pub mod breakglass;
pub mod recover;
