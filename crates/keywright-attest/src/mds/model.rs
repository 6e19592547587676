//! One model of authenticators, as metadata describes it.

use serde::{Deserialize, Serialize};
use time::Date;
use time::macros::format_description;

use super::super::{Certification, ModelStatus, StatusReport};
use keywright_fido::webauthn::Aaguid;

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The AAGUID of a FIDO2 model.
    pub aaguid: Option<Aaguid>,
    /// Of a U2F model: SHA-1 of the attestation keys (RFC 5280 section 4.2.1.2, method 1).
    pub key_identifiers: Vec<[u8; 20]>,
    /// The name; empty if the statement cannot be read.
    pub name: String,
    /// The firmware that the description is of, as getInfo numbers it.
    pub firmware: Option<u64>,
    /// Positions of its anchors among the distinct certificates.
    pub(crate) certificates: Vec<u32>,
    /// What was reported of it, in the BLOB's order.
    pub reports: Vec<StatusReport>,
    /// The day of the last change of these, as reported.
    pub last_change: String,
    /// How it attests: `basic_full`, `attca`, ...
    pub attestation_types: Vec<String>,
    /// How keys are protected: `hardware`, `secure_element`, ...
    pub key_protection: Vec<String>,
    /// How it is reached: `external`, `wired`, `nfc`, ...
    pub attachment: Vec<String>,
}

impl Model {
    /// What tells it from the others: its AAGUID, or the first of its key identifiers in hexadecimal.
    pub fn key(&self) -> String {
        let first = || self.key_identifiers.first().map(|key| data_encoding::HEXLOWER.encode(key));
        self.aaguid.map(|aaguid| aaguid.to_string()).or_else(first).unwrap_or_default()
    }

    /// The reports that hold on a day. One whose day cannot be read always holds.
    pub fn reports_on(&self, day: Date) -> impl Iterator<Item = &StatusReport> {
        self.reports.iter().filter(move |report| date_of(report).is_none_or(|from| from <= day))
    }

    /// The highest certification that holds on a day. A model that was declared not certified later has none.
    pub fn certification_on(&self, day: Date) -> Option<Certification> {
        let mut reports: Vec<_> = self.reports_on(day).collect();
        reports.sort_by_key(|report| date_of(report));
        reports.iter().fold(None, |highest, report| match report.status {
            ModelStatus::Certified(level) => highest.max(Some(level)),
            ModelStatus::NotCertified => None,
            _ => highest,
        })
    }
}

fn date_of(report: &StatusReport) -> Option<Date> {
    Date::parse(report.effective_date.as_deref()?, format_description!("[year]-[month]-[day]")).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn model(reports: &[(&str, Option<&str>)]) -> Model {
        Model {
            aaguid: Some(Aaguid([1; 16])),
            key_identifiers: Vec::new(),
            name: "Key".into(),
            firmware: None,
            certificates: Vec::new(),
            reports: reports.iter().map(|(status, day)| report(status, *day)).collect(),
            last_change: String::new(),
            attestation_types: Vec::new(),
            key_protection: Vec::new(),
            attachment: Vec::new(),
        }
    }

    fn report(status: &str, day: Option<&str>) -> StatusReport {
        StatusReport {
            status: status.to_owned().into(),
            effective_date: day.map(str::to_owned),
            authenticator_version: None,
            certificate: None,
            url: None,
            certificate_number: None,
        }
    }

    #[test]
    fn reports_hold_from_their_day_on() {
        let model = model(&[("FIDO_CERTIFIED_L1", Some("2020-05-12")), ("REVOKED", Some("2023-12-20")), ("X", None)]);
        let words = |day| model.reports_on(day).map(|report| report.status.to_string()).collect::<Vec<_>>();
        assert_eq!(words(date!(2020 - 05 - 11)), ["X"]);
        assert_eq!(words(date!(2023 - 12 - 19)), ["FIDO_CERTIFIED_L1", "X"]);
        assert_eq!(words(date!(2023 - 12 - 20)), ["FIDO_CERTIFIED_L1", "REVOKED", "X"]);
    }

    #[test]
    fn the_highest_certification_counts_until_it_is_withdrawn() {
        let day = date!(2026 - 01 - 01);
        let levels = [("FIDO_CERTIFIED_L2", Some("2024-01-01")), ("FIDO_CERTIFIED", Some("2025-01-01"))];
        assert_eq!(model(&levels).certification_on(day), Some(Certification::L2));
        assert_eq!(model(&levels).certification_on(date!(2023 - 01 - 01)), None);
        let withdrawn = [levels[0], ("NOT_FIDO_CERTIFIED", Some("2025-06-01"))];
        assert_eq!(model(&withdrawn).certification_on(day), None);
        let earned = [("FIDO_CERTIFIED_L1", Some("2025-06-01")), ("NOT_FIDO_CERTIFIED", Some("2024-06-01"))];
        assert_eq!(model(&earned).certification_on(day), Some(Certification::L1));
    }
}
