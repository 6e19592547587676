//! What keywright's tests and benchmarks share: the program as a person runs it, a workshop for journeys, servers that
//! misbehave, and the test data that is not part of the project.
//!
//! It panics where a test cannot be set up, and is part of no program that is given to anybody.

#![allow(clippy::new_without_default, reason = "a test says new for what it starts: a home, a service")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![allow(missing_docs, reason = "the names say it; each module has a head")]

pub mod as_said;
pub mod cli;
pub mod data;
pub mod fault_proxy;
pub mod installed;
pub mod json_schema;
pub mod metadata_service;
#[cfg(unix)]
pub mod postgres;
#[cfg(unix)]
pub mod power_cut;
pub mod softkey_state;
pub mod workshop;

use std::fmt::Display;

/// For a test that cannot do its work on this machine, and why. With `$KEYWRIGHT_REQUIRE_ALL` the test fails instead.
#[track_caller]
pub fn skipped(reason: impl Display) {
    assert!(std::env::var_os("KEYWRIGHT_REQUIRE_ALL").is_none(), "{reason}");
    eprintln!("SKIPPED: {reason}");
}
