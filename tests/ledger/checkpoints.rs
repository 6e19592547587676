//! Checkpoints: what the station signs, what an operator's own key signs, what other software verifies, and what is remembered
//! elsewhere.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use keywright::ledger::StationKey;
use keywright::ledger::note::{KeyKind, Note, NoteKey};
use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::skipped;
use serde_json::Value;

const ADA: &str = "ada@example.org";

/// A station where ada has two keys.
pub(super) struct Station {
    pub(super) home: Home,
    reader: String,
    idp: Idp,
}

impl Station {
    pub(super) fn new() -> Self {
        let station = Self::empty();
        station.provision().expect(0);
        station
    }

    pub(super) fn empty() -> Self {
        let home = Home::new();
        let users = home.file("users.csv", &format!("account,name\n{ADA},Ada\n"));
        let idp = Idp::start(&home, Path::new(&users));
        let reader = age::x25519::Identity::generate().to_public().to_string();
        home.file("roster.csv", &format!("account,profile,name\n{ADA},admin,Ada\n"));
        let station = Self { home, reader, idp };
        station.settings("");
        station
    }

    pub(super) fn settings(&self, checkpoints: &str) {
        let corp = format!("[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", self.idp.url);
        self.home.file("keywright.toml", &format!("readers = [\"vault={}\"]\n{checkpoints}{corp}", self.reader));
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run_with(&[arguments, &["--config", "keywright.toml"]].concat(), &Idp::ENVIRONMENT)
    }

    /// Without its dry run before it.
    pub(super) fn run_alone(&self, arguments: &[&str]) -> Ended {
        self.home.run_alone(&[arguments, &["--config", "keywright.toml"]].concat(), &Idp::ENVIRONMENT)
    }

    fn provision(&self) -> Ended {
        self.run(&["provision", "roster.csv", "--softkeys", "4"])
    }

    pub(super) fn rename(&self, name: &str) -> Ended {
        self.run(&["account", "edit", ADA, "--name", name])
    }

    /// The files of all checkpoints, the oldest first.
    pub(super) fn kept(&self) -> Vec<PathBuf> {
        let mut files = self.kept_files();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "checkpoint"));
        files
    }

    /// Those, and what stands beside them.
    pub(super) fn kept_files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.home.state().join("checkpoints")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).filter(|file| file.is_file()).collect();
        files.sort();
        files
    }

    /// The station's key as others name it (C2SP vkey), made of what the state folder has.
    pub(super) fn vkey(&self) -> String {
        let key = StationKey::read(&self.home.state().join("station.pem")).unwrap().unwrap();
        let origin = fs::read_to_string(&self.kept()[0]).unwrap().lines().next().unwrap().to_owned();
        NoteKey::of_station(&origin, key.public()).unwrap().to_string()
    }

    pub(super) fn guarantees(&self, arguments: &[&str]) -> Vec<(String, u64)> {
        let json = self.run(&[&["ledger", "verify", "--json"], arguments].concat()).expect(0).one();
        let word = |one: &Value| (one["by"].as_str().unwrap().to_owned(), one["events"].as_u64().unwrap());
        json["guarantees"].as_array().unwrap().iter().map(word).collect()
    }
}

pub(super) fn copy(from: &Path, to: &Path) {
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
fn each_batch_and_each_change_ends_with_one_and_verify_says_who_vouches() {
    let station = Station::empty();
    let ended = station.provision().expect(0);
    assert!(ended.stderr.contains("signed by station "), "{}", ended.stderr);
    station.rename("Ada L.").expect(0);
    let again = station.run(&["provision", "roster.csv", "--softkeys", "4", "--yes", "--json"]).expect(0).json();
    let signed = &again.last().unwrap()["checkpoint"];
    let kept = station.kept();
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert_eq!(fs::read_to_string(&kept[2]).unwrap(), signed["note"].as_str().unwrap());
    let size = signed["size"].as_u64().unwrap();
    let word = |by: &str| (by.to_owned(), size);
    assert_eq!(station.guarantees(&[]), [word("chain"), word("station"), word("memory")]);

    // What somebody put away: a file, or what a letter says.
    let (first, text) = (kept[0].to_str().unwrap(), fs::read_to_string(&kept[0]).unwrap());
    let lines: Vec<_> = text.lines().collect();
    let short = format!("{}:{}", lines[1], lines[2]);
    let old: u64 = lines[1].parse().unwrap();
    let elsewhere = |size| ("kept-elsewhere".to_owned(), size);
    assert_eq!(
        station.guarantees(&["--checkpoint", first, "--checkpoint", &short])[3..],
        [elsewhere(old), elsewhere(old)]
    );
    let other = format!("{}:{}", old - 1, lines[2]);
    station.run(&["ledger", "verify", "--checkpoint", &other]).expect(1).says("the log was rewritten");
    let longer = format!("{}:{}", size + 1, lines[2]);
    station.run(&["ledger", "verify", "--checkpoint", &longer]).expect(1).says("it is missing");
    // A drill and an audit end with one, too.
    station.run(&["audit", "ledger"]).says("signed by station");
    let page = station.home.path("page.html");
    station.run(&["audit", "ledger", "--html", page.to_str().unwrap()]);
    assert!(fs::read_to_string(page).unwrap().contains(&format!("{size}:{}", signed["root"].as_str().unwrap())));
    // Nothing new, nothing new.
    station.run(&["ledger", "checkpoint"]).expect(0);
    assert_eq!(station.kept().len(), 3);
}

#[test]
fn a_letter_says_where_the_ledger_was() {
    let station = Station::empty();
    let letter = station.home.path("letter.txt");
    let program = format!("letter-program = [\"sh\", \"-c\", \"cat >> {}\"]\n", letter.display());
    let text = fs::read_to_string(station.home.path("keywright.toml")).unwrap();
    station.home.file("keywright.toml", &format!("{program}{text}"));
    station.home.file("roster.csv", &format!("account,profile,name\n{ADA},break-glass,Ada\n"));
    let ended = station.run(&["provision", "roster.csv", "--softkeys", "4", "--yes"]);
    let Ok(letters) = fs::read_to_string(&letter) else { panic!("no letter came: {ended:?}") };
    let line = letters.lines().find_map(|line| line.trim_start().strip_prefix("Ledger")).unwrap().trim();
    station.run(&["ledger", "verify", "--checkpoint", line]).expect(0);
}

#[test]
fn other_software_verifies_that_an_event_is_in_the_ledger() {
    let station = Station::new();
    let python = |arguments: &[&Path]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_proof.py");
        Command::new("python3").arg("-I").arg(script).args(arguments).output()
    };
    if python(&[]).is_err() {
        return skipped("there is no python3");
    }
    let proof = station.home.path("event.tlog-proof");
    let events = station.run(&["ledger", "show", "--json"]).expect(0).json();
    for event in [1, 2, 7, events.len() - 1, events.len()] {
        station.run(&["ledger", "prove", &event.to_string(), "--out", proof.to_str().unwrap()]).expect(0);
        let verified = python(&[&proof]).unwrap();
        let said = String::from_utf8(verified.stdout).unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        assert!(said.starts_with(&format!("{event}\n{}\n", events[event - 1]["time"].as_str().unwrap())), "{said}");
    }
    // An event that was changed, and a checkpoint of another ledger.
    let good = fs::read_to_string(&proof).unwrap();
    let extra = good.lines().nth(1).unwrap().trim_start_matches("extra ");
    let mut event = data_encoding::BASE64.decode(extra.as_bytes()).unwrap();
    *event.last_mut().unwrap() ^= 1;
    fs::write(&proof, good.replace(extra, &data_encoding::BASE64.encode(&event))).unwrap();
    assert!(!python(&[&proof]).unwrap().status.success());
    fs::write(&proof, &good).unwrap();
    let elsewhere = Station::new();
    assert!(!python(&[&proof, &elsewhere.kept()[0]]).unwrap().status.success());
    station.run(&["ledger", "prove", "100000"]).expect(1).says("is not in it");
}

#[test]
fn one_checkpoint_is_shown_to_go_on_from_another() {
    let station = Station::new();
    let old = fs::read_to_string(&station.kept()[0]).unwrap();
    station.rename("Ada L.").expect(0);
    let size = old.lines().nth(1).unwrap();
    let text = station.run(&["ledger", "prove", "--since", size]).expect(0).stdout;
    let (proof, note) = text.split_once("\n\n").unwrap();
    let lines: Vec<_> = note.lines().collect();
    let hash = |text: &str| <[u8; 32]>::try_from(data_encoding::BASE64.decode(text.as_bytes()).unwrap()).unwrap();
    let path: Vec<_> = proof.lines().skip(1).map(hash).collect();
    let root =
        |size: &str, root: &str| ct_merkle::RootHash::<sha2::Sha256>::new(hash(root).into(), size.parse().unwrap());
    let proof = ct_merkle::ConsistencyProof::try_from_bytes(path.concat()).unwrap();
    let (old, new) = (root(size, old.lines().nth(2).unwrap()), root(lines[1], lines[2]));
    new.verify_consistency(&old, &proof).unwrap();
    assert!(old.verify_consistency(&new, &proof).is_err());
}

#[test]
fn the_operators_own_key_signs_with_a_touch_and_a_batch_can_demand_it() {
    let station = Station::new();
    let soft = ["--softkeys", "5", "--key", "soft:5"];
    let made = station.run(&[&["ledger", "checkpoint", "--new-key", "ops/ada"], &soft[..]].concat()).expect(0);
    let key = made.stdout.trim().to_owned();
    station
        .run(&[&["ledger", "checkpoint", "--sign-with-key"], &soft[..]].concat())
        .expect(1)
        .says("name no security key");
    station.settings(&format!("[checkpoints]\nkeys = [\"{key}\"]\nrequire-security-key = true\n"));
    station
        .run(&["ledger", "verify", "--pin", &key])
        .expect(1)
        .says("no checkpoint of this ledger is signed by ops/ada");
    let another = ["--softkeys", "5", "--key", "soft:1"];
    station.run(&[&["ledger", "checkpoint", "--sign-with-key"], &another[..]].concat()).expect(1).says("none of those");
    station.run(&[&["ledger", "checkpoint", "--sign-with-key"], &soft[..]].concat()).expect(0);
    let signed = station.guarantees(&["--pin", &key]);
    assert_eq!(signed[2].0, "security-key");
    assert_eq!(signed[2].1, signed[0].1);

    // A batch asks for it by itself.
    station.rename("Ada L.").expect(0);
    assert!(station.guarantees(&[])[2].1 < station.guarantees(&[])[0].1);
    station.run(&["provision", "roster.csv", "--softkeys", "5", "--yes"]).expect(0);
    let signed = station.guarantees(&[]);
    assert_eq!(signed[2].1, signed[0].1);

    // Under another checkpoint the signature is forged.
    let (first, last) = (station.kept()[0].clone(), station.kept().pop().unwrap());
    let line = fs::read_to_string(last).unwrap().lines().find(|line| line.contains("ops/ada")).unwrap().to_owned();
    let text = fs::read_to_string(&first).unwrap();
    fs::write(first, format!("{text}{line}\n")).unwrap();
    station.run(&["ledger", "verify"]).expect(1).says("the signature of ops/ada");
}

#[test]
fn an_older_state_folder_is_told_first_and_written_to_only_once_somebody_accepts_it() {
    let station = Station::new();
    let (state, backup) = (station.home.state(), station.home.path("backup"));
    copy(&state, &backup);
    station.run(&["enroll", ADA, "--softkeys", "4"]).expect(0);
    fs::remove_dir_all(&state).unwrap();
    copy(&backup, &state);

    let words = "the ledger is an older copy";
    let status = station.run(&["status"]).expect(1).says(words);
    assert!(status.stderr.starts_with("error: "), "{}", status.stderr);
    station.run(&["audit", "ledger"]).expect(1).says(words);
    station.run(&["ledger", "verify"]).expect(1).says(words);
    for command in [
        &["provision", "roster.csv", "--softkeys", "4"][..],
        &["enroll", ADA, "--softkeys", "4"],
        &["resume", "--softkeys", "4"],
        &["revoke", ADA, "--key", "1", "--reason", "lost", "--yes"],
        &["account", "edit", ADA, "--name", "Eve"],
        &["ledger", "checkpoint"],
    ] {
        station.run(command).expect(1).says(words).says("keywright ledger accept");
    }
    // The same elsewhere.
    station.run(&["status", "--state", backup.to_str().unwrap()]).expect(1).says(words);

    station.run(&["ledger", "accept", "--reason", "the disk died"]).expect(1);
    station.run(&["ledger", "accept", "--reason", "the disk died", "--yes"]).expect(0);
    let shown = station.run(&["ledger", "show"]).expect(0).stdout;
    let last = shown.lines().last().unwrap();
    assert!(
        last.contains("goes on though the ledger is an older copy") && last.contains("the disk died, by tester"),
        "{last}"
    );
    station.run(&["status"]).expect(0);
    station.rename("Ada L.").expect(0);
    station.run(&["ledger", "verify"]).expect(0);
}

#[test]
fn an_emptied_a_missing_and_another_ledger_are_told_first() {
    let station = Station::new();
    let state = station.home.state();
    for file in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"] {
        let _ = fs::remove_file(state.join(file));
    }
    station.run(&["status"]).expect(1).says("there is no ledger at");
    station.run(&["provision", "roster.csv", "--softkeys", "4"]).expect(1).says("there is no ledger at");
    assert!(!state.join("ledger.sqlite3").exists());
    let other = Station::new();
    fs::copy(other.home.state().join("ledger.sqlite3"), state.join("ledger.sqlite3")).unwrap();
    station.run(&["status"]).expect(1).says("this is another ledger");
    station.run(&["resume", "--softkeys", "4"]).expect(1).says("this is another ledger");
}

#[test]
fn a_copy_without_the_stations_key_is_read_and_says_what_cannot_be_checked() {
    let station = Station::new();
    let copy_of = station.home.path("auditor");
    copy(&station.home.state(), &copy_of);
    fs::remove_file(copy_of.join("station.pem")).unwrap();
    let there = ["--state", copy_of.to_str().unwrap()];
    station.run(&[&["status"], &there[..]].concat()).expect(0);
    let said = station.run(&[&["ledger", "verify"], &there[..]].concat()).expect(0).stdout;
    assert!(said.contains("cannot be checked: the station's key is not here"), "{said}");
    station.run(&[&["audit", "ledger"], &there[..]].concat());
    assert!(!copy_of.join("station.pem").exists());
}

/// A witness of C2SP on loopback: it cosigns what goes on from what it saw last, and nothing else.
struct Witness {
    url: String,
    key: NoteKey,
    seen: Arc<Mutex<u64>>,
}

impl Witness {
    fn start(home: &Home) -> Self {
        let signer = StationKey::read_or_make(&home.path("witness.pem")).unwrap();
        let key = NoteKey::new("witness.example/w1", KeyKind::Cosigner(signer.public())).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(0));
        let (shared, id) = (Arc::clone(&seen), key.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let body = request(&stream);
                let (status, answer) = cosign(&body, &signer, &id, &mut shared.lock().unwrap());
                let length = answer.len();
                write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}")
                    .unwrap();
            }
        });
        Self { url, key, seen }
    }
}

/// The body of a request.
fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn cosign(body: &str, signer: &StationKey, key: &NoteKey, seen: &mut u64) -> (u16, String) {
    let (proof, note) = body.split_once("\n\n").unwrap();
    let old: u64 = proof.lines().next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
    if old != *seen {
        return (409, format!("{seen}\n"));
    }
    let text = note.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let size = text.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(proof.lines().count() > 1, 0 < old && old < size, "{proof}");
    *seen = size;
    let time = 1_795_456_800_u64;
    let message = format!("cosignature/v1\ntime {time}\n{text}");
    let mut signed = Note::new(text).unwrap();
    signed.add(key, [&time.to_be_bytes()[..], &signer.sign(message.as_bytes())].concat());
    (200, signed.to_string().lines().last().unwrap().to_owned() + "\n")
}

#[test]
fn a_witness_cosigns_what_goes_on_from_what_it_saw() {
    let station = Station::new();
    let witness = Witness::start(&station.home);
    let table = format!("[[checkpoints.witnesses]]\nurl = \"{}\"\nkey = \"{}\"\n", witness.url, witness.key);
    station.settings(&table);
    let ask = || station.run(&["ledger", "checkpoint", "--witness"]).expect(0);
    let vouched = || station.guarantees(&[])[2].clone();
    assert_eq!(vouched(), ("witness".to_owned(), 0));
    ask();
    let first = *witness.seen.lock().unwrap();
    assert_eq!(vouched(), ("witness".to_owned(), first));
    station.rename("Ada L.").expect(0);
    ask();
    assert_eq!(vouched(), ("witness".to_owned(), first + 1));
    let json = station.run(&["ledger", "verify", "--json"]).expect(0).one();
    assert_eq!(json["guarantees"][2]["since"], "2026-11-23T18:00:00Z");

    // Brought by hand: the line that the newest file has.
    let newest = station.kept().pop().unwrap();
    let (own, line) = {
        let text = fs::read_to_string(&newest).unwrap();
        let lines: Vec<_> = text.lines().collect();
        (format!("{}\n", lines[..5].join("\n")), format!("{}\n", lines[5]))
    };
    fs::write(&newest, own).unwrap();
    assert_eq!(vouched(), ("witness".to_owned(), first));
    // It has seen more than is kept here, and says so.
    ask();
    assert_eq!(vouched(), ("witness".to_owned(), first + 1));
    fs::write(&newest, fs::read_to_string(&newest).unwrap().replace(&line, "")).unwrap();
    let file = station.home.file("line.txt", &line);
    station.run(&["ledger", "checkpoint", "--add", &file]).expect(0);
    assert_eq!(vouched(), ("witness".to_owned(), first + 1));
    station.rename("Ada M.").expect(0);
    station.run(&["ledger", "checkpoint", "--add", &file]).expect(1).says("has no good signature");
}

#[test]
fn a_witness_sees_the_end_of_each_batch_and_audit_and_is_missed_where_it_is_away() {
    let station = Station::new();
    let witness = Witness::start(&station.home);
    let table = |url: &str| format!("[[checkpoints.witnesses]]\nurl = \"{url}\"\nkey = \"{}\"\n", witness.key);
    let batch = || station.run(&["provision", "roster.csv", "--softkeys", "4", "--yes", "--json"]).expect(0);
    let vouched = || station.guarantees(&[])[2].1;
    station.settings(&table(&witness.url));
    let ended = batch().says("cosigned by witness.example/w1");
    let checkpoint = &ended.json().pop().unwrap()["checkpoint"];
    assert_eq!(checkpoint["cosigned"], serde_json::json!(["witness.example/w1"]), "{checkpoint}");
    assert_eq!(vouched(), checkpoint["size"].as_u64().unwrap());
    station.rename("Ada L.").expect(0);
    station.run(&["audit", "ledger"]).says("cosigned by witness.example/w1");
    let seen = vouched();
    assert_eq!(seen, *witness.seen.lock().unwrap());

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    station.settings(&table(&format!("http://{nobody}")));
    // It saw this one already, and is not asked.
    station.run(&["audit", "ledger"]).says("cosigned by witness.example/w1");
    let ended = batch().says("the checkpoint is not cosigned by witness.example/w1");
    let missing = &ended.json().pop().unwrap()["checkpoint"]["missing"];
    assert_eq!(missing[0]["name"], "witness.example/w1", "{missing}");
    assert_eq!(vouched(), seen);
    station.settings(&table(&witness.url));
    station.run(&["audit", "ledger"]).says("cosigned by witness.example/w1");
    assert!(vouched() > seen);
}
