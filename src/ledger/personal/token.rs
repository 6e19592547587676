//! What stands in the log for a text about a person.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;

/// How it begins; then the person's number, a colon, and the code in 64 hexadecimal digits.
const START: &str = "personal:";

/// Digits of the code that an erased text shows: enough that no two texts of one ledger ever read alike.
const SHOWN_DIGITS: usize = 16;

/// A text's person and its message authentication code. Written as `personal:17:9f86...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The person's number in this ledger.
    pub person: u64,
    /// HMAC-SHA-256 of the text in UTF-8 under the person's salt.
    pub(in crate::ledger) code: [u8; 32],
}

impl Token {
    /// The token of a text.
    pub(in crate::ledger) fn of(person: u64, salt: &hmac::Key, text: &str) -> Self {
        let tag = hmac::sign(salt, text.as_bytes());
        let code = tag.as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes");
        Self { person, code }
    }

    /// What stands for the text once it was erased.
    pub fn erased(&self) -> String {
        let mut shown = HEXLOWER.encode(&self.code);
        shown.truncate(SHOWN_DIGITS);
        format!("erased-{shown}")
    }

    /// Whether a text is what an erased one reads.
    pub fn is_erased(text: &str) -> bool {
        let shown = text.strip_prefix("erased-");
        shown.is_some_and(|shown| shown.len() == SHOWN_DIGITS && shown.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// Every token that is a whole string of this JSON text.
    pub(in crate::ledger) fn all_in(json: &str) -> impl Iterator<Item = Self> {
        let mut rest = json;
        std::iter::from_fn(move || {
            loop {
                let start = rest.find("\"personal:")? + 1;
                let end = start + rest[start..].find('"')?;
                let token = rest[start..end].parse();
                // The closing quotation mark may be an opening one, where this was no token.
                rest = &rest[end..];
                if let Ok(token) = token {
                    return Some(token);
                }
            }
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{START}{}:{}", self.person, HEXLOWER.encode(&self.code))
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (person, code) = text.strip_prefix(START).and_then(|rest| rest.split_once(':')).ok_or(())?;
        let mut bytes = [0; 32];
        if code.len() != 64 || HEXLOWER.decode_mut(code.as_bytes(), &mut bytes).is_err() {
            return Err(());
        }
        let number = person.parse().map_err(|_| ())?;
        let token = Self { person: number, code: bytes };
        // One spelling: neither a sign nor leading zeros.
        if person.starts_with(['+', '0']) { Err(()) } else { Ok(token) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token::of(17, &hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]), "ada@example.org")
    }

    #[test]
    fn it_is_what_python_computes() {
        // hmac.new(bytes([7] * 32), b"ada@example.org", "sha256").hexdigest()
        let hex = "0d178c15a364d3f7534ef6840d33a7f401ac9838bb694f06de064b211508c06b";
        assert_eq!(token().to_string(), format!("personal:17:{hex}"));
        assert_eq!(token().erased(), format!("erased-{}", &hex[..16]));
        assert!(Token::is_erased(&token().erased()) && !Token::is_erased("erased-ada"));
    }

    #[test]
    fn it_is_read_as_it_is_written_and_in_no_other_spelling() {
        let text = token().to_string();
        assert_eq!(text.parse(), Ok(token()));
        for wrong in [
            &text[..text.len() - 1],
            &text.to_uppercase(),
            &text.replace(":17:", ":017:"),
            &text.replace(":17:", ":+17:"),
            &text.replace(":17:", "::"),
            &format!("{text}0"),
            &format!(" {text}"),
            "personal:17:",
            "",
        ] {
            assert_eq!(wrong.parse::<Token>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_found_in_json_and_only_whole_strings() {
        let token = token();
        let json =
            format!(r#"{{"a":"{token}","b":["personal:",{{"c":"x \"{token}\""}}],"d":"{token}x","e":"{token}"}}"#);
        // What is quoted inside a string is looked up too, and harms nothing.
        assert!(Token::all_in(&json).count() >= 2 && Token::all_in(&json).all(|found| found == token));
        assert_eq!(Token::all_in("{}").count(), 0);
        assert_eq!(Token::all_in("\"personal:").count(), 0);
    }
}
