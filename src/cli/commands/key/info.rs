//! `keywright key info`: authenticatorGetInfo in words.

use clap::Args;

use crate::cli::shared::arguments::OneKey;
use crate::cli::shared::model_name::ModelNames;
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::get_info::{KeyInfo, key_info_text};

/// Show everything that a key says of itself.
///
/// These are the members of authenticatorGetInfo (CTAP 2.1 to 2.3), under the specification's names (with --json in
/// snake_case). Those that the
/// specification does not name are shown by number, in hexadecimal CBOR.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key info\n  keywright key info --key 1-2.3 --json")]
pub(crate) struct Info {
    #[command(flatten)]
    which: OneKey,
}

impl Info {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let key = OpenKey::open(&self.which, session)?;
        let (path, product) = (&key.device.path, &key.device.product);
        let info = key.authenticator.info();
        let shown = KeyInfo { path, product, model: ModelNames::read(session).of(info.aaguid), info };
        session.output.result(&shown, || key_info_text(&shown))?;
        Ok(Exit::Done)
    }
}
