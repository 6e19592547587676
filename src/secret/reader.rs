//! Those who may read PINs: a name and an age recipient for each.

use std::fmt;
use std::str::FromStr;

use age::x25519::Recipient;

use super::SecretError;

/// Somebody who may read PINs: a name and an age recipient. Written `NAME=age1...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// For file names and the ledger: letters, digits, dashes.
    pub name: String,
    /// The public key, `age1...`.
    pub recipient: Recipient,
}

impl FromStr for Reader {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Somebody pasted the wrong line of a key file: it must not reach a log.
        if text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") {
            return Err(SecretError::SecretKey);
        }
        let (name, recipient) = text.split_once('=').ok_or_else(|| SecretError::Reader(text.to_owned()))?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(SecretError::Reader(text.to_owned()));
        }
        let recipient = recipient.parse().map_err(|_| SecretError::Recipient(recipient.to_owned()))?;
        Ok(Self { name: name.to_owned(), recipient })
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.recipient)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_reader_is_a_name_and_a_public_key() {
        let recipient = age::x25519::Identity::generate().to_public();
        let text = format!("it-lead={recipient}");
        let reader: Reader = text.parse().unwrap();
        assert_eq!((reader.name.as_str(), &reader.recipient), ("it-lead", &recipient));
        assert_eq!(reader.to_string(), text);
        for wrong in [
            recipient.to_string(),
            format!("={recipient}"),
            format!("../x={recipient}"),
            format!("it lead={recipient}"),
            "it-lead=".to_owned(),
            "it-lead=age1xyz".to_owned(),
            format!("it-lead={}", recipient.to_string().replacen("age1", "age2", 1)),
        ] {
            assert!(wrong.parse::<Reader>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_key_given_by_mistake_is_not_repeated() {
        let secret = age::x25519::Identity::generate().to_string();
        for text in [secret.expose_secret().to_owned(), format!("me={}", secret.expose_secret().to_lowercase())] {
            let error = text.parse::<Reader>().unwrap_err();
            assert!(matches!(error, SecretError::SecretKey));
            assert!(!error.to_string().to_uppercase().contains(&secret.expose_secret()[16..]));
        }
    }
}
