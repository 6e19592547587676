//! The person at the machine, on a terminal: a line per key with its person, its step and "touch now".
//!
//! Without a terminal it says a line when a key waits for a touch and one for each key that is finished; questions are then answered
//! by `--yes` or with no.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::cli::shared::console::{Console, Style};
use crate::cli::shared::output::count;
use crate::ledger::{Failure, FailureCode, JobId, Step};
use crate::provision::{JobLabel, Operator};
use crate::secret::{Delivery, PassNote, SecretError};
use keywright_fido::ctap::Pin;
use keywright_files::shown;

/// The operator on a terminal.
pub(crate) struct Terminal<'a> {
    console: &'a Console,
    yes: bool,
    letters_came_out: bool,
    /// Once a run has begun.
    total: OnceLock<ProgressBar>,
    lines: Mutex<BTreeMap<JobId, Line>>,
}

/// A key's line.
struct Line {
    bar: ProgressBar,
    step: Option<Step>,
    touch: bool,
}

impl<'a> Terminal<'a> {
    /// Before a run. `yes` answers questions beforehand.
    pub(crate) fn new(console: &'a Console, yes: bool) -> Self {
        Self { console, yes, letters_came_out: false, total: OnceLock::new(), lines: Mutex::default() }
    }

    /// Whether somebody said beforehand that letters come out of the printer.
    pub(crate) fn with_letters(self, came_out: bool) -> Self {
        Self { letters_came_out: came_out, ..self }
    }

    /// The run begins, and is to make so many keys: from here on a line counts them.
    pub(crate) fn expect(&self, keys: usize) {
        self.total.get_or_init(|| {
            let total = ProgressBar::new(keys as u64).with_style(style("{pos} of {len} keys  {elapsed}"));
            let total = self.console.progress().add(total);
            if self.console.looks().live {
                total.enable_steady_tick(Duration::from_millis(500));
            }
            total
        });
    }

    /// Takes the lines away.
    pub(crate) fn clear(&self) {
        for (_, line) in std::mem::take(&mut *self.lines()) {
            line.bar.finish_and_clear();
        }
        if let Some(total) = self.total.get() {
            total.finish_and_clear();
        }
    }

    fn lines(&self) -> MutexGuard<'_, BTreeMap<JobId, Line>> {
        // What a line shows is whole at any moment, so a thread that panicked spoilt nothing.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, who: &JobLabel, change: impl FnOnce(&mut Line)) {
        let mut lines = self.lines();
        let line = lines.entry(who.job).or_insert_with(|| {
            let bar = ProgressBar::new_spinner().with_style(style("{msg}"));
            let lines = self.console.progress();
            let bar = match self.total.get() {
                Some(total) => lines.insert_before(total, bar),
                None => lines.add(bar),
            };
            Line { bar, step: None, touch: false }
        });
        change(line);
        let step = line.step.map_or("", in_words);
        let touch = if line.touch { self.console.paint(Style::Now, "touch now") } else { String::new() };
        let title = title(who);
        line.bar.set_message(format!("{}  {step} {touch}", shown::one_line(&title)).trim_end().to_owned());
        line.bar.tick();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates here are valid")
}

fn title(who: &JobLabel) -> String {
    let port = if who.port.is_empty() { String::new() } else { format!("  port {}", who.port) };
    format!("{}  key {} of {}{port}", who.account, who.ordinal, who.of)
}

fn whose(who: &JobLabel) -> String {
    let person = if who.person == who.account { String::new() } else { format!("{}, ", who.person) };
    format!("{person}{}, key {} of {}", who.account, who.ordinal, who.of)
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

impl Operator for Terminal<'_> {
    fn step(&self, who: &JobLabel, step: Step) {
        self.show(who, |line| {
            line.step = Some(step);
            line.touch = false;
        });
    }

    fn touch(&self, who: &JobLabel, needed: bool) {
        self.show(who, |line| line.touch = needed);
        if needed && !self.console.looks().live {
            self.console.mark(Style::Now, "touch now:", &title(who));
        }
    }

    fn ended(&self, who: &JobLabel, failure: Option<&Failure>) {
        if let Some(line) = self.lines().remove(&who.job) {
            line.bar.finish_and_clear();
        }
        match failure {
            None => {
                if let Some(total) = self.total.get() {
                    total.inc(1);
                }
                self.console.result(&title(who), Style::Good, "done", "");
            }
            // Nothing is wrong; the run asks at its end.
            Some(failure) if failure.code == FailureCode::PinUnconfirmed => {
                if let Some(total) = self.total.get() {
                    total.inc(1);
                }
                self.console.result(&title(who), Style::Good, "letter printed", "");
            }
            Some(failure) => self.console.result(&title(who), Style::Bad, "failed:", &failure.message),
        }
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
    }

    fn single_out(&self, who: &JobLabel) {
        let what = format!("touch the key that blinks, and label it: {} (port {})", whose(who), who.port);
        self.console.mark(Style::Now, "now:", &what);
    }

    fn replug(&self, who: &JobLabel) {
        let JobLabel { port, account, ordinal, .. } = who;
        let what = format!("pull out the key in port {port} and plug it in again (for {account}, key {ordinal})");
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
    use std::io;
    use std::sync::Arc;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;
    use crate::cli::shared::console::Looks;

    /// Keeps what is drawn.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            200
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

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
    fn a_key_has_a_line_with_its_step_and_touch() {
        let paper = Paper::default();
        // Drawn at most 255 times a second: the pause below is longer than a frame, so that none is left out.
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), u8::MAX);
        let console = Console::with(Looks { colour: false, live: false, asks: false }, target);
        let terminal = Terminal::new(&console, false);
        terminal.step(&who(1), Step::Make);
        std::thread::sleep(Duration::from_millis(20));
        terminal.touch(&who(1), true);
        let drawn = paper.0.lock().unwrap().clone();
        assert!(drawn.contains("ada@example.org  key 1 of 2  port 1-2  creating the credential"), "{drawn}");
        assert!(drawn.contains("creating the credential touch now"), "{drawn}");
    }

    #[test]
    fn a_key_that_has_no_port_yet_is_named_without_one() {
        assert_eq!(title(&who(1)), "ada@example.org  key 1 of 2  port 1-2");
        assert_eq!(title(&JobLabel { port: String::new(), ..who(1) }), "ada@example.org  key 1 of 2");
    }

    #[test]
    fn nobody_there_says_no() {
        let looks = Looks { colour: false, live: false, asks: false };
        let console = Console::with(looks, ProgressDrawTarget::hidden());
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
        careful.ended(&who(1), Some(&failure));
        assert!(careful.lines().is_empty());
    }
}
