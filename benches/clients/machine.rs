//! Inside the machine: gives each client a fresh soft key on the HID bus, hands it its errands, and counts what goes by.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keywright_practice::softkey::Rack;
use keywright_practice::softkey::uhid::{To, attach_through};

use crate::errand::Errand;
use crate::table;

/// What one errand took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    /// By the client's clock.
    pub wall: Duration,
    /// Of it, while the key had the next word: it worked, and its reports were on their way into the kernel.
    pub key: Duration,
    /// Of the processor, in the client's process.
    pub processor: Duration,
    pub reports_to_key: u64,
    pub reports_to_host: u64,
}

/// Runs all clients in turn, so many rounds after one that does not count, and prints what it took.
pub(crate) fn compare(rounds: usize, libfido2: &str) {
    assert!(std::env::var_os("HID_VM_CACHE").is_some(), "this runs in the machine of tests/hid-vm");
    let this = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    let python = format!("{}/python/bin/python", std::env::var("HID_VM_CACHE").unwrap());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/clients/python_fido2.py");
    let clients: [(&str, Vec<&str>); 4] = [
        ("libfido2", vec![libfido2]),
        ("keywright", vec![&this, "keywright"]),
        ("python-fido2", vec![&python, script]),
        ("ctap-hid-fido2", vec![&this, "ctap-hid-fido2"]),
    ];
    let mut taken: Vec<(&str, Vec<[Took; 6]>)> = clients.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for round in 0..=rounds {
        // Each goes first as often as the others.
        for turn in 0..clients.len() {
            let at = (round + turn) % clients.len();
            let took = run_errands(&clients[at].1);
            if round > 0 {
                taken[at].1.push(took);
            }
        }
    }
    table::print(&taken);
}

/// One client, all errands, a key of its own.
fn run_errands(command: &[&str]) -> [Took; 6] {
    let rack = Rack::in_memory(1).unwrap();
    let tally = Arc::new(Mutex::new(Tally::new()));
    let attached = {
        let tally = Arc::clone(&tally);
        attach_through(rack.key(0), move |to, report, line| {
            tally.lock().unwrap().count(to);
            line.send(to, report)
        })
        .unwrap()
    };
    let mut client = Command::new(command[0]);
    client.args(&command[1..]).arg(attached.node()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = client.spawn().unwrap();
    let mut asked = client.stdin.take().expect("piped");
    let mut said = BufReader::new(client.stdout.take().expect("piped")).lines();
    let took = Errand::ALL.map(|errand| {
        *tally.lock().unwrap() = Tally::new();
        writeln!(asked, "{}", errand.name()).unwrap();
        // Libraries may have something to say, too.
        let line = said.by_ref().map(Result::unwrap).find_map(|line| Some(line.strip_prefix("took ")?.to_owned()));
        let line = line.unwrap_or_else(|| panic!("{command:?} did not come back from {}", errand.name()));
        let (wall, processor) = line.split_once(' ').expect("two numbers");
        let tally = tally.lock().unwrap();
        Took {
            wall: Duration::from_nanos(wall.parse().unwrap()),
            key: tally.key,
            processor: Duration::from_nanos(processor.parse().unwrap()),
            reports_to_key: tally.to_key,
            reports_to_host: tally.to_host,
        }
    });
    drop(asked);
    assert!(client.wait().unwrap().success(), "{command:?}");
    took
}

/// What went by at the key's side of the cable.
struct Tally {
    to_key: u64,
    to_host: u64,
    key: Duration,
    last: Instant,
}

impl Tally {
    fn new() -> Self {
        Self { to_key: 0, to_host: 0, key: Duration::ZERO, last: Instant::now() }
    }

    /// The time before a report of the key's was the key's.
    fn count(&mut self, to: To) {
        let now = Instant::now();
        match to {
            To::Key => self.to_key += 1,
            To::Host => {
                self.to_host += 1;
                self.key += now - self.last;
            }
        }
        self.last = now;
    }
}
