//! When a Google account was last used: `lastLoginTime` of the account (confirmed by the discovery document). Of keys it tells nothing.

use super::{Scope, Sdk};
use crate::idp::capability::last_use::{LastUse, LastUsed, Seen};
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

impl LastUse for Sdk {
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let account = self.account(&user.login);
        let told = Told::of_existing("when the account was last used", &Scope::Users.needs(), account)?;
        // 1970 stands for never.
        let account = told.map(|account| Seen { at: account.last_login_time.filter(|at| at.unix_timestamp() > 0) });
        Ok(LastUsed { account, keys: Listing::untold(Untold::not_offered("when a key was last used")) })
    }
}
