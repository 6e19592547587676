//! What has to hold before anything is written: every PIN has a way to its reader, and the IdP would take registrations.

use super::plan::Plan;
use super::run_error::RunError;
use super::station::Station;
use crate::idp::Finding;
use crate::profile::HandOver;

/// Fails if no key could be made. The IdP's other findings are told.
pub fn check(station: &Station<'_>, plan: &Plan) -> Result<(), RunError> {
    every_pin_has_a_way(station, plan)?;
    ask_idp(station)
}

/// A profile's way of handing PINs over has to exist before the first key gets one.
fn every_pin_has_a_way(station: &Station<'_>, plan: &Plan) -> Result<(), RunError> {
    for planned in &plan.people {
        let profile = &planned.profile;
        let why = match profile.hand_over {
            HandOver::Age if station.readers.is_empty() => "hands PINs over as age files, but no reader is named",
            HandOver::Letter if station.letter_program.is_empty() => {
                "hands PINs over as letters, but no program that prints them is named"
            }
            HandOver::Age | HandOver::Letter | HandOver::Terminal => continue,
        };
        return Err(RunError::HandOver { profile: profile.name.to_string(), why });
    }
    Ok(())
}

fn ask_idp(station: &Station<'_>) -> Result<(), RunError> {
    let findings = station.retry_policy.ask(&station.cancel, || station.directory.preflight())?;
    let (blocking, others): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(|finding| finding.blocks);
    for finding in others {
        station.operator.tell(&finding.message);
    }
    if blocking.is_empty() {
        return Ok(());
    }
    Err(RunError::Blocked { directory: station.directory.name().to_owned(), findings: blocking })
}
