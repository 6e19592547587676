//! Writes the first corpus of each target: what the maker signs and what soft keys answer. Nothing in it was copied.
//!
//! `cargo run --example seeds FOLDER` puts each target's seeds into a folder of its name.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keywright_fido::ctap::{Authenticator, GetAssertion, MakeCredential, Permissions, Pin};
use keywright_fido::hid::frame::{Assembly, ChannelId, Command, Packet, Progress};
use keywright_fido::hid::{Cancel, Limits, Pipe, PipeError, Report};
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fido::webauthn::{AttestationObject, CoseAlgorithm, CredentialId, RelyingParty, UserEntity, UserHandle};
use keywright_fuzz::answering::{rp_id, script};
use keywright_fuzz::maker::MAKER;
use keywright_fuzz::metadata_service::{MetadataService, entry, payload};
use keywright_fuzz::testing::{Maker, auth_data, cose_ed25519, fido_extension, leaf_params, model_extension};
use keywright_practice::softkey::{Rack, SoftPipe};
use rcgen::{CustomExtension, IsCa};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).ok_or("usage: seeds FOLDER")?;
    let seeds = Seeds(folder.as_ref());
    attestations(&seeds)?;
    certificates(&seeds)?;
    reports(&seeds)?;
    metadata(&seeds)?;
    soft_key(&seeds)
}

/// Where seeds go.
struct Seeds<'a>(&'a Path);

impl Seeds<'_> {
    fn plant(&self, target: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let folder = self.0.join(target);
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(name), bytes)?)
    }

    /// An attestation object is CBOR as well.
    fn plant_object(&self, name: &str, object: &AttestationObject) -> Result<(), Failure> {
        self.plant("attestation_object", name, object.as_bytes())?;
        self.plant("cbor", name, object.as_bytes())
    }
}

fn attestations(seeds: &Seeds<'_>) -> Result<(), Failure> {
    seeds.plant_object("packed", &MAKER.good_packed())?;
    seeds.plant_object("self", &MAKER.self_signed())?;
    seeds.plant_object("fido-u2f", &MAKER.fido_u2f())?;
    let none = AttestationObject::new("none".into(), Value::Map(Vec::new()), auth_data(&cose_ed25519()))?;
    seeds.plant_object("none", &none)?;
    for (name, algorithm, alg) in [
        ("es384", &rcgen::PKCS_ECDSA_P384_SHA384, -35),
        ("es512", &rcgen::PKCS_ECDSA_P521_SHA512, -36),
        ("eddsa", &rcgen::PKCS_ED25519, -8),
        ("rs256", &rcgen::PKCS_RSA_SHA256, -257),
    ] {
        let other = Maker::with_attestation_key(algorithm);
        seeds.plant_object(name, &other.packed(&other.leaf(&leaf_params()), alg))?;
    }
    // The chain with its root, and the root as an intermediate of itself.
    let Value::Map(mut members) = MAKER.good_packed().att_stmt else { return Err("attStmt is a map".into()) };
    for (_, value) in &mut members {
        if let Value::Array(x5c) = value {
            x5c.push(MAKER.root.der().as_ref().into());
        }
    }
    let good = MAKER.good_packed();
    seeds.plant_object("with-root", &AttestationObject::new(good.fmt, Value::Map(members), good.auth_data_bytes)?)
}

fn certificates(seeds: &Seeds<'_>) -> Result<(), Failure> {
    let mut full = leaf_params();
    full.custom_extensions.extend([
        fido_extension(2, vec![4, 2, 0x12, 0x34]),
        fido_extension(5, vec![2, 3, 5, 8, 0]),
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 41482, 13, 1], vec![4, 3, 5, 4, 3]),
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 2, 1, 1], vec![3, 2, 4, 0x30]),
    ]);
    let mut authority = leaf_params();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let mut twice = leaf_params();
    twice.custom_extensions.push(model_extension(keywright_fuzz::testing::MODEL));
    seeds.plant("certificate", "root", MAKER.root.der())?;
    for (name, params) in [("leaf", &leaf_params()), ("full", &full), ("authority", &authority), ("twice", &twice)] {
        seeds.plant("certificate", name, &MAKER.leaf(params))?;
    }
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        data_encoding::BASE64.encode(MAKER.root.der())
    );
    seeds.plant("certificate", "pem", pem.as_bytes())?;
    seeds.plant("certificate_extensions", "zeros", &[0; 64])
}

/// What `metadata_blob` takes: a byte that says how the others are meant.
fn metadata(seeds: &Seeds<'_>) -> Result<(), Failure> {
    let model = keywright_fuzz::testing::MODEL.to_string();
    let mut full = entry(&model, "Key", "FIDO_CERTIFIED_L2", &[MAKER.root.der(), &MAKER.leaf(&leaf_params())]);
    full["metadataStatement"]["authenticatorVersion"] = 329_728.into();
    full["metadataStatement"]["keyProtection"] = serde_json::json!(["hardware", "secure_element"]);
    full["statusReports"][0]["certificateNumber"] = "FIDO20020180918001".into();
    let u2f = serde_json::json!({
        "attestationCertificateKeyIdentifiers": ["923881fe2f214ee465484371aeb72e97f5a58e0a"],
        "metadataStatement": {"description": "U2F key", "attestationRootCertificates": []},
        "statusReports": [{"status": "REVOKED", "certificate": "00", "url": "https://example.org"}],
        "timeOfLastStatusChange": "2026-01-01",
    });
    let uaf = serde_json::json!({"aaid": "4e4e#4005", "statusReports": [], "timeOfLastStatusChange": "2026-01-01"});
    let entries = serde_json::json!([full, u2f, uaf, {}, 7]);
    let document = payload(7, entries.clone());
    seeds.plant("metadata_blob", "blob", &[vec![0], MetadataService::new().sign(&document)].concat())?;
    seeds.plant("metadata_blob", "changes", &[1, 0, 9, b'x', 3, 0, b'.'])?;
    seeds.plant("metadata_blob", "payload", &[&[2], document.to_string().as_bytes()].concat())?;
    seeds.plant("metadata_blob", "entries", &[&[3], entries.to_string().as_bytes()].concat())
}

/// Acts of `pretending`: INIT is answered, then a request of 32 bytes, a PING of as many and a WINK; and how that goes wrong.
fn reports(seeds: &Seeds<'_>) -> Result<(), Failure> {
    let granted: &[u8] = &[2, 9, 0x11, 0x22, 0x33, 0x44, 2, 5, 7, 1, 0x05];
    let answered: &[u8] = &[3, 0x10, 1, 0];
    let echoed: &[u8] = &[3, 0x01, 1, 0x5a];
    let winked: &[u8] = &[3, 0x08, 0, 0];
    let keepalive: &[u8] = &[0, 4, 0xbb, 0, 1, 2];
    let busy: &[u8] = &[0, 4, 0xbf, 0, 1, 6];
    let foreign: &[u8] = &[1, 8, 0x55, 0x66, 0x77, 0x88, 0x90, 0, 1, 0];
    let long: &[u8] = &[3, 0x10, 200, 7];
    let endless: &[u8] = &[5, 4, 0xbb, 0, 1, 2];
    let silence: &[u8] = &[4, 200];
    for (name, acts) in [
        ("good", vec![granted, answered, echoed, winked, long]),
        ("keepalives", vec![granted, keepalive, silence, keepalive, answered, foreign, echoed, keepalive, winked]),
        ("busy", vec![granted, busy, answered, busy, silence, busy, granted, echoed]),
        ("endless", vec![granted, endless]),
        ("out-of-sequence", vec![granted, &[0, 3, 0x90, 1, 0], &[0, 1, 0], &[0, 1, 2], granted, answered]),
        ("pulled", vec![granted, answered, &[6]]),
        ("nobody", vec![foreign, silence]),
    ] {
        seeds.plant("hid_channel", name, &[&[32, 0][..], &acts.concat()].concat())?;
        seeds.plant("hid_frames", name, &acts.concat())?;
    }
    Ok(())
}

/// What a soft key answers to each command.
fn soft_key(seeds: &Seeds<'_>) -> Result<(), Failure> {
    let rack = Rack::in_memory(1)?;
    let tape = Tape::default();
    let pipe = Recorded { pipe: rack.key(0).open()?, tape: tape.clone(), assembly: None };
    let mut key = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default())?;
    seeds.plant("get_info", "new", &tape.take()[0])?;

    let pin = Pin::new("k7mw4xrt")?;
    key.set_pin(&pin)?;
    seeds.plant("client_pin", "set", &tape.script())?;
    key.refresh_info()?;
    seeds.plant("get_info", "with-pin", &tape.take()[0])?;
    key.pin_retries()?;
    seeds.plant("client_pin", "retries", &tape.script())?;

    let mut ids: Vec<CredentialId> = Vec::new();
    for number in 1..=3 {
        let token = key.pin_uv_auth_token(&pin, Permissions::MAKE_CREDENTIAL, Some(&rp_id()))?;
        seeds.plant("client_pin", "token", &tape.script())?;
        let request = MakeCredential {
            resident_key: true,
            min_pin_length: number == 2,
            hmac_secret: number == 3,
            ..MakeCredential::new(
                [0x5a; 32],
                RelyingParty { id: rp_id(), name: "Example".into() },
                UserEntity {
                    id: UserHandle::new([number])?,
                    name: format!("user{number}"),
                    display_name: "Somebody".into(),
                },
                vec![CoseAlgorithm::ES256],
            )
        };
        let made = key.make_credential(&request, Some(&token), &mut |_| {})?.attestation_object;
        seeds.plant("make_credential", &format!("soft-{number}"), &tape.take()[0])?;
        seeds.plant_object(&format!("soft-{number}"), &made)?;
        ids.extend(made.auth_data.attested_credential_data.map(|credential| credential.credential_id));
    }

    let mut request =
        GetAssertion { rp_id: rp_id(), client_data_hash: [0x5a; 32], allow_list: Vec::new(), user_presence: true };
    for (name, allow_list) in [("resident", Vec::new()), ("listed", ids[..1].to_vec())] {
        request.allow_list = allow_list;
        let token = key.pin_uv_auth_token(&pin, Permissions::GET_ASSERTION, Some(&rp_id()))?;
        tape.take();
        key.get_assertions(&request, Some(&token), &mut |_| {})?;
        seeds.plant("get_assertion", name, &[vec![0], tape.script()].concat())?;
    }

    let token = key.pin_uv_auth_token(&pin, Permissions::CREDENTIAL_MANAGEMENT, None)?;
    tape.take();
    key.credentials_metadata(&token)?;
    seeds.plant("credential_management", "metadata", &tape.script())?;
    key.enumerate_rps(&token)?;
    seeds.plant("credential_management", "rps", &tape.script())?;
    key.enumerate_credentials(&token, &rp_id().hash())?;
    let credentials = tape.take();
    seeds.plant("cbor", "credential", &credentials[0][1..])?;
    seeds.plant("credential_management", "credentials", &script(credentials.iter().map(Vec::as_slice)))?;
    cbor::decode(&credentials[0][1..])?;
    Ok(())
}

/// The answers to CBOR requests, in order.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<Vec<u8>>>>);

impl Tape {
    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.lock().expect("nobody panics while holding it"))
    }

    fn script(&self) -> Vec<u8> {
        script(self.take().iter().map(Vec::as_slice))
    }
}

/// A soft key's pipe with somebody listening.
struct Recorded {
    pipe: SoftPipe,
    tape: Tape,
    assembly: Option<(ChannelId, Assembly)>,
}

impl Pipe for Recorded {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        self.pipe.write(report)
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        let report = self.pipe.read(timeout)?;
        if let Some(report) = &report {
            let channel = Packet::parse(report).channel();
            let (on, assembly) = self.assembly.get_or_insert_with(|| (channel, Assembly::new(channel)));
            if *on != channel {
                (*on, *assembly) = (channel, Assembly::new(channel));
            }
            if let Ok(Progress::Whole(message)) = assembly.push(report)
                && message.command == Command::Cbor
            {
                self.tape.0.lock().expect("nobody panics while holding it").push(message.data);
            }
        }
        Ok(report)
    }
}
