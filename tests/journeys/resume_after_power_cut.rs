//! The process is killed right after each write to the journal, and right before each, and another one goes on.
//!
//! Before a write of an outcome, the deed is done and the ledger does not know; after a write of an intent, the ledger says so
//! and nothing is done. So these two sides of every write are all the moments that differ. The IdP runs in the test's own
//! process and lives on; keys, ledger and vault are files, as they would be on the bench.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keywright::idp::manual::Manual;
use keywright::idp::{ConnectionConfig, Directory};
use keywright::ledger::{AccountId, Entry, Head, LedgerError, Record, Store};
use keywright::provision::{AccountReport, RetryPolicy, leave, run};
use keywright::register::{AccountStanding, CredentialState, JobState, Register};
use keywright_files::Cancel;
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, resume};

pub(crate) const FOLDER: &str = "KEYWRIGHT_TEST_FOLDER";
pub(crate) const URL: &str = "KEYWRIGHT_TEST_URL";
pub(crate) const CUT: &str = "KEYWRIGHT_TEST_CUT";

/// The address of an IdP without an API.
const BY_HAND: &str = "";

fn directory(workshop: &Workshop) -> Box<dyn Directory> {
    match workshop.url.as_str() {
        BY_HAND => Box::new(by_hand()),
        _ => Box::new(workshop.directory()),
    }
}

fn by_hand() -> Manual {
    Manual::google_workspace(&ConnectionConfig { name: DIRECTORY.into(), ..ConnectionConfig::default() }).unwrap()
}

/// Where the power is cut: at this write, counted from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    Before(usize),
    After(usize),
    Never,
}

impl Cut {
    fn to_text(self) -> String {
        match self {
            Self::Before(at) => format!("before:{at}"),
            Self::After(at) => format!("after:{at}"),
            Self::Never => "never".into(),
        }
    }

    pub(crate) fn from_text(text: &str) -> Self {
        match text.split_once(':') {
            Some(("before", at)) => Self::Before(at.parse().unwrap()),
            Some(("after", at)) => Self::After(at.parse().unwrap()),
            _ => Self::Never,
        }
    }
}

/// A store that kills its process at a write.
pub(crate) struct Fragile<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) cut: Cut,
    pub(crate) writes: AtomicUsize,
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
}

fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
    loop {
        std::thread::park();
    }
}

/// One run in a process of its own. Goes on if the ledger has a plan already, as `provision` of the same roster does.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn station() {
    let (folder, url, cut) = (env::var(FOLDER).unwrap(), env::var(URL).unwrap(), env::var(CUT).unwrap());
    let workshop = Workshop::at(Path::new(&folder), &url);
    let (rack, store) = (workshop.rack(), workshop.store());
    let fragile = Fragile { store: &store, cut: Cut::from_text(&cut), writes: AtomicUsize::new(0) };
    let hands = Hands::default();
    let report = workshop.with_directory(&*directory(&workshop), &fragile, &rack, &hands, |station| {
        let book = Register::read(&station.store.entries(0).unwrap()).unwrap();
        if book.jobs.is_empty() { run(station, &workshop.plan(station)?) } else { resume(station) }
    });
    let report = report.unwrap();
    let said = hands.said.lock().unwrap();
    let is_well = |account: &AccountReport| account.complete || account.to_be_confirmed;
    assert!(report.accounts.iter().all(is_well), "{report:#?}\n{said:#?}");
    std::fs::write(Path::new(&folder).join("writes"), fragile.writes.into_inner().to_string()).unwrap();
}

/// ada leaves, in a process of its own.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn departure() {
    let (folder, url, cut) = (env::var(FOLDER).unwrap(), env::var(URL).unwrap(), env::var(CUT).unwrap());
    let workshop = Workshop::at(Path::new(&folder), &url);
    let store = workshop.store();
    let fragile = Fragile { store: &store, cut: Cut::from_text(&cut), writes: AtomicUsize::new(0) };
    let (directory, policy) = (workshop.directory(), RetryPolicy::default());
    let ada = AccountId::new(DIRECTORY, "ada");
    leave(&directory, &fragile, &policy, &Cancel::default(), &ada, "left", &"tester".into()).unwrap();
    std::fs::write(Path::new(&folder).join("writes"), fragile.writes.into_inner().to_string()).unwrap();
}

fn start(workshop: &Workshop, cut: Cut) -> (ExitStatus, String) {
    start_test(workshop, "resume_after_power_cut::station", cut)
}

/// Runs a test of this binary, by its path, in a process of its own.
pub(crate) fn start_test(workshop: &Workshop, test: &str, cut: Cut) -> (ExitStatus, String) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, workshop.path())
        .env(URL, &workshop.url)
        .env(CUT, cut.to_text())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status, String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

/// What holds when a run has ended: everything agrees. Where people register keys, nothing counts yet, and nothing but what shows
/// whose a key is was left on it.
fn check(workshop: &Workshop, logins: &[&str]) {
    if workshop.url != BY_HAND {
        return workshop.everything_agrees(logins, 2);
    }
    let book = workshop.book();
    for login in logins {
        let account = AccountId::new(DIRECTORY, login);
        let standing = book.standing(&account, time::OffsetDateTime::now_utc()).unwrap();
        assert_eq!((standing.to_be_confirmed(), standing.in_service()), (2, 0));
    }
    assert!(
        book.credentials.values().all(|one| one.state == CredentialState::Unconfirmed && one.model_verdict.is_some())
    );
    assert!(book.jobs.values().all(|job| job.state == JobState::Done));
    assert_eq!(workshop.credentials_on_keys(&workshop.rack(), &book), []);
    assert_eq!(workshop.vault().list().unwrap(), []);
}

/// Writes of a run that nothing disturbs.
fn writes_in_a_run(workshop: &Workshop, logins: &[&str]) -> usize {
    let (status, output) = start(workshop, Cut::Never);
    assert!(status.success(), "{output}");
    check(workshop, logins);
    std::fs::read_to_string(workshop.path().join("writes")).unwrap().parse().unwrap()
}

/// Cuts the power as told, one after the other, and then lets the last run end.
fn survive(workshop: &Workshop, logins: &[&str], cuts: &[Cut]) {
    for cut in cuts {
        let (status, output) = start(workshop, *cut);
        // A later cut may lie behind the end of what was left to do.
        assert!(status.signal() == Some(9) || status.success(), "{cut:?} of {cuts:?}: {output}");
    }
    let (status, output) = start(workshop, Cut::Never);
    assert!(status.success(), "after {cuts:?}: {output}");
    check(workshop, logins);
}

/// Every case, on two threads; the first that fails is told with its cuts.
fn each(cases: Vec<Vec<Cut>>, logins: &[&str], workshop: impl Fn() -> Workshop + Sync) {
    let left = Mutex::new(cases);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(case) = left.lock().unwrap().pop() else { break };
                    survive(&workshop(), logins, &case);
                }
            });
        }
    });
}

#[test]
fn killed_at_every_write_of_one_persons_job() {
    let logins = ["ada"];
    let workshop = || Workshop::new(2, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    assert!(writes > 40, "two keys take twelve steps each, and each step two writes: {writes}");
    let cases = (0..writes).flat_map(|at| [vec![Cut::Before(at)], vec![Cut::After(at)]]).collect();
    each(cases, &logins, workshop);
}

#[test]
fn killed_at_every_write_of_a_job_whose_keys_are_registered_by_hand() {
    let logins = ["ada"];
    let workshop = || Workshop::without_directory(2, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    assert!(writes > 40, "{writes}");
    let cases = (0..writes).flat_map(|at| [vec![Cut::Before(at)], vec![Cut::After(at)]]).collect();
    each(cases, &logins, workshop);
}

#[test]
fn killed_while_two_people_are_served_at_once() {
    let logins = ["ada", "grace"];
    let workshop = || Workshop::new(4, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    let cases = (1..writes).step_by(5).flat_map(|at| [vec![Cut::Before(at)], vec![Cut::After(at)]]).collect();
    each(cases, &logins, workshop);
}

#[test]
fn killed_again_while_going_on() {
    let logins = ["ada"];
    let workshop = || Workshop::new(2, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    let cases = (2..writes).step_by(4).map(|at| vec![Cut::Before(at), Cut::After(2), Cut::Before(3), Cut::After(1)]);
    each(cases.collect(), &logins, workshop);
}

#[test]
fn killed_at_every_write_of_a_departure() {
    // ada has one key, and a second one that is only planned.
    let workshop = || {
        let workshop = Workshop::new(1, &["ada"]);
        workshop.provision().unwrap();
        workshop
    };
    let whole = workshop();
    let (status, output) = start_test(&whole, "resume_after_power_cut::departure", Cut::Never);
    assert!(status.success(), "{output}");
    let writes: usize = std::fs::read_to_string(whole.path().join("writes")).unwrap().parse().unwrap();
    assert_eq!(writes, 2, "that she left, and that her key is revoked");
    for cut in (0..writes).flat_map(|at| [Cut::Before(at), Cut::After(at)]) {
        let workshop = workshop();
        let (status, output) = start_test(&workshop, "resume_after_power_cut::departure", cut);
        assert_eq!(status.signal(), Some(9), "{cut:?}: {output}");
        let (status, output) = start_test(&workshop, "resume_after_power_cut::departure", Cut::Never);
        assert!(status.success(), "after {cut:?}: {output}");
        let (book, directory) = (workshop.book(), workshop.directory());
        let user = directory.find_user("ada").unwrap();
        assert_eq!(directory.list(&user).unwrap(), [], "after {cut:?}");
        assert!(book.credentials.values().all(|one| one.state == CredentialState::Revoked), "after {cut:?}");
        assert_eq!(book.unfinished().count(), 0);
        let standing = book.standing(&AccountId::new(DIRECTORY, "ada"), time::OffsetDateTime::now_utc()).unwrap();
        assert_eq!(standing.account, AccountStanding::Left);
    }
}
