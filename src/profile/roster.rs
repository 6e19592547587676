//! Rosters: CSV with a heading line `account,profile` and optional `name,ticket,reason,storage`, in any order.
//!
//! One line is one person, so a field cannot hold a line break, and a forgotten quote spoils its own line only. Nothing is
//! guessed: all wrong rows are told at once, before anything is touched.

use std::collections::HashMap;
use std::path::Path;

use super::login::folded;
use super::{ProfileName, Profiles};
use keywright_files::shown;
use sha2::{Digest, Sha256};

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
}

impl Person {
    /// The name to address the person by.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.account)
    }
}

/// People, each once, each with a profile that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// In the order of the file.
    pub people: Vec<Person>,
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
    match rows.len() {
        1 => "1 row is wrong".to_owned(),
        count => format!("{count} rows are wrong"),
    }
}

impl Roster {
    /// Reads a file: UTF-8 with or without byte order mark, LF or CRLF.
    pub fn read(file: &Path, profiles: &Profiles) -> Result<Self, RosterError> {
        let name = file.display().to_string();
        let bytes = std::fs::read(file)
            .map_err(|error| RosterError::Unreadable { file: name.clone(), why: error.to_string() })?;
        Self::parse(&name, &bytes, profiles)
    }

    /// Reads a text; `file` is only named in errors.
    pub fn parse(file: &str, bytes: &[u8], profiles: &Profiles) -> Result<Self, RosterError> {
        let file = file.to_owned();
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(RosterError::Rows {
                file,
                rows: vec![(1, "this is UTF-16; save the file as UTF-8".to_owned())],
            });
        }
        let mut lines = (1..).zip(text.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());

        let Some((row, heading)) = lines.next() else { return Err(RosterError::Empty { file }) };
        let columns = match Columns::read(heading) {
            Ok(columns) => columns,
            Err(wrong) => {
                return Err(RosterError::Rows { file, rows: wrong.into_iter().map(|why| (row, why)).collect() });
            }
        };

        let mut people = Vec::new();
        let mut wrong = Vec::new();
        let mut rows_by_login = HashMap::new();
        for (row, line) in lines {
            let fields = match columns.fields(line) {
                Ok(fields) => fields,
                Err(why) => {
                    wrong.push((row, why));
                    continue;
                }
            };
            let earlier = *rows_by_login.entry(folded(fields.get(Column::Account))).or_insert(row);
            match fields.person(profiles) {
                Ok(_) if earlier < row => {
                    wrong.push((row, format!("{:?} is in row {earlier} already", fields.get(Column::Account))));
                }
                Ok(person) => people.push(person),
                Err(reasons) => wrong.extend(reasons.into_iter().map(|why| (row, why))),
            }
        }
        match (wrong.is_empty(), people.is_empty()) {
            (false, _) => Err(RosterError::Rows { file, rows: wrong }),
            (true, true) => Err(RosterError::Empty { file }),
            (true, false) => Ok(Self { people, sha256: Sha256::digest(bytes).into() }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Account,
    Profile,
    Name,
    Ticket,
    Reason,
    Storage,
}

impl Column {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Account, "account"),
        (Self::Profile, "profile"),
        (Self::Name, "name"),
        (Self::Ticket, "ticket"),
        (Self::Reason, "reason"),
        (Self::Storage, "storage"),
    ];
}

/// The columns of a roster, in the order of its heading. Account and profile are among them, and each is there once.
struct Columns(Vec<Column>);

/// One row's fields, beside their columns.
struct Fields<'a> {
    columns: &'a Columns,
    values: Vec<String>,
}

impl Columns {
    fn read(heading: &[u8]) -> Result<Self, Vec<String>> {
        let names = split(heading).map_err(|why| vec![why])?;
        let mut columns = Vec::new();
        let mut wrong = Vec::new();
        for name in &names {
            match Column::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
                Some((column, known)) if columns.contains(column) => {
                    wrong.push(format!("the column {known} is there twice"))
                }
                Some((column, _)) => columns.push(*column),
                None => wrong.push(format!(
                    "{name:?} is not a column; the heading is account,profile and, optionally, name,ticket,reason,storage"
                )),
            }
        }
        if let [only] = names.as_slice()
            && only.contains([';', '\t'])
        {
            return Err(vec!["the columns have to be separated by commas".to_owned()]);
        }
        for (needed, name) in &Column::ALL[..2] {
            if !columns.contains(needed) {
                wrong.push(format!("the column {name} is missing"));
            }
        }
        if wrong.is_empty() { Ok(Self(columns)) } else { Err(wrong) }
    }

    fn fields(&self, line: &[u8]) -> Result<Fields<'_>, String> {
        let values = split(line)?;
        if values.len() != self.0.len() {
            return Err(format!("{} fields, but the heading has {}", values.len(), self.0.len()));
        }
        Ok(Fields { columns: self, values })
    }
}

impl Fields<'_> {
    /// Empty where the roster has no such column.
    fn get(&self, column: Column) -> &str {
        let at = self.columns.0.iter().position(|other| *other == column);
        at.map_or("", |at| self.values[at].as_str())
    }

    /// The person, or everything that is wrong with the row.
    fn person(&self, profiles: &Profiles) -> Result<Person, Vec<String>> {
        let mut wrong = Vec::new();
        for (column, name) in Column::ALL {
            if let Some(hidden) = self.get(column).chars().find(|char| is_hidden(*char)) {
                wrong.push(format!("the {name} has a hidden character, U+{:04X}", u32::from(hidden)));
            }
        }
        if self.get(Column::Account).is_empty() {
            wrong.push("the account is empty".to_owned());
        }
        let profile = self.get(Column::Profile);
        let known = profile.parse().ok().filter(|name: &ProfileName| profiles.contains_key(name));
        if known.is_none() {
            let names: Vec<&str> = profiles.keys().map(ProfileName::as_str).collect();
            wrong.push(format!("there is no profile {profile:?}; there are {}", names.join(", ")));
        }
        let optional = |column| Some(self.get(column).to_owned()).filter(|value| !value.is_empty());
        match known {
            Some(profile) if wrong.is_empty() => Ok(Person {
                account: self.get(Column::Account).to_owned(),
                profile,
                name: optional(Column::Name),
                ticket: optional(Column::Ticket),
                reason: optional(Column::Reason),
                storage: optional(Column::Storage),
            }),
            _ => Err(wrong),
        }
    }
}

/// The fields of one line (RFC 4180), without white space around them.
fn split(line: &[u8]) -> Result<Vec<String>, String> {
    let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line))
        .map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to() + 1))?;
    if line.contains('\r') {
        return Err("a carriage return stands inside of the line; lines end in LF or CRLF".to_owned());
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).buffer_capacity(line.len()).from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|error| error.to_string())?;
    if !is_written_as(line, &record) {
        return Err("a quote is not closed, or stands inside of a field; write \" as \"\" in a quoted field".to_owned());
    }
    Ok(record.iter().map(|field| field.trim().to_owned()).collect())
}

/// Whether a line is how these fields are written, each quoted or not. The csv crate takes a stray quote for a character, and
/// the end of the file for a closing one.
fn is_written_as(line: &str, fields: &csv::StringRecord) -> bool {
    let mut rest = line;
    for (at, field) in fields.iter().enumerate() {
        let Some(after_comma) = (if at == 0 { Some(rest) } else { rest.strip_prefix(',') }) else { return false };
        let quoted = format!("\"{}\"", field.replace('"', "\"\""));
        let plain = Some(field).filter(|field| !field.contains('"'));
        let after =
            after_comma.strip_prefix(&quoted).or_else(|| plain.and_then(|field| after_comma.strip_prefix(field)));
        let Some(after) = after else { return false };
        rest = after;
    }
    rest.is_empty()
}

/// What makes a text look like another one, or steers a terminal. Joiners are let through, as names in some scripts need them.
fn is_hidden(char: char) -> bool {
    shown::is_hidden(char) && !shown::is_part_of_names(char)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;

    fn parse(text: impl AsRef<[u8]>) -> Result<Roster, RosterError> {
        Roster::parse("roster.csv", text.as_ref(), &built_in())
    }

    /// Row numbers and reasons of a roster that has to be refused.
    fn wrong_rows(text: impl AsRef<[u8]>) -> Vec<(usize, String)> {
        match parse(&text) {
            Err(RosterError::Rows { rows, .. }) => rows,
            other => panic!("{:?}: {other:?}", String::from_utf8_lossy(text.as_ref())),
        }
    }

    fn assert_wrong(text: impl AsRef<[u8]>, expected: &[(usize, &str)]) {
        let rows = wrong_rows(&text);
        let told = rows.len() == expected.len()
            && rows.iter().zip(expected).all(|((row, why), (at, part))| row == at && why.contains(part));
        assert!(told, "{rows:#?}\nexpected\n{expected:#?}");
    }

    #[test]
    fn people_are_read_in_the_order_of_the_file() {
        let roster = parse(
            "ticket,account,name,profile\nREQ-1,alice@example.org,\"Ali, \"\"A.\"\" Ce\",admin\n,bob@example.org,,break-glass",
        )
        .unwrap();
        let [alice, bob] = roster.people.as_slice() else { panic!("{roster:?}") };
        assert_eq!((alice.display_name(), alice.ticket.as_deref()), ("Ali, \"A.\" Ce", Some("REQ-1")));
        assert_eq!((bob.display_name(), bob.profile.as_str()), ("bob@example.org", "break-glass"));
        assert_eq!((&bob.name, &bob.ticket, &bob.reason, &bob.storage), (&None, &None, &None, &None));
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        let plain = parse("account,profile\nalice,admin\nbob,exec\n").unwrap();
        let text = "\u{feff}Account , Profile\r\n alice ,admin\r\n\r\nbob,\"exec\"\r\n\r\n";
        let roster = parse(text).unwrap();
        assert_eq!(roster.people, plain.people);
        assert_eq!(roster.sha256, <[u8; 32]>::from(Sha256::digest(text)));
        assert_ne!(roster.sha256, plain.sha256);
    }

    #[test]
    fn an_empty_roster_is_told_apart_from_a_wrong_one() {
        for text in ["", "\u{feff}", "\r\n\n", "account,profile", "account,profile\n\n"] {
            assert_eq!(parse(text), Err(RosterError::Empty { file: "roster.csv".to_owned() }), "{text:?}");
        }
    }

    #[test]
    fn the_heading_has_to_be_right() {
        assert_wrong(
            "alice,admin\n",
            &[
                (1, "\"alice\" is not a column"),
                (1, "\"admin\" is not a column"),
                (1, "account is missing"),
                (1, "profile is missing"),
            ],
        );
        assert_wrong("account,profile,Account\n", &[(1, "account is there twice")]);
        assert_wrong("\naccount,name\nalice,Alice\n", &[(2, "profile is missing")]);
        assert_wrong("account;profile\nalice;admin\n", &[(1, "separated by commas")]);
        assert_wrong(b"\xff\xfea\0", &[(1, "UTF-16")]);
        assert_wrong("account,profile\ralice,admin\r", &[(1, "carriage return")]);
    }

    #[test]
    fn all_wrong_rows_are_told_at_once() {
        let text = b"account,profile,name\r\n\
            alice,admin,Alice\r\n\
            bob,Boss,Bob\r\n\
            ,admin,Nobody\r\n\
            \r\n\
            dave,admin\r\n\
            erin,admin,Erin,1\r\n\
            fr\xffed,admin,Fred\r\n\
            ALICE,exec,Alice\r\n\
            BOB,exec,Bob\r\n\
            gina,,G\x07na\r\n";
        assert_wrong(
            text,
            &[
                (3, "no profile \"Boss\"; there are admin, break-glass, exec, finance"),
                (4, "the account is empty"),
                (6, "2 fields, but the heading has 3"),
                (7, "4 fields, but the heading has 3"),
                (8, "byte 3 is not UTF-8"),
                (9, "\"ALICE\" is in row 2 already"),
                (10, "\"BOB\" is in row 3 already"),
                (11, "the name has a hidden character, U+0007"),
                (11, "no profile \"\""),
            ],
        );
    }

    #[test]
    fn a_login_is_the_same_in_any_case_and_form() {
        assert_wrong(
            "account,profile\nren\u{e9}@example.org,exec\nRENE\u{301}@example.org,exec\nrene@example.org,exec",
            &[(3, "in row 2 already")],
        );
    }

    #[test]
    fn a_login_that_looks_like_another_is_refused() {
        assert_wrong("account,profile\nali\u{200b}ce,admin\n\u{202e}bob,admin", &[(2, "U+200B"), (3, "U+202E")]);
    }

    #[test]
    fn a_stray_quote_spoils_its_own_row_only() {
        for broken in ["\"alice,admin", "alice,\"admin", "al\"ice,admin", "\"ali\"ce,admin", "\"alice\"\",admin"] {
            assert_wrong(format!("account,profile\n{broken}\nbob,nobody\n"), &[(2, "quote"), (3, "no profile")]);
        }
        assert!(parse("account,profile\n\"alice\",\"admin\"").is_ok());
    }

    #[test]
    fn the_error_counts_the_rows() {
        let error = parse("account,profile\nalice,x\nbob,y\n").unwrap_err().to_string();
        assert_eq!(error, "roster.csv: 2 rows are wrong");
        assert_eq!(parse("account,profile\nalice,x").unwrap_err().to_string(), "roster.csv: 1 row is wrong");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Roster::read(Path::new("/nowhere/roster.csv"), &built_in()).unwrap_err();
        assert!(matches!(error, RosterError::Unreadable { file, .. } if file == "/nowhere/roster.csv"));
    }
}
