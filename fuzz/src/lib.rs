//! What the fuzz targets have in common: a maker of attestations whose keys never change, and keys that answer as the fuzzer
//! has them. Each target states its properties itself; `README.md` lists them.
//!
//! It refuses to be right by luck: whatever is not signed by the maker here must never be judged as if it were.

#![forbid(unsafe_code)]

pub mod answering;
pub mod lives;
pub mod maker;
pub mod pretending;

pub use keywright_attest::testing;
pub use keywright_test_support::metadata_service;
