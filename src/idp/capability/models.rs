//! Which models of keys an IdP's rules shut out, held against keys that are handed out already.
//!
//! A list of models acts at sign-in too at some IdPs: taking one off it shuts people out who hold that key. It refuses to judge
//! keys whose model nobody knows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::told::Listing;
use crate::idp::error::DirectoryError;
use keywright_fido::webauthn::Aaguid;

/// A model that a rule shuts out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutOut {
    /// The model.
    pub model: Aaguid,
    /// The rule, with whom it is about.
    pub rule: String,
    /// Whether keys of it that are registered already do not sign in either.
    pub at_sign_in: bool,
    /// Where the rule is changed, as a path through the IdP's console.
    pub place: String,
}

/// Rules about models.
pub trait ModelRules {
    /// Which of these models are shut out, and by what. Changes nothing.
    fn shut_out(&self, models: &BTreeSet<Aaguid>) -> Result<Listing<ShutOut>, DirectoryError>;
}
