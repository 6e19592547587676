//! The register as a station keeps it beside its log ([`crate::ledger::Store::keep`]), so that a long log is not read anew for
//! each command.
//!
//! Nothing depends on it but time: one that is missing, of another format or no use is read from the log instead, and the next
//! reader writes a new one; so is one that has the names of an account that was erased since. Its tables stay bytes, and what a
//! command asks for is made of them.
//!
//! What it hides: with it, events before its head are not read, so that one which was changed there is seen by `ledger verify`, `audit ledger` and whoever else reads from the first event, and by nobody else. Nobody acts on it
//! either: the snapshot is what those events said when their chain was checked. It refuses to be anything but what reading the
//! same events makes, which a test holds at every event of a long log.

pub(super) mod as_json;
pub(super) mod as_tuple;
pub(super) mod kept;
mod pieces;
pub(super) mod shared;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use self::kept::Kept;
use self::shared::{Tables, Values};
use super::{Keys, Register, Table};
use crate::ledger::{LedgerError, Store};

/// The format. A field more or less in the register is another format: raise it then, so that what other versions wrote is not
/// misread. A test tells when.
const FORMAT: u32 = 8;

/// Whose format that is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// After how many events beyond the snapshot a new one is worth its time.
const WORTH_KEEPING: u64 = 2_000;

impl Register {
    /// What the log in a store says now: from what is kept beside it, as far as that goes, and from the log itself. Fails with
    /// [`LedgerError::Broken`] where the chain does not go on.
    pub fn of(store: &dyn Store) -> Result<Self, LedgerError> {
        let mut register = Self::kept_beside(store);
        let mut from = register.head.seq;
        let read = register.catch_up(store);
        // Of an account that was erased since, the snapshot has the login and the events after it have none.
        if from > 0 && (read.is_err() || register.last_erasure > from) {
            (register, from) = (Self::default(), 0);
            register.catch_up(store)?;
        } else {
            read?;
        }
        if register.head.seq - from >= WORTH_KEEPING {
            match register.keep_beside(store) {
                // It takes less room than the register that was read.
                Ok(kept) => return Ok(kept),
                Err(why) => tracing::debug!("no snapshot of the register was kept: {why}"),
            }
        }
        Ok(register)
    }

    /// Keeps a snapshot, once every value of it was read back, and gives the register that it is.
    fn keep_beside(&self, store: &dyn Store) -> Result<Self, String> {
        let content = self.to_snapshot().map_err(|error| error.to_string())?;
        let again = Self::from_snapshot(&content).and_then(|again| again.check_snapshot().map(|()| again));
        let again = again.map_err(|error| format!("it cannot be read back: {error}"))?;
        store.keep(&self.head, &content).map_err(|error| error.to_string())?;
        Ok(again)
    }

    /// Whether each value of it can be read.
    fn check_snapshot(&self) -> Result<(), postcard::Error> {
        let Self { accounts, jobs, credentials, by_serial, keys: Keys { all, attested, shown }, .. } = self;
        accounts.check()?;
        jobs.check()?;
        credentials.check()?;
        by_serial.check()?;
        all.check()?;
        attested.check()?;
        shown.check()
    }

    fn kept_beside(store: &dyn Store) -> Self {
        let read = store.kept().map_err(|why| why.to_string()).and_then(|kept| {
            let Some(kept) = kept else { return Ok(None) };
            let register = Self::from_snapshot(&kept.content()).map_err(|error| error.to_string())?;
            // The MAC covers both, so that only a fault of ours can part them.
            if register.head == kept.head {
                Ok(Some(register))
            } else {
                Err("its register has another head".to_owned())
            }
        });
        read.unwrap_or_else(|why| {
            tracing::debug!(
                "the snapshot of the register is of no use, and the log is read from its first event: {why}"
            );
            None
        })
        .unwrap_or_default()
    }

    /// A head of format, version and the lengths of the parts, and these: shared values by kind, the register, its tables.
    fn to_snapshot(&self) -> Result<Bytes, postcard::Error> {
        let write = || {
            Ok(vec![
                postcard::to_stdvec(self)?,
                Kept::write(&self.accounts)?,
                Kept::write(&self.jobs)?,
                Kept::write(&self.credentials)?,
                Kept::write(&self.by_serial)?,
                Kept::write(&self.keys.all)?,
                Kept::write(&self.keys.attested)?,
                Kept::write(&self.keys.shown)?,
            ])
        };
        let (parts, tables) = shared::collecting(write);
        let Tables { profiles, operators, keys, verdicts, witness_results } = tables;
        let shared =
            [profiles.write()?, operators.write()?, keys.write()?, verdicts.write()?, witness_results.write()?];
        let mut parts = [&shared[..], &parts?[..]].concat();
        let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
        parts.insert(0, postcard::to_stdvec(&(FORMAT, VERSION, lengths))?);
        Ok(parts.concat().into())
    }

    /// The same again; what its tables have is read when it is asked for.
    fn from_snapshot(snapshot: &Bytes) -> Result<Self, postcard::Error> {
        let (head, rest) = postcard::take_from_bytes::<(u32, &str)>(snapshot)?;
        if head != (FORMAT, VERSION) {
            return Err(postcard::Error::SerdeDeCustom);
        }
        let (lengths, rest) = postcard::take_from_bytes::<Vec<usize>>(rest)?;
        let mut rest = snapshot.slice(snapshot.len() - rest.len()..);
        if lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length)) != Some(rest.len()) {
            return Err(postcard::Error::DeserializeUnexpectedEnd);
        }
        let parts: Vec<Bytes> = lengths.into_iter().map(|length| rest.split_to(length)).collect();
        let parts = <[Bytes; 13]>::try_from(parts).map_err(|_| postcard::Error::DeserializeBadEncoding)?;
        let [profiles, operators, identities, verdicts, witness_results, register, tables @ ..] = parts;
        let shared = Arc::new(Tables {
            profiles: Values::read(profiles)?,
            operators: Values::read(operators)?,
            keys: Values::read(identities)?,
            verdicts: Values::read(verdicts)?,
            witness_results: Values::read(witness_results)?,
        });
        let [accounts, jobs, credentials, by_serial, all, attested, shown] = tables;
        let mut register = Self {
            accounts: Table::from_snapshot(Kept::read(accounts, &shared)?),
            jobs: Table::from_snapshot(Kept::read(jobs, &shared)?),
            credentials: Table::from_snapshot(Kept::read(credentials, &shared)?),
            by_serial: Table::from_snapshot(Kept::read(by_serial, &shared)?),
            keys: Keys {
                all: Table::from_snapshot(Kept::read(all, &shared)?),
                attested: Table::from_snapshot(Kept::read(attested, &shared)?),
                shown: Table::from_snapshot(Kept::read(shown, &shared)?),
            },
            ..shared::providing(&shared, || postcard::from_bytes(&register))?
        };
        register.shared.refill(&shared);
        Ok(register)
    }
}
