//! `keywright breakglass status`: what is known of the accounts for emergencies, and what is to be done.

use std::collections::BTreeMap;

use clap::Args;

use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::console::Style;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::break_glass::{AccountView, FindingView, policy_lines};
use crate::provision::{PersonError, RetryPolicy};
use crate::rollout::breakglass::{self, Finding, Sighting};

/// Say where the break-glass keys are, when they were tried, and who signed in.
///
/// Asks the IdP for each account's sign-ins since its keys are in bags: one that is no drill is told, and ends the command with 3.
/// So does everything else that is to be done, and what could not be read. With --group, which policies are about each account:
/// those of the groups that it is in, and which groups leave it out. Whether that is right, you decide.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright breakglass status
  keywright breakglass status --group admins --group everybody --json")]
pub(crate) struct Status {
    /// A group whose policies are held against each account (repeatable)
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    #[command(flatten)]
    idp: WhichIdp,
}

impl Status {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let directory = self.idp.open(&session.settings()?)?;
        let (retry, now) = (RetryPolicy::default(), Session::now());
        let mut sightings: BTreeMap<_, Sighting> = BTreeMap::new();
        let accounts = register.rollout.break_glass.keys().filter(|id| id.directory == directory.name());
        for id in accounts.clone() {
            let told = breakglass::sight(&*directory, &retry, &session.cancel, &register, id, &self.group);
            let sighting = told.map_err(|error| match error {
                PersonError::Directory(error) => CliError::from(error),
                error => CliError::NotFound(error.to_string()),
            })?;
            sightings.insert(id.clone(), sighting);
        }
        for id in accounts {
            let view = AccountView::of_register(&register, id, now, false).with(&sightings[id]);
            session.output.result(&view, || format!("{}{}", view.text(), policy_lines(&sightings[id])))?;
        }
        let findings = breakglass::judge(&register, directory.name(), &sightings, now);
        for finding in &findings {
            let view = FindingView::new(directory.name(), finding);
            if session.output.is_json() {
                session.output.object(&view)?;
            } else {
                let style = match finding {
                    Finding::SignInOutsideDrill { .. } => Style::Bad,
                    _ => Style::Now,
                };
                session.console.mark(style, "to do:", &finding.to_string());
            }
        }
        Ok(if findings.is_empty() { Exit::Done } else { Exit::Partial })
    }
}
