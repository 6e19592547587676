//! Whether a verdict is enough. Facts and demands are apart: one verdict may please one profile and not another.

use serde::{Deserialize, Serialize};

use super::{Chain, Firmware, Statement, Verdict};
pub use crate::profile::AttestationDemand as Demand;
use crate::profile::KeyRules;
use crate::webauthn::Aaguid;

/// What a class of accounts demands of attestations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How much is to be proved.
    pub attestation: Demand,
    /// Models allowed; empty for any. A model that no trusted chain vouches for is a claim, and is held against this as such.
    #[serde(default)]
    pub aaguids: Vec<Aaguid>,
    /// Whether credentials that may leave the key are refused.
    #[serde(default)]
    pub refuse_backup_eligible: bool,
    /// The lowest firmware allowed. A key whose certificate names none, or one of the other form, is refused then.
    #[serde(default)]
    pub minimum_firmware: Option<Firmware>,
}

/// The rules of a profile. A security key's credential stays on the key, so one that may leave it is refused.
impl From<&KeyRules> for Policy {
    fn from(rules: &KeyRules) -> Self {
        Self {
            attestation: rules.attestation,
            aaguids: rules.models.clone(),
            refuse_backup_eligible: true,
            minimum_firmware: None,
        }
    }
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
        demanded: Demand,
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
    /// The credential may leave the key.
    #[error("The credential may be backed up (BE is set), and the profile demands one that stays on its key.")]
    BackupEligible,
    /// The firmware is too old.
    #[error("The firmware is {found}, and the profile demands at least {minimum}.")]
    FirmwareTooOld {
        /// What the certificate names.
        found: Firmware,
        /// What it should be.
        minimum: Firmware,
    },
    /// The firmware is not known, or not in a form that can be compared.
    #[error("The certificate names no firmware that can be compared, and the profile demands at least {minimum}.")]
    FirmwareUnknown {
        /// What it should be.
        minimum: Firmware,
    },
}

impl Policy {
    /// Holds a verdict against the demands; gives every one that is not fulfilled.
    pub fn accept(&self, verdict: &Verdict) -> Result<(), Vec<Refusal>> {
        let mut refusals = Vec::new();
        let demanded = self.attestation;
        let good_enough = match demanded {
            Demand::None => true,
            Demand::Statement => matches!(verdict.statement, Statement::Valid | Statement::SelfSigned),
            Demand::Trusted | Demand::Enterprise => verdict.statement == Statement::Valid,
        };
        if !good_enough {
            refusals.push(Refusal::Statement { found: verdict.statement, demanded });
        }
        if matches!(demanded, Demand::Trusted | Demand::Enterprise) && verdict.chain != Chain::Trusted {
            refusals.push(Refusal::Chain(verdict.chain));
        }
        if demanded == Demand::Enterprise && verdict.serial.is_none() {
            refusals.push(Refusal::NoSerial);
        }
        if !self.aaguids.is_empty() && !self.aaguids.contains(&verdict.aaguid) {
            refusals.push(Refusal::Model(verdict.aaguid));
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

fn demand_words(demand: &Demand) -> &'static str {
    match demand {
        Demand::None => "nothing",
        Demand::Statement => "a valid one",
        Demand::Trusted => "one that is signed by the maker's key",
        Demand::Enterprise => "an enterprise attestation",
    }
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

    fn policy(attestation: Demand) -> Policy {
        Policy { attestation, aaguids: Vec::new(), refuse_backup_eligible: false, minimum_firmware: None }
    }

    #[test]
    fn each_demand_asks_for_more_than_the_one_before() {
        let weaker = [
            Verdict { statement: Statement::None, chain: Chain::NotChecked, serial: None, ..verdict() },
            Verdict { statement: Statement::SelfSigned, chain: Chain::NotChecked, serial: None, ..verdict() },
            Verdict { serial: None, ..verdict() },
            verdict(),
        ];
        let demands = [Demand::None, Demand::Statement, Demand::Trusted, Demand::Enterprise];
        for (strength, verdict) in weaker.iter().enumerate() {
            for (asked, demand) in demands.iter().enumerate() {
                assert_eq!(policy(*demand).accept(verdict).is_ok(), strength >= asked, "{verdict:?} {demand:?}");
            }
        }
    }

    #[test]
    fn what_is_not_proved_is_refused() {
        for statement in [Statement::Invalid, Statement::Unverified, Statement::None] {
            let refusals = policy(Demand::Statement).accept(&Verdict { statement, ..verdict() }).unwrap_err();
            assert_eq!(refusals, [Refusal::Statement { found: statement, demanded: Demand::Statement }]);
        }
        for chain in [Chain::Untrusted, Chain::Expired, Chain::UnknownModel, Chain::NotChecked] {
            let refusals = policy(Demand::Trusted).accept(&Verdict { chain, ..verdict() }).unwrap_err();
            assert_eq!(refusals, [Refusal::Chain(chain)]);
        }
    }

    #[test]
    fn every_demand_that_fails_is_named() {
        let policy = Policy {
            attestation: Demand::Enterprise,
            aaguids: vec![Aaguid([8; 16])],
            refuse_backup_eligible: true,
            minimum_firmware: Some(Firmware::Dotted([5, 7, 2])),
        };
        let refusals = policy.accept(&Verdict { backup_eligible: true, serial: None, ..verdict() }).unwrap_err();
        let sentences: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        assert_eq!(
            sentences,
            [
                "The attestation names no serial number, and the profile demands an enterprise attestation.",
                "The model 07070707-0707-0707-0707-070707070707 is not among those that the profile allows.",
                "The credential may be backed up (BE is set), and the profile demands one that stays on its key.",
                "The firmware is 5.7.1, and the profile demands at least 5.7.2.",
            ]
        );
    }

    #[test]
    fn firmware_that_cannot_be_compared_is_refused() {
        let minimum = Firmware::Dotted([5, 7, 0]);
        let policy = Policy { minimum_firmware: Some(minimum), ..policy(Demand::None) };
        assert_eq!(policy.accept(&verdict()), Ok(()));
        for firmware in [None, Some(Firmware::Number(329_728))] {
            let refused = policy.accept(&Verdict { firmware, ..verdict() });
            assert_eq!(refused, Err(vec![Refusal::FirmwareUnknown { minimum }]));
        }
    }
}
