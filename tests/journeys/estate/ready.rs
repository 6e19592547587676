//! `keywright ready` and `keywright rollout check`.

use keywright::idp::capability::SignInMethods as _;
use keywright_practice::idp_server::wire::estate::{Application, Hold};
use keywright_test_support::fault_proxy::{Fault, Reply, Which};
use serde_json::{Value, json};

use super::{Estate, account, of_kind};

const PLAN: &str = "[[group]]\nname = \"admins\"\ngroup = \"g-admins\"\nfactor = \"hardware-keys\"\nprofile = \"admin\"\nwave = \"1\"\nsupporter = \"helpdesk\"\n";

/// Ada is to be enforced, and everything is ready for it but nothing that a test takes away.
fn prepared() -> Estate {
    let estate = Estate::with_keys(&["ada@example.org", "glass1@example.org", "glass2@example.org"]);
    estate.home.file("rollout.toml", PLAN);
    estate.set_methods("ada@example.org", &["sms", "password"]);
    estate.make_admin("ada@example.org", "owner", Hold::Active);
    estate.idp.set_member("g-admins", &estate.user("ada@example.org"), true).unwrap();
    estate.set_policy("keys only", "g-admins", false, &[]);
    estate
}

fn emergency(login: &str) -> [Value; 2] {
    [
        json!({"event": "break-glass-added", "account": account(login), "ordinal": 1, "place": format!("safe of {login}"),
            "bag": "1", "may_open": ["Bo"], "operator": "root"}),
        json!({"event": "break-glass-drilled", "account": account(login), "ordinal": 1, "by": ["Bo", "Cy"],
            "began": "2026-11-23T18:50:00Z", "passed": true, "bag": "2", "operator": "root",
            "sign_in_log": {"log": "cannot-tell", "why": "refused"}}),
    ]
}

fn rehearsed(group: &str) -> [Value; 2] {
    [
        json!({"event": "recovery-begun", "recovery": 1, "account": account("glass1@example.org"), "lost": 1, "loss": "lost",
            "asked_by": "Dee", "identity_proved": "in person", "rehearsal": group, "steps": [], "operator": "root"}),
        json!({"event": "recovery-ended", "recovery": 1, "account": account("glass1@example.org"),
            "ending": {"ending": "complete"}}),
    ]
}

fn reasons(lines: &[Value]) -> Vec<String> {
    let reason = |one: &&Value| one["reason"].as_str().unwrap().to_owned();
    of_kind(lines, "not-ready").iter().map(reason).collect()
}

#[test]
fn ready_says_no_until_everything_is_there_and_then_yes() {
    let estate = prepared();
    let ask = |code| {
        let ended = estate.look(&["ready", "--wave", "1", "--json"]).expect(code);
        reasons(&ended.json())
    };
    assert_eq!(ask(3), ["break-glass-too-few-accounts", "recovery-not-rehearsed"]);
    estate.record(&[emergency("glass1@example.org"), emergency("glass2@example.org")].concat());
    assert_eq!(ask(3), ["recovery-not-rehearsed"]);
    estate.record(&rehearsed("admins"));
    assert_eq!(ask(0), [""; 0]);
    let text = estate.look(&["ready", "--wave", "1"]).expect(0).stdout;
    assert!(text.starts_with("wave 1 can be enforced now\n"), "{text}");
    assert!(
        text.contains("to be switched on: policy keys only") && text.contains("will remove 2 weak methods"),
        "{text}"
    );
    assert!(text.contains("the IdP's what-if for ada@example.org to anything"), "{text}");
    let ledger = estate.ledger();
    assert!(ledger.contains("\"readiness\"") && ledger.contains("wave 1"), "the answer is in the ledger");

    // Each of these is a reason.
    estate.idp.set_policy("keys only", None).unwrap();
    assert_eq!(ask(3), ["no-policy"]);
    estate.set_policy("keys only", "g-admins", false, &[]);
    let model = "8a7d4f0e-0c2c-4b1e-9d5f-5a1e6a0d1f11".parse().unwrap();
    estate.idp.set_model_shut(model, true).unwrap();
    assert_eq!(ask(0), [""; 0], "nobody has a key of that model");
    let keys = estate.look(&["status", "ada@example.org", "--json"]).expect(0).one();
    let model: keywright_fido::webauthn::Aaguid = keys["keys"][0]["aaguid"].as_str().unwrap().parse().unwrap();
    estate.idp.set_model_shut(model, true).unwrap();
    assert_eq!(ask(3), ["model-shut-out", "model-shut-out"]);
    estate.idp.set_model_shut(model, false).unwrap();
    let open = Application { name: "Payroll".into(), legacy: true, policies: Vec::new() };
    estate.idp.set_application("pay", Some(&open)).unwrap();
    assert_eq!(ask(3), ["path-undecided"]);
    estate.idp.set_application("pay", None).unwrap();
    let refused = Fault::ReplyBefore(Reply::new(403, "", "{\"error\":{\"code\":\"forbidden\",\"message\":\"no\"}}"));
    estate.proxy.always(Which::request("GET", "/v1/groups/*/policies"), refused.clone());
    assert_eq!(ask(3), ["cannot-tell"]);
    estate.proxy.clear();
    estate.proxy.always(Which::request("GET", "/v1/users/*/what-if"), refused);
    assert_eq!(ask(3), ["cannot-tell"], "the IdP's own what-if was refused");
    estate.proxy.clear();
    let other = Fault::ReplyBefore(Reply::new(200, "Content-Type: application/json\r\n", "{\"policies\":[]}"));
    estate.proxy.always(Which::request("GET", "/v1/users/*/what-if"), other);
    assert_eq!(ask(3), ["what-if-differs"], "the IdP says that the policy is not about her");
    estate.proxy.clear();
    estate.run(&["revoke", "ada@example.org", "--key", "1", "--reason", "lost", "--yes"]).expect(0);
    assert_eq!(ask(3), ["keys-missing"]);
    let page = estate.home.path("ready.html");
    estate.look(&["ready", "--group", "admins", "--page", page.to_str().unwrap()]).expect(3);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("1 of 2 keys proved") && page.contains("keywright enroll ada@example.org"), "{page}");
}

#[test]
fn whom_nobody_planned_for_is_no_yes() {
    let estate = Estate::new(&["ada@example.org"]);
    estate.look(&["ready"]).expect(2).says("there is no such file");
    estate.home.file("rollout.toml", PLAN);
    estate.look(&["ready", "--wave", "7"]).expect(1).says("nobody in the plan is in wave 7");
    estate.look(&["ready", "--group", "sales"]).expect(2).says("the plan has no group \"sales\"; it has admins");
    let lines = estate.look(&["ready", "--json"]).expect(3).json();
    assert!(reasons(&lines).contains(&"nobody-in-group".to_owned()), "{lines:#?}");
}

#[test]
fn a_plan_is_checked_as_a_whole_with_line_and_column() {
    let estate = Estate::new(&["ada@example.org"]);
    estate.home.file("rollout.toml", include_str!("../../../docs/rollout.toml"));
    let checked = estate.run(&["rollout", "check", "--json"]).one();
    assert_eq!((&checked["groups"][0]["name"], &checked["paths"]), (&json!("administrators"), &json!(3)));
    let wrong = PLAN.replace("\"admin\"", "\"boss\"").replace("supporter", "suporter")
        + "[[path]]\nname = \"VPN\"\nowner = \"\"\n";
    estate.home.file("rollout.toml", &wrong);
    let ended = estate.run(&["rollout", "check"]).expect(2).says("2 settings are wrong");
    assert!(ended.stderr.contains("rollout.toml:7:1: unknown field `suporter`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("rollout.toml:10:9: `owner` is one line of text"), "{}", ended.stderr);
    estate.home.file("rollout.toml", &(PLAN.to_owned() + "[[path]]\nname = \"VPN\"\nowner = \"net\"\n"));
    let ended = estate.run(&["rollout", "check"]).expect(3);
    assert!(ended.stdout.contains("open: nobody has decided on the way in \"VPN\" (net)"), "{}", ended.stdout);
}

#[test]
fn resume_goes_on_with_an_enforcement_that_the_idp_interrupted() {
    let estate = prepared();
    estate.record(&[emergency("glass1@example.org"), emergency("glass2@example.org")].concat());
    estate.record(&rehearsed("admins"));
    estate.set_policy("keys only", "g-admins", true, &[]);
    let weak = || {
        let methods = estate.idp.methods(&estate.user("ada@example.org")).unwrap().found;
        methods.iter().filter(|method| method.is_weak()).count()
    };
    let gone = Which::request("DELETE", "/v1/users/*/methods/*");
    estate.proxy.always(gone, Fault::ReplyBefore(Reply::status(503)));
    estate.run(&["enforce", "--wave", "1", "--yes"]).expect(4);
    estate.proxy.clear();
    assert_eq!(weak(), 2);
    // Nobody is there to be asked: it is named, and waits.
    estate.run(&["resume"]).expect(3).says("enforcement 1 of wave 1 was interrupted");
    assert_eq!(weak(), 2);
    estate.run(&["resume", "--yes"]).expect(0).says("enforcement 1 of wave 1 goes on");
    assert_eq!(weak(), 0);
    estate.run(&["resume", "--yes"]).expect(0).says("nothing is left to do");
}
