//! The first hour: `keywright init` asks for what a first batch needs, `doctor` says what is left.

use keywright_test_support::cli::Home;
use serde_json::{Value, json};

fn to_do(points: &Value) -> Vec<&str> {
    let points = points.as_array().unwrap().iter();
    points.filter(|point| !point["next_step"].is_null()).map(|point| point["check"].as_str().unwrap()).collect()
}

#[test]
fn without_a_terminal_everything_takes_its_default() {
    let home = Home::new();
    let init = |arguments: &[&str]| {
        home.run(&[&["init", "--no-metadata", "--letter-program", "cat", "--json"], arguments].concat()).expect(0).one()
    };
    let set_up = init(&[]);
    assert_eq!(to_do(&set_up["points"]), ["idp", "metadata"], "{set_up}");
    let settings = std::fs::read_to_string(set_up["settings"].as_str().unwrap()).unwrap();
    assert!(settings.contains("letter-program = [\"cat\"]") && settings.contains("keyroom=age1"), "{settings}");
    let made: Vec<&str> = set_up["made"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(made.iter().any(|file| file.ends_with("keyroom.identity")), "{made:?}");
    for file in &made {
        keywright_files::private::refuse_if_others_can_read(file.as_ref(), &std::fs::metadata(file).unwrap()).unwrap();
    }

    // Again: what is there stays.
    let again = init(&["--copy-profiles"]);
    let now = std::fs::read_to_string(again["settings"].as_str().unwrap()).unwrap();
    assert!(now.contains(settings.lines().find(|line| line.starts_with("readers")).unwrap()), "{now}");
    assert_eq!(again["made"].as_array().unwrap().len(), 4, "{again}");
    home.run(&["profile", "check"]).expect(0).says("4 profiles are in order");
}

#[test]
fn an_answer_that_will_not_do_is_asked_again() {
    let home = Home::new();
    let lines = [
        "bad name!",
        "corp",
        "okt",
        "manual",
        "login.example.org",
        "https://login.example.org/",
        "",
        "",
        "vault=age1nonsense",
        "vault",
        "no-such-program -x",
        "cat",
        "no",
        "no",
    ];
    let (_, shown) = home.on_terminal(&["init", "--no-metadata"], &lines);
    for words in [
        "a name is made of letters",
        "\"okt\" is not one of these kinds",
        "vault.identity",
        "there is no program no-such-program",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_program_or_reader_that_does_not_exist_is_refused_by_name() {
    let home = Home::new();
    home.run(&["init", "--no-metadata", "--letter-program", "no-such-program -x"]).expect(2).says("no-such-program");
    home.run(&["init", "--no-metadata", "--reader", "vault"]).expect(2).says("--reader: ");
    let wrong = home.file("wrong.toml", "profile = 1\n");
    home.run(&["init", "--no-metadata", "--config", &wrong]).expect(2).says("wrong.toml:1:1: ");
    assert_eq!(std::fs::read_to_string(&wrong).unwrap(), "profile = 1\n");
}

#[test]
fn what_is_ready_is_the_same_to_doctor() {
    let home = Home::new();
    let set_up =
        home.run(&["init", "--no-metadata", "--letter-program", "none", "--reader", "none", "--json"]).expect(0).one();
    let doctor = home.run(&["doctor", "--softkeys", "1", "--json"]).expect(0).json();
    let named = |finding: &Value| json!([finding["check"], finding["ok"], finding["next_step"]]);
    let points: Vec<Value> = set_up["points"].as_array().unwrap().iter().map(named).collect();
    let found: Vec<Value> = doctor.iter().filter(|finding| finding["check"] != "key").map(named).collect();
    assert_eq!(points, found);
    assert_eq!(to_do(&set_up["points"]), ["idp", "readers", "letters", "metadata"]);
}
