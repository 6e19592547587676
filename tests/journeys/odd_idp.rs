//! The practice IdP with one oddity of others: what it cannot do, keeps back, or does last.

use std::sync::atomic::{AtomicUsize, Ordering};

use keywright::idp::capability::{Capabilities, Listing, Method, MethodRemoval, Removed, SignInMethods, Untold};
use keywright::idp::embedded::Embedded;
use keywright::idp::{Directory, DirectoryError, Finding, Registered, User};
use keywright::ledger::IdpInstance;
use keywright_fido::webauthn::{Ceremony, RegistrationResponse};

/// What is odd about it.
pub(crate) enum Oddity {
    /// It has no capability but registering keys.
    Bare,
    /// It keeps a list of methods back.
    HidesAList,
    /// A method of this kind goes after all others.
    Default(&'static str),
    /// It answers no removal after so many.
    AwayAfter(AtomicUsize),
}

/// The IdP.
pub(crate) struct OddIdp {
    pub(crate) inner: Embedded,
    pub(crate) oddity: Oddity,
}

impl OddIdp {
    pub(crate) fn new(inner: Embedded, oddity: Oddity) -> Self {
        Self { inner, oddity }
    }
}

impl Directory for OddIdp {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        self.inner.instance()
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        self.inner.preflight()
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        self.inner.find_user(login)
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        Directory::begin(&self.inner, user)
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        self.inner.complete(ceremony, response, label)
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        self.inner.abandon(user, pending)
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.inner.pending(user)
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        self.inner.list(user)
    }

    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.inner.revoke(user, registered)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        match self.oddity {
            Oddity::Bare => Capabilities::default(),
            _ => Capabilities { methods: Some(self), removal: Some(self), ..self.inner.capabilities() },
        }
    }
}

impl SignInMethods for OddIdp {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        let mut told = self.inner.methods(user)?;
        if let Oddity::HidesAList = self.oddity {
            told.untold.push(Untold::not_offered("recovery codes"));
        }
        Ok(told)
    }
}

impl MethodRemoval for OddIdp {
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        match &self.oddity {
            Oddity::Default(kind) if method.kind == *kind => {
                let others = self.inner.methods(user)?.found;
                let others = others.iter().filter(|other| other.is_weak() && other.id != method.id);
                if others.count() > 0 {
                    return Ok(Removed::IsDefault { why: "it is the default".to_owned() });
                }
            }
            Oddity::AwayAfter(left) => {
                if left.load(Ordering::SeqCst) == 0 {
                    let directory = self.name().to_owned();
                    return Err(DirectoryError::Unreachable { directory, why: "the cable is out".to_owned() });
                }
                left.fetch_sub(1, Ordering::SeqCst);
            }
            _ => {}
        }
        self.inner.remove(user, method)
    }
}
