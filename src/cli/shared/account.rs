//! The account that a person names on the command line: by its login, a former one, or the IdP's id.
//!
//! It refuses to guess between two: then the IdP has to be named.

use crate::cli::shared::CliError;
use crate::cli::shared::arguments::WhichIdp;
use crate::idp::Directory;
use crate::ledger::AccountId;
use crate::profile::login;
use crate::register::Register;
use crate::settings::{IdpChoice, Settings};

/// The account that is meant, at the IdP of this name if one was given. Fails if the register has none, or several.
pub(crate) fn find(text: &str, idp: Option<&IdpChoice>, register: &Register) -> Result<AccountId, CliError> {
    let wanted = |id: &&&AccountId| match idp {
        Some(IdpChoice::Name(name)) => id.directory == *name,
        Some(IdpChoice::Url(_)) | None => true,
    };
    let named = register.accounts_named(text);
    let at_idp: Vec<_> = named.iter().filter(wanted).copied().collect();
    // A table that was renamed in the settings: its accounts keep the old name in the log.
    let candidates = if at_idp.is_empty() { named } else { at_idp };
    match candidates.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            well_spelled(text)?;
            Err(CliError::NotFound(format!("no account {text} is in the ledger")))
        }
        several => {
            let idps: Vec<&str> = several.iter().map(|id| id.directory.as_str()).collect();
            Err(CliError::Usage(format!("{text} is an account at {}; name one with --idp", idps.join(" and "))))
        }
    }
}

/// Refuses a login that nobody can see the letters of. One that the register has is found all the same: there has to be a way to take
/// its keys out of service.
pub(crate) fn well_spelled(login: &str) -> Result<(), CliError> {
    login::check(login).map_err(|error| CliError::Usage(format!("the account has {error}")))
}

/// The IdP: the one that is named, else the account's own if the settings have it, else the only one.
pub(crate) fn directory_of(
    text: &str,
    register: &Register,
    which: &WhichIdp,
    settings: &Settings,
) -> Result<Box<dyn Directory>, CliError> {
    let mut own: Vec<&str> = register.accounts_named(text).into_iter().map(|id| id.directory.as_str()).collect();
    own.retain(|name| settings.idp.contains_key(*name));
    own.dedup();
    match (&which.idp, own.as_slice()) {
        (None, [name]) => {
            let which = WhichIdp { idp: Some(IdpChoice::Name((*name).to_owned())), ..which.clone() };
            which.open(settings)
        }
        _ => which.open(settings),
    }
}
