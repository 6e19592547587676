//! The walls: each room uses only the rooms that stand below it in the table of `ARCHITECTURE.md`, and no file is too long.
//!
//! A room is a module with everything in it that has no row of its own. `mod child;` uses the child, so a parent stands above its
//! children. Who uses whom is read from the sources (`use`, paths, `mod`), tests included; comments may name anything.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines that a file may have, with its tests.
const LONGEST: usize = 800;

/// Before and after the rows that are read here: the first cell of each is a module's path, in backticks.
const TABLE: (&str, &str) = ("<!-- rooms, each above those that it may use -->", "<!-- end of rooms -->");

/// A source file: its path from the root of the repository, and its text.
struct Source {
    path: String,
    text: String,
}

/// A place where one room uses another: `file:line: what is wrong`.
type Fault = String;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Colons,
    Sign(char),
}

#[test]
fn each_room_uses_only_the_rooms_below_it() {
    let rooms = rooms(&std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    let sources: Vec<Source> = ["src", "crates"].iter().flat_map(|folder| sources(folder)).collect();
    let faults = walls(&rooms, sources.iter().filter(|source| is_in_a_room(&source.path)));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let folders = ["src", "crates", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"];
    let faults = too_long(&folders.iter().flat_map(|folder| sources(folder)).collect::<Vec<_>>());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// SECURITY.md promises that a test holds each line.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let model = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let cells = model.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit(" | ").next());
    let names: BTreeSet<&str> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.matches('_').count() > 1)
        .collect();
    assert!(names.len() >= 40, "{names:?}");
    let all: Vec<Source> = ["src", "crates", "tests"].iter().flat_map(|folder| sources(folder)).collect();
    let is_there = |name: &&&str| all.iter().any(|source| source.text.contains(&format!("fn {name}(")));
    let missing: Vec<_> = names.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that are not there: {missing:?}");
}

/// The modules of the table, the highest first.
fn rooms(document: &str) -> Vec<String> {
    let (_, table) = document.split_once(TABLE.0).expect("ARCHITECTURE.md has the table of rooms");
    let (table, _) = table.split_once(TABLE.1).expect("the table of rooms has an end");
    table.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect()
}

/// What crosses a wall: arrows upwards (with the circle that they close, if they do), files and crates without a room, and rooms
/// without a file.
fn walls<'a>(rooms: &[String], sources: impl Iterator<Item = &'a Source>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut arrows: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut upwards = Vec::new();
    let mut inhabited = BTreeSet::new();
    for source in sources {
        let module = module_of(&source.path);
        let Some(user) = room_of(rooms, &module) else {
            faults.push(format!("{}: no row of the table has this file", source.path));
            continue;
        };
        inhabited.insert(user);
        for (line, used) in uses(&module, &source.text) {
            let Some(room) = room_of(rooms, &used) else {
                faults.push(format!("{}:{line}: {} is in no row of the table", source.path, used.join("::")));
                continue;
            };
            arrows.entry(user).or_default().insert(room);
            if room < user {
                upwards.push((user, room, format!("{}:{line}", source.path)));
            }
        }
    }
    for (user, room, place) in upwards {
        let circle = if reaches(&arrows, room, user) { ", which uses it in turn: a circle" } else { "" };
        faults.push(format!("{place}: {} uses {}, which stands above it{circle}", rooms[user], rooms[room]));
    }
    let empty = (0..rooms.len()).filter(|room| !inhabited.contains(room));
    faults.extend(empty.map(|room| format!("ARCHITECTURE.md: there is no module {}", rooms[room])));
    faults
}

/// Whether one room uses the other, directly or through others.
fn reaches(arrows: &BTreeMap<usize, BTreeSet<usize>>, from: usize, to: usize) -> bool {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(room) = left.pop() {
        if room == to {
            return true;
        }
        if seen.insert(room) {
            left.extend(arrows.get(&room).into_iter().flatten());
        }
    }
    false
}

fn too_long(sources: &[Source]) -> Vec<Fault> {
    let lines = |source: &Source| source.text.lines().count();
    let long = sources.iter().filter(|source| lines(source) > LONGEST);
    long.map(|source| format!("{}: {} lines, and {LONGEST} are the most", source.path, lines(source))).collect()
}

/// The row whose path is the longest beginning of the module's.
fn room_of(rooms: &[String], module: &[String]) -> Option<usize> {
    let is_in = |room: &str| {
        let room: Vec<&str> = room.split("::").collect();
        module.len() >= room.len() && room.iter().zip(module).all(|(room, part)| room == part)
    };
    (0..rooms.len()).filter(|room| is_in(&rooms[*room])).max_by_key(|room| rooms[*room].len())
}

/// `crates/keywright-fido/src/hid/usb.rs` is `keywright_fido::hid::usb`; `src/main.rs` is `keywright::main`.
fn module_of(path: &str) -> Vec<String> {
    let (package, file) = match path.strip_prefix("crates/") {
        Some(rest) => rest.split_once("/src/").expect("a crate's sources are in src"),
        None => ("keywright", path.strip_prefix("src/").expect("the program's sources are in src")),
    };
    let mut module = vec![package.replace('-', "_")];
    module.extend(file.strip_suffix(".rs").expect("a Rust source").split('/').map(str::to_owned));
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// The modules and items of this house that a module's text names, each with its line.
fn uses(module: &[String], text: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(text);
    let mut used = Vec::new();
    // Inline modules that are open, each with the depth of braces outside of it.
    let (mut inline, mut depth): (Vec<(String, usize)>, usize) = (Vec::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        let (line, token) = &tokens[at];
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => {
                depth -= 1;
                inline.pop_if(|(_, outside)| *outside == depth);
            }
            Token::Word(word) => {
                let here = || module.iter().cloned().chain(inline.iter().map(|(name, _)| name.clone()));
                let after_colons = at > 0 && tokens[at - 1].1 == Token::Colons;
                let before_colons = tokens.get(at + 1).is_some_and(|(_, next)| *next == Token::Colons);
                match (word.as_str(), tokens.get(at + 1), tokens.get(at + 2)) {
                    ("mod", Some((_, Token::Word(name))), Some((_, Token::Sign(';')))) => {
                        used.push((*line, here().chain([name.clone()]).collect()));
                    }
                    ("mod", Some((_, Token::Word(name))), Some((_, Token::Sign('{')))) => {
                        inline.push((name.clone(), depth));
                    }
                    _ if after_colons || !before_colons => (),
                    ("crate", ..) => tree(&tokens, &mut at, vec![module[0].clone()], &mut used),
                    ("self" | "super", ..) => tree(&tokens, &mut at, here().collect(), &mut used),
                    (name, ..) if name.starts_with("keywright") => tree(&tokens, &mut at, Vec::new(), &mut used),
                    _ => (),
                }
            }
            _ => (),
        }
        at += 1;
    }
    used
}

/// Reads `word::word::{word, word::*}` from a word on; ends at its last token. Only the first words of `base` can be `super`.
fn tree(tokens: &[(usize, Token)], at: &mut usize, base: Vec<String>, used: &mut Vec<(usize, Vec<String>)>) {
    let mut path = base;
    let line = tokens[*at].0;
    loop {
        match &tokens[*at].1 {
            Token::Word(word) if word == "super" => drop(path.pop()),
            Token::Word(word) if word == "crate" || word == "self" => (),
            Token::Word(word) => path.push(word.clone()),
            Token::Sign('{') => {
                *at += 1;
                while tokens[*at].1 != Token::Sign('}') {
                    match tokens[*at].1 {
                        Token::Word(_) | Token::Sign('{') => tree(tokens, at, path.clone(), used),
                        _ => (),
                    }
                    *at += 1;
                }
                return;
            }
            // `*`, or generics after `::`
            _ => break,
        }
        let more = tokens.get(*at + 1).is_some_and(|(_, next)| *next == Token::Colons);
        let next = matches!(tokens.get(*at + 2), Some((_, Token::Word(_) | Token::Sign('{' | '*'))));
        if !(more && next) {
            break;
        }
        *at += 2;
    }
    used.push((line, path));
}

/// Words and signs with their lines; without comments, strings, characters and lifetimes.
fn tokens(text: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let starts =
        |at: usize, words: &str| words.chars().enumerate().all(|(more, char)| chars.get(at + more) == Some(&char));
    while at < chars.len() {
        let from = at;
        let char = chars[at];
        if starts(at, "//") {
            at += chars[at..].iter().take_while(|char| **char != '\n').count();
        } else if starts(at, "/*") {
            let mut depth = 0;
            loop {
                let (open, close) = (starts(at, "/*"), starts(at, "*/"));
                depth += usize::from(open);
                depth -= usize::from(close);
                at += if open || close { 2 } else { 1 };
                if depth == 0 || at >= chars.len() {
                    break;
                }
            }
        } else if char == '"' {
            at = after_string(&chars, at);
        } else if is_word(char) {
            at += chars[at..].iter().take_while(|char| is_word(**char)).count();
            let word: String = chars[from..at].iter().collect();
            let hashes = chars[at..].iter().take_while(|char| **char == '#').count();
            if matches!(word.as_str(), "r" | "br" | "cr") && chars.get(at + hashes) == Some(&'"') {
                let end: String = ['"'].into_iter().chain(std::iter::repeat_n('#', hashes)).collect();
                at += hashes + 1;
                while at < chars.len() && !starts(at, &end) {
                    at += 1;
                }
                at += end.len();
            } else {
                tokens.push((line, Token::Word(word)));
            }
        } else if char == '\'' {
            // A character ends with a quote: after an escape, or as the next but one. A lifetime does not.
            if chars.get(at + 1) == Some(&'\\') {
                at += 3 + chars[at + 3..].iter().take_while(|char| **char != '\'').count();
            } else if chars.get(at + 2) == Some(&'\'') {
                at += 2;
            }
            at += 1;
        } else if starts(at, "::") {
            tokens.push((line, Token::Colons));
            at += 2;
        } else {
            if !char.is_whitespace() {
                tokens.push((line, Token::Sign(char)));
            }
            at += 1;
        }
        line += chars[from..at.min(chars.len())].iter().filter(|char| **char == '\n').count();
    }
    tokens
}

fn after_string(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Tests of their own, examples and the crate for tests use what they like.
fn is_in_a_room(path: &str) -> bool {
    let in_crate = |rest: &str| rest.split_once('/').is_some_and(|(_, file)| file.starts_with("src/"));
    !path.starts_with("crates/keywright-test-support/") && path.strip_prefix("crates/").is_none_or(in_crate)
}

/// Every Rust source below a folder of the repository.
fn sources(folder: &str) -> Vec<Source> {
    let (mut found, mut left) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = left.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source { path: relative(&path), text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found
}

fn relative(path: &Path) -> String {
    let parts: PathBuf = path.strip_prefix(root()).unwrap().into();
    parts.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/")
}

mod the_checker_itself {
    use super::*;

    const HOUSE: [&str; 6] =
        ["keywright", "keywright::cli", "keywright::idp", "keywright::ledger", "keywright_fido", "keywright_fido::hid"];

    /// Besides these, each room has an empty file.
    fn faults(files: &[(&str, &str)]) -> Vec<Fault> {
        let empty = |path: &str| Source { path: path.into(), text: String::new() };
        let mut sources: Vec<Source> =
            files.iter().map(|(path, text)| Source { path: (*path).into(), text: (*text).into() }).collect();
        let rooms = ["src/lib.rs", "src/cli/mod.rs", "src/idp/mod.rs", "src/ledger/mod.rs"];
        sources.extend(rooms.map(empty));
        sources.extend(["crates/keywright-fido/src/lib.rs", "crates/keywright-fido/src/hid/mod.rs"].map(empty));
        walls(&HOUSE.map(str::to_owned), sources.iter())
    }

    #[test]
    fn arrows_downwards_are_taken() {
        let text = "use crate::{ledger::{Event, Store}, idp};\nuse keywright_fido::hid::Bus;\nuse super::idp::Directory;\n\
                    fn list() -> crate::ledger::Entry { my::keywright::x() }";
        assert_eq!(faults(&[("src/cli/list.rs", text), ("src/lib.rs", "pub mod cli;\npub mod idp;")]), [""; 0]);
    }

    #[test]
    fn an_arrow_upwards_is_a_fault_however_it_is_written() {
        for text in [
            "use crate::idp::Kind;",
            "use crate::{\n    secret::Pin,\n    idp::{self, Kind},\n};",
            "pub use super::super::idp::*;",
            "fn name() -> &'static str { crate::idp::name() }",
            "mod inner {\n    use super::super::super::idp;\n}",
            "fn quote() -> char { '\"' }\nuse crate::idp::x; // \"",
            "const TEXT: &str = r#\"a \" b\"#; type Kind = crate::idp::Kind;",
            "fn of<'a>(kind: &'a keywright::idp::Kind) {}",
            "let list = vec::<crate::idp::Kind>();",
            "#[cfg(test)]\nmod tests {\n    use crate::idp::Kind;\n}",
        ] {
            let found = faults(&[("src/ledger/event.rs", text)]);
            let is_told =
                |fault: &String| fault.contains("keywright::ledger uses keywright::idp, which stands above it");
            assert!(found.iter().any(is_told), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_lower_crate_does_not_name_a_higher_one_and_no_child_its_parent() {
        let found = faults(&[("crates/keywright-fido/src/hid/usb.rs", "use crate::Error;\nuse keywright::ledger;")]);
        assert_eq!(
            found,
            [
                "crates/keywright-fido/src/hid/usb.rs:1: keywright_fido::hid uses keywright_fido, which stands above it",
                "crates/keywright-fido/src/hid/usb.rs:2: keywright_fido::hid uses keywright::ledger, which stands above it",
            ]
        );
    }

    #[test]
    fn a_circle_is_told() {
        let files = [("src/ledger/a.rs", "use crate::idp::B;"), ("src/idp/b.rs", "use crate::ledger::A;")];
        let [fault] = faults(&files).try_into().unwrap();
        assert!(fault.ends_with("which uses it in turn: a circle"), "{fault}");
    }

    #[test]
    fn comments_and_strings_name_anything() {
        let text = "//! See [`crate::idp`].\n/* crate::idp /* crate::idp */ crate::idp */\nconst TEXT: &str = \"crate::idp\\\"\";\n\
                    fn it(xcrate: u8) { my::idp::x() }";
        assert_eq!(faults(&[("src/ledger/event.rs", text)]), [""; 0]);
    }

    #[test]
    fn every_file_and_every_crate_has_a_row_and_every_row_a_file() {
        let found = faults(&[("crates/keywright-new/src/lib.rs", ""), ("src/cli/x.rs", "use keywright_new::Y;")]);
        assert_eq!(
            found,
            [
                "crates/keywright-new/src/lib.rs: no row of the table has this file",
                "src/cli/x.rs:1: keywright_new::Y is in no row of the table",
            ]
        );
        let rooms = ["keywright".to_owned(), "keywright::gone".to_owned()];
        let lib = Source { path: "src/lib.rs".into(), text: String::new() };
        assert_eq!(walls(&rooms, [&lib].into_iter()), ["ARCHITECTURE.md: there is no module keywright::gone"]);
    }

    #[test]
    fn a_long_file_is_told() {
        let file = |lines| Source { path: "src/long.rs".into(), text: "x\n".repeat(lines) };
        assert_eq!(too_long(&[file(LONGEST)]), [""; 0]);
        assert_eq!(too_long(&[file(LONGEST + 1)]), ["src/long.rs: 801 lines, and 800 are the most"]);
    }

    #[test]
    fn the_table_is_read_in_its_order() {
        let document =
            format!("| `no` |\n{}\n| room | |\n|---|---|\n| `a::b` | x |\n| `a` | y |\n{}", TABLE.0, TABLE.1);
        assert_eq!(rooms(&document), ["a::b", "a"]);
    }
}
