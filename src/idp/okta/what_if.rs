//! Which rule of an application's sign-on policy would take somebody, as Okta itself says: `POST /api/v1/policies/simulate` (confirmed by
//! Okta's description, as a feature that it turns on for an org; the Identity Engine alone has it).
//!
//! A few applications are tried for each person: one for each sign-on policy, so that a policy that guards many is asked once. What the
//! rule then lets in is read from the rule itself. Okta simulates what acts: it refuses to say anything of a rule that is switched off.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::applications::App;
use super::{Okta, Scope};
use crate::idp::capability::policies::{About, Admits, Rule, RuleState};
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::capability::what_if::{Evaluation, WhatIf};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

const NEEDS: &str = "the scope okta.policies.read, and policy simulation, which Okta turns on for an org";

/// Applications that are tried for each person.
const MOST_APPLICATIONS: usize = 4;

/// `SimulatePolicyEvaluations`.
#[derive(Deserialize)]
struct Simulated {
    #[serde(default)]
    result: Option<Matched>,
}

#[derive(Deserialize)]
struct Matched {
    #[serde(default)]
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
struct Policy {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    rules: Vec<MatchedRule>,
}

#[derive(Deserialize)]
struct MatchedRule {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

/// Okta's own example wraps the evaluations that its description has as an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    List(Vec<Simulated>),
    Wrapped { evaluation: Vec<Simulated> },
}

impl Answer {
    fn policies(self) -> impl Iterator<Item = Policy> {
        let evaluations = match self {
            Self::List(evaluations) | Self::Wrapped { evaluation: evaluations } => evaluations,
        };
        let policies = evaluations.into_iter().filter_map(|one| one.result).flat_map(|result| result.policies);
        policies.filter(|policy| is_match(policy.status.as_deref()))
    }
}

fn is_match(status: Option<&str>) -> bool {
    status == Some("MATCH")
}

impl Okta {
    /// One application for each sign-on policy, from the first page of them.
    fn tried(&self) -> Result<Vec<App>, DirectoryError> {
        let (apps, _) = self.page::<App>(Scope::Apps, "/api/v1/apps?limit=200", "list of applications")?;
        let mut policies = BTreeSet::new();
        let mut tried: Vec<App> = Vec::new();
        for app in apps.into_iter().filter(App::signs_in) {
            if app.policy().is_some_and(|policy| policies.insert(policy.to_owned())) {
                tried.push(app);
            }
        }
        tried.truncate(MOST_APPLICATIONS);
        Ok(tried)
    }

    fn simulated(&self, user: &User, app: &App) -> Result<Evaluation, DirectoryError> {
        let body = json!([{
            "policyTypes": ["ACCESS_POLICY"], "appInstance": app.id, "policyContext": { "user": { "id": user.id } },
        }]);
        let path = "/api/v1/policies/simulate";
        let call = self.granted(Scope::Policies).call(Method::POST, path).json(&body);
        let reply = self.asking(Scope::Policies, call, "policy simulation")?;
        let mut rules = Vec::new();
        for policy in reply.json::<Answer>()?.policies() {
            for rule in policy.rules.iter().filter(|rule| is_match(rule.status.as_deref())) {
                let names = (policy.name.as_deref().unwrap_or(&policy.id), rule.name.as_deref().unwrap_or(&rule.id));
                rules.push(Rule {
                    policy: format!("{}, rule {}", names.0, names.1),
                    about: About::SignIn,
                    state: RuleState::On,
                    admits: self.admitted_by(&policy.id, &rule.id)?,
                    place: format!("{} > {}", super::policies::SIGN_ON, names.0),
                    leaves_out: Listing::default(),
                });
            }
        }
        let prepared = Told::CannotTell(Untold::not_offered("what rules that are switched off would be about"));
        Ok(Evaluation { sign_in: format!("to {}", app.label), rules, prepared })
    }

    /// What a rule lets in that Okta names.
    fn admitted_by(&self, policy: &str, rule: &str) -> Result<Admits, DirectoryError> {
        let what = format!("what the rule {rule} lets in");
        let told = Told::from_answer(&what, "the scope okta.policies.read", self.admits_of(policy, rule))?;
        Ok(match told {
            Told::Known(Some(admits)) => admits,
            Told::Known(None) => Admits::CannotTell(Untold::not_offered(what)),
            Told::CannotTell(untold) => Admits::CannotTell(untold),
        })
    }
}

impl WhatIf for Okta {
    fn what_if(&self, user: &User) -> Result<Listing<Evaluation>, DirectoryError> {
        let asked = self.tried().and_then(|apps| apps.iter().map(|app| self.simulated(user, app)).collect());
        Ok(Listing::of(Told::from_answer("which sign-on rules would take them", NEEDS, asked)?))
    }
}
