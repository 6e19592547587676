//! What an audit found: each finding is about something, weighs something, says what is the matter and what to do next.

use std::fmt;

use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use crate::ledger::{AccountId, JobId, LedgerError, Step};
use keywright_attest::Certification;
use keywright_attest::{Advice, Exposure, Refusal};
use keywright_fido::webauthn::CredentialId;

/// How soon somebody has to do something, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A key, an account or the ledger cannot be relied on until this is done.
    Critical,
    /// To be done.
    Warning,
    /// Worth knowing; nothing has to be done.
    Notice,
}

/// What kind of question a finding answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Is the log as it was written?
    Ledger,
    /// Is a key what its profile demands, and what it claimed to be?
    Attestation,
    /// Has everybody the keys they need, registered and working?
    People,
    /// Was there enough to judge by?
    Means,
}

/// What a finding is about; as much as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The account.
    pub account: Option<AccountId>,
    /// Which of the account's keys.
    pub ordinal: Option<usize>,
    /// The credential.
    pub credential_id: Option<CredentialId>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// What is the matter.
    pub matter: FindingKind,
}

/// What can be the matter. Displayed, one sentence or more.
#[derive(Debug, Clone, PartialEq)]
pub enum FindingKind {
    /// The log is not as it was written; what comes after the break is not looked at.
    ChainBroken(LedgerError),
    /// Certificates could not be followed anywhere.
    NoAnchors(usize),
    /// No metadata at all.
    NoMetadata(usize),
    /// Metadata past its date.
    MetadataOverdue {
        /// Its number.
        no: u64,
        /// The day by which there was a newer one.
        next_update: Date,
    },
    /// Metadata that nobody signed.
    MetadataUnsigned(u64),
    /// Metadata that is signed, and not by FIDO.
    MetadataOfAnother {
        /// Its number.
        no: u64,
        /// SHA-256 of the root that it is signed under, in hexadecimal.
        root: String,
    },

    /// What the ledger keeps of a registration does not fit together.
    Unsound(String),
    /// The kept proof's signature does not verify.
    ProofInvalid,
    /// Nothing says that the attestation was ever judged.
    NeverJudged,
    /// The profile does not take it.
    Refused {
        /// Which demand is not fulfilled.
        refusal: Refusal,
        /// Whether today's profile would have taken it with what was known at enrolment.
        accepted_then: bool,
    },
    /// Valid when it was enrolled, out of date since.
    CertificateExpired,
    /// A weakness.
    Advisory {
        /// The advisory.
        advice: Advice,
        /// Whether it was not known at enrolment.
        new: bool,
    },
    /// The maker mended something in newer firmware (UPDATE_AVAILABLE).
    UpdateAvailable {
        /// The day it holds from, as reported.
        from: Option<String>,
        /// Whether it was not known at enrolment.
        new: bool,
    },
    /// The model lost a certification.
    CertificationLowered {
        /// At enrolment.
        then: Certification,
        /// Today.
        now: Option<Certification>,
    },

    /// At the IdP, and never seen to sign.
    NeverProved,
    /// The last try failed.
    LastTryFailed(String),
    /// On a key, and nobody at the IdP knows it.
    NotRegistered,
    /// Handed out to be registered by hand, and nobody said that it was.
    Unconfirmed,
    /// No longer at the IdP.
    Revoked,
    /// The key with this serial number was enrolled again.
    EnrolledAgain {
        /// The serial number.
        serial: String,
        /// As which key of whom.
        newer: String,
    },
    /// It is out of service, and the IdP still has it: why it is out.
    StillRegistered(String),
    /// Another key in service shows the same USB serial number.
    SerialShared {
        /// The serial number.
        serial: String,
        /// Which key of whom the other is.
        other: String,
    },
    /// The account has too few keys.
    TooFewKeys {
        /// Registered and seen to sign.
        proved: usize,
        /// As the profile demands.
        required: usize,
        /// Handed out to be registered by hand, and not confirmed.
        unconfirmed: usize,
    },
    /// A stored key has to be tried again.
    DrillOverdue {
        /// When it last signed, the day.
        last: String,
        /// By the profile.
        interval_days: u32,
    },
    /// A stored key that was never tried since it was enrolled.
    NeverDrilled {
        /// The day.
        enrolled: String,
        /// By the profile.
        interval_days: u32,
    },
    /// A job with something left to do.
    JobUnfinished {
        /// The job.
        job: JobId,
        /// The next step.
        step: Step,
        /// Why it failed there.
        failure: Option<String>,
    },
    /// A key with a PIN that nobody knows.
    PinLost(JobId),
    /// A job that will not be finished.
    JobGivenUp(JobId),
    /// One person is two accounts in the log; the login of the one that counts.
    SamePerson(String),
    /// Weaker ways in.
    SharedHandle(String),
    /// Others.
    OtherMethods(Vec<String>),
    /// Something that a person was told to do.
    Attention(String),
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChainBroken(error) => write!(f, "{error}."),
            Self::NoAnchors(number) => write!(
                f,
                "{} could not be followed to a trusted root today: there is neither metadata nor a root to judge by.",
                count(*number, "attestation")
            ),
            Self::NoMetadata(number) => {
                write!(f, "{} judged without FIDO metadata: statuses and certifications are not known.", were(*number))
            }
            Self::MetadataOverdue { no, next_update } => {
                write!(f, "FIDO metadata number {no} is overdue: the next was due on {next_update}.")
            }
            Self::MetadataUnsigned(no) => {
                write!(f, "FIDO metadata number {no} is not signed: anybody who had the file could have changed it.")
            }
            Self::MetadataOfAnother { no, root } => {
                write!(f, "Metadata number {no} is not FIDO's: it is signed under the root with the SHA-256 {root}.")
            }
            Self::Unsound(why) => write!(f, "The stored registration is damaged: {why}."),
            Self::ProofInvalid => f.write_str(
                "The stored proof does not verify with the credential's public key.",
            ),
            Self::NeverJudged => f.write_str("It was registered without a verdict on its attestation."),
            Self::Refused { refusal, accepted_then: true } => {
                write!(f, "{refusal} With what was known at enrolment, the profile of today would have taken it.")
            }
            Self::Refused { refusal, accepted_then: false } => {
                write!(f, "{refusal} That was so at enrolment: the profile asks for more now.")
            }
            Self::CertificateExpired => {
                f.write_str("Its attestation certificate has expired since enrolment; it was valid then.")
            }
            Self::Advisory { advice, new } => {
                let exposure = match advice.exposure {
                    Exposure::Affected => "This key's firmware has it.",
                    Exposure::Presumed => {
                        "This key's firmware is not told, but its certificate is old enough to have it."
                    }
                    Exposure::Unknown => "Whether this key has it is not known.",
                };
                let Advice { id, summary, .. } = advice;
                write!(f, "{id}: {summary} {exposure}{}", if *new { " It was not known at enrolment." } else { "" })
            }
            Self::UpdateAvailable { from, new } => {
                f.write_str("FIDO metadata reports newer firmware for this model")?;
                if let Some(from) = from {
                    write!(f, ", since {from}")?;
                }
                f.write_str(if *new { ". At enrolment it did not." } else { "." })
            }
            Self::CertificationLowered { then, now: Some(now) } => {
                write!(f, "The model was certified {then} when the key was enrolled, and is certified {now} now.")
            }
            Self::CertificationLowered { then, now: None } => {
                write!(f, "The model was certified {then} when the key was enrolled, and is no longer certified.")
            }
            Self::NeverProved => f.write_str("It is registered, but was never seen to sign in."),
            Self::LastTryFailed(when) => write!(f, "It failed when it was last tried, on {when}."),
            Self::Unconfirmed => f.write_str(
                "It is to be registered by hand at an identity provider without an API, and no drill has confirmed that it was.",
            ),
            Self::NotRegistered => f.write_str("A credential is on the key and not at the identity provider."),
            Self::Revoked => f.write_str("It was revoked: the identity provider no longer accepts it."),
            Self::EnrolledAgain { serial, newer } => write!(
                f,
                "The key with its serial number ({serial}) was enrolled again, as {newer}: it was reset in between, and no longer signs in here."
            ),
            Self::StillRegistered(why) => {
                write!(f, "It is {why}, and the identity provider still has it: with it somebody may sign in.")
            }
            Self::SerialShared { serial, other } => write!(
                f,
                "Its USB serial number ({serial}) is that of {other}, too: one key that was reset, or a maker that gives several keys one number."
            ),
            Self::TooFewKeys { proved: 0, required, .. } => {
                write!(f, "None of {required} proved keys: nobody can sign in to this account with a key.")
            }
            Self::TooFewKeys { proved: 1, required, .. } => {
                write!(f, "1 of {required} proved keys: losing that one locks its owner out.")
            }
            Self::TooFewKeys { proved, required, .. } => write!(f, "{proved} of {required} proved keys."),
            Self::DrillOverdue { last, interval_days } => {
                write!(f, "It was last tried on {last}, and is to be tried every {interval_days} days.")
            }
            Self::NeverDrilled { enrolled, interval_days } => {
                write!(
                    f,
                    "It was never tried since it was enrolled on {enrolled}, and is to be tried every {interval_days} days."
                )
            }
            Self::JobUnfinished { job, step, failure: None } => {
                write!(f, "{job} is not finished; next step: {step}.")
            }
            Self::JobUnfinished { job, step, failure: Some(why) } => {
                write!(f, "{job} is not finished: {step} failed ({why}).")
            }
            Self::PinLost(job) => write!(
                f,
                "The PIN of the key of {job} is lost: its sealed copy is gone, and nothing says that it was handed over."
            ),
            Self::JobGivenUp(job) => write!(f, "{job} was given up."),
            Self::SharedHandle(others) => {
                write!(f, "The IdP gave it the user handle of {others}: a key of either signs in as one of them.")
            }
            Self::SamePerson(other) => write!(f, "This is the same person as {other}, whose account is the one that counts."),
            Self::OtherMethods(methods) => {
                write!(f, "The account can also be signed in to without a key: {}.", methods.join(", "))
            }
            Self::Attention(what) => write!(f, "A person was asked to act: {what}"),
        }
    }
}

impl FindingKind {
    /// Its name for machines; never changed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ChainBroken(_) => "chain-broken",
            Self::NoAnchors(_) => "no-anchors",
            Self::NoMetadata(_) => "no-metadata",
            Self::MetadataOverdue { .. } => "metadata-overdue",
            Self::MetadataUnsigned(_) => "metadata-unsigned",
            Self::MetadataOfAnother { .. } => "metadata-of-another",
            Self::Unsound(_) => "registration-unsound",
            Self::ProofInvalid => "proof-invalid",
            Self::NeverJudged => "never-judged",
            Self::Refused { .. } => "refused",
            Self::CertificateExpired => "certificate-expired",
            Self::Advisory { .. } => "advisory",
            Self::UpdateAvailable { .. } => "update-available",
            Self::CertificationLowered { .. } => "certification-lowered",
            Self::NeverProved => "never-proved",
            Self::LastTryFailed(_) => "last-try-failed",
            Self::NotRegistered => "not-registered",
            Self::Unconfirmed => "unconfirmed",
            Self::Revoked => "revoked",
            Self::EnrolledAgain { .. } => "enrolled-again",
            Self::StillRegistered(_) => "still-registered",
            Self::SerialShared { .. } => "serial-shared",
            Self::TooFewKeys { .. } => "too-few-keys",
            Self::DrillOverdue { .. } => "drill-overdue",
            Self::NeverDrilled { .. } => "never-drilled",
            Self::JobUnfinished { .. } => "job-unfinished",
            Self::PinLost(_) => "pin-lost",
            Self::JobGivenUp(_) => "job-given-up",
            Self::SamePerson(_) => "same-person",
            Self::SharedHandle(_) => "shared-handle",
            Self::OtherMethods(_) => "other-methods",
            Self::Attention(_) => "attention",
        }
    }

    /// A heading over several of its kind.
    pub fn title(&self) -> &'static str {
        match self {
            Self::ChainBroken(_) => "The ledger was changed",
            Self::NoAnchors(_) => "No roots to judge by",
            Self::NoMetadata(_) => "Judged without FIDO metadata",
            Self::MetadataOverdue { .. } => "Old FIDO metadata",
            Self::MetadataUnsigned(_) => "Unsigned FIDO metadata",
            Self::MetadataOfAnother { .. } => "Metadata that is not FIDO's",
            Self::Unsound(_) => "Damaged evidence",
            Self::ProofInvalid => "Proof that does not verify",
            Self::NeverJudged => "Registered without a verdict",
            Self::Refused { .. } => "Not what the profile demands",
            Self::CertificateExpired => "Certificates out of date since enrolment",
            Self::Advisory { .. } => "Known weaknesses",
            Self::UpdateAvailable { .. } => "Newer firmware",
            Self::CertificationLowered { .. } => "Certification lowered",
            Self::NeverProved => "Never tested",
            Self::LastTryFailed(_) => "Failed when last tried",
            Self::NotRegistered => "Not at the identity provider",
            Self::Unconfirmed => "Registration by hand not confirmed",
            Self::Revoked => "Revoked",
            Self::EnrolledAgain { .. } => "One key that counts as two",
            Self::StillRegistered(_) => "Out of service, and still registered",
            Self::SerialShared { .. } => "One serial number on several keys",
            Self::TooFewKeys { proved: 0, .. } => "Accounts without a key",
            Self::TooFewKeys { .. } => "Accounts with too few keys",
            Self::DrillOverdue { .. } | Self::NeverDrilled { .. } => "Drills overdue",
            Self::JobUnfinished { .. } => "Keys not finished",
            Self::PinLost(_) => "PINs that nobody knows",
            Self::JobGivenUp(_) => "Given up",
            Self::SamePerson(_) => "One person, two accounts",
            Self::SharedHandle(_) => "Two people, one user handle",
            Self::OtherMethods(_) => "Weaker ways to sign in",
            Self::Attention(_) => "Left for a person to do",
        }
    }

    /// How soon somebody has to do something.
    pub fn severity(&self) -> Severity {
        match self {
            Self::ChainBroken(_)
            | Self::Unsound(_)
            | Self::ProofInvalid
            | Self::PinLost(_)
            | Self::NeverJudged
            | Self::Refused { .. }
            | Self::NeverProved
            | Self::LastTryFailed(_)
            | Self::NotRegistered
            | Self::EnrolledAgain { .. }
            | Self::StillRegistered(_)
            | Self::SharedHandle(_)
            | Self::TooFewKeys { proved: 0, .. } => Severity::Critical,
            Self::Advisory { advice, .. } => match advice.exposure {
                Exposure::Affected | Exposure::Presumed => Severity::Warning,
                Exposure::Unknown => Severity::Notice,
            },
            Self::NoAnchors(_)
            | Self::MetadataOverdue { .. }
            | Self::MetadataUnsigned(_)
            | Self::MetadataOfAnother { .. }
            | Self::UpdateAvailable { .. }
            | Self::CertificationLowered { .. }
            | Self::Unconfirmed
            | Self::SerialShared { .. }
            | Self::SamePerson(_)
            | Self::TooFewKeys { .. }
            | Self::DrillOverdue { .. }
            | Self::NeverDrilled { .. }
            | Self::JobUnfinished { .. } => Severity::Warning,
            Self::NoMetadata(_)
            | Self::CertificateExpired
            | Self::Revoked
            | Self::JobGivenUp(_)
            | Self::OtherMethods(_)
            | Self::Attention(_) => Severity::Notice,
        }
    }

    /// What kind of question it answers.
    pub fn area(&self) -> Area {
        match self {
            Self::ChainBroken(_) => Area::Ledger,
            Self::NoAnchors(_)
            | Self::NoMetadata(_)
            | Self::MetadataOverdue { .. }
            | Self::MetadataUnsigned(_)
            | Self::MetadataOfAnother { .. } => Area::Means,
            Self::Unsound(_)
            | Self::ProofInvalid
            | Self::NeverJudged
            | Self::Refused { .. }
            | Self::CertificateExpired
            | Self::Advisory { .. }
            | Self::UpdateAvailable { .. }
            | Self::CertificationLowered { .. } => Area::Attestation,
            Self::NeverProved
            | Self::LastTryFailed(_)
            | Self::NotRegistered
            | Self::Unconfirmed
            | Self::Revoked
            | Self::EnrolledAgain { .. }
            | Self::StillRegistered(_)
            | Self::SerialShared { .. }
            | Self::SamePerson(_)
            | Self::SharedHandle(_)
            | Self::TooFewKeys { .. }
            | Self::DrillOverdue { .. }
            | Self::NeverDrilled { .. }
            | Self::JobUnfinished { .. }
            | Self::PinLost(_)
            | Self::JobGivenUp(_)
            | Self::OtherMethods(_)
            | Self::Attention(_) => Area::People,
        }
    }

    /// What to do about it, in one sentence.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::ChainBroken(_) => {
                "Keep this file as it is, and compare it with the last export and the head that was kept elsewhere."
            }
            Self::NoAnchors(_) => {
                "Name FIDO metadata with --mds or the maker's certificates with --root, and audit again."
            }
            Self::NoMetadata(_) => "'keywright mds update' fetches it for all commands; --mds names a file.",
            Self::MetadataOverdue { .. } => "Run 'keywright mds update' and audit again.",
            Self::MetadataUnsigned(_) => "Use the signed BLOB from FIDO.",
            Self::MetadataOfAnother { .. } => {
                "Make sure that this root is the one that you meant; 'keywright mds update' fetches FIDO's own."
            }
            Self::Unsound(_) | Self::ProofInvalid => {
                "Compare this credential with an earlier export; if it differs there, treat the ledger as tampered with."
            }
            Self::NeverJudged => "Find out who registered it; revoke the key and enrol another if nobody can say.",
            Self::Refused { refusal: Refusal::Chain(_), accepted_then: true } => {
                "If it was enrolled by a root of its own, name that root with --root; if the root is not trusted any more, replace the key."
            }
            Self::Refused { accepted_then: true, .. } => "Replace the key: enrol another, then revoke this one.",
            Self::Refused { accepted_then: false, .. } => {
                "Replace the key, or allow it in the profile if the rules were not meant for keys already in use."
            }
            Self::CertificateExpired => "Nothing: what counts is that it was valid at enrolment.",
            Self::Advisory { .. } => {
                "Read the advisory, and decide whether these accounts need a key without the weakness."
            }
            Self::UpdateAvailable { .. } => {
                "Read what the maker says; most keys cannot be updated and have to be replaced."
            }
            Self::CertificationLowered { .. } => "Decide whether the model is still good enough for these accounts.",
            Self::NeverProved => "Let its owner sign in with it while you watch, or revoke it and enrol again.",
            Self::LastTryFailed(_) => "Try it again; if it fails again, revoke it and enrol another.",
            Self::NotRegistered => "Delete the credential from the key, or reset the key, and enrol it again.",
            Self::Unconfirmed => "Register it there, sign in with it, and run 'keywright drill ACCOUNT'.",
            Self::Revoked => "Nothing, if the key was lost; a key that was found again should be reset.",
            Self::EnrolledAgain { .. } => "Revoke it, and enrol another key in its place.",
            Self::StillRegistered(_) => {
                "Revoke it: 'keywright revoke ACCOUNT --key N'; where that was begun, 'keywright resume' ends it."
            }
            Self::SerialShared { .. } => {
                "Look at both with 'keywright key identify'; revoke one that is no longer there."
            }
            Self::TooFewKeys { proved, required, unconfirmed } if proved + unconfirmed >= *required => {
                "Confirm the keys that were handed out: keywright drill ACCOUNT."
            }
            Self::TooFewKeys { .. } => "Enrol another key: keywright enroll ACCOUNT.",
            Self::DrillOverdue { .. } | Self::NeverDrilled { .. } => {
                "Take the key from its place, run 'keywright drill ACCOUNT', and put it back."
            }
            Self::JobUnfinished { .. } => {
                "Plug the key in and run 'keywright resume', or give the key up with 'keywright revoke'."
            }
            Self::PinLost(_) => {
                "Replace this key: 'keywright revoke ACCOUNT --key N', then 'keywright enroll ACCOUNT'."
            }
            Self::JobGivenUp(_) => "Nothing, if the account has its keys.",
            Self::SharedHandle(_) => {
                "Find out at the IdP whose handle it is; revoke the other account's keys and enrol new ones."
            }
            Self::SamePerson(_) => "Revoke the keys that are too many: 'keywright revoke ACCOUNT --key N'.",
            Self::OtherMethods(_) => "Switch them off at the identity provider, or write down why they stay.",
            Self::Attention(_) => "Check that this was done; the ledger cannot tell.",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        })
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ledger => "ledger",
            Self::Attestation => "attestation",
            Self::People => "people",
            Self::Means => "means",
        })
    }
}

fn were(keys: usize) -> String {
    if keys == 1 { "1 key was".into() } else { format!("{keys} keys were") }
}

fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// The day of an RFC 3339 time; the text itself if it is none.
pub(super) fn day(time: &str) -> String {
    OffsetDateTime::parse(time, &Rfc3339).map_or_else(|_| time.to_owned(), |time| time.date().to_string())
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    /// Two lines of a terminal with 80 columns, beside the severity.
    const LONGEST_STEP: usize = 150;

    fn every_kind() -> Vec<FindingKind> {
        let advice = |exposure| Advice {
            id: "YSA-2024-03".into(),
            summary: "The private key can be found out by who has the key for a while.".into(),
            link: "https://www.yubico.com/support/security-advisories/ysa-2024-03/".into(),
            exposure,
        };
        vec![
            FindingKind::ChainBroken(LedgerError::Broken { seq: 7, why: "its hash does not match".into() }),
            FindingKind::NoAnchors(4),
            FindingKind::NoMetadata(1),
            FindingKind::MetadataOverdue { no: 7, next_update: date!(2026 - 08 - 01) },
            FindingKind::MetadataUnsigned(7),
            FindingKind::MetadataOfAnother { no: 7, root: "00".repeat(32) },
            FindingKind::Unsound("it has another public key".into()),
            FindingKind::ProofInvalid,
            FindingKind::NeverJudged,
            FindingKind::Refused { refusal: Refusal::NoSerial, accepted_then: true },
            FindingKind::Refused { refusal: Refusal::NoSerial, accepted_then: false },
            FindingKind::CertificateExpired,
            FindingKind::Advisory { advice: advice(Exposure::Affected), new: true },
            FindingKind::Advisory { advice: advice(Exposure::Presumed), new: false },
            FindingKind::Advisory { advice: advice(Exposure::Unknown), new: false },
            FindingKind::UpdateAvailable { from: Some("2026-01-01".into()), new: true },
            FindingKind::UpdateAvailable { from: None, new: false },
            FindingKind::CertificationLowered { then: Certification::L2, now: Some(Certification::L1) },
            FindingKind::CertificationLowered { then: Certification::L2, now: None },
            FindingKind::NeverProved,
            FindingKind::LastTryFailed("2026-01-01".into()),
            FindingKind::NotRegistered,
            FindingKind::Unconfirmed,
            FindingKind::Revoked,
            FindingKind::EnrolledAgain { serial: "0a0b".into(), newer: "key 2 of ada".into() },
            FindingKind::StillRegistered("lost".into()),
            FindingKind::SerialShared { serial: "0A77".into(), other: "K-0002, key 1 of bo".into() },
            FindingKind::SamePerson("ada@example.org".into()),
            FindingKind::SharedHandle("ada@example.org".into()),
            FindingKind::TooFewKeys { proved: 0, required: 2, unconfirmed: 0 },
            FindingKind::TooFewKeys { proved: 1, required: 2, unconfirmed: 1 },
            FindingKind::DrillOverdue { last: "2026-01-01".into(), interval_days: 90 },
            FindingKind::NeverDrilled { enrolled: "2026-01-01".into(), interval_days: 90 },
            FindingKind::JobUnfinished { job: JobId(7), step: Step::Verify, failure: None },
            FindingKind::JobUnfinished { job: JobId(7), step: Step::Verify, failure: Some("it was removed".into()) },
            FindingKind::JobGivenUp(JobId(7)),
            FindingKind::OtherMethods(vec!["SMS".into()]),
            FindingKind::Attention("look at key 7".into()),
        ]
    }

    #[test]
    fn every_finding_is_a_sentence_with_a_next_step_in_two_lines_at_most() {
        for finding in every_kind() {
            let (message, next) = (finding.to_string(), finding.next_step());
            assert!(!message.contains('\n') && !message.contains("  "), "{message}");
            assert!(message.ends_with(['.', '7']) || message.starts_with("A person"), "{message}");
            assert!(
                next.starts_with(|char: char| char.is_uppercase() || char == '\'') && next.ends_with('.'),
                "{next}"
            );
            assert!((8..=LONGEST_STEP).contains(&next.len()), "{} letters: {next}", next.len());
            assert!(!finding.title().is_empty() && !finding.title().ends_with('.'));
        }
    }
}
