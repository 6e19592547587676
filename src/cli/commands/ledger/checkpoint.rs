//! `keywright ledger checkpoint`: where the ledger ends, signed.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::{OneKey, PinArgument};
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::output::View;
use crate::cli::shared::sign_checkpoint::{self, Found};
use crate::cli::shared::{CliError, Exit, Session, cosign};
use crate::cli::view::checkpoint::CheckpointLine;
use crate::ledger::note::NoteKey;
use keywright_files::text;

/// Sign where the ledger ends, and print that as a signed note (C2SP).
///
/// Every batch, drill and other change ends with one, signed by the station. With --sign-with-key your own security key signs it too,
/// with a touch: one of those that the settings name under [checkpoints] keys. --new-key makes the credential for that on a
/// key, and prints the line for the settings. With --witness the servers that the settings name under
/// [[checkpoints.witnesses]] cosign it (C2SP tlog-witness); --add takes over what one signed elsewhere. Who has the state folder, and not
/// your key, cannot write the ledger anew then.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright ledger checkpoint > monday.checkpoint\n  keywright ledger checkpoint --new-key ops/ada --key 1-2\n  keywright ledger checkpoint --sign-with-key"
)]
pub(crate) struct Checkpoint {
    /// Have a security key of the settings sign it, too
    #[arg(long)]
    sign_with_key: bool,
    /// Make a credential for this on the key, under this name, and print it for the settings
    #[arg(long, value_name = "NAME", conflicts_with = "sign_with_key")]
    new_key: Option<String>,
    /// Have the servers under [[checkpoints.witnesses]] cosign it, too
    #[arg(long, conflicts_with = "new_key")]
    witness: bool,
    /// Take over the signatures in this file, of keys that the settings name: a signed note, or its signature lines
    #[arg(long, value_name = "FILE", conflicts_with = "new_key")]
    add: Option<PathBuf>,
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// Spend one of the last PIN attempts
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct NewKey {
    key: NoteKey,
}

impl View for NewKey {
    const KIND: &'static str = "checkpoint-key";
}

impl Checkpoint {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if let Some(name) = &self.new_key {
            let OpenKey { keys: _keys, device, mut authenticator } = OpenKey::open(&self.which, session)?;
            let key =
                sign_checkpoint::make(&mut authenticator, &device, name, self.pin.pin.as_ref(), self.yes, session)?;
            session.console.hint(&format!("put it into the settings: [checkpoints] keys = [\"{key}\"]"));
            session.output.result(&NewKey { key: key.clone() }, || key.to_string())?;
            return Ok(Exit::Done);
        }
        if let Some(mismatch) = session.mismatch()? {
            return Err(CliError::Ledger(mismatch.into()));
        }
        let none = "there is nothing to sign here: no ledger, or no key of a station";
        let mut signed = session.checkpoint()?.ok_or_else(|| CliError::NotFound(none.to_owned()))?;
        if self.sign_with_key {
            let pinned = session.settings()?.checkpoints.security_keys();
            if pinned.is_empty() {
                let why = "the settings name no security key under [checkpoints] keys; --new-key NAME makes one";
                return Err(CliError::NotFound(why.to_owned()));
            }
            let OpenKey { keys: _keys, device, mut authenticator } = OpenKey::open(&self.which, session)?;
            let pin = self.pin.pin.as_ref();
            let Found::Signed(kept) =
                sign_checkpoint::sign(&mut authenticator, &device, &pinned, &signed.kept, pin, self.yes, session)?
            else {
                return Err(CliError::NotFound("this key is none of those that the settings name".to_owned()));
            };
            signed.kept = kept;
        }
        if let Some(file) = &self.add {
            let text =
                text::read(file).map_err(|error| CliError::File { path: file.clone(), why: error.to_string() })?;
            let keys = session.settings()?.checkpoints.all_keys();
            let nobody = || {
                let path = file.display();
                CliError::NotFound(format!(
                    "{path} has no good signature under this checkpoint of a key that the settings name"
                ))
            };
            signed.kept = cosign::take(&text, &signed.kept, &keys, session)?.ok_or_else(nobody)?;
        }
        if self.witness {
            let witnesses = session.settings()?.checkpoints.witnesses;
            if witnesses.is_empty() {
                return Err(CliError::NotFound("the settings name no [[checkpoints.witnesses]]".to_owned()));
            }
            for witness in &witnesses {
                signed.kept = cosign::ask(witness, &signed.kept, session)?;
            }
        }
        session.output.result(&CheckpointLine::new(&signed), || signed.kept.note.to_string().trim_end().to_owned())?;
        Ok(Exit::Done)
    }
}
