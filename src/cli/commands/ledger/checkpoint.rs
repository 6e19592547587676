//! `keywright ledger checkpoint`: where the ledger ends, signed.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::{OneKey, PinArgument};
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::output::View;
use crate::cli::shared::sign_checkpoint::{self, Found};
use crate::cli::shared::{CliError, Exit, Session, cosign, time_stamp};
use crate::cli::view::checkpoint::CheckpointLine;
use crate::idp::http::SignedAnswersUrl;
use crate::ledger::note::NoteKey;
use crate::settings::TimeStampServer;
use keywright_files::text;

/// Sign where the ledger ends, and print that as a signed note (C2SP).
///
/// Every batch, drill and other change ends with one, signed by the station. With --sign-with-key your own security key signs it too,
/// with a touch: one of those that the settings name under [checkpoints] keys. --new-key makes the credential for that on a
/// key, and prints the line for the settings. With --witness the servers that the settings name under
/// [[checkpoints.witnesses]] cosign it (C2SP tlog-witness); --add takes over what one signed elsewhere. With --timestamp the servers
/// under [[checkpoints.time-stamps]] say when it existed (RFC 3161); what they answer is kept beside it, as a file that 'openssl ts'
/// verifies. Who has the state folder, and not your key, cannot write the ledger anew then.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright ledger checkpoint > monday.checkpoint\n  keywright ledger checkpoint --new-key ops/ada --key 1-2\n  keywright ledger checkpoint --sign-with-key\n  keywright ledger checkpoint --timestamp https://freetsa.org/tsr --tsa-root freetsa.pem"
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
    /// Have the servers under [[checkpoints.time-stamps]] time-stamp it, too; or this one
    #[arg(long, value_name = "URL", num_args = 0..=1, conflicts_with = "new_key")]
    timestamp: Option<Option<SignedAnswersUrl>>,
    /// The root certificate of the server at --timestamp, PEM or DER, where the settings do not name it
    #[arg(long, value_name = "CERT", requires = "timestamp")]
    tsa_root: Option<PathBuf>,
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
        let none = CliError::NotSetUp {
            what: "there is nothing to sign here: no ledger, or no key of a station",
            next: "name the state folder with --state, or provision somebody first",
        };
        let mut signed = session.checkpoint()?.ok_or(none)?;
        if self.sign_with_key {
            let pinned = session.settings()?.checkpoints.security_keys();
            if pinned.is_empty() {
                return Err(CliError::NotSetUp {
                    what: "the settings name no security key under [checkpoints] keys",
                    next: "'keywright ledger checkpoint --new-key NAME' makes one and prints the line for them",
                });
            }
            let OpenKey { keys: _keys, device, mut authenticator } = OpenKey::open(&self.which, session)?;
            let pin = self.pin.pin.as_ref();
            let Found::Signed(kept, name) =
                sign_checkpoint::sign(&mut authenticator, &device, &pinned, &signed.kept, pin, self.yes, session)?
            else {
                return Err(CliError::NotSetUp {
                    what: "this key is none of those that the settings name",
                    next: "take the one that signs, or name it with --key",
                });
            };
            session.console.say(&format!("signed by security key {name}"));
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
                return Err(CliError::NotSetUp {
                    what: "the settings name no [[checkpoints.witnesses]]",
                    next: "add one with its url and key; docs/ledger.md has an example",
                });
            }
            for witness in &witnesses {
                signed.kept = cosign::ask(witness, &signed.kept, session)?;
                signed.cosigned.push(witness.key.name().to_owned());
            }
        }
        for server in self.time_stamp_servers(session)? {
            let stamped = time_stamp::ask(&server, &signed.kept, session)?;
            session.console.say(&format!("time-stamped by {} at {}", stamped.by, stamped.time()));
            signed.time_stamps.push(stamped);
        }
        session.output.result(&CheckpointLine::new(&signed), || signed.kept.note.to_string().trim_end().to_owned())?;
        Ok(Exit::Done)
    }

    /// The servers that are to time-stamp it.
    fn time_stamp_servers(&self, session: &Session) -> Result<Vec<TimeStampServer>, CliError> {
        let known = || Ok::<_, CliError>(session.settings()?.checkpoints.time_stamps);
        match (&self.timestamp, &self.tsa_root) {
            (None, _) => Ok(Vec::new()),
            (Some(None), Some(_)) => {
                Err(CliError::Usage("--tsa-root needs the server's URL: --timestamp URL".to_owned()))
            }
            (Some(None), None) => match known()? {
                servers if servers.is_empty() => Err(CliError::NotSetUp {
                    what: "the settings name no [[checkpoints.time-stamps]]",
                    next: "add one, or name a server with --timestamp URL --tsa-root CERT",
                }),
                servers => Ok(servers),
            },
            (Some(Some(url)), Some(root)) => Ok(vec![TimeStampServer { url: url.clone(), root: root.clone() }]),
            (Some(Some(url)), None) => match known()?.into_iter().find(|server| server.url == *url) {
                Some(server) => Ok(vec![server]),
                None => {
                    let why =
                        format!("the settings do not name {}; name its root certificate with --tsa-root", &***url);
                    Err(CliError::Usage(why))
                }
            },
        }
    }
}
