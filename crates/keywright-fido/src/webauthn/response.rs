//! What a client answers (WebAuthn 5.1), in the JSON forms `RegistrationResponseJSON` and `AuthenticationResponseJSON`.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    AttestationObject, AttestedCredentialData, AuthenticatorData, CeremonyType, Challenge, ClientDataJson,
    CosePublicKey, CredentialId, Origin, RpId, SignedAssertion, UserHandle, WebauthnError,
};

/// A finished registration, ready to be sent (WebAuthn 5.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationResponse {
    /// The new credential.
    pub credential_id: CredentialId,
    /// Client data as hashed.
    pub client_data_json: ClientDataJson,
    /// The attestation object.
    pub attestation_object: AttestationObject,
    /// How the authenticator is reached: `usb`, `nfc`, ...
    pub transports: Vec<String>,
}

/// A finished sign-in (WebAuthn 5.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationResponse {
    /// The credential that signed.
    pub credential_id: CredentialId,
    /// What it signed, and the signature.
    pub assertion: SignedAssertion,
    /// The account, if the authenticator told it.
    pub user_handle: Option<UserHandle>,
}

/// What a relying party began a registration with, and holds the answer against.
#[derive(Debug, Clone)]
pub struct ExpectedRegistration<'a> {
    /// The challenge that was sent.
    pub challenge: &'a Challenge,
    /// The origin that the page has.
    pub origin: &'a Origin,
    /// The RP ID.
    pub rp_id: &'a RpId,
    /// Whether UV must be set.
    pub user_verification: bool,
}

/// What a relying party holds a sign-in against.
#[derive(Debug, Clone)]
pub struct ExpectedAuthentication<'a> {
    /// The challenge that was sent.
    pub challenge: &'a Challenge,
    /// The origin that the page has.
    pub origin: &'a Origin,
    /// The RP ID.
    pub rp_id: &'a RpId,
    /// Whether UV must be set.
    pub user_verification: bool,
    /// The key that was registered.
    pub public_key: &'a CosePublicKey,
    /// The counter at the last sign-in.
    pub sign_count: u32,
}

impl RegistrationResponse {
    /// Holds the answer against what was asked: client data, RP ID hash, UP, UV, AT, credential id (WebAuthn 7.1 steps 5 to
    /// 19). The attestation statement is not judged here: that is `keywright-attest`.
    /// Returns the new credential.
    pub fn check(&self, expected: &ExpectedRegistration<'_>) -> Result<&AttestedCredentialData, WebauthnError> {
        self.client_data_json.check(CeremonyType::Create, expected.challenge, expected.origin)?;
        let data = &self.attestation_object.auth_data;
        check_authenticator_data(data, expected.rp_id, expected.user_verification)?;
        let credential = data.attested_credential_data.as_ref().ok_or_else(|| differs("authData", "AT is not set"))?;
        if credential.credential_id != self.credential_id {
            return Err(differs("id", "the authenticator data names another credential"));
        }
        Ok(credential)
    }

    /// `RegistrationResponseJSON` (WebAuthn 5.1.8.1), binary members in base64url without padding.
    pub fn to_json(&self) -> serde_json::Value {
        let object = &self.attestation_object;
        let mut response = json!({
            "clientDataJSON": BASE64URL_NOPAD.encode(self.client_data_json.as_bytes()),
            "attestationObject": BASE64URL_NOPAD.encode(object.as_bytes()),
            "transports": self.transports,
            // What a client takes out of the attestation object for the relying party's convenience (WebAuthn 5.2.1.1).
            "authenticatorData": BASE64URL_NOPAD.encode(&object.auth_data_bytes),
        });
        if let Some(credential) = &object.auth_data.attested_credential_data {
            response["publicKeyAlgorithm"] = credential.public_key.algorithm.0.into();
        }
        credential_json(&self.credential_id, response)
    }

    /// Reads `RegistrationResponseJSON`; unknown members are ignored.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, WebauthnError> {
        let (credential_id, response) = read_credential::<RegistrationMembers>(json)?;
        Ok(Self {
            credential_id,
            client_data_json: ClientDataJson::from_bytes(binary("clientDataJSON", &response.client_data_json)?),
            attestation_object: AttestationObject::parse(&binary("attestationObject", &response.attestation_object)?)?,
            transports: response.transports,
        })
    }
}

impl AuthenticationResponse {
    /// Holds the answer against what was asked, verifies the signature, and checks the counter: it must grow unless both are
    /// zero (WebAuthn 7.2 steps 11 to 22). Returns the authenticator data, whose counter is to be kept.
    pub fn check(&self, expected: &ExpectedAuthentication<'_>) -> Result<AuthenticatorData, WebauthnError> {
        self.assertion.client_data_json.check(CeremonyType::Get, expected.challenge, expected.origin)?;
        let data = AuthenticatorData::parse(&self.assertion.authenticator_data)?;
        check_authenticator_data(&data, expected.rp_id, expected.user_verification)?;
        self.assertion.verify(expected.public_key)?;
        if (data.sign_count, expected.sign_count) != (0, 0) && data.sign_count <= expected.sign_count {
            return Err(differs(
                "signCount",
                format!("{} after {}; the key may have a copy", data.sign_count, expected.sign_count),
            ));
        }
        Ok(data)
    }

    /// `AuthenticationResponseJSON` (WebAuthn 5.1.8.2), binary members in base64url without padding.
    pub fn to_json(&self) -> serde_json::Value {
        let SignedAssertion { authenticator_data, client_data_json, signature } = &self.assertion;
        let mut response = json!({
            "clientDataJSON": client_data_json,
            "authenticatorData": BASE64URL_NOPAD.encode(authenticator_data),
            "signature": BASE64URL_NOPAD.encode(signature),
        });
        if let Some(user_handle) = &self.user_handle {
            response["userHandle"] = user_handle.to_string().into();
        }
        credential_json(&self.credential_id, response)
    }

    /// Reads `AuthenticationResponseJSON`; unknown members are ignored.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, WebauthnError> {
        let (credential_id, response) = read_credential::<AuthenticationMembers>(json)?;
        Ok(Self {
            credential_id,
            assertion: SignedAssertion {
                client_data_json: ClientDataJson::from_bytes(binary("clientDataJSON", &response.client_data_json)?),
                authenticator_data: binary("authenticatorData", &response.authenticator_data)?,
                signature: binary("signature", &response.signature)?,
            },
            user_handle: response.user_handle,
        })
    }
}

/// RP ID hash, UP and UV: the same in both ceremonies.
fn check_authenticator_data(data: &AuthenticatorData, rp_id: &RpId, uv: bool) -> Result<(), WebauthnError> {
    if data.rp_id_hash != rp_id.hash() {
        return Err(differs("rpIdHash", format!("it is not the hash of {rp_id}")));
    }
    if !data.flags.user_present() {
        return Err(differs("flags", "UP is not set"));
    }
    if uv && !data.flags.user_verified() {
        return Err(differs("flags", "UV is not set"));
    }
    Ok(())
}

fn differs(what: &'static str, why: impl Into<String>) -> WebauthnError {
    WebauthnError::Ceremony { what, why: why.into() }
}

/// The members that both JSON forms have around `response`. Security keys are roaming authenticators.
fn credential_json(id: &CredentialId, response: serde_json::Value) -> serde_json::Value {
    json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "clientExtensionResults": {},
        "response": response,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential<R> {
    id: CredentialId,
    raw_id: CredentialId,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistrationMembers {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticationMembers {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    authenticator_data: String,
    signature: String,
    user_handle: Option<UserHandle>,
}

fn read_credential<R: DeserializeOwned>(json: &serde_json::Value) -> Result<(CredentialId, R), WebauthnError> {
    let malformed = |why: String| WebauthnError::malformed("PublicKeyCredentialJSON", why);
    let credential = Credential::<R>::deserialize(json).map_err(|error| malformed(error.to_string()))?;
    if credential.kind != "public-key" {
        return Err(malformed(format!("type is \"{}\", not \"public-key\"", credential.kind)));
    }
    if credential.id != credential.raw_id {
        return Err(malformed("id and rawId differ".into()));
    }
    Ok((credential.id, credential.response))
}

fn binary(what: &'static str, text: &str) -> Result<Vec<u8>, WebauthnError> {
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|error| WebauthnError::malformed(what, format!("not base64url: {error}")))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    use super::super::cbor::{self, Value};
    use super::*;

    /// One account at one relying party, and a key that signs for it.
    struct World {
        challenge: Challenge,
        origin: Origin,
        rp_id: RpId,
        pair: EcdsaKeyPair,
    }

    impl World {
        fn new() -> Self {
            Self {
                challenge: Challenge::new([7; 32]).unwrap(),
                origin: "https://login.example.org".parse().unwrap(),
                rp_id: "example.org".parse().unwrap(),
                pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            }
        }

        fn cose(&self) -> Vec<u8> {
            let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
            cbor::encode(&Value::map([(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, x.into()), (-3, y.into())]))
        }

        fn registration(&self, flags: u8) -> RegistrationResponse {
            let credential = [&[0; 16][..], &[0, 4], b"cred", &self.cose()].concat();
            let tail = if flags & 0x40 == 0 { &[][..] } else { &credential };
            let auth_data = [&self.rp_id.hash()[..], &[flags], &[0; 4], tail].concat();
            RegistrationResponse {
                credential_id: CredentialId::new(*b"cred").unwrap(),
                client_data_json: ClientDataJson::new(CeremonyType::Create, &self.challenge, &self.origin),
                attestation_object: AttestationObject::new("none".into(), Value::Map(Vec::new()), auth_data).unwrap(),
                transports: vec!["usb".into()],
            }
        }

        fn authentication(&self, flags: u8, count: u32) -> AuthenticationResponse {
            let client_data_json = ClientDataJson::new(CeremonyType::Get, &self.challenge, &self.origin);
            let authenticator_data = [&self.rp_id.hash()[..], &[flags], &count.to_be_bytes()].concat();
            let signed = [&authenticator_data[..], &client_data_json.hash()].concat();
            AuthenticationResponse {
                credential_id: CredentialId::new(*b"cred").unwrap(),
                assertion: SignedAssertion {
                    client_data_json,
                    authenticator_data,
                    signature: self.pair.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec(),
                },
                user_handle: Some(UserHandle::new(*b"alice").unwrap()),
            }
        }

        fn register<'r>(
            &self,
            response: &'r RegistrationResponse,
            uv: bool,
        ) -> Result<&'r AttestedCredentialData, WebauthnError> {
            response.check(&ExpectedRegistration {
                challenge: &self.challenge,
                origin: &self.origin,
                rp_id: &self.rp_id,
                user_verification: uv,
            })
        }

        fn sign_in(&self, response: &AuthenticationResponse, before: u32) -> Result<AuthenticatorData, WebauthnError> {
            response.check(&ExpectedAuthentication {
                challenge: &self.challenge,
                origin: &self.origin,
                rp_id: &self.rp_id,
                user_verification: true,
                public_key: &CosePublicKey::parse(&self.cose()).unwrap(),
                sign_count: before,
            })
        }
    }

    fn ceremony<T: std::fmt::Debug>(result: Result<T, WebauthnError>) -> &'static str {
        match result {
            Err(WebauthnError::Ceremony { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_registration_is_held_against_what_was_asked() {
        let world = World::new();
        let registration = world.registration(0x45);
        let credential = world.register(&registration, true).unwrap();
        assert_eq!(credential.credential_id.as_bytes(), b"cred");

        assert_eq!(ceremony(world.register(&world.registration(0x44), true)), "flags");
        assert_eq!(ceremony(world.register(&world.registration(0x41), true)), "flags");
        assert!(world.register(&world.registration(0x41), false).is_ok());
        assert_eq!(ceremony(world.register(&world.registration(0x05), true)), "authData");
        let other =
            RegistrationResponse { credential_id: CredentialId::new(*b"derc").unwrap(), ..world.registration(0x45) };
        assert_eq!(ceremony(world.register(&other, true)), "id");
        let elsewhere = World { rp_id: "login.example.org".parse().unwrap(), ..World::new() };
        assert_eq!(ceremony(elsewhere.register(&world.registration(0x45), true)), "rpIdHash");
        let later = World { challenge: Challenge::new([8; 32]).unwrap(), ..World::new() };
        assert_eq!(ceremony(later.register(&world.registration(0x45), true)), "challenge");
    }

    #[test]
    fn a_sign_in_is_held_against_what_was_asked() {
        let world = World::new();
        assert_eq!(world.sign_in(&world.authentication(0x05, 9), 8).unwrap().sign_count, 9);
        assert!(world.sign_in(&world.authentication(0x05, 0), 0).is_ok());
        for (now, before) in [(9, 9), (8, 9), (0, 1)] {
            assert_eq!(ceremony(world.sign_in(&world.authentication(0x05, now), before)), "signCount");
        }
        assert_eq!(ceremony(world.sign_in(&world.authentication(0x01, 9), 8)), "flags");
        assert_eq!(ceremony(world.sign_in(&world.authentication(0x04, 9), 8)), "flags");
        let mut forged = world.authentication(0x05, 9);
        forged.assertion.authenticator_data[36] += 1;
        assert_eq!(world.sign_in(&forged, 8), Err(WebauthnError::BadSignature));
        let mut replayed = world.authentication(0x05, 9);
        replayed.assertion.client_data_json =
            ClientDataJson::new(CeremonyType::Create, &world.challenge, &world.origin);
        assert_eq!(ceremony(world.sign_in(&replayed, 8)), "type");
    }

    #[test]
    fn json_goes_there_and_back() {
        let world = World::new();
        let registration = world.registration(0x45);
        let json = registration.to_json();
        assert_eq!(json["id"], "Y3JlZA");
        assert_eq!(json["response"]["publicKeyAlgorithm"], -7);
        assert_eq!(RegistrationResponse::from_json(&json), Ok(registration));
        let authentication = world.authentication(0x05, 1);
        let json = authentication.to_json();
        assert_eq!(json["response"]["userHandle"], "YWxpY2U");
        assert_eq!(AuthenticationResponse::from_json(&json), Ok(authentication));
    }

    #[test]
    fn json_of_another_shape_is_refused() {
        let good = World::new().registration(0x45).to_json();
        for (pointer, value) in [
            ("/id", json!("AAAA")),
            ("/rawId", json!("Y3JlZA==")),
            ("/type", json!("password")),
            ("/response", json!({})),
            ("/response/attestationObject", json!("+/")),
            ("/response/clientDataJSON", json!(7)),
        ] {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert!(
                matches!(RegistrationResponse::from_json(&changed), Err(WebauthnError::Malformed { .. })),
                "{pointer}"
            );
        }
    }
}
