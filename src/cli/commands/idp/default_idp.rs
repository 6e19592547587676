//! `keywright idp default`: which IdP new accounts go to.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::settings::{Settings, SettingsError, with_default, write};

/// Name the IdP that new accounts go to.
///
/// Writes 'default = true' into its table of the settings, and takes it away from another; comments and order stay. Commands about
/// an account that the ledger knows take the account's own IdP, whichever the default is.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright idp default corp")]
pub(crate) struct DefaultIdp {
    /// Its name in the settings
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    file: &'a Path,
}

impl View for Named<'_> {
    const KIND: &'static str = "idp-default";
}

impl DefaultIdp {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let file = Settings::file(session.global.config.as_deref()).ok_or(SettingsError::NoIdp)?;
        write(&file, &with_default(&file, &self.name)?)?;
        let named = Named { name: &self.name, file: &file };
        session.output.result(&named, || format!("new accounts go to {} from now on", self.name))?;
        Ok(Exit::Done)
    }
}
