//! The PIN reaches its reader, and then the working copy is destroyed. Needs no key.

use super::recovery::Recovery;
use crate::ledger::{FailureCode, Outcome, Step};
use crate::profile::HandOver;
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::secret::{Delivery, hand_over};

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let (station, profile) = (job.station, &job.planned.profile);
    let pin = job.pin()?;
    let completed = job.journal.outcome(job.id, Step::Complete);
    let delivery = Delivery {
        account: job.label.account.clone(),
        person: job.label.person.clone(),
        ordinal: job.label.ordinal,
        label: completed.as_ref().and_then(Outcome::label).unwrap_or_default().to_owned(),
        force_change: profile.pin.force_change,
        register_first: station.directory.by_hand().map(|by_hand| by_hand.steps.clone()).unwrap_or_default(),
    };
    let outcome = delivered(job);
    match profile.hand_over {
        HandOver::Age if station.readers.is_empty() => {
            return Err(JobError::new(
                FailureCode::Secret,
                "nobody is named who may read PINs, so the PIN stays sealed here",
            ));
        }
        HandOver::Age => {
            hand_over::to_readers(&station.hand_over_folder, station.readers, &delivery, &pin)?;
        }
        HandOver::Letter => hand_over::print(&station.letter_program, &delivery, &pin)?,
        HandOver::Terminal => station.operator.show_pin(&delivery, &pin)?,
    }
    destroy(job)?;
    Ok(outcome)
}

/// The working copy goes last, so without one the PIN was handed over.
pub(super) fn recover(job: &mut JobContext<'_>) -> Result<Recovery, JobError> {
    let sealed = job.sealed_pin();
    let there = match &sealed {
        Some(sealed) => job.station.vault.list()?.contains(sealed),
        None => false,
    };
    Ok(if there { Recovery::NotDone } else { Recovery::Done(delivered(job).into()) })
}

fn delivered(job: &JobContext<'_>) -> Outcome {
    let how = job.planned.profile.hand_over;
    let readers = match how {
        HandOver::Age => job.station.readers.iter().map(|reader| reader.name.clone()).collect(),
        HandOver::Letter | HandOver::Terminal => Vec::new(),
    };
    Outcome::HandOver { how, readers }
}

fn destroy(job: &JobContext<'_>) -> Result<(), JobError> {
    match job.sealed_pin() {
        Some(sealed) => Ok(job.station.vault.destroy(&sealed)?),
        None => Ok(()),
    }
}
