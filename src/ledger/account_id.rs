//! What accounts and IdPs are called in the log.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::profile::login;

/// An account, by what it was called when it was planned first. It keeps this name in the log when its login or the IdP's name in
/// the settings change; who it is, is the IdP's own id of its user ([`super::Event::UserFound`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId {
    /// The IdP's name in the settings.
    pub directory: String,
    /// The login there.
    pub login: String,
    /// The IdP's id of the user, where the log has another account that once had this login.
    pub user_id: Option<String>,
}

/// An account in JSON. Other formats have its members in this order, none left out.
#[derive(Serialize, Deserialize)]
struct AccountIdJson<'a> {
    directory: Cow<'a, str>,
    login: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<Cow<'a, str>>,
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { directory, login, user_id } = self;
        if !serializer.is_human_readable() {
            return (directory, login, user_id).serialize(serializer);
        }
        let user_id = user_id.as_deref().map(Cow::Borrowed);
        AccountIdJson { directory: directory.into(), login: login.into(), user_id }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let (directory, login, user_id) = Deserialize::deserialize(deserializer)?;
            return Ok(Self { directory, login, user_id });
        }
        let AccountIdJson { directory, login, user_id } = AccountIdJson::deserialize(deserializer)?;
        Ok(Self { directory: directory.into(), login: login.into(), user_id: user_id.map(Cow::into_owned) })
    }
}

impl AccountId {
    /// An account whose login nobody else had.
    pub fn new(directory: &str, login: &str) -> Self {
        Self { directory: directory.to_owned(), login: login.to_owned(), user_id: None }
    }
}

/// The kind of IdPs without an API.
const BY_HAND: &str = "manual";

/// Which IdP it is, by what stays the same when the settings call it something else: its kind, a colon, and its tenant, org,
/// environment, issuer, realm or RP ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdpInstance(String);

impl IdpInstance {
    /// `kind` is the settings' word for it; `identity` is compared without regard to case.
    pub fn new(kind: &str, identity: &str) -> Self {
        Self(format!("{kind}:{}", identity.to_lowercase()))
    }

    /// One without an API, where nobody tells ids: there the login is the id.
    pub fn by_hand(rp_id: &str) -> Self {
        Self::new(BY_HAND, rp_id)
    }

    /// Whether two ids are one user's there. Where nobody tells ids, they are logins, and compared as such.
    pub fn is_one_user(&self, id: &str, other: &str) -> bool {
        let ids_are_logins = self.0.split_once(':').is_some_and(|(kind, _)| kind == BY_HAND);
        id == other || ids_are_logins && login::is_same(id, other)
    }
}

impl std::fmt::Display for IdpInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.login, self.directory)
    }
}
