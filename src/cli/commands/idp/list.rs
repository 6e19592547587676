//! `keywright idp list`: which identity providers are set up. Asks none of them, and takes no secret.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};

/// List the identity providers of the settings.
///
/// Nothing is asked of them, and their secrets stay where they are; 'keywright idp check NAME' signs in.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright idp list\n  keywright idp list --json")]
pub(crate) struct List {}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    /// Which kind of IdP, as `kind` in the settings.
    idp_kind: &'static str,
    address: &'a str,
    /// `null` where there is nothing to sign in to.
    secret: Option<String>,
    /// Whether new accounts go there.
    default: bool,
}

impl View for Listed<'_> {
    const KIND: &'static str = "idp";
}

impl List {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let default = settings.default_idp().map(|table| table.name());
        let listed: Vec<Listed<'_>> = settings
            .idp
            .values()
            .map(|table| {
                let own = table.own();
                Listed {
                    name: table.name(),
                    idp_kind: table.kind().name,
                    address: own.address(),
                    secret: own.secret().map(ToString::to_string),
                    default: default == Some(table.name()),
                }
            })
            .collect();
        if session.output.is_json() {
            for one in &listed {
                session.output.object(one)?;
            }
            return Ok(Exit::Done);
        }
        if listed.is_empty() {
            session.console.say("no identity provider is set up; 'keywright idp add NAME' does it");
        }
        let widest = |column: fn(&Listed<'_>) -> usize| listed.iter().map(column).max().unwrap_or(0);
        let (name, kind) = (widest(|one| one.name.len()), widest(|one| one.idp_kind.len()));
        let lines = listed.iter().map(|one| {
            let how = match &one.secret {
                Some(secret) => format!("secret from {secret}"),
                None => "registered by hand".to_owned(),
            };
            let default = if one.default && listed.len() > 1 { "  default" } else { "" };
            format!("{:name$}  {:kind$}  {}  {how}{default}\n", one.name, one.idp_kind, one.address)
        });
        session.output.text(&lines.collect::<String>())?;
        Ok(Exit::Done)
    }
}
