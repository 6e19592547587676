//! The ledger, of the state folder, of a server or of an exported folder: the one place where it is opened.
//!
//! It refuses to make a ledger for a command that only reads.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::cli::shared::{CliError, Session};
use crate::ledger::postgres::{Access, SealedPins, StationAtServer};
use crate::ledger::{Archive, Entry, Head, LedgerError, PostgresStore, Record, SqliteStore, StationKey, Store};
use crate::register::Register;
use crate::secret::Vault;
use crate::settings::OtherStation;

/// The server that has the register of several stations.
#[derive(Clone)]
pub(crate) struct Server {
    /// What it takes to get there.
    pub(crate) access: Access,
    /// How long what this station claims stays its own.
    lease: Duration,
    /// Other stations that PINs are sealed to.
    pub(crate) stations: Vec<OtherStation>,
}

impl Session {
    /// The server that the settings name, if they name one.
    pub(crate) fn server(&self) -> Result<Option<Server>, CliError> {
        if let Some(server) = self.server.get() {
            return Ok(server.clone());
        }
        let server = match self.settings()?.register {
            Some(place) => Some(Server { access: place.access()?, lease: place.lease, stations: place.stations }),
            None => None,
        };
        Ok(self.server.get_or_init(|| server).clone())
    }

    /// The ledger for reading. Fails where there is none.
    pub(crate) fn ledger_for_reading(&self) -> Result<Box<dyn Store>, CliError> {
        if let Some(folder) = &self.global.from {
            return Ok(Box::new(Archive::open(folder)?));
        }
        let state = self.state()?;
        // Without the station's key, as in a copy that an auditor was given, the log is read from its first event.
        let key = StationKey::read(&state.station_key()).unwrap_or_else(|error| {
            tracing::debug!("no snapshot of the register is read: {error}");
            None
        });
        if let Some(server) = self.server()? {
            let store = PostgresStore::read(server.access)?;
            return Ok(match key {
                Some(key) => Box::new(store.keeping(&state.ledger(), key)),
                None => Box::new(store),
            });
        }
        let store = SqliteStore::read(&state.ledger())?;
        Ok(match key {
            Some(key) => Box::new(store.keeping(key)),
            None => Box::new(store),
        })
    }

    /// The ledger for reading, for commands that can do without one.
    pub(crate) fn ledger_if_any(&self) -> Result<Option<Box<dyn Store>>, CliError> {
        match self.ledger_for_reading() {
            Ok(store) => Ok(Some(store)),
            Err(CliError::Ledger(LedgerError::Missing { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ledger for reading; an empty one where there is none.
    pub(crate) fn ledger_or_empty(&self) -> Result<Box<dyn Store>, CliError> {
        let empty = || Ok(Box::new(NoLedger { path: self.state()?.ledger().display().to_string() }) as Box<dyn Store>);
        self.ledger_if_any()?.map_or_else(empty, Ok)
    }

    /// The ledger for writing; made where there is none. A command that must not make one reads it first. Fails with
    /// [`LedgerError::NotAsRemembered`] if it is not the one that this station remembers.
    pub(crate) fn ledger_for_writing(&self) -> Result<Box<dyn Store>, CliError> {
        match self.mismatch()? {
            Some(mismatch) => Err(CliError::Ledger(mismatch.into())),
            None => self.ledger_as_accepted(),
        }
    }

    /// The ledger for writing, whatever this station remembers: for the command by which somebody accepts it as it is.
    pub(crate) fn ledger_as_accepted(&self) -> Result<Box<dyn Store>, CliError> {
        self.refuse_export()?;
        self.refuse_moved()?;
        let state = self.state()?;
        if let Some(Server { access, lease, .. }) = self.server()? {
            let key = StationKey::read_or_make(&state.create()?.station_key())?;
            let station = StationAtServer { key, name: self.operator()?.to_string(), lease };
            let store = PostgresStore::open(access, &state.ledger(), station)?;
            self.wrote.store(true, Ordering::SeqCst);
            return Ok(Box::new(store));
        }
        let store = SqliteStore::open(&state.create()?.ledger(), Box::new(Self::now))?;
        let key = StationKey::read_or_make(&state.station_key())?;
        self.wrote.store(true, Ordering::SeqCst);
        Ok(Box::new(store.keeping(key)))
    }

    /// The sealed PINs: this station's, and those that other stations sealed to it.
    pub(crate) fn vault(&self) -> Result<Vault, CliError> {
        self.refuse_moved()?;
        let vault = Vault::open(&self.state()?.vault())?;
        Ok(match self.server()? {
            Some(Server { access, stations, .. }) => {
                let stations = stations.into_iter().map(|station| station.recipient).collect();
                vault.sharing(Box::new(SealedPins::at(access)?), stations)
            }
            None => vault,
        })
    }

    /// Refuses to be a station that another machine is by now.
    fn refuse_moved(&self) -> Result<(), CliError> {
        self.state()?.moved_to()?.map_or(Ok(()), |to| Err(CliError::Moved { to }))
    }

    /// Refuses a command that writes where an exported folder is read in place of the ledger.
    pub(super) fn refuse_export(&self) -> Result<(), CliError> {
        match &self.global.from {
            None => Ok(()),
            Some(folder) => Err(CliError::Usage(format!(
                "{} is an exported folder, and this command writes to the ledger; run it without --from",
                folder.display()
            ))),
        }
    }

    /// What the ledger says now. Fails where there is none.
    pub(crate) fn register(&self) -> Result<Register, CliError> {
        Ok(Register::of(&*self.ledger_for_reading()?)?)
    }

    /// What the ledger says now, for commands that can do without one.
    pub(crate) fn register_if_any(&self) -> Result<Option<Register>, CliError> {
        Ok(self.ledger_if_any()?.map(|store| Register::of(&*store)).transpose()?)
    }
}

/// A ledger that does not exist and is not made.
struct NoLedger {
    path: String,
}

impl Store for NoLedger {
    fn append(&self, _expected: &Head, _records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        Err(LedgerError::ReadOnly { path: self.path.clone() })
    }

    fn rows(&self, _after: u64, _visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        Ok(())
    }
}
