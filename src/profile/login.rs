//! Logins, when two of them are the same, and which spellings deceive.
//!
//! IdPs compare logins without regard to case, and two ways to write one letter are one letter. Logins are copied from mails and
//! spreadsheets, and what is invisible or looks like something else comes along. It refuses to correct that, and to say who a login
//! belongs to: that is for the IdP, whose own id of a user stays when the login changes.

use keywright_files::shown;
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;
use unicode_security::{GeneralSecurityProfile as _, MixedScript as _};

/// A login that does not show what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// A character that takes no room, or that changes how its neighbours are written.
    #[error("an invisible character, {}, {}", code_point(*.char), place(.before))]
    Invisible {
        /// The character.
        char: char,
        /// What stands before it.
        before: String,
    },
    /// A blank that is no space.
    #[error("a blank that is not a space, {}, {}", code_point(*.char), place(.before))]
    Blank {
        /// The character.
        char: char,
        /// What stands before it.
        before: String,
    },
    /// A character that looks like another one.
    #[error("{:?} ({}), which looks like {like:?}, {}", .char, code_point(*.char), place(.before))]
    LookAlike {
        /// The character.
        char: char,
        /// What it looks like.
        like: String,
        /// What stands before it.
        before: String,
    },
}

fn code_point(char: char) -> String {
    format!("U+{:04X}", u32::from(char))
}

fn place(before: &str) -> String {
    if before.is_empty() { "at the beginning".to_owned() } else { format!("after {before:?}") }
}

/// A login as it is written down: composed, as most IdPs store it.
pub fn composed(login: &str) -> String {
    login.nfc().collect()
}

/// A login in the form that is compared: composed, lower case.
pub fn folded(login: &str) -> String {
    // Lower-casing can leave a letter and its mark apart again.
    composed(&composed(login.trim()).to_lowercase())
}

/// Whether two texts are one login.
pub fn is_same(one: &str, other: &str) -> bool {
    // What is ASCII is composed already, and a register of many people is searched by this.
    match one.is_ascii() && other.is_ascii() {
        true => one.trim().eq_ignore_ascii_case(other.trim()),
        false => folded(one) == folded(other),
    }
}

/// Refuses what is invisible, and what looks like something else.
///
/// A look-alike is a character that compatibility folds to another one (full-width letters), that Unicode restricts (phonetic
/// letters), that is of another script than its word, or that is in a name of look-alikes only before a Latin domain. Words of
/// one script are let through, whichever it is.
pub fn check(login: &str) -> Result<(), LoginError> {
    for (at, char) in login.char_indices() {
        let before = || login[..at].to_owned();
        if is_invisible(char) {
            return Err(LoginError::Invisible { char, before: before() });
        }
        if char != ' ' && is_blank(char) {
            return Err(LoginError::Blank { char, before: before() });
        }
    }
    // A letter and its accent are one character, and no look-alike of the letter.
    let login = composed(login);
    let is_latin_login = login.contains(|char: char| char.is_ascii_alphabetic());
    let mut start = 0;
    for part in login.split_inclusive('@') {
        let pretends =
            is_latin_login && part.chars().filter(|char| char.is_alphabetic()).all(|char| ascii_twin(char).is_some());
        for word in part.split_inclusive(|char: char| char.is_ascii() && !char.is_ascii_alphanumeric()) {
            let mixed = !word.is_single_script();
            for (at, char) in word.char_indices() {
                if let Some(like) = compatible(char).or_else(|| {
                    ascii_twin(char)
                        .filter(|_| mixed || pretends || !char.is_alphanumeric() || !char.identifier_allowed())
                }) {
                    return Err(LoginError::LookAlike { char, like, before: login[..start + at].to_owned() });
                }
            }
            start += word.len();
        }
    }
    Ok(())
}

/// What a character stands for, if it is only another form of it.
fn compatible(char: char) -> Option<String> {
    let folded: String = std::iter::once(char).nfkc().collect();
    (!folded.chars().eq([char])).then_some(folded)
}

/// The ASCII that a character outside of ASCII looks like, if it does.
fn ascii_twin(char: char) -> Option<String> {
    let like: String = skeleton(char.encode_utf8(&mut [0; 4])).collect();
    (!char.is_ascii() && like.is_ascii()).then_some(like)
}

/// Blanks: Unicode's White_Space, and the braille pattern without dots.
fn is_blank(char: char) -> bool {
    (char.is_whitespace() && !char.is_control()) || char == '\u{2800}'
}

/// What shows nothing of itself, joiners too; what has no meaning of its own (private use, no characters), and what a decoder writes
/// for bytes that are no text.
fn is_invisible(char: char) -> bool {
    shown::is_hidden(char)
        || matches!(char, '\u{e000}'..='\u{f8ff}' | '\u{fffc}'..='\u{ffff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_composition_make_no_difference() {
        assert!(is_same("Ada@Example.org", "ada@example.ORG"));
        assert!(is_same("ren\u{e9}@example.org", "RENE\u{301}@example.org "));
        assert!(!is_same("rene@example.org", "ren\u{e9}@example.org"));
    }

    #[test]
    fn accounts_of_the_world_are_let_through() {
        for login in [
            "ada@example.org",
            "O'Brien+admin_2@mail.example.org",
            "K.Weiß@contoso.example",
            "ışık.yılmaz@example.org",
            "łukasz.żółw@example.org",
            "иван.петров@example.org",
            "о.петров@example.org",
            "сара@пример.рф",
            "δημήτρης@example.org",
            "山田.太郎@example.org",
            "やまだタロウ@example.org",
            "김철수@example.org",
            "محمد@example.org",
            "renee\u{301}@example.org",
            "CONTOSO\\ada",
            "Ada Lovelace",
            "87d349ed-44d7-43e1-9a83-000000000001",
        ] {
            assert_eq!(check(login), Ok(()), "{login}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_by_its_code_point() {
        for char in "\u{7f}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{2028}\u{202e}\u{2060}\u{2066}\
            \u{206a}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{fffd}\u{1d173}\u{e0001}\u{e0041}\u{e0100}\u{e000}\u{600}\u{fff9}\t"
            .chars()
        {
            let error = check(&format!("ada{char}@example.org")).unwrap_err();
            assert_eq!(error, LoginError::Invisible { char, before: "ada".into() });
            assert!(error.to_string().contains(&format!("U+{:04X}", u32::from(char))), "{error}");
        }
        for char in "\u{a0}\u{1680}\u{2000}\u{2009}\u{202f}\u{205f}\u{3000}\u{2800}".chars() {
            let error = check(&format!("ada{char}b")).unwrap_err();
            assert_eq!(error, LoginError::Blank { char, before: "ada".into() });
        }
    }

    #[test]
    fn what_looks_like_something_else_is_refused_by_its_code_point() {
        for (login, odd, like) in [
            ("\u{430}da@example.org", '\u{430}', "a"),
            ("ad\u{3b1}@example.org", '\u{3b1}', "a"),
            ("ada@ex\u{430}mple.org", '\u{430}', "a"),
            ("\u{440}\u{430}\u{443}@example.org", '\u{440}', "p"),
            ("\u{441}\u{430}\u{440}\u{430}@example.org", '\u{441}', "c"),
            ("\u{251}da@example.org", '\u{251}', "a"),
            ("\u{ff41}da@example.org", '\u{ff41}', "a"),
            ("\u{1d41a}da@example.org", '\u{1d41a}', "a"),
            ("ada\u{ff20}example.org", '\u{ff20}', "@"),
            ("o\u{2019}brien@example.org", '\u{2019}', "'"),
            ("jean\u{2010}luc@example.org", '\u{2010}', "-"),
            ("ada\u{2024}b@example.org", '\u{2024}', "."),
            ("\u{13aa}da@example.org", '\u{13aa}', "A"),
        ] {
            match check(login) {
                Err(LoginError::LookAlike { char, like: told, .. }) => assert_eq!((char, told.as_str()), (odd, like)),
                other => panic!("{login}: {other:?}"),
            }
        }
    }
}
