//! `keywright replace`: a new key before the old one goes.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::arguments::{WhichKey, Work};
use crate::cli::shared::batch::{RunContext, RunKind};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account, profiles};
use crate::cli::view;
use crate::provision::{Plan, RevokeError, Station};
use crate::register::Replacement;

/// Give somebody a new key in place of one that is worn or has an advisory.
///
/// The new key is made, tested and registered first; only when it counts, the old one is revoked at the IdP. Interrupted in
/// between, 'keywright resume' goes on. A key that is lost is revoked at once instead: 'keywright revoke'.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright replace ada@example.org --key 1 --reason YSA-2024-03\n  keywright replace ada@example.org --key 1 --reason worn --dry-run\n  keywright replace ada@example.org --key 1 --reason forgotten-PIN --same-key"
)]
pub(crate) struct Replace {
    /// The login
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Which of the person's keys goes: 1, 2, ... as 'keywright status' counts them, or its own number (K-0042)
    #[arg(long, value_name = "NUMBER")]
    key: WhichKey,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The key itself stays, because only its PIN is forgotten: it is reset and enrolled anew, then its old credential is revoked
    #[arg(long)]
    same_key: bool,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
}

impl Replace {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let profiles = profiles::load(self.profiles.as_deref(), &settings)?;
        let register = session.register()?;
        let directory = account::directory_of(&self.account, &register, &self.work.idp, &settings)?;
        let id = account::known_at_idp(&self.account, &*directory, &register)?;
        let ordinal = self.key.of_account(&id, &register)?;
        let Some(known) = register.accounts.get(&id).filter(|_| register.job_of_key(&id, ordinal).is_some()) else {
            return Err(RevokeError::NoSuchKey { account: id, ordinal }.into());
        };
        session.catch_interrupts(ENDING)?;
        let context = RunContext::with_directory(&self.work, &settings, directory, session)?;
        let person = crate::profile::Person { account: known.login.clone(), ..known.person.clone() };
        // The account's own profile, as it reads today.
        let profile = profiles.get(&known.profile.name).unwrap_or(&known.profile);
        let (reason, same_key) = (self.reason.clone(), self.same_key);
        let replacement = Replacement { ordinal, reason, same_key };
        let draw = |station: &Station<'_>| Plan::replacing(station, &person, profile, replacement.clone()).map(Some);
        let outcome = context.run(RunKind::Enroll, draw, session)?;
        view::print_outcome(&outcome, session)
    }
}
