//! `keywright key identify`: whose key is this? Asked without a PIN and without a touch.
//!
//! The key is asked which of the ledger's credentials it has (getAssertion with `up` false). It refuses to guess from serial
//! numbers: some vendors give all keys the same.

use clap::Args;
use serde::Serialize;

use super::super::args::OneKey;
use super::super::device::OpenKey;
use super::super::{CliError, Exit, Session};
use crate::audit::key::credentials_of_ledger;
use crate::ledger::{SqliteStore, Store as _};
use crate::register::{Credential, CredentialState, Register};
use keywright_fido::webauthn::{Aaguid, CredentialId, RpId};

/// Say whose key this is, without its PIN.
///
/// The key blinks if it can, and is asked which of the ledger's credentials it has. That needs neither PIN nor touch. A
/// credential with credProtect level 3 does not answer to this.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key identify\n  keywright key identify --key 1-2.3 --json")]
pub struct Identify {
    #[command(flatten)]
    which: OneKey,
}

#[derive(Serialize)]
struct Found<'a> {
    path: &'a str,
    product: &'a str,
    serial: Option<&'a str>,
    aaguid: Aaguid,
    in_ledger: bool,
    credentials: Vec<Owned<'a>>,
}

/// A credential that the ledger and the key have.
#[derive(Serialize)]
pub struct Owned<'a> {
    account: &'a str,
    directory: &'a str,
    ordinal: usize,
    label: Option<&'a str>,
    state: CredentialState,
    rp_id: &'a RpId,
    credential_id: &'a CredentialId,
    proved: Option<&'a str>,
}

impl<'a> Owned<'a> {
    /// What the ledger says of these.
    pub fn all(ids: &[CredentialId], book: &'a Register) -> Vec<Self> {
        let known = ids.iter().filter_map(|id| book.credentials.get_key_value(id));
        known.map(|(id, credential)| Self::of(id, credential)).collect()
    }

    fn of(credential_id: &'a CredentialId, credential: &'a Credential) -> Self {
        Self {
            account: &credential.account.login,
            directory: &credential.account.directory,
            ordinal: credential.ordinal,
            label: credential.label.as_deref(),
            state: credential.state,
            rp_id: &credential.rp_id,
            credential_id,
            proved: credential.proved.as_deref(),
        }
    }

    /// Whose it is, in a line.
    pub fn words(&self) -> String {
        let state = match self.state {
            CredentialState::OnKey => "on the key, not registered",
            CredentialState::Unconfirmed => "to be registered by hand and confirmed",
            CredentialState::Registered => "registered",
            CredentialState::Deleted => "deleted according to the ledger, and yet on the key",
            CredentialState::Erased => "erased according to the ledger, and yet on the key",
            CredentialState::Revoked => "revoked",
        };
        let label = self.label.map(|label| format!(", \"{label}\"")).unwrap_or_default();
        format!("{} at {}, key {}: {state}{label}", self.account, self.directory, self.ordinal)
    }
}

impl Identify {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let book = Register::read(&SqliteStore::read(&session.state()?.ledger())?.entries(0)?)?;
        let mut key = OpenKey::open(&self.which, session)?;
        key.authenticator.wink()?;
        let ids = credentials_of_ledger(&mut key.authenticator, &book)?;
        let credentials = Owned::all(&ids, &book);
        let found = Found {
            path: &key.device.path,
            product: &key.device.product,
            serial: key.device.serial.as_deref(),
            aaguid: key.authenticator.info().aaguid,
            in_ledger: !credentials.is_empty(),
            credentials,
        };
        session.output.result(&found, || words(&found))?;
        Ok(Exit::Done)
    }
}

fn words(found: &Found<'_>) -> String {
    let mut text = format!("{}  {}  {}\n", found.path, found.product, found.aaguid);
    if found.credentials.is_empty() {
        text.push_str("  not in the ledger\n");
    }
    for owned in &found.credentials {
        text.push_str(&format!("  {}\n", owned.words()));
    }
    text
}
