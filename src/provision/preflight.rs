//! What has to hold before anything is written: every PIN has a way to its reader, and the IdP would take registrations.

use super::pin_delivery::PinDelivery;
use super::plan::Plan;
use super::run_error::RunError;
use super::station::Station;
use crate::idp::Finding;

/// Fails if the PINs of somebody who gets a key could not be handed over from here.
pub(super) fn every_pin_has_a_way(station: &Station<'_>, plan: &Plan) -> Result<(), RunError> {
    for planned in plan.people.iter().filter(|planned| planned.has_keys_to_come()) {
        PinDelivery::of_profile(station, &planned.profile)?;
    }
    Ok(())
}

/// Fails if the IdP would refuse every registration. Its other findings are told.
pub(super) fn ask_idp(station: &Station<'_>) -> Result<(), RunError> {
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
