//! One credential, judged again from what the ledger kept of its registration and its proof.

use super::finding::day;
use super::judges::Judges;
use super::{About, FindingKind, Readable};
use crate::register::{Account, Credential, CredentialState, Evidence, Job, JobState};
use keywright_attest::ModelStatus;
use keywright_attest::{Chain, Policy, Refusal, Statement, Verdict};
use keywright_fido::webauthn::{
    AttestationObject, CeremonyType, ClientDataJson, CoseAlgorithm, CosePublicKey, CredentialId, SignedAssertion,
    UserHandle, WebauthnError, cbor,
};

/// Where a credential stands by the profile of today, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assessment {
    /// The profile takes it.
    Accepted,
    /// The profile demands a trusted chain, and there was nothing to follow it to.
    NotJudged,
    /// The profile does not take it.
    Refused,
    /// What the ledger kept of it does not fit together.
    Unsound,
}

/// A credential and what was found out about it.
#[derive(Debug)]
pub struct CredentialAudit<'a> {
    /// Its id.
    pub id: &'a CredentialId,
    /// What the ledger says of it.
    pub credential: &'a Credential,
    /// Whose it is.
    pub account: &'a Account,
    /// The job that made it, unless that went back and made another.
    pub job: Option<&'a Job>,
    /// The account's handle on the key, as the IdP gave it; `None` if the evidence cannot be read.
    pub user_handle: Option<UserHandle>,
    /// What its signatures are made by; `None` if the evidence cannot be read.
    pub algorithm: Option<CoseAlgorithm>,
    /// The minimum PIN length that the key signed with the registration (minPinLength), if it did.
    pub signed_pin_minimum: Option<u64>,
    /// Today's verdict, unless it is unsound.
    pub verdict: Option<Verdict>,
    /// Where it stands.
    pub standing: Assessment,
    /// What is the matter with it.
    pub matters: Vec<FindingKind>,
}

impl std::fmt::Display for Assessment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unsound => "unsound",
            Self::NotJudged => "not judged",
        })
    }
}

impl<'a> CredentialAudit<'a> {
    /// Examines a credential of this book. One that is no longer in service is judged too, for the record; only what is in
    /// service gives rise to findings about its attestation.
    pub(super) fn examine(
        id: &'a CredentialId,
        credential: &'a Credential,
        ledger: &'a Readable<'_>,
        judges: &Judges<'_>,
    ) -> Self {
        let book = &ledger.book;
        let account = &book.accounts[&credential.account];
        let job = book.jobs.get(&credential.job).filter(|job| job.credential_id() == Some(id));
        let (verdict, user_handle, matters) = (None, None, Vec::new());
        let (algorithm, signed_pin_minimum) = (None, None);
        let standing = Assessment::Unsound;
        let mut examined = Self {
            id,
            credential,
            account,
            job,
            user_handle,
            algorithm,
            signed_pin_minimum,
            verdict,
            standing,
            matters,
        };
        let judged = ledger.evidence(id).and_then(|evidence| {
            examined.user_handle = Some(evidence.user_handle.clone());
            let (object, hash) = examined.registration(&evidence)?;
            let made = object.auth_data.attested_credential_data.as_ref();
            examined.algorithm = made.map(|made| made.public_key.algorithm);
            examined.signed_pin_minimum = object.auth_data.min_pin_length();
            Ok(examined.judge(&evidence, &object, &hash, judges))
        });
        let mut matters = judged.unwrap_or_else(|why| vec![FindingKind::Unsound(why)]);
        match credential.state {
            CredentialState::Registered => {
                if credential.proved.is_none() {
                    matters.push(FindingKind::NeverProved);
                }
                matters.extend(credential.failed.as_deref().map(day).map(FindingKind::LastTryFailed));
                if credential.judged_by.is_none() {
                    matters.push(FindingKind::NeverJudged);
                }
            }
            CredentialState::OnKey => {
                // While its job is open, the job is the finding.
                let open = book.jobs.get(&credential.job).is_some_and(|job| job.state.step().is_some());
                matters = if open { Vec::new() } else { vec![FindingKind::NotRegistered] };
            }
            // While its job is open, the job is the finding.
            CredentialState::Unconfirmed if job.is_some_and(|job| job.state == JobState::Done) => {
                matters.push(FindingKind::Unconfirmed);
                matters.extend(credential.failed.as_deref().map(day).map(FindingKind::LastTryFailed));
            }
            CredentialState::Unconfirmed => {}
            CredentialState::Revoked => matters = vec![FindingKind::Revoked],
            CredentialState::Deleted | CredentialState::Erased => matters.clear(),
        }
        examined.matters = matters;
        examined
    }

    /// What a finding about it is about.
    pub(super) fn about(&self) -> About {
        About {
            account: Some(self.credential.account.clone()),
            ordinal: Some(self.credential.ordinal),
            credential_id: Some(self.id.clone()),
        }
    }

    /// What is the matter when it is due for a drill. A key that failed its last one has a finding already.
    pub(super) fn drill(&self) -> Option<FindingKind> {
        let interval_days = self.account.profile.drill_interval_days?;
        if self.credential.failed.is_some() {
            return None;
        }
        Some(match &self.credential.drilled {
            Some(last) => FindingKind::DrillOverdue { last: day(last), interval_days },
            None => FindingKind::NeverDrilled { enrolled: day(&self.credential.made), interval_days },
        })
    }

    /// Why it stands there: what the profile does not take, then what the judge saw.
    pub fn reasons(&self) -> Vec<String> {
        let refusals = self.matters.iter().filter_map(|matter| match matter {
            FindingKind::Refused { refusal, .. } => Some(refusal.to_string()),
            FindingKind::Unsound(_) | FindingKind::ProofInvalid => Some(matter.to_string()),
            _ => None,
        });
        refusals.chain(self.verdict.iter().flat_map(|verdict| verdict.reasons.clone())).collect()
    }

    /// The policy that it is held against.
    pub fn policy(&self) -> Policy {
        Policy::from(&self.account.profile.keys)
    }

    /// The attestation object, and the hash of the client data, if they are what the ledger says of this credential.
    fn registration(&self, evidence: &Evidence) -> Result<(AttestationObject, [u8; 32]), String> {
        let Evidence { ctap_response, attestation_object, client_data_json, public_key, ceremony, .. } = evidence;
        let object = AttestationObject::parse(attestation_object).map_err(|error| error.to_string())?;
        if let Some(response) = ctap_response {
            let answer = cbor::decode(response).map_err(|error| format!("the key's answer: {error}"))?;
            let answered =
                AttestationObject::from_ctap(&answer).map_err(|error| format!("the key's answer: {error}"))?;
            if answered != object {
                return Err("it is not what the key answered".into());
            }
        }
        let attested = object.auth_data.attested_credential_data.as_ref().ok_or("it names no credential")?;
        if attested.credential_id != *self.id {
            return Err("it names another credential".into());
        }
        if attested.public_key.bytes != *public_key {
            return Err("it has another public key".into());
        }
        if object.auth_data.rp_id_hash != self.credential.rp_id.hash() {
            return Err("it was made for another RP ID".into());
        }
        let client_data = ClientDataJson::from_bytes(client_data_json.clone());
        if let Some(ceremony) = ceremony {
            client_data
                .check(CeremonyType::Create, &ceremony.options.challenge, &ceremony.origin)
                .map_err(|error| error.to_string())?;
        }
        Ok((object, client_data.hash()))
    }

    /// Sets verdict and standing.
    fn judge(
        &mut self,
        evidence: &Evidence,
        object: &AttestationObject,
        hash: &[u8; 32],
        judges: &Judges<'_>,
    ) -> Vec<FindingKind> {
        let judge = match judges.judge_for(&self.account.profile) {
            Ok(judge) => judge,
            Err(error) => return vec![FindingKind::Unsound(format!("a root of its profile cannot be read: {error}"))],
        };
        let today = judge.judge(object, Some(hash), self.credential.key.firmware_version, judges.at());
        let policy = self.policy();
        let then = evidence.verdict.as_deref();
        let refused_then: Vec<Refusal> = then.and_then(|then| policy.accept(then).err()).unwrap_or_default();
        let nothing_to_judge_by = judge.metadata().is_none() && judge.pinned().is_empty();

        self.standing = Assessment::Accepted;
        let mut matters = Vec::new();
        for refusal in policy.accept(&today).err().unwrap_or_default() {
            match refusal {
                Refusal::Chain(Chain::NotChecked) if nothing_to_judge_by && today.statement == Statement::Valid => {
                    self.standing = self.standing.max(Assessment::NotJudged);
                }
                Refusal::Chain(Chain::Expired) if then.is_some_and(|then| then.chain == Chain::Trusted) => {
                    matters.push(FindingKind::CertificateExpired);
                }
                refusal => {
                    self.standing = Assessment::Refused;
                    let accepted_then = then.is_some() && !refused_then.contains(&refusal);
                    matters.push(FindingKind::Refused { refusal, accepted_then });
                }
            }
        }
        // What the profile turns the key away for is told once.
        let refused = |wanted: fn(&Refusal) -> bool| {
            matters.iter().any(|matter| matches!(matter, FindingKind::Refused { refusal, .. } if wanted(refusal)))
        };
        let by_status = refused(|refusal| *refusal == Refusal::Status(ModelStatus::UpdateAvailable));
        let by_certification = refused(|refusal| matches!(refusal, Refusal::Certification { .. }));
        matters.extend(since_enrolment(&today, then).into_iter().filter(|matter| match matter {
            FindingKind::UpdateAvailable { .. } => !by_status,
            FindingKind::CertificationLowered { .. } => !by_certification,
            _ => true,
        }));
        if let (Some(assertion), Some(attested)) = (&evidence.assertion, &object.auth_data.attested_credential_data)
            && !proof_holds(assertion, &attested.public_key)
        {
            matters.push(FindingKind::ProofInvalid);
        }
        self.verdict = Some(today);
        matters
    }
}

/// What is known of the model that matters even if the profile takes it, and whether it is news.
fn since_enrolment(today: &Verdict, then: Option<&Verdict>) -> Vec<FindingKind> {
    let advisories = today.advisories.iter().map(|advice| FindingKind::Advisory {
        advice: advice.clone(),
        new: then.is_some_and(|then| !then.advisories.iter().any(|known| known.id == advice.id)),
    });
    let updates = today.status_reports.iter().filter(|report| report.status == ModelStatus::UpdateAvailable);
    let updates = updates.map(|report| FindingKind::UpdateAvailable {
        from: report.effective_date.clone(),
        new: then.is_some_and(|then| then.metadata.is_some() && !then.status_reports.contains(report)),
    });
    let mut matters: Vec<_> = advisories.chain(updates).collect();
    if let Some(certified) = then.and_then(|then| then.certification)
        && today.metadata.is_some()
        && today.certification.is_none_or(|now| now < certified)
    {
        matters.push(FindingKind::CertificationLowered { then: certified, now: today.certification });
    }
    matters
}

/// Whether nothing contradicts the assertion that was kept (WebAuthn 7.2 step 20). It may be by an algorithm that cannot be
/// verified here.
fn proof_holds(assertion: &SignedAssertion, public_key: &CosePublicKey) -> bool {
    assertion.verify(public_key) != Err(WebauthnError::BadSignature)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::ledger::Severity;

    fn verdict(more: serde_json::Value) -> Verdict {
        let mut verdict = json!({"fmt": "packed", "statement": "valid", "chain": "trusted", "anchor": null,
            "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "model": "A key", "subject": null, "firmware": "5.4.3",
            "serial": null, "enterprise": false, "transports": [], "backup_eligible": false, "reasons": [],
            "metadata": {"no": 237, "sha256": "00", "signed": true}});
        verdict.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(verdict).unwrap()
    }

    fn found(then: serde_json::Value, today: serde_json::Value) -> Vec<(&'static str, Severity, String)> {
        let matters = since_enrolment(&verdict(today), Some(&verdict(then)));
        matters.iter().map(|matter| (matter.code(), matter.severity(), matter.to_string())).collect()
    }

    #[test]
    fn what_was_known_and_is_harmless_is_not_told() {
        let known = json!({"certification": "L1", "status_reports": [{"status": "FIDO_CERTIFIED_L1"}]});
        assert_eq!(found(known.clone(), known), []);
        assert_eq!(found(json!({}), json!({"certification": "L1"})), []);
        assert_eq!(found(json!({"certification": "L1"}), json!({"certification": "L2"})), []);
    }

    #[test]
    fn an_advisory_says_whether_it_is_news() {
        let advised = |exposure| json!({"advisories": [{"id": "YSA-1", "summary": "It leaks.", "link": "https://example.org", "exposure": exposure}]});
        let [(code, severity, sentence)] = &found(json!({}), advised("affected"))[..] else { panic!() };
        assert_eq!((*code, *severity), ("advisory", Severity::Warning));
        assert!(
            sentence.starts_with("YSA-1: It leaks. This key's firmware has it.") && sentence.contains("not known at")
        );
        let old = found(advised("unknown"), advised("unknown"));
        assert_eq!(old[0].1, Severity::Notice);
        assert!(!old[0].2.contains("at enrolment"));
    }

    #[test]
    fn newer_firmware_says_whether_it_is_news() {
        let reported = json!({"status_reports": [{"status": "UPDATE_AVAILABLE", "effective_date": "2027-01-02"}]});
        let news = found(json!({}), reported.clone());
        assert_eq!((news[0].0, news[0].1), ("update-available", Severity::Warning));
        assert!(news[0].2.ends_with("for this model, since 2027-01-02. At enrolment it did not."), "{news:?}");
        assert!(!found(reported.clone(), reported)[0].2.contains("At enrolment"));
    }

    #[test]
    fn a_certification_that_went_is_told_only_where_metadata_says_so() {
        let then = json!({"certification": "L2"});
        assert!(found(then.clone(), json!({"certification": "L1"}))[0].2.contains("certified L2"));
        assert!(found(then.clone(), json!({}))[0].2.contains("no longer certified"));
        assert_eq!(found(then, json!({"metadata": null})), []);
    }
}
