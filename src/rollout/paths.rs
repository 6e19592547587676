//! Every way in besides the front door: applications at the IdP with what guards each, and those that people wrote down. Pure.
//!
//! It refuses to take a way in for decided that nobody decided on, and for covered what no strict rule guards.

use serde::{Serialize, Serializer};
use time::Date;

use super::plan::{Decision, PathPlan, Plan};
use crate::idp::capability::{About, Admits, Application, Listing, RuleOrder, RuleState, Untold};
use crate::profile::login;

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayIn<'a> {
    /// What people call it: the plan's name, else the application's.
    pub name: &'a str,
    /// The application at the IdP; `None`: the IdP does not know it.
    pub application: Option<&'a Application>,
    /// What the IdP asks for there.
    pub guard: Guard,
    /// What people decided; `None` if the plan does not have it.
    pub plan: Option<&'a PathPlan>,
    /// Why it keeps an enforcement from being decided, if it does.
    pub open: Option<Open<'a>>,
}

/// What guards a way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// A policy that lets in nothing weaker, once it acts.
    Strict {
        /// Its name.
        policy: String,
    },
    /// A policy that lets in something weaker.
    Weaker {
        /// Its name.
        policy: String,
        /// What it lets in.
        admits: Vec<String>,
    },
    /// No policy.
    None,
    /// A protocol on which policies have no hold.
    Legacy,
    /// The IdP does not know it.
    NotAtIdp,
    /// It cannot be told.
    CannotTell(Untold),
}

/// Why a way in is open. In JSON it is a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open<'a> {
    /// Nobody has decided on it.
    Undecided,
    /// The day of the decision is over.
    Overdue {
        /// Who answers for it.
        owner: &'a str,
        /// The last day.
        until: Date,
    },
    /// It was decided to be covered, and the IdP guards it with nothing strict.
    NotCovered,
}

impl Serialize for Open<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Undecided => "undecided",
            Self::Overdue { .. } => "overdue",
            Self::NotCovered => "not-covered",
        })
    }
}

/// All of them: legacy ones first, then by name. `applications` is what the IdP lists.
pub fn ways_in<'a>(
    plan: Option<&'a Plan>,
    applications: &'a [Application],
    order: RuleOrder,
    today: Date,
) -> Vec<WayIn<'a>> {
    let paths = plan.map_or(&[][..], |plan| &plan.paths);
    let is_of = |path: &PathPlan, application: &Application| {
        let named = path.application.as_deref();
        named.is_some_and(|named| named == application.id || login::is_same(named, &application.name))
    };
    let mut all: Vec<WayIn<'a>> = applications
        .iter()
        .map(|application| {
            let plan = paths.iter().find(|path| is_of(path, application));
            let name = plan.map_or(application.name.as_str(), |path| path.name.as_str());
            WayIn { name, application: Some(application), guard: guard(application, order), plan, open: None }
        })
        .collect();
    let unknown = paths.iter().filter(|path| !applications.iter().any(|application| is_of(path, application)));
    all.extend(unknown.map(|path| WayIn {
        name: &path.name,
        application: None,
        guard: Guard::NotAtIdp,
        plan: Some(path),
        open: None,
    }));
    for way in &mut all {
        way.open = open(way, today);
    }
    all.sort_by_key(|way| (way.guard != Guard::Legacy, way.name.to_lowercase()));
    all
}

fn guard(application: &Application, order: RuleOrder) -> Guard {
    if application.legacy {
        return Guard::Legacy;
    }
    let Listing { found, untold } = &application.rules;
    let mut strict = None;
    for rule in found.iter().filter(|rule| rule.about == About::SignIn && rule.state != RuleState::Off) {
        match &rule.admits {
            Admits::PhishingResistant | Admits::Nothing => strict = strict.or(Some(&rule.policy)),
            Admits::CannotTell(untold) => return Guard::CannotTell(untold.clone()),
            Admits::Weaker(admits) if order != RuleOrder::Every && rule.state == RuleState::On => {
                return Guard::Weaker { policy: rule.policy.clone(), admits: admits.clone() };
            }
            Admits::Weaker(_) => {}
        }
    }
    let weaker = found.iter().find_map(|rule| match &rule.admits {
        Admits::Weaker(admits) if rule.state == RuleState::On => Some((rule.policy.clone(), admits.clone())),
        _ => None,
    });
    match (strict, untold.first(), weaker) {
        (_, Some(untold), _) => Guard::CannotTell(untold.clone()),
        (Some(policy), None, _) => Guard::Strict { policy: policy.clone() },
        (None, None, Some((policy, admits))) => Guard::Weaker { policy, admits },
        (None, None, None) => Guard::None,
    }
}

fn open<'a>(way: &WayIn<'a>, today: Date) -> Option<Open<'a>> {
    let is_strict = matches!(way.guard, Guard::Strict { .. });
    let Some(PathPlan { owner, decision, .. }) = way.plan else {
        return (!is_strict).then_some(Open::Undecided);
    };
    match decision {
        Decision::Undecided => Some(Open::Undecided),
        Decision::Covered if is_strict || way.guard == Guard::NotAtIdp => None,
        Decision::Covered => Some(Open::NotCovered),
        Decision::SwitchOff { until } | Decision::AcceptRisk { until, .. } => {
            (*until < today).then_some(Open::Overdue { owner, until: *until })
        }
    }
}

impl Guard {
    /// What it is, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Strict { policy } => policy.clone(),
            Self::Weaker { policy, admits } => format!("{policy}, which lets in {}", admits.join(", ")),
            Self::None => "nothing".to_owned(),
            Self::Legacy => "nothing: legacy protocol".to_owned(),
            Self::NotAtIdp => "not at the IdP".to_owned(),
            Self::CannotTell(untold) => untold.to_string(),
        }
    }

    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Strict { .. } => "strict",
            Self::Weaker { .. } => "weaker",
            Self::None => "none",
            Self::Legacy => "legacy",
            Self::NotAtIdp => "not-at-the-idp",
            Self::CannotTell(_) => "cannot-tell",
        }
    }
}

impl WayIn<'_> {
    /// What was decided, for people.
    pub fn decision_words(&self) -> String {
        match self.plan.map(|plan| (&plan.decision, plan.factor)) {
            None if self.open.is_none() => "by its policy".to_owned(),
            None | Some((Decision::Undecided, _)) => "UNDECIDED".to_owned(),
            Some((Decision::Covered, factor)) => factor.map_or("covered", |factor| factor.words()).to_owned(),
            Some((Decision::SwitchOff { until }, _)) => format!("goes by {until}"),
            Some((Decision::AcceptRisk { until, .. }, _)) => format!("risk accepted until {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::idp::capability::Rule;
    use crate::profile::built_in;

    fn rule(state: RuleState, admits: Admits) -> Rule {
        Rule {
            policy: "p".into(),
            about: About::SignIn,
            state,
            admits,
            place: String::new(),
            leaves_out: Listing::default(),
        }
    }

    fn application(legacy: bool, rules: Vec<Rule>) -> Application {
        Application { id: "a-1".into(), name: "Payroll".into(), legacy, rules: Listing::whole(rules) }
    }

    fn weaker() -> Admits {
        Admits::Weaker(vec!["SMS".into()])
    }

    #[test]
    fn a_guard_is_as_strong_as_the_weakest_rule_that_decides() {
        let of = |rules, order| guard(&application(false, rules), order).code();
        let strict = || rule(RuleState::ReportOnly, Admits::PhishingResistant);
        assert_eq!(of(vec![strict()], RuleOrder::First), "strict");
        assert_eq!(of(vec![strict(), rule(RuleState::On, weaker())], RuleOrder::First), "weaker");
        assert_eq!(of(vec![strict(), rule(RuleState::On, weaker())], RuleOrder::Every), "strict");
        assert_eq!(of(vec![rule(RuleState::On, weaker())], RuleOrder::Every), "weaker");
        assert_eq!(of(vec![rule(RuleState::Off, Admits::PhishingResistant)], RuleOrder::Every), "none");
        assert_eq!(guard(&application(true, vec![strict()]), RuleOrder::Every), Guard::Legacy);
        let untold = Untold::not_offered("its flow");
        assert_eq!(of(vec![rule(RuleState::On, Admits::CannotTell(untold))], RuleOrder::Every), "cannot-tell");
    }

    #[test]
    fn what_nobody_decided_on_is_open() {
        let today = date!(2026 - 11 - 24);
        let open = |decision: &str, rules: Vec<Rule>| {
            let text = format!("[[path]]\nname = \"P\"\napplication = \"payroll\"\nowner = \"hr\"\n{decision}");
            let plan = Plan::parse("rollout.toml", &text, &built_in()).unwrap();
            let applications = [application(false, rules)];
            let open = ways_in(Some(&plan), &applications, RuleOrder::Every, today)[0].open;
            serde_json::to_value(open).unwrap()
        };
        let strict = || vec![rule(RuleState::On, Admits::PhishingResistant)];
        let covered = "factor = \"hardware-keys\"\ndecision = \"covered\"\n";
        assert_eq!(open("", strict()), "undecided");
        assert!(open(covered, strict()).is_null());
        assert_eq!(open(covered, Vec::new()), "not-covered");
        assert!(open("decision = \"switch-off\"\nuntil = 2026-11-24\n", Vec::new()).is_null());
        assert_eq!(open("decision = \"switch-off\"\nuntil = 2026-11-23\n", Vec::new()), "overdue");
        let undecided = |rules| {
            ways_in(None, &[application(false, rules)], RuleOrder::Every, today)[0].open == Some(Open::Undecided)
        };
        assert!(!undecided(strict()) && undecided(Vec::new()));
    }
}
