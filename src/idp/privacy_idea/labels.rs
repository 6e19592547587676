//! The description of a token.

use super::{LONGEST_DESCRIPTION, PrivacyIdea};
use crate::idp::capability::labels::Labels;
use crate::idp::directory::{Registered, User};
use crate::idp::error::DirectoryError;

impl Labels for PrivacyIdea {
    fn relabel(&self, _: &User, registered: &Registered, label: &str) -> Result<(), DirectoryError> {
        let description: String = label.chars().take(LONGEST_DESCRIPTION).collect();
        self.describe(&registered.id, &description)
    }
}
