//! What the witness (`witness` room) said of a credential, as it is kept in the evidence.
//!
//! A signature that the witness refutes is no evidence but a failure of its step, so there is no word for it here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The witness's word on one credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "testimony", rename_all = "kebab-case")]
pub enum WitnessResult {
    /// The proof is a signature that the witness asked for, with touch and PIN, and that its own verifier takes.
    Verified {
        /// The witness: an implementation of CTAP2 that is not ours, and its version.
        witness: String,
    },
    /// The proof is a signature that only we asked for and verified.
    Unable {
        /// Why the witness has nothing to say.
        why: Unavailable,
    },
}

/// Why there is no testimony.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "obstacle", rename_all = "kebab-case")]
pub enum Unavailable {
    /// A key in this process: the witness knows USB only.
    NotUsb,
    /// The key was no longer the one that was plugged in.
    Removed,
    /// The witness's verifier knows ES256 and EdDSA only.
    Algorithm {
        /// The credential's COSE algorithm.
        alg: i64,
    },
    /// The witness got no assertion, or could not be started.
    Failed {
        /// The witness's or the system's own words; empty in the ledger, which keeps no other program's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
    },
    /// The witness's process ended without an answer.
    Ended {
        /// Its exit status.
        status: String,
    },
    /// The answer is about another credential or another site: perhaps another program's, which the witness cannot tell apart.
    NotOurs,
    /// The witness panicked.
    Panicked {
        /// With these words; empty in the ledger.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
    },
    /// The witness did not come to an end in time.
    Deadline {
        /// How long it had, in milliseconds.
        milliseconds: u64,
    },
    /// Somebody ended the run.
    Interrupted,
}

impl Unavailable {
    /// The same without another program's words, and those words: they are shown once and not kept.
    pub fn without_words(self) -> (Self, String) {
        match self {
            Self::Failed { words } => (Self::Failed { words: String::new() }, words),
            Self::Panicked { words } => (Self::Panicked { words: String::new() }, words),
            other => (other, String::new()),
        }
    }
}

impl fmt::Display for WitnessResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified { witness } => write!(f, "checked by {witness}"),
            Self::Unable { why } => write!(f, "not checked by the second implementation: {why}"),
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUsb => f.write_str("the key is not on USB"),
            Self::Removed => f.write_str("the key was removed"),
            Self::Algorithm { alg } => write!(f, "it cannot verify algorithm {alg}"),
            Self::Failed { words } if words.is_empty() => f.write_str("it failed"),
            Self::Panicked { words } if words.is_empty() => f.write_str("it crashed"),
            Self::Ended { status } => write!(f, "it ended without an answer ({status})"),
            Self::Failed { words } => write!(f, "{words}"),
            Self::NotOurs => f.write_str("it received an answer to another request"),
            Self::Panicked { words } => write!(f, "it crashed: {words}"),
            Self::Deadline { milliseconds } => write!(f, "it did not finish within {milliseconds} ms"),
            Self::Interrupted => f.write_str("the run was ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_evidence_has_this_form() {
        let unable = |why| WitnessResult::Unable { why };
        for (witness_result, json) in [
            (WitnessResult::Verified { witness: "w 1".into() }, r#"{"testimony":"verified","witness":"w 1"}"#),
            (unable(Unavailable::NotUsb), r#"{"testimony":"unable","why":{"obstacle":"not-usb"}}"#),
            (unable(Unavailable::NotOurs), r#"{"testimony":"unable","why":{"obstacle":"not-ours"}}"#),
            (
                unable(Unavailable::Deadline { milliseconds: 30000 }),
                r#"{"testimony":"unable","why":{"obstacle":"deadline","milliseconds":30000}}"#,
            ),
            (
                unable(Unavailable::Ended { status: "exit status: 3".into() }),
                r#"{"testimony":"unable","why":{"obstacle":"ended","status":"exit status: 3"}}"#,
            ),
            // As the ledger has it, and as it had it before other programs' words were left out.
            (
                unable(Unavailable::Failed { words: String::new() }),
                r#"{"testimony":"unable","why":{"obstacle":"failed"}}"#,
            ),
            (
                unable(Unavailable::Failed { words: "no".into() }),
                r#"{"testimony":"unable","why":{"obstacle":"failed","words":"no"}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&witness_result).unwrap(), json);
            assert_eq!(serde_json::from_str::<WitnessResult>(json).unwrap(), witness_result);
        }
    }
}
