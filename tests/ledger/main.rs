//! The ledger: disks that fill up, exports, audits, and a second verifier that is not ours.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod archive;
mod audit;
mod ceremony;
mod checkpoints;
mod disk;
mod export;
mod old_ledger;
mod reverify;
mod tampering;
mod time_stamps;
