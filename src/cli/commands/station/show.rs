//! `keywright station show`: what other stations name this one by.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::StationKey;

/// Show by which keys others know this station.
///
/// The recipient belongs into the settings of the other stations (stations in [register]): what they seal, this one can hand over. Makes
/// the station's keys where there are none yet.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright station show")]
pub(crate) struct Show {}

#[derive(Serialize)]
struct ThisStation {
    /// What checkpoints and the ledger name it by.
    station: String,
    recipient: String,
    /// Who can hand over what it seals.
    others: Vec<String>,
}

impl View for ThisStation {
    const KIND: &'static str = "station";
}

impl Show {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let state = session.state()?;
        state.create()?;
        let recipient = session.vault()?.recipient().to_string();
        let key = StationKey::read_or_make(&state.station_key())?;
        let others = session.server()?.map(|server| server.stations).unwrap_or_default();
        let others = others.into_iter().map(|station| station.name).collect();
        let this = ThisStation { station: key.fingerprint(), recipient, others };
        session.output.result(&this, || words(&this))?;
        Ok(Exit::Done)
    }
}

fn words(this: &ThisStation) -> String {
    let others = match &this.others[..] {
        [] => "no other station".to_owned(),
        others => others.join(", "),
    };
    format!("station:   {}\nrecipient: {}\nwhat it seals can be handed over by: {others}", this.station, this.recipient)
}
