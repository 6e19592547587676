//! Writes the cases: our own vectors, and the real registrations of `../shared/data` where it is.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use keywright_attest::AttestationCertificate;
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fido::webauthn::cose::CoseKeyParameters;
use keywright_fido::webauthn::{Aaguid, RpId};
use keywright_peers::{Case, Cases, Expected, Set, vectors};
use serde_json::Value as Json;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let [_, data, out] = &std::env::args().collect::<Vec<_>>()[..] else { return Err("usage: cases DATA OUT".into()) };
    let data = Path::new(data);
    let mut cases = vectors::all();
    let mut mds = None;
    if data.join("attestations/INDEX.json").exists() {
        let blob = data.join("mds/mds3-no237.jwt");
        let anchors = Anchors::of_blob(&std::fs::read_to_string(&blob)?)?;
        let index: Vec<Json> = serde_json::from_slice(&std::fs::read(data.join("attestations/INDEX.json"))?)?;
        for entry in index.iter().filter(|entry| entry["kind"] == "real-hardware" || entry["kind"] == "real-tampered") {
            match real(data, entry, &anchors)? {
                Some(case) => cases.push(case),
                None => eprintln!("left out: {} (no client data, or no RP ID that is a domain)", entry["file"]),
            }
        }
        mds = Some(blob.to_str().ok_or("the path is not UTF-8")?.to_owned());
    } else {
        eprintln!("SKIPPED: {} is not there, so there are no real registrations", data.display());
    }
    eprintln!("{} cases", cases.len());
    Ok(std::fs::write(out, serde_json::to_vec(&Cases { mds, cases })?)?)
}

/// Anchors in base64, as metadata lists them: by AAGUID, and by attestationCertificateKeyIdentifiers.
struct Anchors(BTreeMap<String, Vec<String>>);

impl Anchors {
    /// Unverified: whether a verifier checks the BLOB is its own affair.
    fn of_blob(blob: &str) -> Result<Self, Failure> {
        let payload = blob.trim().split('.').nth(1).ok_or("the BLOB is no JWS")?;
        let payload: Json = serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes())?)?;
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in payload["entries"].as_array().ok_or("the BLOB has no entries")? {
            let roots = entry["metadataStatement"]["attestationRootCertificates"].as_array().into_iter().flatten();
            let roots = roots.filter_map(Json::as_str).map(|root| root.split_whitespace().collect::<String>());
            let identifiers = entry["attestationCertificateKeyIdentifiers"].as_array().into_iter().flatten();
            let roots: Vec<_> = roots.collect();
            for name in identifiers.chain([&entry["aaguid"]]).filter_map(Json::as_str) {
                all.entry(name.to_owned()).or_default().extend(roots.iter().cloned());
            }
        }
        Ok(Self(all))
    }
}

/// A registration of the index. `None` if it cannot be put to a relying party.
fn real(data: &Path, entry: &Json, anchors: &Anchors) -> Result<Option<Case>, Failure> {
    let file = entry["file"].as_str().ok_or("an entry has no file")?;
    let sample: Json = serde_json::from_slice(&std::fs::read(data.join("attestations").join(file))?)?;
    let (Some(client_data), Some(object)) = (sample["clientDataJSON"].as_str(), sample["attestationObject"].as_str())
    else {
        return Ok(None);
    };
    let collected: Json = serde_json::from_slice(&BASE64URL_NOPAD.decode(client_data.as_bytes())?)?;
    let encoded = object;
    // Not read as an attestation object: it may be there because it is none.
    let object = cbor::decode(&BASE64URL_NOPAD.decode(encoded.as_bytes())?)?;
    let auth_data = object.get("authData").and_then(Value::as_bytes).ok_or("it has no authData")?;
    let fmt = object.get("fmt").and_then(Value::as_text).ok_or("it has no fmt")?;
    let rp_id_hash = auth_data.first_chunk().ok_or("authData is too short")?;
    let (aaguid, after) = auth_data[37..].split_first_chunk().ok_or("authData is too short")?;
    let (length, after) = after.split_first_chunk().ok_or("authData is too short")?;
    let credential_id = &after[..usize::from(u16::from_be_bytes(*length))];
    let aaguid = Aaguid(*aaguid).to_string();
    let origin = collected["origin"].as_str().unwrap_or_default();
    let Some(rp_id) = rp_id(origin, rp_id_hash) else { return Ok(None) };
    let trusted = entry["expected"]["statement"] == "valid" && entry["expected"]["mds_chain"] == "trusted";
    let id = BASE64URL_NOPAD.encode(credential_id);
    let name = if fmt == "fido-u2f" { key_identifier(&object) } else { Some(aaguid.clone()) };
    Ok(Some(Case {
        name: file.trim_end_matches(".json").to_owned(),
        set: Set::Real,
        what: entry["device"].as_str().unwrap_or_default().to_owned(),
        expected: if trusted { Expected::Accept } else { Expected::Reject },
        response: serde_json::json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": client_data,
                "attestationObject": encoded,
                "transports": [],
            },
            "clientExtensionResults": {},
        }),
        challenge: collected["challenge"].as_str().unwrap_or_default().to_owned(),
        origin: origin.to_owned(),
        rp_id,
        aaguid,
        fmt: fmt.to_owned(),
        roots: name.and_then(|name| anchors.0.get(&name).cloned()).unwrap_or_default(),
    }))
}

/// The origin's host, or a domain above it, whichever has this hash. IP addresses are no RP IDs (WebAuthn 5.1.3).
fn rp_id(origin: &str, hash: &[u8; 32]) -> Option<String> {
    let host = origin.split_once("://")?.1.split(':').next()?;
    let is_address = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let starts = std::iter::once(0).chain(host.match_indices('.').map(|(dot, _)| dot + 1));
    let mut candidates = starts.filter(|_| !is_address).filter_map(|start| host[start..].parse::<RpId>().ok());
    candidates.find(|candidate| candidate.hash() == *hash).map(|found| found.as_str().to_owned())
}

/// SHA-1 of the attestation certificate's key (RFC 5280 4.2.1.2, method 1), in hexadecimal.
fn key_identifier(object: &Value) -> Option<String> {
    let leaf = object.get("attStmt")?.get("x5c")?.as_array()?.first()?.as_bytes()?;
    let CoseKeyParameters::P256 { x, y } = AttestationCertificate::read(leaf).ok()?.key else { return None };
    let point = [&[0x04][..], &x, &y].concat();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &point);
    Some(data_encoding::HEXLOWER.encode(digest.as_ref()))
}
