//! A day as TOML writes it: `2027-01-31`, without quotation marks.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use time::{Date, Month};
use toml::value::Datetime;

/// A day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day(pub(super) Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Datetime::deserialize(deserializer)? {
            Datetime { date: Some(day), time: None, offset: None } => {
                let month = Month::try_from(day.month).map_err(D::Error::custom)?;
                Date::from_calendar_date(day.year.into(), month, day.day).map(Self).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom("a day is written as 2027-01-31")),
        }
    }
}
