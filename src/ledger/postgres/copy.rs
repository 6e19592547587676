//! A whole log from a file into a database, and back: the same bytes, with people's texts and salts as they are.
//!
//! It refuses a target that has events already, and says nothing of a copy that does not read back to the same head.

use std::path::Path;

use tokio_postgres::types::Type;

use super::column::value;
use super::connection::{Access, Connection};
use super::owner::require_version;
use super::{PostgresStore, number};
use crate::ledger::chain::Walk;
use crate::ledger::personal::SideRows;
use crate::ledger::{Entry, Head, LedgerError, SqliteStore, Store};

/// Entries that are sent at once.
const PAGE: usize = 500;

/// Copies a file into a register that `init` made and nobody wrote to, as its owner. Gives the head of both.
pub fn copy_into_server(from: &SqliteStore, access: Access) -> Result<Head, LedgerError> {
    let mut connection = Connection::open(access.clone())?;
    require_version(&mut connection)?;
    let begun = connection.ask_one("SELECT EXISTS (SELECT FROM keywright.events)", &[])?;
    if value(&begun, 0)? {
        return Err(LedgerError::NotEmpty { path: connection.place() });
    }
    let side = from.side_rows()?;
    connection.execute("BEGIN; SELECT 1 FROM keywright.format FOR UPDATE")?;
    let copied = send(&mut connection, from, &side);
    connection.execute(if copied.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    let head = copied?;
    same(&head, &PostgresStore::read(access)?)?;
    Ok(head)
}

/// Copies a register into a new file. Gives the head of both.
pub fn copy_into_file(from: &PostgresStore, file: &Path) -> Result<Head, LedgerError> {
    if file.exists() {
        return Err(LedgerError::NotEmpty { path: file.display().to_string() });
    }
    let to = SqliteStore::open(file, Box::new(time::OffsetDateTime::now_utc))?;
    let head = to.fill(from, || from.side_rows())?;
    same(&head, &to)?;
    Ok(head)
}

impl PostgresStore {
    fn side_rows(&self) -> Result<SideRows, LedgerError> {
        let mut connection = self.connection();
        let mut side = SideRows::default();
        let sql = "SELECT number, account, salt, named_in_log FROM keywright.persons ORDER BY number";
        for row in connection.ask(sql, &[])? {
            side.persons.push((value(&row, 0)?, value(&row, 1)?, value(&row, 2)?, value(&row, 3)?));
        }
        for row in connection.ask("SELECT person, code, text FROM keywright.texts ORDER BY person, code", &[])? {
            let text = String::from_utf8(value(&row, 2)?);
            let text = text.map_err(|_| LedgerError::broken(0, "a text about a person was changed"))?;
            side.texts.push((value(&row, 0)?, value(&row, 1)?, text));
        }
        Ok(side)
    }
}

/// Reads the whole copy, with its texts.
fn same(head: &Head, copy: &dyn Store) -> Result<(), LedgerError> {
    let mut walk = Walk::start(Some(head))?;
    copy.rows(0, &mut |entry| walk.step(&entry).map(drop))?;
    walk.end()
}

fn send(connection: &mut Connection, from: &SqliteStore, side: &SideRows) -> Result<Head, LedgerError> {
    for page in side.persons.chunks(PAGE) {
        let numbers: Vec<i64> = page.iter().map(|row| row.0).collect();
        let accounts: Vec<Option<&str>> = page.iter().map(|row| row.1.as_deref()).collect();
        let salts: Vec<Option<&[u8]>> = page.iter().map(|row| row.2.as_deref()).collect();
        let named: Vec<bool> = page.iter().map(|row| row.3).collect();
        connection.ask_once(
            "INSERT INTO keywright.persons SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::boolean[])",
            &[
                (&numbers, Type::INT8_ARRAY),
                (&accounts, Type::TEXT_ARRAY),
                (&salts, Type::BYTEA_ARRAY),
                (&named, Type::BOOL_ARRAY),
            ],
        )?;
    }
    for page in side.texts.chunks(PAGE) {
        let persons: Vec<i64> = page.iter().map(|row| row.0).collect();
        let codes: Vec<&[u8]> = page.iter().map(|row| row.1.as_slice()).collect();
        let texts: Vec<&[u8]> = page.iter().map(|row| row.2.as_bytes()).collect();
        connection.ask_once(
            "INSERT INTO keywright.texts SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])",
            &[(&persons, Type::INT8_ARRAY), (&codes, Type::BYTEA_ARRAY), (&texts, Type::BYTEA_ARRAY)],
        )?;
    }
    let (mut head, mut page) = (Head::EMPTY, Vec::new());
    from.each(&Head::EMPTY, &mut |entry| {
        head = entry.head();
        page.push(entry);
        if page.len() < PAGE { Ok(()) } else { send_page(connection, &mut page) }
    })?;
    send_page(connection, &mut page)?;
    Ok(head)
}

fn send_page(connection: &mut Connection, page: &mut Vec<Entry>) -> Result<(), LedgerError> {
    let page = std::mem::take(page);
    let numbers: Vec<i64> = page.iter().map(|entry| number(entry.seq)).collect();
    let times: Vec<&str> = page.iter().map(|entry| entry.time.as_str()).collect();
    let bodies: Vec<&str> = page.iter().map(|entry| entry.body.as_str()).collect();
    let hashes: Vec<&[u8]> = page.iter().map(|entry| entry.hash.as_slice()).collect();
    connection
        .ask_once(
            "INSERT INTO keywright.events (seq, time, body, hash, writing)
             SELECT s, t, b, h, '\\x' FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[]) AS e (s, t, b, h)
             ORDER BY s",
            &[
                (&numbers, Type::INT8_ARRAY),
                (&times, Type::TEXT_ARRAY),
                (&bodies, Type::TEXT_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
            ],
        )
        .map(drop)
}
