//! What the witness says, as it goes into the evidence.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who the witness is.
pub const WITNESS: &str = "ctap-hid-fido2 3.6.1";

/// The witness's word on one credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "testimony", rename_all = "kebab-case")]
pub enum Testimony {
    /// It signed, with touch and PIN, and the witness's verifier agrees. With the public key, anybody can check it again.
    Verified {
        /// [`WITNESS`] as it was then.
        witness: String,
        /// Client data as hashed, base64url.
        client_data_json: String,
        /// Authenticator data as signed, base64url.
        authenticator_data: String,
        /// Base64url.
        signature: String,
    },
    /// It signed, and something is wrong with that.
    Refuted {
        /// What.
        why: Doubt,
    },
    /// The witness could not try, or did not come to an end.
    Unable {
        /// Why not.
        why: Obstacle,
    },
}

/// What is wrong with a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The verifier does not take the signature, or the RP ID in it, for this public key.
    Signature,
    /// The key does not say that it was touched.
    UserPresence,
    /// The key does not say that it verified the PIN.
    UserVerification,
}

/// Why there is no testimony.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "obstacle", rename_all = "kebab-case")]
pub enum Obstacle {
    /// A key in this process: the witness knows USB only.
    NotUsb,
    /// The key was no longer the one that was plugged in.
    Removed,
    /// The witness's verifier knows ES256 and EdDSA only.
    Algorithm {
        /// The credential's COSE algorithm.
        alg: i64,
    },
    /// The witness got no assertion.
    Failed {
        /// The witness's own words.
        words: String,
    },
    /// An answer for another credential: perhaps another program's, which the witness cannot tell apart.
    OtherCredential,
    /// The witness panicked.
    Panicked {
        /// With these words.
        words: String,
    },
    /// The witness did not come to an end in time, and was left behind.
    Deadline {
        /// How long it had, in milliseconds.
        milliseconds: u64,
    },
}

impl fmt::Display for Testimony {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified { witness, .. } => write!(f, "{witness} verified it"),
            Self::Refuted { why } => write!(f, "the witness refutes it: {why}"),
            Self::Unable { why } => write!(f, "there is no witness: {why}"),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "the signature is not this credential's for this site",
            Self::UserPresence => "the key signed without a touch",
            Self::UserVerification => "the key signed without verifying the PIN",
        })
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUsb => f.write_str("the key is not on USB"),
            Self::Removed => f.write_str("the key was removed"),
            Self::Algorithm { alg } => write!(f, "{WITNESS} cannot verify algorithm {alg}"),
            Self::Failed { words } => write!(f, "{WITNESS} says: {words}"),
            Self::OtherCredential => f.write_str("an answer for another credential came"),
            Self::Panicked { words } => write!(f, "{WITNESS} panicked: {words}"),
            Self::Deadline { milliseconds } => {
                write!(f, "{WITNESS} did not finish within {milliseconds} ms and was left behind")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_evidence_has_this_form() {
        for (testimony, json) in [
            (
                Testimony::Verified {
                    witness: "w 1".into(),
                    client_data_json: "e30".into(),
                    authenticator_data: "AA".into(),
                    signature: "MA".into(),
                },
                r#"{"testimony":"verified","witness":"w 1","client_data_json":"e30","authenticator_data":"AA","signature":"MA"}"#,
            ),
            (
                Testimony::Refuted { why: Doubt::UserVerification },
                r#"{"testimony":"refuted","why":"user-verification"}"#,
            ),
            (
                Testimony::Unable { why: Obstacle::Deadline { milliseconds: 30000 } },
                r#"{"testimony":"unable","why":{"obstacle":"deadline","milliseconds":30000}}"#,
            ),
            (Testimony::Unable { why: Obstacle::NotUsb }, r#"{"testimony":"unable","why":{"obstacle":"not-usb"}}"#),
        ] {
            assert_eq!(serde_json::to_string(&testimony).unwrap(), json);
            assert_eq!(serde_json::from_str::<Testimony>(json).unwrap(), testimony);
        }
    }

    #[test]
    fn a_witness_that_was_left_behind_is_said_to_be() {
        let why = Obstacle::Deadline { milliseconds: 30_000 };
        assert!(Testimony::Unable { why }.to_string().ends_with("was left behind"));
    }
}
