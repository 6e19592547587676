//! The stories that are rehearsed: each is played whole, with the program itself, and ends as it is to.

use keywright_test_support::cli::{Ended, Home};
use serde_json::{Value, json};

fn play(home: &Home, story: &str, more: &[&str]) -> Ended {
    home.run_alone(&[&["rehearse", "--story", story, "--out", "played"], more].concat(), &[]).expect(0)
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

#[test]
fn a_lost_key_from_the_stolen_bag_to_the_last_check() {
    let home = Home::new();
    let played = play(&home, "lost-key", &["--json"]);
    let lines = played.json();
    let recovery = of_kind(&lines, "recovery");
    assert_eq!((&recovery[0]["state"], &recovery.last().unwrap()["state"]), (&json!("planned"), &json!("complete")));
    assert_eq!(lines.last().unwrap()["kind"], "rehearsal");
    assert!(played.stderr.contains("keywright recover ada@example.org --lost 1 --stolen"), "{}", played.stderr);
    assert!(played.stderr.contains("the account is open; sessions by SMS: 0"), "{}", played.stderr);
}

/// It has a printer, which is a shell here.
#[cfg(unix)]
#[test]
fn a_lost_key_with_all_that_goes_wrong() {
    let home = Home::new();
    let played = play(&home, "lost-key", &["--faults", "--json"]);
    let lines = played.json();
    assert_eq!(of_kind(&lines, "recovery").last().unwrap()["state"], "complete");
    for words in ["cannot be reached", "withdrawn", "no room", "pull"] {
        let told = played.stderr.contains(words) || played.stdout.contains(words);
        assert!(told, "\"{words}\" is not told:\n{}\n{}", played.stderr, played.stdout);
    }
}

#[test]
fn a_roll_out_from_the_first_look_to_the_day_when_sms_opens_nothing() {
    for faults in [&["--json"][..], &["--json", "--faults"]] {
        let home = Home::new();
        let played = play(&home, "rollout", faults);
        let lines = played.json();
        let enforced = of_kind(&lines, "enforcement");
        let last = enforced.last().unwrap();
        assert_eq!((&last["dry_run"], &last["open"], &last["people"]), (&json!(false), &json!(0), &json!(3)));
        let people = of_kind(&lines, "enforced-person");
        assert!(people.iter().all(|person| person["left"] == json!([]) && person["sessions_ended"] == true));
        let removed: Vec<_> = of_kind(&lines, "removed-method").iter().map(|one| one["name"].clone()).collect();
        assert_eq!(removed, ["sms", "totp"]);
        assert!(played.stderr.contains("signing in as Ada by SMS: refused"), "{}", played.stderr);
        if faults.contains(&"--faults") {
            for words in ["cannot be reached", "withdrawn", "no room", "pull"] {
                let told = played.stderr.contains(words) || played.stdout.contains(words);
                assert!(told, "\"{words}\" is not told:\n{}\n{}", played.stderr, played.stdout);
            }
        }

        // It is kept, and shown to whoever helps somebody back.
        let kept = ["enforce", "--removed", "bo@example.org", "--state", "played", "--config", "played/keywright.toml"];
        let kept = home.run_alone(&kept, &[]).expect(0).stdout;
        assert!(kept.contains("bo@example.org  sms (sms), enforcement 1"), "{kept}");
    }
}

#[test]
fn for_people_each_scene_says_what_is_done_and_why() {
    let home = Home::new();
    let played = play(&home, "lost-key", &[]);
    assert!(played.stderr.contains("1. Ada has two keys"), "{}", played.stderr);
    assert!(played.stdout.contains("recovery 1: complete"), "{}", played.stdout);
    home.run_alone(&["rehearse", "--faults"], &[]).expect(2);
}
