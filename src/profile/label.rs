//! Templates for the label that a credential has at the IdP, such as `Key {ordinal} {model} {serial}`.
//!
//! A template that gives an account's keys the same label is refused. Cutting a label to what an IdP takes is the adapter's.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use keywright_files::shown;

/// A label with places to fill in. It has `{ordinal}` at least, so a rendered label is never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTemplate(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Account,
    Model,
    Number,
    Ordinal,
    Serial,
}

impl Place {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Account, "{account}"),
        (Self::Model, "{model}"),
        (Self::Number, "{number}"),
        (Self::Ordinal, "{ordinal}"),
        (Self::Serial, "{serial}"),
    ];
}

/// What is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelFields<'a> {
    /// The key's product name.
    pub model: &'a str,
    /// Which of the account's keys: 1, 2, ...
    pub ordinal: usize,
    /// The login at the IdP.
    pub account: &'a str,
    /// The key's own number, `K-0042`.
    pub number: Option<&'a str>,
    /// The key's serial number; many keys have none to tell.
    pub serial: Option<&'a str>,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A place that nothing is known for.
    #[error("{0} cannot be filled in; known are {{account}}, {{model}}, {{number}}, {{ordinal}} and {{serial}}")]
    Unknown(String),
    /// An opening brace without a closing one, or the reverse.
    #[error("a brace has no partner")]
    Brace,
    /// The keys of an account would have the same label.
    #[error("{{ordinal}} is missing, so all keys of an account would have the same label")]
    NoOrdinal,
    /// A line break or another control character.
    #[error("it has a control character or another hidden one")]
    Control,
}

impl LabelTemplate {
    /// Fills in. Hidden characters and runs of white space become one space, so a missing serial number leaves no hole.
    pub fn render(&self, fields: &LabelFields<'_>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Place(Place::Account) => text.push_str(fields.account),
                Piece::Place(Place::Model) => text.push_str(fields.model),
                Piece::Place(Place::Number) => text.push_str(fields.number.unwrap_or_default()),
                Piece::Place(Place::Ordinal) => text.push_str(&fields.ordinal.to_string()),
                Piece::Place(Place::Serial) => text.push_str(fields.serial.unwrap_or_default()),
            }
        }
        // The model and the serial number are a key's words, and an IdP gets them.
        let shown: String = text.chars().map(|char| if shown::is_hidden(char) { ' ' } else { char }).collect();
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl FromStr for LabelTemplate {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(shown::is_hidden) {
            return Err(LabelError::Control);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, from_brace) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
            if !literal.is_empty() {
                pieces.push(Piece::Text(literal.to_owned()));
            }
            rest = from_brace;
            if !rest.is_empty() {
                let end = rest.starts_with('{').then(|| rest.find('}')).flatten().ok_or(LabelError::Brace)?;
                let (braced, after) = rest.split_at(end + 1);
                let place = Place::ALL.iter().find(|(_, name)| *name == braced);
                let (place, _) = place.ok_or_else(|| LabelError::Unknown(braced.to_owned()))?;
                pieces.push(Piece::Place(*place));
                rest = after;
            }
        }
        if !pieces.contains(&Piece::Place(Place::Ordinal)) {
            return Err(LabelError::NoOrdinal);
        }
        Ok(Self(pieces))
    }
}

impl fmt::Display for LabelTemplate {
    /// Writes the template as it was read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(literal) => f.write_str(literal),
            Piece::Place(place) => {
                Place::ALL.iter().filter(|(known, _)| known == place).try_for_each(|(_, name)| f.write_str(name))
            }
        })
    }
}

impl Serialize for LabelTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LabelTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: LabelFields<'static> = LabelFields {
        model: "YubiKey 5 NFC",
        ordinal: 2,
        account: "alice@example.org",
        number: Some("K-0042"),
        serial: Some("15898933"),
    };

    #[test]
    fn places_are_filled_in() {
        let template: LabelTemplate = "{account}: key {ordinal} {model} #{serial} {number}".parse().unwrap();
        assert_eq!(template.render(&FIELDS), "alice@example.org: key 2 YubiKey 5 NFC #15898933 K-0042");
        assert_eq!(template.to_string(), "{account}: key {ordinal} {model} #{serial} {number}");
    }

    #[test]
    fn what_is_filled_in_is_not_read_as_a_template() {
        let template: LabelTemplate = "{ordinal} {model}".parse().unwrap();
        assert_eq!(template.render(&LabelFields { model: "{serial}", ..FIELDS }), "2 {serial}");
    }

    #[test]
    fn a_missing_serial_number_leaves_no_hole() {
        let template: LabelTemplate = "{model} {serial} {ordinal}".parse().unwrap();
        assert_eq!(template.render(&LabelFields { serial: None, ..FIELDS }), "YubiKey 5 NFC 2");
    }

    /// An IdP shows it to others.
    #[test]
    fn what_a_key_says_of_itself_does_not_steer_who_reads_the_label() {
        let template: LabelTemplate = "{model} {ordinal}".parse().unwrap();
        let model = "Key\u{1b}[31m\n\u{202e}yek\u{200b}";
        assert_eq!(template.render(&LabelFields { model, ..FIELDS }), "Key [31m yek 2");
        assert_eq!("{ordinal} \u{202e}".parse::<LabelTemplate>(), Err(LabelError::Control));
    }

    #[test]
    fn templates_that_cannot_be_meant_are_refused() {
        for (text, error) in [
            ("", LabelError::NoOrdinal),
            ("{model}", LabelError::NoOrdinal),
            ("{ordinal} {aaguid}", LabelError::Unknown("{aaguid}".to_owned())),
            ("{Ordinal}", LabelError::Unknown("{Ordinal}".to_owned())),
            ("{ordinal", LabelError::Brace),
            ("ordinal} {ordinal}", LabelError::Brace),
            ("{ordinal}\n", LabelError::Control),
        ] {
            assert_eq!(text.parse::<LabelTemplate>(), Err(error), "{text:?}");
        }
    }
}
