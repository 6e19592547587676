//! What every benchmark of a run works with: soft keys, the embedded directory over HTTP, a ledger and a vault on disk.

#![allow(dead_code, reason = "each benchmark uses the parts that it needs")]

pub mod place;
pub mod stopwatch;
pub mod workbench;

pub use place::Place;
pub use stopwatch::Stopwatch;
pub use workbench::Workbench;
