//! What people may register, sign in with, and get back in by at PingOne.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | registration | the MFA policy of the settings | confirmed (OpenAPI) |
//! | sign-in | sign-on policies that an application uses, their actions, and the MFA policies that these name | confirmed (OpenAPI) |
//! | recovery | `recovery` of their login actions | confirmed (OpenAPI) |
//! | applications that a DaVinci flow signs in | `flowPolicyAssignments`; what a flow lets in is not told | confirmed (OpenAPI) |
//!
//! PingOne assigns policies to applications, not to groups; a group is at best a condition within an action. So every group is told the
//! same, and it refuses to call an action that has a condition one that everybody passes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::PingOne;
use crate::idp::capability;
use crate::idp::capability::applications::Applications;
use crate::idp::capability::policies::{About, Admits, Policies, Rule, RuleOrder, RuleState};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold};
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// What reading policies needs.
const NEEDS: &str = "the role Environment Admin or Configuration Read Only";

const MFA: &str = "Authentication > MFA";
const SIGN_ON: &str = "Authentication > Authentication";

/// Members of an MFA policy that resist phishing.
const RESISTANT: [&str; 3] = ["fido2", "securityKey", "platform"];

/// A page of anything, of which one member is the list.
#[derive(Deserialize)]
struct List {
    #[serde(rename = "_embedded")]
    embedded: Map<String, Value>,
}

/// `DeviceAuthenticationPolicy`.
#[derive(Deserialize)]
struct DevicePolicy {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    default: bool,
    #[serde(flatten)]
    members: Map<String, Value>,
}

/// `SignOnPolicy`.
#[derive(Deserialize)]
struct SignOnPolicy {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    default: bool,
}

/// `SignOnPolicyAction`, of any type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    #[serde(default)]
    priority: u32,
    #[serde(rename = "type")]
    kind: String,
    condition: Option<Value>,
    device_authentication_policy: Option<Reference>,
    /// `BYPASS`, `BLOCK`.
    no_devices_mode: Option<String>,
    recovery: Option<Recovery>,
}

#[derive(Deserialize)]
struct Recovery {
    #[serde(default)]
    enabled: bool,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
struct Application {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    sign_on_policy: Option<Reference>,
}

/// What an application is signed in to by.
enum SignsInBy {
    /// The ids of sign-on policies.
    Policies(Vec<String>),
    /// A DaVinci flow.
    Flow,
}

impl DevicePolicy {
    /// Kinds of devices that it lets in and that are weaker than a key; `new`: that may be registered.
    fn weak(&self, new: bool) -> Vec<String> {
        let on = |member: &&Value| member["enabled"] == true && !(new && member["pairingDisabled"] == true);
        let weak = self.members.iter().filter(|(name, member)| !RESISTANT.contains(&name.as_str()) && on(member));
        weak.map(|(name, _)| name.clone()).collect()
    }
}

fn weaker(ways: Vec<String>) -> Admits {
    if ways.is_empty() { Admits::PhishingResistant } else { Admits::Weaker(ways) }
}

/// What a sign-on policy lets in: MFA counts where nobody gets around it.
fn admitted(actions: &[Action], devices: &[DevicePolicy]) -> Admits {
    let foreign = actions.iter().find(|action| action.kind.starts_with("PINGID") || action.kind == "IDENTITY_PROVIDER");
    let Some(mfa) = actions.iter().find(|action| action.kind == "MULTI_FACTOR_AUTHENTICATION") else {
        return match foreign {
            Some(action) => Admits::CannotTell(Untold::not_offered(format!("what {} lets in", action.kind))),
            None => Admits::Weaker(vec!["a password".into()]),
        };
    };
    let mut ways = Vec::new();
    if mfa.condition.is_some() {
        ways.push("a password, where the condition of MFA does not fit".to_owned());
    }
    if mfa.no_devices_mode.as_deref() == Some("BYPASS") {
        ways.push("no device, where the account has none".to_owned());
    }
    let named = mfa.device_authentication_policy.as_ref().map(|policy| policy.id.as_str());
    let policy = match named {
        Some(id) => devices.iter().find(|one| one.id == id),
        None => devices.iter().find(|one| one.default),
    };
    match policy {
        Some(policy) => ways.extend(policy.weak(false)),
        None => return Admits::CannotTell(Untold::not_offered("which devices its MFA policy lets in")),
    }
    weaker(ways)
}

impl PingOne {
    /// The whole of a list, which PingOne gives on one page for configurations.
    fn list<T: serde::de::DeserializeOwned>(&self, path: &str, member: &str) -> Result<Vec<T>, DirectoryError> {
        let mut list: List = self.get(path, path.trim_start_matches('/'))?.json()?;
        let list = list.embedded.remove(member).unwrap_or(Value::Array(Vec::new()));
        serde_json::from_value(list).map_err(|error| self.session.idp().invalid_response(error.to_string()))
    }

    /// The applications that people sign in to, with what by.
    fn applications_in_use(&self, default: Option<&str>) -> Result<Vec<(Application, SignsInBy)>, DirectoryError> {
        let applications: Vec<Application> = self.list("/applications", "applications")?;
        let mut all = Vec::new();
        // Workers sign in as themselves.
        for one in applications.into_iter().filter(|one| one.enabled != Some(false) && one.kind != "WORKER") {
            let at = format!("/applications/{}", segment(&one.id));
            let flows: Vec<Value> = self.list(&format!("{at}/flowPolicyAssignments"), "flowPolicyAssignments")?;
            if !flows.is_empty() {
                all.push((one, SignsInBy::Flow));
                continue;
            }
            let assigned: Vec<Assignment> =
                self.list(&format!("{at}/signOnPolicyAssignments"), "signOnPolicyAssignments")?;
            let ids: Vec<String> = assigned.into_iter().filter_map(|one| Some(one.sign_on_policy?.id)).collect();
            let ids = if ids.is_empty() { default.map(str::to_owned).into_iter().collect() } else { ids };
            all.push((one, SignsInBy::Policies(ids)));
        }
        Ok(all)
    }

    /// Each application with its rules; one of a flow has a rule that cannot be told.
    fn guarded(&self, devices: &[DevicePolicy]) -> Result<Vec<(Application, Vec<Rule>)>, DirectoryError> {
        let policies: Vec<SignOnPolicy> = self.list("/signOnPolicies", "signOnPolicies")?;
        let default = policies.iter().find(|policy| policy.default).map(|policy| policy.id.as_str());
        let mut known: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
        let mut all = Vec::new();
        for (application, by) in self.applications_in_use(default)? {
            let mut rules = Vec::new();
            match by {
                SignsInBy::Flow => {
                    let admits = Admits::CannotTell(Untold::not_offered("what a DaVinci flow lets in"));
                    rules.push(on(format!("the DaVinci flow of {}", application.name), About::SignIn, admits));
                }
                SignsInBy::Policies(ids) => {
                    for policy in policies.iter().filter(|policy| ids.contains(&policy.id)) {
                        if !known.contains_key(&policy.id) {
                            known.insert(policy.id.clone(), self.rules_of(policy, devices)?);
                        }
                        rules.extend(known[&policy.id].iter().cloned());
                    }
                }
            }
            all.push((application, rules));
        }
        Ok(all)
    }

    fn rules_of(&self, policy: &SignOnPolicy, devices: &[DevicePolicy]) -> Result<Vec<Rule>, DirectoryError> {
        let path = format!("/signOnPolicies/{}/actions", segment(&policy.id));
        let mut actions: Vec<Action> = self.list(&path, "actions")?;
        actions.sort_by_key(|action| action.priority);
        let mut rules = Vec::new();
        if actions.iter().any(|action| action.recovery.as_ref().is_some_and(|recovery| recovery.enabled)) {
            let admits = Admits::Weaker(vec!["password recovery by e-mail or SMS".into()]);
            rules.push(on(policy.name.clone(), About::Recovery, admits));
        }
        rules.push(on(policy.name.clone(), About::SignIn, admitted(&actions, devices)));
        Ok(rules)
    }

    /// The rules of every policy that is used, each once, with the applications that use it.
    fn sign_on(&self, devices: &[DevicePolicy]) -> Result<Vec<Rule>, DirectoryError> {
        let mut rules: Vec<(Rule, Vec<String>)> = Vec::new();
        for (application, of_it) in self.guarded(devices)? {
            for rule in of_it {
                match rules.iter_mut().find(|(other, _)| *other == rule) {
                    Some((_, names)) => names.push(application.name.clone()),
                    None => rules.push((rule, vec![application.name.clone()])),
                }
            }
        }
        let named = |(rule, names): (Rule, Vec<String>)| {
            let policy = if rule.policy.starts_with("the DaVinci flow of") {
                rule.policy
            } else {
                format!("{}, for {}", rule.policy, names.join(", "))
            };
            Rule { policy, ..rule }
        };
        Ok(rules.into_iter().map(named).collect())
    }

    fn device_policies(&self) -> Result<Told<Vec<DevicePolicy>>, DirectoryError> {
        let asked = self.list::<DevicePolicy>("/deviceAuthenticationPolicies", "deviceAuthenticationPolicies");
        Told::from_answer("the MFA policies", NEEDS, asked)
    }
}

fn on(policy: String, about: About, admits: Admits) -> Rule {
    Rule { policy, about, state: RuleState::On, admits, place: SIGN_ON.into(), leaves_out: Listing::default() }
}

impl Applications for PingOne {
    fn applications(&self, _after: Option<&Cursor>) -> Result<Page<capability::Application>, DirectoryError> {
        let devices = match self.device_policies()? {
            Told::Known(devices) => devices,
            Told::CannotTell(untold) => return Ok(Page::only(Listing::untold(untold))),
        };
        let told = Told::from_answer("the applications", NEEDS, self.guarded(&devices))?;
        let application = |(one, mut rules): (Application, Vec<Rule>)| {
            rules.retain(|rule| rule.about == About::SignIn);
            capability::Application { id: one.id, name: one.name, legacy: false, rules: Listing::whole(rules) }
        };
        Ok(Page::only(Listing::of(told.map(|all| all.into_iter().map(application).collect()))))
    }
}

impl Policies for PingOne {
    fn of_group(&self, group: &str) -> Result<Listing<Rule>, DirectoryError> {
        // That there is such a group, though it decides nothing.
        self.group_id(group)?;
        let devices = match self.device_policies()? {
            Told::Known(devices) => devices,
            Told::CannotTell(untold) => return Ok(Listing::untold(untold)),
        };
        let mut rules = Listing::default();
        if let Some(policy) = devices.iter().find(|policy| policy.id == self.policy) {
            rules.found.push(Rule {
                policy: policy.name.clone(),
                about: About::Registration,
                state: RuleState::On,
                admits: weaker(policy.weak(true)),
                place: MFA.into(),
                leaves_out: Listing::default(),
            });
        }
        rules.take(Told::from_answer("the sign-on policies", NEEDS, self.sign_on(&devices))?);
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
    fn mfa_counts_where_nobody_gets_around_it() {
        let devices: Vec<DevicePolicy> = serde_json::from_value(json!([
            { "id": "keys", "name": "Keys", "fido2": { "enabled": true }, "sms": { "enabled": false }, "rememberMe": { "web": { "enabled": true } } },
            { "id": "any", "name": "Any", "default": true, "fido2": { "enabled": true }, "sms": { "enabled": true, "pairingDisabled": true } },
        ]))
        .unwrap();
        let admits = |actions: Value| {
            let actions: Vec<Action> = serde_json::from_value(actions).unwrap();
            admitted(&actions, &devices)
        };
        let mfa = |more: Value| {
            let mut mfa = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 2, "deviceAuthenticationPolicy": { "id": "keys" } });
            more.as_object().unwrap().iter().for_each(|(name, value)| mfa[name] = value.clone());
            json!([{ "type": "LOGIN", "priority": 1 }, mfa])
        };
        assert_eq!(admits(mfa(json!({}))), Admits::PhishingResistant);
        assert_eq!(
            admits(mfa(json!({ "deviceAuthenticationPolicy": { "id": "any" } }))),
            Admits::Weaker(vec!["sms".into()])
        );
        for more in [json!({ "condition": { "ipRange": [] } }), json!({ "noDevicesMode": "BYPASS" })] {
            assert!(matches!(admits(mfa(more)), Admits::Weaker(_)));
        }
        assert_eq!(admits(json!([{ "type": "LOGIN", "priority": 1 }])), Admits::Weaker(vec!["a password".into()]));
        assert!(matches!(admits(json!([{ "type": "IDENTITY_PROVIDER", "priority": 1 }])), Admits::CannotTell(_)));
        assert!(matches!(
            admits(mfa(json!({ "deviceAuthenticationPolicy": { "id": "gone" } }))),
            Admits::CannotTell(_)
        ));
        assert_eq!(
            (devices[1].weak(false).len(), devices[1].weak(true).len()),
            (1, 0),
            "no new ones, but old ones open"
        );
    }
}
