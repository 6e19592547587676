//! authenticatorMakeCredential (0x01): CTAP 2.1 section 6.1, with 2.2's attestationFormatsPreference.
//!
//! What is asked and would be lost without a word on this key is refused before anything is sent; what is a preference is
//! left out. It does not judge the attestation, nor what the key did with extensions: that is in the authenticator data.

use super::command::{self, Command};
use super::{Authenticator, CtapError, GetInfo, PinUvAuthToken, Touch};
use crate::webauthn::cbor::Value;
use crate::webauthn::{AttestationObject, CoseAlgorithm, CredentialId, RelyingParty, RpId, UserEntity};

const COMMAND: Command = Command::new(0x01, "authenticatorMakeCredential");

/// maxCredBlobLength of a key that has credBlob and does not tell (CTAP 2.1, 12.2: at least 32).
const CRED_BLOB: u64 = 32;

/// credProtect levels (CTAP 2.1, 12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredProtect {
    /// 1: userVerificationOptional
    UserVerificationOptional = 1,
    /// 2: userVerificationOptionalWithCredentialIDList
    UserVerificationOptionalWithCredentialIdList = 2,
    /// 3: userVerificationRequired
    UserVerificationRequired = 3,
}

/// Which enterprise attestation is asked for (CTAP 2.1, 7.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnterpriseAttestation {
    /// 1: the key decides by the RP IDs that its vendor put in.
    VendorFacilitated = 1,
    /// 2: the platform decides.
    PlatformManaged = 2,
}

/// A request for a credential. `rp.name`, `user.name` and `user.displayName` are cut to 64 bytes at a character boundary when
/// it is sent, and left out if empty.
#[derive(Debug, Clone)]
pub struct MakeCredential {
    /// SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// The relying party.
    pub rp: RelyingParty,
    /// The account.
    pub user: UserEntity,
    /// Algorithms, the preferred one first.
    pub pub_key_cred_params: Vec<CoseAlgorithm>,
    /// Credentials whose key must not make another one.
    pub exclude_list: Vec<CredentialId>,
    /// rk: whether the key stores the credential.
    pub resident_key: bool,
    /// credProtect, if asked for.
    pub cred_protect: Option<CredProtect>,
    /// credBlob: up to maxCredBlobLength bytes to store.
    pub cred_blob: Option<Vec<u8>>,
    /// Whether the key should tell its minimum PIN length.
    pub min_pin_length: bool,
    /// Whether the credential gets an HMAC secret.
    pub hmac_secret: bool,
    /// Whether the credential gets a large blob key.
    pub large_blob_key: bool,
    /// Enterprise attestation, if asked for.
    pub enterprise_attestation: Option<EnterpriseAttestation>,
    /// attestationFormatsPreference (0x0B), the preferred one first.
    pub attestation_formats_preference: Vec<String>,
}

/// What the key made.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// fmt, authData and attStmt, as an attestation object.
    pub attestation_object: AttestationObject,
    /// epAtt (0x04): whether this is an enterprise attestation. Absent means no, whatever was asked.
    pub enterprise_attestation: bool,
    /// largeBlobKey (0x05).
    pub large_blob_key: Option<Vec<u8>>,
}

impl Authenticator {
    /// authenticatorMakeCredential, with a touch. `token` needs mc; without one the key verifies nobody.
    ///
    /// On a key that does not list what is asked for:
    ///
    /// | asked | what happens |
    /// |---|---|
    /// | credProtect 2 or 3, credBlob, hmac-secret, largeBlobKey, `rk` | [`CtapError::Unsupported`] |
    /// | enterprise attestation while `ep` is not true | [`CtapError::Unsupported`]: most keys would ignore it silently |
    /// | credBlob beyond maxCredBlobLength | [`CtapError::Limit`] |
    /// | credProtect 1 (what keys do anyway), minPinLength, attestationFormatsPreference | left out |
    ///
    /// An exclude list that is too long for one request is looked through with silent assertions first; a token that has ga as
    /// well lets the key find credentials that it shows to a verified person only (credProtect 3).
    ///
    /// Refuses an answer whose rpIdHash is not this RP's, or that has no attested credential data.
    pub fn make_credential(
        &mut self,
        request: &MakeCredential,
        token: Option<&PinUvAuthToken>,
        touch: Touch<'_>,
    ) -> Result<NewCredential, CtapError> {
        let extensions = extensions(request, &self.info)?;
        let encode = |exclude_list: &[CredentialId], info: &GetInfo| {
            encode(request, exclude_list, extensions.clone(), info, token)
        };
        let mut encoded = encode(&request.exclude_list, &self.info);
        if !self.fits(&encoded, &request.exclude_list) {
            let held = self.find_credential(&request.rp.id, &request.exclude_list, token)?;
            encoded = encode(held.as_slice(), &self.info);
        }
        let body = self.exchange_with_touch(COMMAND, &encoded, touch)?;
        decode(&body, &request.rp.id)
    }
}

/// The extension inputs that this key gets (CTAP 2.1 section 12), or why the request cannot be met.
fn extensions(request: &MakeCredential, info: &GetInfo) -> Result<Vec<(&'static str, Value)>, CtapError> {
    if request.resident_key && info.option("rk") != Some(true) {
        return Err(CtapError::Unsupported("resident credentials (rk)"));
    }
    if request.enterprise_attestation.is_some() && info.option("ep") != Some(true) {
        return Err(CtapError::Unsupported("enabled enterprise attestation (ep)"));
    }
    let cred_protect = request.cred_protect.map(|level| Value::from(level as i64));
    let protection_matters = request.cred_protect.is_some_and(|level| level != CredProtect::UserVerificationOptional);
    let maximum = info.max_cred_blob_length.unwrap_or(CRED_BLOB) as usize;
    if let Some(blob) = request.cred_blob.as_ref().filter(|blob| blob.len() > maximum) {
        return Err(CtapError::Limit { what: "the length of credBlob", asked: blob.len(), maximum });
    }
    let wanted = |wanted: bool| wanted.then_some(Value::Bool(true));
    let mut inputs = Vec::new();
    for (name, input, needed) in [
        ("credProtect", cred_protect, protection_matters),
        ("credBlob", request.cred_blob.clone().map(Value::from), true),
        ("hmac-secret", wanted(request.hmac_secret), true),
        ("largeBlobKey", wanted(request.large_blob_key), true),
        ("minPinLength", wanted(request.min_pin_length), false),
    ] {
        match input {
            Some(input) if info.has_extension(name) => inputs.push((name, input)),
            Some(_) if needed => return Err(CtapError::Unsupported(name)),
            _ => {}
        }
    }
    Ok(inputs)
}

fn encode(
    request: &MakeCredential,
    exclude_list: &[CredentialId],
    extensions: Vec<(&'static str, Value)>,
    info: &GetInfo,
    token: Option<&PinUvAuthToken>,
) -> Vec<u8> {
    let algorithm = |alg: &CoseAlgorithm| Value::map([("alg", alg.0.into()), ("type", "public-key".into())]);
    let rp_name = (!request.rp.name.is_empty()).then(|| ("name", command::cut(&request.rp.name).into()));
    let rp = [("id", request.rp.id.as_str().into())].into_iter().chain(rp_name);
    let mut parameters: Vec<(i64, Value)> = vec![
        (0x01, request.client_data_hash[..].into()),
        (0x02, Value::map(rp)),
        (0x03, command::user(&request.user)),
        (0x04, Value::Array(request.pub_key_cred_params.iter().map(algorithm).collect())),
    ];
    // An empty list or map is not the same as none: some firmware refuses it.
    if !exclude_list.is_empty() {
        parameters.push((0x05, Value::Array(exclude_list.iter().map(command::descriptor).collect())));
    }
    if !extensions.is_empty() {
        parameters.push((0x06, Value::map(extensions)));
    }
    if request.resident_key {
        parameters.push((0x07, Value::map([("rk", true.into())])));
    }
    if let Some(token) = token {
        parameters.push((0x08, token.authenticate(&request.client_data_hash)));
        parameters.push((0x09, token.protocol.number().into()));
    }
    if let Some(kind) = request.enterprise_attestation {
        parameters.push((0x0a, (kind as i64).into()));
    }
    let formats = &request.attestation_formats_preference;
    if !formats.is_empty() && !info.attestation_formats.is_empty() {
        parameters.push((0x0b, Value::Array(formats.iter().map(|format| format.as_str().into()).collect())));
    }
    COMMAND.request(parameters)
}

fn decode(body: &[u8], rp_id: &RpId) -> Result<NewCredential, CtapError> {
    let answer = COMMAND.answer(body)?;
    let fmt = answer.required(0x01, Value::as_text)?.to_owned();
    let auth_data = answer.required(0x02, Value::as_bytes)?.to_vec();
    // With fmt none there may be no statement (CTAP 2.2, 6.1.2).
    let att_stmt = answer.optional(0x03, Some)?.cloned().unwrap_or(Value::Map(Vec::new()));
    let attestation_object = AttestationObject::new(fmt, att_stmt, auth_data)?;
    if attestation_object.auth_data.rp_id_hash != rp_id.hash() {
        return Err(COMMAND.malformed("the credential is for another RP"));
    }
    if attestation_object.auth_data.attested_credential_data.is_none() {
        return Err(COMMAND.malformed("there is no attested credential data"));
    }
    Ok(NewCredential {
        attestation_object,
        enterprise_attestation: answer.optional(0x04, Value::as_bool)?.unwrap_or(false),
        large_blob_key: answer.optional(0x05, Value::as_bytes)?.map(<[u8]>::to_vec),
    })
}
