//! The register as a station keeps it beside its log ([`crate::ledger::Store::keep`]), so that a long log is not read anew for
//! each command.
//!
//! Nothing depends on it but time: one that is missing, of another format or no use is read from the log instead, and the next
//! reader writes a new one; so is one that has the names of an account that was erased since. What it hides: with it, events before its head are not read, so that one which was changed there is
//! seen by `ledger verify`, `audit ledger` and whoever else reads from the first event, and by nobody else. Nobody acts on it
//! either: the snapshot is what those events said when their chain was checked. It refuses to be anything but what reading the
//! same events makes, which a test holds at every event of a long log.

pub(super) mod as_json;
pub(super) mod as_tuple;
pub(super) mod shared;
#[cfg(test)]
mod tests;

use self::shared::Tables;
use super::Register;
use crate::ledger::{LedgerError, Store};

/// The format. A field more or less in the register is another format: raise it then, so that what other versions wrote is not
/// misread. A test tells when.
const FORMAT: u32 = 4;

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
            let kept = register.to_snapshot().map_err(|error| error.to_string());
            let kept = kept.and_then(|content| store.keep(&register.head, &content).map_err(|error| error.to_string()));
            if let Err(why) = kept {
                tracing::debug!("no snapshot of the register was kept: {why}");
            }
        }
        Ok(register)
    }

    fn kept_beside(store: &dyn Store) -> Self {
        let read = store.kept().map_err(|why| why.to_string()).and_then(|kept| {
            let Some(kept) = kept else { return Ok(None) };
            let register = Self::from_snapshot(kept.content()).map_err(|error| error.to_string())?;
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

    /// Format, shared values, and the register in two parts, of people and of keys, which are read at the same time: postcard but for
    /// the shared values, which are few.
    fn to_snapshot(&self) -> Result<Vec<u8>, postcard::Error> {
        let write = || Ok((postcard::to_stdvec(self)?, postcard::to_stdvec(&(&self.credentials, &self.keys))?));
        let (parts, tables) = shared::collecting(write);
        let (people, keys) = parts?;
        let tables = serde_json::to_string(&tables).map_err(|_| postcard::Error::SerdeSerCustom)?;
        let start = postcard::to_stdvec(&(FORMAT, tables, people.len()))?;
        Ok([start, people, keys].concat())
    }

    fn from_snapshot(bytes: &[u8]) -> Result<Self, postcard::Error> {
        let (format, rest) = postcard::take_from_bytes::<u32>(bytes)?;
        if format != FORMAT {
            return Err(postcard::Error::SerdeDeCustom);
        }
        let ((tables, length), rest) = postcard::take_from_bytes::<(&str, usize)>(rest)?;
        let tables: Tables = serde_json::from_str(tables).map_err(|_| postcard::Error::SerdeDeCustom)?;
        let (people, keys) = rest.split_at_checked(length).ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        let (register, keys) = std::thread::scope(|scope| {
            let of_keys = scope.spawn(|| shared::providing(tables.clone(), || postcard::from_bytes(keys)));
            let register = shared::providing(tables.clone(), || postcard::from_bytes::<Self>(people));
            (register, of_keys.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (credentials, keys) = keys?;
        let mut register = Self { credentials, keys, ..register? };
        register.shared.refill(tables);
        Ok(register)
    }
}
