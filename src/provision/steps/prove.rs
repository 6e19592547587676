//! The credential signs, and its signature is checked, before its public key is sent anywhere.
//!
//! On USB the signature is one that the witness asked for: what it verified, ours verifies too. Where the witness is unable, we
//! ask for the signature ourselves, and the ledger says so.

use crate::ledger::{FailureCode, Outcome, Unavailable, WitnessResult};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::provision::signature;
use crate::secret::words_without;
use crate::witness::{Answer, Question, WITNESS};
use keywright_fido::ctap::{Permissions, Pin, PinUvAuthProtocol};
use keywright_fido::webauthn::response::{AuthenticationResponse, ExpectedAuthentication};
use keywright_fido::webauthn::{
    Ceremony, CeremonyType, Challenge, ClientDataJson, CosePublicKey, CredentialId, Origin, RpId,
};

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let ceremony = job.ceremony()?;
    let registration = job.registration_response()?;
    let credential_id = registration.credential_id.clone();
    let made = &registration.attestation_object.auth_data;
    let attested = made
        .attested_credential_data
        .as_ref()
        .ok_or_else(|| JobError::new(FailureCode::Ledger, "the credential in the ledger has no public key"))?;
    let mut bytes = [0; 32];
    job.station.entropy.fill(&mut bytes);
    let challenge = Challenge::new(bytes)?;
    let rp_id = &ceremony.options.rp.id;
    let (signed, witness_result) = match ask_witness(job, &ceremony, &credential_id, &attested.public_key, &challenge)?
    {
        Answer::Verified { assertion } => {
            let signed = AuthenticationResponse { credential_id, assertion, user_handle: None };
            (signed, WitnessResult::Verified { witness: WITNESS.to_owned() })
        }
        Answer::Unable { why } => {
            let signed = sign(job, rp_id, &credential_id, &challenge, &ceremony.origin)?;
            let (why, words) = why.without_words();
            tell_words(job, &words)?;
            (signed, WitnessResult::Unable { why })
        }
        Answer::Refuted { why } => return Err(unproved(format!("{why} ({WITNESS} says so)"))),
    };
    signed
        .check(&ExpectedAuthentication {
            challenge: &challenge,
            origin: &ceremony.origin,
            rp_id,
            user_verification: true,
            public_key: &attested.public_key,
            sign_count: made.sign_count,
        })
        .map_err(|error| unproved(error.to_string()))?;
    tell_what_is_missing(job, &witness_result);
    Ok(Outcome::Prove { assertion: signed.assertion, witness: Some(witness_result) })
}

fn unproved(why: String) -> JobError {
    JobError::new(FailureCode::ProofFailed, format!("testing the new credential failed: {why}"))
}

/// The witness had the PIN, so its words are shown once, and only if the PIN is not in them.
fn tell_words(job: &JobContext<'_>, words: &str) -> Result<(), JobError> {
    if let Some(shown) = words_without(words.as_bytes(), [job.pin()?.expose()]) {
        job.station.operator.tell(&format!("{WITNESS} says: {shown}"));
    }
    Ok(())
}

/// Keys in this process have no witness, and nobody expects one; of others the person hears.
fn tell_what_is_missing(job: &JobContext<'_>, witness_result: &WitnessResult) {
    match witness_result {
        WitnessResult::Verified { .. } | WitnessResult::Unable { why: Unavailable::NotUsb } => {}
        WitnessResult::Unable { .. } => {
            let (account, ordinal) = (&job.label.account, job.label.ordinal);
            job.station.operator.tell(&format!("{account}'s key {ordinal} signs in, but was {witness_result}"));
        }
    }
}

/// One signature with PIN and touch through the witness. The key stays open here, and locked: what is asked of it afterwards
/// is asked of the same one.
fn ask_witness(
    job: &mut JobContext<'_>,
    ceremony: &Ceremony,
    credential_id: &CredentialId,
    public_key: &CosePublicKey,
    challenge: &Challenge,
) -> Result<Answer, JobError> {
    let station = job.station;
    let device = job.key()?.device.clone();
    if !station.bus.is_usb(&device) {
        return Ok(Answer::Unable { why: Unavailable::NotUsb });
    }
    let rp_id = &ceremony.options.rp.id;
    let question = Question {
        rp_id: rp_id.clone(),
        credential_id: credential_id.clone(),
        public_key: public_key.clone(),
        client_data: ClientDataJson::new(CeremonyType::Get, challenge, &ceremony.origin),
        pin: Pin::clone(&*job.pin_seen_to_work(rp_id)?),
        protocol: PinUvAuthProtocol::choose(job.authenticator()?.info())?,
    };
    let touch = |needed| station.operator.touch(&job.label, needed);
    Ok(station.witness.testify(station.bus, &device, &question, &station.cancel, &touch))
}

/// One signature with PIN and touch.
pub(super) fn sign(
    job: &mut JobContext<'_>,
    rp_id: &RpId,
    credential_id: &CredentialId,
    challenge: &Challenge,
    origin: &Origin,
) -> Result<AuthenticationResponse, JobError> {
    let client_data = ClientDataJson::new(CeremonyType::Get, challenge, origin);
    let token = job.token(Permissions::GET_ASSERTION, Some(rp_id))?;
    let signed = job
        .touching(|key, touch| signature::sign(key, &token, rp_id, credential_id, client_data, touch))?
        .ok_or_else(|| JobError::new(FailureCode::ProofFailed, "the key returned no signature"))?;
    // A key may leave it out where it was asked for one credential (WebAuthn 5.2.2, userHandle).
    let expected = job.ceremony()?.options.user.id;
    match &signed.user_handle {
        Some(user_handle) if *user_handle != expected => Err(unproved("it is for another user handle".to_owned())),
        _ => Ok(signed),
    }
}
