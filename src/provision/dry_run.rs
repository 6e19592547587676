//! What would happen: everything that can be checked without writing to a key, the directory or the ledger.

use std::collections::BTreeMap;

use super::job_error::JobError;
use super::key_fit;
use super::open_key::OpenKey;
use super::plan::{Plan, Planned};
use super::preflight;
use super::report::{AccountReport, JobReport, Report};
use super::run_error::RunError;
use super::same_person;
use super::station::Station;
use crate::ledger::{Failure, JobId, Step};
use crate::register::Register;

/// Checks everything that can be checked without writing to a key, the IdP or the ledger: the IdP, the accounts, and whether the
/// keys that are plugged in are fit. The report's jobs are those that would be begun; their number is 0.
pub fn dry_run(station: &Station<'_>, plan: &Plan) -> Result<Report, RunError> {
    preflight::check(station, plan)?;
    let book = Register::read(&station.store.entries(0)?)?;
    let mut keys = Vec::new();
    for device in station.bus.devices()? {
        match OpenKey::open(station, &device) {
            Ok(key) => keys.push(key),
            Err(JobError::Job(failure)) => {
                station.operator.tell(&format!("the key in {} cannot be used: {}", device.port, failure.message));
            }
            Err(JobError::Ledger(error)) => return Err(error.into()),
        }
    }
    let mut accounts = Vec::new();
    for planned in &plan.people {
        let known = book.accounts.get(&planned.account).and_then(|account| account.user_id.as_deref());
        let (retry_policy, cancel) = (&station.retry_policy, &station.cancel);
        let found = same_person::find_active(station.directory, retry_policy, cancel, &planned.account, known);
        let (failure, other_methods) = match found {
            Ok(user) => {
                let methods = station.retry_policy.ask(&station.cancel, || station.directory.other_methods(&user))?;
                (None, methods)
            }
            Err(error) => match JobError::from(error) {
                JobError::Job(failure) => (Some(failure), Vec::new()),
                JobError::Ledger(error) => return Err(error.into()),
            },
        };
        let jobs = if failure.is_some() { Vec::new() } else { jobs(planned, &mut keys) };
        accounts.push(AccountReport {
            account: planned.account.clone(),
            person: planned.person.display_name().to_owned(),
            profile: planned.profile.name.to_string(),
            complete: planned.ordinals.is_empty(),
            to_be_confirmed: false,
            other_methods,
            jobs,
            failure,
        });
    }
    Ok(Report {
        batch: 0,
        accounts,
        interrupted: station.cancel.is_cancelled(),
        by_hand: station.directory.registration().by_hand().cloned(),
    })
}

/// One key for each ordinal, as far as there are fit ones.
fn jobs(planned: &Planned, keys: &mut Vec<OpenKey>) -> Vec<JobReport> {
    let mut reports = Vec::new();
    for ordinal in &planned.ordinals {
        let mut refused: BTreeMap<String, Failure> = BTreeMap::new();
        let fit = keys.iter().position(|key| match key_fit::fit(key.authenticator.info(), &planned.profile) {
            Ok(()) => true,
            Err(JobError::Job(failure)) => {
                refused.insert(key.device.port.clone(), failure);
                false
            }
            Err(JobError::Ledger(_)) => false,
        });
        let key = fit.map(|at| keys.remove(at));
        let failure = match (&key, refused.into_iter().next()) {
            (Some(_), _) => None,
            (None, Some((port, failure))) => {
                Some((Step::Inspect, Failure { message: format!("key in {port}: {}", failure.message), ..failure }))
            }
            (None, None) => None,
        };
        reports.push(JobReport {
            job: JobId(0),
            ordinal: *ordinal,
            port: key.as_ref().map(|key| key.device.port.clone()),
            aaguid: key.as_ref().map(|key| key.authenticator.info().aaguid),
            credential_id: None,
            witness: None,
            done: false,
            unconfirmed: false,
            failure,
        });
    }
    reports
}
