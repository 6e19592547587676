//! The register on PostgreSQL: the same bytes as in the file, who may do what, and what becomes of it when something goes wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![cfg(unix)]

mod colleague;
mod rights;
mod stations;
mod store;
mod tls;
