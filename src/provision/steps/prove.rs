//! The credential signs, and its signature is checked, before its public key is sent anywhere.

use data_encoding::BASE64URL_NOPAD;

use super::verify::registration;
use crate::ctap::{GetAssertion, Permissions};
use crate::ledger::{FailureCode, Outcome};
use crate::provision::Trouble;
use crate::provision::job::Job;
use crate::webauthn::response::{AuthenticationResponse, ExpectedAuthentication};
use crate::webauthn::{AttestationObject, CeremonyType, Challenge, ClientDataJson, CredentialId, Origin, RpId};

pub(super) fn carry_out(job: &mut Job<'_>) -> Result<Outcome, Trouble> {
    let ceremony = job.ceremony()?;
    let (credential_id, response) = registration(job)?;
    let object = AttestationObject::parse(&response.attestation_object)?;
    let attested = object
        .auth_data
        .attested_credential_data
        .ok_or_else(|| Trouble::new(FailureCode::Ledger, "the credential in the ledger has no public key"))?;
    let mut bytes = [0; 32];
    job.station.entropy.fill(&mut bytes);
    let challenge = Challenge::new(bytes)?;
    let rp_id = &ceremony.options.rp.id;
    let signed = sign(job, rp_id, &credential_id, &challenge, &ceremony.origin)?;
    signed
        .check(&ExpectedAuthentication {
            challenge: &challenge,
            origin: &ceremony.origin,
            rp_id,
            user_verification: true,
            public_key: &attested.public_key,
            sign_count: object.auth_data.sign_count,
        })
        .map_err(|error| {
            Trouble::new(FailureCode::ProofFailed, format!("the new credential does not sign in: {error}"))
        })?;
    Ok(Outcome::Prove {
        authenticator_data: BASE64URL_NOPAD.encode(&signed.authenticator_data),
        client_data_json: BASE64URL_NOPAD.encode(signed.client_data_json.as_bytes()),
        signature: BASE64URL_NOPAD.encode(&signed.signature),
    })
}

/// One signature with PIN and touch.
pub(super) fn sign(
    job: &mut Job<'_>,
    rp_id: &RpId,
    credential_id: &CredentialId,
    challenge: &Challenge,
    origin: &Origin,
) -> Result<AuthenticationResponse, Trouble> {
    let client_data = ClientDataJson::new(CeremonyType::Get, challenge, origin);
    let request = GetAssertion {
        rp_id: rp_id.clone(),
        client_data_hash: client_data.hash(),
        allow_list: vec![credential_id.clone()],
        user_presence: true,
    };
    let token = job.token(Permissions::GET_ASSERTION, Some(rp_id))?;
    let assertions =
        job.touching(|authenticator, touch| authenticator.get_assertions(&request, Some(&token), touch))?;
    let assertion = assertions
        .into_iter()
        .next()
        .ok_or_else(|| Trouble::new(FailureCode::ProofFailed, "the key gave no signature"))?;
    Ok(AuthenticationResponse {
        credential_id: assertion.credential_id,
        client_data_json: client_data,
        authenticator_data: assertion.authenticator_data,
        signature: assertion.signature,
        user_handle: assertion.user_handle,
    })
}
