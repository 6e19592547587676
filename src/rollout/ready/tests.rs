//! One test for each reason to say no, and one yes.

use serde_json::json;
use time::macros::{date, datetime};

use super::*;
use crate::idp::capability::{
    About, Admits, Application, Binding, Evaluation, Hold, Listing, Method, MethodClass, Passkey, Removal, Right,
    Rights, Role, RuleOrder, RuleState, Seen, ShutOut, ToldBy, Untold, Usable, WhyUntold,
};
use crate::idp::{Registered, User};
use crate::ledger::sample::{account, batch, credential_id, event, found, job_planned, log, outcome, planned, steps};
use crate::ledger::{Event, IdpInstance, Step};
use crate::profile::built_in;
use crate::register::IdpIdentity;
use crate::rollout::breakglass::Finding;
use crate::rollout::inventory::sighting::{SeenKey, Sighting};
use crate::rollout::inventory::{Entry, HeldRole, Scope, compare};

const PLAN: &str = r#"
[[group]]
name = "admins"
group = "g-admins"
factor = "hardware-keys"
profile = "admin"
wave = "1"
supporter = "helpdesk"
"#;

/// A world in which the answer is yes; each test makes one thing wrong.
struct World {
    plan: String,
    events: Vec<Event>,
    people: Vec<Sighting>,
    untold: Vec<Untold>,
    surroundings: Surroundings,
    at: OffsetDateTime,
}

fn untold() -> Untold {
    Untold { what: "enrolments".into(), why: WhyUntold::Refused("no".into()), needs: "okta.users.read".into() }
}

fn rule(about: About, state: RuleState, admits: Admits) -> Rule {
    Rule {
        policy: "keys only".into(),
        about,
        state,
        admits,
        place: "Security > Policies".into(),
        leaves_out: Listing::default(),
    }
}

fn method(kind: &str, class: MethodClass) -> Method {
    Method {
        id: kind.into(),
        kind: kind.into(),
        name: kind.to_uppercase(),
        class,
        usable: Usable::Yes,
        removal: Removal::Possible,
        turn: 0,
    }
}

fn sms() -> Method {
    method("sms", MethodClass::Phishable)
}

/// A key as the IdP lists it, which a job made.
fn key(job: u64) -> SeenKey {
    let Outcome::Complete { directory_id, label } = outcome(job, Step::Complete) else { unreachable!() };
    let registered = Registered { id: directory_id, credential_id: Some(credential_id(job)), label, in_service: true };
    SeenKey { passkey: Passkey::by_model(registered, None), used: Told::Known(Seen { at: None }) }
}

use crate::ledger::Outcome;

fn sighting(login: &str, keys: Vec<SeenKey>) -> Sighting {
    Sighting {
        user: User { id: format!("id-{login}"), login: login.into(), display_name: login.into(), active: true },
        guest: false,
        keys: Listing::whole(keys),
        methods: Listing::whole(vec![method("webauthn", MethodClass::PhishingResistant), sms()]),
        seen: Told::Known(Seen { at: None }),
        read: datetime!(2026-11-23 23:00 UTC),
    }
}

/// An account with two proved keys, made by these two jobs.
fn with_keys(login: &str, first: u64) -> Vec<Event> {
    let mut events = vec![planned(login, 2), found(login)];
    for (job, ordinal) in [(first, 1), (first + 1, 2)] {
        events.push(job_planned(job, login, ordinal));
        events.extend(steps(job, Step::ALL));
    }
    events
}

fn kept_for_emergencies(login: &str) -> Vec<Event> {
    let who = account(login);
    vec![
        event(
            json!({"event": "break-glass-added", "account": who, "ordinal": 1, "place": format!("safe of {login}"), "bag": "1",
            "may_open": ["Bo"], "operator": "root"}),
        ),
        event(json!({"event": "break-glass-drilled", "account": who, "ordinal": 1, "by": ["Bo", "Cy"],
            "began": "2026-11-23T18:50:00Z", "passed": true, "bag": "2", "operator": "root",
            "sign_in_log": {"log": "cannot-tell", "why": "refused"}})),
    ]
}

fn rehearsed(group: &str) -> Vec<Event> {
    let who = account("test");
    vec![
        event(json!({"event": "recovery-begun", "recovery": 1, "account": who, "lost": 1, "loss": "lost",
            "asked_by": "Dee", "identity_proved": "in person", "rehearsal": group, "steps": [], "operator": "root"})),
        event(json!({"event": "recovery-ended", "recovery": 1, "account": who, "ending": {"ending": "complete"}})),
    ]
}

impl World {
    fn good() -> Self {
        let mut events = vec![batch(1)];
        events.extend(with_keys("ada", 1));
        events.extend(with_keys("glass1", 3));
        events.extend(with_keys("glass2", 5));
        events.extend(with_keys("test", 7));
        events.extend(kept_for_emergencies("glass1"));
        events.extend(kept_for_emergencies("glass2"));
        events.extend(rehearsed("admins"));
        let right = |capability| Right { capability, name: "a role".into(), there: Told::Known(true) };
        Self {
            plan: PLAN.into(),
            events,
            people: vec![sighting("ada", vec![key(1), key(2)])],
            untold: Vec::new(),
            surroundings: Surroundings {
                policies: [(
                    "admins".to_owned(),
                    Listing::whole(vec![rule(About::SignIn, RuleState::ReportOnly, Admits::PhishingResistant)]),
                )]
                .into(),
                order: RuleOrder::First,
                models: Some(Listing::default()),
                applications: Some(Listing::default()),
                what_if: BTreeMap::new(),
                rights: Told::Known(Rights {
                    needed: Capability::ALL.map(right).into(),
                    beyond: Told::Known(Vec::new()),
                }),
                over_administrators: Told::Known(true),
                has: Capability::ALL.into(),
            },
            at: datetime!(2026-11-24 00:00 UTC),
        }
    }

    fn ask(&self, which: &Which) -> Readiness {
        let plan = Plan::parse("rollout.toml", &self.plan, &built_in()).unwrap();
        let register = Register::read(&log(&self.events)).unwrap();
        let instance = IdpInstance::new("embedded", "acme");
        let idp = IdpIdentity { name: "embedded".into(), instance: instance.clone() };
        let role = Role { id: "owner".into(), name: "owner".into() };
        let roles = vec![HeldRole { role, hold: Hold::Active, through: None }];
        let entry = |sighting: &Sighting| -> Entry {
            let group = plan.groups[0].name.clone();
            compare::entry(sighting.clone(), roles.clone(), Some(group), &idp, &register, self.at)
        };
        let inventory = Inventory {
            taken: self.at,
            directory: "embedded".into(),
            instance,
            scope: Scope::Rollout,
            people: self.people.iter().map(entry).collect(),
            gone: Vec::new(),
            untold: self.untold.clone(),
            lacks: Default::default(),
        };
        let surroundings = &self.surroundings;
        assess(which, &Grounds { plan: &plan, inventory: &inventory, surroundings, register: &register, at: self.at })
    }

    fn reasons(&self) -> Vec<Reason> {
        let readiness = self.ask(&Which::All);
        let reasons: Vec<Reason> = readiness.all().map(|(_, _, reason)| reason.clone()).collect();
        assert_eq!(readiness.is_ready(), reasons.is_empty());
        reasons
    }

    fn rules(&mut self) -> &mut Listing<Rule> {
        self.surroundings.policies.get_mut("admins").unwrap()
    }
}

/// What a good world says once this is wrong.
fn wrong(change: impl FnOnce(&mut World)) -> Vec<Reason> {
    let mut world = World::good();
    change(&mut world);
    world.reasons()
}

fn revoked(job: u64) -> Event {
    Event::CredentialRevoked {
        account: account("ada"),
        credential_id: credential_id(job),
        reason: "lost".into(),
        operator: None,
    }
}

#[test]
fn yes() {
    let readiness = World::good().ask(&Which::Wave("1".into()));
    assert!(readiness.is_ready(), "{:?}", readiness.all().map(|(_, _, reason)| reason).collect::<Vec<_>>());
    let [group] = &readiness.groups[..] else { panic!("{readiness:?}") };
    assert_eq!(group.switches.len(), 1);
    let ada = &group.people[0];
    assert_eq!((ada.to_go.as_slice(), ada.left_out), (&[sms()][..], None));
}

#[test]
fn nobody_who_was_asked_for_is_no_yes() {
    assert!(!World::good().ask(&Which::Wave("7".into())).is_ready());
    assert!(!World::good().ask(&Which::Group("sales".into())).is_ready());
}

#[test]
fn no_because_a_key_is_missing() {
    let reasons = wrong(|world| {
        world.events.push(revoked(2));
        world.people[0].keys.found.pop();
    });
    assert_eq!(reasons, [Reason::KeysMissing { proved: 1, needed: 2 }]);
}

#[test]
fn no_because_two_keys_are_needed_whatever_the_profile_says() {
    let mut world = World::good();
    world.events = vec![batch(1), planned("ada", 1), found("ada"), job_planned(1, "ada", 1)];
    world.events.extend(steps(1, Step::ALL));
    world.people = vec![sighting("ada", vec![key(1)])];
    assert!(world.reasons().contains(&Reason::KeysMissing { proved: 1, needed: 2 }));
}

#[test]
fn no_because_the_ledger_does_not_know_the_person() {
    let reasons = wrong(|world| world.people.push(sighting("bo", Vec::new())));
    assert_eq!(reasons, [Reason::KeysMissing { proved: 0, needed: 2 }]);
}

#[test]
fn no_because_somebody_who_left_is_still_active_at_the_idp() {
    let left = Event::AccountLeft { account: account("ada"), reason: "left".into(), operator: "root".into() };
    assert_eq!(wrong(|world| world.events.push(left)), [Reason::KeysMissing { proved: 0, needed: 2 }]);
}

#[test]
fn no_because_a_key_is_gone_at_the_idp() {
    let reasons = wrong(|world| drop(world.people[0].keys.found.pop()));
    assert_eq!(reasons, [Reason::KeyGone { ordinal: 2 }]);
}

#[test]
fn no_because_nobody_here_made_a_key() {
    let mut stranger = key(40);
    stranger.passkey.registered.label = "blue".into();
    let reasons = wrong(|world| world.people[0].keys.found.push(stranger));
    assert_eq!(reasons, [Reason::KeyUnknown { key: "blue".into() }]);
}

#[test]
fn no_because_a_revoked_key_still_signs_in() {
    let mut events = vec![job_planned(9, "ada", 3)];
    events.extend(steps(9, Step::ALL));
    events.push(revoked(9));
    let reasons = wrong(|world| {
        world.events.extend(events);
        world.people[0].keys.found.push(key(9));
    });
    assert_eq!(reasons, [Reason::KeyOutlived { ordinal: 3 }]);
}

#[test]
fn no_because_a_passkey_of_their_own_is_missing() {
    let own = PLAN.replace("hardware-keys", "synced-passkey").replace("profile = \"admin\"\n", "");
    let reasons = wrong(|world| {
        world.plan.clone_from(&own);
        world.people = vec![sighting("bo", Vec::new())];
    });
    assert_eq!(reasons, [Reason::NoPasskey { factor: Factor::SyncedPasskey }]);
    let mut synced = key(40);
    (synced.passkey.binding, synced.passkey.told_by) = (Binding::Synced, ToldBy::IdpType);
    let reasons = wrong(|world| {
        world.plan = own;
        world.people = vec![sighting("bo", vec![synced.clone()])];
    });
    assert_eq!(reasons, []);
    let platform = PLAN.replace("hardware-keys", "platform-passkey").replace("profile = \"admin\"\n", "");
    let reasons = wrong(|world| {
        world.plan = platform;
        world.people = vec![sighting("bo", vec![synced])];
    });
    assert_eq!(reasons, [Reason::NoPasskey { factor: Factor::PlatformPasskey }]);
}

#[test]
fn no_because_a_model_is_shut_out_where_people_sign_in() {
    let model = "2fc0579f-8113-47ea-b116-bb5a8db9202a".parse().unwrap();
    let shut = |at_sign_in| ShutOut { model, rule: "allowed models".into(), at_sign_in, place: "there".into() };
    let reasons = wrong(|world| world.surroundings.models = Some(Listing::whole(vec![shut(true)])));
    let reason =
        |ordinal| Reason::ModelShutOut { ordinal, model, rule: "allowed models".into(), place: "there".into() };
    assert_eq!(reasons, [reason(1), reason(2)]);
    assert_eq!(wrong(|world| world.surroundings.models = Some(Listing::whole(vec![shut(false)]))), []);
}

#[test]
fn no_because_rules_about_models_could_not_be_read() {
    let reasons = wrong(|world| world.surroundings.models = Some(Listing::untold(untold())));
    assert_eq!(reasons, [Reason::CannotTell { untold: untold() }]);
    let reasons = wrong(|world| world.surroundings.models = None);
    assert!(matches!(&reasons[..], [Reason::CannotTell { .. }]), "{reasons:?}");
    let vouched = wrong(|world| {
        world.plan.insert_str(0, "models-vouched-by = \"Ada\"\n");
        world.surroundings.models = None;
    });
    assert_eq!(vouched, []);
}

#[test]
fn no_because_a_weak_method_would_remain() {
    let password = || Method {
        removal: Removal::Impossible { why: "a policy makes it useless".into() },
        ..method("password", MethodClass::Phishable)
    };
    let remains = Reason::WeakMethodRemains { method: "PASSWORD".into(), why: "a policy makes it useless".into() };
    // The policy that is prepared shuts it.
    assert_eq!(wrong(|world| world.people[0].methods.found.push(password())), []);
    let reasons = wrong(|world| {
        world.people[0].methods.found.push(password());
        world.rules().found.clear();
    });
    assert_eq!(reasons, [Reason::NoPolicy, remains]);
    let reasons = wrong(|world| {
        world.surroundings.has.remove(&Capability::Removal);
        world.rules().found.clear();
    });
    assert!(matches!(&reasons[..], [Reason::NoPolicy, Reason::WeakMethodRemains { .. }]), "{reasons:?}");
}

#[test]
fn a_weak_method_may_stay_until_its_day() {
    let stay = |until: &str| format!("{PLAN}[[group.may-stay]]\nmethod = \"sms\"\nuntil = {until}\nwhy = \"abroad\"\n");
    let mut world = World::good();
    world.plan = stay("2026-11-24");
    let readiness = world.ask(&Which::All);
    let ada = &readiness.groups[0].people[0];
    assert!(readiness.is_ready() && ada.to_go.is_empty());
    assert_eq!(ada.to_stay, [(sms(), date!(2026 - 11 - 24))]);
    world.plan = stay("2026-11-23");
    assert_eq!(world.ask(&Which::All).groups[0].people[0].to_go, [sms()]);
}

#[test]
fn no_because_a_contract_is_over() {
    let contractor = "[[contractor]]\naccount = \"ada\"\nsponsor = \"Cy\"\nuntil = 2026-11-23\n";
    let reasons = wrong(|world| world.plan.push_str(contractor));
    assert_eq!(reasons, [Reason::ContractOver { until: date!(2026 - 11 - 23), sponsor: "Cy".into() }]);
}

#[test]
fn a_shared_account_is_opened_by_its_custodians_keys() {
    let shared = |other: &str| format!("{PLAN}[[shared]]\naccount = \"ops\"\ncustodians = [\"ada\", \"{other}\"]\n");
    let reasons = wrong(|world| {
        world.plan = shared("eve");
        world.people.push(sighting("ops", Vec::new()));
    });
    assert_eq!(reasons, [Reason::CustodianWithoutKey { custodian: "eve".into() }]);
    let reasons = wrong(|world| {
        world.plan = shared("test");
        world.people.push(sighting("ops", Vec::new()));
    });
    assert_eq!(reasons, []);
}

#[test]
fn no_because_nobody_is_in_the_group() {
    assert_eq!(wrong(|world| world.people.clear()), [Reason::NobodyInGroup]);
}

#[test]
fn no_because_recovery_was_not_rehearsed_in_time() {
    let never = wrong(|world| world.plan = PLAN.replace("\"admins\"", "\"owners\""));
    assert!(never.contains(&Reason::RecoveryNotRehearsed { last: None }), "{never:?}");
    let reasons = wrong(|world| world.at = datetime!(2027-03-01 00:00 UTC));
    assert!(reasons.contains(&Reason::RecoveryNotRehearsed { last: Some(date!(2026 - 11 - 23)) }), "{reasons:?}");
}

#[test]
fn no_because_no_policy_is_prepared() {
    assert_eq!(wrong(|world| world.rules().found.clear()), [Reason::NoPolicy]);
    let weak = rule(About::SignIn, RuleState::ReportOnly, Admits::Weaker(vec!["SMS".into()]));
    assert_eq!(wrong(|world| world.rules().found = vec![weak]), [Reason::NoPolicy]);
}

#[test]
fn no_because_a_policy_lets_in_something_weaker() {
    let admits = || Admits::Weaker(vec!["SMS".into()]);
    let reason = |about| Reason::PolicyAdmitsWeaker {
        policy: "keys only".into(),
        about,
        admits: vec!["SMS".into()],
        place: "Security > Policies".into(),
    };
    for about in [About::SignIn, About::Recovery, About::Registration] {
        let reasons = wrong(|world| world.rules().found.push(rule(about, RuleState::On, admits())));
        assert_eq!(reasons, [reason(about)]);
    }
    // Where every rule has to be satisfied, the strict one shuts it; a way back in is another matter.
    let of_every = |about| {
        wrong(|world| {
            world.surroundings.order = RuleOrder::Every;
            world.rules().found.push(rule(about, RuleState::On, admits()));
        })
    };
    assert_eq!(of_every(About::SignIn), []);
    assert_eq!(of_every(About::Recovery), [reason(About::Recovery)]);
    assert_eq!(wrong(|world| world.rules().found.push(rule(About::SignIn, RuleState::Off, admits()))), []);
}

#[test]
fn no_because_the_policy_leaves_the_person_out() {
    let left_out = |world: &mut World, ids: &[&str]| {
        let rule = &mut world.rules().found[0];
        rule.leaves_out.found = ids.iter().map(|id| (*id).to_owned()).collect();
    };
    let ada = World::good().people[0].user.id.clone();
    let expected = Reason::PolicyLeavesOut { policy: "keys only".into(), place: "Security > Policies".into() };
    assert_eq!(wrong(|world| left_out(world, &[&ada])), [expected]);
    assert_eq!(wrong(|world| left_out(world, &["somebody else"])), []);
    assert_eq!(
        wrong(|world| world.rules().found[0].leaves_out.untold.push(untold())),
        [Reason::CannotTell { untold: untold() }]
    );
    // Another strict one is about her.
    let second = wrong(|world| {
        left_out(world, &[&ada]);
        world.rules().found.iter_mut().for_each(|rule| rule.state = RuleState::On);
        world.rules().found.push(rule(About::SignIn, RuleState::On, Admits::PhishingResistant));
    });
    assert_eq!(second, []);
}

#[test]
fn no_because_a_policy_could_not_be_read() {
    let reasons = wrong(|world| world.rules().untold.push(untold()));
    assert_eq!(reasons, [Reason::CannotTell { untold: untold() }]);
    let flow = rule(About::SignIn, RuleState::On, Admits::CannotTell(untold()));
    assert_eq!(wrong(|world| world.rules().found.push(flow)), [Reason::CannotTell { untold: untold() }]);
}

#[test]
fn no_because_break_glass_accounts_are_missing_or_were_not_tried() {
    let without = |login: &str, what: &str| {
        let who = json!(account(login));
        wrong(|world| {
            world.events.retain(|event| {
                let event = serde_json::to_value(event).unwrap();
                event["account"] != who || !event["event"].as_str().unwrap().starts_with(what)
            });
        })
    };
    let few = without("glass2", "break-glass");
    assert!(few.contains(&Reason::BreakGlass { finding: Finding::TooFewAccounts { accounts: 1 } }), "{few:?}");
    let never = Finding::DrillDue { account: "glass1".into(), last: None };
    assert!(without("glass1", "break-glass-drilled").contains(&Reason::BreakGlass { finding: never }));
    let reasons = wrong(|world| world.at = datetime!(2027-03-01 00:00 UTC));
    let late = |login: &str| Reason::BreakGlass {
        finding: Finding::DrillDue { account: login.into(), last: Some("2026-11-23".into()) },
    };
    assert!(reasons.contains(&late("glass1")) && reasons.contains(&late("glass2")), "{reasons:?}");
}

#[test]
fn no_because_our_account_may_not_act() {
    let rights = |there: Told<bool>| {
        wrong(|world| {
            let Told::Known(rights) = &mut world.surroundings.rights else { unreachable!() };
            let removal = rights.needed.iter_mut().find(|one| one.capability == Capability::Removal).unwrap();
            removal.there = there;
        })
    };
    let lacking = Reason::RightsLacking { capability: Capability::Removal, permissions: vec!["a role".into()] };
    assert_eq!(rights(Told::Known(false)), [lacking]);
    assert_eq!(rights(Told::CannotTell(untold())), [Reason::CannotTell { untold: untold() }]);
    let reasons = wrong(|world| world.surroundings.rights = Told::CannotTell(untold()));
    assert_eq!(reasons, [Reason::CannotTell { untold: untold() }]);
    let over = |told: Told<bool>| wrong(|world| world.surroundings.over_administrators = told);
    assert_eq!(over(Told::Known(false)), [Reason::NotOverAdministrators]);
    assert_eq!(over(Told::CannotTell(untold())), [Reason::CannotTell { untold: untold() }]);
    let vouched = wrong(|world| {
        world.plan.insert_str(0, "administrators-vouched-by = \"Ada\"\n");
        world.surroundings.over_administrators = Told::CannotTell(untold());
    });
    assert_eq!(vouched, []);
}

#[test]
fn no_because_a_way_in_is_undecided_or_its_day_is_over() {
    let path =
        |more: &str| wrong(|world| world.plan.push_str(&format!("[[path]]\nname = \"VPN\"\nowner = \"net\"\n{more}")));
    assert_eq!(path(""), [Reason::PathUndecided { path: "VPN".into(), owner: Some("net".into()) }]);
    assert_eq!(path("factor = \"hardware-keys\"\ndecision = \"covered\"\n"), []);
    assert_eq!(path("decision = \"switch-off\"\nuntil = 2026-11-24\n"), []);
    let until = date!(2026 - 11 - 23);
    let overdue = Reason::PathOverdue { path: "VPN".into(), owner: "net".into(), until };
    assert_eq!(path("decision = \"accept-risk\"\nwhy = \"old\"\nuntil = 2026-11-23\n"), [overdue]);
}

#[test]
fn no_because_an_application_is_open_or_could_not_be_listed() {
    let application =
        |rules| Application { id: "a".into(), name: "Payroll".into(), legacy: false, rules: Listing::whole(rules) };
    let with = |rules| wrong(|world| world.surroundings.applications = Some(Listing::whole(vec![application(rules)])));
    assert_eq!(with(Vec::new()), [Reason::PathUndecided { path: "Payroll".into(), owner: None }]);
    assert_eq!(with(vec![rule(About::SignIn, RuleState::On, Admits::PhishingResistant)]), []);
    let covered =
        "[[path]]\nname = \"P\"\napplication = \"a\"\nowner = \"hr\"\nfactor = \"both\"\ndecision = \"covered\"\n";
    let reasons = wrong(|world| {
        world.plan.push_str(covered);
        world.surroundings.applications = Some(Listing::whole(vec![application(Vec::new())]));
    });
    assert_eq!(reasons, [Reason::PathNotCovered { path: "P".into(), guard: "nothing".into() }]);
    let reasons = wrong(|world| world.surroundings.applications = Some(Listing::untold(untold())));
    assert_eq!(reasons, [Reason::CannotTell { untold: untold() }]);
    assert!(matches!(&wrong(|world| world.surroundings.applications = None)[..], [Reason::CannotTell { .. }]));
    let vouched = wrong(|world| {
        world.plan.insert_str(0, "paths-vouched-by = \"Ada\"\n");
        world.surroundings.applications = None;
    });
    assert_eq!(vouched, []);
}

#[test]
fn no_because_something_could_not_be_read() {
    let cannot = || vec![Reason::CannotTell { untold: untold() }];
    assert_eq!(wrong(|world| world.untold.push(untold())), cannot());
    assert_eq!(wrong(|world| world.people[0].methods.untold.push(untold())), cannot());
    // A key that the list does not show is no key that is gone.
    let reasons = wrong(|world| world.people[0].keys = Listing::untold(untold()));
    assert_eq!(reasons, cannot());
}

#[test]
fn break_glass_and_inactive_accounts_are_left_out() {
    let mut world = World::good();
    world.people.push(sighting("glass1", vec![key(3), key(4)]));
    let mut gone = sighting("bo", Vec::new());
    gone.user.active = false;
    world.people.push(gone);
    let readiness = world.ask(&Which::All);
    let left: Vec<_> = readiness.groups[0].people.iter().map(|person| person.left_out).collect();
    assert!(readiness.is_ready());
    assert_eq!(left, [None, Some(LeftOut::BreakGlass), Some(LeftOut::Inactive)]);
    assert!(readiness.groups[0].people[1].to_go.is_empty());
}

#[test]
fn a_roster_says_in_which_wave_somebody_is() {
    let mut world = World::good();
    let mut moved = serde_json::to_value(planned("ada", 2)).unwrap();
    moved["person"]["wave"] = json!("2");
    world.events.push(event(moved));
    assert!(world.ask(&Which::Wave("2".into())).is_ready());
    let first = world.ask(&Which::Wave("1".into()));
    assert_eq!(first.groups[0].reasons, [Reason::NobodyInGroup]);
}

#[test]
fn no_because_the_idps_own_what_if_opens_what_we_read_as_shut() {
    let evaluation =
        |rules: Vec<Rule>, prepared: Told<Vec<Rule>>| Evaluation { sign_in: "to Payroll".into(), rules, prepared };
    let strict = |state| rule(About::SignIn, state, Admits::PhishingResistant);
    let silent = || Told::CannotTell(Untold::not_offered("what is prepared"));
    let asked = |state, listing: Listing<Evaluation>| {
        wrong(|world| {
            world.rules().found = vec![strict(state)];
            let ada = world.people[0].user.id.clone();
            world.surroundings.what_if.insert(ada, listing);
        })
    };
    let differs = |says: &str| Reason::WhatIfDiffers { sign_in: "to Payroll".into(), says: says.into() };
    assert_eq!(asked(RuleState::On, Listing::whole(vec![evaluation(vec![strict(RuleState::On)], silent())])), []);
    let open = asked(RuleState::On, Listing::whole(vec![evaluation(Vec::new(), silent())]));
    assert_eq!(open, [differs("would open by anything, because no policy is about it")]);
    // Nothing acts yet: what is prepared has to be about her, where the IdP says so.
    let prepared = |told| Listing::whole(vec![evaluation(Vec::new(), told)]);
    assert_eq!(asked(RuleState::ReportOnly, prepared(Told::Known(vec![strict(RuleState::ReportOnly)]))), []);
    assert_eq!(asked(RuleState::ReportOnly, prepared(silent())), []);
    let left_out = asked(RuleState::ReportOnly, prepared(Told::Known(Vec::new())));
    assert_eq!(left_out, [differs("is no matter of the policy that is prepared")]);
    // What it keeps back is a reason, unless somebody tried it.
    assert_eq!(asked(RuleState::On, Listing::untold(untold())), [Reason::CannotTell { untold: untold() }]);
    let vouched = wrong(|world| {
        world.plan.insert_str(0, "what-if-vouched-by = \"Ada\"\n");
        let ada = world.people[0].user.id.clone();
        world.surroundings.what_if.insert(ada, Listing::untold(untold()));
    });
    assert_eq!(vouched, []);
}
