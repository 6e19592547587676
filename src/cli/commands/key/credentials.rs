//! `keywright key credentials`: what is on a key, taking one away, and calling its person by another name.

use clap::Args;

use super::{erase, owner};
use crate::cli::shared::arguments::{Change, OneKey, PinArgument};
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::{CliError, Exit, Session, pin_entry};
use crate::cli::view::key_credential::{Line, credential_table, on_key};
use crate::register::Credential;
use keywright_fido::ctap::{CtapError, Permissions, PinUvAuthToken};
use keywright_fido::webauthn::{CredentialId, UserEntity};

/// List the credentials on a key, delete one, or change the names in one.
///
/// Needs the key's PIN. A credential that is deleted here stays registered at the identity provider, where it can no longer be used.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key credentials\n  keywright key credentials --pin file:pin.txt --json\n  keywright key credentials --delete Zm9vYmFy"
)]
pub(crate) struct Credentials {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// Delete the credential with this id (base64url, as the list shows it)
    // One in 64 begins with a dash.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    delete: Option<CredentialId>,
    /// Change the names that the key keeps with the credential of this id; the IdP's own stay
    #[arg(long, value_name = "ID", allow_hyphen_values = true, conflicts_with = "delete", requires = "names")]
    rename: Option<CredentialId>,
    /// The account's new name (with --rename)
    #[arg(long, value_name = "NAME", group = "names", requires = "rename")]
    user_name: Option<String>,
    /// The person's new name (with --rename)
    #[arg(long, value_name = "NAME", group = "names", requires = "rename")]
    display_name: Option<String>,
    #[command(flatten)]
    change: Change,
}

impl Credentials {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut key = OpenKey::open(&self.which, session)?;
        let permissions = Permissions::CREDENTIAL_MANAGEMENT;
        let pin = self.pin.pin.as_ref();
        let token = pin_entry::token(&mut key.authenticator, permissions, pin, self.change.yes, session)?;

        if let Some(id) = &self.rename {
            return self.rename(id, &mut key, &token, session);
        }
        let mut lines = on_key(&key.device.path, &mut key.authenticator, &token)?;
        let Some(id) = &self.delete else {
            return list(&lines, session);
        };
        let Some(line) = lines.iter_mut().find(|line| line.credential_id == *id) else {
            return Err(CliError::NotFound(format!("there is no credential {id} on {}", key.device.path)));
        };
        let owners = owner::of_credentials(std::slice::from_ref(id), session)?;
        let known: String = match owners.is_empty() {
            false => owners.iter().map(|owner| format!(" {}", owner.sentence())).collect(),
            true => by_hand(id, session)?.map(|known| format!(" {known}.")).unwrap_or_default(),
        };
        let who = line.user_name.clone().unwrap_or_else(|| line.user_handle.clone());
        if self.change.dry_run {
            session.console.say(&format!("would delete the credential of {who} for {}.{known}", line.rp()));
        } else {
            let question = format!("delete the credential of {who} for {} from {}?{known}", line.rp(), key.device.path);
            session.console.confirm(&question, self.change.yes)?;
            erase::delete(&key.keys, &mut key.authenticator, &token, id, session)?;
            line.deleted = true;
            owner::tell_registered(&owners, session);
        }
        let deleted = if line.deleted { "deleted" } else { "not deleted" };
        session.output.result(line, || format!("{deleted}: {who} for {}", line.rp()))?;
        Ok(Exit::Done)
    }
}

impl Credentials {
    /// Other names for one credential; what is not named stays.
    fn rename(
        &self,
        id: &CredentialId,
        key: &mut OpenKey,
        token: &PinUvAuthToken,
        session: &Session,
    ) -> Result<Exit, CliError> {
        let path = key.device.path.clone();
        let find = |key: &mut OpenKey| {
            let lines = on_key(&path, &mut key.authenticator, token)?;
            lines
                .into_iter()
                .find(|line| line.credential_id == *id)
                .ok_or_else(|| CliError::NotFound(format!("there is no credential {id} on {path}")))
        };
        let before = find(key)?;
        let asked = UserEntity {
            id: before.user_handle.parse().map_err(CtapError::Webauthn)?,
            name: self.user_name.clone().or(before.user_name.clone()).unwrap_or_default(),
            display_name: self.display_name.clone().or(before.user_display_name.clone()).unwrap_or_default(),
        };
        let names = format!("\"{}\", \"{}\"", asked.name, asked.display_name);
        if self.change.dry_run {
            session.output.result(&before, || format!("would call the credential for {} {names}", before.rp()))?;
            return Ok(Exit::Done);
        }
        let question = format!("call the credential for {} on {} {names}?", before.rp(), before.path);
        session.console.confirm(&question, self.change.yes)?;
        key.authenticator.update_user_information(token, id, &asked)?;
        let mut line = find(key)?;
        // Keys cut names, at 64 bytes or later.
        let kept = |asked: &str, kept: &Option<String>| asked.starts_with(kept.as_deref().unwrap_or_default());
        if !(kept(&asked.name, &line.user_name) && kept(&asked.display_name, &line.user_display_name)) {
            return Err(CliError::NotFound("the key accepted the names but shows others".into()));
        }
        line.renamed = true;
        session.output.result(&line, || format!("renamed: {names} for {}", line.rp()))?;
        Ok(Exit::Done)
    }
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
    session.output.text(&credential_table(lines))?;
    Ok(Exit::Done)
}

/// Whose credential a browser made on a key that was registered by hand, if a drill found it.
fn by_hand(id: &CredentialId, session: &Session) -> Result<Option<String>, CliError> {
    let Some(register) = session.register_if_any()? else { return Ok(None) };
    let found = |known: &Credential| known.by_hand.as_ref()?.found.as_ref().map(|found| found.credential_id.clone());
    let mut known = register.credentials.iter().filter(|(_, known)| known.state.is_in_use());
    Ok(known.find(|(_, known)| found(known).as_ref() == Some(id)).map(|(_, known)| {
        format!("The ledger has it as key {} of {}; it stays registered there", known.ordinal, known.account)
    }))
}
