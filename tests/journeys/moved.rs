//! A station moves to another machine: its keys, sealed PINs and ledger go, and the machine that it leaves is none any more.

use std::fs;
use std::path::Path;

use keywright_test_support::cli::{Ended, Home, Idp};

struct Machine {
    home: Home,
}

impl Machine {
    fn new(idp: &Idp) -> Self {
        let home = Home::new();
        home.file("roster.csv", "account,profile,name\nada@example.org,finance,Ada\n");
        let idp = format!("[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", idp.url);
        home.file("keywright.toml", &format!("letter-program = [\"sh\", \"-c\", \"cat >> letters\"]\n{idp}"));
        Self { home }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run_alone(&[arguments, &["--config", "keywright.toml"]].concat(), &Idp::ENVIRONMENT)
    }

    /// Station and recipient.
    fn shown(&self) -> (String, String) {
        let shown = self.run(&["station", "show", "--json"]).expect(0).one();
        let text = |member: &str| shown[member].as_str().unwrap().to_owned();
        (text("station"), text("recipient"))
    }

    fn has(&self, name: &str) -> bool {
        self.home.state().join(name).exists()
    }

    fn sealed(&self) -> usize {
        fs::read_dir(self.home.state().join("vault/pins")).unwrap().count()
    }
}

/// A station with two keys whose letters nobody has seen yet, and the machine that it is to move to.
fn machines() -> (Machine, Machine, Idp, Home) {
    let idp_home = Home::new();
    let users = idp_home.file("users.csv", "account,name\nada@example.org,Ada\n");
    let idp = Idp::start(&idp_home, Path::new(&users));
    let (old, new) = (Machine::new(&idp), Machine::new(&idp));
    old.run(&["provision", "roster.csv", "--softkeys", "2", "--yes"]).expect(1).says("resume --letters-came-out");
    (old, new, idp, idp_home)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

#[test]
fn a_station_that_moved_goes_on_there_and_nowhere_else() {
    let (old, new, idp, _idp_home) = machines();
    let (station, own) = old.shown();
    let (_, recipient) = new.shown();
    let backup = old.home.path("backup");
    copy(&old.home.state(), &backup);
    let sealed = old.sealed();
    assert!(sealed > 0);
    let parcel = new.home.path("parcel");
    let parcel = parcel.to_str().unwrap();
    let to =
        |recipient: &str, more: &[&str]| old.run(&[&["station", "move", parcel, "--to", recipient], more].concat());
    to(&recipient, &["--dry-run"]).expect(0);
    to(&recipient, &[]).expect(1).says("--yes");
    to(&own, &["--yes"]).expect(2).says("the recipient of this machine");
    assert!(old.has("station.pem") && !old.has("moved") && !Path::new(parcel).exists());
    to(&recipient, &["--yes"]).expect(0);

    // The old one has nothing that makes it a station, writes nothing, and is read.
    assert!(!old.has("station.pem") && !old.has("vault/station.key") && old.sealed() == 0);
    for command in [
        &["resume", "--softkeys", "2", "--letters-came-out"][..],
        &["provision", "roster.csv", "--softkeys", "2"],
        &["hand-over", "again", "ada@example.org"],
        &["account", "edit", "ada@example.org", "--name", "Ada L."],
        &["station", "show"],
        &["station", "move", "again", "--to", &recipient, "--yes"],
    ] {
        old.run(command).expect(1).says("this station has moved");
    }
    assert!(!old.has("station.pem") && !old.has("vault/station.key"));
    old.run(&["status"]).expect(0);

    // Another machine does not open it.
    let third = Machine::new(&idp);
    third.run(&["station", "receive", parcel]).expect(1).says("does not open with this station's identity");
    assert!(!third.has("ledger.sqlite3"));
    let received = new.run(&["station", "receive", parcel, "--json"]).expect(0).one();
    assert_eq!((&received["station"], &received["recipient"]), (&station.as_str().into(), &own.as_str().into()));
    assert_eq!((new.shown(), new.sealed()), ((station, own), sealed));

    // The keys are carried over, and the work goes on where it was.
    copy(&old.home.state().join("softkeys"), &new.home.state().join("softkeys"));
    new.run(&["resume", "--softkeys", "2", "--letters-came-out"]).expect(0);
    let status = new.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status.last().unwrap()["complete"], 1, "{status:?}");
    new.run(&["ledger", "verify"]).expect(0);
    let shown = new.run(&["ledger", "show"]).expect(0).stdout;
    assert_eq!(shown.matches("this station moves to the machine that opens").count(), 1, "{shown}");

    // A backup of the old one does not bring it back: the machine remembers the last checkpoint before it moved.
    fs::remove_dir_all(old.home.state()).unwrap();
    copy(&backup, &old.home.state());
    old.run(&["resume", "--softkeys", "2", "--letters-came-out"]).expect(1).says("the ledger is an older copy");
}

#[test]
fn a_move_that_was_interrupted_goes_on() {
    // After the mark, after the file, and after the first of what goes.
    for stage in 0..3 {
        let (old, new, _idp, _idp_home) = machines();
        let (_, recipient) = new.shown();
        let first = new.home.path("first");
        let state = old.home.state();
        let whole = old.home.path("whole");
        copy(&state, &whole);
        if stage < 2 {
            fs::write(state.join("moved"), format!("{recipient}\n")).unwrap();
        } else {
            old.run(&["station", "move", first.to_str().unwrap(), "--to", &recipient, "--yes"]).expect(0);
            fs::copy(whole.join("vault/station.key"), state.join("vault/station.key")).unwrap();
            copy(&whole.join("vault/pins"), &state.join("vault/pins"));
        }
        if stage == 1 {
            fs::write(&first, "half").unwrap();
        }
        old.run(&["resume", "--softkeys", "2"]).expect(1).says("this station has moved");
        let other = new.home.path("other");
        old.run(&["station", "move", other.to_str().unwrap(), "--to", &recipient, "--yes"]).expect(0);
        assert!(!old.has("station.pem") && !old.has("vault/station.key") && old.sealed() == 0, "{stage}");
        let whole = if stage == 2 { first } else { other };
        new.run(&["station", "receive", whole.to_str().unwrap()]).expect(0);
        assert!(new.sealed() > 0, "{stage}");
        new.run(&["ledger", "verify"]).expect(0);
    }
}

#[test]
fn a_machine_that_has_work_of_its_own_receives_nothing() {
    let (old, new, _idp, _idp_home) = machines();
    new.run(&["provision", "roster.csv", "--softkeys", "2", "--yes"]);
    let (station, recipient) = new.shown();
    let parcel = new.home.path("parcel");
    old.run(&["station", "move", parcel.to_str().unwrap(), "--to", &recipient, "--yes"]).expect(0);
    new.run(&["station", "receive", parcel.to_str().unwrap()]).expect(1);
    assert_eq!(new.shown(), (station, recipient));
    new.run(&["ledger", "verify"]).expect(0);
}
