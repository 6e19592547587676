//! What the people of an Okta group may enrol, sign in with, and get back in by.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | enrolment | policies `MFA_ENROLL`, of both engines | confirmed by Okta's description |
//! | sign-in | policies `ACCESS_POLICY`, their rules, and whether an application uses them | confirmed; only the Identity Engine has them |
//! | recovery | policies `PASSWORD`, and the account management policy where they leave it to that | confirmed |
//!
//! Policies and rules are tried by priority, and the first that fits decides. So what comes after one that fits the whole group is left
//! out: nobody of it gets there. Whoever is in another group too may be under another policy; that is not judged here. It refuses to
//! guess what a rule admits whose kind it does not know.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::classes::CLASSES;
use super::{Okta, Scope};
use crate::idp::capability::policies::{About, Admits, Policies, Rule, RuleOrder, RuleState};
use crate::idp::capability::told::{Listing, Told, Untold, WhyUntold};
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const NEEDS: &str = "the scope okta.policies.read";

const ENROLLMENT: &str = "Security > Authenticators > Enrollment";
pub(super) const SIGN_ON: &str = "Security > Authentication Policies";
const PASSWORD: &str = "Security > Authenticators > Password";

/// The policy by which people change their own factors and get back in.
const ACCOUNT_MANAGEMENT: &str = "END_USER_ACCOUNT_MANAGEMENT";

/// `Policy`, of any type.
#[derive(Deserialize)]
struct Policy {
    id: String,
    name: String,
    #[serde(default)]
    status: String,
    /// Okta's own, which is for everybody.
    #[serde(default)]
    system: bool,
    #[serde(default)]
    priority: Option<u32>,
    #[serde(default)]
    conditions: Option<Conditions>,
    #[serde(default)]
    settings: Option<Settings>,
    #[serde(default, rename = "_embedded")]
    embedded: Option<Embedded>,
}

#[derive(Default, Deserialize)]
struct Settings {
    /// Of the Identity Engine.
    #[serde(default)]
    authenticators: Vec<Enrollable>,
    /// Of the Classic Engine, by name.
    #[serde(default)]
    factors: Map<String, Value>,
}

#[derive(Deserialize)]
struct Enrollable {
    #[serde(default)]
    key: String,
    #[serde(default)]
    enroll: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Embedded {
    #[serde(default)]
    resource_type: Option<String>,
}

/// Conditions of a policy or a rule: those about people, and whatever else there is.
#[derive(Default, Deserialize)]
struct Conditions {
    #[serde(default)]
    people: Option<People>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Default, Deserialize)]
struct People {
    #[serde(default)]
    groups: Option<Which>,
    #[serde(default)]
    users: Option<Which>,
}

#[derive(Default, Deserialize)]
struct Which {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

/// `PolicyRule`, of any type.
#[derive(Deserialize)]
struct PolicyRule {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    priority: Option<u32>,
    #[serde(default)]
    conditions: Option<Conditions>,
    #[serde(default)]
    actions: Value,
}

/// Whom a policy or rule takes of a group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nobody,
    /// Who fits other conditions too.
    Some,
    All,
}

impl Conditions {
    /// `groups` are the group itself, and the one that everybody is in.
    fn takes(&self, groups: &[String]) -> Takes {
        let anyone = Which::default();
        let people = self.people.as_ref();
        let by_group = people.and_then(|people| people.groups.as_ref()).unwrap_or(&anyone);
        let by_user = people.and_then(|people| people.users.as_ref()).unwrap_or(&anyone);
        let names = |list: &[String]| list.iter().any(|id| groups.contains(id));
        let named = by_group.include.is_empty() || names(&by_group.include);
        if names(&by_group.exclude) || !named {
            return Takes::Nobody;
        }
        let whole = by_group.exclude.is_empty()
            && by_user.exclude.is_empty()
            && by_user.include.is_empty()
            && self.others.iter().all(|(name, value)| is_anything(name, value));
        if whole { Takes::All } else { Takes::Some }
    }
}

impl Conditions {
    /// Whether they let everybody through.
    fn are_none(&self) -> bool {
        let is_empty = |which: &Option<Which>| {
            which.as_ref().is_none_or(|which| which.include.is_empty() && which.exclude.is_empty())
        };
        self.people.as_ref().is_none_or(|people| is_empty(&people.groups) && is_empty(&people.users))
            && self.others.iter().all(|(name, value)| is_anything(name, value))
    }
}

/// Whether a condition lets everything through.
fn is_anything(name: &str, value: &Value) -> bool {
    match name {
        "network" => value["connection"] == "ANYWHERE",
        "riskScore" | "risk" => value["level"] == "ANY",
        "authContext" => value["authType"] == "ANY",
        // Where a password comes from is a matter of the account, not of the sign-in.
        "authProvider" => true,
        _ => match value {
            Value::Null => true,
            Value::Object(members) => members.values().all(|member| match member {
                Value::Array(list) => list.is_empty(),
                member => member.is_null(),
            }),
            _ => false,
        },
    }
}

impl Okta {
    fn policies(&self, kind: &str, what: &str) -> Result<Told<Vec<Policy>>, DirectoryError> {
        let asked = self.every::<Policy>(Scope::Policies, &format!("/api/v1/policies?type={kind}"), what);
        let sorted = asked.map(|mut policies| {
            policies.sort_by_key(|policy| (policy.system, policy.priority));
            policies
        });
        match sorted {
            // The Classic Engine does not know every type.
            Err(DirectoryError::Refused { why, .. }) => Ok(Told::CannotTell(Untold {
                what: what.to_owned(),
                why: WhyUntold::Refused(why),
                needs: "the Identity Engine".into(),
            })),
            sorted => Told::from_answer(what, NEEDS, sorted),
        }
    }

    /// What a sign-on policy lets anybody in by: its rules up to the one that takes everybody.
    pub(super) fn rules_for_everybody(&self, policy: &str) -> Result<Listing<Rule>, DirectoryError> {
        let told = Told::from_answer("the rules of a sign-on policy", NEEDS, self.rules_of(policy))?;
        let rules = |rules: Vec<PolicyRule>| {
            let mut found = Vec::new();
            for rule in rules.iter().filter(|rule| rule.status == "ACTIVE") {
                if let Some(admits) = admitted(&rule.actions["appSignOn"]) {
                    let (policy, place) = (format!("rule {}", rule.name), SIGN_ON.to_owned());
                    found.push(Rule {
                        policy,
                        about: About::SignIn,
                        state: RuleState::On,
                        admits,
                        place,
                        leaves_out: Listing::default(),
                    });
                }
                if rule.conditions.as_ref().is_none_or(Conditions::are_none) {
                    break;
                }
            }
            found
        };
        Ok(Listing::of(told.map(rules)))
    }

    fn rules(&self, policy: &Policy) -> Result<Vec<PolicyRule>, DirectoryError> {
        self.rules_of(&policy.id)
    }

    fn rules_of(&self, policy: &str) -> Result<Vec<PolicyRule>, DirectoryError> {
        let path = format!("/api/v1/policies/{}/rules", segment(policy));
        let mut rules: Vec<PolicyRule> = self.every(Scope::Policies, &path, "such policy")?;
        rules.sort_by_key(|rule| rule.priority);
        Ok(rules)
    }

    /// What a rule of a sign-on policy lets in; `None` if the policy has no such rule.
    pub(super) fn admits_of(&self, policy: &str, rule: &str) -> Result<Option<Admits>, DirectoryError> {
        let rules = self.rules_of(policy)?;
        Ok(rules.iter().find(|one| one.id == rule).and_then(|one| admitted(&one.actions["appSignOn"])))
    }

    /// Whether an application uses the policy; if that is kept back, it counts as if one did.
    fn is_used(&self, policy: &Policy) -> Result<bool, DirectoryError> {
        let path = format!("/api/v1/policies/{}/mappings", segment(&policy.id));
        let asked = self.read(Scope::Policies, &path, &[], "such policy").and_then(|reply| reply.json::<Vec<Value>>());
        Ok(match Told::from_answer("which applications use it", NEEDS, asked)? {
            Told::Known(mappings) => !mappings.is_empty(),
            Told::CannotTell(_) => true,
        })
    }

    fn enrolments(&self, groups: &[String]) -> Result<Listing<Rule>, DirectoryError> {
        let policies = match self.policies("MFA_ENROLL", "the enrolment policies")? {
            Told::Known(policies) => policies,
            Told::CannotTell(untold) => return Ok(Listing::untold(untold)),
        };
        let mut found = Vec::new();
        for policy in policies.iter().filter(|policy| policy.takes(groups) != Takes::Nobody) {
            let rules = self.rules(policy)?;
            let (name, place) = (policy.name.clone(), ENROLLMENT.to_owned());
            let (about, state) = (About::Registration, state(&policy.status));
            let admits = enrolled(policy.settings.as_ref().unwrap_or(&Settings::default()));
            found.push(Rule { policy: name, about, state, admits, place, leaves_out: Listing::default() });
            let fits = |rule: &PolicyRule| rule.status == "ACTIVE" && rule.takes(groups) == Takes::All;
            if policy.status == "ACTIVE" && policy.takes(groups) == Takes::All && rules.iter().any(fits) {
                break;
            }
        }
        Ok(Listing::whole(found))
    }

    fn sign_on(&self, groups: &[String]) -> Result<Listing<Rule>, DirectoryError> {
        let policies = match self.policies("ACCESS_POLICY", "the sign-on policies of applications")? {
            Told::Known(policies) => policies,
            Told::CannotTell(untold) => return Ok(Listing::untold(untold)),
        };
        let mut found = Vec::new();
        for policy in policies.iter().filter(|policy| policy.status == "ACTIVE") {
            let resource = policy.embedded.as_ref().and_then(|embedded| embedded.resource_type.as_deref());
            let about = if resource == Some(ACCOUNT_MANAGEMENT) { About::Recovery } else { About::SignIn };
            if about == About::SignIn && !self.is_used(policy)? {
                continue;
            }
            let place = || format!("{SIGN_ON} > {}", policy.name);
            self.walk(policy, groups, |rule| (about, admitted(&rule.actions["appSignOn"]), place()), &mut found)?;
        }
        Ok(Listing::whole(found))
    }

    fn recovery(&self, groups: &[String]) -> Result<Listing<Rule>, DirectoryError> {
        let policies = match self.policies("PASSWORD", "the password policies")? {
            Told::Known(policies) => policies,
            Told::CannotTell(untold) => return Ok(Listing::untold(untold)),
        };
        let (mut found, mut decided) = (Vec::new(), Vec::new());
        for policy in
            policies.iter().filter(|policy| policy.takes(groups) != Takes::Nobody && policy.status == "ACTIVE")
        {
            // Accounts whose passwords come from elsewhere go on to policies for those.
            if decided.contains(&policy.provider()) {
                continue;
            }
            let of = |rule: &PolicyRule| {
                let admits = recovered(&rule.actions["selfServicePasswordReset"]);
                (About::Recovery, admits, format!("{PASSWORD} > {}", policy.name))
            };
            if self.walk(policy, groups, of, &mut found)? && policy.takes(groups) == Takes::All {
                decided.push(policy.provider());
            }
        }
        Ok(Listing::whole(found))
    }

    /// A policy's rules as far as people of the group get to them. Says whether nobody of it gets past.
    fn walk(
        &self,
        policy: &Policy,
        groups: &[String],
        read: impl Fn(&PolicyRule) -> (About, Option<Admits>, String),
        found: &mut Vec<Rule>,
    ) -> Result<bool, DirectoryError> {
        for rule in self.rules(policy)?.iter().filter(|rule| rule.takes(groups) != Takes::Nobody) {
            let state = state(&rule.status);
            let name = format!("{}, rule {}", policy.name, rule.name);
            if let (about, Some(admits), place) = read(rule) {
                found.push(Rule { policy: name, about, state, admits, place, leaves_out: Listing::default() });
            }
            if state == RuleState::On && rule.takes(groups) == Takes::All {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Policy {
    fn takes(&self, groups: &[String]) -> Takes {
        match &self.conditions {
            _ if self.system => Takes::All,
            Some(conditions) => conditions.takes(groups),
            None => Takes::All,
        }
    }

    /// Of which accounts it is, by where their passwords come from.
    fn provider(&self) -> String {
        let provider = self.conditions.as_ref().and_then(|conditions| conditions.others.get("authProvider"));
        provider.map(|provider| provider["provider"].to_string()).unwrap_or_default()
    }
}

impl PolicyRule {
    fn takes(&self, groups: &[String]) -> Takes {
        self.conditions.as_ref().map_or(Takes::All, |conditions| conditions.takes(groups))
    }
}

fn state(status: &str) -> RuleState {
    if status == "ACTIVE" { RuleState::On } else { RuleState::Off }
}

fn weaker(ways: Vec<String>) -> Admits {
    if ways.is_empty() { Admits::PhishingResistant } else { Admits::Weaker(ways) }
}

/// What an enrolment policy lets people have. A password is a matter of the sign-on policies.
fn enrolled(settings: &Settings) -> Admits {
    let allowed = |enroll: &Value| enroll["self"] != "NOT_ALLOWED";
    let keys = settings.authenticators.iter().filter(|one| one.key != "okta_password" && allowed(&one.enroll));
    let weak = keys.map(|one| CLASSES.method(&one.key, "")).filter(|method| method.class.is_weak());
    let mut ways: Vec<String> = weak.map(|method| method.name).collect();
    let classic = settings.factors.iter().filter(|(name, factor)| {
        !matches!(name.as_str(), "okta_password" | "fido_webauthn" | "fido_u2f") && allowed(&factor["enroll"])
    });
    ways.extend(classic.map(|(name, _)| name.clone()));
    weaker(ways)
}

/// What opens an application (`AccessPolicyRuleApplicationSignOn`).
fn admitted(sign_on: &Value) -> Option<Admits> {
    if sign_on["access"] == "DENY" {
        return Some(Admits::Nothing);
    }
    let method = &sign_on["verificationMethod"];
    Some(match method["type"].as_str() {
        Some("ASSURANCE") => by_assurance(method),
        Some("AUTH_METHOD_CHAIN") => {
            let chains = list(&method["chains"]);
            match !chains.is_empty() && chains.iter().all(resists) {
                true => Admits::PhishingResistant,
                false => Admits::Weaker(vec!["a chain of factors without one that resists phishing".into()]),
            }
        }
        other => {
            let kind = other.unwrap_or("no kind that is told");
            Admits::CannotTell(Untold::not_offered(format!("what a rule of {kind} lets in")))
        }
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// One constraint is enough to get in, so each has to demand it.
fn by_assurance(method: &Value) -> Admits {
    let constraints = list(&method["constraints"]);
    let demands = |constraint: &Value| {
        let possession = &constraint["possession"];
        let methods = list(&possession["authenticationMethods"]);
        possession["required"] != false
            && (possession["phishingResistant"] == "REQUIRED" || !methods.is_empty() && methods.iter().all(is_strong))
    };
    if !constraints.is_empty() && constraints.iter().all(demands) {
        return Admits::PhishingResistant;
    }
    let any = match (method["factorMode"].as_str(), constraints.is_empty()) {
        (Some("1FA"), true) => "any one factor",
        (Some("1FA"), false) => "one factor that need not resist phishing",
        (_, true) => "any two factors",
        (_, false) => "two factors of which none need resist phishing",
    };
    Admits::Weaker(vec![any.into()])
}

/// A method of an authenticator that resists phishing by itself.
fn is_strong(method: &Value) -> bool {
    method["phishingResistant"] == "REQUIRED"
        || matches!(
            (method["key"].as_str(), method["method"].as_str()),
            (Some("webauthn"), _) | (Some("okta_verify"), Some("signed_nonce")) | (Some("smart_card_idp"), _)
        )
}

/// A chain is as strong as its strongest step; a step is as weak as the weakest of its methods.
fn resists(chain: &Value) -> bool {
    let methods = list(&chain["authenticationMethods"]);
    let next = list(&chain["next"]);
    !methods.is_empty() && methods.iter().all(is_strong) || !next.is_empty() && next.iter().all(resists)
}

/// What resets a password (`SelfServicePasswordResetAction`). `None` where the account management policy decides, which is read by
/// itself.
fn recovered(reset: &Value) -> Option<Admits> {
    if reset["access"] != "ALLOW" {
        return Some(Admits::Nothing);
    }
    let requirement = &reset["requirement"];
    if requirement["accessControl"] == "AUTH_POLICY" {
        return None;
    }
    let names = list(&requirement["primary"]["methods"]).iter().filter_map(Value::as_str);
    let names: Vec<String> = names.map(|name| format!("password reset by {name}")).collect();
    // The Classic Engine has them in the policy's settings.
    Some(if names.is_empty() { Admits::Weaker(vec!["password reset".into()]) } else { Admits::Weaker(names) })
}

impl Policies for Okta {
    fn of_group(&self, group: &str) -> Result<Listing<Rule>, DirectoryError> {
        let mut rules = Listing::default();
        let mut groups = vec![self.group_id(group)?];
        match self.everybody()? {
            Told::Known(everyone) => groups.extend(everyone),
            Told::CannotTell(untold) => rules.untold.push(untold),
        }
        for listed in [self.enrolments(&groups)?, self.sign_on(&groups)?, self.recovery(&groups)?] {
            rules.extend(listed);
        }
        Ok(rules)
    }

    fn order(&self) -> RuleOrder {
        RuleOrder::First
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_resists_only_if_each_way_through_it_does() {
        let strong = json!({ "possession": { "phishingResistant": "REQUIRED", "required": true } });
        let weak = json!({ "knowledge": { "types": ["password"], "required": true } });
        let assurance = |constraints: &[&Value]| {
            let method = json!({ "type": "ASSURANCE", "factorMode": "2FA", "constraints": constraints });
            admitted(&json!({ "access": "ALLOW", "verificationMethod": method })).unwrap()
        };
        assert_eq!(assurance(&[&strong]), Admits::PhishingResistant);
        assert!(matches!(assurance(&[&strong, &weak]), Admits::Weaker(_)), "one is enough to get in");
        assert_eq!(assurance(&[]), Admits::Weaker(vec!["any two factors".into()]));
        let optional = json!({ "possession": { "phishingResistant": "REQUIRED", "required": false } });
        assert!(matches!(assurance(&[&optional]), Admits::Weaker(_)));

        let key = json!({ "key": "webauthn", "method": "webauthn" });
        let push = json!({ "key": "okta_verify", "method": "push" });
        let chain = |chains: Value| {
            admitted(
                &json!({ "access": "ALLOW", "verificationMethod": { "type": "AUTH_METHOD_CHAIN", "chains": chains } }),
            )
            .unwrap()
        };
        let password = json!({ "key": "okta_password", "method": "password" });
        let then = |next: &[&Value]| json!([{ "authenticationMethods": [password], "next": [{ "authenticationMethods": next }] }]);
        assert_eq!(chain(then(&[&key])), Admits::PhishingResistant);
        assert!(matches!(chain(then(&[&key, &push])), Admits::Weaker(_)));
        assert!(matches!(chain(json!([])), Admits::Weaker(_)));

        assert_eq!(admitted(&json!({ "access": "DENY" })), Some(Admits::Nothing));
        let proofing = json!({ "access": "ALLOW", "verificationMethod": { "type": "ID_PROOFING" } });
        assert!(matches!(admitted(&proofing), Some(Admits::CannotTell(_))));
    }

    #[test]
    fn whom_a_rule_takes_is_read_from_every_condition() {
        let groups = ["00gadmins".to_owned(), "00geveryone".to_owned()];
        let takes = |conditions: Value| serde_json::from_value::<Conditions>(conditions).unwrap().takes(&groups);
        let people = |groups: Value| json!({ "people": { "groups": groups } });
        assert!(takes(json!({})) == Takes::All);
        assert!(takes(people(json!({ "include": ["00gadmins"] }))) == Takes::All);
        assert!(takes(people(json!({ "include": ["00gother"] }))) == Takes::Nobody);
        assert!(takes(people(json!({ "include": ["00geveryone"], "exclude": ["00gadmins"] }))) == Takes::Nobody);
        assert!(takes(people(json!({ "include": [], "exclude": ["00gother"] }))) == Takes::Some);
        assert!(takes(json!({ "people": { "users": { "exclude": ["00u1"] } } })) == Takes::Some);
        let network =
            |connection: &str| json!({ "network": { "connection": connection }, "riskScore": { "level": "ANY" } });
        assert!(takes(network("ANYWHERE")) == Takes::All);
        assert!(takes(network("ZONE")) == Takes::Some);
        assert!(takes(json!({ "device": { "registered": true } })) == Takes::Some);
        assert!(takes(json!({ "elCondition": null, "userType": { "include": [], "exclude": [] } })) == Takes::All);
    }

    #[test]
    fn a_password_is_reset_by_what_the_rule_names() {
        let reset = |access: &str, control: &str, methods: Value| {
            recovered(&json!({
                "access": access, "requirement": { "accessControl": control, "primary": { "methods": methods } },
            }))
        };
        assert_eq!(reset("DENY", "LEGACY", json!(["sms"])), Some(Admits::Nothing));
        let sms = Admits::Weaker(vec!["password reset by sms".into()]);
        assert_eq!(reset("ALLOW", "LEGACY", json!(["sms"])), Some(sms));
        assert_eq!(reset("ALLOW", "AUTH_POLICY", json!([])), None);
    }
}
