//! Results on stdout: words for people, or one JSON object a line.
//!
//! A closed pipe is no error: the reader has stopped, and the work goes on.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::audit::JSON_SCHEMA;
use crate::cli::shared::CliError;
use crate::cli::shared::fit::{Size, width, wrapped};
use keywright_files::shown;

/// A thing as JSON shows it: `snake_case` members, `kebab-case` values. `docs/keywright-2.schema.json` describes each kind.
pub(crate) trait View: Serialize {
    /// What it is, in the schema's words.
    const KIND: &'static str;
}

/// Stdout.
#[derive(Debug, Default)]
pub(crate) struct Output {
    json: bool,
    closed: AtomicBool,
}

/// A view with the schema's name and its kind before its own members.
#[derive(Serialize)]
struct Line<'a, T: View> {
    schema: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    object: &'a T,
}

impl Output {
    /// JSON, or words.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, closed: AtomicBool::new(false) }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: the object as one line of JSON, or the words. No words, no line.
    pub(crate) fn result<T: View>(&self, object: &T, words: impl FnOnce() -> String) -> Result<(), CliError> {
        if self.json { self.object(object) } else { self.text(&words()) }
    }

    /// Prints an object as one line of JSON.
    pub(crate) fn object<T: View>(&self, object: &T) -> Result<(), CliError> {
        self.bytes(format!("{}\n", Self::line(object)?).as_bytes())
    }

    /// Prints lines of text; an end of line is added if there is none. What keys, websites and IdPs have put into them is made
    /// safe to show.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        if text.is_empty() {
            return Ok(());
        }
        self.painted(&shown::lines(text))
    }

    /// Prints lines of text as they are, which may have colours in them: the caller has seen to it that they are safe to show.
    pub(crate) fn painted(&self, text: &str) -> Result<(), CliError> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        // A pipe takes lines of any length.
        match std::io::stdout().is_terminal() {
            true => self.bytes(format!("{}\n", wrapped(text, Size::of_stdout().columns)).as_bytes()),
            false => self.bytes(format!("{text}\n").as_bytes()),
        }
    }

    /// Whether the reader has closed the pipe. Long work without another purpose can end then.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// An object as one line of JSON, to be printed later; without the end of the line.
    pub(crate) fn line<T: View>(object: &T) -> Result<String, CliError> {
        let json = serde_json::to_string(&Line { schema: JSON_SCHEMA, kind: T::KIND, object })
            .map_err(|error| CliError::File { path: "stdout".into(), why: error.to_string() })?;
        // A terminal may be what reads it.
        Ok(shown::json(&json).into_owned())
    }

    /// Prints bytes as they are: the caller has seen to it that they are safe to show.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(CliError::File { path: "stdout".into(), why: error.to_string() }),
        }
    }
}

/// Columns as wide as their widest cell, two spaces between them, none at the end of a line. The first row is the heading. A cell
/// that keys or IdPs filled makes no line of its own.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<[_; N]> = rows.iter().map(|row| row.each_ref().map(|cell| shown::one_line(cell))).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, column) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', column - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `1 key`, `2 keys`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_straight_columns_and_no_blanks_at_the_end() {
        let rows = [
            ["ACCOUNT".to_owned(), "STATE".to_owned()],
            ["zoë".to_owned(), "done".to_owned()],
            ["bo".to_owned(), String::new()],
        ];
        assert_eq!(table(&rows), "ACCOUNT  STATE\nzoë      done\nbo\n");
        assert_eq!(table::<2>(&[]), "");
    }

    #[test]
    fn an_object_says_first_what_it_is() {
        #[derive(Serialize)]
        struct Key {
            path: &'static str,
        }
        impl View for Key {
            const KIND: &'static str = "key";
        }
        let line = Output::line(&Key { path: "soft:1" }).unwrap();
        assert_eq!(line, r#"{"schema":"keywright/2","kind":"key","path":"soft:1"}"#);
    }

    #[test]
    fn one_key_is_not_one_keys() {
        assert_eq!(count(1, "key", "keys"), "1 key");
        assert_eq!(count(0, "key", "keys"), "0 keys");
    }
}
