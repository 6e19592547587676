//! What the people of an Entra group may register, sign in with, and get back in by.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | methods | `policies/authenticationMethodsPolicy`: each method's targets, migration, registration campaign | confirmed (CSDL) |
//! | sign-in | `identity/conditionalAccess/policies`, with the combinations of their strengths | confirmed (CSDL) |
//! | security defaults | `policies/identitySecurityDefaultsEnforcementPolicy` | confirmed (CSDL) |
//! | recovery | whether and by what a password is reset is in no request; what the methods' policy shuts is no way | confirmed (absence) |
//!
//! Every Conditional Access policy that fits has to be satisfied, so a strict one that covers every sign-in shuts what others let in. One
//! that is about a part of them (an application, a place, a risk) is told as letting in anything in the rest; and where none covers every
//! sign-in, that is told as a rule of its own. It refuses to judge policies of roles and of single people: they are not the group's.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Entra;
use super::classes::CLASSES;
use super::graph::{Permission, untold};
use crate::idp::capability::people::{People as _, Person};
use crate::idp::capability::policies::{About, Admits, Policies, Rule, RuleOrder, RuleState};
use crate::idp::capability::told::{Listing, Told, Untold, walk};
use crate::idp::directory::Directory as _;
use crate::idp::error::DirectoryError;

const METHODS: &str = "Entra admin center > Authentication methods > Policies";
const CAMPAIGN: &str = "Entra admin center > Authentication methods > Registration campaign";
const ACCESS: &str = "Entra admin center > Conditional Access > Policies";
const DEFAULTS: &str = "Entra admin center > Overview > Properties > Manage security defaults";

/// The group that everybody is in.
const EVERYBODY: &str = "all_users";

/// Combinations of which one is enough and all resist phishing (`authenticationMethodModes`).
const RESISTANT: [&str; 3] = ["fido2", "windowsHelloForBusiness", "x509CertificateMultiFactor"];

/// `authenticationMethodsPolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MethodsPolicy {
    policy_migration_state: Option<String>,
    registration_enforcement: Option<Value>,
    #[serde(default)]
    authentication_method_configurations: Vec<Configuration>,
}

/// `authenticationMethodConfiguration`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    #[serde(default)]
    id: String,
    /// Of external methods, whose ids are GUIDs.
    display_name: Option<String>,
    state: Option<String>,
    include_targets: Option<Vec<Target>>,
    exclude_targets: Option<Vec<Target>>,
}

#[derive(Deserialize)]
struct Target {
    id: Option<String>,
}

/// `conditionalAccessPolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessPolicy {
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    state: String,
    conditions: Option<Conditions>,
    grant_controls: Option<GrantControls>,
}

/// `conditionalAccessConditionSet`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conditions {
    users: Option<Users>,
    applications: Option<Applications>,
    client_app_types: Option<Vec<String>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// `conditionalAccessUsers`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Users {
    include_users: Vec<String>,
    include_groups: Vec<String>,
    exclude_users: Vec<String>,
    exclude_groups: Vec<String>,
    exclude_roles: Vec<String>,
}

/// `conditionalAccessApplications`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Applications {
    include_applications: Vec<String>,
    exclude_applications: Vec<String>,
    include_user_actions: Vec<String>,
    include_authentication_context_class_references: Vec<String>,
    application_filter: Option<Value>,
}

/// `conditionalAccessGrantControls`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GrantControls {
    operator: Option<String>,
    built_in_controls: Vec<String>,
    custom_authentication_factors: Vec<String>,
    terms_of_use: Vec<String>,
    authentication_strength: Option<Strength>,
}

/// `authenticationStrengthPolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Strength {
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    allowed_combinations: Vec<String>,
}

/// `identitySecurityDefaultsEnforcementPolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecurityDefaults {
    is_enabled: bool,
}

fn names(targets: Option<&Vec<Target>>, groups: &[String]) -> bool {
    let mut ids = targets.into_iter().flatten().filter_map(|target| target.id.as_deref());
    ids.any(|id| id == EVERYBODY || groups.iter().any(|group| group == id))
}

impl Configuration {
    fn is_on_for(&self, groups: &[String]) -> bool {
        self.state.as_deref() == Some("enabled")
            && names(self.include_targets.as_ref(), groups)
            && !names(self.exclude_targets.as_ref(), groups)
    }

    /// What it is called, if it is weaker than a key. A pass is made by an administrator, and is no way by itself.
    fn weak(&self) -> Option<String> {
        let kind = match self.id.as_str() {
            "Sms" | "Voice" => return Some(self.id.to_lowercase()),
            "TemporaryAccessPass" => return None,
            "MicrosoftAuthenticator" => "microsoftAuthenticator",
            "QRCodePin" => "qrCodePin",
            other => other,
        };
        let method = CLASSES.method(kind, "");
        method.class.is_weak().then(|| self.display_name.clone().unwrap_or(method.name))
    }
}

/// What the policy for methods lets the group have.
fn of_methods(policy: &MethodsPolicy, groups: &[String]) -> Vec<Rule> {
    let rule = |name: &str, about, admits, place: &str| Rule {
        policy: name.into(),
        about,
        state: RuleState::On,
        admits,
        place: place.into(),
        leaves_out: Listing::default(),
    };
    let on = || policy.authentication_method_configurations.iter().filter(|one| one.is_on_for(groups));
    let weak: Vec<String> = on().filter_map(Configuration::weak).collect();
    let admits = match (on().next().is_some(), weak.is_empty()) {
        (false, _) => Admits::Nothing,
        (true, true) => Admits::PhishingResistant,
        (true, false) => Admits::Weaker(weak.clone()),
    };
    let mut rules = vec![rule("Authentication methods", About::Registration, admits, METHODS)];
    let migrated = policy.policy_migration_state.as_deref() == Some("migrationComplete");
    if !migrated {
        let untold = Untold {
            needs: "the migration to this policy completed".into(),
            ..Untold::not_offered("what the older policies for MFA and password reset let in besides")
        };
        let place = format!("{METHODS} > Manage migration");
        rules.push(rule(
            "older policies for MFA and password reset",
            About::Registration,
            Admits::CannotTell(untold),
            &place,
        ));
    }
    if !migrated || !weak.is_empty() {
        let untold = Untold::not_offered("whether a password is reset by something weak");
        rules.push(rule(
            "Password reset",
            About::Recovery,
            Admits::CannotTell(untold),
            "Entra admin center > Password reset",
        ));
    }
    let campaign =
        policy.registration_enforcement.as_ref().map(|all| &all["authenticationMethodsRegistrationCampaign"]);
    if let Some(campaign) = campaign.filter(|campaign| campaign["state"] == "enabled") {
        let ids = |list: &str| {
            let targets = campaign[list].as_array().into_iter().flatten();
            let mut ids = targets.filter(|target| target["targetedAuthenticationMethod"] != "fido2");
            ids.any(|target| target["id"] == EVERYBODY || groups.iter().any(|group| target["id"] == group.as_str()))
        };
        if ids("includeTargets") && !ids("excludeTargets") {
            let admits = Admits::Weaker(vec!["Microsoft Authenticator, which people are asked to set up".into()]);
            rules.push(rule("Registration campaign", About::Registration, admits, CAMPAIGN));
        }
    }
    rules
}

/// What a Conditional Access policy has to do with a group.
struct Covered {
    rule: Rule,
    /// Whether it is about every sign-in of the group.
    whole: bool,
    /// Groups whose members it leaves out; who that is, only Entra knows.
    excluded_groups: Vec<String>,
}

impl AccessPolicy {
    /// `None` if it is not about the group, or lets everybody in as they come.
    fn of_group(&self, groups: &[String]) -> Option<Covered> {
        let anyone = Conditions::default();
        let conditions = self.conditions.as_ref().unwrap_or(&anyone);
        let users = conditions.users.as_ref()?;
        let has = |list: &[String]| list.iter().any(|id| groups.contains(id));
        let included = users.include_users.iter().any(|id| id == "All") || has(&users.include_groups);
        if !included || has(&users.exclude_groups) {
            return None;
        }
        let admits = self.grant_controls.as_ref()?.admits()?;
        let registers = conditions.registers();
        let narrow = conditions.narrow();
        let out = users.exclude_users.len() + users.exclude_groups.len() + users.exclude_roles.len();
        let mut name = self.display_name.clone();
        if !narrow.is_empty() {
            name.push_str(&format!(" (only {})", narrow.join(", ")));
        }
        if out > 0 {
            name.push_str(&format!(" (not for {out} users, groups or roles that it leaves out)"));
        }
        let state = self.state();
        let about = if registers { About::Registration } else { About::SignIn };
        let admits = match admits {
            // However strict it is: the rest is open.
            Admits::PhishingResistant if !narrow.is_empty() && !registers => {
                Admits::Weaker(vec!["anything, in sign-ins that it is not about".into()])
            }
            admits => admits,
        };
        let rule = Rule { policy: name, about, state, admits, place: ACCESS.into(), leaves_out: users.leaves_out() };
        let excluded_groups = users.exclude_groups.clone();
        Some(Covered { rule, whole: narrow.is_empty() && !registers, excluded_groups })
    }
}

impl AccessPolicy {
    /// What it lets in to one application; `None` if it is not about it.
    pub(super) fn of_application(&self, app_id: &str) -> Option<Rule> {
        let conditions = self.conditions.as_ref()?;
        let (users, applications) = (conditions.users.as_ref()?, conditions.applications.as_ref()?);
        let has = |list: &[String], id: &str| list.iter().any(|one| one == id);
        let is_in = has(&applications.include_applications, "All") || has(&applications.include_applications, app_id);
        let filtered = applications.application_filter.as_ref().is_some_and(|filter| !filter.is_null());
        if !is_in && !filtered || has(&applications.exclude_applications, app_id) {
            return None;
        }
        let admits = self.grant_controls.as_ref()?.admits()?;
        let everybody =
            has(&users.include_users, "All") && users.exclude_groups.is_empty() && users.exclude_roles.is_empty();
        let mut narrow = conditions.narrow_but_applications();
        if filtered {
            narrow.push("applications that a filter names".into());
        }
        if !everybody {
            narrow.push("for some people".into());
        }
        let mut policy = self.display_name.clone();
        let admits = match admits {
            Admits::PhishingResistant | Admits::Nothing if !narrow.is_empty() => {
                Admits::Weaker(vec!["anything, in sign-ins that it is not about".into()])
            }
            admits => admits,
        };
        if !narrow.is_empty() {
            policy.push_str(&format!(" (only {})", narrow.join(", ")));
        }
        Some(Rule {
            policy,
            about: About::SignIn,
            state: self.state(),
            admits,
            place: ACCESS.into(),
            leaves_out: Listing::default(),
        })
    }

    /// What it lets in where Entra itself judged whether it is about a sign-in. `None`: it demands nothing of how somebody signs in.
    pub(super) fn tried(&self) -> Option<Rule> {
        Some(Rule {
            policy: self.display_name.clone(),
            about: About::SignIn,
            state: self.state(),
            admits: self.grant_controls.as_ref()?.admits()?,
            place: ACCESS.into(),
            leaves_out: Listing::default(),
        })
    }

    pub(super) fn is_report_only(&self) -> bool {
        self.state() == RuleState::ReportOnly
    }

    fn state(&self) -> RuleState {
        match self.state.as_str() {
            "enabled" => RuleState::On,
            "enabledForReportingButNotEnforced" => RuleState::ReportOnly,
            _ => RuleState::Off,
        }
    }
}

impl Users {
    /// Single people that are left out, and what names people in another way.
    fn leaves_out(&self) -> Listing<String> {
        let is_word = |id: &&String| id.as_str() == "GuestsOrExternalUsers";
        let mut out = Listing::whole(self.exclude_users.iter().filter(|id| !is_word(id)).cloned().collect());
        if self.exclude_users.iter().any(|id| is_word(&id)) {
            out.untold.push(Untold::not_offered("which people a policy leaves out as guests"));
        }
        if !self.exclude_roles.is_empty() {
            out.untold.push(Untold::not_offered("which people a policy leaves out by their roles"));
        }
        out
    }
}

impl Conditions {
    fn registers(&self) -> bool {
        let actions = self.applications.iter().flat_map(|applications| &applications.include_user_actions);
        actions.into_iter().any(|action| action == "urn:user:registersecurityinfo")
    }

    /// What it is only about, in words; nothing if it is about every sign-in.
    fn narrow(&self) -> Vec<String> {
        let mut narrow = Vec::new();
        match &self.applications {
            Some(applications) if applications.include_applications.iter().any(|id| id == "All") => {
                if !applications.exclude_applications.is_empty() {
                    narrow.push(format!("all applications but {}", applications.exclude_applications.len()));
                }
                if applications.application_filter.as_ref().is_some_and(|filter| !filter.is_null()) {
                    narrow.push("applications that a filter names".into());
                }
            }
            Some(applications) if !applications.include_user_actions.is_empty() => {}
            Some(applications) if !applications.include_authentication_context_class_references.is_empty() => {
                narrow.push("authentication contexts".into());
            }
            Some(applications) => narrow.push(format!("{} applications", applications.include_applications.len())),
            None => narrow.push("no application that is told".into()),
        }
        narrow.extend(self.narrow_but_applications());
        narrow
    }

    /// The same, as far as it is not about applications.
    fn narrow_but_applications(&self) -> Vec<String> {
        let mut narrow = Vec::new();
        let clients = self.client_app_types.as_deref().unwrap_or_default();
        if !clients.is_empty() && !clients.iter().any(|client| client == "all") {
            narrow.push(clients.join(" and "));
        }
        let is_set = |value: &Value| match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(members) => members.values().any(|member| !member.is_null()),
            _ => true,
        };
        let others = self.others.iter().filter(|(name, value)| !name.contains('@') && is_set(value));
        narrow.extend(others.map(|(name, _)| format!("where {name} fits")));
        narrow
    }
}

impl GrantControls {
    /// `None`: it demands nothing of how somebody signs in.
    fn admits(&self) -> Option<Admits> {
        if self.built_in_controls.iter().any(|control| control == "block") {
            return Some(Admits::Nothing);
        }
        let word = |control: &String| match control.as_str() {
            "mfa" => "any multifactor authentication".to_owned(),
            "compliantDevice" | "domainJoinedDevice" => "a password on a managed device".to_owned(),
            other => other.to_owned(),
        };
        let mut weak: Vec<String> = self.built_in_controls.iter().map(word).collect();
        weak.extend(self.custom_authentication_factors.iter().cloned());
        weak.extend(self.terms_of_use.iter().map(|_| "accepted terms of use".to_owned()));
        let strength = self.authentication_strength.as_ref();
        let resists = strength.is_some_and(Strength::resists);
        if let Some(strength) = strength.filter(|strength| !strength.resists()) {
            weak.push(format!("strength \"{}\"", strength.display_name));
        }
        match (resists, self.operator.as_deref()) {
            // What else it demands comes on top.
            (true, Some("AND")) => Some(Admits::PhishingResistant),
            (true, _) if weak.is_empty() => Some(Admits::PhishingResistant),
            (false, _) if weak.is_empty() => None,
            _ => Some(Admits::Weaker(weak)),
        }
    }
}

impl Strength {
    fn resists(&self) -> bool {
        let combinations = &self.allowed_combinations;
        !combinations.is_empty() && combinations.iter().all(|one| RESISTANT.contains(&one.as_str()))
    }
}

/// What all policies for sign-in together let in.
fn of_access(policies: &[AccessPolicy], groups: &[String]) -> Vec<Covered> {
    let mut covered: Vec<Covered> = policies.iter().filter_map(|policy| policy.of_group(groups)).collect();
    let is_covered = covered.iter().any(|one| one.whole && one.rule.state == RuleState::On);
    if !is_covered {
        let rule = Rule {
            policy: "sign-ins that no Conditional Access policy is about".into(),
            about: About::SignIn,
            state: RuleState::On,
            admits: Admits::Weaker(vec!["a password".into()]),
            place: ACCESS.into(),
            leaves_out: Listing::default(),
        };
        covered.push(Covered { rule, whole: false, excluded_groups: Vec::new() });
    }
    covered
}

impl Entra {
    /// One object, or what keeps it back.
    fn asked<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        permission: Permission,
    ) -> Result<Told<T>, DirectoryError> {
        let call = self.graph.call(ureq::http::Method::GET, path);
        match self.graph.send(call, what, permission) {
            Ok(reply) => Ok(Told::Known(reply.json()?)),
            Err(error) => untold(what, permission, error).map(Told::CannotTell),
        }
    }
}

impl Entra {
    /// The ids of a group's members; nobody's, if the group was deleted.
    fn ids_in(&self, group: &str) -> Result<Listing<String>, DirectoryError> {
        let mut ids = Listing::default();
        let walked = walk(
            self.name(),
            |after| self.members(group, after),
            |Listing { found, untold }| {
                let found = found.into_iter().map(|person: Person| person.user.id).collect();
                ids.extend(Listing { found, untold });
                ControlFlow::Continue(())
            },
        );
        match walked {
            Ok(()) | Err(DirectoryError::NotFound { .. }) => Ok(ids),
            Err(error) => Err(error),
        }
    }
}

impl Policies for Entra {
    fn of_group(&self, group: &str) -> Result<Listing<Rule>, DirectoryError> {
        let mut rules = Listing::default();
        let id = self.group_id(group)?;
        let groups = match self.with_parents(&id)? {
            Told::Known(groups) => groups,
            Told::CannotTell(untold) => {
                rules.untold.push(untold);
                vec![id]
            }
        };
        let path = "/v1.0/policies/authenticationMethodsPolicy";
        let methods =
            self.asked::<MethodsPolicy>(path, "the policy for authentication methods", Permission::READ_POLICY)?;
        rules.take(methods.map(|policy| of_methods(&policy, &groups)));
        let path = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy";
        let defaults = self.asked::<SecurityDefaults>(path, "security defaults", Permission::READ_POLICIES)?;
        if defaults.known().is_some_and(|defaults| defaults.is_enabled) {
            // Then there is no Conditional Access.
            rules.found.push(Rule {
                policy: "Security defaults".into(),
                about: About::SignIn,
                state: RuleState::On,
                admits: Admits::Weaker(vec!["any multifactor authentication".into()]),
                place: DEFAULTS.into(),
                leaves_out: Listing::default(),
            });
            return Ok(rules);
        }
        rules.untold.extend(defaults.untold());
        let what = "Conditional Access policies";
        let path = "/v1.0/identity/conditionalAccess/policies";
        match self.graph.collection::<AccessPolicy>(path, what, Permission::READ_ACCESS) {
            Ok(policies) => {
                for Covered { mut rule, excluded_groups, .. } in of_access(&policies, &groups) {
                    // Who is left out of what lets in weaker ways anyhow is nobody's question.
                    let excluded_groups = if rule.is_strict() { excluded_groups } else { Vec::new() };
                    for group in &excluded_groups {
                        rule.leaves_out.extend(self.ids_in(group)?);
                    }
                    rules.found.push(rule);
                }
            }
            Err(error) => rules.untold.push(untold(what, Permission::READ_ACCESS, error)?),
        }
        Ok(rules)
    }

    fn order(&self) -> RuleOrder {
        RuleOrder::Every
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(grant: Value, applications: Value, state: &str) -> AccessPolicy {
        let users = json!({ "includeUsers": [], "includeGroups": ["g"], "excludeUsers": ["breakglass"] });
        serde_json::from_value(json!({
            "displayName": "P", "state": state, "grantControls": grant,
            "conditions": {
                "users": users, "applications": applications, "clientAppTypes": ["all"], "platforms": null, "userRiskLevels": [],
            },
        }))
        .unwrap()
    }

    fn strength(operator: &str, combinations: &[&str], controls: &[&str]) -> Value {
        json!({
            "operator": operator, "builtInControls": controls,
            "authenticationStrength": { "displayName": "S", "allowedCombinations": combinations },
        })
    }

    fn all() -> Value {
        json!({ "includeApplications": ["All"], "excludeApplications": [] })
    }

    fn admits(policies: &[AccessPolicy]) -> Vec<Admits> {
        of_access(policies, &["g".to_owned()]).into_iter().map(|one| one.rule.admits).collect()
    }

    #[test]
    fn a_policy_of_a_part_leaves_the_rest_open() {
        let keys = || policy(strength("OR", &["fido2"], &[]), all(), "enabled");
        let mfa = || policy(json!({ "operator": "OR", "builtInControls": ["mfa"] }), all(), "enabled");
        let [Admits::Weaker(_), Admits::PhishingResistant] = &admits(&[mfa(), keys()])[..] else {
            panic!("both are told")
        };
        let one_app = policy(strength("OR", &["fido2"], &[]), json!({ "includeApplications": ["a"] }), "enabled");
        let [Admits::Weaker(part), Admits::Weaker(rest)] = &admits(&[one_app])[..] else { panic!("the rest is open") };
        assert!(part[0].starts_with("anything") && rest == &["a password".to_owned()]);
        let reported = policy(strength("OR", &["fido2"], &[]), all(), "enabledForReportingButNotEnforced");
        assert_eq!(admits(&[reported]).len(), 2, "it stops nobody");
        assert_eq!(admits(&[]).len(), 1);
    }

    #[test]
    fn whom_a_policy_leaves_out_is_told() {
        let mut keys = policy(strength("OR", &["fido2"], &[]), all(), "enabled");
        let users = keys.conditions.as_mut().unwrap().users.as_mut().unwrap();
        users.exclude_groups = vec!["h".into()];
        let of_group = |keys: &AccessPolicy| keys.of_group(&["g".to_owned()]).unwrap();
        let told = of_group(&keys);
        assert_eq!(told.rule.leaves_out, Listing::whole(vec!["breakglass".to_owned()]));
        assert_eq!(told.excluded_groups, ["h"]);
        let users = keys.conditions.as_mut().unwrap().users.as_mut().unwrap();
        users.exclude_roles = vec!["role".into()];
        assert!(!of_group(&keys).rule.leaves_out.is_whole());
    }

    #[test]
    fn a_strength_that_something_else_replaces_is_none() {
        let one = |grant| match &admits(&[policy(grant, all(), "enabled")])[..] {
            [one] => one.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(one(strength("AND", &["fido2"], &["compliantDevice"])), Admits::PhishingResistant);
        assert!(matches!(one(strength("OR", &["fido2"], &["compliantDevice"])), Admits::Weaker(_)));
        assert!(matches!(one(strength("OR", &["fido2", "password,sms"], &[])), Admits::Weaker(_)));
        assert!(matches!(one(strength("OR", &[], &[])), Admits::Weaker(_)));
        assert_eq!(one(json!({ "operator": "OR", "builtInControls": ["block"] })), Admits::Nothing);
        // Session controls alone are no gate.
        assert_eq!(one(Value::Null), Admits::Weaker(vec!["a password".into()]));
    }

    #[test]
    fn a_condition_that_is_set_leaves_the_rest_open() {
        let with = |name: &str, value: Value| {
            let mut policy = policy(strength("OR", &["fido2"], &[]), all(), "enabled");
            policy.conditions.as_mut().unwrap().others.insert(name.into(), value);
            admits(&[policy]).len()
        };
        assert_eq!(with("locations", json!({ "includeLocations": ["All"] })), 2);
        assert_eq!(with("signInRiskLevels", json!(["high"])), 2);
        assert_eq!(with("signInRiskLevels", json!([])), 1);
    }
}
