//! The power goes: a store that kills its process right before or right after a write, and the processes that this happens to.
//!
//! Before a write of an outcome, the deed is done and the ledger does not know; after a write of an intent, the ledger says so
//! and nothing is done. So these two sides of every write are all the moments that differ. What lives on is on disk, and the IdP,
//! which runs in the test's own process.

use std::env;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use keywright::ledger::{Entry, Head, LedgerError, PersonTexts, Record, Store};

use crate::workshop::Workshop;

const FOLDER: &str = "KEYWRIGHT_TEST_FOLDER";
const URL: &str = "KEYWRIGHT_TEST_URL";
const CUT: &str = "KEYWRIGHT_TEST_CUT";
/// Where a process that came to its end says how often it wrote.
const WRITES: &str = "writes";

/// Where the power is cut: at this write, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Before(usize),
    After(usize),
    Never,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(at) => write!(f, "before:{at}"),
            Self::After(at) => write!(f, "after:{at}"),
            Self::Never => f.write_str("never"),
        }
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let write = |at: &str| at.parse().map_err(|_| format!("{text} names no write"));
        match text.split_once(':') {
            Some(("before", at)) => write(at).map(Self::Before),
            Some(("after", at)) => write(at).map(Self::After),
            _ if text == "never" => Ok(Self::Never),
            _ => Err(format!("{text} is no cut")),
        }
    }
}

impl Cut {
    /// Both sides of so many writes.
    pub fn all(writes: usize) -> impl Iterator<Item = Self> {
        (0..writes).flat_map(|at| [Self::Before(at), Self::After(at)])
    }
}

/// A store that kills its process at a write.
pub struct Fragile<'a> {
    store: &'a dyn Store,
    cut: Cut,
    writes: AtomicUsize,
}

impl<'a> Fragile<'a> {
    pub fn new(store: &'a dyn Store, cut: Cut) -> Self {
        Self { store, cut, writes: AtomicUsize::new(0) }
    }
}

impl Store for Fragile<'_> {
    fn append(&self, expected: &Head, records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        let write = self.writes.fetch_add(1, Ordering::SeqCst);
        if matches!(self.cut, Cut::Before(at) if at == write) {
            die();
        }
        let entries = self.store.append(expected, records)?;
        if matches!(self.cut, Cut::After(at) if at == write) {
            die();
        }
        Ok(entries)
    }

    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.store.rows(after, visit)
    }

    fn scrub(&self) -> Result<(), LedgerError> {
        self.store.scrub()
    }

    fn persons(&self, visit: &mut dyn FnMut(PersonTexts) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.store.persons(visit)
    }
}

fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
    loop {
        std::thread::park();
    }
}

/// In a process that may die: does the work in the workshop that the parent named, with a store that kills, and says how often it
/// wrote.
pub fn work_until_cut(work: impl FnOnce(&Workshop, &dyn Store)) {
    let (folder, url, cut) = (env::var(FOLDER).unwrap(), env::var(URL).unwrap(), env::var(CUT).unwrap());
    let workshop = Workshop::at(Path::new(&folder), &url);
    let store = workshop.store();
    let fragile = Fragile::new(&store, cut.parse().unwrap());
    work(&workshop, &fragile);
    std::fs::write(PathBuf::from(folder).join(WRITES), fragile.writes.into_inner().to_string()).unwrap();
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub output: String,
}

impl Ended {
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    #[track_caller]
    pub fn expect_success(self, after: impl fmt::Debug) -> Self {
        assert!(self.status.success(), "after {after:?}: {}", self.output);
        self
    }

    #[track_caller]
    pub fn expect_killed(self, at: Cut) -> Self {
        assert!(self.was_killed(), "{at}: {}", self.output);
        self
    }
}

/// Runs an ignored test of this very executable, which does its work by [`work_until_cut`], in a process of its own. `test` with its
/// module: `replace::station`.
pub fn in_another_process(test: &str, workshop: &Workshop, cut: Cut, environment: &[(&str, &str)]) -> Ended {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, workshop.path())
        .env(URL, &workshop.url)
        .env(CUT, cut.to_string())
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { status: output.status, output: text(&output.stdout) + &text(&output.stderr) }
}

/// How often the process wrote that came to its end in this workshop last.
pub fn writes(workshop: &Workshop) -> usize {
    std::fs::read_to_string(workshop.path().join(WRITES)).unwrap().parse().unwrap()
}
