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

impl MakeCredential {
    /// What every request has. The key stores no such credential, and is asked for nothing else.
    pub fn new(
        client_data_hash: [u8; 32],
        rp: RelyingParty,
        user: UserEntity,
        pub_key_cred_params: Vec<CoseAlgorithm>,
    ) -> Self {
        Self {
            client_data_hash,
            rp,
            user,
            pub_key_cred_params,
            exclude_list: Vec::new(),
            resident_key: false,
            cred_protect: None,
            cred_blob: None,
            min_pin_length: false,
            hmac_secret: false,
            large_blob_key: false,
            enterprise_attestation: None,
            attestation_formats_preference: Vec::new(),
        }
    }
}

/// What the key made.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// The answer as the key sent it, without the status byte: CBOR with CTAP's numbers for keys.
    pub response: Vec<u8>,
    /// The attestation object that was put together from it, for relying parties.
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
        check(request, &self.info)?;
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

/// Why this key cannot do what is asked, apart from extensions that it does not have.
fn check(request: &MakeCredential, info: &GetInfo) -> Result<(), CtapError> {
    if request.resident_key && info.option("rk") != Some(true) {
        return Err(CtapError::Unsupported("resident credentials (rk)"));
    }
    if request.enterprise_attestation.is_some() && info.option("ep") != Some(true) {
        return Err(CtapError::Unsupported("enabled enterprise attestation (ep)"));
    }
    let maximum = info.max_cred_blob_length.unwrap_or(CRED_BLOB) as usize;
    match request.cred_blob.as_ref().map(Vec::len) {
        Some(asked) if asked > maximum => Err(CtapError::Limit { what: "the length of credBlob", asked, maximum }),
        _ => Ok(()),
    }
}

/// The extension inputs that this key gets (CTAP 2.1 section 12), or the name of one that it lacks and that matters.
fn extensions(request: &MakeCredential, info: &GetInfo) -> Result<Vec<(&'static str, Value)>, CtapError> {
    let flag = |wanted: bool| wanted.then_some(Value::Bool(true));
    let protection_matters = request.cred_protect.is_some_and(|level| level != CredProtect::UserVerificationOptional);
    let mut inputs = Vec::new();
    for (name, input, matters) in [
        ("credProtect", request.cred_protect.map(|level| Value::from(level as i64)), protection_matters),
        ("credBlob", request.cred_blob.clone().map(Value::from), true),
        ("hmac-secret", flag(request.hmac_secret), true),
        ("largeBlobKey", flag(request.large_blob_key), true),
        ("minPinLength", flag(request.min_pin_length), false),
    ] {
        match input {
            Some(input) if info.has_extension(name) => inputs.push((name, input)),
            Some(_) if matters => return Err(CtapError::Unsupported(name)),
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
    let attestation_object =
        AttestationObject::from_ctap(answer.members()).map_err(|error| COMMAND.malformed(error.to_string()))?;
    if attestation_object.auth_data.rp_id_hash != rp_id.hash() {
        return Err(COMMAND.malformed("the credential is for another RP"));
    }
    if attestation_object.auth_data.attested_credential_data.is_none() {
        return Err(COMMAND.malformed("there is no attested credential data"));
    }
    Ok(NewCredential {
        response: body.to_vec(),
        attestation_object,
        enterprise_attestation: answer.optional(0x04, Value::as_bool)?.unwrap_or(false),
        large_blob_key: answer.optional(0x05, Value::as_bytes)?.map(<[u8]>::to_vec),
    })
}

#[cfg(test)]
mod tests {
    use super::super::client_pin::tests::known_token;
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{answer, auth_data, info, key, options, touched};
    use super::super::{GetInfo, Keepalive, StatusCode, get_info};
    use super::*;
    use crate::webauthn::UserHandle;

    fn plain() -> MakeCredential {
        MakeCredential::new(
            [0x22; 32],
            RelyingParty { id: "example.org".parse().unwrap(), name: String::new() },
            UserEntity { id: UserHandle::new([7]).unwrap(), name: "ada".into(), display_name: "Ada L".into() },
            vec![CoseAlgorithm::ES256],
        )
    }

    fn id(byte: u8) -> CredentialId {
        CredentialId::new([byte, byte]).unwrap()
    }

    fn rich() -> Vec<u8> {
        let extensions = ["credBlob", "credProtect", "hmac-secret", "largeBlobKey", "minPinLength"];
        info([
            (0x02, Value::Array(extensions.map(Value::from).to_vec())),
            options([("rk", true), ("ep", true)]),
            (0x16, Value::Array(vec!["packed".into()])),
        ])
    }

    fn told(answer: &[u8]) -> GetInfo {
        get_info::decode(&answer[1..]).unwrap()
    }

    fn request(request: &MakeCredential, info: &[u8], token: Option<&PinUvAuthToken>) -> Result<Vec<u8>, CtapError> {
        let info = told(info);
        check(request, &info)?;
        Ok(encode(request, &request.exclude_list, extensions(request, &info)?, &info, token))
    }

    const HEAD: &str = "015820222222222222222222222222222222222222222222222222222222222222222202a16269646b6578616d706c652e6f7267\
                        03a36269644107646e616d65636164616b646973706c61794e616d6565416461204c\
                        0481a263616c672664747970656a7075626c69632d6b6579";

    #[test]
    fn a_request_has_what_is_asked_and_nothing_else() {
        assert_eq!(request(&plain(), &info([]), None).unwrap(), hex(&format!("01a4{HEAD}")));
    }

    #[test]
    fn a_request_can_have_everything() {
        let everything = MakeCredential {
            exclude_list: vec![CredentialId::new([1, 2]).unwrap()],
            resident_key: true,
            cred_protect: Some(CredProtect::UserVerificationRequired),
            cred_blob: Some(vec![9]),
            min_pin_length: true,
            hmac_secret: true,
            large_blob_key: true,
            enterprise_attestation: Some(EnterpriseAttestation::PlatformManaged),
            attestation_formats_preference: vec!["packed".into()],
            ..plain()
        };
        assert_eq!(
            request(&everything, &rich(), Some(&known_token())).unwrap(),
            hex(&format!(
                "01ab{HEAD}\
                 0581a262696442010264747970656a7075626c69632d6b6579\
                 06a56863726564426c6f6241096b6372656450726f74656374036b686d61632d736563726574f5\
                 6c6c61726765426c6f624b6579f56c6d696e50696e4c656e677468f5\
                 07a162726bf5\
                 085820098253f0b64599b255683ccf32b755e126dc170d83466d6a2a52219167f47a93\
                 09020a020b81667061636b6564"
            ))
        );
    }

    #[test]
    fn names_are_cut_to_what_every_key_takes() {
        let mut long = plain();
        long.user.name = format!("{}é", "x".repeat(63));
        long.user.display_name = String::new();
        let encoded = request(&long, &info([]), None).unwrap();
        let user = format!("03a26269644107646e616d65783f{}0481", "78".repeat(63));
        assert!(data_encoding::HEXLOWER.encode(&encoded).contains(&user));
    }

    #[test]
    fn what_would_be_lost_is_refused_and_preferences_are_left_out() {
        let asked = |change: fn(&mut MakeCredential)| {
            let mut asked = plain();
            change(&mut asked);
            request(&asked, &info([]), None)
        };
        let left_out = Ok(hex(&format!("01a4{HEAD}")));
        assert_eq!(asked(|asked| asked.cred_protect = Some(CredProtect::UserVerificationOptional)), left_out);
        assert_eq!(asked(|asked| asked.min_pin_length = true), left_out);
        assert_eq!(asked(|asked| asked.attestation_formats_preference = vec!["packed".into()]), left_out);
        let refused = |what| Err(CtapError::Unsupported(what));
        assert_eq!(
            asked(|asked| asked.cred_protect = Some(CredProtect::UserVerificationRequired)),
            refused("credProtect")
        );
        assert_eq!(asked(|asked| asked.cred_blob = Some(vec![9])), refused("credBlob"));
        assert_eq!(asked(|asked| asked.hmac_secret = true), refused("hmac-secret"));
        assert_eq!(asked(|asked| asked.large_blob_key = true), refused("largeBlobKey"));
        assert_eq!(asked(|asked| asked.resident_key = true), refused("resident credentials (rk)"));
        assert_eq!(
            asked(|asked| asked.enterprise_attestation = Some(EnterpriseAttestation::VendorFacilitated)),
            refused("enabled enterprise attestation (ep)")
        );
        let blob = MakeCredential { cred_blob: Some(vec![9; 33]), ..plain() };
        assert!(matches!(request(&blob, &rich(), None), Err(CtapError::Limit { asked: 33, maximum: 32, .. })));
    }

    fn made(rp_id: &str, credential: Option<&[u8]>) -> Vec<u8> {
        answer([(0x01, "none".into()), (0x02, auth_data(rp_id, credential)), (0x03, Value::Map(Vec::new()))])
    }

    #[test]
    fn the_answer_is_a_credential_for_this_rp() {
        let rp_id = "example.org".parse().unwrap();
        let decode = |answer: Vec<u8>| decode(&answer[1..], &rp_id);
        let credential = decode(made("example.org", Some(&[5, 5]))).unwrap();
        assert!(!credential.enterprise_attestation && credential.large_blob_key.is_none());
        assert_eq!(credential.response, made("example.org", Some(&[5, 5]))[1..]);
        let data = credential.attestation_object.auth_data.attested_credential_data.unwrap();
        assert_eq!(data.credential_id, id(5));
        let enterprise = decode(answer([
            (0x01, "packed".into()),
            (0x02, auth_data("example.org", Some(&[5, 5]))),
            (0x03, Value::map([("alg", (-7).into())])),
            (0x04, true.into()),
            (0x05, vec![6; 32].into()),
            (0x06, Value::Map(Vec::new())),
        ]))
        .unwrap();
        assert!(enterprise.enterprise_attestation);
        assert_eq!(enterprise.large_blob_key, Some(vec![6; 32]));
        for wrong in [made("example.com", Some(&[5, 5])), made("example.org", None), answer([(0x01, "none".into())])] {
            assert!(matches!(decode(wrong), Err(CtapError::InvalidResponse { .. })));
        }
    }

    #[test]
    fn an_answer_that_is_cut_short_or_changed_never_panics() {
        let rp_id = "example.org".parse().unwrap();
        let whole = made("example.org", Some(&[5, 5]));
        for end in 1..whole.len() {
            assert!(decode(&whole[1..end], &rp_id).is_err(), "{end} bytes");
        }
        for at in 1..whole.len() {
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                // Some changes leave a credential for this RP: its id, its counter.
                if let Ok(credential) = decode(&changed[1..], &rp_id) {
                    assert_eq!(credential.attestation_object.auth_data.rp_id_hash, rp_id.hash());
                }
            }
        }
    }

    #[test]
    fn a_touch_is_asked_for_once_and_the_status_is_told() {
        let encoded = request(&plain(), &info([]), None).unwrap();
        let (mut authenticator, script) = key(info([]), [(encoded, touched(vec![0x28]))]);
        let mut heard = Vec::new();
        let error = authenticator.make_credential(&plain(), None, &mut |keepalive| heard.push(keepalive)).unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::KeyStoreFull));
        let text =
            "authenticatorMakeCredential failed: the key has no room for another credential (CTAP2_ERR_KEY_STORE_FULL)";
        assert_eq!(error.to_string(), text);
        assert_eq!(heard, [Keepalive::UpNeeded]);
        script.assert_done();
    }

    /// The key takes lists of two. Zeros for a client data hash, no touch, no token.
    fn look_for(ids: &[u8]) -> Vec<u8> {
        let descriptors: String =
            ids.iter().map(|id| format!("a262696442{id:02x}{id:02x}64747970656a7075626c69632d6b6579")).collect();
        hex(&format!(
            "02a4016b6578616d706c652e6f7267025820{}038{}{descriptors}05a1627570f4",
            "00".repeat(32),
            ids.len()
        ))
    }

    #[test]
    fn a_long_exclude_list_is_looked_through_without_a_touch() {
        let lists_of_two = || info([(0x07, 2.into())]);
        let asked = MakeCredential { exclude_list: (1..=5).map(id).collect(), ..plain() };
        // The third is there: only it goes along, and the key refuses.
        let found = answer([
            (0x01, Value::map([("id", vec![3, 3].into()), ("type", Value::from("public-key"))])),
            (0x02, auth_data("example.org", None)),
            (0x03, vec![0x30].into()),
        ]);
        let with_it = request(&MakeCredential { exclude_list: vec![id(3)], ..plain() }, &lists_of_two(), None).unwrap();
        let (mut authenticator, script) = key(
            lists_of_two(),
            [(look_for(&[1, 2]), vec![0x2e]), (look_for(&[3, 4]), found), (with_it, touched(vec![0x19]))],
        );
        let error = authenticator.make_credential(&asked, None, &mut |_| {}).unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::CredentialExcluded));
        script.assert_done();
        // None is there: the list stays away.
        let without = request(&plain(), &lists_of_two(), None).unwrap();
        let (mut authenticator, script) = key(
            lists_of_two(),
            [
                (look_for(&[1, 2]), vec![0x2e]),
                (look_for(&[3, 4]), vec![0x2e]),
                (look_for(&[5]), vec![0x2e]),
                (without, made("example.org", Some(&[9]))),
            ],
        );
        authenticator.make_credential(&asked, None, &mut |_| {}).unwrap();
        script.assert_done();
    }
}
