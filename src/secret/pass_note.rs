//! What brings a temporary pass to its reader: an age file, or a letter. A pass is a whole sign-in, so it goes the ways of a PIN.
//!
//! It refuses to be without the pass's end where the IdP tells one.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::hand_over::one_line;
use super::{AgeFiles, LetterProgram, SecretError};

/// What stands beside a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassNote {
    /// The login.
    pub account: String,
    /// The person's name.
    pub person: String,
    /// Until when it is good, RFC 3339, if the IdP says.
    pub until: Option<String>,
    /// What it is at this IdP and does not do, in one sentence.
    pub limits: &'static str,
}

impl PassNote {
    /// The note with the pass, a line for each thing.
    pub fn text(&self, pass: &SecretString) -> Zeroizing<String> {
        let until = self.until.as_deref().unwrap_or("the IdP does not say");
        let lines = [
            ("Account", one_line(&self.account)),
            ("Person", one_line(&self.person)),
            ("Until", until.to_owned()),
            ("Limits", self.limits.to_owned()),
            ("Then", "sign in with it, and with the new key once it is there; destroy this note".to_owned()),
        ];
        let values: usize = lines.iter().map(|(_, value)| value.len()).sum();
        // Room for all of it, so that no copy is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(256 + values + pass.expose_secret().len()));
        text.push_str("Temporary pass\n");
        for (name, value) in &lines {
            text.push_str(&format!("{name:<9}{value}\n"));
        }
        text.push_str("Pass     ");
        text.push_str(pass.expose_secret());
        text.push('\n');
        text
    }
}

impl AgeFiles<'_> {
    /// Writes `FOLDER/READER/ACCOUNT.pass.age` for each reader, as [`AgeFiles::write`] does for a PIN. A later pass of the account
    /// takes its place. Returns the paths.
    pub fn write_pass(&self, note: &PassNote, pass: &SecretString) -> Result<Vec<PathBuf>, SecretError> {
        self.write_named(&note.account, "pass", note.text(pass).as_bytes())
    }
}

impl LetterProgram<'_> {
    /// Pipes the note to it; the pass is never on disk. Fails unless the program ends well, within a minute.
    pub fn print_pass(&self, note: &PassNote, pass: &SecretString) -> Result<(), SecretError> {
        let mut page = note.text(pass);
        page.push('\x0c');
        self.feed(&page, pass.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_whose_it_is_and_until_when() {
        let note = PassNote {
            account: "ada".to_owned(),
            person: "Ada\nLovelace".to_owned(),
            until: Some("2026-11-30T12:00:00Z".to_owned()),
            limits: "it opens nothing but the front door",
        };
        let text = note.text(&SecretString::from("QWERTZ"));
        assert!(
            text.contains("Person   Ada?Lovelace\n") && text.contains("Until    2026-11-30T12:00:00Z\n"),
            "{}",
            *text
        );
        assert!(text.ends_with("Pass     QWERTZ\n"), "{}", *text);
    }
}
