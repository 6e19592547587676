//! The heading of a roster: which of its columns are ours, by our names or by those that somebody named for them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::profile::login::folded;

/// What a roster may tell of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// The login at the IdP.
    Account,
    /// The profile.
    Profile,
    /// The person's name.
    Name,
    /// The request that this rests on.
    Ticket,
    /// Why the account gets keys.
    Reason,
    /// Where the key is kept.
    Storage,
    /// The part of the roll-out that the account is in.
    Wave,
}

impl Column {
    /// All columns; the first two are needed.
    pub const ALL: [Self; 7] =
        [Self::Account, Self::Profile, Self::Name, Self::Ticket, Self::Reason, Self::Storage, Self::Wave];

    /// Its heading, where no other is named.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Profile => "profile",
            Self::Name => "name",
            Self::Ticket => "ticket",
            Self::Reason => "reason",
            Self::Storage => "storage",
            Self::Wave => "wave",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Another heading for a column: `account=UPN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnHeading {
    /// The column.
    pub column: Column,
    /// Its heading in the roster.
    pub heading: String,
}

impl FromStr for ColumnHeading {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, heading) = text.split_once('=').unwrap_or((text, ""));
        let column = Column::ALL.into_iter().find(|column| column.name().eq_ignore_ascii_case(name.trim()));
        match column {
            Some(column) if !heading.trim().is_empty() => Ok(Self { column, heading: heading.trim().to_owned() }),
            Some(column) => Err(format!("name the roster's heading, as in {column}=UPN")),
            None => Err(format!("{name:?} is not a column; there are {}", Column::ALL.map(Column::name).join(", "))),
        }
    }
}

/// The columns of a roster, in the order of its heading; `None` is one that is not read.
pub(super) struct Heading {
    pub(super) columns: Vec<Option<Column>>,
    pub(super) names: Vec<String>,
}

impl Heading {
    /// Finds the columns, or says everything that is wrong with the heading. `headings` are other names for ours.
    pub(super) fn read(
        names: Vec<String>,
        headings: &BTreeMap<Column, String>,
        profile_for_all: bool,
    ) -> Result<Self, Vec<String>> {
        let heading_of = |column: Column| headings.get(&column).map_or(column.name(), String::as_str);
        let is_read = |column: Column| !(column == Column::Profile && profile_for_all);
        let mut wrong = Vec::new();
        let mut columns = vec![None; names.len()];
        for column in Column::ALL.into_iter().filter(|column| is_read(*column)) {
            let heading = heading_of(column);
            let mut places = (0..).zip(&names).filter(|(_, name)| folded(name) == folded(heading));
            match (places.next(), places.next()) {
                (Some(_), Some(_)) => wrong.push(format!("the column {heading:?} is there twice")),
                (Some((place, _)), None) => columns[place] = Some(column),
                (None, _) if column <= Column::Profile || headings.contains_key(&column) => {
                    wrong.push(format!("there is no column {heading:?} for the {column}"));
                }
                (None, _) => {}
            }
        }
        if wrong.is_empty() { Ok(Self { columns, names }) } else { Err(wrong) }
    }

    /// Where a column is, if the roster has it.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|other| *other == Some(column))
    }
}
