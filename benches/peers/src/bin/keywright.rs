//! keywright as a peer: the registration read, held against what was asked for, and judged.
//!
//! `keywright CASES MILLISECONDS` with one thread and a judge that remembers, as every command uses it; `THREADS=2` for more
//! threads that share it; `FORGETFUL=1` for a new judge each time. Always prints what bare P-256 verification does beside it.

use std::sync::Arc;
use std::thread;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use data_encoding::BASE64;
use keywright_attest::mds::{Blob, Metadata, fido_roots};
use keywright_attest::{Anchors, Chain, Judge, Statement};
use keywright_fido::webauthn::response::ExpectedRegistration;
use keywright_fido::webauthn::{Challenge, Origin, RegistrationResponse, RpId};
use keywright_peers::{Case, Cases, Expected, Report, Set, patience, rate};
use time::{Date, Month, OffsetDateTime};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (cases, patience) = (Cases::from_arguments()?, patience()?);
    let threads: usize = std::env::var("THREADS").ok().map_or(Ok(1), |number| number.parse())?;
    let forgetful = std::env::var_os("FORGETFUL").is_some();
    let metadata = cases.mds.as_deref().map(metadata).transpose()?.map(Arc::new);
    let name = match (threads, forgetful) {
        (1, false) => "keywright".to_owned(),
        (1, true) => "keywright, remembering nothing".to_owned(),
        (threads, _) => format!("keywright on {threads} threads"),
    };
    let mut report = Report { peer: name, ..Report::default() };
    for case in &cases.cases {
        let bench = Bench::new(case, metadata.clone())?;
        let verdict = bench.verdict();
        let rightly_taken = verdict.is_ok() && case.expected == Expected::Accept;
        report
            .verdicts
            .insert(case.name.clone(), verdict.map_or_else(|why| format!("reject: {why}"), |()| "accept".into()));
        if !rightly_taken {
            continue;
        }
        let measured = thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|_| {
                    scope.spawn(|| {
                        rate(patience, || match forgetful {
                            true => assert!(bench.forgetting().verdict().is_ok()),
                            false => assert!(bench.verdict().is_ok()),
                        })
                    })
                })
                .collect();
            running.into_iter().map(|thread| thread.join().expect("no measurement panics")).sum()
        });
        report.rates.insert(case.name.clone(), measured);
    }
    report.rates.insert("bare P-256".into(), bare_p256(patience)?);
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// The BLOB, verified for the last day on which its signing certificates count.
fn metadata(path: &str) -> Result<Metadata, Failure> {
    let when = Date::from_calendar_date(2026, Month::March, 20)?.midnight().assume_utc();
    Ok(Metadata::read(&Blob::signed(std::fs::read(path)?, &fido_roots(), when)?)?)
}

/// One case and all that a relying party has ready before the registration arrives.
struct Bench {
    json: String,
    rp_id: RpId,
    origin: Origin,
    challenge: Challenge,
    anchors: Anchors,
    metadata: Option<Arc<Metadata>>,
    judge: Judge,
}

impl Bench {
    fn new(case: &Case, metadata: Option<Arc<Metadata>>) -> Result<Self, Failure> {
        let mut anchors = Anchors::none();
        if case.set == Set::Vector {
            for root in &case.roots {
                anchors.merge(Anchors::from_pem_or_der(&BASE64.decode(root.as_bytes())?)?);
            }
        }
        let metadata = metadata.filter(|_| case.set == Set::Real);
        Ok(Self {
            json: case.response.to_string(),
            rp_id: case.rp_id.parse()?,
            origin: case.origin.parse()?,
            challenge: case.challenge.parse()?,
            judge: judge(&anchors, &metadata),
            anchors,
            metadata,
        })
    }

    /// The same with a judge that has seen nothing yet.
    fn forgetting(&self) -> Forgetting<'_> {
        Forgetting { bench: self, judge: judge(&self.anchors, &self.metadata) }
    }

    fn verdict(&self) -> Result<(), String> {
        self.verdict_of(&self.judge)
    }

    fn verdict_of(&self, judge: &Judge) -> Result<(), String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let json: serde_json::Value = serde_json::from_str(&self.json).map_err(|error| words(&error))?;
        let response = RegistrationResponse::from_json(&json).map_err(|error| words(&error))?;
        let expected = ExpectedRegistration {
            challenge: &self.challenge,
            origin: &self.origin,
            rp_id: &self.rp_id,
            user_verification: false,
        };
        response.check(&expected).map_err(|error| words(&error))?;
        let (object, hash) = (&response.attestation_object, response.client_data_json.hash());
        let verdict = judge.judge(object, Some(&hash), None, OffsetDateTime::now_utc());
        match (verdict.statement, verdict.chain) {
            (Statement::Valid, Chain::Trusted) => Ok(()),
            (statement, chain) => Err(format!("{statement:?}, {chain:?}: {}", verdict.reasons.join(" "))),
        }
    }
}

struct Forgetting<'a> {
    bench: &'a Bench,
    judge: Judge,
}

impl Forgetting<'_> {
    fn verdict(&self) -> Result<(), String> {
        self.bench.verdict_of(&self.judge)
    }
}

fn judge(anchors: &Anchors, metadata: &Option<Arc<Metadata>>) -> Judge {
    let judge = Judge::new(anchors.clone());
    match metadata {
        Some(metadata) => judge.with_metadata(metadata.clone()),
        None => judge,
    }
}

/// Verifications a second of one signature over as many bytes as authenticator data and a hash have, the key parsed before.
fn bare_p256(patience: std::time::Duration) -> Result<f64, Failure> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let message = [0x5a; 228];
    let signature = pair.sign(&SystemRandom::new(), &message)?;
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref())?;
    Ok(rate(patience * 10, || key.verify_sig(&message, signature.as_ref()).expect("it is the key's own")))
}
