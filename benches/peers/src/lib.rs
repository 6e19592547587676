//! The cases that every verifier is given, and how long it takes for them.
//!
//! A case is a registration with what the relying party asked for, the anchors that are right for it, and the right answer. The
//! verifiers are programs of their own, in their own languages; they read the cases from one file and write a [`Report`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub mod vectors;

pub use keywright_attest::testing;

/// Where a case comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    /// A registration by a real key, from `../shared/data`.
    Real,
    /// Made here, right or with one change.
    Vector,
}

/// Whether a relying party that demands a trusted attestation may take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// It has to be taken.
    Accept,
    /// It has to be refused.
    Reject,
    /// Either will do: it proves no model, or the specifications do not say.
    Either,
}

/// One registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    /// Unique, and stable.
    pub name: String,
    /// Where it comes from.
    pub set: Set,
    /// The device, or what was changed.
    pub what: String,
    /// The right answer.
    pub expected: Expected,
    /// RegistrationResponseJSON (WebAuthn 5.1, toJSON).
    pub response: serde_json::Value,
    /// The challenge as client data has it, base64url.
    pub challenge: String,
    /// The origin.
    pub origin: String,
    /// The RP ID.
    pub rp_id: String,
    /// The statement's format.
    pub fmt: String,
    /// The model that authenticator data names.
    pub aaguid: String,
    /// The model's anchors, or those of the attestation key's identifier: DER, base64.
    pub roots: Vec<String>,
}

/// The file of cases.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cases {
    /// The metadata BLOB that the real ones are to be held against; absent where `../shared/data` is.
    pub mds: Option<String>,
    /// The cases.
    pub cases: Vec<Case>,
}

impl Cases {
    /// Reads the file that the program's first argument names.
    pub fn from_arguments() -> Result<Self, Box<dyn std::error::Error>> {
        let path = std::env::args().nth(1).ok_or("usage: PROGRAM CASES MILLISECONDS")?;
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }
}

/// How long each case is measured, from the program's second argument, in milliseconds.
pub fn patience() -> Result<Duration, Box<dyn std::error::Error>> {
    let milliseconds = std::env::args().nth(2).ok_or("usage: PROGRAM CASES MILLISECONDS")?;
    Ok(Duration::from_millis(milliseconds.parse()?))
}

/// What a verifier says.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The verifier and its version.
    pub peer: String,
    /// By case: `accept`, or `reject: ` and the verifier's words.
    pub verdicts: BTreeMap<String, String>,
    /// By case that it rightly took: how many a second.
    pub rates: BTreeMap<String, f64>,
}

/// How often a second this can be done, tried for that long.
pub fn rate(patience: Duration, mut once: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut times = 0_u32;
    while began.elapsed() < patience {
        // In tens, so that the clock is not what is measured.
        (0..10).for_each(|_| once());
        times += 10;
    }
    f64::from(times) / began.elapsed().as_secs_f64()
}
