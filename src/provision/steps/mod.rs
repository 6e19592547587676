//! The steps of a job, one file each: what is done, and how to see whether it was done.

mod begin;
mod complete;
mod hand_over;
mod harden;
mod inspect;
mod make;
pub(super) mod prove;
mod reset;
mod set_pin;
mod sign_in;
pub(super) mod undo;
mod verify;

pub(super) use inspect::fit;

use super::Trouble;
use super::job::{Job, Looked};
use crate::ledger::{Outcome, Step};

/// Does a step. On trouble, nothing of it is left behind that [`look`] or [`undo::after`] would not find.
pub(super) fn carry_out(job: &mut Job<'_>, step: Step) -> Result<Outcome, Trouble> {
    match step {
        Step::Inspect => inspect::carry_out(job),
        Step::Reset => reset::carry_out(job),
        Step::SealPin => set_pin::seal(job),
        Step::SetPin => set_pin::carry_out(job),
        Step::Begin => begin::carry_out(job),
        Step::Make => make::carry_out(job),
        Step::Verify => verify::carry_out(job),
        Step::Prove => prove::carry_out(job),
        Step::Complete => complete::carry_out(job),
        Step::SignIn => sign_in::carry_out(job),
        Step::Harden => harden::carry_out(job),
        Step::HandOver => hand_over::carry_out(job),
    }
}

/// Looks at what an earlier attempt at a step left on the key, at the directory and in the vault.
pub(super) fn look(job: &mut Job<'_>, step: Step) -> Result<Looked, Trouble> {
    if (Step::Make..=Step::Prove).contains(&step) && !job.directory_waits() {
        return Ok(Looked::Back(Step::Begin, "its registration was given up"));
    }
    match step {
        Step::SetPin => set_pin::look(job),
        Step::Begin => begin::look(job),
        Step::Make => make::look(job),
        Step::Complete => complete::look(job),
        Step::HandOver => hand_over::look(job),
        // Doing these again does no harm: they only ask, or they bring about a state that they read first.
        Step::Inspect | Step::Reset | Step::SealPin | Step::Verify | Step::Prove | Step::SignIn | Step::Harden => {
            Ok(Looked::Undone)
        }
    }
}
