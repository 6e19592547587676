//! What Conditional Access would ask of somebody, as Entra itself says: `POST identity/conditionalAccess/evaluate` (confirmed by Graph's
//! CSDL of v1.0; that it takes `Policy.Read.ConditionalAccess` by its permissions reference).
//!
//! One sign-in is tried for each person: to the application by which the portals of Azure are guarded, in a browser on Windows. Which
//! conditions fit, whom groups and roles include, and whom a policy leaves out is judged by Entra. Whether it evaluates policies in
//! report-only mode too is not documented: where it answers `policyNotEnabled`, that is said. It refuses to count a policy that Entra could not
//! judge (`notEnoughInformation`) as one that is not about the sign-in.

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::Entra;
use super::graph::{Permission, untold};
use super::policies::AccessPolicy;
use crate::idp::capability::policies::{Admits, Rule, RuleState};
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::capability::what_if::{Evaluation, WhatIf};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// Windows Azure Service Management API, which every portal of Azure and its command line are under.
const PORTALS: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";

const WHAT: &str = "what Conditional Access would ask of them";

/// `whatIfAnalysisResult`: the policy, and whether it is about the sign-in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    #[serde(flatten)]
    policy: AccessPolicy,
    policy_applies: bool,
    /// Names of `whatIfAnalysisReasons`, with commas.
    #[serde(default)]
    analysis_reasons: String,
}

#[derive(Deserialize)]
struct Answer {
    value: Vec<Judged>,
}

impl Judged {
    fn is_because(&self, reason: &str) -> bool {
        self.analysis_reasons.split(',').any(|one| one.trim() == reason)
    }

    /// `None` if it demands nothing of how somebody signs in.
    fn rule(&self) -> Option<Rule> {
        let rule = self.policy.tried()?;
        match self.policy_applies {
            true => Some(rule),
            false => {
                let untold = Untold::not_offered(format!("whether policy {} is about the sign-in", rule.policy));
                Some(Rule { admits: Admits::CannotTell(untold), ..rule })
            }
        }
    }
}

fn evaluation_of(judged: &[Judged]) -> Evaluation {
    let about = || judged.iter().filter(|one| one.policy_applies || one.is_because("notEnoughInformation"));
    let (rules, prepared): (Vec<Rule>, Vec<Rule>) =
        about().filter_map(Judged::rule).partition(|rule| rule.state == RuleState::On);
    let is_silent = judged.iter().any(|one| one.is_because("policyNotEnabled") && one.policy.is_report_only());
    let prepared = match is_silent {
        true => Told::CannotTell(Untold::not_offered("what policies in report-only mode would be about")),
        false => Told::Known(prepared),
    };
    Evaluation { sign_in: "to the portals of Azure in a browser on Windows".into(), rules, prepared }
}

impl WhatIf for Entra {
    fn what_if(&self, user: &User) -> Result<Listing<Evaluation>, DirectoryError> {
        let body = json!({
            "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": user.id },
            "signInContext": { "@odata.type": "#microsoft.graph.applicationContext", "includeApplications": [PORTALS] },
            "signInConditions": { "clientAppType": "browser", "devicePlatform": "windows" },
            "appliedPoliciesOnly": false,
        });
        let call = self.graph.call(Method::POST, "/v1.0/identity/conditionalAccess/evaluate").json(&body);
        Ok(match self.graph.send(call, WHAT, Permission::READ_ACCESS) {
            Ok(reply) => Listing::whole(vec![evaluation_of(&reply.json::<Answer>()?.value)]),
            Err(error) => Listing::untold(untold(WHAT, Permission::READ_ACCESS, error)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::capability::RuleOrder;

    fn policy(name: &str, state: &str, applies: bool, why: &str) -> Judged {
        serde_json::from_value(json!({
            "displayName": name, "state": state, "conditions": {}, "policyApplies": applies, "analysisReasons": why,
            "grantControls": { "operator": "OR", "builtInControls": [],
                "authenticationStrength": { "displayName": "S", "allowedCombinations": ["fido2"] } },
        }))
        .unwrap()
    }

    #[test]
    fn a_policy_that_is_not_about_the_sign_in_shuts_nothing() {
        let admits = |judged: &[Judged]| evaluation_of(judged).admits(RuleOrder::Every);
        assert_eq!(admits(&[policy("P", "enabled", true, "notSet")]), Admits::PhishingResistant);
        assert!(matches!(admits(&[policy("P", "enabled", false, "users")]), Admits::Weaker(_)));
        let unsure = admits(&[policy("P", "enabled", false, "location, notEnoughInformation")]);
        assert!(matches!(unsure, Admits::CannotTell(_)), "{unsure:?}");
    }

    #[test]
    fn what_it_says_of_report_only_policies_is_kept_apart() {
        let state = "enabledForReportingButNotEnforced";
        let told = evaluation_of(&[policy("P", state, true, "notSet")]);
        assert!(told.rules.is_empty() && told.prepared.known().is_some_and(|rules| rules.len() == 1));
        assert!(evaluation_of(&[policy("P", state, false, "users")]).prepared.known().is_some_and(Vec::is_empty));
        assert!(evaluation_of(&[policy("P", state, false, "policyNotEnabled")]).prepared.known().is_none());
    }
}
