//! A key of the ledger as an auditor lists it: a row with everything that a sample is checked against.
//!
//! It says what the ledger and today's judge say, and decides nothing. What is out of service keeps its row and never reads as
//! accepted.

use serde::Serialize;

use super::export;
use super::ledger::{Assessment, CredentialAudit, LedgerAudit};
use crate::ledger::{Unavailable, WitnessResult};
use crate::register::CredentialState;

/// A key. Moments are RFC 3339; an empty text is something that is not known or does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyRecord {
    /// The login.
    pub account: String,
    /// The IdP, as the settings call it.
    pub directory: String,
    /// The person's name.
    pub person: String,
    /// The profile of the account.
    pub profile: String,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The key's own number, `K-0042`.
    pub number: String,
    /// What it is called.
    pub label: String,
    /// Where it is kept.
    pub place: String,
    /// The model's name, as its attestation or product tells it.
    pub model: String,
    /// The model.
    pub aaguid: String,
    /// The serial number.
    pub serial: String,
    /// The firmware.
    pub firmware: String,
    /// FIDO's certification.
    pub certification: String,
    /// What became of the credential.
    pub state: CredentialState,
    /// When it was made.
    pub enrolled: String,
    /// When it last signed as it should.
    pub proved: String,
    /// What saw its first signature.
    pub proved_by: String,
    /// When it was last taken out and tried.
    pub drilled: String,
    /// Who ran the batch.
    pub operator: String,
    /// The request that it rests on.
    pub ticket: String,
    /// Why.
    pub reason: String,
    /// What the profile of today says of it, in words for whoever decides.
    pub verdict: String,
    /// Why, a sentence each.
    pub because: Vec<String>,
    /// Its file in an export.
    pub evidence: String,
    /// The credential, which tells rows apart.
    pub credential_id: String,
    /// What its signatures are made by.
    pub algorithm: String,
    /// The minimum PIN length that the key signed when it made the credential.
    pub signed_pin_minimum: String,
}

impl KeyRecord {
    /// The headings of [`KeyRecord::cells`].
    pub const HEADING: [&'static str; 27] = [
        "account",
        "directory",
        "person",
        "profile",
        "key",
        "number",
        "label",
        "place",
        "model",
        "AAGUID",
        "serial",
        "firmware",
        "certification",
        "state",
        "enrolled",
        "last proved",
        "proved by",
        "last drill",
        "operator",
        "ticket",
        "reason",
        "verdict",
        "because",
        "evidence file",
        "credential id",
        "algorithm",
        "signed PIN minimum",
    ];

    /// Every key of an audit, in its order.
    pub fn all(audit: &LedgerAudit<'_>) -> Vec<Self> {
        audit.credentials.iter().map(Self::new).collect()
    }

    fn new(one: &CredentialAudit<'_>) -> Self {
        let (credential, account, verdict) = (one.credential, one.account, one.verdict.as_ref());
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            account: account.login.clone(),
            directory: credential.account.directory.clone(),
            person: account.person.display_name().to_owned(),
            profile: account.profile.name.to_string(),
            ordinal: credential.ordinal,
            number: credential.number.map(|number| number.to_string()).unwrap_or_default(),
            label: text(credential.label()),
            place: text(credential.kept.place.as_deref().or(account.person.storage.as_deref())),
            model: verdict.and_then(|verdict| verdict.model.clone()).unwrap_or_else(|| credential.key.product.clone()),
            aaguid: credential.key.aaguid.to_string(),
            serial: text(credential.serial()),
            firmware: verdict.and_then(|verdict| verdict.firmware).map(|found| found.to_string()).unwrap_or_default(),
            certification: verdict
                .and_then(|verdict| verdict.certification)
                .map(|level| level.to_string())
                .unwrap_or_default(),
            state: credential.state,
            enrolled: credential.made.clone(),
            proved: text(credential.proved.as_deref()),
            proved_by: proved_by(one),
            drilled: text(credential.drilled.as_deref()),
            operator: account.operator.as_ref().map(ToString::to_string).unwrap_or_default(),
            ticket: text(account.person.ticket.as_deref()),
            reason: text(account.person.reason.as_deref()),
            verdict: verdict_in_words(one.standing, credential.state).to_owned(),
            because: one.reasons(),
            evidence: export::file_name(one.id),
            credential_id: one.id.to_string(),
            algorithm: one.algorithm.map(|algorithm| algorithm.to_string()).unwrap_or_default(),
            signed_pin_minimum: one.signed_pin_minimum.map(|minimum| minimum.to_string()).unwrap_or_default(),
        }
    }

    /// A cell for each heading.
    pub fn cells(&self) -> [String; 27] {
        let Self {
            account,
            directory,
            person,
            profile,
            ordinal,
            number,
            label,
            place,
            model,
            aaguid,
            serial,
            firmware,
            certification,
            state,
            enrolled,
            proved,
            proved_by,
            drilled,
            operator,
            ticket,
            reason,
            verdict,
            because,
            evidence,
            credential_id,
            algorithm,
            signed_pin_minimum,
        } = self.clone();
        [
            account,
            directory,
            person,
            profile,
            ordinal.to_string(),
            number,
            label,
            place,
            model,
            aaguid,
            serial,
            firmware,
            certification,
            state_in_words(state).to_owned(),
            enrolled,
            proved,
            proved_by,
            drilled,
            operator,
            ticket,
            reason,
            verdict,
            because.join(" "),
            evidence,
            credential_id,
            algorithm,
            signed_pin_minimum,
        ]
    }

    /// What it is called in a sentence.
    pub fn name(&self) -> String {
        let number = if self.number.is_empty() { String::new() } else { format!(" ({})", self.number) };
        format!("key {} of {}{number}", self.ordinal, self.account)
    }
}

/// What became of a credential, for people.
pub fn state_in_words(state: CredentialState) -> &'static str {
    match state {
        CredentialState::OnKey => "not registered",
        CredentialState::Unconfirmed => "to be confirmed",
        CredentialState::Registered => "registered",
        CredentialState::Deleted => "deleted",
        CredentialState::Erased => "erased",
        CredentialState::Revoked => "revoked",
    }
}

/// Words for a board: what is out of service meets nothing.
fn verdict_in_words(standing: Assessment, state: CredentialState) -> &'static str {
    match (state.is_in_use(), standing) {
        (false, _) => "out of service",
        (true, Assessment::Accepted) => "meets policy",
        (true, Assessment::NotJudged) => "not judged: no metadata",
        (true, Assessment::Refused) => "does not meet policy",
        (true, Assessment::Unsound) => "evidence does not fit together",
    }
}

fn proved_by(one: &CredentialAudit<'_>) -> String {
    if one.credential.proved.is_none() {
        return String::new();
    }
    match one.job.and_then(|job| job.witness_result()) {
        Some(WitnessResult::Verified { witness }) => format!("keywright and {witness}"),
        Some(WitnessResult::Unable { why: Unavailable::NotUsb }) => "keywright (not on USB)".to_owned(),
        Some(WitnessResult::Unable { .. }) | None => "keywright".to_owned(),
    }
}
