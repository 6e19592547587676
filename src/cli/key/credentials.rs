//! `keywright key credentials`: what is on a key, and taking one away.

use clap::Args;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;

use super::super::args::{Change, OneKey, PinArgument};
use super::super::device::OpenKey;
use super::super::output::table;
use super::super::{CliError, Exit, Session, pin_entry};
use crate::ledger::{LedgerError, SqliteStore, Store as _};
use crate::register::{Credential, Register};
use keywright_fido::ctap::{Authenticator, CtapError, Permissions, PinUvAuthToken, StoredCredential, StoredRp};
use keywright_fido::webauthn::CredentialId;

/// List the credentials on a key, or delete one.
///
/// Needs the key's PIN. A credential that is deleted here stays registered at the identity provider, where it does no harm and
/// no good.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key credentials\n  keywright key credentials --pin file:pin.txt --json\n  keywright key credentials --delete Zm9vYmFy"
)]
pub struct Credentials {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// Delete the credential with this id (base64url, as the list shows it)
    // One in 64 begins with a dash.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    delete: Option<CredentialId>,
    #[command(flatten)]
    change: Change,
}

/// A credential on a key.
#[derive(Serialize)]
pub struct Line {
    path: String,
    rp_id: Option<String>,
    rp_id_hash: String,
    credential_id: CredentialId,
    user_name: Option<String>,
    user_display_name: Option<String>,
    user_handle: String,
    algorithm: Option<i64>,
    cred_protect: Option<u64>,
    deleted: bool,
}

impl Line {
    fn of(path: &str, rp: &StoredRp, credential: StoredCredential) -> Self {
        Self {
            path: path.to_owned(),
            rp_id: rp.id.clone(),
            rp_id_hash: HEXLOWER.encode(&rp.id_hash),
            user_handle: BASE64URL_NOPAD.encode(credential.user_handle.as_bytes()),
            credential_id: credential.credential_id,
            user_name: credential.user_name,
            user_display_name: credential.user_display_name,
            algorithm: credential.public_key.map(|key| key.algorithm.0),
            cred_protect: credential.cred_protect,
            deleted: false,
        }
    }

    /// The RP ID; some keys do not tell it.
    fn rp(&self) -> &str {
        self.rp_id.as_deref().unwrap_or(&self.rp_id_hash)
    }
}

impl Credentials {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut key = OpenKey::open(&self.which, session)?;
        let permissions = Permissions::CREDENTIAL_MANAGEMENT;
        let pin = self.pin.pin.as_ref();
        let token = pin_entry::token(&mut key.authenticator, permissions, pin, self.change.yes, session)?;

        let mut lines = on_key(&key.device.path, &mut key.authenticator, &token)?;
        let Some(id) = &self.delete else {
            return list(&lines, session);
        };
        let Some(line) = lines.iter_mut().find(|line| line.credential_id == *id) else {
            return Err(CliError::NotFound(format!("there is no credential {id} on {}", key.device.path)));
        };
        let known = in_ledger(id, session)?.map(|known| format!(" {known}.")).unwrap_or_default();
        let who = line.user_name.clone().unwrap_or_else(|| line.user_handle.clone());
        if self.change.dry_run {
            session.console.say(&format!("would delete the credential of {who} for {}.{known}", line.rp()));
        } else {
            let question = format!("delete the credential of {who} for {} from {}?{known}", line.rp(), key.device.path);
            session.console.confirm(&question, self.change.yes)?;
            key.authenticator.delete_credential(&token, id)?;
            line.deleted = true;
        }
        let deleted = if line.deleted { "deleted" } else { "not deleted" };
        session.output.result(line, || format!("{deleted}: {who} for {}", line.rp()))?;
        Ok(Exit::Done)
    }
}

/// Everything that is on a key. `token` needs cm.
pub fn on_key(path: &str, key: &mut Authenticator, token: &PinUvAuthToken) -> Result<Vec<Line>, CtapError> {
    let mut lines = Vec::new();
    for rp in key.enumerate_rps(token)? {
        for credential in key.enumerate_credentials(token, &rp.id_hash)? {
            lines.push(Line::of(path, &rp, credential));
        }
    }
    Ok(lines)
}

fn list(lines: &[Line], session: &Session) -> Result<Exit, CliError> {
    if session.output.is_json() {
        for line in lines {
            session.output.object(line)?;
        }
        return Ok(Exit::Done);
    }
    if lines.is_empty() {
        session.console.say("there are no credentials on this key");
        return Ok(Exit::Done);
    }
    session.output.words(&words(lines))?;
    Ok(Exit::Done)
}

/// A table.
pub fn words(lines: &[Line]) -> String {
    let heading = ["RP", "USER", "NAME", "CREDENTIAL"].map(str::to_owned);
    let rows = lines.iter().map(|line| {
        [
            line.rp().to_owned(),
            line.user_name.clone().unwrap_or_else(|| "-".into()),
            line.user_display_name.clone().unwrap_or_else(|| "-".into()),
            line.credential_id.to_string(),
        ]
    });
    table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

/// What the ledger says of a credential, if there is a ledger and it knows it as registered.
fn in_ledger(id: &CredentialId, session: &Session) -> Result<Option<String>, CliError> {
    let store = match SqliteStore::read(&session.state()?.ledger()) {
        Ok(store) => store,
        Err(LedgerError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let book = Register::read(&store.entries(0)?)?;
    // A browser's own is known from the drill that found it.
    let found = |known: &Credential| known.by_hand.as_ref()?.found.as_ref().map(|found| found.credential_id.clone());
    let mut known = book.credentials.iter().filter(|(_, known)| known.state.is_in_use());
    Ok(known.find(|(of_job, known)| *of_job == id || found(known).as_ref() == Some(id)).map(|(_, known)| {
        format!("The ledger has it as key {} of {}; it stays registered there", known.ordinal, known.account)
    }))
}
