//! The service for card readers, with virtual readers and nothing else, for as long as these tests run.

use std::fmt::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keywright_fido::bus::{Bus as _, Device};
use keywright_fido::smart_card::readers::ReaderBus;
use keywright_practice::softkey::vpcd::{FIRST_PORT, Inserted, insert};
use keywright_practice::softkey::{CardForm, SoftCard, SoftKey};
use keywright_test_support::installed::installed;
use keywright_test_support::skipped;

/// Readers, of two slots each.
const READERS: u16 = 5;

const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
const SOCKET: &str = "/run/pcscd/pcscd.comm";

/// A machine has one such service, so one test at a time has it.
static TURN: Mutex<()> = Mutex::new(());

/// The service, and what the tests of this folder were given by `install`.
pub(crate) struct Service {
    daemon: Child,
    cache: PathBuf,
    _folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Service {
    /// `None`, said aloud, where it cannot run.
    pub(crate) fn start() -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = installed("cards", "pcscd with a virtual reader", "tests/cards/install")?;
        if !rustix::process::geteuid().is_root() {
            skipped("pcscd runs as root only");
            return None;
        }
        if UnixStream::connect(SOCKET).is_ok() {
            skipped("another pcscd runs on this machine");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("reader.conf.d");
        std::fs::create_dir(&settings).unwrap();
        for number in 0..READERS {
            let (mut text, port) = (String::new(), FIRST_PORT + 2 * number);
            writeln!(text, "FRIENDLYNAME \"Virtual {number}\"\nDEVICENAME /dev/null:{port:#X}").unwrap();
            // A copy for each: the driver knows two slots, and readers that share it share them.
            let driver = folder.path().join(format!("vpcd{number}.so"));
            std::fs::copy(DRIVER, &driver).unwrap();
            writeln!(text, "LIBPATH {}\nCHANNELID {port:#X}", driver.display()).unwrap();
            std::fs::write(settings.join(format!("vpcd{number}")), text).unwrap();
        }
        std::fs::create_dir_all("/run/pcscd").unwrap();
        let mut daemon = Command::new("/usr/sbin/pcscd");
        daemon.args(["--foreground", "--config"]).arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = daemon.spawn().unwrap();
        let service = Self { daemon, cache, _folder: folder, _turn: turn };
        let there = || ReaderBus::readers().is_ok_and(|readers| readers == Some(usize::from(2 * READERS)));
        until("the service has its readers", there);
        Some(service)
    }

    /// The program that python-fido2 is in.
    pub(crate) fn python(&self) -> PathBuf {
        self.cache.join("bin/python")
    }

    /// Lays a card into a slot, counted from 0, and waits until the reader says so.
    pub(crate) fn insert(&self, slot: u16, key: &SoftKey, form: CardForm) -> Inserted {
        let port = FIRST_PORT + slot;
        until("the slot is free", || found(slot).is_none());
        let card = insert(SoftCard::new(key.clone(), form), port).unwrap();
        until("the card is in its reader", || found(slot).is_some());
        card
    }

    /// The service ends, as it does when its package is upgraded.
    pub(crate) fn stop(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It fails if it was stopped already.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        // A killed one leaves it, and the next one refuses to start then.
        for left in [SOCKET, "/run/pcscd/pcscd.pid"] {
            if Path::new(left).exists() {
                std::fs::remove_file(left).unwrap();
            }
        }
    }
}

/// The name of a slot's reader.
pub(crate) fn reader(slot: u16) -> String {
    format!("Virtual {} 00 {:02}", slot / 2, slot % 2)
}

/// The key in this slot, for a bus that knows nothing yet.
pub(crate) fn found(slot: u16) -> Option<Device> {
    ReaderBus::default().devices().unwrap().into_iter().find(|device| device.port == reader(slot))
}

/// Looks until it is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let ends = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < ends, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
