//! The firmware of an authenticator, as certificates and getInfo tell it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A firmware version in one of two forms that cannot be compared with each other. Serialised as text: `5.4.3` or `329728`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Firmware {
    /// Major, minor, patch, as Yubico certifies it (extension 1.3.6.1.4.1.41482.13.1).
    Dotted([u8; 3]),
    /// A number whose inner order is the vendor's (id-fido-gen-ce-fw-version, and getInfo's firmwareVersion).
    Number(u64),
}

/// A text that is neither form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is neither a version like 5.7.1 nor a number")]
pub struct FirmwareError(String);

impl PartialOrd for Firmware {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Dotted(a), Self::Dotted(b)) => Some(a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dotted([major, minor, patch]) => write!(f, "{major}.{minor}.{patch}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl FromStr for Firmware {
    type Err = FirmwareError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || FirmwareError(text.to_owned());
        if !text.contains('.') {
            return text.parse().map(Self::Number).map_err(|_| wrong());
        }
        let parts: Vec<u8> = text.split('.').map(str::parse::<u8>).collect::<Result<_, _>>().map_err(|_| wrong())?;
        parts.try_into().map(Self::Dotted).map_err(|_| wrong())
    }
}

impl Serialize for Firmware {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Firmware {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_only_what_can_be_compared() {
        let version = |text: &str| text.parse::<Firmware>().unwrap();
        assert!(version("5.10.0") > version("5.7.1"));
        assert!(version("329728") > version("328707"));
        assert_eq!(version("329728").partial_cmp(&version("5.7.0")), None);
        assert_eq!(version("5.4.3").to_string(), "5.4.3");
        for wrong in ["", "5.7", "5.7.1.0", "5.7.256", "v5", "-1"] {
            assert!(wrong.parse::<Firmware>().is_err(), "{wrong}");
        }
    }
}
