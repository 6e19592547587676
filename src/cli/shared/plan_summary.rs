//! A plan in numbers: the end of a dry run, and what a person agrees to before the first write.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::shared::output::count;
use crate::profile::HandOver;
use crate::provision::{DryRun, KeySeen, KeyState, Plan, Use};

/// How much a run would do.
#[derive(Serialize)]
pub(crate) struct PlanSummary {
    /// Keys to be made or finished.
    pub(crate) keys: usize,
    /// People who get them.
    pub(crate) people: usize,
    /// PINs by the way in which they would be handed over.
    hand_over: BTreeMap<&'static str, usize>,
    /// Keys that are plugged in and would be reset; at the most so many, where more are free than are needed: which of them are
    /// taken is for chance to say, or for the person who touches them.
    pub(crate) resets: usize,
    /// Keys that are in stock by the ledger.
    pub(crate) keys_in_stock: usize,
    /// Keys that are plugged in.
    keys_plugged_in: usize,
    /// Among them, those that nobody has.
    pub(crate) keys_free: usize,
    /// Whether every free key would be taken.
    #[serde(skip)]
    takes_all: bool,
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
        let matched = dry_run.matches.values().flatten().filter(|one| one.key.is_some()).count();
        let used = dry_run.keys.iter().filter(|key| key.state == KeyState::Used).count();
        let is_free = |key: &&KeySeen| matches!(key.state, KeyState::Fresh | KeyState::Used);
        let keys_free = dry_run.keys.iter().filter(is_free).count();
        let takes_all = matched >= keys_free;
        let after_reset = dry_run.matches.values().flatten().filter(|one| one.key == Some(Use::AfterReset)).count();
        Self {
            keys: plan.keys(),
            people: with_keys().count(),
            hand_over,
            resets: if takes_all { after_reset } else { after_reset.max(matched.min(used)) },
            keys_in_stock: dry_run.in_stock,
            keys_plugged_in: dry_run.keys.len(),
            keys_free,
            takes_all,
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
        let most = if self.takes_all { "" } else { "up to " };
        (self.resets > 0).then(|| format!("{most}{} will be reset", count(self.resets, "key", "keys")))
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
