//! PIN letters: a PIN is destroyed only when somebody said that its letter came out.

use std::fs;

use super::one_person::{ADA, Office};

/// What the report says of a key whose letter waits for somebody's word.
const WAITS: &str = "nobody has said that it came out";

/// Ada gets a finance key by letter; the printer keeps what it was given.
fn office() -> Office {
    let office = Office::new("ada@example.org,finance,Ada");
    let settings = fs::read_to_string(office.home.path("keywright.toml")).unwrap();
    office.home.file("keywright.toml", &settings.replace("cat > /dev/null", "cat >> letters"));
    office
}

fn sealed(office: &Office) -> usize {
    fs::read_dir(office.home.state().join("vault/pins")).unwrap().count()
}

fn printed(office: &Office) -> usize {
    fs::read_to_string(office.home.path("letters")).unwrap().matches("PIN").count()
}

#[test]
fn a_pin_stays_sealed_until_somebody_says_that_its_letter_came_out() {
    let office = office();
    // Nobody is asked here, and yes to everything is no word about letters.
    let first = office.run(&["provision", "roster.csv", "--softkeys", "6", "--yes"]).expect(1);
    let first = first.says("resume --letters-came-out");
    assert!(first.stdout.contains(WAITS), "{}", first.stdout);
    assert!(!first.stdout.contains(" complete\n"), "{}", first.stdout);
    let keys = sealed(&office);
    let letters = printed(&office);
    assert!(keys > 0 && letters > 0);
    assert!(office.accounts().iter().all(|(_, proved, state)| *proved == 0 && state == "failed"));

    // Another run asks again, prints nothing, and destroys nothing.
    let second = office.run(&["resume", "--softkeys", "6"]).expect(1);
    assert!(second.stdout.contains(WAITS), "{}", second.stdout);
    assert_eq!((sealed(&office), printed(&office)), (keys, letters));

    // The letter was chewed: once more.
    let again = ["hand-over", "again", ADA, "--key", "1"];
    let ended = office.run(&again).expect(1).says("look at the printer");
    assert!(ended.stdout.contains("1 letter of ada@example.org went to the printer"), "{}", ended.stdout);
    assert!(printed(&office) > letters);
    assert_eq!(sealed(&office), keys);

    let one = office.run(&[&again[..], &["--letters-came-out", "--json"]].concat()).expect(0).one();
    assert_eq!((&one["came_out"], &one["ordinals"]), (&true.into(), &serde_json::json!([1])));
    assert_eq!(sealed(&office), keys - 1);
    office.run(&again).expect(1).says("keywright replace ada@example.org --key 1 --same-key");

    office.run(&["resume", "--softkeys", "6", "--letters-came-out"]).expect(0);
    assert_eq!(sealed(&office), 0);
    assert_eq!(office.accounts()[0].2, "complete");
    office.run(&["resume", "--softkeys", "6"]).expect(0).says("nothing is left to do");
    office.run(&["hand-over", "again", ADA]).expect(1).says("no letter of ada@example.org waits");
    // The word is in the log before the copy is gone.
    let shown = office.run(&["ledger", "show"]).expect(0).stdout;
    assert!(shown.contains("PIN delivered in a letter"), "{shown}");
}

#[test]
fn a_letter_whose_sealed_copy_is_gone_is_a_lost_pin() {
    let office = office();
    office.run(&["provision", "roster.csv", "--softkeys", "6"]).expect(1);
    for copy in fs::read_dir(office.home.state().join("vault/pins")).unwrap() {
        fs::remove_file(copy.unwrap().path()).unwrap();
    }
    office.run(&["hand-over", "again", ADA, "--key", "1"]).expect(1).says("is not sealed here any more");
    office.run(&["resume", "--softkeys", "6", "--letters-came-out"]).expect(6).says("PIN lost");
}
