//! The texts and the salts, in two tables beside the log.
//!
//! Erasing writes both tables anew in the same transaction and overwrites their old pages, so that nothing of a text stays in the
//! file; what the write-ahead log still has of it goes with the next checkpoint. It refuses a text that its token does not fit,
//! and one that is gone without having been erased.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;
use rusqlite::{Connection, OptionalExtension, params};
use zeroize::Zeroizing;

use super::person::{Person, identity, kept_text, key, new_salt};
use super::{PersonTexts, SideRows, Texts, Token, commit, is_committed};
use crate::ledger::{AccountId, Event};

/// The tables. `account` is the account's identity as JSON, empty for texts about nobody in particular; of an erased person it is
/// NULL, and so is the salt. `named_in_log` is 1 where events of version 0.1.0 have the account's login in plain text: its events
/// go on to do so, because they would not be one account's otherwise.
const SCHEMA: &str = "
    CREATE TABLE persons (number INTEGER PRIMARY KEY, account TEXT UNIQUE, salt BLOB, named_in_log INTEGER NOT NULL) STRICT;
    CREATE TABLE texts (person INTEGER NOT NULL, code BLOB NOT NULL, text TEXT NOT NULL, PRIMARY KEY (person, code))
        STRICT, WITHOUT ROWID;
";

/// The tables again, without a trace of what was deleted from them: with `secure_delete` the pages of a dropped table are
/// overwritten, while a row that is deleted may have left copies where pages were split.
const ANEW: &str = "
    ALTER TABLE persons RENAME TO old_persons;
    ALTER TABLE texts RENAME TO old_texts;
";
const DROP_OLD: &str = "
    INSERT INTO persons SELECT * FROM old_persons ORDER BY number;
    INSERT INTO texts SELECT * FROM old_texts;
    DROP TABLE old_persons;
    DROP TABLE old_texts;
";

/// Entries that a cache has at the most; then it begins anew.
const CACHED: usize = 65_536;

/// What was read and checked lately.
#[derive(Default)]
pub(in crate::ledger) struct SideTables {
    salts: HashMap<u64, Arc<hmac::Key>>,
    texts: HashMap<Token, Arc<str>>,
}

/// Why a text cannot be told.
pub(in crate::ledger) enum SideError {
    /// The database's words.
    Database(rusqlite::Error),
    /// The text is not what was written.
    Changed(String),
}

impl From<rusqlite::Error> for SideError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// What names an account in an event of version 0.1.0.
#[derive(serde::Deserialize)]
struct Planned {
    account: AccountId,
}

impl SideTables {
    /// Makes the tables of a ledger that has none, within a transaction. Accounts that its events name stay named.
    pub(in crate::ledger) fn make(database: &Connection) -> rusqlite::Result<()> {
        database.execute_batch(SCHEMA)?;
        let mut events =
            database.prepare("SELECT body FROM events WHERE body LIKE '{\"event\":\"account-planned\",%'")?;
        let mut rows = events.query([])?;
        while let Some(row) = rows.next()? {
            // What cannot be read is told by whoever reads the log.
            let Ok(Planned { account }) = serde_json::from_str(row.get_ref(0)?.as_str().unwrap_or_default()) else {
                continue;
            };
            database.execute(
                "INSERT OR IGNORE INTO persons (account, salt, named_in_log) VALUES (?1, ?2, 1)",
                params![identity(Some(&account)), &*new_salt()],
            )?;
        }
        Ok(())
    }

    /// An event as it stands in the log; its texts are kept beside it. Within the transaction that appends it.
    pub(in crate::ledger) fn commit(
        database: &Connection,
        event: &Event,
        about: Option<&AccountId>,
    ) -> Result<(String, Texts), SideError> {
        let (mut person, mut texts) = (None, Texts::default());
        let body = commit(event, |member, text| {
            let known = match &mut person {
                Some(known) => known,
                unknown => unknown.insert(person_of(database, about)?),
            };
            let Some(token) = known.token(member, text) else { return Ok(None) };
            database
                .prepare_cached("INSERT OR IGNORE INTO texts (person, code, text) VALUES (?1, ?2, ?3)")?
                .execute(params![number(token.person), token.code, text])?;
            texts.0.insert(token, text.into());
            Ok::<_, SideError>(Some(token))
        })?;
        Ok((body, texts))
    }

    /// The texts of an entry.
    pub(in crate::ledger) fn texts_of(&mut self, database: &Connection, body: &str) -> Result<Texts, SideError> {
        let mut texts = Texts::default();
        if is_committed(body) {
            for token in Token::all_in(body) {
                if let Some(text) = self.text(database, token)? {
                    texts.0.insert(token, text);
                }
            }
        }
        Ok(texts)
    }

    /// Erases what the ledger keeps of a person: the texts and the salt. Within a transaction.
    pub(in crate::ledger) fn erase(&mut self, database: &Connection, account: &AccountId) -> Result<(), SideError> {
        let account = identity(Some(account));
        let person = find(database, &account)?;
        let Some(Person { number: person, named_in_log, .. }) = person else { return Ok(()) };
        database.execute("DELETE FROM texts WHERE person = ?1", [number(person)])?;
        database.execute("UPDATE persons SET account = NULL, salt = NULL WHERE number = ?1", [number(person)])?;
        database.execute_batch(&format!("{ANEW}{SCHEMA}{DROP_OLD}"))?;
        if named_in_log {
            add(database, &account, true)?;
        }
        (self.salts, self.texts) = (HashMap::new(), HashMap::new());
        Ok(())
    }

    /// Every person, without texts.
    pub(in crate::ledger) fn persons(database: &Connection) -> Result<Vec<PersonTexts>, SideError> {
        let mut select = database.prepare("SELECT number, salt FROM persons ORDER BY number")?;
        let mut rows = select.query([])?;
        let mut persons = Vec::new();
        while let Some(row) = rows.next()? {
            let number = person_number(row.get(0)?)?;
            let salt = row.get::<_, Option<[u8; 32]>>(1)?.map(Zeroizing::new);
            persons.push(PersonTexts { number, salt, texts: Vec::new() });
        }
        Ok(persons)
    }

    /// The texts that are kept of a person.
    pub(in crate::ledger) fn texts_about(database: &Connection, person: u64) -> rusqlite::Result<Vec<String>> {
        let mut select = database.prepare_cached("SELECT text FROM texts WHERE person = ?1 ORDER BY text")?;
        select.query_map([number(person)], |row| row.get(0))?.collect()
    }

    /// All that the tables have.
    pub(in crate::ledger) fn rows(database: &Connection) -> rusqlite::Result<SideRows> {
        let mut persons =
            database.prepare("SELECT number, account, salt, named_in_log FROM persons ORDER BY number")?;
        let persons = persons.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let mut texts = database.prepare("SELECT person, code, text FROM texts ORDER BY person, code")?;
        let texts = texts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(SideRows { persons: persons.collect::<Result<_, _>>()?, texts: texts.collect::<Result<_, _>>()? })
    }

    /// Fills empty tables.
    pub(in crate::ledger) fn fill(database: &Connection, rows: &SideRows) -> rusqlite::Result<()> {
        for (number, account, salt, named) in &rows.persons {
            database
                .prepare_cached("INSERT INTO persons (number, account, salt, named_in_log) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![number, account, salt, named])?;
        }
        for (person, code, text) in &rows.texts {
            database
                .prepare_cached("INSERT INTO texts (person, code, text) VALUES (?1, ?2, ?3)")?
                .execute(params![person, code, text])?;
        }
        Ok(())
    }

    /// A text that was checked; `None` if it was erased.
    fn text(&mut self, database: &Connection, token: Token) -> Result<Option<Arc<str>>, SideError> {
        if let Some(text) = self.texts.get(&token) {
            return Ok(Some(Arc::clone(text)));
        }
        let text = database
            .prepare_cached("SELECT text FROM texts WHERE person = ?1 AND code = ?2")?
            .query_row(params![number(token.person), token.code], |row| row.get::<_, String>(0))
            .optional()?;
        let salt = self.salt(database, token.person)?;
        let text = kept_text(token, text, salt.as_deref()).map_err(SideError::Changed)?;
        if let Some(text) = &text {
            make_room(&mut self.texts);
            self.texts.insert(token, Arc::clone(text));
        }
        Ok(text)
    }

    /// A person's salt; `None` if it was erased.
    fn salt(&mut self, database: &Connection, person: u64) -> Result<Option<Arc<hmac::Key>>, SideError> {
        if let Some(salt) = self.salts.get(&person) {
            return Ok(Some(Arc::clone(salt)));
        }
        let salt = database
            .prepare_cached("SELECT salt FROM persons WHERE number = ?1")?
            .query_row([number(person)], |row| row.get::<_, Option<[u8; 32]>>(0))
            .optional()?
            .ok_or_else(|| SideError::Changed(format!("person {person} of the ledger is gone")))?;
        let salt = salt.map(Zeroizing::new).map(|salt| Arc::new(key(&salt)));
        if let Some(salt) = &salt {
            make_room(&mut self.salts);
            self.salts.insert(person, Arc::clone(salt));
        }
        Ok(salt)
    }
}

/// Whom an event is about, who is new if no event was about them.
fn person_of(database: &Connection, about: Option<&AccountId>) -> Result<Person, SideError> {
    let account = identity(about);
    match find(database, &account)? {
        Some(known) => Ok(known),
        None => add(database, &account, false),
    }
}

fn find(database: &Connection, account: &str) -> Result<Option<Person>, SideError> {
    let found = database
        .prepare_cached("SELECT number, salt, named_in_log FROM persons WHERE account = ?1")?
        .query_row([account], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get(2)?)))
        .optional()?;
    let Some((found, salt, named_in_log)) = found else { return Ok(None) };
    let number = person_number(found)?;
    Ok(Some(Person { number, salt: key(&Zeroizing::new(salt)), named_in_log }))
}

fn add(database: &Connection, account: &str, named_in_log: bool) -> Result<Person, SideError> {
    let salt = new_salt();
    // Numbers are never used again: the row of an erased person stays.
    let number = database.query_row(
        "INSERT INTO persons (account, salt, named_in_log) VALUES (?1, ?2, ?3) RETURNING number",
        params![account, &*salt, named_in_log],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(Person { number: person_number(number)?, salt: key(&salt), named_in_log })
}

/// A person's number as SQLite had it.
fn person_number(found: i64) -> Result<u64, SideError> {
    u64::try_from(found).map_err(|_| SideError::Changed(format!("a person of the ledger has the number {found}")))
}

/// A person's number as SQLite has it; no ledger has as many persons as would not fit.
fn number(person: u64) -> i64 {
    i64::try_from(person).unwrap_or(i64::MAX)
}

fn make_room<K, V>(cache: &mut HashMap<K, V>) {
    if cache.len() >= CACHED {
        cache.clear();
    }
}
