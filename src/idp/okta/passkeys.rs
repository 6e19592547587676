//! What the passkeys of an Okta account are. Okta tells credential ids and, by the AAGUID, the model's name; neither AAGUID nor backup
//! flags (confirmed by its description). A name of a password manager that copies passkeys is believed, anything else cannot be told:
//! `allowSyncablePasskeys` says only what may be enrolled from now on.

use super::Okta;
use crate::idp::capability::passkeys::{Passkey, Passkeys};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::directory::{Directory as _, User};
use crate::idp::error::DirectoryError;

impl Passkeys for Okta {
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
        let told = Told::of_existing("the account's passkeys", "the scope okta.users.read", self.list(user))?;
        let mut passkeys = Listing::of(told.map(|keys| keys.into_iter().map(Passkey::by_name).collect()));
        // Factors that the policy leaves out are in the enrolments alone.
        passkeys.untold.extend(self.enrollments(user)?.untold());
        Ok(passkeys)
    }
}
