//! What has to hold before anything is written: every PIN has a way to its reader, and the IdP would take registrations. What its
//! rules about models do to keys that are handed out already is told.

use std::collections::BTreeSet;

use super::pin_delivery::PinDelivery;
use super::plan::Plan;
use super::run_error::RunError;
use super::station::Station;
use crate::idp::Finding;
use crate::register::{IdpIdentity, Register};

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

/// Tells which keys that are in use at this IdP its rules about models shut out, where the IdP has such rules.
pub(super) fn hold_models_against(
    station: &Station<'_>,
    register: &Register,
    idp: &IdpIdentity,
) -> Result<(), RunError> {
    let Some(rules) = station.directory.capabilities().models else { return Ok(()) };
    let here = |id| register.accounts.get(id).is_some_and(|account| idp.has(id, account));
    let in_use = register.credentials.values().filter(|one| one.state.is_in_use() && here(&one.account));
    let models: BTreeSet<_> = in_use.map(|one| one.key.aaguid).collect();
    if models.is_empty() {
        return Ok(());
    }
    let shut = station.retry_policy.ask(&station.cancel, || rules.shut_out(&models))?;
    for one in &shut.found {
        let effect = match one.at_sign_in {
            true => "keys of it that are handed out do not sign in",
            false => "keys of it that are handed out still sign in, and further ones cannot be registered",
        };
        station.operator.tell(&format!("model {} is shut out by {}: {effect} ({})", one.model, one.rule, one.place));
    }
    for untold in &shut.untold {
        station.operator.tell(&untold.to_string());
    }
    Ok(())
}
