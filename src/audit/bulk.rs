//! The same work on a long row of registrations: on all cores, with results in the row's order, in bounded memory.
//!
//! One thread reads ahead while the others work. At most [`AHEAD`] batches wait; a batch ends at [`BATCH`] registrations or
//! [`BATCH_BYTES`] bytes. It refuses to go on when nobody takes the results.

use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;

use rayon::prelude::*;

use super::{Found, Registrations};

/// Registrations of a batch: many, so that cores rarely wait for each other; few, so that the first results come soon.
pub const BATCH: usize = 1024;

/// Bytes of a batch.
pub const BATCH_BYTES: usize = 8 << 20;

/// Batches that are read and not worked on.
pub const AHEAD: usize = 1;

/// Does `work` to each registration and gives `take` the results of each batch, until there are no more or `take` breaks.
pub fn in_order<R: Send>(
    registrations: &mut Registrations,
    work: impl Fn(Found) -> R + Sync,
    mut take: impl FnMut(Vec<R>) -> ControlFlow<()>,
) {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            loop {
                let batch = batch(registrations);
                // Nobody takes it: the other side broke off.
                if batch.is_empty() || sender.send(batch).is_err() {
                    return;
                }
            }
        });
        for batch in receiver {
            if take(batch.into_par_iter().map(&work).collect()).is_break() {
                return;
            }
        }
    });
}

fn batch(registrations: &mut Registrations) -> Vec<Found> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        let Some(found) = registrations.next() else { break };
        bytes += found.json.as_ref().map_or(0, Vec::len);
        batch.push(found);
    }
    batch
}
