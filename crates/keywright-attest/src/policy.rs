//! Whether a verdict is enough. Facts and demands are apart: one verdict may please one profile and not another.

use serde::{Deserialize, Serialize};

use super::{Certification, Chain, Firmware, ModelStatus, Statement, Verdict};
use keywright_fido::webauthn::Aaguid;

/// What must be known about a key's attestation before it is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationDemand {
    /// Nothing is demanded; the verdict is kept all the same.
    None,
    /// The statement is valid, self attestation included.
    Statement,
    /// The statement is valid and its certificate leads to a trusted anchor.
    Trusted,
    /// The same, and it names the single key by its serial number.
    Enterprise,
}

/// What a class of accounts demands of attestations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How much is to be proved.
    pub attestation: AttestationDemand,
    /// Models allowed; empty for any. A model that no trusted chain vouches for is a claim, and is held against this as such.
    #[serde(default)]
    pub aaguids: Vec<Aaguid>,
    /// Whether credentials that may leave the key are refused.
    #[serde(default)]
    pub refuse_backup_eligible: bool,
    /// The lowest firmware allowed. A key whose firmware is not known, or of the other form, is refused then.
    #[serde(default)]
    pub minimum_firmware: Option<Firmware>,
    /// Models allowed besides `aaguids`, by the name in metadata. Only a trusted chain makes such a name more than a claim, so
    /// it is held against trusted ones alone.
    #[serde(default)]
    pub model_names: Vec<String>,
    /// The lowest certification allowed.
    #[serde(default)]
    pub minimum_certification: Option<Certification>,
    /// Statuses that are refused, besides those that always are.
    #[serde(default)]
    pub refuse_statuses: Vec<ModelStatus>,
}

/// A demand that a verdict does not fulfil.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The statement proves too little.
    #[error("The attestation statement is {}, and the profile demands {}.", statement_words(.found), demand_words(.demanded))]
    Statement {
        /// What it is.
        found: Statement,
        /// What it should be.
        demanded: AttestationDemand,
    },
    /// The certificates do not lead to an anchor.
    #[error("The attestation certificate {}, and the profile demands one that leads to a trusted anchor.", chain_words(.0))]
    Chain(Chain),
    /// The attestation does not name the single key.
    #[error("The attestation names no serial number, and the profile demands an enterprise attestation.")]
    NoSerial,
    /// The model is not allowed.
    #[error("The model {0} is not among those that the profile allows.")]
    Model(Aaguid),
    /// Metadata reports something of the model that is refused.
    #[error("The FIDO metadata reports the model as {0}.")]
    Status(ModelStatus),
    /// The model is certified too low, or not at all.
    #[error("The model {}, and the profile demands {minimum}.", certification_words(.found))]
    Certification {
        /// What metadata reports.
        found: Option<Certification>,
        /// What it should be.
        minimum: Certification,
    },
    /// The credential may leave the key.
    #[error("The credential may be backed up (BE is set), and the profile demands one that stays on its key.")]
    BackupEligible,
    /// The firmware is too old.
    #[error("The firmware is {found}, and the profile demands at least {minimum}.")]
    FirmwareTooOld {
        /// What it is.
        found: Firmware,
        /// What it should be.
        minimum: Firmware,
    },
    /// The firmware is not known, or not in a form that can be compared.
    #[error("No firmware is known that can be compared, and the profile demands at least {minimum}.")]
    FirmwareUnknown {
        /// What it should be.
        minimum: Firmware,
    },
}

impl Policy {
    /// Demands so much of attestations, and nothing else; compromised models are refused as always.
    pub fn demanding(attestation: AttestationDemand) -> Self {
        Self {
            attestation,
            aaguids: Vec::new(),
            refuse_backup_eligible: false,
            minimum_firmware: None,
            model_names: Vec::new(),
            minimum_certification: None,
            refuse_statuses: Vec::new(),
        }
    }

    /// Holds a verdict against the demands; gives every one that is not fulfilled.
    pub fn accept(&self, verdict: &Verdict) -> Result<(), Vec<Refusal>> {
        let mut refusals = Vec::new();
        let demanded = self.attestation;
        let good_enough = match demanded {
            AttestationDemand::None => true,
            AttestationDemand::Statement => matches!(verdict.statement, Statement::Valid | Statement::SelfSigned),
            AttestationDemand::Trusted | AttestationDemand::Enterprise => verdict.statement == Statement::Valid,
        };
        if !good_enough {
            refusals.push(Refusal::Statement { found: verdict.statement, demanded });
        }
        if matches!(demanded, AttestationDemand::Trusted | AttestationDemand::Enterprise)
            && verdict.chain != Chain::Trusted
        {
            refusals.push(Refusal::Chain(verdict.chain));
        }
        if demanded == AttestationDemand::Enterprise && verdict.serial.is_none() {
            refusals.push(Refusal::NoSerial);
        }
        let named = verdict.model.as_ref().filter(|_| verdict.chain == Chain::Trusted);
        let any_model = self.aaguids.is_empty() && self.model_names.is_empty();
        let allowed =
            self.aaguids.contains(&verdict.aaguid) || named.is_some_and(|name| self.model_names.contains(name));
        if !any_model && !allowed {
            refusals.push(Refusal::Model(verdict.aaguid));
        }
        let statuses = verdict.status_reports.iter().map(|report| &report.status);
        let refused = statuses.filter(|status| status.forbids() || self.refuse_statuses.contains(status));
        refusals.extend(refused.map(|status| Refusal::Status(status.clone())));
        if let Some(minimum) = self.minimum_certification.filter(|minimum| verdict.certification < Some(*minimum)) {
            refusals.push(Refusal::Certification { found: verdict.certification, minimum });
        }
        if self.refuse_backup_eligible && verdict.backup_eligible {
            refusals.push(Refusal::BackupEligible);
        }
        if let Some(minimum) = self.minimum_firmware {
            match verdict.firmware {
                Some(found) if found >= minimum => {}
                Some(found) if found < minimum => refusals.push(Refusal::FirmwareTooOld { found, minimum }),
                _ => refusals.push(Refusal::FirmwareUnknown { minimum }),
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }
}

fn statement_words(statement: &Statement) -> &'static str {
    match statement {
        Statement::Valid => "valid",
        Statement::Invalid => "invalid",
        Statement::SelfSigned => "signed by the credential itself",
        Statement::None => "missing (format none)",
        Statement::Unverified => "not verified",
    }
}

fn demand_words(demand: &AttestationDemand) -> &'static str {
    match demand {
        AttestationDemand::None => "nothing",
        AttestationDemand::Statement => "a valid one",
        AttestationDemand::Trusted => "one that is signed by the maker's key",
        AttestationDemand::Enterprise => "an enterprise attestation",
    }
}

fn certification_words(found: &Option<Certification>) -> String {
    found.map_or_else(
        || "is not known to be certified by FIDO".into(),
        |level| format!("is certified by FIDO as {level}"),
    )
}

fn chain_words(chain: &Chain) -> &'static str {
    match chain {
        Chain::Trusted => "is trusted",
        Chain::Untrusted => "leads to no trusted anchor",
        Chain::Expired => "is out of date",
        Chain::UnknownModel => "belongs to a model without known anchors",
        Chain::NotChecked => "was not checked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StatusReport;

    const MODEL: Aaguid = Aaguid([7; 16]);

    fn verdict() -> Verdict {
        Verdict {
            fmt: "packed".into(),
            statement: Statement::Valid,
            chain: Chain::Trusted,
            anchor: None,
            aaguid: MODEL,
            model: None,
            subject: None,
            firmware: Some(Firmware::Dotted([5, 7, 1])),
            firmware_source: None,
            serial: Some("01".into()),
            enterprise: true,
            transports: Vec::new(),
            backup_eligible: false,
            certification: None,
            status_reports: Vec::new(),
            advisories: Vec::new(),
            metadata: None,
            reasons: Vec::new(),
        }
    }

    fn policy(attestation: AttestationDemand) -> Policy {
        Policy::demanding(attestation)
    }

    #[test]
    fn each_demand_asks_for_more_than_the_one_before() {
        let weaker = [
            Verdict { statement: Statement::None, chain: Chain::NotChecked, serial: None, ..verdict() },
            Verdict { statement: Statement::SelfSigned, chain: Chain::NotChecked, serial: None, ..verdict() },
            Verdict { serial: None, ..verdict() },
            verdict(),
        ];
        let demands = [
            AttestationDemand::None,
            AttestationDemand::Statement,
            AttestationDemand::Trusted,
            AttestationDemand::Enterprise,
        ];
        for (strength, verdict) in weaker.iter().enumerate() {
            for (asked, demand) in demands.iter().enumerate() {
                assert_eq!(policy(*demand).accept(verdict).is_ok(), strength >= asked, "{verdict:?} {demand:?}");
            }
        }
    }

    #[test]
    fn what_is_not_proved_is_refused() {
        for statement in [Statement::Invalid, Statement::Unverified, Statement::None] {
            let refusals =
                policy(AttestationDemand::Statement).accept(&Verdict { statement, ..verdict() }).unwrap_err();
            assert_eq!(refusals, [Refusal::Statement { found: statement, demanded: AttestationDemand::Statement }]);
        }
        for chain in [Chain::Untrusted, Chain::Expired, Chain::UnknownModel, Chain::NotChecked] {
            let refusals = policy(AttestationDemand::Trusted).accept(&Verdict { chain, ..verdict() }).unwrap_err();
            assert_eq!(refusals, [Refusal::Chain(chain)]);
        }
    }

    #[test]
    fn every_demand_that_fails_is_named() {
        let policy = Policy {
            aaguids: vec![Aaguid([8; 16])],
            refuse_backup_eligible: true,
            minimum_firmware: Some(Firmware::Dotted([5, 7, 2])),
            minimum_certification: Some(Certification::L2),
            ..policy(AttestationDemand::Enterprise)
        };
        let refusals = policy.accept(&Verdict { backup_eligible: true, serial: None, ..verdict() }).unwrap_err();
        let sentences: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        assert_eq!(
            sentences,
            [
                "The attestation names no serial number, and the profile demands an enterprise attestation.",
                "The model 07070707-0707-0707-0707-070707070707 is not among those that the profile allows.",
                "The model is not known to be certified by FIDO, and the profile demands L2.",
                "The credential may be backed up (BE is set), and the profile demands one that stays on its key.",
                "The firmware is 5.7.1, and the profile demands at least 5.7.2.",
            ]
        );
    }

    #[test]
    fn a_model_may_be_allowed_by_its_name_if_its_chain_is_trusted() {
        let policy = Policy { model_names: vec!["Key".into()], ..policy(AttestationDemand::Trusted) };
        let named = |name: &str| Verdict { model: Some(name.into()), ..verdict() };
        assert_eq!(policy.accept(&named("Key")), Ok(()));
        assert_eq!(policy.accept(&named("Key 2")), Err(vec![Refusal::Model(MODEL)]));
        assert_eq!(policy.accept(&verdict()), Err(vec![Refusal::Model(MODEL)]));
        let claimed = Verdict { chain: Chain::Untrusted, ..named("Key") };
        assert!(policy.accept(&claimed).unwrap_err().contains(&Refusal::Model(MODEL)));
        let either = Policy { aaguids: vec![MODEL], ..policy };
        assert_eq!(either.accept(&named("Other")), Ok(()));
    }

    #[test]
    fn certification_is_held_against_the_minimum() {
        let policy = Policy { minimum_certification: Some(Certification::L1), ..policy(AttestationDemand::Trusted) };
        let certified = |certification| policy.accept(&Verdict { certification, ..verdict() });
        assert_eq!(certified(Some(Certification::L1)), Ok(()));
        assert_eq!(certified(Some(Certification::L3Plus)), Ok(()));
        for found in [None, Some(Certification::Functional)] {
            let refusal = Refusal::Certification { found, minimum: Certification::L1 };
            assert_eq!(certified(found), Err(vec![refusal]));
        }
    }

    #[test]
    fn compromised_and_revoked_models_are_refused_whatever_is_demanded() {
        let reported = |policy: &Policy, word: &str| {
            let report: StatusReport = serde_json::from_value(serde_json::json!({"status": word})).unwrap();
            policy.accept(&Verdict { status_reports: vec![report], ..verdict() }).is_ok()
        };
        let lenient = policy(AttestationDemand::None);
        for word in [
            "REVOKED",
            "RETIRED",
            "USER_VERIFICATION_BYPASS",
            "ATTESTATION_KEY_COMPROMISE",
            "USER_KEY_REMOTE_COMPROMISE",
            "USER_KEY_PHYSICAL_COMPROMISE",
        ] {
            assert!(!reported(&lenient, word), "{word}");
        }
        let strict = Policy { refuse_statuses: vec![ModelStatus::UpdateAvailable], ..policy(AttestationDemand::None) };
        for word in ["UPDATE_AVAILABLE", "FIDO_CERTIFIED_L1", "NOT_FIDO_CERTIFIED", "SOMETHING_NEW"] {
            assert!(reported(&lenient, word), "{word}");
            assert_eq!(reported(&strict, word), word != "UPDATE_AVAILABLE", "{word}");
        }
    }

    #[test]
    fn firmware_that_cannot_be_compared_is_refused() {
        let minimum = Firmware::Dotted([5, 7, 0]);
        let policy = Policy { minimum_firmware: Some(minimum), ..policy(AttestationDemand::None) };
        assert_eq!(policy.accept(&verdict()), Ok(()));
        for firmware in [None, Some(Firmware::Number(329_728))] {
            let refused = policy.accept(&Verdict { firmware, ..verdict() });
            assert_eq!(refused, Err(vec![Refusal::FirmwareUnknown { minimum }]));
        }
    }
}
