//! A ledger on a disk that fills up, on one that cannot be written, and one that two processes want.
//!
//! Small disks are made with `mount -t tmpfs`, which needs root; without it those tests say SKIPPED.

use keywright_test_support::skipped;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use keywright::ledger::{Entry, Event, Head, LedgerError, Record, SqliteStore, Store, chain};
use tempfile::TempDir;
use time::OffsetDateTime;

fn open(path: &Path) -> Result<SqliteStore, LedgerError> {
    SqliteStore::open(path, Box::new(OffsetDateTime::now_utc))
}

fn attention(length: usize) -> Event {
    Event::AttentionNeeded { job: None, message: "x".repeat(length) }
}

fn checked(store: &SqliteStore) -> Head {
    chain::verify(&store.entries(0).unwrap(), None).unwrap()
}

/// A disk of one megabyte, gone when dropped.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], folder.path());
        if !mounted {
            skipped("mounting a small disk needs root");
        }
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves less room than one page of the database.
    fn fill(&self) {
        let mut file = fs::File::create(self.path().join("ballast")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    /// Makes room. The kernel may count what was freed a moment later, so this ends when there is room indeed.
    fn empty(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
        let probe = self.path().join("probe");
        let began = Instant::now();
        while fs::write(&probe, [0; 1 << 18]).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "the disk stays full");
        }
        fs::remove_file(probe).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A program that another test starts just now holds our open files for a moment, so the disk goes when it lets go.
        let mut command = Command::new("umount");
        let unmounted = command.arg("--lazy").arg(self.path()).status().is_ok_and(|status| status.success());
        assert!(unmounted || std::thread::panicking(), "{} stays mounted", self.path().display());
    }
}

fn append(store: &SqliteStore, event: &Event) -> Result<Entry, LedgerError> {
    let mut entries = store.append(&store.head()?, &[Record::from(event)])?;
    Ok(entries.pop().unwrap())
}

fn mount(arguments: &[&str], on: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(arguments).arg(on).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_stops_the_log_and_harms_nothing() {
    let Some(disk) = Disk::mount() else { return };
    let path = disk.path().join("ledger.db");
    let store = open(&path).unwrap();
    append(&store, &attention(1)).unwrap();
    disk.fill();
    // What SQLite has taken from the disk already may hold a few more.
    let refused = std::iter::repeat_with(|| append(&store, &attention(3000))).take(1000).find_map(Result::err);
    assert!(matches!(refused, Some(LedgerError::DiskFull { .. })), "{refused:?}");
    let before = checked(&store);
    for _ in 0..3 {
        assert!(matches!(append(&store, &attention(3000)), Err(LedgerError::DiskFull { .. })));
    }
    assert_eq!(checked(&store), before);
    disk.empty();
    assert_eq!(append(&store, &attention(3000)).unwrap().seq, before.seq + 1);
    drop(store);
    assert_eq!(checked(&SqliteStore::read(&path).unwrap()).seq, before.seq + 1);
}

#[test]
fn no_ledger_is_begun_on_a_full_disk() {
    let Some(disk) = Disk::mount() else { return };
    disk.fill();
    let path = disk.path().join("ledger.db");
    assert!(matches!(open(&path), Err(LedgerError::DiskFull { .. })), "{:?}", open(&path).err());
    disk.empty();
    assert_eq!(append(&open(&path).unwrap(), &attention(1)).unwrap().seq, 1);
}

#[test]
fn a_ledger_on_a_disk_that_cannot_be_written_is_read() {
    let Some(disk) = Disk::mount() else { return };
    let path = disk.path().join("50% #1?.db");
    append(&open(&path).unwrap(), &attention(1)).unwrap();
    assert!(mount(&["-o", "remount,ro"], disk.path()));
    assert_eq!(checked(&SqliteStore::read(&path).unwrap()).seq, 1);
    assert!(matches!(open(&path), Err(LedgerError::File { .. })), "{:?}", open(&path).err());
}

/// Not a test by itself: the process that has the ledger, until it is killed.
#[test]
#[ignore = "started by the test below, in a process that it kills"]
fn holder() {
    let path = std::env::var_os("KEYWRIGHT_TEST_LEDGER").unwrap();
    let store = open(Path::new(&path)).unwrap();
    append(&store, &attention(1)).unwrap();
    println!("\nready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    unreachable!("the parent kills this process while it holds the pipe");
}

#[test]
fn another_process_has_the_ledger_until_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "disk::holder", "--ignored", "--nocapture"])
        .env("KEYWRIGHT_TEST_LEDGER", &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut stdout = other.stdout.take().unwrap();
    while !said.ends_with(b"\nready\n") {
        let mut byte = [0];
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "the other process ended: {}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }

    let Err(LedgerError::Locked { holder, .. }) = open(&path) else { panic!("two writers") };
    assert!(holder.ends_with(&format!("process {}", other.id())), "{holder}");
    assert!(holder.starts_with("ledger-"), "{holder}");
    assert_eq!(checked(&SqliteStore::read(&path).unwrap()).seq, 1);

    other.kill().unwrap();
    other.wait().unwrap();
    let store = open(&path).unwrap();
    assert_eq!(append(&store, &attention(1)).unwrap().seq, 2);
    assert_eq!(checked(&store).seq, 2);
}
