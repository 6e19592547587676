//! Rows of the estate around the keys: groups, roles, policies, suspension, sessions, passes, what passkeys are.
//!
//! Passes are kept as digests: the database opens no account.

use rusqlite::{OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::{Store, list, list_text, time, user};
use crate::idp_server::wire::User;
use crate::idp_server::wire::estate::{Application, Hold, NamedPolicy, PAGE, Policy, RoleHolder, Session};

/// What databases of version 1 may lack, besides what [`super::SINCE`] has.
pub(super) const SINCE: &str = "
    CREATE TABLE IF NOT EXISTS member (grp TEXT NOT NULL, user TEXT NOT NULL REFERENCES user, PRIMARY KEY (grp, user)) STRICT;
    CREATE TABLE IF NOT EXISTS role (
        user TEXT NOT NULL REFERENCES user, role TEXT NOT NULL, eligible INTEGER NOT NULL, PRIMARY KEY (user, role)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS policy (
        name TEXT PRIMARY KEY, grp TEXT, enforced INTEGER NOT NULL, admits TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS application (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, legacy INTEGER NOT NULL, policies TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS shut_model (aaguid TEXT PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS suspended (user TEXT PRIMARY KEY REFERENCES user) STRICT;
    CREATE TABLE IF NOT EXISTS session (
        id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES user, by TEXT NOT NULL, began INTEGER NOT NULL,
        ended INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS pass (
        id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES user, digest BLOB NOT NULL, until INTEGER NOT NULL,
        once INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS passkey (id TEXT PRIMARY KEY, backup_eligible INTEGER NOT NULL, attested INTEGER NOT NULL) STRICT;
";

/// A pass as it is kept.
pub(in crate::idp_server) struct StoredPass {
    pub id: String,
    pub digest: Vec<u8>,
    pub until: OffsetDateTime,
    pub once: bool,
    pub used: bool,
}

impl Store {
    pub(in crate::idp_server) fn set_member(&self, group: &str, user: &str, is: bool) -> rusqlite::Result<()> {
        let change = match is {
            true => "INSERT OR IGNORE INTO member VALUES (?1, ?2)",
            false => "DELETE FROM member WHERE grp = ?1 AND user = ?2",
        };
        self.db.execute(change, [group, user]).map(drop)
    }

    /// A page and one more, by login.
    pub(in crate::idp_server) fn members(&self, group: &str, after: &str) -> rusqlite::Result<Vec<User>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, login, display_name, active, EXISTS (SELECT 1 FROM suspended WHERE suspended.user = user.id)
             FROM user JOIN member ON member.user = user.id
             WHERE grp = ?1 AND login > ?2 COLLATE NOCASE ORDER BY login COLLATE NOCASE LIMIT ?3",
        )?;
        query.query_map(params![group, after, PAGE + 1], user)?.collect()
    }

    /// A page and one more of all accounts, by id: id and login.
    pub(in crate::idp_server) fn accounts_after(&self, after: &str) -> rusqlite::Result<Vec<(String, String)>> {
        let mut query = self.db.prepare_cached("SELECT id, login FROM user WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        query.query_map(params![after, PAGE + 1], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Gives a role, or takes it.
    pub(in crate::idp_server) fn set_role(&self, user: &str, role: &str, hold: Option<Hold>) -> rusqlite::Result<()> {
        match hold {
            Some(hold) => {
                let change = "INSERT OR REPLACE INTO role VALUES (?1, ?2, ?3)";
                self.db.execute(change, params![user, role, hold == Hold::Eligible])
            }
            None => self.db.execute("DELETE FROM role WHERE user = ?1 AND role = ?2", [user, role]),
        }
        .map(drop)
    }

    /// A page and one more, by login and role; of one account only if it is named.
    pub(in crate::idp_server) fn role_holders(
        &self,
        of: Option<&str>,
        after: &str,
    ) -> rusqlite::Result<Vec<RoleHolder>> {
        let mut query = self.db.prepare_cached(
            "SELECT user.id, login, role, eligible FROM role JOIN user ON role.user = user.id
             WHERE (?1 IS NULL OR user.id = ?1) AND user.id || '/' || role > ?2 ORDER BY user.id || '/' || role LIMIT ?3",
        )?;
        let holder = |row: &Row<'_>| {
            let hold = if row.get(3)? { Hold::Eligible } else { Hold::Active };
            Ok(RoleHolder { user: row.get(0)?, login: row.get(1)?, role: row.get(2)?, hold })
        };
        query.query_map(params![of, after, PAGE + 1], holder)?.collect()
    }

    /// Sets a policy, or takes it away.
    pub(in crate::idp_server) fn set_policy(&self, name: &str, policy: Option<&Policy>) -> rusqlite::Result<()> {
        match policy {
            Some(Policy { group, enforced, admits }) => self.db.execute(
                "INSERT OR REPLACE INTO policy VALUES (?1, ?2, ?3, ?4)",
                params![name, group, enforced, list_text(admits)],
            ),
            None => self.db.execute("DELETE FROM policy WHERE name = ?1", [name]),
        }
        .map(drop)
    }

    /// Those about everybody, and about this group, or about any group of this user.
    pub(in crate::idp_server) fn policies(
        &self,
        group: Option<&str>,
        user: Option<&str>,
    ) -> rusqlite::Result<Vec<NamedPolicy>> {
        let mut query = self.db.prepare_cached(
            "SELECT name, grp, enforced, admits FROM policy
             WHERE grp IS NULL OR grp = ?1 OR grp IN (SELECT grp FROM member WHERE user = ?2) ORDER BY name",
        )?;
        let policy = |row: &Row<'_>| {
            let policy = Policy { group: row.get(1)?, enforced: row.get(2)?, admits: list(row, 3)? };
            Ok(NamedPolicy { name: row.get(0)?, policy })
        };
        query.query_map(params![group, user], policy)?.collect()
    }

    /// The policies of these names that there are.
    pub(in crate::idp_server) fn policies_named(&self, names: &[String]) -> rusqlite::Result<Vec<NamedPolicy>> {
        let mut query = self.db.prepare_cached("SELECT name, grp, enforced, admits FROM policy ORDER BY name")?;
        let policy = |row: &Row<'_>| {
            let policy = Policy { group: row.get(1)?, enforced: row.get(2)?, admits: list(row, 3)? };
            Ok(NamedPolicy { name: row.get(0)?, policy })
        };
        let all: Vec<NamedPolicy> = query.query_map([], policy)?.collect::<rusqlite::Result<_>>()?;
        Ok(all.into_iter().filter(|one| names.contains(&one.name)).collect())
    }

    /// Makes an application, or takes it away.
    pub(in crate::idp_server) fn set_application(
        &self,
        id: &str,
        application: Option<&Application>,
    ) -> rusqlite::Result<()> {
        match application {
            Some(Application { name, legacy, policies }) => self.db.execute(
                "INSERT OR REPLACE INTO application VALUES (?1, ?2, ?3, ?4)",
                params![id, name, legacy, list_text(policies)],
            ),
            None => self.db.execute("DELETE FROM application WHERE id = ?1", [id]),
        }
        .map(drop)
    }

    /// A page and one more, by id.
    pub(in crate::idp_server) fn applications(&self, after: &str) -> rusqlite::Result<Vec<(String, Application)>> {
        let mut query = self
            .db
            .prepare_cached("SELECT id, name, legacy, policies FROM application WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let application = |row: &Row<'_>| {
            let application = Application { name: row.get(1)?, legacy: row.get(2)?, policies: list(row, 3)? };
            Ok((row.get(0)?, application))
        };
        query.query_map(params![after, PAGE + 1], application)?.collect()
    }

    pub(in crate::idp_server) fn set_model_shut(&self, aaguid: &str, is: bool) -> rusqlite::Result<()> {
        let change = match is {
            true => "INSERT OR IGNORE INTO shut_model VALUES (?1)",
            false => "DELETE FROM shut_model WHERE aaguid = ?1",
        };
        self.db.execute(change, [aaguid]).map(drop)
    }

    /// Models of which no key signs in.
    pub(in crate::idp_server) fn shut_models(&self) -> rusqlite::Result<Vec<String>> {
        let mut query = self.db.prepare_cached("SELECT aaguid FROM shut_model ORDER BY aaguid")?;
        query.query_map([], |row| row.get(0))?.collect()
    }

    pub(in crate::idp_server) fn set_suspended(&self, user: &str, is: bool) -> rusqlite::Result<()> {
        let change = match is {
            true => "INSERT OR IGNORE INTO suspended VALUES (?1)",
            false => "DELETE FROM suspended WHERE user = ?1",
        };
        self.db.execute(change, [user]).map(drop)
    }

    pub(in crate::idp_server) fn add_session(
        &self,
        id: &str,
        user: &str,
        by: &str,
        at: OffsetDateTime,
    ) -> rusqlite::Result<()> {
        let change = "INSERT INTO session (id, user, by, began) VALUES (?1, ?2, ?3, ?4)";
        self.db.execute(change, params![id, user, by, at.unix_timestamp()]).map(drop)
    }

    /// Those that have not ended, and when the last one of all began.
    pub(in crate::idp_server) fn sessions(
        &self,
        user: &str,
    ) -> rusqlite::Result<(Vec<Session>, Option<OffsetDateTime>)> {
        let mut query =
            self.db.prepare_cached("SELECT id, by, began, ended FROM session WHERE user = ?1 ORDER BY rowid")?;
        let session = |row: &Row<'_>| {
            let session = Session { id: row.get(0)?, by: row.get(1)?, began: time(row, 2)? };
            Ok((session, row.get::<_, bool>(3)?))
        };
        let all: Vec<(Session, bool)> = query.query_map([user], session)?.collect::<rusqlite::Result<_>>()?;
        let last = all.iter().map(|(session, _)| session.began).max();
        Ok((all.into_iter().filter(|(_, ended)| !ended).map(|(session, _)| session).collect(), last))
    }

    /// Every sign-in since this moment, the oldest first.
    pub(in crate::idp_server) fn sign_ins(&self, user: &str, since: OffsetDateTime) -> rusqlite::Result<Vec<Session>> {
        let mut query = self
            .db
            .prepare_cached("SELECT id, by, began FROM session WHERE user = ?1 AND began >= ?2 ORDER BY rowid")?;
        let session = |row: &Row<'_>| Ok(Session { id: row.get(0)?, by: row.get(1)?, began: time(row, 2)? });
        query.query_map(params![user, since.unix_timestamp()], session)?.collect()
    }

    pub(in crate::idp_server) fn end_sessions(&self, user: &str) -> rusqlite::Result<()> {
        self.db.execute("UPDATE session SET ended = 1 WHERE user = ?1", [user]).map(drop)
    }

    /// The account's one pass; an earlier one is over.
    pub(in crate::idp_server) fn set_pass(&self, user: &str, pass: &StoredPass) -> rusqlite::Result<()> {
        self.db.execute("DELETE FROM pass WHERE user = ?1", [user])?;
        self.db
            .execute(
                "INSERT INTO pass (id, user, digest, until, once) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![pass.id, user, pass.digest, pass.until.unix_timestamp(), pass.once],
            )
            .map(drop)
    }

    pub(in crate::idp_server) fn pass(&self, user: &str) -> rusqlite::Result<Option<StoredPass>> {
        let mut query = self.db.prepare_cached("SELECT id, digest, until, once, used FROM pass WHERE user = ?1")?;
        query
            .query_row([user], |row| {
                let (id, digest) = (row.get(0)?, row.get(1)?);
                Ok(StoredPass { id, digest, until: time(row, 2)?, once: row.get(3)?, used: row.get(4)? })
            })
            .optional()
    }

    pub(in crate::idp_server) fn use_pass(&self, id: &str) -> rusqlite::Result<()> {
        self.db.execute("UPDATE pass SET used = 1 WHERE id = ?1", [id]).map(drop)
    }

    /// `false` if there is none.
    pub(in crate::idp_server) fn forget_pass(&self, user: &str, id: &str) -> rusqlite::Result<bool> {
        Ok(self.db.execute("DELETE FROM pass WHERE user = ?1 AND id = ?2", [user, id])? == 1)
    }

    pub(in crate::idp_server) fn remember_passkey(
        &self,
        id: &str,
        backup_eligible: bool,
        attested: bool,
    ) -> rusqlite::Result<()> {
        let change = "INSERT OR REPLACE INTO passkey VALUES (?1, ?2, ?3)";
        self.db.execute(change, params![id, backup_eligible, attested]).map(drop)
    }

    /// Whether its key can be copied, and whether it was attested; `None` of one that is older than this table.
    pub(in crate::idp_server) fn passkey(&self, id: &str) -> rusqlite::Result<Option<(bool, bool)>> {
        let mut query = self.db.prepare_cached("SELECT backup_eligible, attested FROM passkey WHERE id = ?1")?;
        query.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }
}
