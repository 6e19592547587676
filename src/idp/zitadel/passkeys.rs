//! What the passkeys of a Zitadel account are: it tells their ids and names (confirmed by its proto), neither model nor backup flags, and
//! asks for no attestation. So it cannot be told.

use super::Zitadel;
use crate::idp::capability::passkeys::{Passkey, Passkeys};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::directory::{Directory as _, User};
use crate::idp::error::DirectoryError;

impl Passkeys for Zitadel {
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
        let told = Told::of_existing("the account's passkeys", super::people::NEEDS, self.list(user))?;
        Ok(Listing::of(told.map(|keys| keys.into_iter().map(|key| Passkey::by_model(key, None)).collect())))
    }
}
