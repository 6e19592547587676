//! A plan in numbers: the end of a dry run, and what a person agrees to before the first write.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::cli::shared::output::count;
use crate::profile::HandOver;
use crate::provision::{DryRun, Plan, Resets};

/// How much a run would do.
#[derive(Serialize)]
pub(crate) struct PlanSummary {
    /// Keys to be made or finished.
    pub(crate) keys: usize,
    /// People who get them.
    pub(crate) people: usize,
    /// PINs by the way in which they would be handed over.
    hand_over: BTreeMap<&'static str, usize>,
    /// Keys that are plugged in and would be reset, or the most that can be.
    #[serde(serialize_with = "most")]
    resets: Resets,
    /// Keys that are in stock by the ledger.
    pub(crate) keys_in_stock: usize,
    /// Keys that are plugged in.
    keys_plugged_in: usize,
    /// Among them, those that nobody has.
    pub(crate) keys_free: usize,
}

impl PlanSummary {
    /// Counts.
    pub(crate) fn count(plan: &Plan, dry_run: &DryRun) -> Self {
        let with_keys = || plan.people.iter().filter(|planned| planned.has_keys_to_come());
        let mut hand_over = BTreeMap::new();
        for planned in with_keys() {
            let way = match planned.profile.hand_over {
                HandOver::Age => "age",
                HandOver::Letter => "letter",
                HandOver::Terminal => "terminal",
            };
            *hand_over.entry(way).or_default() += planned.ordinals.len() + planned.unfinished.len();
        }
        Self {
            keys: plan.keys(),
            people: with_keys().count(),
            hand_over,
            resets: dry_run.resets(plan),
            keys_in_stock: dry_run.in_stock,
            keys_plugged_in: dry_run.keys.len(),
            keys_free: dry_run.free(),
        }
    }

    /// `PINs: 14 letters, 10 age files`; `None` if no PIN is to be handed over.
    pub(crate) fn hand_over_words(&self) -> Option<String> {
        let ways = self.hand_over.iter().map(|(way, number)| match *way {
            "age" => count(*number, "age file", "age files"),
            "letter" => count(*number, "letter", "letters"),
            _ => format!("{number} on this terminal"),
        });
        let ways: Vec<_> = ways.collect();
        (!ways.is_empty()).then(|| format!("PINs: {}", ways.join(", ")))
    }

    /// `3 keys will be reset`; `None` if none is.
    pub(crate) fn reset_words(&self) -> Option<String> {
        let (most, number) = match self.resets {
            Resets::Exactly(number) => ("", number),
            Resets::UpTo(number) => ("up to ", number),
        };
        (number > 0).then(|| format!("{most}{} will be reset", count(number, "key", "keys")))
    }

    /// `24 keys for 12 people at acme; PINs: 14 letters, 10 age files; 3 keys will be reset`.
    pub(crate) fn in_one_line(&self, idp: &str) -> String {
        let people = count(self.people, "person", "people");
        let mut parts = vec![format!("{} for {people} at {idp}", count(self.keys, "key", "keys"))];
        parts.extend(self.hand_over_words());
        parts.extend(self.reset_words());
        parts.join("; ")
    }
}

/// JSON has the number.
fn most<S: Serializer>(resets: &Resets, serializer: S) -> Result<S::Ok, S::Error> {
    let (Resets::Exactly(number) | Resets::UpTo(number)) = *resets;
    number.serialize(serializer)
}
