//! Two keys that look the same, on a bus that has no ports to tell them apart by: they are plugged in while `keywright provision`
//! waits, swapped in the middle of a job, touched when they blink, and labelled with what was said before the touch.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use keywright_practice::softkey::Touch;
use keywright_practice::softkey::uhid::Attached;
use serde_json::json;

use crate::bench::Bench;
use keywright_test_support::cli::{Home, Idp};

const PROFILE: &str = r#"
name = "bench"
description = "For the bench with a kernel."
label = "Key {ordinal} {account}"
hand-over = "age"
[keys]
required = 1
attestation = "trusted"
reset = "never"
always-uv = true
cred-protect = 1
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 8
force-change = false
"#;

/// Rather than hang. Emulation is slow.
const TOO_LONG: Duration = Duration::from_secs(60);

/// `keywright provision`, and what it has said so far.
struct Run {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    ear: JoinHandle<()>,
}

impl Run {
    fn of(mut child: Child) -> Self {
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (lines, heard) = (BufReader::new(child.stderr.take().unwrap()).lines(), said.clone());
        let ear = spawn(move || {
            for line in lines.map_while(Result::ok) {
                println!("  {line}");
                heard.lock().unwrap().push(line);
            }
        });
        Self { child, said, ear }
    }

    fn last(&self, words: &str) -> Option<String> {
        self.said.lock().unwrap().iter().rfind(|line| line.contains(words)).cloned()
    }

    /// Waits until something is there.
    fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(began.elapsed() < TOO_LONG, "{what} never came");
            sleep(Duration::from_millis(10));
        }
    }

    /// Whose key the person was told to touch, and its node.
    fn singled_out(&self) -> Option<(String, String)> {
        let line = self.last("now: touch the key that blinks, and label it: ")?;
        let (_, rest) = line.split_once("label it: ")?;
        let (account, port) = rest.strip_suffix(')')?.split_once(", key 1 of 1 (port ")?;
        Some((account.to_owned(), port.to_owned()))
    }

    fn end(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        self.ear.join().unwrap();
        code
    }
}

/// The only key that blinks, if one does.
fn blinking(bench: &Bench) -> Option<usize> {
    let all: Vec<usize> = (0..2).filter(|at| bench.rack.key(*at).is_waiting()).collect();
    assert!(all.len() < 2, "both keys blink");
    all.first().copied()
}

fn node(attached: &Attached) -> &str {
    attached.node().to_str().unwrap()
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn two_keys_that_look_the_same_are_plugged_in_swapped_and_labelled() {
    let bench = Bench::new(2);
    bench.rack.set_touch(Touch::Never);
    let home = Home::new();
    let people = ["ada@example.org", "bob@example.org"];
    let roster = home.file("roster.csv", &format!("account,profile\n{},bench\n{},bench\n", people[0], people[1]));
    std::fs::create_dir(home.path("profiles")).unwrap();
    home.file("profiles/bench.toml", PROFILE);
    let anchor = home.file("anchor.pem", bench.rack.anchor_pem());
    let serve = ["idp", "serve", "--listen", "127.0.0.1:0", "--token", "env:IDP_TOKEN", "--users", &roster];
    let idp = Idp::run(&home, &[&serve[..], &["--anchor", &anchor]].concat(), &Idp::ENVIRONMENT);
    let reader = format!("vault={}", age::x25519::Identity::generate().to_public());
    let mut command = home.command(&["provision", &roster, "--profiles", home.path("profiles").to_str().unwrap()]);
    command.args(["--idp", &idp.url, "--idp-token", "env:IDP_TOKEN", "--anchor", &anchor, "--reader", &reader]);
    command.envs(Idp::ENVIRONMENT).stdout(Stdio::null()).stderr(Stdio::piped());
    let run = Run::of(command.spawn().unwrap());

    // Nothing is plugged in, and the first person is named.
    let asked = run.until("the request for a key", || run.last("now: plug in"));
    assert_eq!(asked, format!("now: plug in a key for {}, key 1 of 1; then 1 more key", people[0]));
    let mut attached = [bench.attach(0), bench.attach(1)];

    // One blinks, and it is the one that was named. It has its PIN by now. Both go, and come back at each other's node.
    let first = run.until("the first touch", || blinking(&bench));
    assert_eq!(run.singled_out().unwrap().1, node(&attached[first]));
    let before = attached.each_ref().map(|key| node(key).to_owned());
    // The one that waits goes first, while it has nothing of its person's yet: she may have any key.
    for at in [1 - first, first] {
        bench.rack.key(at).pull();
        let news = format!("port {}  failed: the key was removed", before[at]);
        run.until("the news of the removal", || run.last(&news));
    }
    drop(attached);
    let awaited = run.until("the request for the key", || run.last("now: plug in again the key that was in port "));
    assert!(awaited.contains(&before[first]), "{awaited}");
    for at in [1, 0] {
        bench.rack.key(at).plug();
    }
    let second = bench.attach(1);
    attached = [bench.attach(0), second];
    assert_eq!(attached.each_ref().map(node), [&before[1][..], &before[0]]);

    // Whatever blinks is touched, and labelled with what was said before.
    let mut labels = [None, None];
    while !run.ear.is_finished() {
        let Some(at) = blinking(&bench) else { continue };
        let (whose, port) = run.singled_out().unwrap();
        assert_eq!(port, node(&attached[at]), "another key blinks than the one that was named");
        assert!([None, Some(whose.clone())].contains(&labels[at]), "{whose} and {:?} have one key", labels[at]);
        labels[at] = Some(whose);
        let key = bench.rack.key(at);
        let touches = key.touches();
        key.touch(Touch::After(Duration::ZERO));
        run.until("the touch", || (key.touches() > touches || run.ear.is_finished()).then_some(()));
        key.touch(Touch::Never);
    }
    assert_eq!(run.end(), Some(0));

    for (key, label) in attached.iter().zip(&labels) {
        let found = home.run(&["key", "identify", "--key", node(key), "--json"]).expect(0).one();
        assert_eq!(found["credentials"][0]["account"], json!(label), "{found}");
    }
    assert_ne!(labels[0], labels[1]);
    home.run(&["ledger", "verify"]).expect(0);
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn of_two_keys_that_blink_the_one_that_is_touched_is_meant() {
    let bench = Bench::new(2);
    bench.rack.set_touch(Touch::Never);
    let attached = [bench.attach(0), bench.attach(1)];
    let home = Home::new();
    let mut command = home.command(&["key", "info", "--key", "touch", "--json"]);
    let mut info = command.stdout(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while ![0, 1].iter().all(|at| bench.rack.key(*at).is_waiting()) {
        assert!(began.elapsed() < TOO_LONG && info.try_wait().unwrap().is_none(), "they do not blink");
        sleep(Duration::from_millis(10));
    }
    bench.rack.key(1).touch(Touch::After(Duration::ZERO));
    let said = info.wait_with_output().unwrap();
    assert!(said.status.success());
    let found: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(found["path"], json!(node(&attached[1])));
    assert!(!bench.rack.key(0).is_waiting(), "the other one still blinks");
}
