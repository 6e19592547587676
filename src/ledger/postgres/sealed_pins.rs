//! PINs that were sealed to several stations, beside the log, for as long as they are not handed over.
//!
//! Each statement may be sent twice. It refuses a file that is longer than a sealed PIN can be, and shows nothing to readers of the
//! register.

use std::sync::{Mutex, PoisonError};

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::column::value;
use super::connection::{Access, Connection, Parameters};
use crate::ledger::LedgerError;
use crate::secret::{SealedPin, SharedCopies};

/// The copies of a register. The server is asked when one is.
pub struct SealedPins {
    connection: Mutex<Connection>,
}

impl SealedPins {
    /// Fails only where this side cannot speak TLS as it is told to.
    pub fn at(access: Access) -> Result<Self, LedgerError> {
        Ok(Self { connection: Mutex::new(Connection::new(access)?) })
    }

    fn ask(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, String> {
        // A statement that was cut off was either carried out or not: the connection is sound after a panic too.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.ask(sql, parameters).map_err(|error| error.to_string())
    }
}

impl SharedCopies for SealedPins {
    fn keep(&self, name: &SealedPin, sha256: &str, sealed: &[u8]) -> Result<(), String> {
        let parameters = [(&name.0 as _, Type::TEXT), (&sha256 as _, Type::TEXT), (&sealed as _, Type::BYTEA)];
        self.ask("SELECT keywright.keep_pin($1, $2, $3)", &parameters).map(drop)
    }

    fn find(&self, name: &SealedPin, sha256: &str) -> Result<Option<Vec<u8>>, String> {
        let parameters = [(&name.0 as _, Type::TEXT), (&sha256 as _, Type::TEXT)];
        let rows = self.ask("SELECT * FROM keywright.find_pin($1, $2)", &parameters)?;
        rows.first().map(|row| value(row, 0)).transpose().map_err(|error| error.to_string())
    }

    fn destroy(&self, name: &SealedPin) -> Result<(), String> {
        self.ask("SELECT keywright.destroy_pin($1)", &[(&name.0, Type::TEXT)]).map(drop)
    }
}
