//! What an adapter and a fake said to each other, as a file that a person can read: `tests/idp/NAME/*.http`.
//!
//! What differs from run to run is replaced, and secrets are removed, so that the file can be held against every run. `KEYWRIGHT_RECORD=1` writes it anew.

use std::path::Path;

use crate::fake_idp::{Answer, Request, as_http_file};

/// Headers whose values are secrets, or differ each time.
const HEADERS: [&str; 4] = ["authorization", "dpop", "client-request-id", "pi-authorization"];

/// From this length on, a word of base64 is what a key made, or a signature.
const MADE: usize = 40;

/// Holds the exchanges against `tests/idp/FILE`, such as `okta/enrolment.http`.
pub(crate) fn compare(file: &str, exchanges: &[(Request, Answer)], secrets: &[String]) {
    let text = as_http_file(exchanges, &HEADERS, |text| {
        secrets.iter().fold(masked(text), |text, secret| text.replace(secret, "[removed]"))
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/idp").join(file);
    if std::env::var_os("KEYWRIGHT_RECORD").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = recorded.lines().zip(text.lines()).find(|(before, now)| before != now);
    assert!(recorded == text, "{file} is not what was said; KEYWRIGHT_RECORD=1 writes it anew: {differs:?}");
}

fn masked(text: &str) -> String {
    let is_request = |line: &str| ["### ", "GET ", "POST ", "DELETE "].iter().any(|method| line.starts_with(method));
    let mut masked = String::new();
    for line in text.lines() {
        if is_request(line) {
            masked.push_str(line);
        } else if let Some((name, _)) = line.split_once("\"challengeTimeoutDateTime\":") {
            masked.push_str(&format!("{name}\"challengeTimeoutDateTime\": \"[time]\","));
        } else {
            // Also as a form has it.
            let port = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
            let mut parts = line.split_inclusive("127.0.0.1:").flat_map(|part| part.split_inclusive("127.0.0.1%3A"));
            let mut line = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                line.push_str("[port]");
                line.push_str(&part[port(part)..]);
            }
            mask_words(&line, &mut masked);
        }
        masked.push('\n');
    }
    masked
}

/// Replaces long words of base64, with the padding after them.
fn mask_words(line: &str, masked: &mut String) {
    let is_base64 = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '-' | '_');
    let mut rest = line;
    while !rest.is_empty() {
        let length = rest.find(|char| !is_base64(char)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        if length >= MADE {
            masked.push_str("[binary]");
            rest = after.trim_start_matches('=');
        } else {
            masked.push_str(word);
            let other = after.find(is_base64).unwrap_or(after.len());
            masked.push_str(&after[..other]);
            rest = &after[other..];
        }
    }
}
