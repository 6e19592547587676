//! Whom a file is sealed to: an X25519 key (`age1...`), sealed here; or a key that only a plugin of age knows (`age1yubikey1...`) or
//! a later kind (`age1pq1...`), sealed by the program `age`, which speaks with plugins.
//!
//! That program gets the text through a pipe and nothing of our environment but where programs are. It refuses to take for sealed
//! what is no age file.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::str::FromStr;

use age::x25519;
use zeroize::Zeroizing;

use super::program::{LAST_WORDS, LIMIT, child, end_of, on_thread, wait, words_without};
use super::{SecretError, seal};

/// The program.
const AGE: &str = "age";

/// How an age file begins.
const AGE_FILE: &[u8] = b"age-encryption.org/";

/// More than a sealed note has, in bytes.
const LONGEST: u64 = 256 * 1024;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// `age1...`
    X25519(x25519::Recipient),
    /// `age1NAME1...`, in lower case.
    OfProgram(String),
}

impl From<x25519::Recipient> for Recipient {
    fn from(recipient: x25519::Recipient) -> Self {
        Self::X25519(recipient)
    }
}

impl FromStr for Recipient {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (text, wrong) = (text.trim(), || SecretError::Recipient(text.to_owned()));
        if let Ok(recipient) = text.parse() {
            return Ok(Self::X25519(recipient));
        }
        // Bech32 (BIP 173): the last 1 ends the name, and no data has a 1, b, i or o. Its checksum is age's to look at.
        let (name, data) = text.strip_prefix("age1").and_then(|rest| rest.rsplit_once('1')).ok_or_else(wrong)?;
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-._".contains(&byte);
        let is_data = |byte: u8| byte.is_ascii_lowercase() && !b"bio".contains(&byte) || byte.is_ascii_digit();
        match !name.is_empty() && name.bytes().all(is_name) && data.len() > 6 && data.bytes().all(is_data) {
            true => Ok(Self::OfProgram(text.to_owned())),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X25519(recipient) => fmt::Display::fmt(recipient, f),
            Self::OfProgram(recipient) => f.write_str(recipient),
        }
    }
}

impl Recipient {
    /// Whether this station can seal to it: where a program does it, it is tried with an empty text.
    pub(super) fn check(&self) -> Result<(), SecretError> {
        match self {
            Self::X25519(_) => Ok(()),
            Self::OfProgram(_) => self.seal(b"").map(drop),
        }
    }

    /// An age file that only it opens.
    pub(super) fn seal(&self, text: &[u8]) -> Result<Vec<u8>, SecretError> {
        match self {
            Self::X25519(recipient) => Ok(seal::seal(std::iter::once(recipient), text)),
            Self::OfProgram(recipient) => seal_by_program(recipient, text),
        }
    }
}

fn seal_by_program(recipient: &str, text: &[u8]) -> Result<Vec<u8>, SecretError> {
    let failed = |why: String| SecretError::Sealing { recipient: recipient.to_owned(), why, said: None };
    let mut child = child(AGE, std::iter::empty::<&str>())
        .args(["--encrypt", "--recipient", recipient])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("{AGE} cannot be started: {error}")))?;
    let written = on_thread(child.stdin.take(), {
        let text = Zeroizing::new(text.to_vec());
        move |mut stdin| stdin.write_all(&text)
    });
    let sealed = on_thread(child.stdout.take(), |stdout| {
        let mut sealed = Vec::new();
        stdout.take(LONGEST).read_to_end(&mut sealed).map(|_| sealed)
    });
    let said = on_thread(child.stderr.take(), end_of);
    let Some(status) = wait(&mut child, LIMIT).map_err(|error| failed(error.to_string()))? else {
        return Err(failed(format!("{AGE} did not end within {} seconds", LIMIT.as_secs())));
    };
    if !status.success() {
        let said = said.recv_timeout(LAST_WORDS).ok().and_then(Result::ok).unwrap_or_default();
        let secret = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
        let said = words_without(&said, secret.split_whitespace().filter(|word| word.len() > 3));
        let (recipient, why) = (recipient.to_owned(), format!("{AGE} failed, {status}"));
        return Err(SecretError::Sealing { recipient, why, said });
    }
    let taken = written.recv_timeout(LAST_WORDS).is_ok_and(|written| written.is_ok());
    let sealed = sealed.recv_timeout(LAST_WORDS).ok().and_then(Result::ok).unwrap_or_default();
    match taken && sealed.starts_with(AGE_FILE) {
        true => Ok(sealed),
        false => Err(failed(format!("what {AGE} wrote is no age file"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_plugins_are_told_from_mistakes() {
        for text in ["age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt", "age1pq1qqqqqqqqqq"] {
            assert_eq!(text.parse::<Recipient>().unwrap().to_string(), text);
            assert!(matches!(text.parse().unwrap(), Recipient::OfProgram(_)));
        }
        let own = x25519::Identity::generate().to_public().to_string();
        assert!(matches!(format!(" {own}\r").parse().unwrap(), Recipient::X25519(_)));
        for text in [
            // A typing error in one of the common kind is no plugin called nothing.
            own.replacen("age1", "age1o", 1).as_str(),
            "age1yubikey1",
            "age1yubikey1bio",
            "AGE1YUBIKEY1Q2W7U3VPYA",
            "age1 -o x1qqqqqqqq",
            "ssh-ed25519 AAAA",
        ] {
            assert!(text.parse::<Recipient>().is_err(), "{text}");
        }
    }
}
