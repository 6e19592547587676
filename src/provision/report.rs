//! How a run ended, person by person.

use std::collections::{BTreeMap, BTreeSet};

use super::journal::Journal;
use super::plan::Planned;
use super::station::Station;
use crate::idp::ByHand;
use crate::ledger::{AccountId, Failure, Head, JobId, KeyNumber, Step, WitnessResult};
use crate::profile::HandOver;
use crate::register::{AccountStanding, Credential, CredentialState, Job, JobState, Standing};
use keywright_fido::webauthn::{Aaguid, CredentialId};

/// How a job ended.
#[derive(Debug, Clone)]
pub struct JobReport {
    /// The job.
    pub job: JobId,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The key's own number, once it is known which key it is.
    pub number: Option<KeyNumber>,
    /// Where the key was plugged in, if the job got one.
    pub port: Option<String>,
    /// The key's model.
    pub aaguid: Option<Aaguid>,
    /// What it is called at the IdP.
    pub label: Option<String>,
    /// The product's name.
    pub product: Option<String>,
    /// The model's name in FIDO's metadata.
    pub model: Option<String>,
    /// The serial number: the attested one, else what USB tells.
    pub serial: Option<String>,
    /// Whether this run ended the job.
    pub made_now: bool,
    /// How its PIN was handed over, once it was.
    pub handed_over: Option<HandOver>,
    /// The credential, if it was made and is still there.
    pub credential_id: Option<CredentialId>,
    /// What the witness said of the credential, once it is proved.
    pub witness: Option<WitnessResult>,
    /// Whether every step is done.
    pub done: bool,
    /// Whether it is then to be registered by hand, or was, and no drill has confirmed it.
    pub unconfirmed: bool,
    /// The step that failed in this run and why; `None` if the job is done or was not begun.
    pub failure: Option<(Step, Failure)>,
}

/// How an account ended.
#[derive(Debug, Clone)]
pub struct AccountReport {
    /// The account.
    pub account: AccountId,
    /// Its login at the IdP.
    pub login: String,
    /// The person's name.
    pub person: String,
    /// The profile's name.
    pub profile: String,
    /// Whether it has all its proved keys.
    pub complete: bool,
    /// Whether it will be complete once its keys that were handed out are registered by hand and confirmed.
    pub to_be_confirmed: bool,
    /// Keys that count, as the register says.
    pub keys: usize,
    /// Keys that are handed out, and that a drill has to confirm.
    pub unconfirmed: usize,
    /// Keys that the profile demands.
    pub required: usize,
    /// Weaker ways to sign in that the account still has.
    pub other_methods: Vec<String>,
    /// Its jobs, those of earlier runs too.
    pub jobs: Vec<JobReport>,
    /// Why no job was begun, if the account itself was the reason.
    pub failure: Option<Failure>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// The batch's number.
    pub batch: u64,
    /// In the order of the roster.
    pub accounts: Vec<AccountReport>,
    /// The end of the log.
    pub head: Head,
    /// Whether somebody ended it early.
    pub interrupted: bool,
    /// What a person has to do with keys that are to be confirmed, where the IdP has no API.
    pub by_hand: Option<ByHand>,
}

impl Report {
    /// Reads it off the ledger.
    pub(super) fn read(
        station: &Station<'_>,
        journal: &Journal<'_>,
        batch: u64,
        people: &[Planned],
        open_before: &BTreeSet<JobId>,
        failures: &BTreeMap<JobId, (Step, Failure)>,
    ) -> Self {
        let book = journal.book();
        let accounts = people.iter().map(|planned| {
            let account = book.accounts.get(&planned.account);
            let standing = book.standing(&planned.account, (station.now)());
            let jobs = account.map(|account| account.jobs.as_slice()).unwrap_or_default();
            AccountReport {
                account: planned.account.clone(),
                login: planned.login.clone(),
                person: planned.person.display_name().to_owned(),
                profile: planned.profile.name.to_string(),
                complete: standing.as_ref().is_some_and(Standing::is_complete),
                to_be_confirmed: standing
                    .as_ref()
                    .is_some_and(|standing| standing.account == AccountStanding::ToBeConfirmed),
                keys: standing.as_ref().map_or(0, Standing::in_service),
                unconfirmed: standing.as_ref().map_or(0, Standing::to_be_confirmed),
                required: standing.as_ref().map_or(planned.profile.keys.required, |standing| standing.required),
                other_methods: account.map(|account| account.other_methods.clone()).unwrap_or_default(),
                jobs: jobs
                    .iter()
                    .filter(|id| !book.jobs[id].is_withdrawn())
                    .map(|id| {
                        let job = &book.jobs[id];
                        let live = book.credentials_of_job(job).find(|(_, credential)| credential.state.lives());
                        let report = job_report(*id, job, live, failures.get(id).cloned());
                        JobReport { made_now: report.done && open_before.contains(id), ..report }
                    })
                    .collect(),
                failure: planned.refused.clone(),
            }
        });
        Self {
            batch,
            accounts: accounts.collect(),
            head: book.head.clone(),
            interrupted: station.cancel.is_cancelled(),
            by_hand: station.directory.registration().by_hand().cloned(),
        }
    }
}

fn job_report(
    id: JobId,
    job: &Job,
    live: Option<(&CredentialId, &Credential)>,
    failure: Option<(Step, Failure)>,
) -> JobReport {
    let key = job.key();
    let verdict = live.and_then(|(_, credential)| credential.model_verdict.as_ref());
    JobReport {
        job: id,
        ordinal: job.ordinal,
        number: live.and_then(|(_, credential)| credential.number),
        port: key.map(|key| key.port.clone()),
        aaguid: key.map(|key| key.aaguid),
        label: live.and_then(|(_, credential)| credential.label()).map(str::to_owned),
        product: key.map(|key| key.product.clone()),
        model: verdict.and_then(|verdict| verdict.model.clone()),
        serial: live.and_then(|(_, credential)| credential.serial()).map(str::to_owned),
        made_now: false,
        handed_over: job.pin_delivered.as_ref().map(|(how, _)| *how),
        credential_id: live.map(|(id, _)| id.clone()),
        witness: job.witness_result().cloned(),
        done: job.state == JobState::Done,
        unconfirmed: live.is_some_and(|(_, credential)| credential.state == CredentialState::Unconfirmed),
        failure,
    }
}
