//! An exported folder is asked as the ledger itself, and gives the same answers on a machine that has nothing else.

use std::path::Path;

use keywright_test_support::cli::{Ended, Home};
use serde_json::{Value, json};

/// Three people with two keys each, and the export of their ledger.
fn rehearsed() -> Home {
    let home = Home::new();
    home.run(&["rehearse", "--people", "3", "--out", "all", "--json"]).expect(0);
    home
}

/// Objects without what says where and when they were made.
fn objects(ended: Ended) -> Vec<Value> {
    let mut objects = ended.json();
    for object in &mut objects {
        for member in ["at", "checkpoint"] {
            object.as_object_mut().unwrap().remove(member);
        }
    }
    objects
}

#[test]
fn an_export_gives_the_same_answers_as_its_ledger() {
    let home = rehearsed();
    let practice = home.path("all/softkeys/attestation-ca.pem");
    let root = practice.to_str().unwrap();
    assert!(practice.exists(), "the rehearsal leaves its makers' root");
    for question in [
        &["status", "--json"][..],
        &["status", "--csv"],
        &["audit", "list", "--csv", "--root", root],
        &["audit", "ledger", "--json", "--root", root],
        &["ledger", "show", "--json"],
        &["ledger", "verify"],
    ] {
        let live = home.run_alone(&[question, &["--state", "all"]].concat(), &[]);
        // Nothing of the station is there.
        let export = home.run_alone(&[question, &["--from", "all/evidence", "--state", "nowhere"]].concat(), &[]);
        assert_eq!(export.code, live.code, "{question:?}: {}", export.stderr);
        if question.contains(&"--json") {
            assert_eq!(objects(export), objects(live), "{question:?}");
        } else if question.contains(&"--csv") {
            assert_eq!(export.stdout, live.stdout, "{question:?}");
        } else {
            assert!(export.stdout.contains("unchanged"), "{}", export.stdout);
        }
    }
}

#[test]
fn what_was_changed_cut_or_added_is_refused() {
    type Attack = fn(&Path);
    fn edit(file: &Path, from: &str, to: &str) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(from));
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
    }
    /// As somebody does who knows how the sums are made.
    fn sums_anew(folder: &Path) {
        let script = "cd \"$0\" && awk '{print $2}' SHA256SUMS | xargs sha256sum > new && mv new SHA256SUMS";
        assert!(std::process::Command::new("sh").args(["-c", script]).arg(folder).status().unwrap().success());
    }
    let attacks: [(Attack, &str); 8] = [
        (
            |folder| {
                let credentials = std::fs::read_dir(folder.join("credentials")).unwrap();
                let mut files: Vec<_> = credentials.map(|file| file.unwrap().path()).collect();
                files.sort();
                let [first, second] = [&files[0], &files[1]].map(|file| std::fs::read(file).unwrap());
                std::fs::write(&files[0], second).unwrap();
                std::fs::write(&files[1], first).unwrap();
                sums_anew(folder);
            },
            "it is not what this version of keywright makes of the events",
        ),
        (|folder| edit(&folder.join("events.jsonl"), "admin", "nimda"), "it is not what SHA256SUMS says"),
        (|folder| std::fs::write(folder.join("credentials/more.json"), "{}").unwrap(), "SHA256SUMS does not name it"),
        (|folder| std::fs::remove_file(folder.join("accounts.json")).unwrap(), "accounts.json"),
        (|folder| std::fs::remove_file(folder.join("SHA256SUMS")).unwrap(), "it is no exported folder"),
        (
            |folder| {
                edit(&folder.join("events.jsonl"), "admin", "nimda");
                sums_anew(folder);
            },
            "of the ledger was changed",
        ),
        (
            |folder| {
                let file = folder.join("events.jsonl");
                let text = std::fs::read_to_string(&file).unwrap();
                let cut = text.trim_end().rfind('\n').unwrap() + 1;
                std::fs::write(&file, &text[..cut]).unwrap();
                sums_anew(folder);
            },
            "it is missing; the log once went on",
        ),
        (
            |folder| {
                edit(&folder.join("persons.jsonl"), "ada", "eve");
                sums_anew(folder);
            },
            "is gone, and no event says that it was erased",
        ),
    ];
    for (attack, words) in attacks {
        let home = rehearsed();
        attack(&home.path("all/evidence"));
        home.run_alone(&["ledger", "verify", "--from", "all/evidence"], &[]).expect(1).says(words);
    }
}

#[test]
fn nothing_is_written_to_an_export() {
    let home = rehearsed();
    for command in [
        &["ledger", "checkpoint"][..],
        &["account", "left", "ada@example.org", "--reason", "x", "--yes"],
        &["resume", "--softkeys", "2"],
    ] {
        let ended = home.run_alone(&[command, &["--from", "all/evidence", "--state", "all"]].concat(), &[]);
        assert_ne!(ended.code, 0, "{command:?}");
    }
    home.run_alone(&["ledger", "verify", "--from", "all/evidence"], &[]).expect(0);
}

#[test]
fn a_sample_is_drawn_by_its_seed_and_written_down() {
    let home = rehearsed();
    let draw = |seed: &str, more: &[&str]| {
        let words = ["audit", "sample", "--size", "3", "--seed", seed, "--json"];
        let drawn = home.run_alone(&[&words, more].concat(), &[]).expect(0).json();
        drawn.iter().map(|key| key["credential_id"].clone()).collect::<Vec<_>>()
    };
    let first = draw("dice 4 1 6", &["--state", "all"]);
    assert_eq!(first.len(), 3);
    assert_eq!(draw("dice 4 1 6", &["--from", "all/evidence"]), first);
    let others: Vec<_> = (0..8).map(|seed| draw(&seed.to_string(), &["--from", "all/evidence"])).collect();
    assert!(others.iter().any(|drawn| *drawn != first));
    let shown = home.run_alone(&["ledger", "show", "--state", "all"], &[]).expect(0).stdout;
    assert_eq!(shown.matches("keys drawn to be checked, with the seed dice 4 1 6").count(), 1, "{shown}");
}

#[test]
fn a_difference_names_what_changed_and_nothing_else() {
    let home = rehearsed();
    let diff = |arguments: &[&str], code| {
        home.run_alone(&[&["audit", "diff", "--json", "--state", "all"], arguments].concat(), &[]).expect(code).json()
    };
    assert_eq!(diff(&["all/evidence"], 0), Vec::<Value>::new());
    home.run_alone(&["key", "edit", "K-0001", "--place", "safe 7", "--state", "all"], &[]);
    home.run_alone(&["account", "edit", "bo@example.org", "--name", "Bo Example", "--state", "all"], &[]);
    let moved = diff(&["all/evidence"], 3);
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert_eq!((&moved[0]["change"], &moved[0]["after"]), (&json!("key-changed"), &json!("place safe 7")));
    assert_eq!(diff(&["--since", "2001-01-01"], 3).iter().filter(|one| one["change"] == "key-came").count(), 6);
    home.run_alone(&["ledger", "export", "later", "--state", "all"], &[]).expect(0);
    assert_eq!(diff(&["all/evidence", "later"], 3), moved);
    let sheet = home.run_alone(&["audit", "diff", "all/evidence", "later", "--csv"], &[]).expect(3).stdout;
    assert!(sheet.starts_with("\u{feff}change,account,key,before,after,why\r\n"), "{sheet}");
}

#[test]
fn the_page_of_what_changed_says_what_the_lines_say() {
    let home = rehearsed();
    let page = |code| {
        let arguments = ["audit", "diff", "all/evidence", "--state", "all", "--page", "changes.html", "--json"];
        let lines = home.run_alone(&arguments, &[]).expect(code).json();
        (lines, std::fs::read_to_string(home.path("changes.html")).unwrap())
    };
    let (_, nothing) = page(0);
    assert!(nothing.contains("Nothing: keys, people, verdicts and drills are as they were"), "{nothing}");
    home.run_alone(&["key", "edit", "K-0001", "--place", "<b>safe</b> 7", "--state", "all"], &[]);
    let (lines, changed) = page(3);
    assert_eq!(changed.matches("role=\"rowheader\"").count(), lines.len());
    assert!(changed.contains(lines[0]["key"].as_str().unwrap()), "{changed}");
    assert!(changed.contains("place &#60;b&#62;safe&#60;/b&#62; 7") && !changed.contains("<b>safe"), "{changed}");
    assert!(changed.contains("default-src 'none'") || changed.contains("default-src &#39;none&#39;"), "{changed}");
    assert!(!changed.contains("<script") && !changed.contains("http:") && !changed.contains("https:"), "{changed}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(home.path("changes.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    home.run_alone(&["audit", "diff", "all/evidence", "--state", "all", "--page", "no/where.html"], &[])
        .expect(1)
        .says("no/where.html");
}
