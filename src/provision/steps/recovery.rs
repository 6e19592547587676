//! What an earlier attempt at a step came to.

use crate::ledger::{Outcome, Step};

/// What [`super::recover`] finds.
pub(crate) enum Recovery {
    /// The step has to be done.
    NotDone,
    /// It was done already.
    Done(Box<Outcome>),
    /// Nothing is left of what it rests on: go back to this step, for this reason.
    RollBackTo(Step, &'static str),
}
