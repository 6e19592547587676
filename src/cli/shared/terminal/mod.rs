//! The person at the machine, on a terminal: a line per key that is worked on, with its person and its step (`board`).
//!
//! Without a terminal it says a line when a key waits for a touch and one for each key that is finished; questions are then answered
//! by `--yes` or with no.

mod board;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::cli::shared::console::{Console, Style};
use crate::cli::shared::fit::width;
use crate::cli::shared::live::Showing;
use crate::cli::shared::output::count;
use crate::ledger::{Failure, FailureCode, Step};
use crate::provision::{JobLabel, Operator};
use crate::secret::{Delivery, PassNote, SecretError};
use board::Board;
use keywright_fido::ctap::Pin;

/// The operator on a terminal.
pub(crate) struct Terminal<'a> {
    console: &'a Console,
    yes: bool,
    letters_came_out: bool,
    bell: bool,
    board: Arc<Mutex<Board>>,
    /// Once something is to be seen.
    showing: Mutex<Option<Showing>>,
}

impl<'a> Terminal<'a> {
    /// Before a run. `yes` answers questions beforehand.
    pub(crate) fn new(console: &'a Console, yes: bool) -> Self {
        let board = Arc::new(Mutex::new(Board::new()));
        Self { console, yes, letters_came_out: false, bell: false, board, showing: Mutex::default() }
    }

    /// Whether somebody said beforehand that letters come out of the printer.
    pub(crate) fn with_letters(self, came_out: bool) -> Self {
        Self { letters_came_out: came_out, ..self }
    }

    /// Whether the terminal's bell rings when a key wants to be touched.
    pub(crate) fn with_bell(self, bell: bool) -> Self {
        Self { bell, ..self }
    }

    /// The run begins, and is to make so many keys for these people: from here on a line counts them.
    pub(crate) fn expect<'n>(&self, keys: usize, names: impl Iterator<Item = &'n str>) {
        self.show(|board| board.expect(keys, names));
    }

    /// Takes the lines away.
    pub(crate) fn clear(&self) {
        let showing = self.showing.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(showing);
        *self.board() = Board::new();
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }

    fn show(&self, change: impl FnOnce(&mut Board)) {
        change(&mut self.board());
        let mut showing = self.showing.lock().unwrap_or_else(PoisonError::into_inner);
        match &*showing {
            Some(showing) => showing.changed(),
            None => {
                let board = Arc::clone(&self.board);
                *showing = Some(self.console.live().show(move |size| lock(&board).lines(size)));
            }
        }
    }

    /// Whose key it is and where: on a terminal in the columns of the lines below, elsewhere with the account.
    fn title(&self, who: &JobLabel) -> String {
        let live = self.console.looks().live;
        let word = if live { "in" } else { "port" };
        let port = if who.port.is_empty() { String::new() } else { format!("  {word} {}", who.port) };
        let name = match (live, who.person == who.account) {
            (true, _) => {
                let gap = self.board().names().saturating_sub(width(&who.person));
                format!("{}{}", who.person, " ".repeat(gap))
            }
            (false, true) => who.account.clone(),
            (false, false) => format!("{} ({})", who.person, who.account),
        };
        format!("{name}  {}{port}", who.which())
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    // What it shows is whole at any moment, so a thread that panicked spoilt nothing.
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

fn whose(who: &JobLabel) -> String {
    let account = if who.person == who.account { String::new() } else { format!(" ({})", who.account) };
    format!("{}{account}, {}", who.person, who.which())
}

impl Operator for Terminal<'_> {
    fn step(&self, who: &JobLabel, step: Step) {
        self.show(|board| board.step(who, step));
    }

    fn waits(&self, who: &JobLabel, other: &JobLabel) {
        self.show(|board| board.waits(who, other));
    }

    fn touch(&self, who: &JobLabel, needed: bool) {
        self.show(|board| board.touch(who, needed));
        if needed && self.bell {
            self.console.bell();
        }
        if needed && !self.console.looks().live {
            self.console.mark(Style::Now, "touch now:", &self.title(who));
        }
    }

    fn ended(&self, who: &JobLabel, failure: Option<&Failure>) {
        if let Some(failure) = failure
            && self.board().is_inspected(who)
        {
            self.show(|board| board.leave(who));
            // It is about a key, and not about the person who would have got it.
            let key = format!("the key in {}", who.port);
            return self.console.result(&key, Style::Bad, "cannot be used:", &failure.message);
        }
        let (style, word, why) = match failure {
            None => (Style::Good, "done", ""),
            // Nothing is wrong; the run asks at its end.
            Some(failure) if failure.code == FailureCode::PinUnconfirmed => (Style::Good, "letter printed", ""),
            Some(failure) => (Style::Bad, "failed:", failure.message.as_str()),
        };
        self.show(|board| board.end(who, style == Style::Good));
        self.console.result(&self.title(who), style, word, why);
    }

    fn insert_keys(&self, new: &[JobLabel], begun: &[JobLabel]) {
        let others = |all: &[JobLabel]| match all.len() - 1 {
            0 => String::new(),
            others => format!("; then {}", count(others, "more key", "more keys")),
        };
        if let Some(next) = begun.first() {
            let (whose, others) = (whose(next), others(begun));
            let what = format!("plug in again the key that was in port {}: {whose}{others}", next.port);
            self.console.mark(Style::Now, "now:", &what);
        }
        if let Some(next) = new.first() {
            self.console.mark(Style::Now, "now:", &format!("plug in a key for {}{}", whose(next), others(new)));
        }
        if cfg!(windows) {
            self.console.hint("Windows shows keys only in a terminal that was started with 'Run as administrator'");
        }
    }

    fn single_out(&self, who: &JobLabel) {
        let what = format!("touch the key that blinks, and label it: {} (port {})", whose(who), who.port);
        self.console.mark(Style::Now, "now:", &what);
    }

    fn replug(&self, who: &JobLabel) {
        let what = format!("pull out the key in port {} and plug it in again: {}", who.port, whose(who));
        self.console.mark(Style::Now, "now:", &what);
    }

    fn may_reset(&self, who: &JobLabel, why: &str) -> bool {
        let question = format!("{why}; erase everything on the key in port {} for {}?", who.port, who.account);
        self.console.confirm(&question, self.yes).is_ok()
    }

    fn is_another(&self, who: &JobLabel, like: &str) -> bool {
        let port = &who.port;
        let question = format!("the key in port {port} has the USB serial number of {like}; is it another key?");
        self.console.confirm(&question, self.yes).is_ok()
    }

    fn can_show_pin(&self) -> bool {
        self.console.looks().asks
    }

    fn show_pin(&self, delivery: &Delivery, pin: &Pin) -> Result<(), SecretError> {
        let then = match (delivery.register_first.is_empty(), delivery.force_change) {
            (true, true) => "; a new one has to be chosen first",
            (false, true) => "; a new one has to be chosen once the key is registered and confirmed",
            (_, false) => "",
        };
        let text = format!(
            "PIN of key {} for {} ({}){then}:\n\n    {}\n",
            delivery.ordinal,
            delivery.person,
            delivery.label,
            pin.expose()
        );
        self.console.show_once(&text, "press Enter when it is taken down ").map_err(|error| SecretError::Printer {
            program: "the terminal".into(),
            why: format!("shows nothing: {error}"),
            said: None,
        })
    }

    fn show_pass(&self, note: &PassNote, pass: &SecretString) -> Result<(), SecretError> {
        let text = Zeroizing::new(format!("{}\n", *note.text(pass)));
        self.console.show_once(&text, "press Enter when it is taken down ").map_err(|error| SecretError::Printer {
            program: "the terminal".into(),
            why: format!("shows nothing: {error}"),
            said: None,
        })
    }

    fn letters_came_out(&self, letters: usize) -> bool {
        let letters = count(letters, "letter", "letters");
        let question = format!("did {letters} with PINs come out of the printer? The sealed copies are destroyed then");
        self.letters_came_out || self.console.looks().asks && self.console.confirm(&question, false).is_ok()
    }

    fn tell(&self, message: &str) {
        self.console.say(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::shared::console::Looks;
    use crate::ledger::JobId;

    const NOWHERE: Looks = Looks { colour: false, live: false, asks: false };

    fn who(job: u64) -> JobLabel {
        JobLabel {
            job: JobId(job),
            account: "ada@example.org".into(),
            person: "Ada".into(),
            ordinal: 1,
            of: 2,
            port: "1-2".into(),
        }
    }

    #[test]
    fn a_key_that_has_no_port_yet_is_named_without_one() {
        let console = Console::with(NOWHERE);
        let terminal = Terminal::new(&console, false);
        assert_eq!(terminal.title(&who(1)), "Ada (ada@example.org)  key 1 of 2  port 1-2");
        let nameless = JobLabel { port: String::new(), person: "ada@example.org".into(), ..who(1) };
        assert_eq!(terminal.title(&nameless), "ada@example.org  key 1 of 2");
    }

    #[test]
    fn nobody_there_says_no() {
        let console = Console::with(NOWHERE);
        let delivery = Delivery {
            account: "ada@example.org".into(),
            person: "Ada".into(),
            ordinal: 1,
            label: "l".into(),
            force_change: true,
            register_first: Vec::new(),
            checkpoint: None,
        };
        let careful = Terminal::new(&console, false);
        assert!(!careful.may_reset(&who(1), "it has a PIN"));
        assert!(careful.show_pin(&delivery, &Pin::new("137913").unwrap()).is_err());
        assert!(Terminal::new(&console, true).may_reset(&who(1), "it has a PIN"));
        let failure =
            Failure { code: FailureCode::KeyRemoved, message: "the key was removed".into(), ctap_status: None };
        careful.step(&who(1), Step::Make);
        careful.ended(&who(1), Some(&failure));
        assert_eq!(careful.board().names(), 0, "its line is gone");
    }
}
