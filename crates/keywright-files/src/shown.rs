//! Text that is safe to show: what keys, websites and IdPs send does not steer a terminal and does not look like other text.
//!
//! The one place that knows which characters cannot be shown. It refuses to guess what a text was meant to say: such a character
//! becomes U+FFFD, so that one sees that something was there.

use std::borrow::Cow;

/// Whether a character shows nothing of itself, or changes what is shown around it: Unicode's control (Cc), format (Cf, which has
/// the marks of writing direction) and separator characters (Zl, Zp), and what is Default_Ignorable_Code_Point (Unicode 16).
pub fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
            | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a hidden character is part of how names are written: joiners of some scripts, and variants of a sign.
pub fn is_part_of_names(char: char) -> bool {
    matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// The text on one line. Line ends and tabs become blanks.
pub fn one_line(text: &str) -> Cow<'_, str> {
    filtered(text, |char| if matches!(char, '\n' | '\r' | '\t') { ' ' } else { char::REPLACEMENT_CHARACTER })
}

/// The text with its own line ends and tabs.
pub fn lines(text: &str) -> Cow<'_, str> {
    filtered(text, |char| if matches!(char, '\n' | '\t') { char } else { char::REPLACEMENT_CHARACTER })
}

/// Most text is, and there may be a million lines of it.
fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn filtered(text: &str, instead: fn(char) -> char) -> Cow<'_, str> {
    let stays = |char: char| !is_hidden(char) || instead(char) == char;
    if is_printable_ascii(text) || text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|char| if is_hidden(char) { instead(char) } else { char }).collect())
}

/// JSON that says the same without a hidden character in it: these become escapes, which only strings can hold.
pub fn json(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text) || !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hidden(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A title of the window, a colour, a line of its own, text from right to left, and what nobody sees.
    const EVIL: &str = "a\u{1b}]0;x\u{7}\u{1b}[31mb\r\nc\u{202e}d\u{9b}2Je\u{200b}\u{2066}\u{e0041}\u{ad}\u{61c}f";

    #[test]
    fn nothing_hidden_is_left() {
        assert_eq!(one_line(EVIL), "a�]0;x��[31mb  c�d�2Je�����f");
        assert_eq!(lines("a\tb\nc\u{1b}[2J\u{2028}"), "a\tb\nc�[2J�");
        for plain in ["Ada Lovelace", "Żółw 🔑 名前 مفتاح", ""] {
            assert!(matches!(one_line(plain), Cow::Borrowed(text) if text == plain));
        }
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({ "name": EVIL, "more": ["\u{e0041}"] });
        let text = value.to_string();
        let shown = json(&text);
        assert!(!shown.contains(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
