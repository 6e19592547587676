//! What stands beside the log, changed: sealed PINs, the vault's identity, metadata, what is kept for speed, an export.

use std::fs;
use std::path::{Path, PathBuf};

use keywright::ledger::{Event, Record, SqliteStore, StationKey, Store as _};
use keywright_test_support::cli::Ended;
use keywright_test_support::metadata_service::{MetadataService, entry, payload};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{ADA, Tampering, link, open_up, unnoticed};
use crate::checkpoints::Station;
use crate::export;

impl Station {
    /// A station with two letters that nobody has said of that they came out: their PINs are sealed here.
    fn with_letters() -> Self {
        let station = Self::empty();
        let text = fs::read_to_string(station.home.path("keywright.toml")).unwrap();
        let program = "letter-program = [\"sh\", \"-c\", \"cat >> letters\"]\n";
        station.home.file("keywright.toml", &format!("{program}{text}"));
        station.home.file("roster.csv", &format!("account,profile,name\n{ADA},break-glass,Ada\n"));
        station.run(&["provision", "roster.csv", "--softkeys", "4", "--yes"]).expect(1);
        assert_eq!(fs::read_dir(station.pins()).unwrap().count(), 2);
        station
    }

    fn pins(&self) -> PathBuf {
        self.home.state().join("vault/pins")
    }

    fn pin(&self, job: usize) -> PathBuf {
        self.pins().join(format!("job-{job}-1.age"))
    }

    fn vault_identity(&self) -> PathBuf {
        self.home.state().join("vault/station.key")
    }

    fn evidence(&self) -> PathBuf {
        self.home.path("evidence")
    }

    /// A file of the export, changed, and the sums made anew.
    fn change_evidence(&self, name: &str, change: impl FnOnce(&str) -> String) {
        let file = self.evidence().join(name);
        let text = fs::read_to_string(&file).unwrap();
        let changed = change(&text);
        assert_ne!(text, changed, "{name}");
        fs::write(file, changed).unwrap();
        self.new_sums();
    }

    fn new_sums(&self) {
        let sums = fs::read_to_string(self.evidence().join("SHA256SUMS")).unwrap();
        let sum = |line: &str| {
            let name = line.split_once("  ").unwrap().1;
            let hash = Sha256::digest(fs::read(self.evidence().join(name)).unwrap());
            format!("{}  {name}\n", data_encoding::HEXLOWER.encode(&hash))
        };
        fs::write(self.evidence().join("SHA256SUMS"), sums.lines().map(sum).collect::<String>()).unwrap();
    }

    /// The files of the export's credentials.
    fn credentials(&self) -> Vec<String> {
        let files = fs::read_dir(self.evidence().join("credentials")).unwrap();
        let mut names: Vec<_> =
            files.map(|file| format!("credentials/{}", file.unwrap().file_name().to_str().unwrap())).collect();
        names.sort();
        names
    }

    /// The first credential's file, changed, and the sums made anew.
    fn change_credential(&self, change: impl FnOnce(&mut Value)) {
        self.change_evidence(&self.credentials()[0], |text| {
            let mut json: Value = serde_json::from_str(text).unwrap();
            change(&mut json);
            json.to_string()
        });
    }

    /// The metadata's folder and the file in it that begins and ends so.
    fn metadata(&self, ending: &str) -> PathBuf {
        let files = fs::read_dir(self.home.state().join("mds")).unwrap().map(|file| file.unwrap().path());
        files.into_iter().find(|file| file.to_str().unwrap().ends_with(ending)).unwrap()
    }
}

macro_rules! tamperings {
    ($($what:literal: $does:expr => $noticed_by:expr, $says:literal;)*) => {
        &[$(Tampering { what: $what, does: $does, noticed_by: $noticed_by, says: $says }),*]
    };
}

const AGAIN: &[&str] = &["hand-over", "again", ADA, "--key", "1"];
const ARRIVED: &[&str] = &["hand-over", "again", ADA, "--key", "1", "--letters-came-out"];
const NOT_ITS_PIN: &str = "is not the PIN that was sealed for this key";

const SEALED: &[Tampering] = tamperings! {
    "two sealed PINs in each other's place": |at| { let kept = at.pins().join("kept"); fs::rename(at.pin(1), &kept).unwrap(); fs::rename(at.pin(2), at.pin(1)).unwrap(); fs::rename(kept, at.pin(2)).unwrap(); } => AGAIN, "is not the PIN that was sealed for this key";
    "a sealed PIN copied over another": |at| _ = fs::copy(at.pin(2), at.pin(1)).unwrap() => ARRIVED, "is not the PIN that was sealed for this key";
    "a sealed PIN cut": |at| { let sealed = fs::read(at.pin(1)).unwrap(); fs::write(at.pin(1), &sealed[..sealed.len() - 1]).unwrap(); } => AGAIN, "is not the PIN that was sealed for this key";
    "a sealed PIN emptied": |at| fs::write(at.pin(1), "").unwrap() => AGAIN, "is not the PIN that was sealed for this key";
    "a sealed PIN of another ledger, in its place and with its name": |at| _ = fs::copy(Station::with_letters().pin(1), at.pin(1)).unwrap() => AGAIN, "is not the PIN that was sealed for this key";
    "another PIN, sealed to this station": |at| seal_another(at) => AGAIN, "is not the PIN that was sealed for this key";
    "a sealed PIN removed": |at| fs::remove_file(at.pin(1)).unwrap() => AGAIN, "is not sealed here any more";
    "a link in the place of a sealed PIN": |at| link(&at.pin(1)) => AGAIN, "is a symbolic link";
    "the vault's identity replaced": |at| _ = fs::copy(Station::with_letters().vault_identity(), at.vault_identity()).unwrap() => AGAIN, "does not open with this station's identity";
    "the vault's identity removed": |at| fs::remove_file(at.vault_identity()).unwrap() => AGAIN, "is missing, but there are sealed PINs";
    "the vault's identity readable by others": |at| open_up(&at.vault_identity()) => AGAIN, "others can read";
};

/// The events say who sealed what; whoever seals anew to the station's public key is found out by the hash.
fn seal_another(at: &Station) {
    let text = fs::read_to_string(at.vault_identity()).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let recipient: age::x25519::Recipient = public.parse().unwrap();
    fs::write(at.pin(1), age::encrypt(&recipient, b"12345678").unwrap()).unwrap();
}

#[test]
fn each_tampering_with_sealed_pins_is_noticed_and_prints_nothing() {
    let station = Station::with_letters();
    let letters = || fs::read_to_string(station.home.path("letters")).unwrap();
    let before = letters();
    let unnoticed = unnoticed(&station, &[station.home.state(), station.home.path(".config")], SEALED, |arguments| {
        station.run(arguments)
    });
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
    assert!(SEALED.iter().filter(|one| one.says == NOT_ITS_PIN).count() >= 5);
    assert_eq!(letters(), before, "somebody got a letter");
}

/// Each opening leaves a copy in memory, however short.
#[test]
fn a_sealed_pin_is_opened_once_for_its_job_in_each_run() {
    let station = Station::empty();
    let opened = |ended: &Ended| {
        let lines = ended.stderr.lines().filter(|line| line.contains("a sealed PIN is opened"));
        let mut names: Vec<_> = lines.map(|line| line.rsplit_once("name=").unwrap().1.to_owned()).collect();
        names.sort();
        names
    };
    let both = ["\"job-1-1\"", "\"job-2-1\""];
    // From the first step to the hand-over.
    let ended = station.run_alone(&["provision", "roster.csv", "--softkeys", "4", "-vv"]).expect(0);
    assert_eq!(opened(&ended), both);
    // A run that goes on where another was stopped.
    let station = Station::with_letters();
    let ended = station.run_alone(&["resume", "--softkeys", "4", "-vv"]).expect(1);
    assert_eq!(opened(&ended), both);
    let ended = station.run_alone(&["hand-over", "again", ADA, "--key", "2", "-vv"]).expect(1);
    assert_eq!(opened(&ended), both[1..]);
}

const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
const SHOWN: &[&str] = &["mds", "show", MODEL];

const METADATA: &[Tampering] = tamperings! {
    "a BLOB that nobody signed, and the index made to fit": |at| forge(at) => SHOWN, "was changed since it was stored";
    "a byte of the BLOB changed": |at| { let file = at.metadata(".blob"); let mut blob = fs::read(&file).unwrap(); blob[200] ^= 1; fs::write(file, blob).unwrap(); } => SHOWN, "was changed since it was stored";
    "the BLOB removed": |at| fs::remove_file(at.metadata(".blob")).unwrap() => SHOWN, "error";
    "the index says another number": |at| { let index = at.metadata("current.json"); let text = fs::read_to_string(&index).unwrap(); fs::write(index, text.replace("\"no\": 7", "\"no\": 8").replace("\"no\":7", "\"no\":8")).unwrap(); } => SHOWN, "error";
    "the index damaged": |at| fs::write(at.metadata("current.json"), "{").unwrap() => SHOWN, "error";
    "the index removed": |at| fs::remove_file(at.metadata("current.json")).unwrap() => SHOWN, "no FIDO metadata is stored";
    "a link in the place of the folder": |at| link(&at.home.state().join("mds")) => SHOWN, "is a symbolic link";
};

fn forge(at: &Station) {
    let index = at.metadata("current.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
    let entries = json!([entry(MODEL, "Soft key", "FIDO_CERTIFIED_L3plus", &[])]);
    let signed = MetadataService::new().sign(&payload(7, entries));
    let (input, _) = std::str::from_utf8(&signed).unwrap().rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", data_encoding::BASE64URL_NOPAD.encode(&[0; 64]));
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&forged));
    json["current"]["sha256"] = sha256.clone().into();
    fs::write(index.with_file_name(format!("no7-{}.blob", &sha256[..16])), &forged).unwrap();
    fs::write(&index, json.to_string()).unwrap();
}

#[test]
fn each_tampering_with_metadata_is_noticed_and_a_cache_is_no_evidence() {
    let station = Station::new();
    let service = MetadataService::new();
    fs::write(station.home.path("root.der"), service.root.der()).unwrap();
    let entries = json!([entry(MODEL, "Soft key", "FIDO_CERTIFIED_L1", &[])]);
    fs::write(station.home.path("blob.jwt"), service.sign(&payload(7, entries))).unwrap();
    station.run(&["mds", "import", "blob.jwt", "--root", "root.der"]).expect(0);
    let shown = station.run(SHOWN).expect(0).stdout;
    assert!(shown.contains("L1"), "{shown}");
    let unnoticed = unnoticed(&station, &[station.home.state()], METADATA, |arguments| station.run(arguments));
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));

    // What was put together from the BLOB says something else, under no key of this station.
    fs::remove_dir_all(station.home.state()).unwrap();
    super::copy(&station.home.path("before-0"), &station.home.state());
    let cache = station.metadata(".cache");
    let mut bytes = fs::read(&cache).unwrap();
    let at = bytes.windows(8).position(|window| window == b"Soft key").unwrap();
    bytes[at] = b'B';
    fs::write(&cache, bytes).unwrap();
    assert_eq!(station.run(SHOWN).expect(0).stdout, shown);
}

/// Attacks on `ledger.kept`, which is read instead of the events before its head.
#[test]
fn a_snapshot_that_this_station_did_not_write_is_not_read() {
    let station = Station::new();
    let (ledger, key) = (station.home.state().join("ledger.sqlite3"), station.home.state().join("station.pem"));
    {
        let store = SqliteStore::open(&ledger, Box::new(time::OffsetDateTime::now_utc)).unwrap();
        let note = Event::AttentionNeeded { job: None, message: "Look.".to_owned() };
        let notes: Vec<_> = (0..2_000).map(|_| Record::from(&note)).collect();
        store.append(&store.head().unwrap(), &notes).unwrap();
    }
    let status = || station.run(&["status", "--json", "-vv"]).expect(0);
    status();
    let kept = ledger.with_extension("kept");
    let good = fs::read(&kept).unwrap();
    let read = status();
    let unused = "the snapshot of the register is of no use";
    assert!(!read.stderr.contains(unused), "{}", read.stderr);
    let other = tempfile::tempdir().unwrap();
    let other_key = StationKey::read_or_make(&other.path().join("station.pem")).unwrap();
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let signed_by_another = {
        let said = &good[..good.len() - 32];
        [said, &other_key.mac(keywright::ledger::MacPurpose::RegisterSnapshot, said)].concat()
    };
    for (what, bytes) in [
        ("its head", changed(20)),
        ("its content", changed(good.len() / 2)),
        ("its MAC", changed(good.len() - 1)),
        ("cut", good[..good.len() - 40].to_vec()),
        ("another station's", signed_by_another),
        ("nothing", b"nothing".to_vec()),
    ] {
        fs::write(&kept, bytes).unwrap();
        let again = status();
        assert!(again.stderr.contains(unused), "{what}: {}", again.stderr);
        assert_eq!(again.stdout, read.stdout, "{what}");
    }
    // What it hides is seen by whoever reads from the first event.
    fs::write(&kept, &good).unwrap();
    assert!(key.exists());
    station.change("UPDATE events SET body = replace(body, 'Ada', 'Eve') WHERE seq = 2; UPDATE events SET time = replace(time, 'Z', 'z') WHERE seq = 3");
    assert_eq!(status().stdout, read.stdout, "nobody acts on it");
    station.run(&["ledger", "verify"]).expect(1).says("was changed");
    station.run(&["audit", "ledger"]).expect(1);
}

const SUMS: &[&str] = &["sha256sum"];
const EVENTS: &[&str] = &["README", "1"];
const TEXTS: &[&str] = &["README", "2"];
const BOUND: &[&str] = &["README", "3"];

/// All but the first make the sums anew, as somebody does who knows what they are.
const EXPORT: &[Tampering] = tamperings! {
    "a byte of the events": |at| { let file = at.evidence().join("events.jsonl"); let text = fs::read_to_string(&file).unwrap(); fs::write(file, text.replacen("batch", "Batch", 1)).unwrap(); } => SUMS, "";
    "a file removed": |at| fs::remove_file(at.evidence().join("accounts.json")).unwrap() => SUMS, "";
    "an event changed": |at| at.change_evidence("events.jsonl", |text| text.replacen("job-planned", "job-Planned", 1)) => EVENTS, "is not as it was written";
    "an event removed": |at| at.change_evidence("events.jsonl", |text| text.lines().enumerate().filter(|(at, _)| *at != 3).map(|(_, line)| format!("{line}\n")).collect()) => EVENTS, "is not as it was written";
    "the newest event cut off": |at| at.change_evidence("events.jsonl", |text| text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n") => EVENTS, "HEAD is not the end of these events";
    "another head": |at| at.change_evidence("HEAD", |text| text.replacen(|digit: char| digit.is_ascii_digit(), "9", 1) + "0") => EVENTS, "HEAD is not the end of these events";
    "a person's name": |at| at.change_evidence("persons.jsonl", |text| text.replacen("ada@example.org", "eve@example.org", 1)) => TEXTS, "no text fits";
    "a credential's account": |at| at.change_credential(|file| file["account"]["login"] = "eve@example.org".into()) => BOUND, "bind this credential to another account or key";
    "which of the keys it is": |at| at.change_credential(|file| file["ordinal"] = 9.into()) => BOUND, "bind this credential to another account or key";
    "a credential's key": |at| at.change_credential(|file| file["key"]["fingerprint"] = "00".into()) => BOUND, "bind this credential to another account or key";
    "a credential's id": |at| at.change_credential(|file| file["id"] = "AAAA".into()) => BOUND, "bind this credential to another account or key";
    "a credential's job": |at| at.change_credential(|file| file["job"] = 9.into()) => BOUND, "bind this credential to another account or key";
    "a proof of inclusion": |at| at.change_credential(|file| file["inclusion"][0]["path"][0] = "00".repeat(32).into()) => BOUND, "is not in its tree";
    "the tree's root": |at| at.change_credential(|file| file["tree"]["root"] = "00".repeat(32).into()) => BOUND, "is not in its tree";
    "two credentials' evidence in each other's place": |at| { let [one, other] = &at.credentials()[..] else { panic!("ada has two keys") }; let (one, other) = (at.evidence().join(one), at.evidence().join(other)); let kept = fs::read_to_string(&one).unwrap(); let id = |text: &str| serde_json::from_str::<Value>(text).unwrap()["id"].as_str().unwrap().to_owned(); let theirs = fs::read_to_string(&other).unwrap(); fs::write(&one, theirs.replace(&id(&theirs), &id(&kept))).unwrap(); fs::write(&other, kept.replace(&id(&kept), &id(&theirs))).unwrap(); at.new_sums(); } => BOUND, "bind this credential to another account or key";
};

#[test]
fn each_tampering_with_an_export_is_noticed_by_what_its_readme_says() {
    if !export::has("python3") || !export::has("sha256sum") {
        return;
    }
    let station = Station::new();
    station.run(&["ledger", "export", "evidence"]).expect(0);
    let folder = station.evidence();
    let check = |arguments: &[&str]| check(&folder, arguments);
    for good in [SUMS, EVENTS, TEXTS, BOUND] {
        assert_eq!(check(good).code, 0, "{good:?}: {:?}", check(good));
    }
    let unnoticed = unnoticed(&station, std::slice::from_ref(&folder), EXPORT, check);
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

fn check(folder: &Path, arguments: &[&str]) -> Ended {
    let (good, said) = match arguments {
        ["README", number] => export::run(folder, number.parse().unwrap()),
        _ => (export::sums_hold(folder), String::new()),
    };
    Ended { code: i32::from(!good), stdout: String::new(), stderr: said }
}
