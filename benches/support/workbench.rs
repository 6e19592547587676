//! A folder in which one roster can be provisioned, once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use age::secrecy::SecretString;
use keywright::idp::embedded::Embedded;
use keywright::ledger::{Event, SqliteStore, Store};
use keywright::profile::{self, Profile, Profiles, Roster, RosterLayout};
use keywright::provision::{Identification, Plan, RetryPolicy, Station, run};
use keywright::secret::{Reader, SystemEntropy, Vault};
use keywright_attest::{Anchors, Judge};
use keywright_fido::hid::{Cancel, Limits};
use keywright_practice::idp_server::wire::NewUser;
use keywright_practice::idp_server::{EmbeddedServer, Settings};
use keywright_practice::softkey::{Rack, Touch};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::{Place, Stopwatch};

const DIRECTORY: &str = "bench";

/// People on a roster, as many soft keys as they get, and an IdP that knows them. Nothing is provisioned yet.
pub(crate) struct Workbench {
    // Fields are dropped in order: the folder goes last.
    pub rack: Rack,
    directory: Embedded,
    _server: EmbeddedServer,
    store: SqliteStore,
    vault: Vault,
    judge: Judge,
    reader: Reader,
    roster: Roster,
    profiles: Profiles,
    folder: TempDir,
}

impl Workbench {
    pub(crate) fn new(place: Place, people: usize, keys_each: usize) -> Self {
        let folder = place.folder();
        let rack = Rack::create(&folder.path().join("softkeys"), people * keys_each).unwrap();
        let anchors = || Anchors::from_pem_or_der(rack.anchor_pem().as_bytes()).unwrap();
        let settings = Settings { trusted_only: true, ..Settings::new(Arc::new(anchors())) };
        let token = || SecretString::from("a-token-for-benchmarks-only");
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let database = folder.path().join("directory.sqlite3");
        let server = EmbeddedServer::start(listen, Some(&database), token(), settings).unwrap();
        let directory = Embedded::new(DIRECTORY, &server.url(), token()).unwrap();

        let mut roster = "account,profile\n".to_owned();
        for number in 1..=people {
            let login = format!("person-{number}@example.org");
            roster.push_str(&format!("{login},bench\n"));
            let new = NewUser { display_name: login.clone(), login, active: true, other_methods: Vec::new() };
            directory.create_user(&new).unwrap();
        }
        let profiles = Profiles::from([("bench".parse().unwrap(), profile(keys_each))]);
        let roster = RosterLayout::default().parse("roster.csv", roster.as_bytes(), &profiles).unwrap();
        let identity = age::x25519::Identity::generate();
        Self {
            directory,
            _server: server,
            store: SqliteStore::open(&folder.path().join("ledger.sqlite3"), Box::new(OffsetDateTime::now_utc)).unwrap(),
            vault: Vault::open(&folder.path().join("vault")).unwrap(),
            judge: Judge::new(anchors()),
            reader: Reader { name: "helpdesk".into(), recipient: identity.to_public().into() },
            roster,
            profiles,
            rack,
            folder,
        }
    }

    /// The same, with fingers that take this long at every touch.
    pub(crate) fn with_touch(place: Place, people: usize, keys_each: usize, touch: Duration) -> Self {
        let workbench = Self::new(place, people, keys_each);
        workbench.rack.set_touch(Touch::After(touch));
        workbench
    }

    /// Runs the roster and returns how long that took. Every account is complete then.
    pub(crate) fn provision(self, stopwatch: &Stopwatch) -> Duration {
        self.run(stopwatch)
    }

    /// Runs the roster and returns what the ledger has then.
    pub(crate) fn events(self, stopwatch: &Stopwatch) -> Vec<Event> {
        self.run(stopwatch);
        self.store.entries(0).unwrap().iter().map(|entry| entry.event().unwrap()).collect()
    }

    fn run(&self, stopwatch: &Stopwatch) -> Duration {
        let directory = stopwatch.directory(&self.directory);
        let (bus, store) = (stopwatch.bus(&self.rack), stopwatch.store(&self.store));
        let station = Station {
            bus: &bus,
            directory: &directory,
            store: &store,
            vault: &self.vault,
            operator: stopwatch,
            identification: Identification::ByPort,
            judge: &self.judge,
            // Never started: these keys are not on USB.
            witness: keywright::witness::Witness::new("keywright".into()),
            readers: std::slice::from_ref(&self.reader),
            hand_over_folder: self.folder.path().join("hand-over"),
            letter_program: Vec::new(),
            entropy: &SystemEntropy,
            now: &OffsetDateTime::now_utc,
            limits: Limits::default(),
            retry_policy: RetryPolicy { key: Duration::ZERO, ..RetryPolicy::default() },
            cancel: Cancel::default(),
            operator_name: "bench".into(),
        };
        let began = Instant::now();
        let plan = Plan::for_roster(&station, &self.roster, &self.profiles).unwrap();
        let report = run(&station, &plan).unwrap();
        let elapsed = began.elapsed();
        for account in &report.accounts {
            assert!(account.complete, "{account:?}");
        }
        elapsed
    }
}

/// The built-in administrators' profile with this many keys and PINs as age files.
fn profile(keys: usize) -> Profile {
    let mut profile = profile::built_in().remove(&"admin".parse().unwrap()).expect("the admin profile is built in");
    profile.name = "bench".parse().unwrap();
    profile.keys.required = keys;
    profile.hand_over = profile::HandOver::Age;
    profile
}
