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

/// Another station makes two keys for this account.
fn made_elsewhere(estate: &Estate, login: &str) {
    let elsewhere = estate.home.path("elsewhere").display().to_string();
    let roster = estate.home.file("other.csv", &format!("account,profile\n{login},admin\n"));
    estate.run(&["provision", &roster, "--softkeys", "2", "--state", &elsewhere]).expect(0);
}

/// The IdP's names of the account's keys that nobody here made.
fn unknown(estate: &Estate, login: &str) -> Vec<String> {
    let lines = estate.look(&["reconcile", login, "--json"]).expect(3).json();
    let unknown = of_kind(&lines, "difference").into_iter().filter(|one| one["difference"] == "unknown");
    unknown.map(|one| one["directory_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_key_that_nobody_here_made_is_taken_away_and_ours_stay() {
    let ada = "ada@example.org";
    let estate = Estate::with_keys(&[ada]);
    let ours = estate.idp.list(&estate.user(ada)).unwrap();
    made_elsewhere(&estate, ada);
    let strange = unknown(&estate, ada);
    assert_eq!(strange.len(), 2);
    let revoke = |id: &str, more: &[&str]| {
        let words = ["revoke", ada, "--unknown", id, "--reason", "nobody knows it"];
        [&words[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = |words: Vec<String>| estate.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let dry = revoke(&strange[0], &["--dry-run", "--json"]);
    let dry = estate.look(&dry.iter().map(String::as_str).collect::<Vec<_>>()).expect(0).one();
    assert_eq!((&dry["kind"], &dry["dry_run"], &dry["ending"]), (&json!("unknown-key"), &json!(true), &json!(null)));
    run(revoke(&ours[0].id, &["--yes"])).expect(1).says("which was made here");
    run(revoke("no-such-key", &["--yes"])).expect(1).says("has no key no-such-key");
    // Nobody is there to be asked.
    run(revoke(&strange[0], &[])).expect(1).says("--yes");
    assert_eq!(estate.idp.list(&estate.user(ada)).unwrap().len(), 4, "nothing is gone yet");

    let done = run(revoke(&strange[0], &["--yes", "--json"])).expect(0).one();
    assert_eq!((&done["ending"], &done["sessions_ended"]), (&json!("removed"), &json!(true)));
    assert_eq!(unknown(&estate, ada), [strange[1].clone()]);
    assert!(estate.ledger().contains("unknown-key-removed"));

    // The IdP goes away in between: that it is to go stands there, and resume ends it.
    estate.proxy.always(Which::request("DELETE", "/v1/users/*/credentials/*"), Fault::ReplyBefore(Reply::status(503)));
    run(revoke(&strange[1], &["--yes"])).expect(4);
    estate.proxy.clear();
    estate.run(&["resume"]).expect(0);
    estate.look(&["reconcile", ada]).expect(0);
}

#[test]
fn the_last_way_in_stays_whoever_made_it() {
    let estate = Estate::with_keys(&["ada@example.org"]);
    let mallory = "mallory@example.org";
    estate.create(mallory, &[]);
    made_elsewhere(&estate, mallory);
    let strange = unknown(&estate, mallory);
    let revoke = |id: &str| estate.run(&["revoke", mallory, "--unknown", id, "--reason", "nobody knows it", "--yes"]);
    revoke(&strange[0]).expect(0);
    revoke(&strange[1]).expect(1).says("no other way in");
    assert_eq!(estate.idp.list(&estate.user(mallory)).unwrap().len(), 1);
    estate.set_methods(mallory, &["sms"]);
    revoke(&strange[1]).expect(0);
}
