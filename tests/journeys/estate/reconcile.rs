//! `keywright reconcile`: IdP, ledger and keys in hand.

use keywright::idp::Directory as _;
use keywright_practice::idp_server::wire::estate::Hold;
use keywright_test_support::fault_proxy::{Fault, Reply, Which};
use serde_json::{Value, json};

use super::{Estate, of_kind};

fn differences(lines: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_kind(lines, "difference").iter().map(|one| (text(&one["account"]), text(&one["difference"]))).collect()
}

#[test]
fn they_agree_after_provisioning() {
    let estate = Estate::with_keys(&["ada@example.org"]);
    let all = estate.look(&["reconcile", "--all", "--softkeys", "2", "--json"]).expect(0).one();
    assert_eq!((&all["differences"], &all["accounts"], &all["plugged_in"]), (&json!(0), &json!(1), &json!(2)));
    let one = estate.look(&["reconcile", "ada@example.org"]).expect(0);
    assert!(one.stdout.contains("corp and the ledger agree on 1 account"), "{}", one.stdout);
    estate.look(&["reconcile", "eve@example.org"]).expect(1).says("neither corp nor the ledger has an account");
    estate.look(&["reconcile"]).expect(2);
}

#[test]
fn an_administrators_key_that_nobody_here_made_is_the_first_line() {
    let estate = Estate::with_keys(&["ada@example.org", "bo@example.org"]);
    // Somebody else makes keys: another station, with a ledger of its own.
    let elsewhere = estate.home.path("elsewhere").display().to_string();
    estate.create("mallory@example.org", &[]);
    let roster = estate.home.file("other.csv", "account,profile\nmallory@example.org,admin\n");
    let provision = ["provision", &roster, "--softkeys", "2", "--state", &elsewhere];
    estate.run(&provision).expect(0);
    estate.make_admin("mallory@example.org", "owner", Hold::Eligible);
    // One of ours is gone, another account is.
    let ada = estate.user("ada@example.org");
    let keys = estate.idp.list(&ada).unwrap();
    estate.idp.revoke(&ada, &keys[0]).unwrap();

    let ended = estate.look(&["reconcile", "--all"]).expect(3);
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.starts_with("mallory@example.org (administrator): nobody here made the key"), "{}", ended.stdout);
    let lines = estate.look(&["reconcile", "--all", "--json"]).expect(3).json();
    let [first, second, third] = &differences(&lines)[..] else { panic!("{lines:#?}") };
    assert_eq!((first, second), (&("mallory@example.org".to_owned(), "unknown".to_owned()), first));
    assert_eq!(third, &("ada@example.org".to_owned(), "gone".to_owned()));
    let gone = of_kind(&lines, "difference")[2];
    let ordinal = gone["ordinal"].as_u64().unwrap();
    assert_eq!(gone["next"], format!("keywright replace ada@example.org --key {ordinal} --reason gone-at-the-idp"));
    estate.look(&["reconcile", "bo@example.org"]).expect(0);
}

#[test]
fn a_list_that_was_refused_is_a_difference() {
    let estate = Estate::with_keys(&["ada@example.org"]);
    let refused = || Fault::ReplyBefore(Reply::new(403, "", "{\"error\":{\"code\":\"forbidden\",\"message\":\"no\"}}"));
    estate.proxy.always(Which::request("GET", "/v1/users/*/credentials"), refused());
    let lines = estate.look(&["reconcile", "ada@example.org", "--json"]).expect(3).json();
    assert_eq!(differences(&lines), [("ada@example.org".to_owned(), "cannot-tell".to_owned())]);
    estate.proxy.clear();
    estate.proxy.always(Which::request("GET", "/v1/role-holders"), refused());
    let lines = estate.look(&["reconcile", "--all", "--json"]).expect(3).json();
    assert_eq!(differences(&lines), [(String::new(), "cannot-tell".to_owned())]);
}

#[test]
fn a_key_in_hand_that_was_revoked_and_one_that_was_emptied_are_told() {
    let estate = Estate::with_keys(&["ada@example.org"]);
    estate.run(&["revoke", "ada@example.org", "--key", "1", "--reason", "lost", "--yes"]).expect(0);
    let lines = estate.look(&["reconcile", "ada@example.org", "--softkeys", "2", "--json"]).expect(3).json();
    assert_eq!(differences(&lines), [("ada@example.org".to_owned(), "still-on-key".to_owned())]);
    assert_eq!(of_kind(&lines, "difference")[0]["ordinal"], 1);
}
