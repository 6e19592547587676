//! A workshop for journeys: soft keys in a folder, an embedded IdP over HTTP, a ledger and a vault on disk, and an
//! operator who answers as told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret;
use keywright::idp::embedded::Embedded;
use keywright::idp::{Directory, Registered};
use keywright::ledger::{AccountId, Failure, LedgerError, Outcome, SqliteStore, Step, Store, chain};
use keywright::profile::{Profile, ProfileName, Profiles, Roster};
use keywright::provision::{Identification, JobLabel, Operator, Plan, Report, RetryPolicy, RunError, Station};
use keywright::register::{self, CredentialState, Job, JobState, Register};
use keywright::secret::{Delivery, Reader, SealedPin, SecretError, SystemEntropy, Vault};
use keywright::witness::Witness;
use keywright_attest::{Anchors, Judge};
use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Authenticator, Permissions, Pin, Transport, TransportError};
use keywright_fido::webauthn::CredentialId;
use keywright_practice::idp_server::wire::NewUser;
use keywright_practice::idp_server::{EmbeddedServer, Settings};
use keywright_practice::softkey::Rack;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::as_said::run_as_said;

pub const TOKEN: &str = "a-token-for-tests-only";
pub const DIRECTORY: &str = "workshop";

/// Goes on with what is open, as `keywright resume` does.
pub fn resume(station: &Station<'_>) -> Result<Report, RunError> {
    match Plan::for_resuming(station)? {
        Some(plan) => run_as_said(station, &plan),
        None => Ok(Report {
            batch: 0,
            accounts: Vec::new(),
            head: station.store.head()?,
            interrupted: false,
            by_hand: None,
        }),
    }
}

/// What every run in the workshop starts from. The folder outlives processes; another process can open it again.
pub struct Workshop {
    folder: Place,
    pub url: String,
    /// What everybody in the roster gets. Change it before the first run.
    pub profile: Profile,
    /// Prints letters, where the profile hands PINs over so.
    pub letter_program: Vec<String>,
    _server: Option<EmbeddedServer>,
}

enum Place {
    Own(TempDir),
    Borrowed(PathBuf),
}

impl Workshop {
    /// A new folder with soft keys and an IdP that knows these logins.
    pub fn new(keys: usize, logins: &[&str]) -> Self {
        Self::with_settings(keys, logins, |_| {})
    }

    /// The same, with an IdP that is set up otherwise.
    pub fn with_settings(keys: usize, logins: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        let (folder, rack) = furnish(keys);
        let anchors = Anchors::from_pem_or_der(rack.anchor_pem().as_bytes()).unwrap();
        let mut settings = Settings::new(Arc::new(anchors));
        settings.trusted_only = true;
        change(&mut settings);
        let database = folder.path().join("directory.sqlite3");
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let server = EmbeddedServer::start(listen, Some(&database), TOKEN.to_owned().into(), settings).unwrap();
        let workshop = Self {
            folder: Place::Own(folder),
            url: server.url(),
            profile: profile(),
            letter_program: Vec::new(),
            _server: Some(server),
        };
        workshop.set_roster(logins);
        logins.iter().for_each(|login| workshop.create_user(login));
        workshop
    }

    /// A new folder with soft keys and no directory: for one that a test plays itself, under the name [`DIRECTORY`].
    pub fn without_directory(keys: usize, logins: &[&str]) -> Self {
        let (folder, _) = furnish(keys);
        let workshop = Self {
            folder: Place::Own(folder),
            url: String::new(),
            profile: profile(),
            letter_program: Vec::new(),
            _server: None,
        };
        workshop.set_roster(logins);
        workshop
    }

    /// The same, with one key for everybody.
    pub fn with_one_key_each(logins: &[&str]) -> Self {
        let mut workshop = Self::new(logins.len(), logins);
        workshop.profile.keys.required = 1;
        workshop
    }

    /// Makes an account at the IdP.
    pub fn create_user(&self, login: &str) {
        let new = NewUser {
            login: login.to_owned(),
            display_name: login.to_uppercase(),
            active: true,
            other_methods: vec!["sms".into()],
        };
        self.directory().create_user(&new).unwrap();
    }

    /// Writes another roster.
    pub fn set_roster(&self, logins: &[&str]) {
        let rows: String = logins.iter().map(|login| format!("{login},workshop\n")).collect();
        std::fs::write(self.path().join("roster.csv"), format!("account,profile\n{rows}")).unwrap();
    }

    /// A workshop that another process made, with its directory at this address.
    pub fn at(folder: &Path, url: &str) -> Self {
        Self {
            folder: Place::Borrowed(folder.to_owned()),
            url: url.to_owned(),
            profile: profile(),
            letter_program: Vec::new(),
            _server: None,
        }
    }

    pub fn path(&self) -> &Path {
        match &self.folder {
            Place::Own(folder) => folder.path(),
            Place::Borrowed(folder) => folder,
        }
    }

    /// The IdP, as its own client sees it.
    pub fn directory(&self) -> Embedded {
        Embedded::new(DIRECTORY, &self.url, TOKEN.to_owned().into()).unwrap()
    }

    pub fn rack(&self) -> Rack {
        Rack::open(&self.path().join("softkeys")).unwrap()
    }

    /// Another test of this process that starts a program at this moment has the lock's file in its child, too, until the child
    /// becomes that program: so a lock that this very process holds is waited for, ten seconds at most.
    pub fn store(&self) -> SqliteStore {
        let own = format!("process {}", std::process::id());
        let ends = Instant::now() + Duration::from_secs(10);
        loop {
            match SqliteStore::open(&self.path().join("ledger.sqlite3"), Box::new(OffsetDateTime::now_utc)) {
                Err(LedgerError::Locked { holder, .. }) if holder.ends_with(&own) && Instant::now() < ends => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                opened => return opened.unwrap(),
            }
        }
    }

    pub fn vault(&self) -> Vault {
        Vault::open(&self.path().join("vault")).unwrap()
    }

    /// What the ledger says, with its chain checked.
    pub fn book(&self) -> Register {
        let entries = self.ledger().entries(0).unwrap();
        chain::verify(&entries, None).unwrap();
        Register::read(&entries).unwrap()
    }

    /// The log, for reading.
    pub fn ledger(&self) -> SqliteStore {
        SqliteStore::read(&self.path().join("ledger.sqlite3")).unwrap()
    }

    /// What a step of a job ended with, if it is done.
    pub fn outcome(&self, job: &Job, step: Step) -> Option<Outcome> {
        job.outcomes.at(step).map(|seq| register::outcome(&self.ledger(), seq).unwrap())
    }

    pub fn profiles(&self) -> Profiles {
        Profiles::from([("workshop".parse::<ProfileName>().unwrap(), self.profile.clone())])
    }

    /// What the roster asks for, as a station sees it now.
    pub fn plan(&self, station: &Station<'_>) -> Result<Plan, RunError> {
        let profiles = self.profiles();
        let roster = Roster::read(&self.path().join("roster.csv"), &profiles).unwrap();
        Plan::for_roster(station, &roster, &profiles)
    }

    /// Runs the roster with everything as it stands in the folder.
    pub fn provision(&self) -> Result<Report, RunError> {
        self.provision_with(&self.rack(), &Hands::default())
    }

    /// The same, with these keys and hands.
    pub fn provision_with(&self, rack: &dyn Bus, hands: &Hands<'_>) -> Result<Report, RunError> {
        self.provision_at(&self.directory(), &self.store(), rack, hands)
    }

    /// The same, with everything given.
    pub fn provision_at(
        &self,
        directory: &dyn Directory,
        store: &dyn Store,
        rack: &dyn Bus,
        hands: &Hands<'_>,
    ) -> Result<Report, RunError> {
        self.with_directory(directory, store, rack, hands, |station| run_as_said(station, &self.plan(station)?))
    }

    /// Goes on with what is open.
    pub fn resume(&self) -> Result<Report, RunError> {
        let rack = self.rack();
        self.with(&rack, &Hands::default(), resume)
    }

    /// A station in this workshop, to be changed and used.
    pub fn with<T>(&self, rack: &dyn Bus, hands: &Hands<'_>, work: impl FnOnce(&Station<'_>) -> T) -> T {
        self.with_directory(&self.directory(), &self.store(), rack, hands, work)
    }

    /// The same, with another way to the IdP and another store.
    pub fn with_directory<T>(
        &self,
        directory: &dyn Directory,
        store: &dyn Store,
        rack: &dyn Bus,
        hands: &Hands<'_>,
        work: impl FnOnce(&Station<'_>) -> T,
    ) -> T {
        let anchor = std::fs::read(self.path().join("softkeys/attestation-ca.pem")).unwrap();
        let anchors = if hands.distrusts { Anchors::default() } else { Anchors::from_pem_or_der(&anchor).unwrap() };
        let now = || OffsetDateTime::now_utc() + Duration::from_secs(hands.clock_ahead.load(Ordering::SeqCst));
        let vault = self.vault();
        let reader: Reader = std::fs::read_to_string(self.path().join("reader.pub")).unwrap().parse().unwrap();
        work(&Station {
            bus: rack,
            directory,
            store,
            vault: &vault,
            operator: hands,
            identification: if hands.goes_by_touch { Identification::ByTouch } else { Identification::ByPort },
            judge: &Judge::new(anchors),
            // Never started: these keys are not on USB.
            witness: Witness::new("keywright".into()),
            readers: &[reader],
            hand_over_folder: self.path().join("hand-over"),
            letter_program: self.letter_program.clone(),
            entropy: &SystemEntropy,
            now: &now,
            limits: Limits::default(),
            retry_policy: RetryPolicy {
                key: hands.waits_for_keys,
                backoff: Duration::from_millis(1),
                retry_after: Duration::from_secs(1),
            },
            cancel: hands.cancel.clone(),
            operator_name: "tester".into(),
        })
    }

    /// The PIN that was handed over for a key, as its reader reads it.
    pub fn handed_over(&self, login: &str, ordinal: usize) -> Option<Pin> {
        let identity: age::x25519::Identity =
            std::fs::read_to_string(self.path().join("reader.key")).unwrap().parse().unwrap();
        let sealed = std::fs::read(self.path().join(format!("hand-over/helpdesk/{login}.{ordinal}.age"))).ok()?;
        let text = String::from_utf8(age::decrypt(&identity, &sealed).unwrap()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("PIN ")).expect("the hand-over has a PIN line");
        Some(Pin::new(line.trim()).unwrap())
    }

    /// Holds ledger, directory, keys, vault and hand-over against each other: every account complete, and nothing anywhere that
    /// the others do not know of.
    pub fn everything_agrees(&self, logins: &[&str], keys_each: usize) {
        self.everything_agrees_on(&self.rack(), logins, keys_each);
    }

    /// The same, with the keys somewhere else.
    pub fn everything_agrees_on(&self, bus: &dyn Bus, logins: &[&str], keys_each: usize) {
        self.everything_agrees_at(&self.directory(), bus, logins, keys_each);
    }

    /// The same, at another directory. One that does not tell credential ids is asked by its own names for the keys.
    pub fn everything_agrees_at(&self, directory: &dyn Directory, bus: &dyn Bus, logins: &[&str], keys_each: usize) {
        let book = self.book();
        let mut on_keys = self.credentials_on_keys(bus, &book);
        for login in logins {
            let id = AccountId::new(DIRECTORY, login);
            let account = &book.accounts[&id];
            assert!(account.completed, "{login} is not complete");
            let user = directory.find_user(login).unwrap();
            assert_eq!(account.user_id.as_ref(), Some(&user.id));
            assert_eq!(directory.pending(&user).unwrap(), Vec::<String>::new(), "{login} has pending registrations");
            let live: Vec<_> =
                book.credentials_of(&id).filter(|(_, one)| one.state == CredentialState::Registered).collect();
            assert_eq!(live.len(), keys_each, "{login}'s keys in the ledger");
            let mut listed = directory.list(&user).unwrap();
            for (credential_id, one) in &live {
                assert!(one.is_proved_key(), "a key of {login} was never seen to sign");
                assert!(one.model_verdict.is_some());
                let is_it = |key: &Registered| match &key.credential_id {
                    Some(told) => told == *credential_id,
                    None => one.directory_id.as_ref() == Some(&key.id),
                };
                let at = listed.iter().position(is_it).expect("every key in the ledger is at the directory");
                listed.remove(at);
                let at = on_keys.iter().position(|found| found == *credential_id).expect("and on a key");
                on_keys.remove(at);
            }
            assert_eq!(listed, Vec::new(), "{login} has keys at the directory that the ledger does not know");
        }
        assert_eq!(on_keys, Vec::<CredentialId>::new(), "credentials on keys that nobody knows of");
        assert!(book.jobs.values().all(|job| job.state == JobState::Done));
        let lost_pins: Vec<_> = self.vault().list().unwrap();
        assert!(lost_pins.is_empty(), "working copies left: {lost_pins:?}");
    }

    /// The PIN of the key in this port: handed over, or still sealed.
    pub fn pin_of(&self, book: &Register, port: &str) -> Option<Pin> {
        let job = book.jobs.values().find(|job| job.key().is_some_and(|key| key.port == port))?;
        let sealed = match self.outcome(job, Step::SealPin) {
            Some(Outcome::SealPin { sealed, .. }) => self.sealed(&sealed),
            _ => None,
        };
        sealed.or_else(|| self.handed_over(&job.account.login, job.ordinal))
    }

    /// A working copy, opened with the station's identity as anybody could who has it.
    pub fn sealed(&self, name: &SealedPin) -> Option<Pin> {
        let sealed = std::fs::read(self.path().join(format!("vault/pins/{}.age", name.0))).ok()?;
        let identity = std::fs::read_to_string(self.path().join("vault/station.key")).unwrap();
        let identity: age::x25519::Identity = identity.lines().last().unwrap().parse().unwrap();
        let content: serde_json::Value = serde_json::from_slice(&age::decrypt(&identity, &sealed).unwrap()).unwrap();
        Some(Pin::new(content["pin"].as_str().unwrap()).unwrap())
    }

    /// Every credential on every key, asked with the PIN that was handed over for it.
    pub fn credentials_on_keys(&self, bus: &dyn Bus, book: &Register) -> Vec<CredentialId> {
        let mut found = Vec::new();
        for device in bus.devices().unwrap() {
            let mut key = Authenticator::open(open(bus, &device)).unwrap();
            if !key.info().has_pin() {
                continue;
            }
            let mut pin =
                self.pin_of(book, &device.port).unwrap_or_else(|| panic!("nobody knows the PIN of {}", device.path));
            if key.info().force_pin_change {
                let own = Pin::new("the person's own").unwrap();
                key.change_pin(&pin, &own).unwrap();
                pin = own;
                key.refresh_info().unwrap();
            }
            let token = key.pin_uv_auth_token(&pin, Permissions::CREDENTIAL_MANAGEMENT, None).unwrap();
            for rp in key.enumerate_rps(&token).unwrap() {
                let stored = key.enumerate_credentials(&token, &rp.id_hash).unwrap();
                found.extend(stored.into_iter().map(|credential| credential.credential_id));
            }
        }
        found
    }
}

/// A key that nobody has open. One that this very process holds is waited for, as [`Workshop::store`] does it.
fn open(bus: &dyn Bus, device: &Device) -> Box<dyn Transport> {
    let own = format!("process {})", std::process::id());
    let ends = Instant::now() + Duration::from_secs(10);
    loop {
        match bus.open(device, Limits::default(), Cancel::default()) {
            Err(TransportError::Held { holder, .. }) if holder.ends_with(&own) && Instant::now() < ends => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// A folder with soft keys and somebody to hand PINs over to.
fn furnish(keys: usize) -> (TempDir, Rack) {
    // A folder in memory where there is one: nothing here is meant to survive the machine.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let rack = Rack::create(&folder.path().join("softkeys"), keys).unwrap();
    let identity = age::x25519::Identity::generate();
    std::fs::write(folder.path().join("reader.key"), identity.to_string().expose_secret()).unwrap();
    std::fs::write(folder.path().join("reader.pub"), format!("helpdesk={}", identity.to_public())).unwrap();
    (folder, rack)
}

/// A profile without a forced PIN change, so that a journey can look into its keys afterwards.
pub fn profile() -> Profile {
    keywright::profile::parse(
        "workshop.toml",
        r#"
name = "workshop"
description = "For journeys."
label = "Key {ordinal} {model}"
hand-over = "age"
[keys]
required = 2
attestation = "trusted"
reset = "if-used"
always-uv = true
cred-protect = 1
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 6
force-change = false
"#,
    )
    .unwrap()
}

/// What is done at a moment of a job.
pub type Then<'a> = Box<dyn Fn(&JobLabel, Step) + Send + Sync + 'a>;

/// An operator without a terminal: says yes to resets, and remembers what was said.
#[derive(Default)]
pub struct Hands<'a> {
    pub cancel: Cancel,
    pub refuses_resets: bool,
    /// Says that a key with the serial number of one in service is another.
    pub says_another: bool,
    /// How long the run waits for keys.
    pub waits_for_keys: Duration,
    /// How far the station's clock is ahead, in seconds.
    pub clock_ahead: Arc<AtomicU64>,
    /// Has no trust anchor.
    pub distrusts: bool,
    /// Has not seen the letters.
    pub misses_letters: bool,
    /// Tells keys of one model apart by the one that blinks.
    pub goes_by_touch: bool,
    /// Before a step.
    pub at_step: Option<Then<'a>>,
    /// When a key asks for a touch; the step is the newest that any job began.
    pub at_touch: Option<Then<'a>>,
    pub said: Mutex<Vec<String>>,
    pub steps: Mutex<Vec<(String, usize, Step)>>,
    pub touches: Mutex<Vec<(String, bool)>>,
    /// Which job waited for which.
    pub waits: Mutex<Vec<(JobLabel, JobLabel)>>,
}

impl Operator for Hands<'_> {
    fn step(&self, who: &JobLabel, step: Step) {
        self.steps.lock().unwrap().push((who.account.clone(), who.ordinal, step));
        if let Some(at_step) = &self.at_step {
            at_step(who, step);
        }
    }

    fn waits(&self, who: &JobLabel, other: &JobLabel) {
        self.waits.lock().unwrap().push((who.clone(), other.clone()));
    }

    fn touch(&self, who: &JobLabel, needed: bool) {
        self.touches.lock().unwrap().push((who.account.clone(), needed));
        let step = self.steps.lock().unwrap().last().map(|(.., step)| *step);
        if let (true, Some(at_touch), Some(step)) = (needed, &self.at_touch, step) {
            at_touch(who, step);
        }
    }

    fn ended(&self, who: &JobLabel, failure: Option<&Failure>) {
        if let Some(failure) = failure {
            self.tell(&format!("{} {}: {:?}: {}", who.account, who.ordinal, failure.code, failure.message));
        }
    }

    fn insert_keys(&self, new: &[JobLabel], begun: &[JobLabel]) {
        let whose =
            |all: &[JobLabel]| all.iter().map(|who| format!(" {} {}", who.account, who.ordinal)).collect::<String>();
        self.tell(&format!("insert{}; again{}", whose(new), whose(begun)));
    }

    fn single_out(&self, who: &JobLabel) {
        self.tell(&format!("{} {} is in {}", who.account, who.ordinal, who.port));
    }

    fn replug(&self, who: &JobLabel) {
        self.tell(&format!("replug {}", who.port));
    }

    fn is_another(&self, _who: &JobLabel, like: &str) -> bool {
        self.tell(&format!("is it another than {like}?"));
        self.says_another
    }

    fn may_reset(&self, _who: &JobLabel, _why: &str) -> bool {
        !self.refuses_resets
    }

    fn show_pin(&self, _delivery: &Delivery, _pin: &Pin) -> Result<(), SecretError> {
        Ok(())
    }

    fn letters_came_out(&self, letters: usize) -> bool {
        self.tell(&format!("{letters} letters?"));
        !self.misses_letters
    }

    fn tell(&self, message: &str) {
        self.said.lock().unwrap().push(message.to_owned());
    }
}

/// What has to be done about every case, on two threads.
pub fn each<T: Send>(cases: impl IntoIterator<Item = T>, check: impl Fn(T) + Sync) {
    let left = Mutex::new(cases.into_iter().collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(case) = left.lock().unwrap().pop() else { break };
                    check(case);
                }
            });
        }
    });
}

/// Every failure that a report has.
pub fn failures(report: &Report) -> Vec<(Step, Failure)> {
    let jobs = report.accounts.iter().flat_map(|account| &account.jobs);
    jobs.filter_map(|job| job.failure.clone()).collect()
}
