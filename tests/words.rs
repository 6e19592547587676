//! Everything a person reads is plain English of the trade: what strings and help may not say.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::{Path, PathBuf};

/// Words of a language of our own, and what to write instead.
const PRIVATE: &[(&str, &str)] = &[
    (" directory", "IdP, or folder"),
    ("directories", "IdPs, or folders"),
    ("ceremony", "registration, or sign-in"),
    ("the witness", "the second implementation"),
    ("no witness", "not checked by the second implementation"),
    ("mend ", "fix, repair"),
    ("mended", "fixed"),
    ("nobody gave", "keywright did not set"),
    ("nobody vouches", "not verified"),
    ("did not take the", "refused, failed"),
    ("came to be", "was made"),
    ("come to be", "be made"),
    ("as it came", "unchanged"),
    ("as it was written", "unchanged"),
    ("as they were written", "unchanged"),
    ("what is the matter", "what is wrong"),
    ("whoever", "anybody who"),
    ("no more", "no longer"),
    ("to be had", "available"),
    ("yardstick", "what it is judged by"),
    ("testimony", "result"),
    ("obstacle", "reason"),
    ("factory-fresh", "reset to factory state"),
    ("was answered with", "failed"),
    ("our sign-in", "signing in failed"),
];

/// Console paths of IdPs, as they spell them.
const THEIRS: &[&str] = &["Directory >"];

/// How the statements of the practice IdP's database begin.
const SQL: &[&str] = &["CREATE ", "DELETE ", "INSERT ", "SELECT ", "UPDATE "];

#[test]
fn strings_and_help_have_no_private_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "crates"] {
        for file in rust_files(&root.join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let is_help = file.starts_with(root.join("src/cli"));
            let read = what_people_read(&text, is_help).into_iter();
            for (line, words) in
                read.filter(|(_, words)| words.contains(' ') && !SQL.iter().any(|sql| words.contains(sql)))
            {
                let plain = THEIRS.iter().fold(words.clone(), |words, theirs| words.replace(theirs, ""));
                let lower = plain.to_lowercase();
                let said = PRIVATE.iter().filter(|(private, _)| lower.contains(private));
                found.extend(said.map(|(private, instead)| {
                    let file = file.strip_prefix(root).unwrap().display();
                    format!("{file}:{line}: \"{}\": write {instead}: {words}", private.trim())
                }));
            }
        }
    }
    assert!(found.is_empty(), "{}\n{} places", found.join("\n"), found.len());
}

/// Files of which every word is read by people.
#[test]
fn the_audit_page_and_the_profiles_have_no_private_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["templates", "profiles"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let lower = text.to_lowercase();
            for (private, instead) in PRIVATE {
                assert!(!lower.contains(private), "{folder}: \"{}\": write {instead}", private.trim());
            }
        }
    }
}

#[test]
fn the_checker_sees_strings_and_help_and_no_comments() {
    let text =
        "/// The directory.\n// mend this\nfn f() { say(\"no directory \\\" here\"); let c = '\"'; say(\"b\"); }\n";
    let read = |help| what_people_read(text, help).into_iter().map(|(_, words)| words).collect::<Vec<_>>();
    assert_eq!(read(false), ["no directory \\\" here", "b"]);
    assert_eq!(read(true), [" The directory.", "no directory \\\" here", "b"]);
}

/// String literals, and doc comments where these are help; not what a file's own tests have.
fn what_people_read(text: &str, is_help: bool) -> Vec<(usize, String)> {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (line, number) in text.lines().zip(1..) {
        if open.is_none() && line.trim_start().starts_with("//") {
            if let Some(help) = line.trim_start().strip_prefix("///").filter(|_| is_help) {
                found.push((number, help.to_owned()));
            }
            continue;
        }
        let mut chars = line.replace("'\"'", "").chars().collect::<Vec<_>>().into_iter().peekable();
        while let Some(char) = chars.next() {
            match (&mut open, char) {
                (None, '/') if chars.peek() == Some(&'/') => break,
                (None, '"') => open = Some((number, String::new())),
                (None, _) => {}
                (Some((_, words)), '\\') => {
                    words.push('\\');
                    words.extend(chars.next());
                }
                (Some(_), '"') => found.extend(open.take()),
                (Some((_, words)), other) => words.push(other),
            }
        }
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_source = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        path.is_dir() && name != "tests" && name != "keywright-test-support"
            || name.ends_with(".rs") && !["tests.rs", "sample.rs", "testing.rs"].contains(&&*name)
    };
    entries
        .filter(is_source)
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .collect()
}
