use serde_json::json;
use time::macros::datetime;

use super::*;
use crate::idp::User;
use crate::idp::capability::{Method, MethodClass, Removal, Usable};
use crate::ledger::sample::{account, event, journey, log};
use crate::ledger::{Event, IdpInstance};
use crate::profile::built_in;
use crate::rollout::inventory::{Gone, MadeHere, Scope};

const NOW: OffsetDateTime = datetime!(2026-12-24 00:00 UTC);

fn method(kind: &str) -> Method {
    Method {
        id: kind.into(),
        kind: kind.into(),
        name: kind.into(),
        class: MethodClass::Phishable,
        usable: Usable::Yes,
        removal: Removal::Possible,
        turn: 0,
    }
}

fn ada(methods: &[&str]) -> Entry {
    Entry {
        user: User { id: "id-ada".into(), login: "ada".into(), display_name: "Ada".into(), active: true },
        guest: false,
        group: Some("admins".into()),
        account: Some(account("ada")),
        roles: Vec::new(),
        keys: Vec::new(),
        methods: methods.iter().map(|kind| method(kind)).collect(),
        seen: Told::Known(Seen { at: None }),
        key_untold: Vec::new(),
        method_untold: Vec::new(),
    }
}

fn look(people: Vec<Entry>) -> Look {
    Look {
        inventory: Inventory {
            taken: NOW,
            directory: "embedded".into(),
            instance: IdpInstance::new("embedded", "acme"),
            scope: Scope::Rollout,
            people,
            gone: Vec::new(),
            untold: Vec::new(),
            lacks: BTreeSet::new(),
        },
        models: BTreeMap::new(),
    }
}

fn found(before: Option<&Look>, now: &Look, events: &[Event], at: OffsetDateTime) -> Vec<String> {
    let register = Register::read(&log(events)).unwrap();
    let plan = "[[group]]\nname = \"admins\"\nall-admins = true\nfactor = \"hardware-keys\"\nprofile = \"admin\"\n\
                supporter = \"x\"\n[[group.may-stay]]\nmethod = \"totp\"\nuntil = 2027-01-01\nwhy = \"x\"\n";
    let plan = Plan::parse("rollout.toml", plan, &built_in()).unwrap();
    let grounds = Grounds { before, now, plan: Some(&plan), register: &register, break_glass: &BTreeMap::new(), at };
    judge(&grounds).iter().map(ToString::to_string).collect()
}

#[test]
fn a_weak_method_is_back_if_it_was_not_there_or_was_removed() {
    let (before, now) = (look(vec![ada(&["sms"])]), look(vec![ada(&["sms", "push", "totp"])]));
    let nothing: [&str; 0] = [];
    assert_eq!(found(None, &now, &journey("ada"), NOW), nothing, "of a first look nothing is new");
    assert_eq!(found(Some(&before), &now, &journey("ada"), NOW), ["ada: weak method back: push"]);
    let mut events = journey("ada");
    events.extend(crate::ledger::sample::rollout("ada"));
    let told = found(Some(&now), &now, &events, NOW);
    assert!(told.contains(&"ada: weak method back: sms".to_owned()), "{told:?}");
}

#[test]
fn a_key_that_nobody_made_and_one_that_nobody_used_are_told() {
    let key = |whose, used| KeyEntry {
        whose,
        label: Some("blue".into()),
        in_service: true,
        credential_id: Some(crate::ledger::sample::credential_id(1)),
        aaguid: None,
        binding: crate::idp::capability::Binding::CannotTell,
        told_by: crate::rollout::inventory::Teller::Nobody,
        used,
    };
    let with = |whose, used| look(vec![Entry { keys: vec![key(whose, used)], ..ada(&[]) }]);
    let (made, id) = (MadeHere { ordinal: 1, number: None }, || "k".to_owned());
    let ours = || Whose::Ours { made, directory_id: id() };
    let never = || Told::Known(Seen { at: None });
    let untold = || Told::CannotTell(Untold::not_offered("last use"));
    let told = found(None, &with(Whose::Unknown { directory_id: id() }, never()), &journey("ada"), NOW);
    assert_eq!(told, ["ada: nobody here made blue (unknown to us)"]);
    let told = found(None, &with(Whose::Gone(made), untold()), &journey("ada"), NOW);
    assert_eq!(told, ["ada: key 1 is not at the IdP any more"]);
    let told = found(None, &with(Whose::Outlived { made, directory_id: id() }, untold()), &journey("ada"), NOW);
    assert_eq!(told, ["ada: key 1 is out of service here and still at the IdP"]);
    let told = found(None, &with(ours(), never()), &journey("ada"), NOW);
    assert_eq!(told, ["ada: key 1, made on 2026-11-23, was never used"]);
    let nothing: [&str; 0] = [];
    assert_eq!(found(None, &with(ours(), untold()), &journey("ada"), NOW), nothing, "not told is not never");
    let soon = datetime!(2026-12-20 00:00 UTC);
    assert_eq!(found(None, &with(ours(), never()), &journey("ada"), soon), nothing);
}

#[test]
fn somebody_who_is_gone_and_has_keys_is_told() {
    let mut inactive = ada(&[]);
    inactive.user.active = false;
    assert_eq!(
        found(None, &look(vec![inactive]), &journey("ada"), NOW),
        ["ada: not active at the IdP, with 2 keys out"]
    );
    let mut now = look(Vec::new());
    now.inventory.gone = vec![Gone { user_id: "id-ada".into(), login: None, account: Some(account("ada")) }];
    assert_eq!(found(None, &now, &journey("ada"), NOW), ["ada: deleted at the IdP, with 2 keys out"]);
}

#[test]
fn what_is_new_against_a_model_is_told_once() {
    let with = |against: &[&str]| Look {
        models: [("m".to_owned(), against.iter().map(|one| (*one).to_owned()).collect())].into(),
        ..look(Vec::new())
    };
    let told = found(Some(&with(&["advisory A"])), &with(&["advisory A", "status REVOKED"]), &journey("ada"), NOW);
    assert_eq!(told, ["model m: status REVOKED"]);
}

#[test]
fn drills_that_are_due_within_two_weeks_are_told() {
    let events = journey("ada");
    let nothing: [&str; 0] = [];
    assert_eq!(found(None, &look(Vec::new()), &events, datetime!(2027-02-06 00:00 UTC)), nothing);
    let told = found(None, &look(Vec::new()), &events, datetime!(2027-02-07 00:00 UTC));
    assert_eq!(told, ["ada: drill of key 1 due on 2027-02-21", "ada: drill of key 2 due on 2027-02-21"]);
    let mut kept = events.clone();
    for one in [
        json!({"event": "break-glass-added", "account": account("ada"), "ordinal": 1, "place": "safe", "bag": "1",
            "may_open": ["Bo"], "operator": "root"}),
        json!({"event": "break-glass-drilled", "account": account("ada"), "ordinal": 1, "by": ["Bo", "Cy"],
            "began": "2026-11-23T18:50:00Z", "passed": true, "bag": "2", "operator": "root",
            "sign_in_log": {"log": "cannot-tell", "why": "refused"}}),
    ] {
        kept.push(event(one));
    }
    let told = found(None, &look(Vec::new()), &kept, datetime!(2027-02-10 00:00 UTC));
    assert!(told.contains(&"ada: break-glass drill due on 2027-02-21".to_owned()), "{told:?}");
}

#[test]
fn what_could_not_be_read_is_told() {
    let mut now = look(vec![Entry { method_untold: vec![Untold::not_offered("x")], ..ada(&[]) }]);
    now.inventory.untold.push(Untold::not_offered("roles"));
    let told = found(None, &now, &journey("ada"), NOW);
    assert_eq!(told, ["cannot tell roles: the IdP does not tell it", "ada: cannot tell x: the IdP does not tell it"]);
}
