//! Logins, and when two of them are the same.
//!
//! IdPs compare logins without regard to case, and two ways to write one letter are one letter. It refuses to say who a login
//! belongs to: that is for the IdP, whose own id of a user stays when the login changes.

use unicode_normalization::UnicodeNormalization;

/// A login in the form that is compared: NFC, lower case.
pub fn folded(login: &str) -> String {
    // Lower-casing can leave a letter and its mark apart again.
    login.trim().nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// Whether two texts are one login.
pub fn is_same(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
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
}
