//! `keywright idp check`: would registrations work?

use clap::Args;
use serde::Serialize;

use super::command_rights::{CommandChecked, of_commands, too_many};
use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::run_report::by_hand_words;
use crate::idp::capability::{AccountRights, Readiness, Rights};
use crate::idp::{ByHand, Capability, Directory, Finding};
use crate::settings::IdpChoice;
use keywright_files::shown;

/// Check that registrations would work, without changing anything.
///
/// Signs in to the IdP and asks for what would keep registrations from working; then tells, for each thing that it can do besides,
/// which permissions that needs and which are there, and the same for each command. 'enforce' and 'recover' may have a credential
/// of their own, in [idp.NAME.writing]. Exit code 1 if registrations would not work, 4 if the IdP cannot be reached or refuses the
/// sign-in itself.
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

/// A capability of the IdP, and whether our account may use it.
#[derive(Serialize)]
struct CapabilityChecked {
    capability: Capability,
    /// Whether it changes something at the IdP.
    writes: bool,
    /// `ready`, `lacks`, `cannot-tell`, `not-offered`.
    state: &'static str,
    /// The permissions that it needs, as the IdP's console calls them.
    needs: Vec<Permission>,
    /// What cannot be told, for people.
    untold: Vec<String>,
}

#[derive(Serialize)]
struct Permission {
    name: String,
    /// `null`: cannot tell.
    there: Option<bool>,
}

#[derive(Serialize)]
struct Checked<'a> {
    directory: &'a str,
    ready: bool,
    findings: &'a [Finding],
    /// What it can do besides, and which permissions that needs; empty where it has no API.
    capabilities: Vec<CapabilityChecked>,
    /// Permissions that our account has and nothing here needs; `null`: cannot tell.
    beyond: Option<Vec<String>>,
    /// Whether our account may change accounts of administrators too; `null`: cannot tell.
    over_administrators: Option<bool>,
    /// Each command, and whether what it does at the IdP is permitted; empty where it has no API.
    commands: Vec<CommandChecked>,
    /// Permissions that only `enforce` and `recover` need, which have a credential of their own; `null` where they have none.
    too_many: Option<Vec<String>>,
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
        let settings = session.settings()?;
        let directory = which.open(&settings)?;
        let findings = directory.preflight()?;
        let ready = !findings.iter().any(|finding| finding.blocks);
        let by_hand = directory.registration().by_hand();
        let asked = directory.capabilities().rights.filter(|_| ready);
        let rights = asked.map(AccountRights::rights).transpose()?;
        let over_administrators = asked.map(AccountRights::over_administrators).transpose()?;
        let has_writing = settings.choose(which.idp.as_ref(), which.idp_token.as_ref())?.has_writing();
        let writing = match has_writing && ready {
            true => {
                let writing = which.open_for_writing(&settings)?;
                Some(writing.capabilities().rights.map(|rights| rights.rights()).transpose()?)
            }
            false => None,
        };
        let own = rights.as_ref();
        let commands = match by_hand {
            Some(_) => Vec::new(),
            None => of_commands(directory.capabilities(), own, writing.as_ref().map(Option::as_ref)),
        };
        let checked = Checked {
            too_many: has_writing.then(|| too_many(own)),
            commands,
            directory: directory.name(),
            ready,
            findings: &findings,
            capabilities: capabilities(directory.as_ref(), rights.as_ref()),
            beyond: rights.and_then(|rights| rights.beyond.known().cloned()),
            over_administrators: over_administrators.and_then(|over| over.known().copied()),
            by_hand,
        };
        session.output.result(&checked, || idp_check_text(&checked))?;
        Ok(if ready { Exit::Done } else { Exit::Failed })
    }
}

/// Every capability. What nobody can tell is never ready, and so is everything where the IdP tells nothing of our account. Where keys
/// are registered by hand, those alone that are there.
fn capabilities(directory: &dyn Directory, rights: Option<&Rights>) -> Vec<CapabilityChecked> {
    let has = directory.capabilities();
    let by_hand = directory.registration().by_hand().is_some();
    let is_told = |capability: &Capability| !by_hand || *capability != Capability::Registration && has.has(*capability);
    let checked = |capability: Capability| {
        let needed = rights.iter().flat_map(|rights| &rights.needed).filter(|right| right.capability == capability);
        let needs = needed.map(|right| Permission { name: right.name.clone(), there: right.there.known().copied() });
        let (state, untold) = match rights.map(|rights| rights.readiness(capability)) {
            _ if !has.has(capability) => ("not-offered", Vec::new()),
            None => ("cannot-tell", vec!["keywright does not ask this IdP what its account may do".to_owned()]),
            Some(Readiness::Ready) => ("ready", Vec::new()),
            Some(Readiness::Lacks(_)) => ("lacks", Vec::new()),
            Some(Readiness::CannotTell(untold)) => ("cannot-tell", untold.iter().map(ToString::to_string).collect()),
        };
        CapabilityChecked { capability, writes: capability.writes(), state, needs: needs.collect(), untold }
    };
    Capability::ALL.into_iter().filter(is_told).map(checked).collect()
}

fn capability_words(checked: &CapabilityChecked) -> String {
    let named = |wanted: fn(&&Permission) -> bool| {
        checked.needs.iter().filter(wanted).map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (what, needs) = (checked.capability.words(), named(|_| true));
    match checked.state {
        "ready" => format!("{what}: ready ({needs})"),
        "lacks" => format!("{what}: lacks {} (needs {needs})", named(|one| one.there == Some(false))),
        "cannot-tell" => format!("{what}: cannot tell; {}", checked.untold.join("; ")),
        _ => format!("{what}: not offered"),
    }
}

fn idp_check_text(checked: &Checked<'_>) -> String {
    let state = match (checked.ready, checked.by_hand) {
        (true, Some(_)) if checked.capabilities.is_empty() => "ready: there is nothing to sign in to",
        (true, Some(_)) => "ready: keys are registered by hand, and the IdP can be read",
        (true, None) => "ready: the sign-in works, registrations would",
        (false, _) => "not ready",
    };
    let mut text = format!("{}: {state}\n", checked.directory);
    for finding in checked.findings {
        let kind = if finding.blocks { "blocks" } else { "note" };
        text.push_str(&format!("  {kind}: {}\n", shown::one_line(&finding.message)));
    }
    for capability in &checked.capabilities {
        text.push_str(&format!("  {}\n", shown::one_line(&capability_words(capability))));
    }
    if checked.capabilities.iter().any(|one| one.writes && one.state != "not-offered") {
        let over = match checked.over_administrators {
            Some(true) => "may be changed",
            Some(false) => "may not be changed by our account",
            None => "cannot tell whether our account may change them",
        };
        text.push_str(&format!("  accounts of administrators: {over}\n"));
    }
    for command in &checked.commands {
        text.push_str(&format!("  {}\n", shown::one_line(&command.text())));
    }
    if let Some(too_many) = checked.too_many.as_ref().filter(|too_many| !too_many.is_empty()) {
        let too_many = shown::one_line(&too_many.join(", ")).into_owned();
        text.push_str(&format!("  too many, since enforce and recover have a credential of their own: {too_many}\n"));
    }
    if let Some(beyond) = checked.beyond.as_ref().filter(|beyond| !beyond.is_empty()) {
        text.push_str(&format!("  has more than is needed: {}\n", shown::one_line(&beyond.join(", "))));
    }
    if let Some(by_hand) = checked.by_hand {
        text.push_str(&by_hand_words(by_hand));
    }
    text
}
