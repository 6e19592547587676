//! A key as a thing: its number, `K-0042`, and where it is. The number is printed on labels, so that it never changes and is never
//! given twice.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of a key, from 1 through the life of a ledger. In text, and in the log: `K-0042`. A snapshot has the number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyNumber(pub u64);

/// Where a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Here, with nothing of anybody's on it.
    InStock,
    /// With somebody.
    Held,
    /// Here again, and not wiped.
    Returned,
    /// Nobody knows where.
    Lost,
    /// Here, and not to be used any more.
    Retired,
    /// No more.
    Destroyed,
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InStock => "in stock",
            Self::Held => "held",
            Self::Returned => "returned",
            Self::Lost => "lost",
            Self::Retired => "retired",
            Self::Destroyed => "destroyed",
        })
    }
}

/// A text that is no key's number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no key's number, such as K-0042")]
pub struct NoKeyNumber;

impl fmt::Display for KeyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("K-{:04}", self.0))
    }
}

impl FromStr for KeyNumber {
    type Err = NoKeyNumber;

    /// As it is printed, or without the zeros or in lower case, as people type it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("K-").or_else(|| text.strip_prefix("k-")).ok_or(NoKeyNumber)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoKeyNumber);
        }
        match digits.parse() {
            Ok(0) | Err(_) => Err(NoKeyNumber),
            Ok(number) => Ok(Self(number)),
        }
    }
}

impl Serialize for KeyNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for KeyNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            true => String::deserialize(deserializer)?.parse().map_err(D::Error::custom),
            false => u64::deserialize(deserializer).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_in_one_way_and_typed_in_several() {
        assert_eq!(KeyNumber(42).to_string(), "K-0042");
        assert_eq!(KeyNumber(12_345).to_string(), "K-12345");
        for text in ["K-0042", "K-42", "k-42", "k-00042"] {
            assert_eq!(text.parse(), Ok(KeyNumber(42)), "{text}");
        }
        for text in ["42", "K42", "K-", "K-0", "K-+1", "K-1x", "ada@example.org", "K-99999999999999999999"] {
            assert_eq!(text.parse::<KeyNumber>(), Err(NoKeyNumber), "{text}");
        }
        assert_eq!(serde_json::to_string(&KeyNumber(7)).unwrap(), r#""K-0007""#);
        assert_eq!(serde_json::from_str::<KeyNumber>(r#""K-0007""#).unwrap(), KeyNumber(7));
    }
}
