//! `keywright register copy`: a whole log from a station's file to a server, or back into a file.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde::Serialize;

use super::AsOwner;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::postgres::{PostgresUrl, copy_into_file, copy_into_server};
use crate::ledger::{PostgresStore, SqliteStore};
use crate::secret::SecretSource;

/// Copy a ledger file into a register that is empty, or a register into a new file: byte for byte, to the same head.
///
/// The copy is read back and verified. Into a server, run it as the register's owner; the file is locked meanwhile, so that nothing is
/// written that the copy lacks. Nothing is taken away where it came from.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright register copy ~/.local/state/keywright/ledger.sqlite3 postgres://keyowner@db.example.org/keywright --password prompt\n  keywright register copy postgres://audit@db.example.org/keywright ledger.sqlite3"
)]
pub(crate) struct Copy {
    /// The ledger's file, or the register's address
    source: Place,
    /// The register's address, or a file that does not exist
    target: Place,
    /// Where the server's password is: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...'
    #[arg(long, value_name = "SOURCE", value_parser = crate::cli::shared::arguments::unrepeated::<SecretSource>())]
    password: Option<SecretSource>,
}

/// A file or a server.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
enum Place {
    File(PathBuf),
    Server(PostgresUrl),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("://") { text.parse().map(Self::Server) } else { Ok(Self::File(text.into())) }
    }
}

#[derive(Serialize)]
struct RegisterCopied {
    source: String,
    target: String,
    /// The head of both.
    head: String,
}

impl View for RegisterCopied {
    const KIND: &'static str = "register-copied";
}

impl Copy {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let server = |url: &PostgresUrl| {
            let owner = AsOwner { at: Some(url.clone()), password: self.password.clone() };
            owner.access(session)
        };
        let (source, target, head) = match (&self.source, &self.target) {
            (Place::File(file), Place::Server(url)) => {
                if !file.exists() {
                    return Err(crate::ledger::LedgerError::Missing { path: file.display().to_string() }.into());
                }
                let (target, access) = server(url)?;
                let from = SqliteStore::open(file, Box::new(Session::now))?;
                (file.display().to_string(), target, copy_into_server(&from, access)?)
            }
            (Place::Server(url), Place::File(file)) => {
                let (source, access) = server(url)?;
                let head = copy_into_file(&PostgresStore::read(access)?, file)?;
                (source, file.display().to_string(), head)
            }
            (Place::File(_), Place::File(_)) | (Place::Server(_), Place::Server(_)) => {
                let why = "one of the two is a file, and the other a server's address".to_owned();
                return Err(CliError::Usage(why));
            }
        };
        let copied = RegisterCopied { source, target, head: head.to_string() };
        session.output.result(&copied, || format!("copied; both end at {}", copied.head))?;
        Ok(Exit::Done)
    }
}
