//! A security key on paper: makes registrations and sign-ins with P-256, and lies in them when a test wants it to.

use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fido::webauthn::{
    AttestationObject, AuthenticationResponse, CeremonyType, Challenge, ClientDataJson, CredentialId, Origin,
    RegistrationResponse, RpId, SignedAssertion, UserHandle,
};

/// A credential and what it says; change a field to make it lie.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    pub credential_id: CredentialId,
    pub flags: u8,
    pub sign_count: u32,
    /// COSE's number of the algorithm that the public key names.
    pub algorithm: i64,
    pub user_handle: Option<UserHandle>,
    /// Whether signatures are another key's.
    pub forges: bool,
}

/// UP and UV.
pub(crate) const PRESENT_AND_VERIFIED: u8 = 0x05;

impl Signer {
    pub(crate) fn new() -> Self {
        let mut id = [0; 32];
        fill(&mut id).unwrap();
        Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential_id: CredentialId::new(id).unwrap(),
            flags: PRESENT_AND_VERIFIED,
            sign_count: 1,
            algorithm: -7,
            user_handle: None,
            forges: false,
        }
    }

    /// A registration with packed self attestation (WebAuthn 8.2).
    pub(crate) fn register(&self, challenge: &Challenge, origin: &Origin, rp_id: &RpId) -> RegistrationResponse {
        let client_data_json = ClientDataJson::new(CeremonyType::Create, challenge, origin);
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let cose = cbor::encode(&Value::map([
            (1, 2.into()),
            (3, self.algorithm.into()),
            (-1, 1.into()),
            (-2, x.into()),
            (-3, y.into()),
        ]));
        let id = self.credential_id.as_bytes();
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        let credential = [&[0; 16][..], &length, id, &cose].concat();
        let auth_data = [&self.head(rp_id, 0x40)[..], &credential].concat();
        let signature = self.sign(&auth_data, &client_data_json);
        let statement = Value::map([("alg", self.algorithm.into()), ("sig", signature.into())]);
        let attestation_object = AttestationObject::new("packed".into(), statement, auth_data).unwrap();
        RegistrationResponse {
            credential_id: self.credential_id.clone(),
            client_data_json,
            attestation_object,
            transports: vec!["usb".into()],
        }
    }

    /// A sign-in; the counter grows.
    pub(crate) fn sign_in(&mut self, challenge: &Challenge, origin: &Origin, rp_id: &RpId) -> AuthenticationResponse {
        self.sign_count += 1;
        let client_data_json = ClientDataJson::new(CeremonyType::Get, challenge, origin);
        let authenticator_data = self.head(rp_id, 0);
        AuthenticationResponse {
            credential_id: self.credential_id.clone(),
            assertion: SignedAssertion {
                signature: self.sign(&authenticator_data, &client_data_json),
                client_data_json,
                authenticator_data,
            },
            user_handle: self.user_handle.clone(),
        }
    }

    fn head(&self, rp_id: &RpId, more_flags: u8) -> Vec<u8> {
        [&rp_id.hash()[..], &[self.flags | more_flags], &self.sign_count.to_be_bytes()].concat()
    }

    fn sign(&self, auth_data: &[u8], client_data_json: &ClientDataJson) -> Vec<u8> {
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let pair = if self.forges { &other } else { &self.pair };
        let signed = [auth_data, &client_data_json.hash()].concat();
        pair.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec()
    }
}
