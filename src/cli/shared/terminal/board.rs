//! What a run looks like: a line for each key that is worked on, as many as fit, and below them how far all of it is.
//!
//! Pure: what is known goes in, lines for a terminal of some size come out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cli::shared::console::Style;
use crate::cli::shared::fit::{Size, cut, width};
use crate::cli::shared::live::LiveLine;
use crate::ledger::{JobId, Step};
use crate::provision::JobLabel;

/// The keys of a run.
pub(super) struct Board {
    keys: BTreeMap<JobId, Key>,
    /// How many keys the run is to make, and how wide the longest name is, once that is known.
    expected: Option<(usize, usize)>,
    done: usize,
    failed: usize,
    began: Instant,
}

/// A key that is worked on.
struct Key {
    who: JobLabel,
    doing: Doing,
}

/// What happens with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    /// Nothing that was told.
    Nothing,
    /// A step.
    Step(Step),
    /// It blinks, in this step if one was told.
    Touch(Option<Step>),
    /// It waits for this one.
    Waits(JobLabel),
}

impl Board {
    /// Before a run.
    pub(super) fn new() -> Self {
        Self { keys: BTreeMap::new(), expected: None, done: 0, failed: 0, began: Instant::now() }
    }

    /// The run is to make so many keys for these people.
    pub(super) fn expect<'n>(&mut self, keys: usize, names: impl Iterator<Item = &'n str>) {
        self.expected = Some((keys, names.map(width).max().unwrap_or(0)));
    }

    /// A key's step begins.
    pub(super) fn step(&mut self, who: &JobLabel, step: Step) {
        self.key(who).doing = Doing::Step(step);
    }

    /// A key waits for another one.
    pub(super) fn waits(&mut self, who: &JobLabel, other: &JobLabel) {
        self.key(who).doing = Doing::Waits(other.clone());
    }

    /// A key waits for its touch, or no longer does.
    pub(super) fn touch(&mut self, who: &JobLabel, needed: bool) {
        let key = self.key(who);
        let step = match key.doing {
            Doing::Step(step) | Doing::Touch(Some(step)) => Some(step),
            Doing::Nothing | Doing::Touch(None) | Doing::Waits(_) => None,
        };
        key.doing = if needed { Doing::Touch(step) } else { step.map_or(Doing::Nothing, Doing::Step) };
    }

    /// A key is done, or failed.
    pub(super) fn end(&mut self, who: &JobLabel, well: bool) {
        self.keys.remove(&who.job);
        *(if well { &mut self.done } else { &mut self.failed }) += 1;
    }

    /// Whether a key was only looked at so far: nothing was done to it for its person, and another one may do.
    pub(super) fn is_inspected(&self, who: &JobLabel) -> bool {
        self.keys.get(&who.job).is_some_and(|key| key.doing == Doing::Step(Step::Inspect))
    }

    /// A key is no longer worked on, and its person waits for another one.
    pub(super) fn leave(&mut self, who: &JobLabel) {
        self.keys.remove(&who.job);
    }

    fn key(&mut self, who: &JobLabel) -> &mut Key {
        let key = self.keys.entry(who.job).or_insert_with(|| Key { who: who.clone(), doing: Doing::Nothing });
        // A key that was pulled out may be in another port now.
        key.who = who.clone();
        key
    }

    /// How wide a column of names is.
    pub(super) fn names(&self) -> usize {
        let shown = self.keys.values().map(|key| width(&key.who.person)).max().unwrap_or(0);
        self.expected.map_or(shown, |(_, names)| names.max(shown))
    }

    /// The lines.
    pub(super) fn lines(&self, size: Size) -> Vec<LiveLine> {
        // The total, the line where the cursor stands, and what was said last.
        let room = size.rows.saturating_sub(3).max(1);
        let mut keys: Vec<&Key> = self.keys.values().collect();
        let hidden = if keys.len() > room {
            // Whom a person has to do something for; the order of the run among them.
            keys.sort_by_key(|key| (!key.doing.is_touch(), key.doing.is_wait(), key.who.job));
            keys.split_off(room - 1)
        } else {
            Vec::new()
        };
        let rows: Vec<[String; 4]> = keys.iter().map(|key| key.cells(size.columns)).collect();
        let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
        let (which, place) = (widest(1), widest(2));
        // The longest step has 25 letters; of a name one sees enough in 12.
        let names = self.names().min(size.columns.saturating_sub(which + place + 3 * 2 + 25).max(12));
        let mut lines: Vec<LiveLine> = rows
            .iter()
            .zip(&keys)
            .map(|([name, ordinal, port, doing], key)| {
                let name = cut(name, names);
                let cells = [(name.as_str(), names), (ordinal.as_str(), which), (port.as_str(), place)].into_iter();
                let cells = cells.filter(|(_, columns)| *columns > 0);
                let padded = cells.map(|(cell, columns)| format!("{cell}{}  ", " ".repeat(columns - width(cell))));
                let text = padded.collect::<String>() + doing;
                LiveLine { text, style: key.doing.is_touch().then_some(Style::Now) }
            })
            .collect();
        lines.extend(rest(&hidden));
        lines.extend(self.total(self.began.elapsed()));
        lines
    }

    fn total(&self, took: Duration) -> Option<LiveLine> {
        let (keys, _) = self.expected?;
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
        let text = format!("{} of {keys} keys{failed}  {minutes}:{seconds:02}", self.done);
        Some(LiveLine { text, style: None })
    }
}

impl Key {
    /// Person, which of the person's keys, port and what happens; in few letters where there is little room.
    fn cells(&self, columns: usize) -> [String; 4] {
        let JobLabel { person, ordinal, of, port, .. } = &self.who;
        let (which, place) = match columns < 60 {
            true => (format!("{ordinal}/{of}"), port.clone()),
            false if port.is_empty() => (format!("key {ordinal} of {of}"), String::new()),
            false => (format!("key {ordinal} of {of}"), format!("in {port}")),
        };
        [person.clone(), which, place, self.doing.in_words(&self.who)]
    }
}

/// One line for those that do not fit.
fn rest(hidden: &[&Key]) -> Option<LiveLine> {
    if hidden.is_empty() {
        return None;
    }
    let count = |is: fn(&Doing) -> bool| hidden.iter().filter(|key| is(&key.doing)).count();
    let of = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let (touch, waits) = (count(Doing::is_touch), count(Doing::is_wait));
    let parts = [
        of(touch, "waiting for touch"),
        of(hidden.len() - touch - waits, "at work"),
        of(waits, "waiting for another key"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let text = format!("and {} more: {}", hidden.len(), parts.join(", "));
    Some(LiveLine { text, style: (touch > 0).then_some(Style::Now) })
}

impl Doing {
    fn is_touch(&self) -> bool {
        matches!(self, Self::Touch(_))
    }

    fn is_wait(&self) -> bool {
        matches!(self, Self::Waits(_))
    }

    fn in_words(&self, who: &JobLabel) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Step(step) => in_words(*step).to_owned(),
            Self::Touch(_) => "TOUCH NOW".to_owned(),
            Self::Waits(other) if other.account == who.account => format!("waits for key {}", other.ordinal),
            Self::Waits(other) => format!("waits for {}, key {}", other.person, other.ordinal),
        }
    }
}

fn in_words(step: Step) -> &'static str {
    match step {
        Step::Inspect => "inspecting the key",
        Step::Reset => "resetting the key",
        Step::SealPin => "sealing a PIN",
        Step::SetPin => "setting the PIN",
        Step::Begin => "starting at the IdP",
        Step::Make => "creating the credential",
        Step::Verify => "checking the attestation",
        Step::Prove => "testing the sign-in",
        Step::Complete => "registering at the IdP",
        Step::SignIn => "signing in at the IdP",
        Step::Harden => "applying the key's policy",
        Step::HandOver => "handing the PIN over",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(job: u64) -> JobLabel {
        let person = ["Ada Lovelace", "Bo", "Chidi Anagonye-Featherstonehaugh"][job as usize / 2 % 3];
        JobLabel {
            job: JobId(job),
            account: format!("{person}@example.org"),
            person: person.to_owned(),
            ordinal: job as usize % 2 + 1,
            of: 2,
            port: format!("1-{job}"),
        }
    }

    fn texts(board: &Board, columns: usize, rows: usize) -> Vec<String> {
        board.lines(Size { columns, rows }).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn columns_are_straight_and_a_wait_says_for_what() {
        let mut board = Board::new();
        board.expect(6, ["Ada Lovelace", "Bo"].into_iter());
        board.step(&who(0), Step::Make);
        board.touch(&who(0), true);
        board.waits(&who(1), &who(0));
        board.step(&who(2), Step::Make);
        board.waits(&who(3), &who(0));
        board.end(&who(4), true);
        board.end(&who(5), false);
        assert_eq!(
            texts(&board, 80, 24),
            [
                "Ada Lovelace  key 1 of 2  in 1-0  TOUCH NOW",
                "Ada Lovelace  key 2 of 2  in 1-1  waits for key 1",
                "Bo            key 1 of 2  in 1-2  creating the credential",
                "Bo            key 2 of 2  in 1-3  waits for Ada Lovelace, key 1",
                "1 of 6 keys, 1 failed  0:00",
            ]
        );
        board.touch(&who(0), false);
        assert!(texts(&board, 80, 24)[0].ends_with("creating the credential"));
    }

    #[test]
    fn the_steps_are_seen_on_sixty_columns_beside_the_longest_names() {
        let mut board = Board::new();
        board.step(&JobLabel { port: "soft-24".into(), ..who(4) }, Step::Harden);
        let [line] = <[String; 1]>::try_from(texts(&board, 60, 24)).unwrap();
        assert_eq!(line, "Chidi Anago…  key 1 of 2  in soft-24  applying the key's policy");
        board.touch(&JobLabel { port: "soft-24".into(), ..who(4) }, true);
        assert_eq!(texts(&board, 40, 24), ["Chidi Anago…  1/2  soft-24  TOUCH NOW"]);
    }

    #[test]
    fn as_many_lines_as_fit_and_the_total_below_them() {
        let mut board = Board::new();
        board.expect(24, std::iter::empty());
        for job in 0..24 {
            match job % 3 {
                0 => board.step(&who(job), Step::Make),
                1 => board.waits(&who(job), &who(0)),
                _ => board.touch(&who(job), true),
            }
        }
        let lines = texts(&board, 80, 9);
        assert_eq!(lines.len(), 7);
        assert!(lines[..5].iter().all(|line| line.ends_with("TOUCH NOW")), "{lines:?}");
        assert_eq!(lines[5], "and 19 more: 3 waiting for touch, 8 at work, 8 waiting for another key");
        assert_eq!(lines[6], "0 of 24 keys  0:00");
        assert_eq!(texts(&board, 80, 4).len(), 2);
    }
}
