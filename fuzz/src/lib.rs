//! What the fuzz targets have in common: a maker of attestations whose keys never change, and keys that answer as the fuzzer
//! has them. Each target states its properties itself; `README.md` lists them.
//!
//! It refuses to be right by luck: whatever is not signed by the maker here must never be judged as if it were.

#![forbid(unsafe_code)]

pub mod answering;
pub mod maker;
#[allow(missing_docs, clippy::new_without_default, reason = "written for the main package's tests")]
#[path = "../../crates/keywright-test-support/src/metadata_service.rs"]
pub mod metadata_service;
pub mod pretending;
#[allow(missing_docs, clippy::new_without_default, reason = "written for the main package's tests")]
#[path = "../../src/trust/testing.rs"]
pub mod testing;

// The names by which the maker of the main package's tests knows what it uses.
use keywright_attest::*;
use keywright_fido::webauthn;
