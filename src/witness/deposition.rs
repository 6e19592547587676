//! The witness's side: what ctap-hid-fido2 is asked, and what its verifier says of the answer.

use std::any::Any;
use std::borrow::Cow;
use std::io::{self, BufRead, Write};
use std::panic::{self, AssertUnwindSafe};

use ctap_hid_fido2::fidokey::GetAssertionArgsBuilder;
use ctap_hid_fido2::fidokey::get_assertion::get_assertion_params::Assertion;
use ctap_hid_fido2::public_key::{PublicKey, PublicKeyType};
use ctap_hid_fido2::{FidoKeyHidFactory, HidParam, LibCfg, verifier};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Answer, Mismatch, Question};
use crate::ledger::Unavailable;
use keywright_fido::ctap::{Pin, PinUvAuthProtocol};
use keywright_fido::webauthn::cose::CoseKeyParameters;
use keywright_fido::webauthn::{ClientDataJson, CoseAlgorithm, CosePublicKey, CredentialId, RpId, SignedAssertion};

/// The witness's process, from a line of `input` to the last line of `output`; the library may print lines of its own before
/// it. When `input` ends, nobody waits for an answer any more, and the process ends.
pub fn serve(mut input: impl BufRead + Send + 'static, mut output: impl Write) -> io::Result<()> {
    let mut line = Zeroizing::new(String::new());
    input.read_line(&mut line)?;
    let answer = match Asked::read(&line) {
        Ok((path, question)) => {
            std::thread::spawn(move || {
                // Whether it ended or broke: who asked is gone.
                let _ = input.read_to_end(&mut Vec::new());
                std::process::exit(1);
            });
            answer(path, &question)
        }
        Err(words) => Answer::Unable { why: Unavailable::Failed { words } },
    };
    // Its own line, whatever the library printed.
    write!(output, "\n{}\n", serde_json::to_string(&answer)?)?;
    output.flush()
}

/// Takes the assertion and judges it. A panic is an answer too.
fn answer(path: String, question: &Question) -> Answer {
    let judged = panic::catch_unwind(AssertUnwindSafe(|| {
        let public_key = public_key(&question.public_key)?;
        judge(&take(path, question)?, question, &public_key)
    }));
    match judged {
        Ok(judged) => judged.unwrap_or_else(|why| Answer::Unable { why }),
        Err(payload) => Answer::Unable { why: Unavailable::Panicked { words: panic_text(&*payload) } },
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned()
}

/// A question on its way through the pipe: one line of JSON, binary members in base64url without padding.
#[derive(Serialize, Deserialize)]
struct Asked<'a> {
    /// Where the key is, such as `/dev/hidraw3`.
    path: Cow<'a, str>,
    rp_id: RpId,
    credential_id: CredentialId,
    /// COSE_Key.
    public_key: String,
    client_data_json: String,
    #[serde(borrow)]
    pin: Cow<'a, str>,
    pin_uv_auth_protocol: i64,
}

/// Sends a question. The PIN is not copied on its way.
pub(super) fn send(mut pipe: impl Write, path: &str, question: &Question) -> io::Result<()> {
    let asked = Asked {
        path: path.into(),
        rp_id: question.rp_id.clone(),
        credential_id: question.credential_id.clone(),
        public_key: BASE64URL_NOPAD.encode(&question.public_key.bytes),
        client_data_json: BASE64URL_NOPAD.encode(question.client_data.as_bytes()),
        pin: question.pin.expose().into(),
        pin_uv_auth_protocol: question.protocol.number(),
    };
    serde_json::to_writer(&mut pipe, &asked)?;
    pipe.write_all(b"\n")?;
    pipe.flush()
}

impl Asked<'_> {
    fn read(line: &str) -> Result<(String, Question), String> {
        // serde_json's errors have places, and no values.
        let asked: Asked<'_> = serde_json::from_str(line).map_err(|_| "it was asked nothing that it understands")?;
        let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|error| error.to_string());
        let question = Question {
            rp_id: asked.rp_id,
            credential_id: asked.credential_id,
            public_key: CosePublicKey::parse(&bytes(&asked.public_key)?).map_err(|error| error.to_string())?,
            client_data: ClientDataJson::from_bytes(bytes(&asked.client_data_json)?),
            pin: Pin::new(&asked.pin).map_err(|error| error.to_string())?,
            protocol: match asked.pin_uv_auth_protocol {
                2 => PinUvAuthProtocol::Two,
                _ => PinUvAuthProtocol::One,
            },
        };
        Ok((asked.path.into_owned(), question))
    }
}

/// The public key as the verifier takes it.
pub(super) fn public_key(key: &CosePublicKey) -> Result<PublicKey, Unavailable> {
    match (key.algorithm.polymorphic(), &key.parameters) {
        (CoseAlgorithm::ES256, CoseKeyParameters::P256 { x, y }) => {
            let point = [[0x04].as_slice(), x, y].concat();
            Ok(PublicKey::with_der(&point, PublicKeyType::Ecdsa256))
        }
        (CoseAlgorithm::EDDSA, CoseKeyParameters::Ed25519 { x }) => Ok(PublicKey::with_der(x, PublicKeyType::Ed25519)),
        _ => Err(Unavailable::Algorithm { alg: key.algorithm.0 }),
    }
}

/// Has the library ask the key at this path for an assertion, with PIN and touch.
fn take(path: String, question: &Question) -> Result<Assertion, Unavailable> {
    let failed = |words: String| Unavailable::Failed { words };
    // Its getInfo is not asked for: it prints members that it does not know.
    let config =
        LibCfg { enable_log: false, enable_keep_alive_msg: false, keep_alive_msg: String::new(), ..LibCfg::init() };
    let key = FidoKeyHidFactory::create_by_params(&[HidParam::Path(path)], &config)
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

/// What the verifier, and the flags, say of an assertion. One for another credential or another site is not judged: the library
/// takes any channel's answer for its own.
fn judge(assertion: &Assertion, question: &Question, public_key: &PublicKey) -> Result<Answer, Unavailable> {
    // An answer to a request with one credential may leave its id out.
    let is_named = !assertion.credential_id.is_empty();
    if (is_named && assertion.credential_id != question.credential_id.as_bytes())
        || assertion.rpid_hash != question.rp_id.hash()
    {
        return Err(Unavailable::NotOurs);
    }
    let refuted = |why| Ok(Answer::Refuted { why });
    if !verifier::verify_assertion(question.rp_id.as_str(), public_key, question.client_data.as_bytes(), assertion) {
        return refuted(Mismatch::Signature);
    }
    if !assertion.flags.user_present_result {
        return refuted(Mismatch::UserPresence);
    }
    if !assertion.flags.user_verified_result {
        return refuted(Mismatch::UserVerification);
    }
    Ok(Answer::Verified {
        assertion: SignedAssertion {
            authenticator_data: assertion.auth_data.clone(),
            client_data_json: question.client_data.clone(),
            signature: assertion.signature.clone(),
        },
    })
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    use super::*;
    use keywright_fido::ctap::Pin;
    use keywright_fido::webauthn::cbor::{self, Value};
    use keywright_fido::webauthn::{CeremonyType, Challenge, ClientDataJson, CredentialId, RpId};

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

    fn judged(question: &Question, assertion: &Assertion) -> Result<Answer, Unavailable> {
        judge(assertion, question, &public_key(&question.public_key).unwrap())
    }

    fn wrong(why: Mismatch) -> Result<Answer, Unavailable> {
        Ok(Answer::Refuted { why })
    }

    #[test]
    fn a_signature_with_touch_and_pin_is_verified_and_can_be_checked_again() {
        let pair = pair();
        let question = asked_of(&pair);
        let given = signed(&pair, &question, "example.org", UP | UV);
        let Ok(Answer::Verified { assertion }) = judged(&question, &given) else { panic!("verified") };
        assertion.verify(&question.public_key).unwrap();
        // A key may leave the id out.
        let nameless = Assertion { credential_id: Vec::new(), ..given };
        assert!(matches!(judged(&question, &nameless), Ok(Answer::Verified { .. })));
    }

    #[test]
    fn eddsa_is_verified() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let cose = Value::map([
            (1, Value::from(1)),
            (3, (-8).into()),
            (-1, 6.into()),
            (-2, pair.public_key().as_ref().into()),
        ]);
        let question = Question { public_key: CosePublicKey::parse(&cbor::encode(&cose)).unwrap(), ..question() };
        let mut given = signed(&self::pair(), &question, "example.org", UP | UV);
        let message = [&given.auth_data[..], &question.client_data.hash()].concat();
        given.signature = pair.sign(&message).as_ref().to_vec();
        assert!(matches!(judged(&question, &given), Ok(Answer::Verified { .. })));
        given.signature[0] ^= 1;
        assert_eq!(judged(&question, &given), wrong(Mismatch::Signature));
    }

    #[test]
    fn everything_that_is_wrong_with_a_signature_is_found() {
        let pair = pair();
        let question = asked_of(&pair);
        let good = signed(&pair, &question, "example.org", UP | UV);
        for (assertion, why) in [
            (signed(&self::pair(), &question, "example.org", UP | UV), Mismatch::Signature),
            (Assertion { signature: Vec::new(), ..good.clone() }, Mismatch::Signature),
            (Assertion { auth_data: Vec::new(), ..good }, Mismatch::Signature),
            (signed(&pair, &question, "example.org", UV), Mismatch::UserPresence),
            (signed(&pair, &question, "example.org", UP), Mismatch::UserVerification),
        ] {
            assert_eq!(judged(&question, &assertion), wrong(why));
        }
    }

    #[test]
    fn what_may_be_another_programs_answer_is_not_judged() {
        let pair = pair();
        let question = asked_of(&pair);
        let good = signed(&pair, &question, "example.org", UP | UV);
        for other in [
            Assertion { credential_id: vec![8; 32], ..good },
            signed(&pair, &question, "example.com", UP | UV),
            // What the library makes of an answer to getInfo.
            Assertion { signature: vec![3; 16], ..Assertion::default() },
        ] {
            assert_eq!(judged(&question, &other), Err(Unavailable::NotOurs));
        }
    }

    #[test]
    fn a_question_is_the_same_at_the_other_end() {
        let question = Question { pin: Pin::new("a \"PIN\" \\ caf\u{e9}").unwrap(), ..question() };
        let mut line = Vec::new();
        send(&mut line, "/dev/hidraw3", &question).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(line.ends_with('\n') && line.lines().count() == 1);
        let (path, read) = Asked::read(&line).unwrap();
        assert_eq!((path.as_str(), read.pin.expose()), ("/dev/hidraw3", question.pin.expose()));
        assert_eq!((read.rp_id, read.credential_id), (question.rp_id, question.credential_id));
        assert_eq!((read.public_key, read.client_data), (question.public_key, question.client_data));
        assert_eq!(read.protocol, question.protocol);
    }

    #[test]
    fn an_answer_is_the_same_at_the_other_end() {
        let pair = pair();
        let question = asked_of(&pair);
        let verified = judged(&question, &signed(&pair, &question, "example.org", UP | UV)).unwrap();
        for answer in [verified, wrong(Mismatch::Signature).unwrap(), Answer::Unable { why: Unavailable::NotOurs }] {
            let line = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
        }
    }

    /// The last line that a process with this input says.
    fn served(input: Vec<u8>) -> Answer {
        // Its end would be the end of this process.
        let input = io::BufReader::new(io::Read::chain(io::Cursor::new(input), Silence));
        let mut output = Vec::new();
        serve(input, &mut output).unwrap();
        serde_json::from_str(String::from_utf8(output).unwrap().lines().last().unwrap()).unwrap()
    }

    /// An input that never ends.
    struct Silence;

    impl io::Read for Silence {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            loop {
                std::thread::park();
            }
        }
    }

    #[test]
    fn a_path_that_is_no_key_is_said_in_the_witness_s_words() {
        let mut input = Vec::new();
        send(&mut input, "/dev/null", &question()).unwrap();
        let why = Unavailable::Failed { words: "Failed to open device.".into() };
        assert_eq!(served(input), Answer::Unable { why });
    }

    #[test]
    fn what_is_no_question_is_answered_and_not_repeated() {
        let answer = serde_json::to_string(&served(b"{\"pin\":\"271828\"}\n".to_vec())).unwrap();
        assert!(answer.contains("asked nothing") && !answer.contains("271828"), "{answer}");
    }
}
