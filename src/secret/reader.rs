//! Those who may read PINs: a name and an age recipient for each.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use age::x25519::Identity;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{Recipient, SecretError};
use keywright_files::private;

/// Somebody who may read PINs: a name and an age recipient. Written `NAME=age1...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// For file names and the ledger: letters, digits, dashes.
    pub name: String,
    /// The public key, `age1...` or `age1NAME1...`.
    pub recipient: Recipient,
}

impl Reader {
    /// Makes an age identity for a reader of this name: a file as age-keygen writes it, which only its owner can read. `None` if
    /// there is a file of that name already, which stays.
    pub fn with_new_identity(name: &str, file: &Path) -> Result<Option<Self>, SecretError> {
        let identity = Identity::generate();
        let reader: Self = format!("{name}={}", identity.to_public()).parse()?;
        let text = Zeroizing::new(format!(
            "# opens PIN files of keywright for {name}; keep a copy of it elsewhere\n# public key: {}\n{}\n",
            reader.recipient,
            identity.to_string().expose_secret()
        ));
        Ok(private::write_new(file, text.as_bytes())?.then_some(reader))
    }
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
        Ok(Self { name: name.to_owned(), recipient: recipient.parse()? })
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
        let recipient = Identity::generate().to_public();
        let text = format!("it-lead={recipient}");
        let reader: Reader = text.parse().unwrap();
        assert_eq!((reader.name.as_str(), &reader.recipient), ("it-lead", &recipient.clone().into()));
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
    fn a_new_identity_opens_what_is_sealed_to_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keyroom.identity");
        let reader = Reader::with_new_identity("keyroom", &file).unwrap().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let identity: Identity = text.lines().last().unwrap().parse().unwrap();
        assert_eq!(Recipient::X25519(identity.to_public()), reader.recipient);
        assert_eq!(Reader::with_new_identity("keyroom", &file).unwrap(), None);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "the file that is there stays");
    }

    #[test]
    fn a_secret_key_given_by_mistake_is_not_repeated() {
        let secret = Identity::generate().to_string();
        for text in [secret.expose_secret().to_owned(), format!("me={}", secret.expose_secret().to_lowercase())] {
            let error = text.parse::<Reader>().unwrap_err();
            assert!(matches!(error, SecretError::SecretKey));
            assert!(!error.to_string().to_uppercase().contains(&secret.expose_secret()[16..]));
        }
    }
}
