//! Every ceremony among the test vectors of WebAuthn Level 3, registered and signed in with.

use keywright_fido::webauthn::response::{ExpectedAuthentication, ExpectedRegistration};
use keywright_fido::webauthn::{
    AttestationObject, AuthenticationResponse, AuthenticatorData, Challenge, ClientDataJson, CosePublicKey,
    CredentialId, Origin, RegistrationResponse, RpId, SignedAssertion, WebauthnError,
};
use keywright_test_support::data;
use serde_json::Value;

struct Vectors {
    origin: Origin,
    rp_id: RpId,
}

impl Vectors {
    fn register(&self, registration: &Value) -> Result<CosePublicKey, WebauthnError> {
        let response = RegistrationResponse {
            credential_id: CredentialId::new(hex(registration, "credential_id")).unwrap(),
            client_data_json: ClientDataJson::from_bytes(hex(registration, "clientDataJSON")),
            attestation_object: AttestationObject::parse(&hex(registration, "attestationObject")).unwrap(),
            transports: Vec::new(),
        };
        let credential = response.check(&ExpectedRegistration {
            challenge: &Challenge::new(hex(registration, "challenge")).unwrap(),
            origin: &self.origin,
            rp_id: &self.rp_id,
            user_verification: false,
        })?;
        Ok(credential.public_key.clone())
    }

    fn sign_in(&self, authentication: &Value, key: &CosePublicKey) -> Result<AuthenticatorData, WebauthnError> {
        let response = AuthenticationResponse {
            credential_id: CredentialId::new([0]).unwrap(),
            assertion: SignedAssertion {
                client_data_json: ClientDataJson::from_bytes(hex(authentication, "clientDataJSON")),
                authenticator_data: hex(authentication, "authenticatorData"),
                signature: hex(authentication, "signature"),
            },
            user_handle: None,
        };
        response.check(&ExpectedAuthentication {
            challenge: &Challenge::new(hex(authentication, "challenge")).unwrap(),
            origin: &self.origin,
            rp_id: &self.rp_id,
            user_verification: false,
            public_key: key,
            sign_count: 0,
        })
    }
}

fn hex(values: &Value, name: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(values[name].as_str().unwrap().as_bytes()).unwrap()
}

#[test]
fn every_ceremony_of_the_specification() {
    let Some(document) = data::json("w3c/webauthn-l3-test-vectors.json") else { return };
    let vectors = Vectors {
        origin: document["origin"].as_str().unwrap().parse().unwrap(),
        rp_id: document["rpId"].as_str().unwrap().parse().unwrap(),
    };
    let mut ceremonies = 0;
    for vector in document["vectors"].as_array().unwrap().iter().filter(|vector| vector["registration"].is_object()) {
        let title = vector["title"].as_str().unwrap();
        let (registration, authentication) = (&vector["registration"], &vector["authentication"]);
        let object = AttestationObject::parse(&hex(registration, "attestationObject")).unwrap();
        let AttestationObject { fmt, att_stmt, auth_data_bytes, .. } = object.clone();
        let written = AttestationObject::new(fmt, att_stmt, auth_data_bytes).unwrap();
        assert_eq!(written.as_bytes(), object.as_bytes(), "{title}: another encoding");
        let key = object.auth_data.attested_credential_data.unwrap().public_key;

        let (registered, signed_in) = (vectors.register(registration), vectors.sign_in(authentication, &key));
        if title.contains("crossOrigin") || title.contains("topOrigin") {
            // keywright never makes a ceremony in a frame, so it takes none.
            for refused in [registered.map(|_| ()), signed_in.map(|_| ())] {
                assert!(matches!(refused, Err(WebauthnError::Ceremony { what: "crossOrigin", .. })), "{title}");
            }
        } else {
            assert_eq!(registered, Ok(key), "{title}");
            match title.contains("Ed448") {
                true => assert_eq!(signed_in, Err(WebauthnError::UnsupportedAlgorithm(-53)), "{title}"),
                false => assert!(signed_in.is_ok(), "{title}: {signed_in:?}"),
            }
        }
        ceremonies += 1;
    }
    assert_eq!(ceremonies, 15);
}
