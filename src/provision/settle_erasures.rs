//! Erasures that were begun and did not end: the keys that are plugged in are asked for the credentials.
//!
//! A key that still has one was not erased. It refuses to call a key erased because it is silent: that may be another key.

use std::collections::BTreeMap;

use super::credential_on_key;
use super::job_error::JobError;
use super::journal::Journal;
use super::open_key::OpenKey;
use super::plan::OpenErasure;
use super::run_error::RunError;
use super::station::Station;
use crate::ledger::{Event, LedgerError};
use keywright_fido::webauthn::{CredentialId, RpId};

/// Asks every key that is plugged in, without PIN and touch, and tells what is known afterwards.
pub(super) fn settle(station: &Station<'_>, journal: &Journal<'_>, open: &[OpenErasure]) -> Result<(), RunError> {
    if open.is_empty() {
        return Ok(());
    }
    let mut by_rp: BTreeMap<RpId, Vec<CredentialId>> = BTreeMap::new();
    for one in open {
        by_rp.entry(one.rp_id.clone()).or_default().push(one.credential_id.clone());
    }
    let mut there = Vec::new();
    for device in station.bus.devices()? {
        let asked = OpenKey::open(station, &device).and_then(|mut key| {
            let mut found = Vec::new();
            for (rp_id, ids) in &by_rp {
                found.extend(credential_on_key::all(&mut key.authenticator, rp_id, ids)?);
            }
            Ok(found)
        });
        match asked {
            Ok(found) => there.extend(found),
            Err(JobError::Ledger(error)) => return Err(error.into()),
            Err(JobError::Job(failure)) => {
                station.operator.tell(&format!("the key in {} cannot be asked: {}", device.port, failure.message));
            }
        }
    }
    for one in open {
        let OpenErasure { login, ordinal, .. } = one;
        if there.contains(&one.credential_id) {
            still_there(station, journal, &one.credential_id)?;
            station.operator.tell(&format!("{login}'s key {ordinal} was not erased: it still has its credential"));
        } else {
            station.operator.tell(&format!(
                "cannot tell whether {login}'s key {ordinal} was erased: plug it in and run this again; if it shows nothing, erase \
                 it with 'keywright key reset', or revoke it"
            ));
        }
    }
    Ok(())
}

/// A key has shown a credential whose erasure was begun.
pub(super) fn still_there(
    station: &Station<'_>,
    journal: &Journal<'_>,
    credential_id: &CredentialId,
) -> Result<(), LedgerError> {
    let (credential_ids, operator) = (vec![credential_id.clone()], station.operator_name.clone());
    journal.record(&Event::KeyNotErased { credential_ids, operator })
}
