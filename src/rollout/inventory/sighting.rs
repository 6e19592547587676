//! What the IdP alone says of one person: keys, methods, last use. A bounded number of requests each.
//!
//! It refuses to take a refusal for an empty list, and a failure for a refusal.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::idp::capability::{LastUsed, Listing, Method, Passkey, Seen, Told, Untold};
use crate::idp::{Directory, DirectoryError, Registration, User};

/// A person as the IdP has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The account.
    pub user: User,
    /// Whether it is another organization's.
    pub guest: bool,
    /// Its keys.
    pub keys: Listing<SeenKey>,
    /// Every way in.
    pub methods: Listing<Method>,
    /// The last sign-in by any way.
    pub seen: Told<Seen>,
    /// When it was read.
    #[serde(with = "time::serde::rfc3339")]
    pub read: OffsetDateTime,
}

/// A key as the IdP has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenKey {
    /// What it is.
    pub passkey: Passkey,
    /// Its last sign-in.
    pub used: Told<Seen>,
}

/// Asks everything that the IdP tells of a person. `reported` is what its report over all accounts has of the methods, which then
/// are not asked for.
pub fn look(
    directory: &dyn Directory,
    user: User,
    guest: bool,
    reported: Option<Listing<Method>>,
    now: OffsetDateTime,
) -> Result<Sighting, DirectoryError> {
    let has = directory.capabilities();
    let methods = match (reported, has.methods) {
        (Some(reported), _) => reported,
        (None, Some(methods)) => listed("sign-in methods", methods.methods(&user))?,
        (None, None) => Listing::untold(Untold::not_offered("sign-in methods")),
    };
    let used = match has.last_use {
        Some(last_use) => Told::from_answer("the last use", "", last_use.last_use(&user))?,
        None => Told::CannotTell(Untold::not_offered("the last use")),
    };
    let Listing { found, untold } = passkeys(directory, &user)?;
    let found = found.into_iter().map(|passkey| SeenKey { used: used_of(&passkey, &used), passkey }).collect();
    let seen = match used {
        Told::Known(used) => used.account,
        Told::CannotTell(untold) => Told::CannotTell(untold),
    };
    Ok(Sighting { user, guest, keys: Listing { found, untold }, methods, seen, read: now })
}

fn passkeys(directory: &dyn Directory, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
    if let Registration::ByHand(_) = directory.registration() {
        return Ok(Listing::untold(Untold::not_offered("keys, which are registered by hand")));
    }
    match directory.capabilities().passkeys {
        Some(passkeys) => listed("keys", passkeys.passkeys(user)),
        None => {
            let known = Told::from_answer("keys", "", directory.list(user))?;
            let mut listing = Listing::default();
            listing.take(match known {
                Told::Known(keys) => Told::Known(keys.into_iter().map(|key| Passkey::by_model(key, None)).collect()),
                Told::CannotTell(untold) => Told::CannotTell(untold),
            });
            Ok(listing)
        }
    }
}

fn listed<T>(what: &str, answer: Result<Listing<T>, DirectoryError>) -> Result<Listing<T>, DirectoryError> {
    match answer {
        // An account that is gone is no list that was kept back.
        Err(gone @ DirectoryError::NotFound { .. }) => Err(gone),
        answer => Ok(match Told::from_answer(what, "", answer)? {
            Told::Known(listing) => listing,
            Told::CannotTell(untold) => Listing::untold(untold),
        }),
    }
}

/// When a key was used. One that a whole list does not name has not been told of.
fn used_of(passkey: &Passkey, used: &Told<LastUsed>) -> Told<Seen> {
    let used = match used {
        Told::Known(used) => used,
        Told::CannotTell(untold) => return Told::CannotTell(untold.clone()),
    };
    match used.keys.found.iter().find(|one| one.key == passkey.registered.id) {
        Some(one) => Told::Known(Seen { at: one.at }),
        None => Told::CannotTell(match used.keys.untold.first() {
            Some(untold) => untold.clone(),
            None => Untold::not_offered("the key's last use"),
        }),
    }
}
