//! What the people of a privacyIDEA realm may enrol, and get in by (as run and as its `lib/policy.py` has it: 3.14).
//!
//! | scope | what it may let in |
//! |---|---|
//! | authentication | `passthru`, `passthru_assign`, `passOnNoToken`, `passOnNoUser`: people without a token; `disabled_token_types` shuts types out |
//! | authorization | `tokentype`: only these types |
//! | webui | `login_mode`: by what one signs in to the server's own page; a password, unless it is set |
//! | user | `enroll...`: what a person may enrol there; everything, where no policy is of this scope |
//!
//! A policy for single users, or with conditions, is told with that; it refuses to count one that closes something for the whole realm.
//! There is no password reset of its own.

use serde_json::Value;
use ureq::http::Method;

use super::PrivacyIdea;
use super::classes::{CLASSES, NO_SIGN_IN};
use super::people::Group;
use super::wire::Policy;
use crate::idp::capability::policies::{About, Admits, Policies, Rule, RuleOrder, RuleState};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::error::DirectoryError;

pub(super) const POLICYREAD: &str = "the right policyread (Config > Policies, scope admin)";

/// Ways around tokens, and in words.
pub(super) const AROUND: [(&str, &str); 4] = [
    ("passthru", "the resolver's password, where a person has no token"),
    ("passthru_assign", "the resolver's password, where a person has no token"),
    ("passOnNoToken", "anything, where a person has no token"),
    ("passOnNoUser", "anything, where a person is not known"),
];

fn rule(policy: impl Into<String>, about: About, admits: Admits, scope: &str) -> Rule {
    let place = format!("Config > Policies, scope {scope}");
    Rule { policy: policy.into(), about, state: RuleState::On, admits, place, leaves_out: Listing::default() }
}

fn weaker(ways: Vec<String>) -> Admits {
    if ways.is_empty() { Admits::PhishingResistant } else { Admits::Weaker(ways) }
}

fn is_weak(kind: &&str) -> bool {
    !NO_SIGN_IN.contains(kind) && CLASSES.method(kind, "").class.is_weak()
}

fn words(value: &Value) -> Vec<&str> {
    value.as_str().unwrap_or_default().split_whitespace().collect()
}

/// An action that is switched on. Some have a value.
fn is_on(value: &Value) -> bool {
    !(value.is_null() || *value == false || value == "" || value == "False" || value == "false")
}

/// `closes`: whether a policy is about all of whom the question is.
pub(super) fn of_sign_in(policies: &[&Policy], closes: impl Fn(&Policy) -> bool) -> Vec<Rule> {
    let mut rules = Vec::new();
    let of = |scope: &'static str| policies.iter().filter(move |policy| policy.scope == scope);
    for policy in of("authentication") {
        let ways = AROUND.iter().filter(|(action, _)| is_on(&policy.action[*action]));
        let ways: Vec<String> = ways.map(|(action, words)| format!("{words} ({action})")).collect();
        if !ways.is_empty() {
            rules.push(rule(policy.words(), About::SignIn, Admits::Weaker(ways), "authentication"));
        }
    }
    let whole = |policy: &&&Policy| closes(policy);
    let only = of("authorization").filter(whole).find(|policy| is_on(&policy.action["tokentype"]));
    let shut = of("authentication").filter(whole).flat_map(|policy| words(&policy.action["disabled_token_types"]));
    let shut: Vec<&str> = shut.collect();
    let is_open = |kind: &&str| is_weak(kind) && !shut.contains(kind);
    let open: Vec<String> = match only {
        Some(policy) => words(&policy.action["tokentype"]).into_iter().filter(is_open).map(str::to_owned).collect(),
        None => CLASSES.0.iter().map(|line| line.kind).filter(is_open).map(str::to_owned).collect(),
    };
    let name = only.map_or_else(|| "every token type that no policy shuts out".to_owned(), |policy| policy.words());
    rules.push(rule(name, About::SignIn, weaker(open), "authorization"));
    rules
}

fn of_enrolment(policies: &[&Policy]) -> Vec<Rule> {
    let of = |scope: &'static str| policies.iter().filter(move |policy| policy.scope == scope);
    let mode = of("webui").filter(|policy| policy.is_whole()).find_map(|policy| policy.action["login_mode"].as_str());
    if mode == Some("disable") {
        return Vec::new();
    }
    let mut rules = Vec::new();
    if !mode.is_some_and(|mode| mode.eq_ignore_ascii_case("privacyidea")) {
        let admits = Admits::Weaker(vec!["the resolver's password, at the server's own page".into()]);
        rules.push(rule("login_mode", About::Registration, admits, "webui"));
    }
    let may = || of("user").flat_map(|policy| policy.action.as_object().into_iter().flatten());
    let admits = match of("user").next() {
        None => Admits::Weaker(vec!["every token type: no policy is of scope user".into()]),
        Some(_) => {
            let kinds = may().filter(|(_, value)| is_on(value)).filter_map(|(action, _)| action.strip_prefix("enroll"));
            let kinds = kinds.map(str::to_lowercase).filter(|kind| kind != "pin");
            weaker(kinds.filter(|kind| is_weak(&kind.as_str())).collect())
        }
    };
    rules.push(rule("what people enrol themselves", About::Registration, admits, "user"));
    rules
}

impl Policies for PrivacyIdea {
    fn of_group(&self, group: &str) -> Result<Listing<Rule>, DirectoryError> {
        let group = self.group(group)?;
        let asked = self.ask::<Vec<Policy>>(self.call(Method::GET, "/policy/"), "list of policies");
        let told = Told::from_answer("the policies", POLICYREAD, asked)?;
        let rules = |policies: Vec<Policy>| {
            let takes = |policy: &&Policy| match &group {
                Group::Realm(realm) => policy.takes_realm(realm),
                Group::Resolver(resolver) => policy.takes_resolver(resolver),
            };
            let policies: Vec<&Policy> = policies.iter().filter(|policy| policy.active).filter(takes).collect();
            [of_sign_in(&policies, Policy::is_whole), of_enrolment(&policies)].concat()
        };
        Ok(Listing::of(told.map(rules)))
    }

    fn order(&self) -> RuleOrder {
        RuleOrder::First
    }
}
