//! When a PingOne account was last used: `lastSignOn` (confirmed by OpenAPI). PingOne tells it of no device.

use super::wire::Account;
use super::{PingOne, known, user_path};
use crate::idp::capability::last_use::{LastUse, LastUsed, Seen};
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

impl LastUse for PingOne {
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let account: Account = self.get(&user_path(&user.id), &known(user))?.json()?;
        let keys = Listing::untold(Untold::not_offered("when a key was last used"));
        Ok(LastUsed { account: Told::Known(Seen { at: account.last_sign_on.and_then(|last| last.at) }), keys })
    }
}
