//! The account that a person names on the command line: by its login, a former one, or the IdP's id.
//!
//! It refuses to guess between two: then the IdP has to be named.

use crate::cli::shared::CliError;
use crate::cli::shared::arguments::WhichIdp;
use crate::idp::{Directory, DirectoryError};
use crate::ledger::AccountId;
use crate::profile::login;
use crate::register::{IdpIdentity, Register};
use crate::settings::{IdpChoice, Settings};

/// The account that is meant, at the IdP of this name if one was given. Asks no IdP. Fails if the register has none, or several.
pub(crate) fn find(text: &str, idp: Option<&IdpChoice>, register: &Register) -> Result<AccountId, CliError> {
    let mut named = register.accounts_named(text);
    if let Some(IdpChoice::Name(name)) = idp {
        named.retain(|id| id.directory == *name);
    }
    only_one(text, &named)?.ok_or_else(|| unknown(text))
}

/// The account that is meant at this IdP; `None` if the register has none there. An account of another IdP is never meant.
pub(crate) fn at_idp(
    text: &str,
    directory: &dyn Directory,
    register: &Register,
) -> Result<Option<AccountId>, CliError> {
    let named = register.accounts_named(text);
    let by_name: Vec<_> = named.iter().filter(|id| id.directory == directory.name()).copied().collect();
    if !by_name.is_empty() || named.is_empty() {
        return only_one(text, &by_name);
    }
    // A table that was renamed in the settings: its accounts keep the old name in the log.
    let idp = IdpIdentity { name: directory.name().to_owned(), instance: directory.instance()? };
    let there: Vec<_> = named.into_iter().filter(|id| idp.has(id, &register.accounts[*id])).collect();
    only_one(text, &there)
}

/// The same, for a command that has nothing to do without one. A login that the register does not know may be a new one of somebody
/// whom it knows: the IdP says whose it is.
pub(crate) fn known_at_idp(text: &str, directory: &dyn Directory, register: &Register) -> Result<AccountId, CliError> {
    if let Some(known) = at_idp(text, directory, register)? {
        return Ok(known);
    }
    well_spelled(text)?;
    let name = directory.name();
    let unknown = format!("no account {text} at {name} is in the ledger");
    match directory.find_user(text) {
        Ok(user) => {
            let idp = IdpIdentity { name: name.to_owned(), instance: directory.instance()? };
            register.account_of_user(&idp, &user.id).cloned().ok_or(CliError::NotFound(unknown))
        }
        Err(DirectoryError::NotFound { .. }) => Err(CliError::NotFound(unknown)),
        Err(error) => {
            Err(CliError::NotFound(format!("{unknown}, and whether it is a new login cannot be told: {error}")))
        }
    }
}

fn only_one(text: &str, candidates: &[&AccountId]) -> Result<Option<AccountId>, CliError> {
    match candidates {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let idps: Vec<&str> = several.iter().map(|id| id.directory.as_str()).collect();
            Err(CliError::Usage(format!("{text} is an account at {}; name one with --idp", idps.join(" and "))))
        }
    }
}

fn unknown(text: &str) -> CliError {
    well_spelled(text).err().unwrap_or_else(|| CliError::NotFound(format!("no account {text} is in the ledger")))
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
    which_of(text, register, which, settings).open(settings)
}

/// Which IdP that is.
pub(crate) fn which_of(text: &str, register: &Register, which: &WhichIdp, settings: &Settings) -> WhichIdp {
    let mut own: Vec<&str> = register.accounts_named(text).into_iter().map(|id| id.directory.as_str()).collect();
    own.retain(|name| settings.idp.contains_key(*name));
    own.dedup();
    match (&which.idp, own.as_slice()) {
        (None, [name]) => WhichIdp { idp: Some(IdpChoice::Name((*name).to_owned())), ..which.clone() },
        _ => which.clone(),
    }
}

/// The IdP of a known account, unless another is named; `None` where the settings have it no longer.
pub(crate) fn own_directory(
    id: &AccountId,
    register: &Register,
    which: &WhichIdp,
    settings: &Settings,
) -> Result<Option<Box<dyn Directory>>, CliError> {
    let is_known = settings.idp.contains_key(&id.directory);
    let directory = match &which.idp {
        Some(_) => which.open(settings)?,
        None if is_known => open_named(&id.directory, which, settings)?,
        None => return Ok(None),
    };
    // One that is called as it was need not be asked which it is.
    let is_its = directory.name() == id.directory || {
        let idp = IdpIdentity { name: directory.name().to_owned(), instance: directory.instance()? };
        register.accounts.get(id).is_some_and(|known| idp.has(id, known))
    };
    match is_its {
        true => Ok(Some(directory)),
        false => Err(CliError::NotFound(format!(
            "no account {} at {} is in the ledger",
            register.login(id),
            directory.name()
        ))),
    }
}

fn open_named(name: &str, which: &WhichIdp, settings: &Settings) -> Result<Box<dyn Directory>, CliError> {
    WhichIdp { idp: Some(IdpChoice::Name(name.to_owned())), ..which.clone() }.open(settings)
}
