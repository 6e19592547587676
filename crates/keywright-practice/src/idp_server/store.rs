//! What the practice IdP remembers: accounts, ceremonies, credentials, sign-ins, in one SQLite database.
//!
//! It answers questions and keeps rows; whether something may be done is decided in [`super::ceremony`]. It refuses a
//! database of another program, of a later version, of another relying party, and one that another server has open.

mod estate;

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, params};
use time::OffsetDateTime;

pub(super) use self::estate::StoredPass;
use super::wire::User;
use super::wire::{Credential, NewUser, Pending, UserChange};
use keywright_fido::webauthn::{Aaguid, Challenge, CosePublicKey, CredentialId, RpId, UserHandle};
use keywright_files::{FileError, private};

/// `PRAGMA application_id`: "kwdr".
const APPLICATION: i32 = 0x6b77_6472;
/// `PRAGMA user_version`.
const VERSION: i32 = 1;

/// What databases of version 1 may lack; those who read it without this find all that they know.
const SINCE: &str = "
    CREATE TABLE IF NOT EXISTS revoked (
        credential_id BLOB PRIMARY KEY,
        user TEXT NOT NULL REFERENCES user,
        label TEXT NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS instance (id TEXT NOT NULL) STRICT;
    INSERT INTO instance SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM instance);
";

const SCHEMA: &str = "
    CREATE TABLE relying_party (rp_id TEXT NOT NULL) STRICT;
    CREATE TABLE user (
        id TEXT PRIMARY KEY,
        handle BLOB NOT NULL UNIQUE,
        login TEXT NOT NULL UNIQUE COLLATE NOCASE,
        display_name TEXT NOT NULL,
        active INTEGER NOT NULL,
        other_methods TEXT NOT NULL
    ) STRICT;
    CREATE TABLE ceremony (
        id TEXT PRIMARY KEY,
        user TEXT NOT NULL REFERENCES user,
        challenge BLOB NOT NULL,
        deadline INTEGER NOT NULL,
        completed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE credential (
        id TEXT PRIMARY KEY,
        user TEXT NOT NULL REFERENCES user,
        credential_id BLOB NOT NULL UNIQUE,
        public_key BLOB NOT NULL,
        aaguid BLOB NOT NULL,
        label TEXT NOT NULL,
        transports TEXT NOT NULL,
        sign_count INTEGER NOT NULL,
        created INTEGER NOT NULL,
        last_used INTEGER
    ) STRICT;
    CREATE TABLE sign_in (
        id TEXT PRIMARY KEY,
        user TEXT NOT NULL REFERENCES user,
        challenge BLOB NOT NULL,
        deadline INTEGER NOT NULL,
        tried INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX ceremony_of ON ceremony (user);
    CREATE INDEX credential_of ON credential (user);
";

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Its file cannot be made.
    #[error(transparent)]
    Private(#[from] FileError),
    /// Another server has it open.
    #[error("another server has it open")]
    Locked,
    /// It is no practice IdP's database.
    #[error("it belongs to another program")]
    Foreign,
    /// A later version of the program made it.
    #[error("a later version of keywright made it")]
    Newer,
    /// Its credentials are of another relying party and would not sign in.
    #[error("its credentials belong to the RP ID {0}")]
    RelyingParty(String),
}

/// An account with what only the server knows.
pub(super) struct Account {
    /// What others see.
    pub user: User,
    /// 32 random bytes, distinct from the id: it is on every key.
    pub handle: UserHandle,
}

/// A ceremony or a sign-in that was begun.
pub(super) struct Waiting {
    /// The challenge that was sent.
    pub challenge: Challenge,
    /// After this it is over.
    pub deadline: OffsetDateTime,
    /// Whether it was completed, or tried.
    pub ended: bool,
}

/// A credential with what verifies its signatures.
pub(super) struct Stored {
    /// Whose it is.
    pub user: String,
    /// What others see.
    pub credential: Credential,
    /// The key that was registered.
    pub public_key: CosePublicKey,
}

/// A credential that was revoked.
#[derive(Debug)]
pub(super) struct Revoked {
    /// The credential id.
    pub credential_id: CredentialId,
    /// What it was called.
    pub label: String,
    /// When it was revoked.
    pub at: OffsetDateTime,
}

/// The database.
pub(super) struct Store {
    db: Connection,
}

impl Store {
    /// Opens or makes the file; `None` keeps everything in memory.
    pub(super) fn open(path: Option<&Path>, rp_id: &RpId) -> Result<Self, StoreError> {
        let locked = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked,
            Some(ErrorCode::NotADatabase) => StoreError::Foreign,
            _ => StoreError::Sqlite(error),
        };
        let mut db = match path {
            Some(path) => {
                private::create(path)?;
                Connection::open(path)?
            }
            None => Connection::open_in_memory()?,
        };
        db.busy_timeout(Duration::ZERO)?;
        db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        db.pragma_update(None, "foreign_keys", true)?;
        let change = db.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(locked)?;
        let (application, version, tables): (i32, i32, u32) = change.query_row(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
             FROM pragma_application_id, pragma_user_version",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        match (application, version, tables) {
            (0, 0, 0) => {
                change.pragma_update(None, "application_id", APPLICATION)?;
                change.pragma_update(None, "user_version", VERSION)?;
                change.execute_batch(SCHEMA)?;
                change.execute("INSERT INTO relying_party VALUES (?1)", [rp_id.as_str()])?;
            }
            (APPLICATION, VERSION, _) => {
                let found: String = change.query_row("SELECT rp_id FROM relying_party", [], |row| row.get(0))?;
                if found != rp_id.as_str() {
                    return Err(StoreError::RelyingParty(found));
                }
            }
            (APPLICATION, _, _) => return Err(StoreError::Newer),
            _ => return Err(StoreError::Foreign),
        }
        change.execute_batch(SINCE)?;
        change.execute_batch(estate::SINCE)?;
        change.commit()?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self { db })
    }

    /// What the server is known by, wherever it listens: 32 hexadecimal digits.
    pub(super) fn instance(&self) -> rusqlite::Result<String> {
        self.db.query_row("SELECT id FROM instance", [], |row| row.get(0))
    }

    /// Makes an account; `false` if the login is taken.
    pub(super) fn create_user(&self, id: &str, handle: &UserHandle, new: &NewUser) -> rusqlite::Result<bool> {
        let added = self.db.execute(
            "INSERT INTO user VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (login) DO NOTHING",
            params![id, handle.as_bytes(), new.login, new.display_name, new.active, list_text(&new.other_methods)],
        )?;
        Ok(added == 1)
    }

    /// Accounts by login; all of them, or the one with this login or id.
    pub(super) fn users(&self, login: Option<&str>) -> rusqlite::Result<Vec<User>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, login, display_name, active, EXISTS (SELECT 1 FROM suspended WHERE suspended.user = user.id)
             FROM user WHERE ?1 IS NULL OR login = ?1 OR id = ?1 ORDER BY login",
        )?;
        query.query_map([login], user)?.collect()
    }

    /// The account with this id.
    pub(super) fn account(&self, id: &str) -> rusqlite::Result<Option<Account>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, login, display_name, active, EXISTS (SELECT 1 FROM suspended WHERE suspended.user = user.id), handle
             FROM user WHERE id = ?1",
        )?;
        query
            .query_row([id], |row| Ok(Account { user: user(row)?, handle: bytes(row, 5, UserHandle::new)? }))
            .optional()
    }

    /// Changes an account; `false` if the login is taken.
    pub(super) fn change_user(&self, id: &str, change: &UserChange) -> rusqlite::Result<bool> {
        let changed = self.db.execute(
            "UPDATE OR IGNORE user SET login = coalesce(?5, login), display_name = coalesce(?2, display_name), active = coalesce(?3, active),
                other_methods = coalesce(?4, other_methods) WHERE id = ?1",
            params![id, change.display_name, change.active, change.other_methods.as_deref().map(list_text), change.login],
        )?;
        Ok(changed == 1)
    }

    /// Weaker ways to sign in that the account has.
    pub(super) fn other_methods(&self, user: &str) -> rusqlite::Result<Vec<String>> {
        self.db.query_row("SELECT other_methods FROM user WHERE id = ?1", [user], |row| list(row, 0))
    }

    /// Remembers a registration that begins.
    pub(super) fn begin_ceremony(
        &self,
        id: &str,
        user: &str,
        challenge: &Challenge,
        deadline: OffsetDateTime,
    ) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT INTO ceremony (id, user, challenge, deadline) VALUES (?1, ?2, ?3, ?4)",
            params![id, user, challenge.as_bytes(), deadline.unix_timestamp()],
        )?;
        Ok(())
    }

    /// Registrations of this user that nobody completed, the oldest first.
    pub(super) fn pending(&self, user: &str) -> rusqlite::Result<Vec<Pending>> {
        let mut query = self
            .db
            .prepare_cached("SELECT id, deadline FROM ceremony WHERE user = ?1 AND NOT completed ORDER BY rowid")?;
        query.query_map([user], |row| Ok(Pending { id: row.get(0)?, deadline: time(row, 1)? }))?.collect()
    }

    /// This user's ceremony.
    pub(super) fn ceremony(&self, user: &str, id: &str) -> rusqlite::Result<Option<Waiting>> {
        let mut query = self
            .db
            .prepare_cached("SELECT challenge, deadline, completed FROM ceremony WHERE user = ?1 AND id = ?2")?;
        query.query_row([user, id], waiting).optional()
    }

    /// Removes a ceremony.
    pub(super) fn forget_ceremony(&self, id: &str) -> rusqlite::Result<()> {
        self.db.execute("DELETE FROM ceremony WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Keeps the credential and ends its ceremony, both or neither; `false` if somebody has this credential id.
    pub(super) fn register(&mut self, stored: &Stored) -> rusqlite::Result<bool> {
        let Stored { user, credential, public_key } = stored;
        let change = self.db.transaction()?;
        let added = change.execute(
            "INSERT INTO credential VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)
             ON CONFLICT (credential_id) DO NOTHING",
            params![
                credential.id,
                user,
                credential.credential_id.as_bytes(),
                public_key.bytes,
                credential.aaguid.0,
                credential.label,
                list_text(&credential.transports),
                credential.sign_count,
                credential.created.unix_timestamp(),
            ],
        )?;
        if added == 1 {
            change.execute("UPDATE ceremony SET completed = 1 WHERE id = ?1", [&credential.id])?;
        }
        change.commit()?;
        Ok(added == 1)
    }

    /// The user's credentials, the oldest first.
    pub(super) fn credentials(&self, user: &str) -> rusqlite::Result<Vec<Credential>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, credential_id, label, aaguid, transports, sign_count, created, last_used
             FROM credential WHERE user = ?1 ORDER BY rowid",
        )?;
        query.query_map([user], credential)?.collect()
    }

    /// The credential with this credential id, whosever it is.
    pub(super) fn credential(&self, credential_id: &CredentialId) -> rusqlite::Result<Option<Stored>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, credential_id, label, aaguid, transports, sign_count, created, last_used, user, public_key
             FROM credential WHERE credential_id = ?1",
        )?;
        query
            .query_row([credential_id.as_bytes()], |row| {
                Ok(Stored {
                    user: row.get(8)?,
                    credential: credential(row)?,
                    public_key: bytes(row, 9, |bytes| CosePublicKey::parse(&bytes))?,
                })
            })
            .optional()
    }

    /// Gives a credential of this user another label, if it is there.
    pub(super) fn relabel(&self, user: &str, id: &str, label: &str) -> rusqlite::Result<()> {
        self.db.execute("UPDATE credential SET label = ?3 WHERE user = ?1 AND id = ?2", [user, id, label])?;
        Ok(())
    }

    /// Removes a credential of this user, and remembers that it was there; `false` if there is none.
    pub(super) fn revoke(&mut self, user: &str, id: &str, at: OffsetDateTime) -> rusqlite::Result<bool> {
        let change = self.db.transaction()?;
        change.execute(
            "INSERT OR REPLACE INTO revoked
             SELECT credential_id, user, label, ?3 FROM credential WHERE user = ?1 AND id = ?2",
            params![user, id, at.unix_timestamp()],
        )?;
        let removed = change.execute("DELETE FROM credential WHERE user = ?1 AND id = ?2", [user, id])?;
        change.commit()?;
        Ok(removed == 1)
    }

    /// The user's revoked credentials, the latest first, and not more than browsers take beside those that are left.
    pub(super) fn revoked(&self, user: &str) -> rusqlite::Result<Vec<Revoked>> {
        let mut query = self.db.prepare_cached(
            "SELECT credential_id, label, at FROM revoked WHERE user = ?1 ORDER BY at DESC, rowid DESC LIMIT 16",
        )?;
        let revoked = |row: &Row<'_>| {
            Ok(Revoked { credential_id: bytes(row, 0, CredentialId::new)?, label: row.get(1)?, at: time(row, 2)? })
        };
        query.query_map([user], revoked)?.collect()
    }

    /// Remembers a sign-in that begins, and forgets those that were over a day ago.
    pub(super) fn begin_sign_in(
        &self,
        id: &str,
        user: &str,
        challenge: &Challenge,
        deadline: OffsetDateTime,
    ) -> rusqlite::Result<()> {
        let deadline = deadline.unix_timestamp();
        self.db.execute("DELETE FROM sign_in WHERE deadline < ?1", [deadline - 86_400])?;
        self.db.execute(
            "INSERT INTO sign_in (id, user, challenge, deadline) VALUES (?1, ?2, ?3, ?4)",
            params![id, user, challenge.as_bytes(), deadline],
        )?;
        Ok(())
    }

    /// This user's sign-in as it was, and marks it as tried: there is one try.
    pub(super) fn try_sign_in(&self, user: &str, id: &str) -> rusqlite::Result<Option<Waiting>> {
        let found = self
            .db
            .prepare_cached("SELECT challenge, deadline, tried FROM sign_in WHERE user = ?1 AND id = ?2")?
            .query_row([user, id], waiting)
            .optional()?;
        self.db.execute("UPDATE sign_in SET tried = 1 WHERE user = ?1 AND id = ?2", [user, id])?;
        Ok(found)
    }

    /// Keeps the counter of a sign-in.
    pub(super) fn signed_in(&self, id: &str, sign_count: u32, at: OffsetDateTime) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE credential SET sign_count = ?2, last_used = ?3 WHERE id = ?1",
            params![id, sign_count, at.unix_timestamp()],
        )?;
        Ok(())
    }
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let (id, login, display_name) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(User { id, login, display_name, active: row.get(3)?, suspended: row.get(4)? })
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting { challenge: bytes(row, 0, Challenge::new)?, deadline: time(row, 1)?, ended: row.get(2)? })
}

fn credential(row: &Row<'_>) -> rusqlite::Result<Credential> {
    Ok(Credential {
        id: row.get(0)?,
        credential_id: bytes(row, 1, CredentialId::new)?,
        label: row.get(2)?,
        aaguid: Aaguid(row.get(3)?),
        transports: list(row, 4)?,
        sign_count: row.get(5)?,
        created: time(row, 6)?,
        last_used: row.get::<_, Option<i64>>(7)?.map(|_| time(row, 7)).transpose()?,
    })
}

/// Reads a column of bytes into the type that refuses wrong ones.
fn bytes<T, E>(row: &Row<'_>, at: usize, read: impl FnOnce(Vec<u8>) -> Result<T, E>) -> rusqlite::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    read(row.get(at)?).map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, Box::new(error)))
}

/// Reads a column of Unix seconds.
fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(row.get(at)?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Integer, Box::new(error)))
}

/// Reads a column that holds a JSON array of strings.
fn list(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<String>> {
    serde_json::from_str(&row.get::<_, String>(at)?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

fn list_text(list: &[String]) -> String {
    serde_json::json!(list).to_string()
}
