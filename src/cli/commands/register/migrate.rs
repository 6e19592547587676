//! `keywright register migrate`: an older register, in the format of this keywright.

use clap::Args;
use serde::Serialize;

use super::AsOwner;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::postgres::migrate;

/// Bring a register on a server to the format of this keywright, as its owner.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright register migrate --at postgres://keyowner@db.example.org/keywright --password prompt"
)]
pub(crate) struct Migrate {
    #[command(flatten)]
    owner: AsOwner,
}

#[derive(Serialize)]
struct RegisterMigrated {
    register: String,
    /// The format that it has now.
    version: i32,
}

impl View for RegisterMigrated {
    const KIND: &'static str = "register-migrated";
}

impl Migrate {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (register, access) = self.owner.access(session)?;
        let migrated = RegisterMigrated { version: migrate(access)?, register };
        session.output.result(&migrated, || format!("{} has format {}", migrated.register, migrated.version))?;
        Ok(Exit::Done)
    }
}
