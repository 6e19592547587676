//! `keywright doctor` with a kernel: no key, keys, and a key that another program holds.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::attached::Keys;
use crate::bench::in_the_machine;
use keywright_test_support::cli::Home;

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn doctor_finds_no_key_and_then_keys_and_then_who_holds_one() {
    in_the_machine();
    let home = Home::new();
    let ended = home.run(&["doctor", "--json"]).expect(5);
    assert_eq!(ended.json().last().unwrap()["message"], json!("no security key is plugged in"));

    let (keys, _said) = Keys::attach(&home, 2);
    let findings = home.run(&["doctor", "--json"]).expect(0).json();
    let known: Vec<_> = findings.iter().filter(|finding| finding["check"] == "key").collect();
    assert_eq!(known.iter().map(|key| key["subject"].as_str().unwrap()).collect::<Vec<_>>(), keys.nodes);

    // As libfido2 and keywright do it.
    let mut program = Command::new("flock");
    program.args(["--no-fork", &keys.nodes[0], "sh", "-c", "echo held; read line"]);
    program.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = program.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    let findings = home.run(&["doctor", "--json"]).expect(1).json();
    let held = findings.iter().find(|finding| finding["subject"] == json!(keys.nodes[0])).unwrap();
    let words = format!("another program has {} open: sh (pid {})", keys.nodes[0], program.id());
    assert_eq!((&held["ok"], &held["message"]), (&json!(false), &json!(words)));
    assert!(held["next_step"].as_str().unwrap().starts_with("close the program"), "{held}");
    let other = findings.iter().find(|finding| finding["subject"] == json!(keys.nodes[1])).unwrap();
    assert_eq!(other["ok"], json!(true), "{other}");
    program.kill().unwrap();
    program.wait().unwrap();
    home.run(&["doctor"]).expect(0);
}
