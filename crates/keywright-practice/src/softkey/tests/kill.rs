//! A process that is killed leaves keys that work and have all that they answered for.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const FOLDER: &str = "KEYWRIGHT_TEST_KILL_FOLDER";
const MADE: &str = "made a credential";

#[test]
fn sigkill_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut answered = 0;
    for round in 1..=5 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "softkey::tests::kill::victim", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut made = lines.filter(|line| line.contains(MADE));
        answered += made.by_ref().take(round).count() as i64;
        victim.kill().unwrap();
        answered += made.count() as i64;
        victim.wait().unwrap();

        let rack = Rack::open(folder.path()).unwrap();
        let left = client(rack.key(0)).get_info().get(0x14).unwrap().as_integer().unwrap();
        let kept = 150 - left;
        // One more may have been stored whose answer did not come out.
        assert!((answered..=answered + 1).contains(&kept), "{answered} answered, {kept} kept");
        answered = kept;
    }
    assert!(answered >= 15);
}

/// The process that is killed: makes credentials for ever.
#[test]
#[ignore = "sigkill_loses_nothing_that_was_answered runs it"]
fn victim() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let rack = Rack::create(Path::new(&folder), 1).unwrap();
    let mut client = client(rack.key(0));
    while client.make(true).0 == 0 {
        println!("{MADE}");
    }
}
