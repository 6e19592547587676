//! What each class of accounts demands: looked at, held against a key, copied, checked.

use keywright_test_support::cli::Home;
use serde_json::json;

#[test]
fn profiles_are_listed_side_by_side_and_one_in_full() {
    let home = Home::new();
    let listed = home.run(&["profile", "list"]).expect(0).stdout;
    assert!(listed.starts_with("PROFILE"), "{listed}");
    for line in ["admin ", "break-glass ", "exec ", "finance "] {
        assert!(listed.lines().any(|row| row.starts_with(line)), "{listed}");
    }
    assert!(listed.lines().any(|row| row.starts_with("break-glass") && row.ends_with("90 days")), "{listed}");
    assert_eq!(home.run(&["profile", "list", "--json"]).expect(0).json().len(), 4);

    let shown = home.run(&["profile", "show", "break-glass"]).expect(0).stdout;
    assert!(shown.starts_with("break-glass (built in): "), "{shown}");
    assert!(shown.contains("every 90 days") && shown.contains("12 letters and digits"), "{shown}");
    home.run(&["profile", "show", "boss"]).expect(2).says("there are admin, break-glass, exec, finance");
}

#[test]
fn a_key_is_held_against_a_profile_and_everything_that_it_lacks_is_told() {
    let home = Home::new();
    let show = |arguments: &[&str]| home.run(&[&["profile", "show", "admin", "--softkeys", "1"], arguments].concat());
    assert_eq!(show(&["--json"]).expect(0).one()["key_lacks"], json!([]));
    let pin = home.secret("pin", "right PIN");
    home.run(&["key", "pin", "set", "--new-pin", &pin, "--softkeys", "1"]).expect(0);
    let lacks = show(&["--json"]).expect(3).one()["key_lacks"].as_array().unwrap().clone();
    assert!(lacks.iter().any(|lack| lack.as_str().unwrap().contains("already has a PIN")), "{lacks:?}");
    assert!(show(&[]).expect(3).stdout.contains("The key does not meet it:"));
}

#[test]
fn a_profile_of_ones_own_is_a_copy_that_is_checked() {
    let home = Home::new();
    home.run(&["profile", "new", "board"]).expect(2).says("--profiles");
    let settings = home.file("keywright.toml", "profiles = \"ours\"\n");
    let run = |arguments: &[&str]| home.run(&[arguments, &["--config", &settings]].concat());
    let made = run(&["profile", "new", "board", "--like", "exec"]).expect(0).stdout;
    let file = made.trim().to_owned();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("name = \"board\"") && text.contains("# The board and those who sign"), "{text}");
    run(&["profile", "new", "board"]).expect(2).says("is there already");
    run(&["profile", "new", "desk", "--like", "clerk"]).expect(2).says("no built-in profile");
    run(&["profile", "check"]).expect(0).says("1 profile is in order");
    let listed = run(&["profile", "list"]).expect(0).stdout;
    assert!(listed.contains("board"), "{listed}");
    let own = run(&["profile", "show", "board", "--json"]).expect(0).one();
    assert_eq!((&own["built_in"], &own["keys_required"]), (&json!(false), &json!(2)));

    // Every file that is wrong is told, with its place.
    std::fs::write(&file, text.replace("required = 2", "required = 99")).unwrap();
    home.file("ours/desk.toml", "name = \"desk\"\nnmae = 1\n");
    let checked = run(&["profile", "check"]).expect(2);
    assert!(checked.stdout.contains("board.toml:") && checked.stdout.contains("99 is outside of 1 to 10"));
    assert!(checked.stdout.contains("desk.toml:2:1: "), "{}", checked.stdout);
    assert_eq!(run(&["profile", "check", &file, "--json"]).expect(2).one()["profile"], json!(null));
    run(&["profile", "check", "nowhere.toml"]).expect(2);
}
