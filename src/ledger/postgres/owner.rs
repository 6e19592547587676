//! What the register's owner does: making the tables, giving roles their rights, migrating; and what anybody can see of it.
//!
//! It refuses to change what a newer keywright made.

use std::time::Duration;

use time::OffsetDateTime;

use super::column::value;
use super::connection::{Access, Connection};
use super::{VERSION, entry};
use crate::ledger::{Head, LedgerError};

/// The oldest PostgreSQL that has all that the tables need.
const OLDEST_SERVER: i32 = 130_000;

/// Who may do what with a register, besides its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Roles of stations: they read, and append by one function.
    pub writers: Vec<String>,
    /// Roles that read.
    pub readers: Vec<String>,
}

/// What a server shows of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The server's version, in its own words.
    pub server: String,
    /// The newest event.
    pub head: Head,
    /// Whether it follows another server and cannot be written.
    pub is_replica: bool,
    /// Whether this role may append.
    pub appends: bool,
    /// Whether this role could change what was written: it owns the tables, or is a superuser.
    pub could_change: bool,
    /// How far this station's clock is ahead of the server's, in seconds.
    pub clock_ahead: i64,
}

/// Makes the register where there is none, and gives these roles their rights.
pub fn init(access: Access, roles: &Roles) -> Result<(), LedgerError> {
    let mut connection = Connection::open(access)?;
    let row = connection.ask_one(
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_user::text,
            to_regclass('keywright.format') IS NOT NULL",
        &[],
    )?;
    let (server, encoding, owner, is_there): (i32, String, String, bool) =
        (value(&row, 0)?, value(&row, 1)?, value(&row, 2)?, value(&row, 3)?);
    if server < OLDEST_SERVER {
        return Err(LedgerError::Database(format!(
            "PostgreSQL 13 is the oldest that will do, and this is {}",
            server / 10_000
        )));
    }
    if encoding != "UTF8" {
        return Err(LedgerError::Database(format!("the database's encoding is {encoding}; make one in UTF8")));
    }
    if roles.writers.iter().chain(&roles.readers).any(|role| *role == owner) {
        let why = format!("{owner} makes the register and could change it; a station needs a role of its own");
        return Err(LedgerError::NoRight { place: connection.place(), why });
    }
    let schema = if is_there {
        require_version(&mut connection)?;
        ""
    } else {
        include_str!("schema.sql")
    };
    connection.execute(&format!("BEGIN;\n{schema}\n{}COMMIT;", grants(roles)))
}

/// Brings an older register to the format of this keywright. Gives back which it had.
pub fn migrate(access: Access) -> Result<i32, LedgerError> {
    let mut connection = Connection::open(access)?;
    // There is no older one yet.
    require_version(&mut connection)?;
    Ok(VERSION)
}

/// What this role sees of the register. Changes nothing.
pub fn health(access: Access) -> Result<Health, LedgerError> {
    let mut connection = Connection::open(access)?;
    require_version(&mut connection)?;
    let row = connection.ask_one(
        "SELECT current_setting('server_version'), pg_is_in_recovery(), extract(epoch FROM clock_timestamp())::float8,
            coalesce(has_function_privilege((SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'keywright' AND p.proname = 'append'), 'EXECUTE'), false),
            (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = to_regclass('keywright.events'))",
        &[],
    )?;
    let servers = OffsetDateTime::UNIX_EPOCH + Duration::from_secs_f64(value::<f64>(&row, 2)?.max(0.0));
    let newest = connection.ask("SELECT seq, time, body, hash FROM keywright.events ORDER BY seq DESC LIMIT 1", &[])?;
    Ok(Health {
        server: value(&row, 0)?,
        head: newest.first().map_or(Ok(Head::EMPTY), |row| entry(row).map(|entry| entry.head()))?,
        is_replica: value(&row, 1)?,
        appends: value(&row, 3)?,
        could_change: value(&row, 4)?,
        clock_ahead: (OffsetDateTime::now_utc() - servers).whole_seconds(),
    })
}

/// Fails unless the register has the format of this keywright.
pub(super) fn require_version(connection: &mut Connection) -> Result<(), LedgerError> {
    let place = connection.place();
    let there = match connection.ask_one("SELECT to_regclass('keywright.format') IS NOT NULL", &[]) {
        // Without the right to look into the schema there is nothing to be seen in it.
        Err(LedgerError::NoRight { .. }) => None,
        there => Some(value(&there?, 0)?),
    };
    match there {
        Some(true) => {}
        Some(false) => return Err(LedgerError::Missing { path: place }),
        None => {
            let why = "this role has no right to the register".to_owned();
            return Err(LedgerError::NoRight { place, why });
        }
    }
    let row = connection.ask_one("SELECT max(version) FROM keywright.format", &[])?;
    match value::<Option<i32>>(&row, 0)? {
        Some(VERSION) => Ok(()),
        Some(found) if found > VERSION => {
            Err(LedgerError::Newer { path: place, found: found.into(), known: VERSION.into() })
        }
        Some(found) => Err(LedgerError::Older { path: place, found: found.into(), known: VERSION.into() }),
        None => Err(LedgerError::NotALedger { path: place }),
    }
}

fn grants(roles: &Roles) -> String {
    let mut sql = String::new();
    for role in roles.writers.iter().chain(&roles.readers).map(|role| quoted(role)) {
        sql.push_str(&format!("GRANT USAGE ON SCHEMA keywright TO {role};\n"));
        sql.push_str(&format!(
            "GRANT SELECT ON keywright.format, keywright.events, keywright.persons, keywright.texts, keywright.claims \
             TO {role};\n"
        ));
    }
    for role in roles.writers.iter().map(|role| quoted(role)) {
        sql.push_str(&format!(
            "GRANT EXECUTE ON FUNCTION keywright.append, keywright.scrub, keywright.claim, keywright.renew, \
             keywright.release, keywright.keep_pin, keywright.find_pin, keywright.destroy_pin TO {role};\n"
        ));
    }
    sql
}

/// A name as SQL takes any.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_of_any_name_is_a_name() {
        let roles = Roles { writers: vec!["a\"; DROP".to_owned()], readers: Vec::new() };
        assert!(grants(&roles).lines().all(|line| line.ends_with("TO \"a\"\"; DROP\";")));
        assert_eq!(grants(&Roles::default()), "");
    }
}
