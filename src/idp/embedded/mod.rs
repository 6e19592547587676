//! The embedded directory: a small IdP on loopback, for rehearsals and for trying keys.

use secrecy::SecretString;

use super::{Ceremony, Directory, DirectoryError, Finding, Registered, SignIn, User};
use crate::webauthn::RegistrationResponse;

/// The embedded directory as an IdP, spoken to over HTTP.
pub struct Embedded {}

impl Embedded {
    /// `url` such as `http://127.0.0.1:8460`; `token` is the API token that the server was started with.
    pub fn new(_name: &str, _url: &str, _token: SecretString) -> Result<Self, DirectoryError> {
        todo!()
    }
}

impl Directory for Embedded {
    fn name(&self) -> &str {
        todo!()
    }
    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        todo!()
    }
    fn find_user(&self, _login: &str) -> Result<User, DirectoryError> {
        todo!()
    }
    fn begin(&self, _user: &User) -> Result<Ceremony, DirectoryError> {
        todo!()
    }
    fn complete(
        &self,
        _ceremony: &Ceremony,
        _response: &RegistrationResponse,
        _label: &str,
    ) -> Result<Registered, DirectoryError> {
        todo!()
    }
    fn abandon(&self, _user: &User, _pending: &str) -> Result<(), DirectoryError> {
        todo!()
    }
    fn pending(&self, _user: &User) -> Result<Vec<String>, DirectoryError> {
        todo!()
    }
    fn list(&self, _user: &User) -> Result<Vec<Registered>, DirectoryError> {
        todo!()
    }
    fn revoke(&self, _user: &User, _registered: &Registered) -> Result<(), DirectoryError> {
        todo!()
    }
    fn other_methods(&self, _user: &User) -> Result<Vec<String>, DirectoryError> {
        todo!()
    }
    fn sign_in(&self) -> Option<&dyn SignIn> {
        todo!()
    }
}
