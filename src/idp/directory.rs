//! The door to an identity provider: what every adapter can do, and the data that goes through it.

use serde::{Deserialize, Serialize};

use super::capability::{Capabilities, weaker_ways};
use super::error::DirectoryError;
use crate::ledger::IdpInstance;
use keywright_fido::webauthn::{
    AuthenticationResponse, Ceremony, CredentialId, RegistrationResponse, RpId, SignInCeremony,
};

/// A person's account at the IdP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The IdP's stable id.
    pub id: String,
    /// The login.
    pub login: String,
    /// The person's name there.
    pub display_name: String,
    /// Whether the account may sign in.
    pub active: bool,
}

/// Something that keeps registrations from working, or will bite later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether a registration would fail because of it.
    pub blocks: bool,
    /// What is wrong, and where to change it.
    pub message: String,
}

impl Finding {
    /// A registration would fail because of it.
    pub fn blocks(message: impl Into<String>) -> Self {
        Self { blocks: true, message: message.into() }
    }

    /// To be known, and no registration fails because of it.
    pub fn says(message: impl Into<String>) -> Self {
        Self { blocks: false, message: message.into() }
    }
}

/// A credential that the IdP has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The IdP's name for it, for revocation.
    pub id: String,
    /// The credential id, where the IdP tells it.
    pub credential_id: Option<CredentialId>,
    /// Its label.
    pub label: String,
    /// Whether it signs in as things stand: not where the IdP has it disabled, blocked or locked. It can be removed all the same.
    #[serde(default = "in_service")]
    pub in_service: bool,
}

fn in_service() -> bool {
    true
}

impl Registered {
    /// Whether it is this credential: by the credential id where the IdP tells it, else by the names under which the IdP is known
    /// to have it.
    pub fn is<'a>(&self, credential_id: &CredentialId, names: impl IntoIterator<Item = &'a str>) -> bool {
        match &self.credential_id {
            Some(told) => told == credential_id,
            None => names.into_iter().any(|name| name == self.id),
        }
    }
}

/// Signing in as the user, at IdPs that let us try.
pub trait SignIn {
    /// Begins a sign-in of this user.
    fn begin(&self, user: &User) -> Result<SignInCeremony, DirectoryError>;

    /// Ends it. Fails if the IdP does not let the user in.
    fn finish(
        &self,
        user: &User,
        ceremony: &SignInCeremony,
        response: &AuthenticationResponse,
    ) -> Result<(), DirectoryError>;
}

/// How a key gets registered. The steps of its job, its drills and its revocation follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration<'a> {
    /// The IdP has an API: the job registers the credential that it makes.
    Api,
    /// It has none: a person registers the key, and a drill confirms that. [`Directory::begin`] is answered here, with a ceremony
    /// of nobody's RP ID, so that the key attests and proves itself; nobody completes it, and nobody lists or revokes anything.
    ByHand(&'a ByHand),
}

impl<'a> Registration<'a> {
    /// What a person has to do, where there is no API.
    pub fn by_hand(self) -> Option<&'a ByHand> {
        match self {
            Self::Api => None,
            Self::ByHand(by_hand) => Some(by_hand),
        }
    }
}

/// How keys get to an IdP that has no API for it: a person registers them, in a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ByHand {
    /// The RP ID of the credential that the browser makes on the key.
    pub rp_id: RpId,
    /// Where the person signs in with it.
    pub sign_in_url: String,
    /// What has to be done, in order, a sentence each, from the key in hand to the first sign-in.
    pub steps: Vec<String>,
    /// What has to be done to take a lost key out of service.
    pub removal: String,
    /// Whether the credential has to be a resident one; a registration without it is not believed.
    pub resident_key: bool,
}

/// An identity provider.
pub trait Directory: Send + Sync {
    /// Its name in the settings.
    fn name(&self) -> &str;

    /// Which IdP it is, whatever the settings call it. Asks the IdP only where the settings do not say it.
    fn instance(&self) -> Result<IdpInstance, DirectoryError>;

    /// Signs in and asks what would keep registrations from working. No request here changes anything.
    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError>;

    /// The account with this login.
    fn find_user(&self, login: &str) -> Result<User, DirectoryError>;

    /// Asks what can be asked of this user's registration without changing anything: for a dry run, before any key is taken. The
    /// default asks nothing.
    fn try_registration(&self, _user: &User) -> Result<(), DirectoryError> {
        Ok(())
    }

    /// Begins a registration on behalf of the user.
    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError>;

    /// Ends it: the IdP has the public key when this returns.
    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError>;

    /// The registration of this credential, if the IdP has it: asked after [`Directory::complete`] failed in a way that leaves
    /// it open whether the IdP acted. Changes nothing. `label` is the one that [`Directory::complete`] was given.
    ///
    /// The default looks through [`Directory::list`] for the credential id, and where the IdP does not tell it for the object
    /// that the ceremony made. An adapter whose IdP tells neither has to find another way.
    fn read_back(
        &self,
        user: &User,
        ceremony: &Ceremony,
        credential_id: &CredentialId,
        _label: &str,
    ) -> Result<Option<Registered>, DirectoryError> {
        let pending = ceremony.pending.as_deref();
        Ok(self.list(user)?.into_iter().find(|registered| registered.is(credential_id, pending)))
    }

    /// Whether the IdP has this credential for the user. Changes nothing.
    ///
    /// The default looks for the credential id in [`Directory::list`].
    fn has(&self, user: &User, credential_id: &CredentialId) -> Result<bool, DirectoryError> {
        Ok(self.list(user)?.iter().any(|registered| registered.is(credential_id, None)))
    }

    /// Removes what a registration that did not come to be left behind. Nothing happens if it is gone already. A registration
    /// that did come to be is never removed; asking for it is refused.
    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError>;

    /// Pending objects of this user that nobody ended, expired ones too.
    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError>;

    /// The user's security keys, those too that are out of service and can be put back into it.
    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError>;

    /// Removes one of them.
    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError>;

    /// What it can do besides registering keys.
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::default()
    }

    /// Weaker ways to sign in that the account still has, in words, and what of them could not be read ([`weaker_ways`]). Empty
    /// where the IdP tells nothing of the kind, which its capabilities say.
    fn other_methods(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        match self.capabilities().methods {
            Some(methods) => Ok(weaker_ways(&methods.methods(user)?)),
            None => Ok(Vec::new()),
        }
    }

    /// Signing in as the user, where that can be done.
    fn sign_in(&self) -> Option<&dyn SignIn> {
        None
    }

    /// How keys get registered here.
    fn registration(&self) -> Registration<'_> {
        Registration::Api
    }
}
