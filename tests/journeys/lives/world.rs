//! The desk at which a life is lived: soft keys in hand and in a drawer, the embedded IdP, the roster, and keywright.
//!
//! All of it is on disk, so that a process that is killed can be given the same world. A key that is lost is a file in another
//! folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use keywright::idp::embedded::Embedded;
use keywright::idp::{Directory, User};
use keywright::ledger::rollout::Loss;
use keywright::ledger::{AccountId, Store};
use keywright::profile::{Profile, Profiles, Roster};
use keywright::provision::{Drill, Plan, Report, RetryPolicy, RevokeOrder, RunError, Station, leave, revoke};
use keywright::register::{Register, Replacement};
use keywright::rollout::recover::{self, Recovered, Wanted};
use keywright::secret::SystemEntropy;
use keywright_fido::ctap::{Authenticator, Pin};
use keywright_fido::hid::{Bus as _, Cancel, Limits};
use keywright_fido::webauthn::CredentialId;
use keywright_practice::idp_server::wire::{NewUser, UserChange};
use keywright_test_support::as_said::run_as_said;
use keywright_test_support::cli::program;
use keywright_test_support::power_cut;
use keywright_test_support::softkey_state::{self, Held};
use keywright_test_support::workshop::{DIRECTORY, Hands, TOKEN, Workshop, resume};

use super::agreement::port;
use super::step::{Class, How, Ordinal, Person, SLOTS, Said, Slot, Step, Which, Work};
use crate::key_verbs;

/// What another process is to do, in the words of a step.
pub(super) const STEP: &str = "KEYWRIGHT_TEST_LIFE_STEP";

/// An address at which nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

pub(super) struct World {
    pub(super) workshop: Workshop,
}

/// How a step ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// Why nothing was done.
    pub(super) refused: Option<String>,
    /// Whether the process died.
    pub(super) killed: bool,
    /// What was said.
    pub(super) said: Vec<String>,
}

/// A key, wherever it is.
pub(super) struct Key {
    pub(super) slot: Slot,
    pub(super) in_hand: bool,
    pub(super) held: Held,
}

impl World {
    pub(super) fn new() -> Self {
        let world = Self::at(Workshop::new(SLOTS, &[]));
        for folder in ["drawer", "profiles"] {
            std::fs::create_dir(world.path(folder)).unwrap();
        }
        for (class, text) in CLASSES {
            std::fs::write(world.path(&format!("profiles/{class}.toml")), profile_text(class, text)).unwrap();
        }
        let reader = std::fs::read_to_string(world.path("reader.pub")).unwrap();
        for (name, url) in [("here.toml", world.workshop.url.as_str()), ("away.toml", NOWHERE)] {
            let settings = format!(
                "profiles = \"profiles\"\nreaders = [\"{}\"]\nletter-program = {:?}\n\n[idp.{DIRECTORY}]\n\
                 kind = \"embedded\"\nurl = \"{url}\"\ntoken = \"env:IDP_TOKEN\"\n",
                reader.trim(),
                world.workshop.letter_program
            );
            std::fs::write(world.path(name), settings).unwrap();
        }
        world
    }

    /// The world that another process named.
    pub(super) fn at(mut workshop: Workshop) -> Self {
        let tray = workshop.path().join("letters");
        workshop.letter_program = ["sh", "-c", &format!("cat >> '{}'", tray.display())].map(str::to_owned).to_vec();
        Self { workshop }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.workshop.path().join(name)
    }

    pub(super) fn is_away(&self) -> bool {
        self.path("away").exists()
    }

    /// The IdP, as keywright reaches it now.
    fn directory(&self) -> Embedded {
        let url = if self.is_away() { NOWHERE } else { &self.workshop.url };
        Embedded::new(DIRECTORY, url, TOKEN.to_owned().into()).unwrap()
    }

    /// Who is on the roster.
    pub(super) fn roster(&self) -> BTreeMap<Person, Class> {
        let text = std::fs::read_to_string(self.path("roster.txt")).unwrap_or_default();
        let rows = text.lines().map(|line| line.split_once(' ').unwrap());
        rows.map(|(person, class)| (person.parse().unwrap(), class.parse().unwrap())).collect()
    }

    fn set_roster(&self, roster: &BTreeMap<Person, Class>) {
        let text: String = roster.iter().map(|(person, class)| format!("{person} {class}\n")).collect();
        std::fs::write(self.path("roster.txt"), text).unwrap();
        let row = |(person, class)| Some(format!("{},{class},{person}\n", self.logins(person)?.pop()?));
        let rows: String = roster.iter().filter_map(|(person, class)| row((*person, *class))).collect();
        std::fs::write(self.path("roster.csv"), format!("account,profile,name\n{rows}")).unwrap();
    }

    /// The person's logins, the newest last; `None` if there is no account at the IdP.
    fn logins(&self, person: Person) -> Option<Vec<String>> {
        let text = std::fs::read_to_string(self.path(&format!("{person}.logins"))).ok()?;
        Some(text.split_whitespace().map(str::to_owned).collect())
    }

    fn set_logins(&self, person: Person, logins: &[String]) {
        std::fs::write(self.path(&format!("{person}.logins")), logins.join(" ")).unwrap();
    }

    /// The person at the IdP itself, whether or not keywright reaches it.
    pub(super) fn user(&self, person: Person) -> Option<User> {
        let login = self.logins(person)?.pop()?;
        Some(self.workshop.directory().find_user(&login).unwrap())
    }

    /// The person's account in the register.
    pub(super) fn account(&self, person: Person, register: &Register) -> Option<AccountId> {
        let user = self.user(person)?;
        let logins = self.logins(person)?;
        let is_it = |account: &keywright::register::Account| match &account.user_id {
            Some(id) => *id == user.id,
            None => logins.contains(&account.login),
        };
        let found = register.accounts.iter().find(|(_, account)| is_it(account) && account.same_as.is_none());
        found.map(|(id, _)| id.clone())
    }

    /// Every key, in hand or not.
    pub(super) fn keys(&self) -> Vec<Key> {
        let key = |slot| {
            let (hand, drawer) = (self.state_file("softkeys", slot), self.state_file("drawer", slot));
            let in_hand = hand.exists();
            Key { slot, in_hand, held: softkey_state::read(if in_hand { &hand } else { &drawer }) }
        };
        (1..=SLOTS).map(key).collect()
    }

    fn state_file(&self, folder: &str, slot: Slot) -> PathBuf {
        self.path(folder).join(format!("soft-{slot:02}.key"))
    }

    pub(super) fn book(&self) -> Register {
        if self.path("ledger.sqlite3").exists() { self.workshop.book() } else { Register::default() }
    }

    /// Has it happen; to the key in this port, if it is about a key.
    pub(super) fn happen(&self, step: Step, slot: Option<Slot>) -> Outcome {
        let idp = self.workshop.directory();
        match step {
            Step::Roster(person, class) => {
                if self.logins(person).is_none() {
                    let new = NewUser {
                        login: person.to_string(),
                        display_name: person.to_string(),
                        active: true,
                        other_methods: Vec::new(),
                    };
                    idp.create_user(&new).unwrap();
                    self.set_logins(person, &[person.to_string()]);
                }
                let mut roster = self.roster();
                roster.insert(person, class);
                self.set_roster(&roster);
            }
            Step::Drop(person) => {
                let mut roster = self.roster();
                roster.remove(&person);
                self.set_roster(&roster);
            }
            Step::Rename(person) => {
                if let (Some(user), Some(mut logins)) = (self.user(person), self.logins(person)) {
                    let login = format!("{person}{}", logins.len() + 1);
                    let display_name = Some(format!("{person} the {}", logins.len() + 1));
                    let change = UserChange { login: Some(login.clone()), display_name, ..UserChange::default() };
                    idp.change_user(&user, &change).unwrap();
                    logins.push(login);
                    self.set_logins(person, &logins);
                    self.set_roster(&self.roster());
                }
            }
            Step::Suspend(person) => self.set_active(person, false),
            Step::Restore(person) => self.set_active(person, true),
            Step::Lose(_) => self.move_key(slot, "softkeys", "drawer"),
            Step::Find(_) => self.move_key(slot, "drawer", "softkeys"),
            Step::Away => std::fs::write(self.path("away"), "").unwrap(),
            Step::Back => drop(std::fs::remove_file(self.path("away"))),
            Step::Work(work, How::Here) if !work.is_command() => {
                return self.work(work, slot, &self.workshop.store());
            }
            Step::Work(work, How::Here | How::Program) => return self.work_by_program(work, slot),
            Step::Work(work, How::Killed(cut)) => {
                let words = Step::Work(work, How::Here).to_string();
                let ended = power_cut::in_another_process("lives::mortal", &self.workshop, cut, &[(STEP, &words)]);
                assert!(ended.was_killed() || ended.status.success(), "{}", ended.output);
                return Outcome { killed: ended.was_killed(), ..Outcome::default() };
            }
            Step::Forget(person) => return self.about(person, &["account", "forget", "--reason", "mistake", "--yes"]),
            Step::Edit(person) => {
                return self.about(person, &["account", "edit", "--name", NAME, "--ticket", TICKET]);
            }
            Step::Erase(person) => return self.about(person, &["account", "erase", "--reason", "asked", "--yes"]),
            Step::Letters(person) => return self.about(person, &["hand-over", "again", "--letters-came-out"]),
            Step::Say(person, ordinal, said) => {
                let (key, said) = (format!("--key={ordinal}"), if said == Said::Lost { "lost" } else { "held" });
                return self.about(person, &["key", "edit", &key, "--as", said, "--reason", "said"]);
            }
            Step::Delete(_) => return self.delete(slot),
            Step::Drill(_) => return self.drill(slot),
        }
        Outcome::default()
    }

    /// The program, about a person's account.
    fn about(&self, person: Person, arguments: &[&str]) -> Outcome {
        match self.logins(person).and_then(|mut logins| logins.pop()) {
            Some(login) => self.program(&[arguments, &[login.as_str()]].concat()),
            None => Outcome::refused("nobody"),
        }
    }

    fn set_active(&self, person: Person, active: bool) {
        if let Some(user) = self.user(person) {
            let change = UserChange { active: Some(active), ..UserChange::default() };
            self.workshop.directory().change_user(&user, &change).unwrap();
        }
    }

    /// The port of a key; `None` if there is none such.
    pub(super) fn slot(&self, which: Which, register: &Register) -> Option<Slot> {
        let keys = self.keys();
        match which {
            Which::Of(person, ordinal) => {
                let account = self.account(person, register)?;
                let its = |id: &CredentialId| {
                    let known = register.credentials.get(id);
                    known.is_some_and(|known| known.account == account && known.ordinal == ordinal)
                };
                keys.iter().find(|key| key.held.credentials.iter().any(its)).map(|key| key.slot)
            }
            Which::Free(place) => {
                let in_use = |id: &CredentialId| register.credentials.get(id).is_some_and(|one| one.state.is_in_use());
                let mut free = keys.iter().filter(|key| !key.held.credentials.iter().any(in_use));
                free.nth(place).map(|key| key.slot)
            }
        }
    }

    fn move_key(&self, slot: Option<Slot>, from: &str, to: &str) {
        let Some(slot) = slot else { return };
        if self.state_file(from, slot).exists() {
            std::fs::rename(self.state_file(from, slot), self.state_file(to, slot)).unwrap();
        }
    }

    /// By the functions that the program calls, with this store.
    pub(super) fn work(&self, work: Work, slot: Option<Slot>, store: &dyn Store) -> Outcome {
        let (directory, policy, cancel) = (self.directory(), retry_policy(), Cancel::default());
        let register = Register::read(&store.entries(0).unwrap()).unwrap();
        let known = |person| self.account(person, &register).ok_or_else(|| format!("{person} has no account"));
        let revoked = |person, ordinal| {
            revoke(
                &directory,
                store,
                &policy,
                &cancel,
                &known(person)?,
                ordinal,
                RevokeOrder { reason: "lost", operator: &"tester".into() },
            )
            .map_err(|error| error.to_string())
        };
        match work {
            Work::Revoke(person, ordinal) => Outcome::of(revoked(person, ordinal)),
            Work::Leave(person) | Work::Wipe(person) => Outcome::of(known(person).and_then(|account| {
                let order = RevokeOrder { reason: "left", operator: &"tester".into() };
                let left = leave(&directory, store, &policy, &cancel, &account, order);
                if matches!(work, Work::Wipe(_)) {
                    key_verbs::take_back(&self.workshop, store, |_, one| one.account == account);
                }
                left.map_err(|error| error.to_string())
            })),
            Work::Return(_) => Outcome::of(slot.map(port).ok_or_else(|| "no such key".to_owned()).map(|port| {
                key_verbs::take_back(&self.workshop, store, |device, _| device.port == port);
            })),
            Work::Reset(_) => Outcome::of(slot.map(port).ok_or_else(|| "no such key".to_owned()).map(|port| {
                key_verbs::reset(&self.workshop, store, &port);
            })),
            Work::Stock => {
                key_verbs::take_into_stock(&self.workshop, store);
                Outcome::of(Ok(()))
            }
            Work::Label(person, ordinal) => Outcome::of(known(person).and_then(|account| {
                let id = register.credential_of_key(&account, ordinal).ok_or("no such key")?;
                register.credentials[id].number.ok_or("not judged yet")?;
                key_verbs::label_anew(&directory, store, id, LABEL).map_err(|error| error.to_string())
            })),
            Work::Recover(person, ordinal) => {
                let (rack, hands) = (self.workshop.rack(), Hands::default());
                Outcome::of(known(person).and_then(|account| {
                    self.workshop.with_directory(&directory, store, &rack, &hands, |station| {
                        recover_from(station, &register, account, ordinal).map_err(|error| error.to_string())
                    })
                }))
            }
            _ => {
                let (rack, hands) = (self.workshop.rack(), Hands::default());
                let ended = self
                    .workshop
                    .with_directory(&directory, store, &rack, &hands, |station| self.run(work, station, &register));
                let said = std::mem::take(&mut *hands.said.lock().unwrap());
                Outcome { said, ..Outcome::of(ended) }
            }
        }
    }

    fn run(&self, work: Work, station: &Station<'_>, register: &Register) -> Result<Report, String> {
        let profiles = profiles();
        let text = |error: RunError| error.to_string();
        let known = |person| self.account(person, register).ok_or_else(|| format!("{person} has no account"));
        let plan = match work {
            Work::Provision => {
                let roster = Roster::read(&self.path("roster.csv"), &profiles).map_err(|error| error.to_string())?;
                Plan::for_roster(station, &roster, &profiles)
            }
            Work::Resume => return resume(station).map_err(text),
            Work::Enroll(person) => {
                let account = &register.accounts[&known(person)?];
                let asked = keywright::profile::Person { account: account.login.clone(), ..account.person.clone() };
                Plan::one_more(station, &asked, &account.profile)
            }
            Work::Replace(person, ordinal) | Work::SameKey(person, ordinal) => {
                let id = known(person)?;
                register.job_of_key(&id, ordinal).ok_or("no such key")?;
                let account = &register.accounts[&id];
                let asked = keywright::profile::Person { account: account.login.clone(), ..account.person.clone() };
                let same_key = matches!(work, Work::SameKey(..));
                let worn = Replacement { ordinal, reason: "worn".to_owned(), same_key };
                Plan::replacing(station, &asked, &profiles[&account.profile.name], worn)
            }
            _ => unreachable!("{work} is no run"),
        };
        run_as_said(station, &plan.map_err(text)?).map_err(text)
    }

    fn work_by_program(&self, work: Work, slot: Option<Slot>) -> Outcome {
        if work == Work::Provision && self.roster().is_empty() {
            return Outcome::refused("the roster is empty");
        }
        let (words, person, key): (&[&str], _, _) = match work {
            Work::Provision => (&["provision", "roster.csv"], None, None),
            Work::Resume => (&["resume"], None, None),
            Work::Enroll(person) => (&["enroll"], Some(person), None),
            Work::Replace(person, key) => (&["replace", "--reason", "worn"], Some(person), Some(key)),
            Work::SameKey(person, key) => {
                (&["replace", "--same-key", "--reason", "forgotten"], Some(person), Some(key))
            }
            Work::Recover(person, key) => return self.recover_by_program(person, key),
            Work::Revoke(person, key) => (&["revoke", "--reason", "lost"], Some(person), Some(key)),
            Work::Leave(person) => (&["account", "left", "--reason", "left"], Some(person), None),
            Work::Wipe(person) => (&["account", "left", "--wipe", "--reason", "left"], Some(person), None),
            Work::Label(person, key) => (&["key", "edit", "--label", LABEL], Some(person), Some(key)),
            Work::Stock => (&["key", "add", "--stock"], None, None),
            Work::Reset(_) => return self.on_key(slot, &["key", "reset", "--yes"]),
            Work::Return(_) => return self.on_key(slot, &["key", "return", "--yes"]),
        };
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if let Some(person) = person {
            let Some(login) = self.logins(person).and_then(|mut logins| logins.pop()) else {
                return Outcome::refused("nobody");
            };
            words.push(login);
        }
        words.extend(key.map(|key| format!("--key={key}")));
        if !matches!(work, Work::Revoke(..) | Work::Leave(_) | Work::Label(..)) {
            words.push(format!("--softkeys={}", self.path("softkeys").display()));
        }
        if !matches!(work, Work::Stock | Work::Label(..)) {
            words.push("--yes".to_owned());
        }
        self.program(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn recover_by_program(&self, person: Person, key: Ordinal) -> Outcome {
        let Some(login) = self.logins(person).and_then(|mut logins| logins.pop()) else {
            return Outcome::refused("nobody");
        };
        let (lost, softkeys) = (format!("--lost={key}"), format!("--softkeys={}", self.path("softkeys").display()));
        let proved = ["--asked-by=tester", "--identity-proved=seen", "--last-key-of", &login];
        self.program(&[&["recover", &login, &lost, &softkeys, "--yes"], &proved[..]].concat())
    }

    /// The program, with this world's state folder and settings.
    pub(super) fn program(&self, arguments: &[&str]) -> Outcome {
        let settings = if self.is_away() { "away.toml" } else { "here.toml" };
        let mut command = Command::new(program());
        command.args(arguments).arg("--state").arg(self.workshop.path()).args(["--config", settings]);
        command.env_clear().env("HOME", self.workshop.path()).env("USER", "tester").env("IDP_TOKEN", TOKEN);
        command.stdin(Stdio::null()).current_dir(self.workshop.path());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code().expect("nobody killed it");
        assert!(code != 101, "it panicked: {stderr}");
        let refused = (code != 0).then(|| format!("exit code {code}: {stderr}"));
        Outcome { refused, killed: false, said: vec![stdout, stderr] }
    }

    fn on_key(&self, slot: Option<Slot>, arguments: &[&str]) -> Outcome {
        let Some(slot) = slot else { return Outcome::refused("no such key") };
        let (folder, port) = (self.path("softkeys").display().to_string(), format!("soft-{slot}"));
        self.program(&[arguments, &["--softkeys", &folder, "--key", &port]].concat())
    }

    /// The PIN that was handed over for a key in service.
    pub(super) fn pin(&self, book: &Register, slot: Slot) -> Option<Pin> {
        let key = self.keys().into_iter().find(|key| key.slot == slot)?;
        let credential =
            key.held.credentials.iter().filter_map(|id| book.credentials.get(id)).max_by_key(|one| one.job)?;
        let person =
            Person::ALL.into_iter().find(|person| self.account(*person, book).as_ref() == Some(&credential.account))?;
        let logins = self.logins(person)?;
        let sealed = logins.iter().find_map(|login| self.workshop.handed_over(login, credential.ordinal));
        sealed.or_else(|| logins.iter().find_map(|login| self.in_a_letter(login, credential.ordinal)))
    }

    /// The PIN in the newest letter about this key.
    fn in_a_letter(&self, login: &str, ordinal: usize) -> Option<Pin> {
        let letters = std::fs::read_to_string(self.path("letters")).ok()?;
        let number = format!("number {ordinal},");
        let is_its = |letter: &&str| {
            letter.lines().any(|line| line.split_whitespace().eq(["Account", login])) && letter.contains(&number)
        };
        let letter = letters.split('\x0c').rfind(is_its)?;
        let (_, after) = letter.split_once("The PIN of this key is").expect("each letter has one");
        let line = after.lines().find(|line| !line.trim().is_empty()).expect("a line with the PIN");
        Some(Pin::new(&line.split_whitespace().collect::<String>()).unwrap())
    }

    /// The newest credential on the key is deleted from it, by somebody who has its PIN.
    fn delete(&self, slot: Option<Slot>) -> Outcome {
        let book = self.book();
        let Some(slot) = slot else { return Outcome::refused("no such key") };
        let key = self.keys().into_iter().find(|key| key.slot == slot && key.in_hand);
        let Some(id) = key.and_then(|key| key.held.credentials.last().cloned()) else {
            return Outcome::refused("nothing");
        };
        let Some(pin) = self.pin(&book, slot) else { return Outcome::refused("nobody has its PIN") };
        let file = self.path("pin.txt");
        std::fs::write(&file, pin.expose()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        self.on_key(Some(slot), &["key", "credentials", "--yes", "--pin", "file:pin.txt", &format!("--delete={id}")])
    }

    /// A key in hand is tried.
    fn drill(&self, slot: Option<Slot>) -> Outcome {
        let Some(slot) = slot else { return Outcome::refused("no such key") };
        let (rack, store, directory) = (self.workshop.rack(), self.workshop.store(), self.directory());
        let Some(device) = rack.devices().unwrap().into_iter().find(|device| device.port == format!("soft-{slot}"))
        else {
            return Outcome::refused("not in hand");
        };
        let mut key = Authenticator::open(rack.open(&device, Limits::default(), Cancel::default()).unwrap()).unwrap();
        let engine =
            Drill::open(&directory, &store, retry_policy(), &Cancel::default(), &SystemEntropy, "tester".into())
                .unwrap();
        let id = match engine.whose(&device, &mut key, None).unwrap() {
            keywright::provision::drill::Whose::Credential(id) => id,
            other => return Outcome::refused(&format!("{other:?}")),
        };
        let ended = engine.examine(&mut key, &id).and_then(|ready| {
            let pin = self.pin(&engine.book(), slot).expect("a key that is in service has its PIN handed over");
            engine.prove(&mut key, &ready, &pin, &mut |_| {})
        });
        engine.conclude(&id, &ended).unwrap();
        Outcome::of(ended.map_err(|error| error.to_string()))
    }
}

impl Outcome {
    fn refused(why: &str) -> Self {
        Self { refused: Some(why.to_owned()), ..Self::default() }
    }

    fn of<T: std::fmt::Debug>(ended: Result<T, String>) -> Self {
        match ended {
            Ok(report) => Self { said: vec![format!("{report:?}")], ..Self::default() },
            Err(why) => Self::refused(&why),
        }
    }
}

/// Begins a recovery, or goes on with the one that is open.
fn recover_from(
    station: &Station<'_>,
    register: &Register,
    account: AccountId,
    lost: Ordinal,
) -> Result<Recovered, recover::RecoverError> {
    let recovery = match register.rollout.open_recovery(&account) {
        Some((open, _)) => open,
        None => {
            let (asked_by, identity_proved) = ("tester".to_owned(), "seen".to_owned());
            let (loss, rehearsal, pass_minutes) = (Loss::Lost, None, None);
            let wanted = Wanted { account, lost, loss, asked_by, identity_proved, rehearsal, pass_minutes };
            recover::begin(station, &recover::plan(station, register, wanted)?)?
        }
    };
    recover::go_on(station, recovery)
}

fn retry_policy() -> RetryPolicy {
    RetryPolicy { backoff: std::time::Duration::from_millis(1), ..RetryPolicy::default() }
}

/// What an account is corrected to.
pub(super) const NAME: &str = "Somebody Else";
pub(super) const TICKET: &str = "T-7";
/// What keys are called that get another label.
pub(super) const LABEL: &str = "blue";

const CLASSES: [(Class, &str); 4] = [
    (Class::Solo, "required = 1\nattestation = \"trusted\"\n[pin]\nminimum-on-key = 4"),
    (Class::Pair, "required = 2\nattestation = \"trusted\"\n[pin]\nminimum-on-key = 4"),
    (Class::Strict, "required = 2\nattestation = \"enterprise\"\n[pin]\nminimum-on-key = 6"),
    (Class::Posted, "required = 1\nattestation = \"trusted\"\n[pin]\nminimum-on-key = 4"),
];

fn profile_text(class: Class, demands: &str) -> String {
    let (keys, pin) = demands.split_once("[pin]\n").unwrap();
    let hand_over = if class == Class::Posted { "letter" } else { "age" };
    format!(
        "name = \"{class}\"\ndescription = \"For lives.\"\nlabel = \"Key {{ordinal}} {{model}}\"\nhand-over = \"{hand_over}\"\n\
         [keys]\n{keys}reset = \"if-used\"\nalways-uv = true\ncred-protect = 1\n\
         [pin]\nlength = 8\nalphabet = \"unambiguous\"\n{pin}\nforce-change = false\n"
    )
}

fn profiles() -> Profiles {
    let parsed = |(class, text)| {
        let profile: Profile = keywright::profile::parse(&format!("{class}.toml"), &profile_text(class, text)).unwrap();
        (profile.name.clone(), profile)
    };
    CLASSES.into_iter().map(parsed).collect()
}
