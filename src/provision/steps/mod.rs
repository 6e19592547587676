//! The steps of a job, one file each: what is done, and how to see whether it was done.

mod begin;
mod complete;
mod hand_over;
mod harden;
mod inspect;
mod make;
mod prove;
mod recovery;
mod reset;
mod set_pin;
mod sign_in;
pub(super) mod undo;
mod verify;

pub(super) use recovery::Recovery;

use super::job_context::JobContext;
use super::job_error::JobError;
use crate::idp::Registration;
use crate::ledger::{Outcome, Step};

/// Does a step. On trouble, nothing of it is left behind that [`recover`] or [`undo::after`] would not find.
pub(super) fn execute(job: &mut JobContext<'_>, step: Step) -> Result<Outcome, JobError> {
    match step {
        Step::Inspect => inspect::execute(job),
        Step::Reset => reset::execute(job),
        Step::SealPin => set_pin::seal(job),
        Step::SetPin => set_pin::execute(job),
        Step::Begin => begin::execute(job),
        Step::Make => make::execute(job),
        Step::Verify => verify::execute(job),
        Step::Prove => prove::execute(job),
        Step::Complete => match job.registration {
            Registration::Api => complete::execute(job),
            Registration::ByHand(_) => Ok(complete::by_hand(job)),
        },
        Step::SignIn => sign_in::execute(job),
        Step::Harden => harden::execute(job),
        Step::HandOver => hand_over::execute(job),
    }
}

/// Looks at what an earlier attempt at a step left on the key, at the IdP and in the vault.
pub(super) fn recover(job: &mut JobContext<'_>, step: Step) -> Result<Recovery, JobError> {
    if (Step::Make..=Step::Prove).contains(&step) && !job.directory_waits() {
        return Ok(Recovery::RollBackTo(Step::Begin, "its registration was given up"));
    }
    match step {
        Step::SetPin => set_pin::recover(job),
        Step::Begin => begin::recover(job),
        Step::Make => make::recover(job),
        Step::Complete => match job.registration {
            Registration::Api => complete::recover(job),
            Registration::ByHand(_) => Ok(Recovery::NotDone),
        },
        Step::HandOver => hand_over::recover(job),
        // Doing these again does no harm: they only ask, or they bring about a state that they read first.
        Step::Inspect | Step::Reset | Step::SealPin | Step::Verify | Step::Prove | Step::SignIn | Step::Harden => {
            Ok(Recovery::NotDone)
        }
    }
}
