//! The evidence of a credential, read from the log: what the key and the IdP said, as received, and the verdict of that day.
//!
//! It decides nothing. What it reads is held against the hash chain where it stands ([`Store::entry`]), and an event that is not
//! what the register took it for is a broken log.

use data_encoding::BASE64URL_NOPAD;

use super::Register;
use crate::ledger::{Event, LedgerError, Outcome, Step, Store, WitnessResult};
use keywright_attest::Verdict;
use keywright_fido::webauthn::{Ceremony, CredentialId, SignedAssertion, UserHandle};

/// All that the log kept of how a credential came to be.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The account's handle.
    pub user_handle: UserHandle,
    /// The key's answer as received, CBOR with CTAP's numbers for keys; `None` where the ledger did not keep it yet.
    pub ctap_response: Option<Vec<u8>>,
    /// The attestation object that was put together from it.
    pub attestation_object: Vec<u8>,
    /// Client data as hashed.
    pub client_data_json: Vec<u8>,
    /// COSE.
    pub public_key: Vec<u8>,
    /// How the key can be reached, in WebAuthn's words.
    pub transports: Vec<String>,
    /// What the IdP asked for. This and what follows is `None` where the job has gone back since.
    pub ceremony: Option<Box<Ceremony>>,
    /// The verdict, once there was one.
    pub verdict: Option<Box<Verdict>>,
    /// The signature that proved it.
    pub assertion: Option<SignedAssertion>,
    /// What the witness said of it.
    pub witness: Option<WitnessResult>,
}

impl Register {
    /// The evidence of a credential of this register, read from the log that it was made of; `None` if it has no such credential.
    pub fn evidence(&self, id: &CredentialId, store: &dyn Store) -> Result<Option<Evidence>, LedgerError> {
        self.evidence_in(id, |seq| outcome(store, seq))
    }

    /// The same from elsewhere: `outcome` gives what the step ended with that the event of a number ended.
    pub fn evidence_in(
        &self,
        id: &CredentialId,
        outcome: impl Fn(u64) -> Result<Outcome, LedgerError>,
    ) -> Result<Option<Evidence>, LedgerError> {
        let Some(credential) = self.credentials.get(id) else { return Ok(None) };
        let Outcome::Make {
            credential_id,
            user_handle,
            ctap_response,
            attestation_object,
            client_data_json,
            public_key,
            transports,
            ..
        } = outcome(credential.made_by)?
        else {
            return Err(not_what_it_was(credential.made_by));
        };
        if credential_id != *id {
            return Err(not_what_it_was(credential.made_by));
        }
        let decode = |what, text: &str| {
            let why = |error| LedgerError::broken(credential.made_by, format!("{what} is not base64url: {error}"));
            BASE64URL_NOPAD.decode(text.as_bytes()).map_err(why)
        };
        let mut evidence = Evidence {
            user_handle,
            ctap_response: ctap_response.map(|text| decode("the key's answer", &text)).transpose()?,
            attestation_object: decode("the attestation object", &attestation_object)?,
            client_data_json: decode("client data", &client_data_json)?,
            public_key: decode("the public key", &public_key)?,
            transports,
            ceremony: None,
            verdict: None,
            assertion: None,
            witness: None,
        };
        if let Some(seq) = credential.judged_by {
            match outcome(seq)? {
                Outcome::Verify { verdict, .. } => evidence.verdict = Some(verdict),
                _ => return Err(not_what_it_was(seq)),
            }
        }
        let job = self.jobs.get(&credential.job).filter(|job| job.credential_id() == Some(id));
        for step in [Step::Begin, Step::Prove] {
            let Some(seq) = job.and_then(|job| job.outcomes.at(step)) else { continue };
            match outcome(seq)? {
                Outcome::Begin { ceremony, .. } if step == Step::Begin => evidence.ceremony = Some(ceremony),
                Outcome::Prove { assertion, witness } if step == Step::Prove => {
                    (evidence.assertion, evidence.witness) = (Some(assertion), witness);
                }
                _ => return Err(not_what_it_was(seq)),
            }
        }
        Ok(Some(evidence))
    }
}

/// What the step ended with that the event of this number ended. Fails with [`LedgerError::Broken`] if it ended none.
pub fn outcome(store: &dyn Store, seq: u64) -> Result<Outcome, LedgerError> {
    match store.entry(seq)?.event()? {
        Event::StepDone { outcome, .. } => Ok(outcome),
        _ => Err(not_what_it_was(seq)),
    }
}

fn not_what_it_was(seq: u64) -> LedgerError {
    LedgerError::broken(seq, "it is not what the register read there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::*;
    use crate::ledger::{JobId, Record, SqliteStore};

    /// The events in a file, and what they say.
    fn kept(events: &[Event]) -> (tempfile::TempDir, SqliteStore, Register) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("ledger.db"), clock()).unwrap();
        store.append(&store.head().unwrap(), &events.iter().map(Record::from).collect::<Vec<_>>()).unwrap();
        let mut register = Register::default();
        register.catch_up(&store).unwrap();
        (folder, store, register)
    }

    #[test]
    fn evidence_is_read_where_the_register_says_that_it_stands() {
        let (_folder, store, register) = kept(&every_kind());
        let of = |job| register.evidence(&credential_id(job), &store).unwrap().unwrap();
        let first = of(1);
        assert_eq!(first.client_data_json, br#"{"type":"webauthn.create"}"#);
        assert!(first.ceremony.is_some() && first.verdict.is_some() && first.assertion.is_some());
        assert!(matches!(first.witness, Some(WitnessResult::Verified { .. })));
        // Its job went back: only what the key made is its own.
        let third = of(3);
        assert_eq!((third.ceremony.is_none(), third.verdict.is_none(), third.assertion), (true, true, None));
        assert!(register.evidence(&credential_id(9), &store).unwrap().is_none());
    }

    #[test]
    fn bytes_that_are_no_base64url_are_no_evidence() {
        let mut events = vec![batch(1), planned("ada", 2), job_planned(1, "ada", 1)];
        events.extend(steps(1, Step::ALL.into_iter().take_while(|step| *step < Step::Make)));
        let mut wrong = crate::ledger::sample::outcome(1, Step::Make);
        let Outcome::Make { public_key, .. } = &mut wrong else { panic!() };
        *public_key = "pQ==".to_owned();
        events.extend([started(1, Step::Make), Event::StepDone { job: JobId(1), outcome: wrong }]);
        let (_folder, store, register) = kept(&events);
        match register.evidence(&credential_id(1), &store) {
            Err(LedgerError::Broken { seq, why }) if seq == register.head.seq => assert!(why.contains("public key")),
            other => panic!("{other:?}"),
        }
    }
}
