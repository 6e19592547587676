//! The BLOB's payload: JSON with an entry for each model.
//!
//! What is unknown is passed over, and so is a member of another type than it should have. An entry that cannot be read never
//! loses the others, and a statement that cannot be read never loses what was reported of its model: each is named among the
//! unreadable. A report whose status cannot be read makes its entry unreadable: it might be that the model is revoked.

use std::collections::HashMap;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use time::Date;
use time::macros::format_description;

use super::super::{Anchors, ModelStatus, StatusReport};
use super::{Contents, MdsError, Model, Unreadable};
use keywright_fido::webauthn::Aaguid;

/// MetadataBLOBPayload.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    #[serde(default, deserialize_with = "lenient")]
    legal_header: String,
    no: u64,
    next_update: String,
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

/// MetadataBLOBPayloadEntry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    aaguid: Option<String>,
    aaid: Option<String>,
    #[serde(default, deserialize_with = "lenient_list")]
    attestation_certificate_key_identifiers: Vec<String>,
    #[serde(borrow)]
    metadata_statement: Option<&'a RawValue>,
    status_reports: Vec<Report>,
    #[serde(default, deserialize_with = "lenient")]
    time_of_last_status_change: String,
}

/// StatusReport.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: ModelStatus,
    #[serde(default, deserialize_with = "lenient")]
    effective_date: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    authenticator_version: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    certificate: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    certificate_number: Option<String>,
}

/// MetadataStatement (FIDO Metadata Statement 3.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(default, deserialize_with = "lenient")]
    description: String,
    #[serde(default, deserialize_with = "lenient")]
    authenticator_version: Option<u64>,
    /// One that is no text is no certificate either.
    #[serde(default, deserialize_with = "lenient_list")]
    attestation_root_certificates: Vec<String>,
    #[serde(default, deserialize_with = "lenient_list")]
    attestation_types: Vec<String>,
    #[serde(default, deserialize_with = "lenient_list")]
    key_protection: Vec<String>,
    #[serde(default, deserialize_with = "lenient_list")]
    attachment_hint: Vec<String>,
}

/// A member that spoils only itself: of another type, it is as if it were not there.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let json = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(json.get()).unwrap_or_default())
}

/// The same for each element of a list. An odd one is empty.
fn lenient_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let json = <&RawValue>::deserialize(deserializer)?;
    let list: Vec<&RawValue> = serde_json::from_str(json.get()).unwrap_or_default();
    Ok(list.into_iter().map(|json| serde_json::from_str(json.get()).unwrap_or_default()).collect())
}

/// Reads a payload. Errors: it is not JSON, or has no number, date or entries.
pub(super) fn read(json: &[u8]) -> Result<Contents, MdsError> {
    let wrong = |error: &dyn std::fmt::Display| MdsError::Malformed(format!("its payload: {error}"));
    let payload: Payload<'_> = serde_json::from_slice(json).map_err(|error| wrong(&error))?;
    let next_update = Date::parse(&payload.next_update, format_description!("[year]-[month]-[day]"))
        .map_err(|_| wrong(&format_args!("nextUpdate is not a date: {:?}", payload.next_update)))?;
    let mut reader = Reader {
        contents: Contents {
            no: payload.no,
            next_update,
            legal_header: payload.legal_header,
            models: Vec::with_capacity(payload.entries.len()),
            certificates: Vec::new(),
            uaf: 0,
            unreadable: Vec::new(),
        },
        certificates: HashMap::new(),
        models: HashMap::new(),
    };
    for (at, entry) in payload.entries.iter().enumerate() {
        reader.entry(at, entry.get());
    }
    Ok(reader.contents)
}

/// The JSON text of the entry that has this AAGUID, as it came.
pub(super) fn entry_of<'a>(json: &'a [u8], aaguid: &str) -> Option<&'a RawValue> {
    #[derive(Deserialize)]
    struct Name {
        aaguid: Option<String>,
    }
    let payload: Payload<'a> = serde_json::from_slice(json).ok()?;
    payload
        .entries
        .into_iter()
        .find(|entry| serde_json::from_str(entry.get()).is_ok_and(|name: Name| name.aaguid.as_deref() == Some(aaguid)))
}

struct Reader {
    contents: Contents,
    /// Positions of certificates that can be anchors; of those that cannot, none.
    certificates: HashMap<Vec<u8>, Option<u32>>,
    /// Positions of models by AAGUID or key identifier.
    models: HashMap<Vec<u8>, usize>,
}

impl Reader {
    fn entry(&mut self, at: usize, json: &str) {
        let entry: Entry<'_> = match serde_json::from_str(json) {
            Ok(entry) => entry,
            Err(error) => return self.unreadable(name_of(at, json), error),
        };
        let name = entry.aaguid.clone().unwrap_or_else(|| name_of(at, json));
        let aaguid: Option<Aaguid> = match entry.aaguid.map(|text| text.parse()).transpose() {
            Ok(aaguid) => aaguid,
            Err(error) => return self.unreadable(name, error),
        };
        let identifiers = &entry.attestation_certificate_key_identifiers;
        let mut key_identifiers: Vec<[u8; 20]> = Vec::with_capacity(identifiers.len());
        for text in identifiers {
            match HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()) {
                Some(key) if key_identifiers.contains(&key) => {}
                Some(key) => key_identifiers.push(key),
                None => self.unreadable(name.clone(), format_args!("{text:?} is not a key identifier")),
            }
        }
        let keys: Vec<Vec<u8>> =
            key_identifiers.iter().map(|key| key.to_vec()).chain(aaguid.map(|aaguid| aaguid.0.to_vec())).collect();
        if keys.is_empty() {
            match entry.aaid {
                Some(_) => self.contents.uaf += 1,
                None => self.unreadable(name, "it names no model"),
            }
            return;
        }
        let reports = entry.status_reports.into_iter().map(StatusReport::from);
        if let Some(first) = keys.iter().find_map(|key| self.models.get(key)) {
            // No report is lost, whichever entry has it.
            self.contents.models[*first].reports.extend(reports);
            return self.unreadable(name, "it is listed twice; only what the second entry reports was taken");
        }
        self.models.extend(keys.into_iter().map(|key| (key, self.contents.models.len())));
        let mut model = Model {
            aaguid,
            key_identifiers,
            name: String::new(),
            firmware: None,
            certificates: Vec::new(),
            reports: reports.collect(),
            last_change: entry.time_of_last_status_change,
            attestation_types: Vec::new(),
            key_protection: Vec::new(),
            attachment: Vec::new(),
        };
        match entry.metadata_statement.map(|json| serde_json::from_str::<Statement>(json.get())) {
            Some(Ok(statement)) => {
                model.certificates = self.anchors(&name, &statement.attestation_root_certificates);
                model.name = statement.description;
                model.firmware = statement.authenticator_version;
                model.attestation_types = statement.attestation_types;
                model.key_protection = statement.key_protection;
                model.attachment = statement.attachment_hint;
            }
            Some(Err(error)) => self.unreadable(name, format_args!("its statement: {error}")),
            None => self.unreadable(name, "it has no statement"),
        }
        self.contents.models.push(model);
    }

    /// Positions of the certificates that can be anchors.
    fn anchors(&mut self, name: &str, texts: &[String]) -> Vec<u32> {
        let mut positions = Vec::with_capacity(texts.len());
        for text in texts {
            let position = match certificate(text) {
                Some(der) => self.position(der),
                None => None,
            };
            match position {
                Some(position) => positions.push(position),
                None => self.unreadable(name.to_owned(), "one of its anchors is not a certificate"),
            }
        }
        positions
    }

    fn position(&mut self, der: Vec<u8>) -> Option<u32> {
        if let Some(position) = self.certificates.get(&der) {
            return *position;
        }
        let position = Anchors::from_der(&der).ok().and_then(|_| self.contents.certificates.len().try_into().ok());
        if position.is_some() {
            self.contents.certificates.push(der.clone());
        }
        self.certificates.insert(der, position);
        position
    }

    fn unreadable(&mut self, entry: String, why: impl ToString) {
        self.contents.unreadable.push(Unreadable { entry, why: why.to_string() });
    }
}

/// A certificate in base64, in which some vendors break lines.
fn certificate(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&text).or_else(|_| BASE64_NOPAD.decode(&text)).ok()
}

/// What an entry is called that may not even be an object.
fn name_of(at: usize, json: &str) -> String {
    let entry: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let names = ["/aaguid", "/aaid", "/metadataStatement/description"];
    let name = names.iter().find_map(|pointer| entry.pointer(pointer).and_then(serde_json::Value::as_str));
    name.map_or_else(|| format!("entry {}", at + 1), str::to_owned)
}

impl From<Report> for StatusReport {
    fn from(report: Report) -> Self {
        let sha256 = |text: String| {
            // What cannot be read is the certificate of nobody, so that the report stands for every batch.
            certificate(&text).map(|der| HEXLOWER.encode(&Sha256::digest(der)))
        };
        Self {
            status: report.status,
            effective_date: report.effective_date,
            authenticator_version: report.authenticator_version,
            certificate: report.certificate.and_then(sha256),
            url: report.url,
            certificate_number: report.certificate_number,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Maker;

    const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

    fn payload(entries: &Value) -> Contents {
        let payload =
            json!({"no": 7, "nextUpdate": "2026-04-01", "legalHeader": "terms", "new": {}, "entries": entries});
        read(&serde_json::to_vec(&payload).unwrap()).unwrap()
    }

    fn entry(aaguid: &str) -> Value {
        json!({
            "aaguid": aaguid,
            "metadataStatement": {"description": "Key", "attestationRootCertificates": [], "icon": "data:"},
            "statusReports": [{"status": "FIDO_CERTIFIED", "effectiveDate": "2020-05-12", "certificationProfiles": ["x"]}],
            "timeOfLastStatusChange": "2020-05-12",
        })
    }

    fn unreadable(contents: &Contents) -> Vec<(&str, &str)> {
        contents.unreadable.iter().map(|one| (one.entry.as_str(), one.why.as_str())).collect()
    }

    #[test]
    fn unknown_members_and_statuses_do_no_harm() {
        let mut strange = entry(MODEL);
        strange["statusReports"][0]["status"] = "FIPS140_CERTIFIED_L3".into();
        strange["biometricStatusReports"] = json!([1]);
        strange["metadataStatement"]["upv"] = "not what it should be".into();
        let contents = payload(&json!([strange]));
        assert_eq!(contents.models[0].reports[0].status.to_string(), "FIPS140_CERTIFIED_L3");
        assert_eq!((contents.no, contents.legal_header.as_str(), unreadable(&contents).len()), (7, "terms", 0));
    }

    #[test]
    fn a_bad_entry_is_named_and_the_others_are_read() {
        let other = "d8522d9f-575b-4866-88a9-ba99fa02f35b";
        let without = |member: &str| {
            let mut entry = entry(other);
            entry.as_object_mut().unwrap().remove(member);
            entry
        };
        let mut no_uuid = entry("2fc0579f");
        no_uuid["statusReports"] = json!([]);
        for (bad, name, why) in [
            (json!(7), "entry 1", "invalid type"),
            (json!(null), "entry 1", "invalid type"),
            (no_uuid, "2fc0579f", "UUID"),
            (without("statusReports"), other, "missing field `statusReports`"),
            (without("aaguid"), "Key", "it names no model"),
            (json!({"aaguid": other, "statusReports": [{"status": 1}]}), other, "invalid type"),
        ] {
            let contents = payload(&json!([bad, entry(MODEL)]));
            assert_eq!(contents.models.len(), 1, "{bad}");
            let [(found, reason)] = unreadable(&contents)[..] else { panic!("{bad}") };
            assert!(found == name && reason.contains(why), "{found}: {reason}");
        }
    }

    #[test]
    fn a_bad_member_spoils_only_itself() {
        let root = BASE64.encode(Maker::new().root.der());
        let mut odd = entry(MODEL);
        odd["timeOfLastStatusChange"] = json!(20200512);
        odd["statusReports"] = json!([
            {"status": "FIDO_CERTIFIED_L2", "effectiveDate": 20200512, "authenticatorVersion": "5", "url": [], "certificate": {}},
        ]);
        odd["metadataStatement"] = json!({
            "description": 7, "authenticatorVersion": "5.7", "attestationTypes": "basic_full", "keyProtection": ["hardware", 2],
            "attachmentHint": null, "attestationRootCertificates": [root, 7],
        });
        let contents = payload(&json!([odd]));
        let model = &contents.models[0];
        assert_eq!((model.name.as_str(), model.firmware, model.certificates.len()), ("", None, 1));
        assert_eq!((model.key_protection[0].as_str(), model.attestation_types.len()), ("hardware", 0));
        assert_eq!((model.reports.len(), &model.reports[0].effective_date), (1, &None));
        assert_eq!(unreadable(&contents), [(MODEL, "one of its anchors is not a certificate")]);
    }

    #[test]
    fn a_bad_statement_does_not_hide_a_report() {
        let mut bad = entry(MODEL);
        bad["metadataStatement"] = json!("no statement");
        bad["statusReports"][0]["status"] = "REVOKED".into();
        let contents = payload(&json!([bad]));
        assert_eq!(
            (contents.models[0].name.as_str(), &contents.models[0].reports[0].status),
            ("", &ModelStatus::Revoked)
        );
        assert!(unreadable(&contents)[0].1.starts_with("its statement: "));
    }

    #[test]
    fn a_model_listed_twice_has_all_reports() {
        let mut second = entry(MODEL);
        second["statusReports"][0]["status"] = "REVOKED".into();
        second["metadataStatement"]["description"] = "Pretender".into();
        let contents = payload(&json!([entry(MODEL), second]));
        let statuses: Vec<String> = contents.models[0].reports.iter().map(|one| one.status.to_string()).collect();
        assert_eq!((contents.models.len(), contents.models[0].name.as_str()), (1, "Key"));
        assert_eq!(statuses, ["FIDO_CERTIFIED", "REVOKED"]);
        assert!(unreadable(&contents)[0].1.contains("listed twice"));
    }

    #[test]
    fn u2f_models_are_named_by_their_keys_and_uaf_is_counted() {
        let key = "2806df6c60b1656a78f97a28e168e5ec8d2937b4";
        let mut u2f = entry(MODEL);
        u2f.as_object_mut().unwrap().remove("aaguid");
        let uaf = {
            let mut uaf = u2f.clone();
            uaf["aaid"] = "4e4e#4005".into();
            uaf
        };
        u2f["attestationCertificateKeyIdentifiers"] = json!([key, key.to_uppercase(), "28"]);
        let contents = payload(&json!([u2f, uaf]));
        assert_eq!((contents.models[0].key_identifiers.len(), contents.models.len(), contents.uaf), (1, 1, 1));
        assert_eq!(unreadable(&contents), [("Key", "\"28\" is not a key identifier")]);
    }

    #[test]
    fn anchors_are_kept_once_and_with_blanks_in_them() {
        let root = BASE64.encode(Maker::new().root.der());
        let broken = format!(" {}\n\t{}\r\n", &root[..64], &root[64..]);
        let unpadded = root.trim_end_matches('=');
        let mut first = entry(MODEL);
        first["metadataStatement"]["attestationRootCertificates"] = json!([root, "MAA=", "*", broken]);
        let mut second = entry("d8522d9f-575b-4866-88a9-ba99fa02f35b");
        second["metadataStatement"]["attestationRootCertificates"] = json!([unpadded]);
        let contents = payload(&json!([first, second]));
        assert_eq!(contents.certificates.len(), 1);
        assert_eq!(
            (&contents.models[0].certificates[..], &contents.models[1].certificates[..]),
            (&[0, 0][..], &[0][..])
        );
        assert_eq!(unreadable(&contents), [(MODEL, "one of its anchors is not a certificate"); 2]);
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for (document, words) in [
            ("", "EOF"),
            ("{}", "missing field `no`"),
            (r#"{"no": 7, "nextUpdate": "2026-04-01"}"#, "missing field `entries`"),
            (r#"{"no": 7, "nextUpdate": "soon", "entries": []}"#, "nextUpdate is not a date"),
            (r#"{"no": -7, "nextUpdate": "2026-04-01", "entries": []}"#, "invalid value"),
            (r#"{"no": 7, "nextUpdate": "2026-04-01", "entries": []} x"#, "trailing characters"),
        ] {
            let error = read(document.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{document}: {error}");
        }
    }

    #[test]
    fn an_entry_is_found_as_it_came() {
        let document = json!({"no": 7, "nextUpdate": "2026-04-01", "entries": [{"aaguid": "x"}, entry(MODEL)]});
        let json = serde_json::to_vec(&document).unwrap();
        assert_eq!(entry_of(&json, MODEL).unwrap().get(), entry(MODEL).to_string());
        assert!(entry_of(&json, "y").is_none());
    }
}
