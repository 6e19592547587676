//! Where in the log it stands what a job's steps ended with.

use std::num::NonZeroU64;

use crate::ledger::Step;

/// The numbers of the events that ended steps, each step once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outcomes([Option<NonZeroU64>; Step::ALL.len()]);

impl Outcomes {
    /// The number of the event that ended the step; `None` if it has not ended.
    pub fn at(&self, step: Step) -> Option<u64> {
        self.0[step as usize].map(NonZeroU64::get)
    }

    /// Whether the step has ended.
    pub fn contains(&self, step: Step) -> bool {
        self.0[step as usize].is_some()
    }

    /// Whether no step has ended.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The steps that have ended, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        Step::ALL.into_iter().filter(|step| self.contains(*step))
    }

    pub(super) fn note(&mut self, step: Step, seq: u64) {
        self.0[step as usize] = NonZeroU64::new(seq);
    }

    pub(super) fn forget_from(&mut self, step: Step) {
        self.0[step as usize..].fill(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_the_places_of_their_order() {
        assert!(Step::ALL.into_iter().enumerate().all(|(place, step)| step as usize == place));
        let mut outcomes = Outcomes::default();
        outcomes.note(Step::Inspect, 7);
        outcomes.note(Step::Make, 9);
        assert_eq!((outcomes.at(Step::Inspect), outcomes.at(Step::Reset)), (Some(7), None));
        outcomes.forget_from(Step::Begin);
        assert!(outcomes.steps().eq([Step::Inspect]));
    }
}
