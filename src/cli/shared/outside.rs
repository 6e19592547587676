//! Those outside whom the settings name see the checkpoint that a batch, drill or audit ends with: witnesses cosign it, and
//! time-stamping servers say when it existed.
//!
//! It refuses to fail for them: keys were made, whoever is down. Who did not answer is told, and asked again at the next one.

use std::time::Duration;

use serde::Serialize;

use crate::cli::shared::checkpoint::Signed;
use crate::cli::shared::{CliError, Session, cosign, time_stamp};
use crate::idp::http::Limits;
use crate::ledger::note;

/// How long one of them may take.
pub(super) const PATIENCE: Limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(15) };

/// Who did not sign.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Missing {
    /// A witness's name, or a time-stamping server's.
    name: String,
    why: String,
}

impl Session {
    /// The checkpoint with what those outside say of it. Who said it before is not asked again.
    pub(crate) fn seen_outside(&self, mut signed: Signed) -> Result<Signed, CliError> {
        let settings = self.settings()?.checkpoints;
        for witness in &settings.witnesses {
            let name = witness.key.name();
            let seen = matches!(signed.kept.note.signed_by(&witness.key), note::Signed::At(_));
            match if seen { Ok(signed.kept.clone()) } else { cosign::ask(witness, &signed.kept, self) } {
                Ok(kept) => {
                    signed.kept = kept;
                    signed.cosigned.push(name.to_owned());
                }
                Err(error) => signed.missing.push(self.missing("cosigned", "--witness", name, &error)),
            }
        }
        for server in &settings.time_stamps {
            match time_stamp::ask(server, &signed.kept, self) {
                Ok(stamped) => signed.time_stamps.push(stamped),
                Err(error) => {
                    signed.missing.push(self.missing("time-stamped", "--timestamp", server.url.host(), &error));
                }
            }
        }
        Ok(signed)
    }

    fn missing(&self, done: &str, argument: &str, name: &str, error: &CliError) -> Missing {
        self.console.warn(&format!("the checkpoint is not {done} by {name}: {error}"));
        self.console.hint(&format!("'keywright ledger checkpoint {argument}' asks again"));
        Missing { name: name.to_owned(), why: error.to_string() }
    }
}
