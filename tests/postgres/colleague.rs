//! A colleague at another station hands over the PIN of a key that a station which died had made.

use std::path::Path;
use std::process::Stdio;

use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::postgres::Postgres;

use crate::store::register;

const ROSTER: &str = "account,profile,name\nada@example.org,finance,Ada\n";

/// A printer that takes the station's life while it has the letter.
const DEADLY: &str = "cat > /dev/null; kill -9 $PPID";

/// One that prints.
const PRINTER: &str = "cat >> letters";

struct Station {
    home: Home,
    role: &'static str,
    /// What the others name it by.
    recipient: String,
}

impl Station {
    fn new(role: &'static str) -> Self {
        let home = Home::new();
        home.file("roster.csv", ROSTER);
        let shown = home.run_alone(&["station", "show", "--json"], &[]).expect(0).one();
        Self { home, role, recipient: shown["recipient"].as_str().unwrap().to_owned() }
    }

    fn set_up(&self, server: &Postgres, idp: &Idp, printer: &str, others: &[&Self]) {
        let others: Vec<String> = others.iter().map(|other| format!("\"other={}\"", other.recipient)).collect();
        self.home.file(
            "keywright.toml",
            &format!(
                "letter-program = [\"sh\", \"-c\", \"{printer}\"]\n[register]\nurl = \"{}\"\nlease-seconds = 3600\nstations = [{}]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
                server.url(self.role),
                others.join(", "),
                idp.url
            ),
        );
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run_alone(&[arguments, &["--config", "keywright.toml"]].concat(), &Idp::ENVIRONMENT)
    }

    /// Until the printer ends it.
    fn dies(&self) {
        let arguments = ["provision", "roster.csv", "--softkeys", "1", "--yes", "--config", "keywright.toml"];
        let mut command = self.home.command(&arguments);
        let ended = command.envs(Idp::ENVIRONMENT).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(ended.code(), None, "the printer kills it: {ended}");
    }

    fn sealed(&self) -> usize {
        std::fs::read_dir(self.home.state().join("vault/pins")).unwrap().count()
    }

    fn letters(&self) -> usize {
        std::fs::read_to_string(self.home.path("letters"))
            .map_or(0, |letters| letters.matches("number 1, called").count())
    }
}

struct Floor {
    server: Postgres,
    idp: Idp,
    _idp_home: Home,
    stations: [Station; 2],
}

impl Floor {
    fn open() -> Option<Self> {
        let server = register()?;
        let idp_home = Home::new();
        let users = idp_home.file("roster.csv", ROSTER);
        let idp = Idp::start(&idp_home, Path::new(&users));
        Some(Self { server, idp, _idp_home: idp_home, stations: [Station::new("office_a"), Station::new("office_b")] })
    }

    fn shared(&self) -> String {
        self.server.sql("keywright", "SELECT count(*) FROM keywright.sealed_pins")
    }

    fn the_lease_ends(&self) {
        self.server.sql("keywright", "UPDATE keywright.claims SET until = now() - interval '1 second'");
    }
}

#[test]
fn a_colleague_hands_over_what_a_station_that_died_had_sealed() {
    let Some(floor) = Floor::open() else { return };
    let [a, b] = &floor.stations;
    a.set_up(&floor.server, &floor.idp, DEADLY, &[a, b]);
    b.set_up(&floor.server, &floor.idp, PRINTER, &[a, b]);
    a.dies();
    assert_eq!((a.sealed(), floor.shared().as_str()), (1, "1"));

    // Until the lease ends the keys are the first station's: it may only be slow.
    let early = b.run(&["resume", "--softkeys", "6", "--yes", "--letters-came-out"]);
    early.says("works on these keys; they are left alone here until");
    assert_eq!((b.letters(), floor.shared().as_str()), (0, "1"));

    floor.the_lease_ends();
    b.run(&["resume", "--softkeys", "6", "--yes", "--letters-came-out"]).expect(0);
    assert_eq!(b.letters(), 1, "the letter of the key that the other station made");
    assert_eq!((b.sealed(), floor.shared().as_str()), (0, "0"));

    // The first one finds it done, and its own copy goes.
    assert_eq!(a.sealed(), 1);
    a.run(&["resume", "--softkeys", "1", "--yes"]).expect(0).says("nothing is left to do");
    assert_eq!(a.sealed(), 0);
    for station in [a, b] {
        station.run(&["ledger", "verify"]).expect(0);
        let status = station.run(&["status", "--json"]).expect(0).json();
        assert_eq!(status.last().unwrap()["complete"], 1, "{status:?}");
    }
}

#[test]
fn a_letter_that_did_not_come_out_is_printed_again_where_it_was_printed() {
    let Some(floor) = Floor::open() else { return };
    let [a, b] = &floor.stations;
    a.set_up(&floor.server, &floor.idp, DEADLY, &[b]);
    b.set_up(&floor.server, &floor.idp, PRINTER, &[]);
    a.dies();
    floor.the_lease_ends();
    // Nobody at the second station says that it came out: it waits there, and the first one does not ask for it.
    b.run(&["resume", "--softkeys", "6", "--yes"]).expect(1).says("resume --letters-came-out");
    let letters = b.letters();
    assert_eq!(letters, 1);
    a.run(&["resume", "--softkeys", "1", "--yes"]);
    b.run(&["hand-over", "again", "ada@example.org", "--key", "1", "--letters-came-out"]).expect(0);
    assert_eq!(b.letters(), letters + 1);
    b.run(&["resume", "--softkeys", "6", "--yes", "--letters-came-out"]).expect(0);
    assert_eq!((b.sealed(), floor.shared().as_str()), (0, "0"));
}

#[test]
fn a_station_that_was_not_named_says_where_it_goes_on() {
    let Some(floor) = Floor::open() else { return };
    let [a, b] = &floor.stations;
    a.set_up(&floor.server, &floor.idp, DEADLY, &[]);
    b.set_up(&floor.server, &floor.idp, PRINTER, &[a]);
    a.dies();
    assert_eq!(floor.shared(), "0");
    floor.the_lease_ends();
    let said = b.run(&["resume", "--softkeys", "6", "--yes", "--letters-came-out"]);
    let said = said.says("ada@example.org's key 1 has a PIN that station");
    assert!(said.stderr.contains("it goes on there"), "{}", said.stderr);
    // The other key was the second station's own; the first one goes on with its own.
    a.set_up(&floor.server, &floor.idp, PRINTER, &[]);
    a.run(&["resume", "--softkeys", "1", "--yes", "--letters-came-out"]).expect(0);
    assert_eq!((a.letters(), a.sealed()), (1, 0));
}
