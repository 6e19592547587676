//! `keywright inventory`, and what changed between two.

use keywright_practice::idp_server::wire::estate::Hold;
use keywright_test_support::fault_proxy::{Fault, Reply, Which};
use serde_json::{Value, json};

use super::{Estate, of_kind};

fn person<'a>(lines: &'a [Value], login: &str) -> &'a Value {
    let found = of_kind(lines, "inventory-person").into_iter().find(|line| line["account"] == login);
    found.unwrap_or_else(|| panic!("{login} is not in {lines:#?}"))
}

fn whose(person: &Value) -> Vec<&str> {
    person["keys"].as_array().unwrap().iter().map(|key| key["whose"].as_str().unwrap()).collect()
}

#[test]
fn each_persons_ways_in_are_told_with_whose_each_key_is() {
    let estate = Estate::with_keys(&["ada@example.org", "bo@example.org"]);
    let cy = estate.create("cy@example.org", &["sms", "brain-wave"]);
    for (login, role, hold) in [
        ("ada@example.org", "owner", Hold::Active),
        ("bo@example.org", "owner", Hold::Eligible),
        ("cy@example.org", "helpdesk", Hold::Active),
    ] {
        estate.make_admin(login, role, hold);
    }
    // A key that nobody here made, and one that somebody removed behind our back.
    let ada = estate.user("ada@example.org");
    let keys = keywright::idp::Directory::list(&estate.idp, &ada).unwrap();
    keywright::idp::Directory::revoke(&estate.idp, &ada, &keys[0]).unwrap();

    let lines = estate.look(&["inventory", "--all-admins", "--json"]).expect(0).json();
    assert_eq!(of_kind(&lines, "inventory-person").len(), 3);
    let ada = person(&lines, "ada@example.org");
    let mut states = whose(ada);
    states.sort_unstable();
    assert_eq!(states, ["gone", "ours"]);
    let ours = ada["keys"].as_array().unwrap().iter().find(|key| key["whose"] == "ours").unwrap();
    assert_eq!(
        (&ours["binding"], &ours["told_by"], &ours["used"]["state"]),
        (&json!("device-bound"), &json!("ledger"), &json!("seen"))
    );
    assert_eq!(person(&lines, "bo@example.org")["roles"][0]["hold"], "eligible");
    let cy_line = person(&lines, "cy@example.org");
    assert_eq!((&cy_line["in_ledger"], whose(cy_line).len()), (&json!(false), 0));
    let weak: Vec<_> = cy_line["weak"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["class"])).collect();
    assert_eq!(weak, [(&json!("sms"), &json!("phishable")), (&json!("brain-wave"), &json!("unknown"))]);
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["people"], &end["administrators"], &end["keys_gone"], &end["weak"]),
        (&json!(3), &json!(3), &json!(1), &json!(1))
    );

    // In the log there are its numbers and its hash, and no name.
    let ledger = estate.ledger();
    let event = ledger.lines().find(|line| line.contains("\"estate-read\"")).unwrap();
    assert!(event.contains(end["sha256"].as_str().unwrap()) && !event.contains("example.org"), "{event}");
    let file = estate.home.state().join(format!("estate/{}.json", end["sha256"].as_str().unwrap()));
    assert!(std::fs::read_to_string(&file).unwrap().contains("cy@example.org"));

    let text = estate.look(&["inventory", "--role", "OWNER"]).expect(0).stdout;
    assert!(
        text.contains("bo@example.org: owner (eligible)\n  keys: 2 ours, bound | weak: - | seen: 20")
            && !text.contains("cy@"),
        "{text}"
    );
    let csv = estate.look(&["inventory", "--all-admins", "--csv"]).expect(0).stdout;
    assert_eq!(csv.lines().count(), 1 + 2 + 2 + 1, "{csv}");
    let page = estate.home.path("admins.html");
    estate.look(&["inventory", "--all-admins", "--page", page.to_str().unwrap()]).expect(0);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("cy@example.org") && page.contains("ours, gone at the IdP"), "{page}");

    // What changed.
    estate.idp.set_role(&cy, "helpdesk", None).unwrap();
    estate.set_methods("bo@example.org", &["sms"]);
    estate.look(&["inventory", "--all-admins"]).expect(0);
    let lines = estate.look(&["inventory", "diff", "--json"]).expect(3).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = of_kind(&lines, "inventory-change");
    let changes: Vec<_> =
        changes.iter().map(|one| format!("{} {}", text(&one["account"]), text(&one["change"]))).collect();
    assert_eq!(changes, ["bo@example.org weak-method-new", "cy@example.org person-gone"]);
    estate.look(&["inventory", "--all-admins"]).expect(0);
    estate.look(&["inventory", "diff"]).expect(0);
    // A file that was changed is no evidence.
    let text = std::fs::read_to_string(&file).unwrap().replace("cy@example.org", "xy@example.org");
    std::fs::write(&file, text).unwrap();
    estate.look(&["inventory", "diff", "1", "4"]).expect(1).says("is not the inventory that the ledger has");
}

#[test]
fn what_was_refused_is_named_and_never_clean() {
    let estate = Estate::new(&["ada@example.org"]);
    estate.make_admin("ada@example.org", "owner", Hold::Active);
    let refused = || Fault::ReplyBefore(Reply::new(403, "", "{\"error\":{\"code\":\"forbidden\",\"message\":\"no\"}}"));
    estate.proxy.always(Which::request("GET", "/v1/users/*/methods"), refused());
    let lines = estate.look(&["inventory", "--all-admins", "--json"]).expect(0).json();
    let ada = person(&lines, "ada@example.org");
    let untold = ada["untold"].as_array().unwrap();
    assert!(untold.len() >= 2 && untold.iter().all(|one| one["why"] == "refused"), "{ada:#}");
    let text = estate.look(&["inventory", "--all-admins"]).expect(0).stdout;
    assert!(
        text.contains("keys: none; ? | weak: ?") && text.contains("cannot tell sign-in methods: refused"),
        "{text}"
    );
    // Who has roles was refused: the list is not whole, and nobody is in it.
    estate.proxy.clear();
    estate.proxy.always(Which::request("GET", "/v1/role-holders"), refused());
    let lines = estate.look(&["inventory", "--all-admins", "--json"]).expect(0).json();
    assert_eq!((&lines[0]["people"], lines[0]["untold"].as_array().unwrap().len()), (&json!(0), 1));
}

#[test]
fn an_inventory_that_was_interrupted_goes_on_where_it_ended() {
    let logins: Vec<String> = (0..70).map(|number| format!("user{number:02}@example.org")).collect();
    let logins: Vec<&str> = logins.iter().map(String::as_str).collect();
    let estate = Estate::new(&logins);
    for login in &logins {
        estate.idp.set_member("staff", &estate.user(login), true).unwrap();
    }
    // The IdP refuses one of the last ones: people are read in the order of their ids.
    let last = logins.iter().map(|login| estate.user(login).id).max().unwrap();
    let of_last = Which::request("GET", &format!("/v1/users/{last}/sessions"));
    estate.proxy.always(of_last, Fault::ReplyBefore(Reply::status(400)));
    let asked = |from: usize| estate.proxy.seen()[from..].iter().filter(|one| one.path.ends_with("/sessions")).count();
    estate.look(&["inventory", "--group", "staff"]).expect(4);
    assert!(asked(0) > 64, "{}", asked(0));
    estate.proxy.clear();
    let before = estate.proxy.seen().len();
    let lines = estate.look(&["inventory", "--group", "staff", "--json"]).expect(0).json();
    assert_eq!(of_kind(&lines, "inventory-person").len(), 70);
    assert!(asked(before) <= 6, "{}: those of the first two portions were kept", asked(before));
    // Each person takes a fixed number of requests.
    let before = estate.proxy.seen().len();
    estate.look(&["inventory", "--group", "staff", "--anew"]).expect(0);
    let requests = estate.proxy.seen().len() - before;
    assert!(requests <= 70 * 4 + 10, "{requests}");
    // Methods come from the report over all accounts; where that is refused, from each account.
    let asked =
        |path: &str, from: usize| estate.proxy.seen()[from..].iter().filter(|one| one.path.ends_with(path)).count();
    assert_eq!(asked("/method-report", before), 1);
    let refused = Fault::ReplyBefore(Reply::new(403, "", "{\"error\":{\"code\":\"forbidden\",\"message\":\"no\"}}"));
    estate.proxy.always(Which::request("GET", "/v1/method-report"), refused);
    let before = estate.proxy.seen().len();
    let lines = estate.look(&["inventory", "--group", "staff", "--anew", "--json"]).expect(0).json();
    let people = of_kind(&lines, "inventory-person");
    assert!(people.iter().all(|person| person["untold"] == json!([])), "{lines:#?}");
    assert_eq!(asked("/methods", before), 140, "each is asked for, and for what its keys are");
}

#[test]
fn whom_it_is_about_has_to_be_said() {
    let estate = Estate::new(&["ada@example.org"]);
    estate.look(&["inventory"]).expect(2).says("say whom it is about");
    estate.make_admin("ada@example.org", "owner", Hold::Active);
    estate.look(&["inventory", "--role", "boss"]).expect(1).says("nobody has the role boss").says("owner");
}
