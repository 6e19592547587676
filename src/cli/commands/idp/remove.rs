//! `keywright idp remove`: an IdP's table out of the settings.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::Change;
use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session};
use crate::settings::{Settings, SettingsError, without, write};

/// Take an identity provider out of the settings.
///
/// Its accounts and keys stay in the ledger, and at the IdP. Without its table their keys can be neither revoked nor drilled from
/// here, so you are asked where the ledger has some. The secret's file is left where it is.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright idp remove lab\n  keywright idp remove lab --dry-run")]
pub(crate) struct Remove {
    /// Its name in the settings
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Removed<'a> {
    name: &'a str,
    file: &'a Path,
    written: bool,
    /// Accounts of the ledger that are there and have keys.
    accounts: usize,
}

impl View for Removed<'_> {
    const KIND: &'static str = "idp-removed";
}

impl Remove {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let file = Settings::file(session.global.config.as_deref()).ok_or(SettingsError::NoIdp)?;
        let text = without(&file, &self.name)?;
        let register = session.register_if_any()?;
        let accounts = register.map_or(0, |register| {
            let here = register.accounts.keys().filter(|id| id.directory == self.name);
            here.filter(|id| register.credentials_of(id).next().is_some()).count()
        });
        if accounts > 0 {
            session.console.warn(&format!(
                "{} of the ledger with keys at {}; without it none of them can be revoked or drilled from here",
                count(accounts, "account", "accounts"),
                self.name
            ));
        }
        if !self.change.dry_run {
            let question = format!("take [idp.{}] out of {}?", self.name, file.display());
            session.console.confirm(&question, self.change.yes)?;
            write(&file, &text)?;
        }
        let removed = Removed { name: &self.name, file: &file, written: !self.change.dry_run, accounts };
        session.output.result(&removed, || match self.change.dry_run {
            true => text.clone(),
            false => format!("[idp.{}] is out of {}", self.name, file.display()),
        })?;
        Ok(Exit::Done)
    }
}
