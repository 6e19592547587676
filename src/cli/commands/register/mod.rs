//! `keywright register`: the register of several stations, on a PostgreSQL server.

pub(crate) mod copy;
pub(crate) mod init;
pub(crate) mod migrate;

use clap::{Args, Subcommand};

use crate::cli::shared::arguments::unrepeated;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::LedgerError;
use crate::ledger::postgres::{Access, PostgresUrl};
use crate::secret::SecretSource;
use crate::settings::RegisterPlace;

/// The register on a server, for several stations: make it, migrate it, copy it.
#[derive(Args)]
pub(crate) struct Register {
    #[command(subcommand)]
    command: RegisterCommand,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
enum RegisterCommand {
    Init(init::Init),
    Migrate(migrate::Migrate),
    Copy(copy::Copy),
}

impl Register {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            RegisterCommand::Init(command) => command.run(session),
            RegisterCommand::Migrate(command) => command.run(session),
            RegisterCommand::Copy(command) => command.run(session),
        }
    }
}

/// As whom the server is asked: its owner, mostly.
#[derive(Args)]
struct AsOwner {
    /// The database as its owner reaches it [default: register of the settings]
    #[arg(long, value_name = "URL")]
    at: Option<PostgresUrl>,
    /// Where the owner's password is: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...'
    #[arg(long, value_name = "SOURCE", requires = "at", value_parser = unrepeated::<SecretSource>())]
    password: Option<SecretSource>,
}

impl AsOwner {
    /// The address, and what it takes to get there. How the server is trusted is in the settings, for its owner too.
    fn access(&self, session: &Session) -> Result<(String, Access), CliError> {
        let place = session.settings()?.register;
        let place = match (&self.at, place) {
            (Some(url), Some(place)) => place.as_role(url.clone(), self.password.clone()),
            (Some(url), None) => RegisterPlace::at(url.clone()).as_role(url.clone(), self.password.clone()),
            (None, Some(place)) => place,
            (None, None) => {
                let why = "the settings name no register; name the database with --at".to_owned();
                return Err(CliError::Usage(why));
            }
        };
        Ok((place.url.to_string(), place.access()?))
    }
}

/// Whether a register is missing, or why that cannot be told.
fn is_missing<T>(found: &Result<T, LedgerError>) -> bool {
    matches!(found, Err(LedgerError::Missing { .. }))
}
