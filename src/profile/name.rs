//! The name of a profile, which is a file name too.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The name of a profile: `admin`, `break-glass`, ... 1 to 32 lower-case letters, digits and dashes, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ProfileName(String);

/// A text that is no profile name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a profile name: 1 to 32 lower-case letters, digits and dashes are allowed, and a letter has to be first"
)]
pub struct ProfileNameError(String);

impl ProfileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.len() <= 32 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProfileNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProfileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_a_file_name_everywhere() {
        for right in ["admin", "break-glass", "tier0", "a"] {
            assert_eq!(right.parse::<ProfileName>().unwrap().as_str(), right);
        }
        let long = "a".repeat(33);
        for wrong in ["", "Admin", "-admin", "0tier", "../admin", "ad min", "ädmin", "admin.toml", &long] {
            assert!(wrong.parse::<ProfileName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_name_is_refused_in_json_too() {
        assert_eq!(serde_json::from_str::<ProfileName>("\"exec\"").unwrap().to_string(), "exec");
        assert!(serde_json::from_str::<ProfileName>("\"../exec\"").is_err());
    }
}
