//! `keywright enroll`: one more key for one person.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::arguments::Work;
use crate::cli::shared::batch::{RunContext, RunKind};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account, profiles};
use crate::cli::view;
use crate::profile::{Person, ProfileName};
use crate::provision::{Plan, Station};

/// Provision one more key for one person.
///
/// For a backup, or to replace a lost key. The person's other keys stay as they are. For somebody who is not in the ledger yet, name
/// a profile.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright enroll ada@example.org\n  keywright enroll bob@example.org --profile finance --name 'Bob'"
)]
pub(crate) struct Enroll {
    /// The login at the IdP
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// The profile [default: the account's own, as the ledger has it]
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,
    /// The person's name, if the ledger does not have it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The request that this rests on, for the ledger
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// Why the account gets a key, for the ledger
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Where the key will be kept, for the ledger
    #[arg(long, value_name = "PLACE")]
    storage: Option<String>,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
}

impl Enroll {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let profiles = profiles::load(self.profiles.as_deref(), &settings)?;
        let register = session.register_if_any()?.unwrap_or_default();
        let directory = account::directory_of(&self.account, &register, &self.work.idp, &settings)?;
        session.catch_interrupts(ENDING)?;
        let known = account::at_idp(&self.account, &*directory, &register)?;
        let known = known.and_then(|id| register.accounts.get(&id));
        let context = RunContext::with_directory(&self.work, &settings, directory, session)?;
        if known.is_none() {
            account::well_spelled(&self.account)?;
        }
        let profile = match (&self.profile, known) {
            (Some(name), _) => profiles::find(name, &profiles)?.clone(),
            (None, Some(known)) => (*known.profile).clone(),
            (None, None) => {
                return Err(CliError::Usage(format!(
                    "{} is not in the ledger; name a profile with --profile",
                    self.account
                )));
            }
        };
        let person = known.map(|known| &known.person);
        let over =
            |new: &Option<String>, old: fn(&Person) -> Option<String>| new.clone().or_else(|| person.and_then(old));
        let person = Person {
            account: known.map_or(&self.account, |known| &known.login).clone(),
            profile: profile.name.clone(),
            name: over(&self.name, |person| person.name.clone()),
            ticket: self.ticket.clone(),
            reason: self.reason.clone(),
            storage: over(&self.storage, |person| person.storage.clone()),
            wave: person.and_then(|person| person.wave.clone()),
        };
        let draw = |station: &Station<'_>| Plan::one_more(station, &person, &profile).map(Some);
        let outcome = context.run(RunKind::Enroll, draw, session)?;
        view::print_outcome(&outcome, session)
    }
}
