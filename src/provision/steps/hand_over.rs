//! The PIN reaches its reader, the ledger hears of it, and then the working copy is destroyed. Needs no key.
//!
//! A letter has reached nobody when it went to the printer: its step ends when somebody says that it came out ([`letters`]).

use super::recovery::Recovery;
use crate::ledger::{Checkpoint, Event, Outcome, Step};
use crate::profile::HandOver;
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::provision::letters;
use crate::provision::pin_delivery::PinDelivery;
use crate::provision::working_copy::WorkingCopy;
use crate::secret::Delivery;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let (station, profile) = (job.station, &job.planned.profile);
    if let Some(copy) = WorkingCopy::of_job(job.journal, job.id).map_err(JobError::Ledger)? {
        copy.take_in(station.vault)?;
    }
    let pin = job.pin()?;
    let completed = job.outcome(Step::Complete)?;
    let delivery = Delivery {
        account: job.label.account.clone(),
        person: job.label.person.clone(),
        ordinal: job.label.ordinal,
        label: completed.as_ref().and_then(Outcome::label).unwrap_or_default().to_owned(),
        force_change: profile.pin.force_change,
        register_first: job.registration.by_hand().map(|by_hand| by_hand.steps.clone()).unwrap_or_default(),
        checkpoint: Some({
            let book = job.journal.book();
            Checkpoint::new(&book.id, &book.tree).to_string()
        }),
    };
    let way = PinDelivery::of_profile(station, profile)?;
    if let Err(error) = way.hand_over(&delivery, &pin) {
        // Once, and here alone: the ledger keeps no other program's words.
        error.child_words().iter().for_each(|words| station.operator.tell(words));
        return Err(error.into());
    }
    let (how, readers) = (profile.hand_over, way.readers());
    if how == HandOver::Letter {
        return Err(letters::unconfirmed());
    }
    let operator = Some(station.operator_name.clone());
    job.record(Event::PinDelivered { job: job.id, how, readers: readers.clone(), operator })?;
    destroy(job)?;
    Ok(Outcome::HandOver { how, readers })
}

/// Only the ledger says that a PIN arrived. A working copy that is gone without its word is lost.
pub(super) fn recover(job: &mut JobContext<'_>) -> Result<Recovery, JobError> {
    let delivered = job.journal.book().jobs[&job.id].pin_delivered.clone();
    let Some((how, readers)) = delivered else {
        let is_printed = job.journal.book().jobs[&job.id].pin_unconfirmed;
        // One that is lost is told as such; and nothing is printed again that nobody has looked for.
        return if is_printed { job.pin().and(Err(letters::unconfirmed())) } else { Ok(Recovery::NotDone) };
    };
    destroy(job)?;
    Ok(Recovery::Done(Outcome::HandOver { how, readers }.into()))
}

fn destroy(job: &JobContext<'_>) -> Result<(), JobError> {
    match job.sealed_pin()? {
        Some(sealed) => Ok(job.station.vault.destroy(&sealed)?),
        None => Ok(()),
    }
}
