//! What ctap-hid-fido2 is asked, and what its verifier says of the answer.

use ctap_hid_fido2::fidokey::GetAssertionArgsBuilder;
use ctap_hid_fido2::fidokey::get_assertion::get_assertion_params::Assertion;
use ctap_hid_fido2::public_key::{PublicKey, PublicKeyType};
use ctap_hid_fido2::{FidoKeyHidFactory, HidParam, LibCfg, verifier};
use data_encoding::BASE64URL_NOPAD;

use super::{Doubt, Obstacle, Question, Testimony, WITNESS};
use crate::ctap::PinUvAuthProtocol;
use crate::hid::usb;
use crate::webauthn::cose::CoseKeyParameters;
use crate::webauthn::{CoseAlgorithm, CosePublicKey};

/// The public key as the verifier takes it, if it knows the algorithm.
pub(super) fn public_key(key: &CosePublicKey) -> Option<PublicKey> {
    match (key.algorithm, &key.parameters) {
        (CoseAlgorithm::ES256, CoseKeyParameters::P256 { x, y }) => {
            let point = [[0x04].as_slice(), x, y].concat();
            Some(PublicKey::with_der(&point, PublicKeyType::Ecdsa256))
        }
        (CoseAlgorithm::EDDSA, CoseKeyParameters::Ed25519 { x }) => {
            Some(PublicKey::with_der(x, PublicKeyType::Ed25519))
        }
        _ => None,
    }
}

/// Has the library ask the key at this path for an assertion, with PIN and touch.
pub(super) fn take(path: String, question: &Question) -> Result<Assertion, Obstacle> {
    let failed = |words: String| Obstacle::Failed { words };
    // Its getInfo is not asked for: it prints members that it does not know.
    let config =
        LibCfg { enable_log: false, enable_keep_alive_msg: false, keep_alive_msg: String::new(), ..LibCfg::init() };
    let key = usb::while_hidapi_rests(|| FidoKeyHidFactory::create_by_params(&[HidParam::Path(path)], &config))
        .map_err(|error| failed(error.to_string()))?
        .with_pin_protocol_version(match question.protocol {
            PinUvAuthProtocol::One => 1,
            PinUvAuthProtocol::Two => 2,
        });
    let request = GetAssertionArgsBuilder::new(question.rp_id.as_str(), question.client_data.as_bytes())
        .credential_id(question.credential_id.as_bytes())
        .pin(question.pin.expose())
        .build();
    let assertions = key.get_assertion_with_args(&request).map_err(|error| failed(error.to_string()))?;
    assertions.into_iter().next().ok_or_else(|| failed("no assertion".into()))
}

/// What the verifier, and the flags, say of an assertion.
pub(super) fn judge(assertion: &Assertion, question: &Question, public_key: &PublicKey) -> Testimony {
    // An answer to a request with one credential may leave its id out.
    if !assertion.credential_id.is_empty() && assertion.credential_id != question.credential_id.as_bytes() {
        return Testimony::Unable { why: Obstacle::OtherCredential };
    }
    let client_data = question.client_data.as_bytes();
    let refuted = |why| Testimony::Refuted { why };
    if !verifier::verify_assertion(question.rp_id.as_str(), public_key, client_data, assertion) {
        return refuted(Doubt::Signature);
    }
    if !assertion.flags.user_present_result {
        return refuted(Doubt::UserPresence);
    }
    if !assertion.flags.user_verified_result {
        return refuted(Doubt::UserVerification);
    }
    Testimony::Verified {
        witness: WITNESS.to_owned(),
        client_data_json: BASE64URL_NOPAD.encode(client_data),
        authenticator_data: BASE64URL_NOPAD.encode(&assertion.auth_data),
        signature: BASE64URL_NOPAD.encode(&assertion.signature),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;
    use crate::ctap::Pin;
    use crate::webauthn::cbor::{self, Value};
    use crate::webauthn::{CeremonyType, Challenge, ClientDataJson, CredentialId, RpId};

    const UP: u8 = 0x01;
    const UV: u8 = 0x04;

    fn pair() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()
    }

    fn asked_of(pair: &EcdsaKeyPair) -> Question {
        let point = pair.public_key().as_ref();
        let cose = Value::map([
            (1, Value::from(2)),
            (3, (-7).into()),
            (-1, 1.into()),
            (-2, point[1..33].into()),
            (-3, point[33..].into()),
        ]);
        Question {
            rp_id: "example.org".parse().unwrap(),
            credential_id: CredentialId::new([7; 32]).unwrap(),
            public_key: CosePublicKey::parse(&cbor::encode(&cose)).unwrap(),
            client_data: ClientDataJson::new(
                CeremonyType::Get,
                &Challenge::new([9; 32]).unwrap(),
                &"https://example.org".parse().unwrap(),
            ),
            pin: Pin::new("271828").unwrap(),
            protocol: PinUvAuthProtocol::Two,
        }
    }

    pub(in super::super) fn question() -> Question {
        asked_of(&pair())
    }

    /// As the library reads it from a key that signs for this RP, with these flags.
    fn signed(pair: &EcdsaKeyPair, question: &Question, rp_id: &str, flags: u8) -> Assertion {
        let rp_id: RpId = rp_id.parse().unwrap();
        let auth_data = [&rp_id.hash()[..], &[flags], &5_u32.to_be_bytes()].concat();
        let message = [&auth_data[..], &question.client_data.hash()].concat();
        Assertion {
            rpid_hash: rp_id.hash().to_vec(),
            flags: ctap_hid_fido2::auth_data::Flags {
                user_present_result: flags & UP != 0,
                user_verified_result: flags & UV != 0,
                ..Default::default()
            },
            signature: pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec(),
            credential_id: question.credential_id.as_bytes().to_vec(),
            auth_data,
            ..Assertion::default()
        }
    }

    fn judged(question: &Question, assertion: &Assertion) -> Testimony {
        judge(assertion, question, &public_key(&question.public_key).unwrap())
    }

    #[test]
    fn a_signature_with_touch_and_pin_is_verified_and_can_be_checked_again() {
        let pair = pair();
        let question = asked_of(&pair);
        let assertion = signed(&pair, &question, "example.org", UP | UV);
        let Testimony::Verified { client_data_json, authenticator_data, signature, .. } = judged(&question, &assertion)
        else {
            panic!("verified");
        };
        let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        let hash = ClientDataJson::from_bytes(bytes(&client_data_json)).hash();
        let message = [&bytes(&authenticator_data)[..], &hash].concat();
        question.public_key.verify(&message, &bytes(&signature)).unwrap();
        // A key may leave the id out.
        let nameless = Assertion { credential_id: Vec::new(), ..assertion };
        assert!(matches!(judged(&question, &nameless), Testimony::Verified { .. }));
    }

    #[test]
    fn everything_that_is_wrong_with_a_signature_is_found() {
        let pair = pair();
        let question = asked_of(&pair);
        let refuted = |why| Testimony::Refuted { why };
        let good = signed(&pair, &question, "example.org", UP | UV);
        for (assertion, why) in [
            (signed(&self::pair(), &question, "example.org", UP | UV), Doubt::Signature),
            (signed(&pair, &question, "example.com", UP | UV), Doubt::Signature),
            (Assertion { signature: Vec::new(), ..good.clone() }, Doubt::Signature),
            (Assertion { auth_data: Vec::new(), ..good.clone() }, Doubt::Signature),
            (signed(&pair, &question, "example.org", UV), Doubt::UserPresence),
            (signed(&pair, &question, "example.org", UP), Doubt::UserVerification),
        ] {
            assert_eq!(judged(&question, &assertion), refuted(why));
        }
        let other = Assertion { credential_id: vec![8; 32], ..good };
        assert_eq!(judged(&question, &other), Testimony::Unable { why: Obstacle::OtherCredential });
    }

    #[test]
    fn a_path_that_is_no_key_is_said_in_the_witness_s_words() {
        let failed = take("/dev/null".into(), &question());
        assert_eq!(failed.err(), Some(Obstacle::Failed { words: "Failed to open device.".into() }));
    }
}
