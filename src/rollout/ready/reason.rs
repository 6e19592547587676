//! Why somebody cannot be enforced yet: each reason with its name, its sentence and what mends it.

use std::fmt;

use time::Date;

use crate::idp::capability::{About, Capability, Untold};
use crate::rollout::breakglass::Finding;
use crate::rollout::plan::Factor;
use keywright_fido::webauthn::Aaguid;

/// A reason to say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A person has fewer proved keys than needed.
    KeysMissing {
        /// Keys that count.
        proved: usize,
        /// Keys that are needed.
        needed: usize,
    },
    /// A key that counts here is not at the IdP any more.
    KeyGone {
        /// Its number in the account.
        ordinal: usize,
    },
    /// A key at the IdP that nobody here made, where only our keys are to be.
    KeyUnknown {
        /// What the IdP calls it.
        key: String,
    },
    /// A key that was taken out of service here still signs in.
    KeyOutlived {
        /// Its number in the account.
        ordinal: usize,
    },
    /// A person who is to have a passkey of their own has none of that kind.
    NoPasskey {
        /// What they are to have.
        factor: Factor,
    },
    /// The IdP's rules shut out the model of a key.
    ModelShutOut {
        /// The key's number in the account.
        ordinal: usize,
        /// The model.
        model: Aaguid,
        /// The rule.
        rule: String,
        /// Where it is changed.
        place: String,
    },
    /// A weak method would stay behind after the enforcement.
    WeakMethodRemains {
        /// What it is called.
        method: String,
        /// Why it does.
        why: String,
    },
    /// The contract of somebody from elsewhere is over.
    ContractOver {
        /// Its last day.
        until: Date,
        /// Who answers for them.
        sponsor: String,
    },
    /// A custodian of a shared account has no key of their own.
    CustodianWithoutKey {
        /// The custodian.
        custodian: String,
    },
    /// Nobody is in a group.
    NobodyInGroup,
    /// No rehearsal of a recovery in the group within the days that it is good for.
    RecoveryNotRehearsed {
        /// The last one that came to its end.
        last: Option<Date>,
    },
    /// No policy is there that lets the group in by nothing weaker.
    NoPolicy,
    /// A policy that acts lets in something weaker.
    PolicyAdmitsWeaker {
        /// The policy.
        policy: String,
        /// What it is about.
        about: About,
        /// What it lets in.
        admits: Vec<String>,
        /// Where it is changed.
        place: String,
    },
    /// The policy that lets the group in by nothing weaker leaves the person out.
    PolicyLeavesOut {
        /// The policy.
        policy: String,
        /// Where it is changed.
        place: String,
    },
    /// The IdP's own what-if opens a sign-in that we read as shut.
    WhatIfDiffers {
        /// The sign-in.
        sign_in: String,
        /// What the IdP says of it.
        says: String,
    },
    /// Something is to be done about the accounts for emergencies.
    BreakGlass {
        /// What.
        finding: Finding,
    },
    /// Our account at the IdP may not do what an enforcement or a recovery does.
    RightsLacking {
        /// What it cannot do.
        capability: Capability,
        /// The permissions that are not there.
        permissions: Vec<String>,
    },
    /// Our account at the IdP may not change accounts of administrators.
    NotOverAdministrators,
    /// Nobody has decided on a way in.
    PathUndecided {
        /// The way in.
        path: String,
        /// Who answers for it, if anybody does.
        owner: Option<String>,
    },
    /// A way in was decided to be covered, and the IdP guards it with nothing strict.
    PathNotCovered {
        /// The way in.
        path: String,
        /// What guards it.
        guard: String,
    },
    /// The day is over until which a way in was to go, or its risk was accepted.
    PathOverdue {
        /// The way in.
        path: String,
        /// Who answers for it.
        owner: String,
        /// The last day.
        until: Date,
    },
    /// Something could not be read.
    CannotTell {
        /// What, why, and what it needs.
        untold: Untold,
    },
}

impl Reason {
    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeysMissing { .. } => "keys-missing",
            Self::KeyGone { .. } => "key-gone",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyOutlived { .. } => "key-outlived",
            Self::NoPasskey { .. } => "no-passkey",
            Self::ModelShutOut { .. } => "model-shut-out",
            Self::WeakMethodRemains { .. } => "weak-method-remains",
            Self::ContractOver { .. } => "contract-over",
            Self::CustodianWithoutKey { .. } => "custodian-without-key",
            Self::NobodyInGroup => "nobody-in-group",
            Self::RecoveryNotRehearsed { .. } => "recovery-not-rehearsed",
            Self::NoPolicy => "no-policy",
            Self::PolicyAdmitsWeaker { .. } => "policy-admits-weaker",
            Self::PolicyLeavesOut { .. } => "policy-leaves-out",
            Self::WhatIfDiffers { .. } => "what-if-differs",
            Self::BreakGlass { finding } => match finding {
                Finding::TooFewAccounts { .. } => "break-glass-too-few-accounts",
                Finding::OnePlace { .. } => "break-glass-one-place",
                Finding::OneModel => "break-glass-one-model",
                Finding::KeyNotInService { .. } => "break-glass-key-not-in-service",
                Finding::NoBag { .. } => "break-glass-no-bag",
                Finding::DrillDue { .. } => "break-glass-drill-due",
                Finding::SignInOutsideDrill { .. } => "break-glass-sign-in-outside-drill",
                Finding::CannotTell { .. } => "cannot-tell",
            },
            Self::RightsLacking { .. } => "rights-lacking",
            Self::NotOverAdministrators => "not-over-administrators",
            Self::PathUndecided { .. } => "path-undecided",
            Self::PathNotCovered { .. } => "path-not-covered",
            Self::PathOverdue { .. } => "path-overdue",
            Self::CannotTell { .. } => "cannot-tell",
        }
    }

    /// The permission, role or licence that something needs which could not be read.
    pub fn needs(&self) -> Option<&str> {
        match self {
            Self::CannotTell { untold } => Some(untold.needs.as_str()).filter(|needs| !needs.is_empty()),
            _ => None,
        }
    }

    /// What mends it: a command, or what a person does. `login` is whom it is about, `group` the group of the plan.
    pub fn next_step(&self, login: &str, group: &str) -> String {
        match self {
            Self::KeysMissing { .. } => format!("keywright enroll {login}"),
            Self::KeyGone { ordinal } => format!("keywright replace {login} --key {ordinal} --reason gone"),
            Self::KeyUnknown { .. } => format!("keywright reconcile {login}"),
            Self::KeyOutlived { ordinal } => format!("keywright revoke {login} --key {ordinal} --reason outlived"),
            Self::NoPasskey { .. } => "the person registers one at the IdP".to_owned(),
            Self::ModelShutOut { place, .. }
            | Self::PolicyAdmitsWeaker { place, .. }
            | Self::PolicyLeavesOut { place, .. } => format!("change it: {place}"),
            Self::WeakMethodRemains { .. } => {
                "remove it in the IdP's console, or let it stay until a day with [[group.may-stay]]".to_owned()
            }
            Self::ContractOver { sponsor, .. } => {
                format!("{sponsor} says whether it goes on; if not: keywright account left {login}")
            }
            Self::CustodianWithoutKey { custodian } => format!("keywright enroll {custodian}"),
            Self::NobodyInGroup => "correct who is in it in rollout.toml".to_owned(),
            Self::RecoveryNotRehearsed { .. } => format!("keywright recover TEST-ACCOUNT --rehearse --group {group}"),
            Self::NoPolicy => {
                "prepare one at the IdP that admits phishing-resistant sign-in alone, in report-only mode".to_owned()
            }
            Self::WhatIfDiffers { .. } => {
                "try the same sign-in in the IdP's console, and see which policy is about it".to_owned()
            }
            Self::BreakGlass { finding } => match finding {
                Finding::DrillDue { account, .. } => format!("keywright breakglass drill {account}"),
                Finding::TooFewAccounts { .. } => "keywright breakglass add".to_owned(),
                _ => "keywright breakglass status".to_owned(),
            },
            Self::RightsLacking { permissions, .. } => {
                format!("give our account at the IdP {}", permissions.join(", "))
            }
            Self::NotOverAdministrators => {
                "give our account at the IdP the role for it: keywright idp check".to_owned()
            }
            Self::PathUndecided { .. } | Self::PathOverdue { .. } => "decide on it in rollout.toml".to_owned(),
            Self::PathNotCovered { .. } => "put it under a policy that admits nothing weaker".to_owned(),
            Self::CannotTell { untold } => untold.next_step(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeysMissing { proved, needed } => write!(f, "{proved} of {needed} keys proved"),
            Self::KeyGone { ordinal } => write!(f, "key {ordinal} is not at the IdP any more"),
            Self::KeyUnknown { key } => write!(f, "nobody here made the key \"{key}\""),
            Self::KeyOutlived { ordinal } => write!(f, "key {ordinal} is out of service here and still at the IdP"),
            Self::NoPasskey { factor } => write!(f, "no {} is registered", factor.words()),
            Self::ModelShutOut { ordinal, model, rule, .. } => {
                write!(f, "key {ordinal}, of model {model}, is shut out by {rule}")
            }
            Self::WeakMethodRemains { method, why } => write!(f, "{method} would remain: {why}"),
            Self::ContractOver { until, .. } => write!(f, "the contract ended on {until}"),
            Self::CustodianWithoutKey { custodian } => write!(f, "the custodian {custodian} has no proved key"),
            Self::NobodyInGroup => f.write_str("nobody is in it"),
            Self::RecoveryNotRehearsed { last: Some(last) } => write!(f, "recovery was rehearsed last on {last}"),
            Self::RecoveryNotRehearsed { last: None } => f.write_str("recovery was never rehearsed"),
            Self::NoPolicy => f.write_str("no policy is prepared that admits phishing-resistant sign-in alone"),
            Self::PolicyAdmitsWeaker { policy, about, admits, .. } => {
                let about = match about {
                    About::Registration => "register",
                    About::SignIn => "sign in with",
                    About::Recovery => "get back in by",
                };
                write!(f, "policy {policy} lets people {about} {}", admits.join(", "))
            }
            Self::PolicyLeavesOut { policy, .. } => write!(f, "policy {policy} leaves them out"),
            Self::WhatIfDiffers { sign_in, says } => {
                write!(f, "the IdP's what-if says that a sign-in {sign_in} {says}")
            }
            Self::BreakGlass { finding } => finding.fmt(f),
            Self::RightsLacking { capability, permissions } => {
                write!(f, "our account cannot {}: it lacks {}", capability.words(), permissions.join(", "))
            }
            Self::NotOverAdministrators => f.write_str("our account may not change accounts of administrators"),
            Self::PathUndecided { path, owner: Some(owner) } => {
                write!(f, "nobody has decided on the way in \"{path}\" ({owner})")
            }
            Self::PathUndecided { path, owner: None } => {
                write!(f, "nobody has decided on the way in \"{path}\"")
            }
            Self::PathNotCovered { path, guard } => {
                write!(f, "the way in \"{path}\" is to be covered, and the IdP guards it with {guard}")
            }
            Self::PathOverdue { path, owner, until } => {
                write!(f, "the way in \"{path}\" ({owner}) was decided until {until}")
            }
            Self::CannotTell { untold } => untold.fmt(f),
        }
    }
}
