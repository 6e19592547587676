//! Where a run's time goes: stands between a run and its doors, and adds up what each step of each key spent at which door.
//!
//! A key has one thread from beginning to end, so the thread knows its key. Time that is spent before a thread first opens a key
//! belongs to no step.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use keywright::idp::{Directory, DirectoryError, Finding, Registered, SignIn, User};
use keywright::ledger::{Entry, Failure, Head, LedgerError, Record, Step, Store};
use keywright::provision::{JobLabel, Operator};
use keywright::secret::{Delivery, SecretError};
use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Keepalive, Pin, Transport, TransportError, TransportKind};
use keywright_fido::webauthn::{AuthenticationResponse, Ceremony, CredentialId, RegistrationResponse, SignInCeremony};

/// The doors of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Waiting for the key's answers.
    Key,
    /// Waiting for the IdP's answers.
    Directory,
    /// Waiting for the disk to have an event.
    Ledger,
}

/// What one step took, over all keys.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub total: Duration,
    doors: [Duration; 3],
}

impl Spent {
    pub(crate) fn at(&self, door: Door) -> Duration {
        self.doors[door as usize]
    }

    /// Neither key nor directory nor ledger: our own work, the sealing of PINs with its syncs, and waiting for other threads.
    pub(crate) fn elsewhere(&self) -> Duration {
        self.total.saturating_sub(self.doors.iter().sum())
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.doors.iter_mut().zip(other.doors).for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// The step that a thread is at; `None` while its key is opened and recognised.
struct Lap {
    step: Option<Step>,
    began: Instant,
    spent: Spent,
}

thread_local! {
    static LAP: RefCell<Option<Lap>> = const { RefCell::new(None) };
}

fn timed<T>(door: Door, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    LAP.with_borrow_mut(|lap| {
        if let Some(lap) = lap {
            lap.spent.doors[door as usize] += began.elapsed();
        }
    });
    result
}

/// An operator who says nothing and takes the time.
#[derive(Default)]
pub(crate) struct Stopwatch {
    steps: Mutex<BTreeMap<Option<Step>, Spent>>,
    keys: Mutex<Vec<Duration>>,
}

impl Stopwatch {
    /// What each step took, over all keys and runs. `None` stands for opening the key and recognising it.
    pub(crate) fn steps(&self) -> BTreeMap<Option<Step>, Spent> {
        self.steps.lock().unwrap().clone()
    }

    /// What each key took, from its first step to its last.
    pub(crate) fn keys(&self) -> Vec<Duration> {
        self.keys.lock().unwrap().clone()
    }

    pub(crate) fn bus<'a>(&self, bus: &'a dyn Bus) -> impl Bus + use<'a> {
        TimedBus(bus)
    }

    pub(crate) fn directory<'a>(&self, directory: &'a dyn Directory) -> impl Directory + use<'a> {
        TimedDirectory(directory)
    }

    pub(crate) fn store<'a>(&self, store: &'a dyn Store) -> impl Store + use<'a> {
        TimedStore(store)
    }

    fn next(&self, next: Option<Lap>) {
        let Some(mut lap) = LAP.replace(next) else { return };
        lap.spent.total = lap.began.elapsed();
        self.steps.lock().unwrap().entry(lap.step).or_default().add(&lap.spent);
    }
}

fn lap(step: Option<Step>) -> Option<Lap> {
    Some(Lap { step, began: Instant::now(), spent: Spent::default() })
}

thread_local! {
    static FIRST_STEP: RefCell<Option<Instant>> = const { RefCell::new(None) };
}

impl Operator for Stopwatch {
    fn step(&self, _who: &JobLabel, step: Step) {
        FIRST_STEP.with_borrow_mut(|first| first.get_or_insert_with(Instant::now).to_owned());
        self.next(lap(Some(step)));
    }

    fn ended(&self, who: &JobLabel, failure: Option<&Failure>) {
        assert!(failure.is_none(), "{who:?}: {failure:?}");
        self.next(None);
        let first = FIRST_STEP.take().expect("a job that ends has begun");
        self.keys.lock().unwrap().push(first.elapsed());
    }

    fn touch(&self, _who: &JobLabel, _needed: bool) {}

    fn insert_keys(&self, _new: &[JobLabel], _begun: &[JobLabel]) {}

    fn single_out(&self, _who: &JobLabel) {}

    fn replug(&self, _who: &JobLabel) {}

    fn is_another(&self, _who: &JobLabel, _like: &str) -> bool {
        true
    }

    fn may_reset(&self, _who: &JobLabel, _why: &str) -> bool {
        false
    }

    fn show_pin(&self, _delivery: &Delivery, _pin: &Pin) -> Result<(), SecretError> {
        Ok(())
    }

    fn tell(&self, message: &str) {
        panic!("{message}");
    }
}

struct TimedBus<'a>(&'a dyn Bus);

impl Bus for TimedBus<'_> {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        self.0.devices()
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        if LAP.with_borrow(Option::is_none) {
            LAP.set(lap(None));
        }
        timed(Door::Key, || Ok(Box::new(TimedKey(self.0.open(device, limits, cancel)?)) as Box<dyn Transport>))
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        timed(Door::Key, || self.0.replug(device, patience, cancel))
    }
}

struct TimedKey(Box<dyn Transport>);

impl Transport for TimedKey {
    fn kind(&self) -> TransportKind {
        self.0.kind()
    }

    fn speaks_ctap2(&self) -> bool {
        self.0.speaks_ctap2()
    }

    fn longest_request(&self) -> usize {
        self.0.longest_request()
    }

    fn cbor(&mut self, request: &[u8], keepalive: &mut dyn FnMut(Keepalive)) -> Result<Vec<u8>, TransportError> {
        timed(Door::Key, || self.0.cbor(request, keepalive))
    }

    fn wink(&mut self) -> Result<(), TransportError> {
        timed(Door::Key, || self.0.wink())
    }
}

struct TimedStore<'a>(&'a dyn Store);

impl Store for TimedStore<'_> {
    fn append(&self, expected: &Head, records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        timed(Door::Ledger, || self.0.append(expected, records))
    }

    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        timed(Door::Ledger, || self.0.rows(after, visit))
    }
}

struct TimedDirectory<'a>(&'a dyn Directory);

impl TimedDirectory<'_> {
    fn ask<T>(&self, ask: impl FnOnce(&dyn Directory) -> Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        timed(Door::Directory, || ask(self.0))
    }
}

impl Directory for TimedDirectory<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn instance(&self) -> Result<keywright::ledger::IdpInstance, DirectoryError> {
        self.0.instance()
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        self.ask(|directory| directory.preflight())
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        self.ask(|directory| directory.find_user(login))
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        self.ask(|directory| directory.begin(user))
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        self.ask(|directory| directory.complete(ceremony, response, label))
    }

    fn read_back(
        &self,
        user: &User,
        ceremony: &Ceremony,
        credential_id: &CredentialId,
        label: &str,
    ) -> Result<Option<Registered>, DirectoryError> {
        self.ask(|directory| directory.read_back(user, ceremony, credential_id, label))
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        self.ask(|directory| directory.abandon(user, pending))
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.ask(|directory| directory.pending(user))
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        self.ask(|directory| directory.list(user))
    }

    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.ask(|directory| directory.revoke(user, registered))
    }

    fn other_methods(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.ask(|directory| directory.other_methods(user))
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        self.0.sign_in().map(|_| self as &dyn SignIn)
    }
}

impl TimedDirectory<'_> {
    fn door(&self) -> &dyn SignIn {
        self.0.sign_in().expect("nobody is shown to a door that is not there")
    }
}

impl SignIn for TimedDirectory<'_> {
    fn begin(&self, user: &User) -> Result<SignInCeremony, DirectoryError> {
        timed(Door::Directory, || self.door().begin(user))
    }

    fn finish(
        &self,
        user: &User,
        ceremony: &SignInCeremony,
        response: &AuthenticationResponse,
    ) -> Result<(), DirectoryError> {
        timed(Door::Directory, || self.door().finish(user, ceremony, response))
    }
}
