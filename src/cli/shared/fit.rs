//! Text that fits a terminal: how wide it is, broken at its words, cut at an end.
//!
//! The one place that knows how many columns a text takes: letters of some scripts take two, marks and our own colours none. It
//! refuses to break a word: what is longer than the terminal stays whole, so that it can be copied.

use unicode_width::UnicodeWidthChar as _;

/// Columns and lines of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// How many letters a line has.
    pub(crate) columns: usize,
    /// How many lines there are.
    pub(crate) rows: usize,
}

impl Size {
    /// Of the terminal behind stderr, or as terminals were where it does not say.
    pub(crate) fn of_stderr() -> Self {
        Self::told(terminal_size::terminal_size_of(std::io::stderr()))
    }

    /// Of the terminal behind stdout.
    pub(crate) fn of_stdout() -> Self {
        Self::told(terminal_size::terminal_size_of(std::io::stdout()))
    }

    fn told(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Self {
        match size {
            Some((terminal_size::Width(columns), terminal_size::Height(rows))) if columns > 0 && rows > 0 => {
                Self { columns: columns.into(), rows: rows.into() }
            }
            _ => Self { columns: 80, rows: 24 },
        }
    }
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    let mut chars = text.chars();
    let mut width = 0;
    while let Some(char) = chars.next() {
        match char {
            // A colour of ours, up to its last letter: what others send has no escape any more.
            '\u{1b}' => while chars.next().is_some_and(|char| char != 'm') {},
            char => width += char.width().unwrap_or(0),
        }
    }
    width
}

/// The text, or as much of it as fits with "…" behind it.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    let fits = |char: &char| {
        let fits = char.width().unwrap_or(0) <= room;
        room = room.saturating_sub(char.width().unwrap_or(0));
        fits
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.truncate(short.trim_end().len());
    short + "…"
}

/// The text with each line that is too long broken between two words. What goes on stands two columns further in than its line.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrapped_line(line, columns)).collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, columns: usize) -> String {
    if line.len() <= columns || width(line) <= columns {
        return line.to_owned();
    }
    let blanks = line.len() - line.trim_start_matches(' ').len();
    // A terminal of a few columns has no room for both.
    let indent = " ".repeat(if blanks + 2 < columns / 2 { blanks + 2 } else { 0 });
    let mut broken = line[..blanks].to_owned();
    let mut at = blanks;
    let mut rest = &line[blanks..];
    while !rest.is_empty() {
        let word_end = rest.find(' ').unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let gap = after.len() - after.trim_start_matches(' ').len();
        broken.push_str(word);
        at += width(word);
        rest = &after[gap..];
        let next = width(rest.split(' ').next().unwrap_or_default());
        if rest.is_empty() {
            // Blanks at the end are there on purpose: an answer stands behind them.
            broken.push_str(&after[..gap]);
        } else if at + gap + next > columns && at > indent.len() {
            broken.push('\n');
            broken.push_str(&indent);
            at = indent.len();
        } else {
            broken.push_str(&after[..gap]);
            at += gap;
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_it_is_shown() {
        assert_eq!((width("zoë"), width("zoe\u{308}"), width("名前"), width("\u{1b}[1;33mnow\u{1b}[0m")), (3, 3, 4, 3));
        assert_eq!((cut("Ada Lovelace", 12).as_str(), cut("Ada Lovelace", 5).as_str()), ("Ada Lovelace", "Ada…"));
        assert_eq!(cut("山田太郎", 5), "山田…");
    }

    #[test]
    fn a_line_breaks_between_words() {
        let text = "error: the roster is wrong\n  row 2: the account has a blank that is not a space";
        assert_eq!(
            wrapped(text, 30),
            "error: the roster is wrong\n  row 2: the account has a\n    blank that is not a space"
        );
        assert_eq!(wrapped(text, 100), text);
        let painted = "\u{1b}[2mhint:\u{1b}[0m nothing was touched";
        assert_eq!(wrapped(painted, 25), painted);
        assert_eq!(wrapped("a question, and its answer [y/N] ", 20), "a question, and its\n  answer [y/N] ");
    }

    #[test]
    fn no_word_is_broken_and_none_is_lost_on_any_terminal() {
        let hash = "checkpoint 166:pEIwh0m+pYdFHbC59bVveglT2gBgD7up4zyG5x1plH8=, signed by  station 52a183e4940bbe06";
        for columns in 1..120 {
            let broken = wrapped(hash, columns);
            assert!(broken.split_whitespace().eq(hash.split_whitespace()), "{columns}: {broken}");
            for line in broken.lines() {
                assert!(width(line) <= columns || line.split_whitespace().count() == 1, "{columns}: {line}");
            }
        }
    }
}
