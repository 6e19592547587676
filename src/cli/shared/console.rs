//! Words on stderr, and questions on the terminal.
//!
//! It refuses to ask where nobody can answer: both stdin and stderr have to be a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex};

use crate::cli::shared::CliError;
use crate::cli::shared::fit::{Size, wrapped};
use crate::cli::shared::live::Live;
use keywright_files::shown;

/// What the environment says about colours and progress lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    /// Colours on stderr.
    pub(crate) colour: bool,
    /// Lines that change in place.
    pub(crate) live: bool,
    /// Questions can be asked.
    pub(crate) asks: bool,
}

impl Looks {
    /// `sequences`: whether the terminal carries out escape sequences, which colours and lines that change need. `variable` reads an environment variable. NO_COLOR and
    /// CLICOLOR_FORCE count if they are not empty (no-color.org, bixense.com/clicolors).
    fn decide(stdin: bool, stderr: bool, sequences: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").as_deref() == Some("dumb");
        let forced = variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        let live = stderr && sequences && !dumb;
        Self { colour: !set("NO_COLOR") && (forced || live), live, asks: stdin && stderr }
    }
}

/// How a word on stderr looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Something went wrong.
    Bad,
    /// Something went well.
    Good,
    /// A person has to do something now.
    Now,
    /// Less important.
    Dim,
}

impl Style {
    /// A text in this style, for a terminal with colours.
    pub(crate) fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Bad => "1;31",
            Self::Good => "32",
            Self::Now => "1;33",
            Self::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Stderr and the terminal. Clones share progress lines and questions.
#[derive(Clone)]
pub(crate) struct Console {
    looks: Looks,
    /// The lines that change in place, which everything else goes above of.
    live: Live,
    /// One question at a time.
    asking: Arc<Mutex<()>>,
}

impl Console {
    /// As stdin, stderr and the environment are.
    pub(crate) fn new() -> Self {
        let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        // A console of Windows has to be asked, and old ones cannot; elsewhere there is nothing to ask.
        let sequences = anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
        Self::with(Looks::decide(std::io::stdin().is_terminal(), std::io::stderr().is_terminal(), sequences, variable))
    }

    /// With looks.
    pub(crate) fn with(looks: Looks) -> Self {
        Self { looks, live: Live::new(looks.live, looks.colour), asking: Arc::default() }
    }

    /// What can be done here.
    pub(crate) fn looks(&self) -> Looks {
        self.looks
    }

    /// The lines that change in place.
    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Rings the terminal's bell, if there is one.
    pub(crate) fn bell(&self) {
        if self.looks.live {
            self.live.above(|| drop(std::io::stderr().write_all(b"\x07")));
        }
    }

    /// A word in a style, if there are colours.
    pub(crate) fn paint(&self, style: Style, word: &str) -> String {
        if self.looks.colour { style.paint(word) } else { word.to_owned() }
    }

    /// Prints text on stderr, a line or several. What keys, websites and IdPs have put into it is made safe to show.
    pub(crate) fn say(&self, text: &str) {
        self.write(&shown::lines(text));
    }

    /// Prints a line that begins with a word in a style.
    pub(crate) fn mark(&self, style: Style, word: &str, rest: &str) {
        self.write(&format!("{} {}", self.paint(style, word), shown::one_line(rest)));
    }

    /// Prints `SUBJECT  WORD REST`, the word in a style.
    pub(crate) fn result(&self, subject: &str, style: Style, word: &str, rest: &str) {
        let (subject, rest) = (shown::one_line(subject), shown::one_line(rest));
        self.write(format!("{subject}  {} {rest}", self.paint(style, word)).trim_end());
    }

    /// An error here has nowhere to go.
    fn write(&self, text: &str) {
        let text = self.fitted(text);
        self.live.above(|| {
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }

    /// The text as the terminal has room for it; a pipe takes lines of any length.
    fn fitted(&self, text: &str) -> String {
        if self.looks.live { wrapped(text, Size::of_stderr().columns) } else { text.to_owned() }
    }

    /// Prints `warning: ...`.
    pub(crate) fn warn(&self, text: &str) {
        self.mark(Style::Now, "warning:", text);
    }

    /// Prints `hint: ...`.
    pub(crate) fn hint(&self, text: &str) {
        self.mark(Style::Dim, "hint:", text);
    }

    /// Prints `error: ...`, its details and its hint.
    pub(crate) fn error(&self, error: &CliError) {
        self.mark(Style::Bad, "error:", &error.to_string());
        for detail in error.details() {
            self.say(&format!("  {}", shown::one_line(&detail)));
        }
        self.hint(&error.hint());
    }

    /// Asks whether to go on. `yes` answers beforehand.
    pub(crate) fn confirm(&self, question: &str, yes: bool) -> Result<(), CliError> {
        if yes {
            return Ok(());
        }
        match self.ask(&format!("{question} [y/N] "))? {
            answer if ["y", "yes"].contains(&answer.to_lowercase().as_str()) => Ok(()),
            _ => Err(CliError::NotConfirmed),
        }
    }

    /// Asks, and returns the line that was typed, without blanks around it.
    pub(crate) fn ask(&self, question: &str) -> Result<String, CliError> {
        if !self.looks.asks {
            let question = question.trim_end_matches(" [y/N] ").trim_end_matches('.').to_owned();
            return Err(CliError::NobodyToAsk { question });
        }
        // A thread that panicked while asking leaves nothing half-done behind.
        let _asking = self.asking.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let question = self.fitted(&shown::lines(question));
        self.live.above(|| {
            let failed = |error: std::io::Error| CliError::File { path: "the terminal".into(), why: error.to_string() };
            let mut stderr = std::io::stderr();
            write!(stderr, "{question}").and_then(|()| stderr.flush()).map_err(failed)?;
            let mut answer = String::new();
            match std::io::stdin().read_line(&mut answer).map_err(failed)? {
                // Ctrl-D: no answer will ever come.
                0 => Err(CliError::NotConfirmed),
                _ => Ok(answer.trim().to_owned()),
            }
        })
    }
}

impl Console {
    /// Shows a text until Enter is pressed, on the terminal's alternate screen: nothing of it stays in the scrollback.
    pub(crate) fn show_once(&self, text: &str, then: &str) -> Result<(), CliError> {
        let (enter, leave) = if self.looks.live { ("\u{1b}[?1049h\u{1b}[H", "\u{1b}[?1049l") } else { ("", "") };
        let steer = |sequence: &str| {
            let mut stderr = std::io::stderr();
            // Without it the text is shown where the cursor is.
            let _ = write!(stderr, "{sequence}").and_then(|()| stderr.flush());
        };
        if self.looks.asks {
            steer(enter);
        }
        let answer = self.ask(&format!("{text}\n{then}"));
        if self.looks.asks {
            steer(leave);
        }
        // The question holds the text, which must not get into an error.
        answer.map(drop).map_err(|error| match error {
            CliError::NobodyToAsk { .. } => CliError::NobodyToAsk { question: "show a PIN?".into() },
            other => other,
        })
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(terminal: bool, environment: &[(&str, &str)]) -> Looks {
        Looks::decide(terminal, terminal, true, |name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_decides_about_colours() {
        for (terminal, environment, colour, live) in [
            (true, &[][..], true, true),
            (false, &[], false, false),
            (true, &[("NO_COLOR", "1")], false, true),
            (true, &[("NO_COLOR", "")], true, true),
            (true, &[("TERM", "dumb")], false, false),
            (false, &[("CLICOLOR_FORCE", "1")], true, false),
            (false, &[("CLICOLOR_FORCE", "0")], false, false),
            (true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false, true),
        ] {
            let found = looks(terminal, environment);
            assert_eq!((found.colour, found.live), (colour, live), "{terminal} {environment:?}");
        }
    }

    #[test]
    fn a_console_that_takes_no_sequences_gets_none() {
        let old = Looks::decide(true, true, false, |_| None);
        assert_eq!(old, Looks { colour: false, live: false, asks: true });
    }

    #[test]
    fn nobody_is_asked_without_a_terminal() {
        let console = Console::with(looks(false, &[]));
        assert!(console.confirm("reset this key?", true).is_ok());
        let error = console.confirm("reset this key?", false).unwrap_err();
        assert_eq!(error.to_string(), "there is no terminal to ask on: reset this key?");
    }
}
