//! JSON speaks one language: the schema in `docs/`, in one case.
//!
//! Every other test that reads `--json` holds each object against the schema as well (`Ended::json`).

use std::collections::BTreeSet;
use std::path::Path;

use keywright_test_support::cli::Home;
use keywright_test_support::json_schema::{SCHEMA, faults, hold, kinds};
use serde_json::{Value, json};

#[test]
fn every_kind_is_described_and_every_description_is_of_a_kind() {
    let mut written = BTreeSet::from(["exported-account".to_owned(), "exported-credential".to_owned()]);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    for file in rust_files(&sources) {
        let text = std::fs::read_to_string(&file).unwrap();
        // What a file's own tests make up is not printed.
        let text = text.split("#[cfg(test)]").next().unwrap();
        for after in text.split("const KIND: &'static str = \"").skip(1) {
            written.insert(after.split('"').next().unwrap().to_owned());
        }
    }
    let described: BTreeSet<_> = kinds().map(str::to_owned).collect();
    assert_eq!(written, described);
    let guide = include_str!("../../docs/json.md");
    for kind in described {
        assert!(guide.contains(&format!("`{kind}`")), "docs/json.md does not name {kind}");
    }
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

#[test]
fn every_member_in_the_schema_is_in_snake_case() {
    fn look(schema: &Value) {
        match schema {
            Value::Object(members) => {
                for name in members.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.keys())
                {
                    let snake = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
                    assert!(name.chars().all(snake), "{name}");
                }
                members.values().for_each(look);
            }
            Value::Array(elements) => elements.iter().for_each(look),
            _ => {}
        }
    }
    look(&serde_json::from_str(SCHEMA).unwrap());
}

#[test]
fn what_the_schema_does_not_know_is_a_fault() {
    let home = Home::new();
    let [key] =
        <[Value; 1]>::try_from(home.run(&["key", "list", "--softkeys", "1", "--json"]).expect(0).json()).unwrap();
    let changed = |change: fn(&mut Value)| {
        let mut changed = key.clone();
        change(&mut changed);
        faults(&changed)
    };
    assert_eq!(changed(|_| {}), Vec::<String>::new());
    assert!(!changed(|key| key["colour"] = json!("black")).is_empty());
    assert!(!changed(|key| key["vendor_id"] = json!("1050")).is_empty());
    assert!(!changed(|key| key["schema"] = json!("keywright/1")).is_empty());
    assert!(!changed(|key| key["kind"] = json!("kex")).is_empty());
    assert!(!changed(|key| drop(key.as_object_mut().unwrap().remove("serial"))).is_empty());
}

#[test]
fn an_export_is_as_the_schema_says() {
    let home = Home::new();
    home.run(&["rehearse", "--people", "2", "--out", "all", "--json"]).expect(0).json();
    let evidence = home.path("all/evidence");
    let read = |path: &Path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
    let accounts = read(&evidence.join("accounts.json"));
    assert_eq!(accounts.as_array().unwrap().len(), 2);
    accounts.as_array().unwrap().iter().for_each(hold);
    let mut credentials = 0;
    for file in std::fs::read_dir(evidence.join("credentials")).unwrap() {
        hold(&read(&file.unwrap().path()));
        credentials += 1;
    }
    assert_eq!(credentials, 4);
    home.run(&["ledger", "show", "--state", "all", "--json"]).expect(0).json();
}
