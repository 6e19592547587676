//! Taking back a registration that did not come to be: off the key, and off the IdP's list of pending ones.
//!
//! The ledger hears of each removal after it is done; doing one again does no harm, so a crash in between is harmless.

use crate::ledger::{Event, Failure, FailureCode, Step};
use crate::provision::credential_on_key;
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::register::CredentialState;
use keywright_fido::ctap::{Permissions, StatusMeaning};
use keywright_fido::webauthn::CredentialId;

/// What is taken back right after a step failed.
pub(in crate::provision) fn after(job: &mut JobContext<'_>, step: Step, failure: &Failure) -> Result<(), JobError> {
    let taken_back = match step {
        // The key looked at the PIN and will not have it; the next one may be to its taste.
        Step::SetPin if failure.code == FailureCode::PinPolicy => return start_over(job, &failure.message),
        // It has the PIN by now, and something else on it.
        Step::SetPin if failure.code == FailureCode::KeyRefused => {
            if !job.authenticator()?.info().has_pin() {
                return start_over(job, &failure.message);
            }
            keeps_pin(job)?;
            return job.record(Event::SteppedBack { job: job.id, to: Step::Inspect, why: failure.message.clone() });
        }
        Step::Make | Step::Verify | Step::Prove => true,
        // The IdP looked at it and will not have it. In any other case it may yet: resuming decides.
        Step::Complete => matches!(
            failure.code,
            FailureCode::DirectoryRefused | FailureCode::ChallengeExpired | FailureCode::AccountRefused
        ),
        _ => false,
    };
    if !taken_back {
        return Ok(());
    }
    let to = match failure.code {
        // This key will not do; another has to come.
        FailureCode::AttestationRefused | FailureCode::KeyTaken | FailureCode::KeyRefused | FailureCode::KeyFull => {
            Step::Inspect
        }
        _ => Step::Begin,
    };
    match failure.code {
        // The key is out of reach; what is on it is found when the job is resumed.
        FailureCode::KeyRemoved | FailureCode::KeyFault | FailureCode::Interrupted => passing(abandon(job)),
        _ => match back(job, to, &failure.message) {
            // The key does not let go of it yet; the IdP need not wait for that.
            Err(JobError::Job(failure)) => {
                tracing::warn!(code = ?failure.code, "undoing the registration failed for now: {}", failure.message);
                passing(abandon(job))
            }
            result => result,
        },
    }
}

/// Back to the beginning, while no key has anything of the job.
pub(in crate::provision) fn start_over(job: &mut JobContext<'_>, why: &str) -> Result<(), JobError> {
    if let Some(sealed) = job.sealed_pin()? {
        job.station.vault.destroy(&sealed)?;
    }
    job.record(Event::SteppedBack { job: job.id, to: Step::Inspect, why: why.to_owned() })
}

/// Trouble on the way back is not worth more than the trouble that led to it: the job stays where it failed, and resuming it
/// looks at key and directory again. Only a ledger that cannot be written is worse.
fn passing(result: Result<(), JobError>) -> Result<(), JobError> {
    match result {
        Err(JobError::Job(failure)) => {
            tracing::warn!(code = ?failure.code, "undoing the registration failed for now: {}", failure.message);
            Ok(())
        }
        result => result,
    }
}

/// Goes back to a step, with nothing left of what came after it.
pub(in crate::provision) fn back(job: &mut JobContext<'_>, to: Step, why: &str) -> Result<(), JobError> {
    if job.journal.state(job.id).step() == Some(Step::Complete) {
        // It was sent. An IdP that took it does not abandon it, even if its list lags; then the key keeps it too.
        abandon(job)?;
    }
    delete_from_key(job, why)?;
    abandon(job)?;
    if to <= Step::SetPin && job.journal.is_done(job.id, Step::SetPin) {
        keeps_pin(job)?;
    }
    job.record(Event::SteppedBack { job: job.id, to, why: why.to_owned() })
}

/// Says that a key which is turned away has a PIN of ours on it.
fn keeps_pin(job: &JobContext<'_>) -> Result<(), JobError> {
    if let Some(sealed) = job.sealed_pin()? {
        let message = format!(
            "the key in {} was turned away with a PIN on it, which stays sealed as {}; reset the key before it is used for \
             anything else",
            job.label.port, sealed.0
        );
        job.station.operator.tell(&message);
        job.record(Event::AttentionNeeded { job: Some(job.id), message })?;
    }
    Ok(())
}

/// Removes the registration that the ledger knows to be pending.
fn abandon(job: &mut JobContext<'_>) -> Result<(), JobError> {
    if !job.directory_waits() {
        return Ok(());
    }
    if let Some(pending) = job.ceremony()?.pending {
        abandon_one(job, pending)?;
    }
    Ok(())
}

/// Removes every registration of this user that is pending. The account's turn is held, so none of them is another job's.
pub(super) fn abandon_pending(job: &mut JobContext<'_>) -> Result<(), JobError> {
    let (station, user) = (job.station, job.user);
    for pending in station.retry_policy.ask(&station.cancel, || station.directory.pending(user))? {
        abandon_one(job, pending)?;
    }
    Ok(())
}

fn abandon_one(job: &mut JobContext<'_>, pending: String) -> Result<(), JobError> {
    let (station, user) = (job.station, job.user);
    station.retry_policy.ask(&station.cancel, || station.directory.abandon(user, &pending))?;
    job.record(Event::CeremonyAbandoned { job: job.id, pending })
}

/// Deletes this job's credential from its key: the one in the ledger, or one that the key made and the ledger never heard of.
pub(super) fn delete_from_key(job: &mut JobContext<'_>, why: &str) -> Result<(), JobError> {
    if !job.journal.is_done(job.id, Step::SetPin) {
        return Ok(());
    }
    for credential_id in unregistered_on_key(job)? {
        let token = job.token(Permissions::CREDENTIAL_MANAGEMENT, None)?;
        match job.authenticator()?.delete_credential(&token, &credential_id) {
            Ok(()) => {}
            Err(error) if error.means(StatusMeaning::NoCredentials) => {}
            Err(error) => return Err(error.into()),
        }
        // A key without randomness makes what is another job's.
        let is_another_s = job.journal.book().credentials.get(&credential_id).is_some_and(|known| known.job != job.id);
        if !is_another_s {
            job.record(Event::CredentialDeleted { job: job.id, credential_id, why: why.to_owned() })?;
        }
    }
    Ok(())
}

/// Credentials for this account on the key that neither the ledger nor the IdP has as registered.
fn unregistered_on_key(job: &mut JobContext<'_>) -> Result<Vec<CredentialId>, JobError> {
    if !job.journal.is_done(job.id, Step::Begin) {
        return Ok(Vec::new());
    }
    let options = job.ceremony()?.options;
    if !job.authenticator()?.info().manages_credentials() {
        // Such a key replaces the credential when the next is made for the same account.
        return Ok(Vec::new());
    }
    let token = job.token(Permissions::CREDENTIAL_MANAGEMENT, None)?;
    let stored = job.authenticator()?.enumerate_credentials(&token, &options.rp.id.hash())?;
    let ours: Vec<CredentialId> = stored
        .into_iter()
        .filter(|credential| credential.user_handle == options.user.id)
        .map(|credential| credential.credential_id)
        .collect();
    let (station, user) = (job.station, job.user);
    let mut unregistered = Vec::new();
    for id in ours {
        let book = job.journal.book();
        let registered =
            book.credentials.get(&id).is_some_and(|one| one.job == job.id && one.state == CredentialState::Registered);
        drop(book);
        if !registered && !station.retry_policy.ask(&station.cancel, || station.directory.has(user, &id))? {
            unregistered.push(id);
        }
    }
    Ok(unregistered)
}

/// Whether the key has this credential. Asks for no touch.
pub(super) fn is_on_key(job: &mut JobContext<'_>, credential_id: &CredentialId) -> Result<bool, JobError> {
    let rp_id = job.ceremony()?.options.rp.id;
    // credProtect 3 shows a credential to nobody without the PIN.
    let token = job.token(Permissions::GET_ASSERTION, Some(&rp_id))?;
    let only = std::slice::from_ref(credential_id);
    let found = credential_on_key::first(job.authenticator()?, &rp_id, only, Some(&token))?;
    Ok(found.is_some())
}
