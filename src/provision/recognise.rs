//! Which job is this key's? Asked of every key that is plugged in, before anything is done to it.
//!
//! A key is recognised by what only it can have: a credential of the ledger, or the PIN that is sealed for one job. The port
//! says which job to ask about first, and nothing more.

use std::cmp::Reverse;

use super::job_error::JobError;
use super::journal::Journal;
use super::open_key::OpenKey;
use super::pin_attempts::{self, PinAttemptError};
use super::settle_erasures;
use super::station::Station;
use super::working_copy::WorkingCopy;
use crate::ledger::{JobId, KeyIdentity, LedgerError, Step};
use crate::register::{Job, JobState};
use keywright_fido::ctap::{Authenticator, CtapError, Holding, Permissions};
use keywright_fido::webauthn::{CredentialId, RpId};

/// What a key turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recognised {
    /// A key that no job began with.
    New,
    /// The key of a job that is not done.
    Of(JobId),
    /// The key of a job that is done.
    Done(JobId),
    /// A key with a PIN that shows nothing, and looks like the key of this job, which is done. It may be that key.
    Hidden(JobId),
}

/// A job that has a key somewhere, and is not done.
struct Bound {
    job: JobId,
    key: KeyIdentity,
    copy: WorkingCopy,
    /// The step that comes next, or is open.
    step: Step,
}

impl Bound {
    /// Whether its key may be this one, by what both say of themselves.
    fn is_like(&self, key: &KeyIdentity) -> bool {
        looks_like(&self.key, key)
    }

    /// Whether its key was in this port.
    fn is_at(&self, key: &KeyIdentity) -> bool {
        self.key.port == key.port
    }
}

/// Whether two keys may be one, by what both say of themselves.
pub(super) fn looks_like(one: &KeyIdentity, other: &KeyIdentity) -> bool {
    one.fingerprint == other.fingerprint && one.usb_serial == other.usb_serial
}

/// What a key shows of itself without PIN and touch.
pub(super) enum Shown {
    /// This credential.
    Credential(CredentialId),
    /// These, by all appearances; its PIN and a signature tell.
    Perhaps(Vec<CredentialId>),
    /// It has none of ours, or none that it shows.
    Nothing,
    /// It shows nothing at all before it has its PIN.
    Refusal,
}

/// Finds out whose key this is. `free` are the jobs with a key somewhere that nobody works on now.
pub(super) fn recognise(
    station: &Station<'_>,
    journal: &Journal<'_>,
    key: &mut OpenKey,
    free: &[JobId],
) -> Result<Recognised, JobError> {
    let bound = bound_jobs(journal, free)?;
    if !key.authenticator.info().has_pin() {
        // Every key of ours gets a PIN, and losing it takes a reset, which takes the credentials too.
        return Ok(without_pin(&key.identity(), &bound));
    }
    let mut probably = None;
    let hides = match shown_of_register(journal, key)? {
        Shown::Credential(id) => {
            let (job, erasing) = {
                let book = journal.book();
                (book.credentials[&id].job, book.credentials[&id].erasing.is_some())
            };
            if erasing {
                settle_erasures::still_there(station, journal, &id)?;
            }
            return Ok(match journal.state(job) {
                JobState::Done => Recognised::Done(job),
                _ => Recognised::Of(job),
            });
        }
        Shown::Perhaps(ids) => {
            probably = ids.first().map(|id| journal.book().credentials[id].job);
            true
        }
        Shown::Nothing => false,
        Shown::Refusal => true,
    };
    match by_pin(station, key, &bound, probably)? {
        Recognised::New if probably.is_some_and(|job| journal.state(job) == JobState::Done) => {
            Ok(probably.map_or(Recognised::New, Recognised::Hidden))
        }
        Recognised::New => Ok(hidden(journal, &key.identity(), hides).map_or(Recognised::New, Recognised::Hidden)),
        recognised => Ok(recognised),
    }
}

/// Asks the key, without PIN and touch, for any credential of the register that is on a key: for those of keys that look like it
/// first, the newest before the others, because a key is asked for a few at a time.
pub(super) fn shown_of_register(journal: &Journal<'_>, key: &mut OpenKey) -> Result<Shown, CtapError> {
    let identity = key.identity();
    let candidates: Vec<_> = {
        let book = journal.book();
        let live = book.credentials.iter().filter(|(_, credential)| credential.state.lives());
        let mut live: Vec<_> = live.collect();
        live.sort_by_key(|(_, credential)| (!looks_like(&credential.key, &identity), Reverse(credential.job)));
        live.into_iter().map(|(id, credential)| (credential.rp_id.clone(), id.clone())).collect()
    };
    shown(&mut key.authenticator, &candidates)
}

/// A job with a key that has its PIN and looks like this one, and would not show what it has: because nothing is on it yet, or
/// because it hides it. Only the PIN could tell.
pub(super) fn may_be(journal: &Journal<'_>, identity: &KeyIdentity, hides: bool) -> Result<Option<JobId>, LedgerError> {
    let bound: Vec<JobId> = {
        let book = journal.book();
        book.unfinished().map(|(id, _)| id).collect()
    };
    let bound = bound_jobs(journal, &bound)?;
    let alike = bound.iter().find(|bound| journal.has_key(bound.job) && bound.is_like(identity));
    Ok(alike.map(|bound| bound.job).or_else(|| hidden(journal, identity, hides)))
}

/// A job that is done and whose key looks like this one, but would not show its credential: because of the credential's
/// protection (credProtect 3), or because this key shows nothing to anybody.
fn hidden(journal: &Journal<'_>, identity: &KeyIdentity, hides: bool) -> Option<JobId> {
    let book = journal.book();
    let mut done = book.jobs.iter().filter(|(_, job)| job.state == JobState::Done);
    let would_hide = |account| hides || book.accounts[account].profile.keys.cred_protect == 3;
    let found =
        done.find(|(_, job)| job.key().is_some_and(|key| looks_like(key, identity)) && would_hide(&job.account));
    found.map(|(id, _)| *id)
}

fn bound_jobs(journal: &Journal<'_>, free: &[JobId]) -> Result<Vec<Bound>, LedgerError> {
    let mut bound = Vec::new();
    for id in free {
        let known = |job: &Job| Some((job.key()?.clone(), job.state.step()?));
        let known = known(&journal.book().jobs[id]);
        let Some((key, step)) = known else { continue };
        let Some(copy) = WorkingCopy::of_job(journal, *id)? else { continue };
        bound.push(Bound { job: *id, key, copy, step });
    }
    Ok(bound)
}

/// A key without a PIN is like any other of its model. It goes on with the job that was about to set the PIN of the key in this
/// port, and with no other: that one's key may have its PIN by now.
fn without_pin(identity: &KeyIdentity, bound: &[Bound]) -> Recognised {
    let its = bound.iter().find(|bound| bound.step == Step::SetPin && bound.is_like(identity) && bound.is_at(identity));
    its.map_or(Recognised::New, |bound| Recognised::Of(bound.job))
}

/// Asks the key, without PIN and touch, for any of these credentials.
pub(super) fn shown(key: &mut Authenticator, candidates: &[(RpId, CredentialId)]) -> Result<Shown, CtapError> {
    let mut rp_ids: Vec<&RpId> = candidates.iter().map(|(rp_id, _)| rp_id).collect();
    rp_ids.sort();
    rp_ids.dedup();
    for rp_id in rp_ids {
        let ids: Vec<CredentialId> =
            candidates.iter().filter(|(candidate, _)| candidate == rp_id).map(|(_, id)| id.clone()).collect();
        for list in key.allow_lists(rp_id, &ids, None) {
            match key.holds_one_of(rp_id, &list, None)? {
                Holding::Has(found) => return Ok(Shown::Credential(found)),
                Holding::Perhaps(ids) => return Ok(Shown::Perhaps(ids)),
                Holding::None => {}
                // A key that shows nothing without its PIN is recognised by the PIN or not at all.
                Holding::CannotTell(error) => {
                    tracing::debug!("the key does not say what it has: {error}");
                    return Ok(Shown::Refusal);
                }
            }
        }
    }
    Ok(Shown::Nothing)
}

/// Tries the PINs of jobs whose key looks the same: first that of the job whose key it probably is, then that of this port's. Few
/// attempts, and only if the key has some to spare: at the third wrong PIN in a row it would want to be plugged in again (CTAP 2.1, 6.5.5.6).
fn by_pin(
    station: &Station<'_>,
    key: &mut OpenKey,
    bound: &[Bound],
    probably: Option<JobId>,
) -> Result<Recognised, JobError> {
    const ATTEMPTS: usize = 2;
    let identity = key.identity();
    let mut alike: Vec<&Bound> = bound.iter().filter(|bound| bound.is_like(&identity)).collect();
    alike.sort_by_key(|bound| (probably != Some(bound.job), !bound.is_at(&identity)));
    if key.authenticator.info().force_pin_change {
        // Such a key takes no PIN, so none can tell. Its job hardened it, and it stayed where it was.
        let its = alike.iter().find(|bound| bound.step >= Step::Harden && bound.is_at(&identity));
        return Ok(its.map_or(Recognised::New, |bound| Recognised::Of(bound.job)));
    }
    // Any RP ID will do: the token is thrown away.
    for bound in alike.into_iter().take(ATTEMPTS) {
        let Some(pin) = bound.copy.open(station.vault)? else { continue };
        match pin_attempts::may_be_spent(&mut key.authenticator) {
            Ok(_) => {}
            Err(PinAttemptError::Ctap(error)) => return Err(error.into()),
            Err(_) if !bound.is_at(&identity) => break,
            Err(error) => return Err(error.into()),
        }
        match pin_attempts::token(&mut key.authenticator, &pin, Permissions::GET_ASSERTION, Some(&RpId::PROBE)) {
            Ok(_) => return Ok(Recognised::Of(bound.job)),
            Err(PinAttemptError::Wrong { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Recognised::New)
}
