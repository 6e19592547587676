//! What every benchmark of a run works with: soft keys, the embedded directory over HTTP, a ledger and a vault on disk.

#![allow(dead_code, unused_imports, reason = "each benchmark uses the parts that it needs")]

pub(crate) mod long_ledger;
pub(crate) mod place;
pub(crate) mod stopwatch;
pub(crate) mod workbench;

pub(crate) use long_ledger::LongLedger;
pub(crate) use place::Place;
pub(crate) use stopwatch::Stopwatch;
pub(crate) use workbench::Workbench;
