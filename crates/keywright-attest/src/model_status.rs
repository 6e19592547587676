//! What the FIDO metadata service reports of a model (AuthenticatorStatus, FIDO Metadata Service 3.1 section 3.1.4).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Certification;

/// A status of a model. Serialised as the metadata service spells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ModelStatus {
    /// Not certified, or no longer.
    NotCertified,
    /// The vendor says that it conforms.
    SelfAssertionSubmitted,
    /// Certified by FIDO.
    Certified(Certification),
    /// PIN or fingerprint can be got round.
    UserVerificationBypass,
    /// The key that attestations are signed with is in wrong hands.
    AttestationKeyCompromise,
    /// Credentials' private keys can be had from afar.
    UserKeyRemoteCompromise,
    /// Credentials' private keys can be had by who holds the key.
    UserKeyPhysicalCompromise,
    /// There is newer firmware.
    UpdateAvailable,
    /// No longer made or supported.
    Retired,
    /// Withdrawn.
    Revoked,
    /// A word that is not known here: kept as it came.
    Other(String),
}

impl ModelStatus {
    /// Whether no new credential should be taken from such a model, whatever else is demanded.
    pub fn forbids(&self) -> bool {
        match self {
            Self::UserVerificationBypass
            | Self::AttestationKeyCompromise
            | Self::UserKeyRemoteCompromise
            | Self::UserKeyPhysicalCompromise
            | Self::Retired
            | Self::Revoked => true,
            Self::NotCertified
            | Self::SelfAssertionSubmitted
            | Self::Certified(_)
            | Self::UpdateAvailable
            | Self::Other(_) => false,
        }
    }
}

/// The words of the specification.
const WORDS: [(&str, ModelStatus); 16] = [
    ("NOT_FIDO_CERTIFIED", ModelStatus::NotCertified),
    ("SELF_ASSERTION_SUBMITTED", ModelStatus::SelfAssertionSubmitted),
    ("FIDO_CERTIFIED", ModelStatus::Certified(Certification::Functional)),
    ("FIDO_CERTIFIED_L1", ModelStatus::Certified(Certification::L1)),
    ("FIDO_CERTIFIED_L1plus", ModelStatus::Certified(Certification::L1Plus)),
    ("FIDO_CERTIFIED_L2", ModelStatus::Certified(Certification::L2)),
    ("FIDO_CERTIFIED_L2plus", ModelStatus::Certified(Certification::L2Plus)),
    ("FIDO_CERTIFIED_L3", ModelStatus::Certified(Certification::L3)),
    ("FIDO_CERTIFIED_L3plus", ModelStatus::Certified(Certification::L3Plus)),
    ("USER_VERIFICATION_BYPASS", ModelStatus::UserVerificationBypass),
    ("ATTESTATION_KEY_COMPROMISE", ModelStatus::AttestationKeyCompromise),
    ("USER_KEY_REMOTE_COMPROMISE", ModelStatus::UserKeyRemoteCompromise),
    ("USER_KEY_PHYSICAL_COMPROMISE", ModelStatus::UserKeyPhysicalCompromise),
    ("UPDATE_AVAILABLE", ModelStatus::UpdateAvailable),
    ("RETIRED", ModelStatus::Retired),
    ("REVOKED", ModelStatus::Revoked),
];

impl From<String> for ModelStatus {
    fn from(word: String) -> Self {
        match WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, status)) => status.clone(),
            None => Self::Other(word),
        }
    }
}

impl From<ModelStatus> for String {
    fn from(status: ModelStatus) -> Self {
        status.to_string()
    }
}

impl fmt::Display for ModelStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(word) => f.write_str(word),
            known => {
                let (word, _) = WORDS.iter().find(|(_, status)| status == known).ok_or(fmt::Error)?;
                f.write_str(word)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_unknown_ones_come_back_as_they_were() {
        for word in WORDS.iter().map(|(word, _)| *word).chain(["FIPS140_CERTIFIED_L3", "", "revoked"]) {
            let status = ModelStatus::from(word.to_owned());
            assert_eq!(serde_json::to_value(&status).unwrap(), word);
            assert_eq!(matches!(status, ModelStatus::Other(_)), !WORDS.iter().any(|(known, _)| *known == word));
        }
        assert!(ModelStatus::from("RETIRED".to_owned()).forbids());
        assert!(!ModelStatus::from("FIDO_CERTIFIED_L2".to_owned()).forbids());
    }
}
