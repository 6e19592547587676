//! The key makes the credential.

use data_encoding::BASE64URL_NOPAD;

use super::recovery::Recovery;
use super::undo;
use crate::idp::Registration;
use crate::ledger::{Event, FailureCode, Outcome, Step};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::register::{Credential, CredentialState};
use keywright_attest::AttestationDemand;
use keywright_fido::ctap::{CredProtect, EnterpriseAttestation, MakeCredential, MinPinLength, Permissions};
use keywright_fido::webauthn::{
    AttestationConveyance, Ceremony, CeremonyType, ClientDataJson, CredentialId, RegistrationResponse, RpId,
};

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let ceremony = job.ceremony()?;
    job.in_time(&ceremony)?;
    let enterprise = wants_enterprise(job, &ceremony);
    if enterprise && job.authenticator()?.info().option("ep") == Some(false) {
        let token = job.token(Permissions::AUTHENTICATOR_CONFIGURATION, None)?;
        job.authenticator()?.enable_enterprise_attestation(Some(&token))?;
    }
    let options = &ceremony.options;
    let minimum_signed = job.planned.profile.pin.minimum_signed;
    if minimum_signed {
        tell_minimum_to(job, &options.rp.id)?;
    }
    let (resident_key, cred_protect) = match job.registration {
        Registration::Api => (true, cred_protect(job.planned.profile.keys.cred_protect, &options.extensions)),
        // What only shows which key it is takes no room on it, and hides from nobody.
        Registration::ByHand(_) => (false, None),
    };
    let client_data = ClientDataJson::new(CeremonyType::Create, &options.challenge, &ceremony.origin);
    let request = MakeCredential {
        exclude_list: exclude_list(job, &ceremony),
        resident_key,
        cred_protect,
        min_pin_length: minimum_signed,
        hmac_secret: options.extensions.get("hmacCreateSecret").and_then(|wanted| wanted.as_bool()).unwrap_or(false),
        enterprise_attestation: enterprise.then_some(EnterpriseAttestation::PlatformManaged),
        ..MakeCredential::new(
            client_data.hash(),
            options.rp.clone(),
            options.user.clone(),
            options.pub_key_cred_params.iter().map(|parameters| parameters.alg).collect(),
        )
    };
    let token = job.token(Permissions::MAKE_CREDENTIAL, Some(&options.rp.id))?;
    let made = job.touching(|authenticator, touch| authenticator.make_credential(&request, Some(&token), touch))?;
    let transports: Vec<String> =
        job.authenticator()?.transports().into_iter().map(|kind| kind.as_str().to_owned()).collect();
    let object = made.attestation_object;
    let minimum = job.planned.profile.pin.minimum_on_key as u64;
    if minimum_signed && object.auth_data.min_pin_length().is_none_or(|signed| signed < minimum) {
        return Err(JobError::new(
            FailureCode::KeyFault,
            "the key did not sign the minimum PIN length that it was set to",
        ));
    }
    let attested = object.auth_data.attested_credential_data.clone().ok_or_else(|| {
        JobError::new(FailureCode::KeyFault, "the key made a credential without attested credential data")
    })?;
    let credential_id = attested.credential_id;
    let public_key = BASE64URL_NOPAD.encode(&attested.public_key.bytes);
    unheard_of(job, &credential_id, &public_key)?;
    forget_replaced(job, &credential_id)?;
    let outcome = Outcome::Make {
        credential_id: credential_id.clone(),
        rp_id: options.rp.id.clone(),
        user_handle: options.user.id.clone(),
        ctap_response: Some(BASE64URL_NOPAD.encode(&made.response)),
        attestation_object: BASE64URL_NOPAD.encode(object.as_bytes()),
        client_data_json: BASE64URL_NOPAD.encode(client_data.as_bytes()),
        public_key,
        transports: transports.clone(),
    };
    job.keep_registration(RegistrationResponse {
        credential_id,
        client_data_json: client_data,
        attestation_object: object,
        transports,
    });
    Ok(outcome)
}

/// Sets the minimum before it is signed, and lets the IdP's website have it: a key tells nobody else.
fn tell_minimum_to(job: &mut JobContext<'_>, rp_id: &RpId) -> Result<(), JobError> {
    let minimum = job.planned.profile.pin.minimum_on_key;
    let token = job.token(Permissions::AUTHENTICATOR_CONFIGURATION, None)?;
    let authenticator = job.authenticator()?;
    let request = MinPinLength {
        new_min_pin_length: (authenticator.info().min_pin_length < minimum).then_some(minimum),
        rp_ids: vec![rp_id.clone()],
        ..MinPinLength::default()
    };
    authenticator.set_min_pin_length(Some(&token), &request)?;
    authenticator.refresh_info()?;
    Ok(())
}

/// A credential that was made but never got into the ledger is of no use: its attestation is lost. It is deleted.
pub(super) fn recover(job: &mut JobContext<'_>) -> Result<Recovery, JobError> {
    undo::delete_from_key(job, "its attestation was lost when the run was interrupted")?;
    if job.in_time(&job.ceremony()?).is_err() {
        return Ok(Recovery::RollBackTo(Step::Begin, "the time for the registration ran out"));
    }
    Ok(Recovery::NotDone)
}

/// The stricter of what the profile and the IdP ask for (`credentialProtectionPolicy`, CTAP 2.1 section 12.1.1). Level 1 is
/// sent only if the IdP names it: otherwise a key gives the level of its own.
fn cred_protect(profile: u8, extensions: &serde_json::Value) -> Option<CredProtect> {
    let asked = match extensions.get("credentialProtectionPolicy").and_then(|policy| policy.as_str()) {
        Some("userVerificationRequired") => 3,
        Some("userVerificationOptionalWithCredentialIDList") => 2,
        Some("userVerificationOptional") => 1,
        _ => 0,
    };
    match profile.max(asked) {
        3.. => Some(CredProtect::UserVerificationRequired),
        2 => Some(CredProtect::UserVerificationOptionalWithCredentialIdList),
        _ => (asked == 1).then_some(CredProtect::UserVerificationOptional),
    }
}

/// Refuses a credential that another key made, by its id or its public key: two keys without randomness, of which each can sign for the
/// other.
fn unheard_of(job: &JobContext<'_>, made: &CredentialId, public_key: &str) -> Result<(), JobError> {
    let print = Credential::print(public_key);
    let (first, whose) = {
        let book = job.journal.book();
        let mut others = book.credentials.iter().filter(|(_, other)| other.job != job.id);
        let Some((_, first)) = others.find(|(id, other)| *id == made || other.public_key_print == print) else {
            return Ok(());
        };
        (first.job, format!("key {} of {}", first.ordinal, first.account))
    };
    let message = format!(
        "{whose} and the key in {} make the same credentials: their random source is broken, and each signs for the other; \
         take both out of service",
        job.label.port
    );
    job.station.operator.tell(&message);
    job.record(Event::AttentionNeeded { job: Some(first), message })?;
    let why = format!("the key in {} made the credential of {whose}: its random source is broken", job.label.port);
    Err(JobError::new(FailureCode::KeyRefused, why))
}

fn wants_enterprise(job: &JobContext<'_>, ceremony: &Ceremony) -> bool {
    job.planned.profile.keys.attestation == AttestationDemand::Enterprise
        || ceremony.options.attestation == AttestationConveyance::Enterprise
}

/// A key has one resident credential for an account (CTAP 2.1, 6.1.2): on keys that cannot delete, the new one has taken the
/// place of what earlier attempts left.
fn forget_replaced(job: &JobContext<'_>, made: &CredentialId) -> Result<(), JobError> {
    let replaced: Vec<CredentialId> = {
        let book = job.journal.book();
        let of_job = book.credentials_of_job(&book.jobs[&job.id]);
        let left = of_job.filter(|(id, credential)| credential.state == CredentialState::OnKey && *id != made);
        left.map(|(id, _)| id.clone()).collect()
    };
    replaced.into_iter().try_for_each(|credential_id| {
        let why = "the key replaced the credential".to_owned();
        job.record(Event::CredentialDeleted { job: job.id, credential_id, why })
    })
}

/// What the IdP excludes, and this account's credentials on its other keys, registered or not yet. What earlier attempts
/// of this job left on a key that cannot delete is not among them: the key would refuse the next attempt.
fn exclude_list(job: &JobContext<'_>, ceremony: &Ceremony) -> Vec<CredentialId> {
    let mut list: Vec<CredentialId> =
        ceremony.options.exclude_credentials.iter().map(|descriptor| descriptor.id.clone()).collect();
    let book = job.journal.book();
    for (id, credential) in book.credentials_of(&job.planned.account) {
        if credential.state.lives() && credential.job != job.id && !list.contains(id) {
            list.push(id.clone());
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_stricter_protection_is_taken() {
        let policy = |name: &str| json!({ "credentialProtectionPolicy": name });
        let list = "userVerificationOptionalWithCredentialIDList";
        for (profile, extensions, level) in [
            (1, Value::Null, None),
            (1, policy("userVerificationOptional"), Some(CredProtect::UserVerificationOptional)),
            (2, policy("userVerificationOptional"), Some(CredProtect::UserVerificationOptionalWithCredentialIdList)),
            (1, policy(list), Some(CredProtect::UserVerificationOptionalWithCredentialIdList)),
            (3, policy(list), Some(CredProtect::UserVerificationRequired)),
            (1, policy("userVerificationRequired"), Some(CredProtect::UserVerificationRequired)),
        ] {
            assert_eq!(cred_protect(profile, &extensions), level, "{profile} {extensions}");
        }
    }
}
