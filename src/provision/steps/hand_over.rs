//! The PIN reaches its reader, and then the working copy is destroyed. Needs no key.

use super::recovery::Recovery;
use crate::ledger::{Outcome, Step};
use crate::profile::HandOver;
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::provision::pin_delivery::PinDelivery;
use crate::secret::Delivery;

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
        register_first: job.registration.by_hand().map(|by_hand| by_hand.steps.clone()).unwrap_or_default(),
    };
    let way = PinDelivery::of(station, profile)?;
    way.hand_over(&delivery, &pin)?;
    let outcome = Outcome::HandOver { how: profile.hand_over, readers: way.readers() };
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
