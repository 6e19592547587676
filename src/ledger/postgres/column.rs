//! The value of a column, whose type whoever administers the database can change.
//!
//! It refuses a value of another type than the tables were made with, and an empty one where there has to be one.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::connection::words;
use crate::ledger::LedgerError;

/// The value in this place of a row, counted from 0.
pub(super) fn value<'r, T: FromSql<'r>>(row: &'r Row, place: usize) -> Result<T, LedgerError> {
    row.try_get(place).map_err(|error| {
        let name = row.columns().get(place).map_or_else(|| place.to_string(), |column| column.name().to_owned());
        LedgerError::Column { name, why: words(&error) }
    })
}
