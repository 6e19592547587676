//! Rosters: CSV with a heading line `account,profile` and optional `name,ticket,reason,storage`, in any order, as spreadsheets save
//! it (`lines.rs`), under other headings if they are named (`heading.rs`).
//!
//! One row is one person. Nothing is guessed: all wrong rows are told at once, before anything is touched, and so is which
//! columns were not read.

mod heading;
pub(super) mod lines;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest, Sha256};

pub use heading::{Column, ColumnHeading};

use super::login;
use super::{ProfileName, Profiles};
use heading::Heading;
use keywright_files::shown;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// The login at the IdP.
    pub account: String,
    /// The profile.
    pub profile: ProfileName,
    /// The person's name, for prompts and letters; the account if absent.
    pub name: Option<String>,
    /// The request that this rests on.
    pub ticket: Option<String>,
    /// Why the account gets keys.
    pub reason: Option<String>,
    /// Where the backup or break-glass key is kept.
    pub storage: Option<String>,
    /// The part of the roll-out that the account is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
}

impl Person {
    /// The name to address the person by.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.account)
    }

    /// Whether the account is in this wave, written in capitals or not.
    pub fn is_in_wave(&self, wave: &str) -> bool {
        self.wave.as_ref().is_some_and(|own| login::is_same(own, wave.trim()))
    }
}

/// People, each once, each with a profile that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// In the order of the file.
    pub people: Vec<Person>,
    /// The headings of columns that have something in them and were not read.
    pub not_read: Vec<String>,
    /// SHA-256 of the file as read.
    pub sha256: [u8; 32],
}

/// Everything that is wrong with a roster, found in one reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The file cannot be read.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's words.
        why: String,
    },
    /// Nobody is on it.
    #[error("{file}: the roster is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// The heading lacks a column, or has it twice.
    #[error("{file}: the heading is wrong")]
    Heading {
        /// The file.
        file: String,
        /// The line of the heading, from 1.
        row: usize,
        /// What is wrong with it.
        wrong: Vec<String>,
        /// The headings that are there.
        names: Vec<String>,
    },
    /// Rows that are wrong, each with its row number: the line of the file, so the heading is row 1.
    #[error("{file}: {}", count(rows))]
    Rows {
        /// The file.
        file: String,
        /// Row number and what is wrong there, in the order of the file.
        rows: Vec<(usize, String)>,
    },
}

fn count(rows: &[(usize, String)]) -> String {
    let mut numbers: Vec<usize> = rows.iter().map(|(row, _)| *row).collect();
    numbers.dedup();
    match numbers.len() {
        1 => "1 row is wrong".to_owned(),
        count => format!("{count} rows are wrong"),
    }
}

/// How a roster is read that somebody else made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterLayout {
    /// Headings of our columns, where they are not ours.
    pub headings: BTreeMap<Column, String>,
    /// The profile of everybody; a column of profiles is not read then.
    pub profile: Option<ProfileName>,
}

impl Roster {
    /// Reads a file with our headings.
    pub fn read(file: &Path, profiles: &Profiles) -> Result<Self, RosterError> {
        RosterLayout::default().read(file, profiles)
    }
}

impl RosterLayout {
    /// Reads a file, or standard input if it is called `-`.
    pub fn read(&self, file: &Path, profiles: &Profiles) -> Result<Roster, RosterError> {
        let (name, bytes) = if file == Path::new("-") {
            let mut bytes = Vec::new();
            ("standard input".to_owned(), std::io::stdin().read_to_end(&mut bytes).map(|_| bytes))
        } else {
            (file.display().to_string(), std::fs::read(file))
        };
        let bytes = bytes.map_err(|error| RosterError::Unreadable { file: name.clone(), why: error.to_string() })?;
        self.parse(&name, &bytes, profiles)
    }

    /// Reads a text; `file` is only named in errors.
    pub fn parse(&self, file: &str, bytes: &[u8], profiles: &Profiles) -> Result<Roster, RosterError> {
        let file = file.to_owned();
        let text = match lines::decoded(bytes) {
            Ok(text) => text,
            Err(error) => return Err(RosterError::Rows { file, rows: vec![(1, error.to_string())] }),
        };
        let lines = lines::lines(&text);
        let mut at = first_line(&lines, 0);
        let named = lines.get(at).and_then(|line| lines::named_separator(line));
        if named.is_some() {
            at = first_line(&lines, at + 1);
        }
        if at == lines.len() {
            return Err(RosterError::Empty { file });
        }
        let (heading, separator, length) = match self.heading(&lines[at..], named) {
            Ok(found) => found,
            Err(WrongHeading { wrong, names }) => {
                return Err(RosterError::Heading { file, row: at + 1, wrong, names });
            }
        };
        at += length;

        let mut reading = Reading { layout: self, heading, profiles, rows_by_login: HashMap::new(), has: Vec::new() };
        let (mut people, mut wrong) = (Vec::new(), Vec::new());
        while at < lines.len() {
            let (values, length) = lines::row(&lines[at..], separator);
            match values.map_err(|why| vec![why]).and_then(|values| reading.person(at + 1, values)) {
                Ok(person) => people.extend(person),
                Err(reasons) => wrong.extend(reasons.into_iter().map(|why| (at + 1, why))),
            }
            at += length;
        }
        match (wrong.is_empty(), people.is_empty()) {
            (false, _) => Err(RosterError::Rows { file, rows: wrong }),
            (true, true) => Err(RosterError::Empty { file }),
            (true, false) => Ok(Roster { people, not_read: reading.not_read(), sha256: Sha256::digest(bytes).into() }),
        }
    }

    /// The heading, its separator, and how many lines it has. Where no separator is named, it is one under which our columns are
    /// found.
    fn heading(&self, lines: &[&[u8]], named: Option<u8>) -> Result<(Heading, u8, usize), WrongHeading> {
        let separators = named.map_or_else(|| lines::separators(lines[0]).to_vec(), |separator| vec![separator]);
        let mut likeliest = None;
        for separator in separators {
            let (names, length) = lines::row(lines, separator);
            let (wrong, names) = match names {
                Ok(names) => match Heading::read(names.clone(), &self.headings, self.profile.is_some()) {
                    Ok(heading) => return Ok((heading, separator, length)),
                    Err(wrong) => (wrong, names),
                },
                Err(why) => (vec![why], Vec::new()),
            };
            likeliest.get_or_insert(WrongHeading { wrong, names });
        }
        Err(likeliest.unwrap_or_default())
    }
}

/// A heading without our columns: what is wrong with it, and what is there.
#[derive(Default)]
struct WrongHeading {
    wrong: Vec<String>,
    names: Vec<String>,
}

/// The first line from this one on that has something in it.
fn first_line(lines: &[&[u8]], from: usize) -> usize {
    (from..lines.len()).find(|at| !lines[*at].trim_ascii().is_empty()).unwrap_or(lines.len())
}

/// What is known while the rows are read.
struct Reading<'a> {
    layout: &'a RosterLayout,
    heading: Heading,
    profiles: &'a Profiles,
    /// The row in which each folded login was first.
    rows_by_login: HashMap<String, usize>,
    /// Which columns have something in them.
    has: Vec<bool>,
}

impl Reading<'_> {
    /// The person of a row, nobody if nothing stands there, or everything that is wrong with it.
    fn person(&mut self, row: usize, values: Vec<String>) -> Result<Option<Person>, Vec<String>> {
        let columns = self.heading.columns.len();
        self.has.resize(columns, false);
        for (has, value) in self.has.iter_mut().zip(&values) {
            *has |= !value.is_empty();
        }
        if values.iter().all(String::is_empty) {
            return Ok(None);
        }
        // Spreadsheets leave empty fields at the end of a row away, or have more of them than the heading.
        if values.iter().skip(columns).any(|value| !value.is_empty()) {
            return Err(vec![format!("{} fields, but the heading has {columns}", values.len())]);
        }
        let get = |column| self.heading.place(column).and_then(|at| values.get(at)).map_or("", String::as_str);
        let mut wrong = Vec::new();
        for column in Column::ALL.into_iter().filter(|column| *column != Column::Account) {
            if let Some(hidden) = get(column).chars().find(|char| is_hidden(*char)) {
                wrong.push(format!("the {column} has a hidden character, U+{:04X}", u32::from(hidden)));
            }
        }
        let account = login::composed(get(Column::Account));
        if account.is_empty() {
            wrong.push("the account is empty".to_owned());
        } else if let Err(error) = login::check(&account) {
            wrong.push(format!("the account has {error}"));
        }
        let earlier = *self.rows_by_login.entry(login::folded(&account)).or_insert(row);
        if earlier < row && !account.is_empty() {
            wrong.push(format!("{account:?} is in row {earlier} already"));
        }
        let profile = self.layout.profile.as_ref().map_or(get(Column::Profile), ProfileName::as_str);
        // Profiles have lower-case names, so no other can be meant.
        let known = profile.to_lowercase().parse().ok().filter(|name: &ProfileName| self.profiles.contains_key(name));
        if known.is_none() {
            let names: Vec<&str> = self.profiles.keys().map(ProfileName::as_str).collect();
            wrong.push(format!("there is no profile {profile:?}; there are {}", names.join(", ")));
        }
        let optional = |column| Some(get(column).to_owned()).filter(|value| !value.is_empty());
        match known {
            Some(profile) if wrong.is_empty() => Ok(Some(Person {
                name: optional(Column::Name),
                ticket: optional(Column::Ticket),
                reason: optional(Column::Reason),
                storage: optional(Column::Storage),
                wave: optional(Column::Wave),
                account,
                profile,
            })),
            _ => Err(wrong),
        }
    }

    /// The columns that have something in them and are none of ours.
    fn not_read(&self) -> Vec<String> {
        let columns = self.heading.columns.iter().zip(&self.heading.names).zip(&self.has);
        let unread = (1..).zip(columns).filter(|(_, ((column, _), has))| column.is_none() && **has);
        let named = |(number, ((_, name), _)): (usize, ((&Option<Column>, &String), &bool))| match name.as_str() {
            "" => format!("column {number}"),
            name => name.to_owned(),
        };
        unread.map(named).collect()
    }
}

/// What makes a text look like another one, or steers a terminal. Joiners are let through, as names in some scripts need them.
fn is_hidden(char: char) -> bool {
    shown::is_hidden(char) && !shown::is_part_of_names(char)
}
