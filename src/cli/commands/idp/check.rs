//! `keywright idp check`: would registrations work?

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::run_report::by_hand_words;
use crate::idp::{ByHand, Finding};
use crate::settings::IdpChoice;
use keywright_files::shown;

/// Check that registrations would work, without changing anything.
///
/// Signs in to the IdP and asks for what would keep registrations from working. Exit code 1 if something does, 4 if the IdP
/// cannot be reached or refuses the sign-in itself.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright idp check\n  keywright idp check acme\n  keywright idp check --idp http://127.0.0.1:8460 --idp-token env:KEYWRIGHT_TOKEN"
)]
pub(crate) struct Check {
    /// Its name in the settings (needed if there are several)
    #[arg(value_name = "NAME", conflicts_with = "idp")]
    name: Option<String>,
    #[command(flatten)]
    idp: WhichIdp,
}

#[derive(Serialize)]
struct Checked<'a> {
    directory: &'a str,
    ready: bool,
    findings: &'a [Finding],
    /// What a person has to do; `null` where the IdP has an API.
    by_hand: Option<&'a ByHand>,
}

impl View for Checked<'_> {
    const KIND: &'static str = "idp-check";
}

impl Check {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut which = self.idp.clone();
        which.idp = which.idp.or_else(|| self.name.clone().map(IdpChoice::Name));
        let directory = which.open(&session.settings()?)?;
        let findings = directory.preflight()?;
        let ready = !findings.iter().any(|finding| finding.blocks);
        let by_hand = directory.registration().by_hand();
        let checked = Checked { directory: directory.name(), ready, findings: &findings, by_hand };
        session.output.result(&checked, || idp_check_text(&checked))?;
        Ok(if ready { Exit::Done } else { Exit::Failed })
    }
}

fn idp_check_text(checked: &Checked<'_>) -> String {
    let state = match (checked.ready, checked.by_hand) {
        (true, Some(_)) => "ready: there is nothing to sign in to",
        (true, None) => "ready: the sign-in works, registrations would",
        (false, _) => "not ready",
    };
    let mut text = format!("{}: {state}\n", checked.directory);
    for finding in checked.findings {
        let kind = if finding.blocks { "blocks" } else { "note" };
        text.push_str(&format!("  {kind}: {}\n", shown::one_line(&finding.message)));
    }
    if let Some(by_hand) = checked.by_hand {
        text.push_str(&by_hand_words(by_hand));
    }
    text
}
