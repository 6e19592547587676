//! An evidence folder that other software can check. Each credential's file names the events that bind it to its person and its
//! key, and proves them in the log's Merkle tree: two files that change places are found whatever the sums say.
//!
//! It refuses to write evidence from a log that does not pass [`crate::ledger::chain::verify`], to leave half a folder behind, and
//! to let anybody but its owner read it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::JSON_SCHEMA;
use crate::ledger::tree::WholeTree;
use crate::ledger::{
    AccountId, Entry, Erasures, Event, Head, JobId, Kept, KeyIdentity, KeyNumber, LedgerError, PersonTexts, SeenByHand,
    Step, Store, WitnessResult,
};
use crate::profile::{Person, ProfileName};
use crate::register::{self, Account, AccountStanding, Credential, CredentialState, Register, Standing};
use keywright_attest::{Policy, Verdict};
use keywright_fido::webauthn::{Challenge, CredentialId, Origin, RpId, SignedAssertion, UserHandle};
use keywright_files::private;

/// What an auditor reads first.
const README: &str = include_str!("evidence.txt");

/// File names may have 255 bytes on every system that matters, and some tools add to them.
const LONGEST_NAME: usize = 180;

/// The folder of checkpoints in an export, as in the state folder.
pub const CHECKPOINTS: &str = "checkpoints";

/// Writes `FOLDER`: `events.jsonl` (one entry a line: seq, time, body, hash), `persons.jsonl` (the texts about people that bodies
/// have tokens of, and the salts), `credentials/ID.json` (the key's answer,
/// attestation object, client data, public key, verdict, key, account), `accounts.json`, `checkpoints/` (those of `kept` that are about these
/// events, each with the time stamps beside it), `HEAD` (seq and hash), `README.txt` (how to check it all) and
/// `SHA256SUMS`. The folder must not exist, the folder that it is to be in must. It appears whole, or not at all.
pub fn export(store: &dyn Store, kept: &[Kept], folder: &Path) -> Result<Head, LedgerError> {
    if folder.symlink_metadata().is_ok() {
        return Err(LedgerError::File { path: folder.display().to_string(), why: "it is there already".to_owned() });
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new();
    draft.prefix(".evidence-");
    #[cfg(unix)]
    draft.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let draft = draft.tempdir_in(parent).map_err(|error| LedgerError::file(parent, &error))?;

    let mut evidence = Evidence { folder: draft.path().to_owned(), sums: BTreeMap::new() };
    let Read { head, book, at, proofs } = evidence.events(store)?;
    evidence.text("HEAD", &format!("{head}\n"))?;
    evidence.text("README.txt", README)?;
    evidence.persons(store)?;
    evidence.accounts(&book, at)?;
    evidence.credentials(&book, store, &proofs)?;
    // A longer one was made while this log was read.
    evidence.checkpoints(kept.iter().filter(|kept| kept.checkpoint.size <= head.seq))?;
    evidence.finish()?;

    fs::rename(draft.path(), folder).map_err(|error| LedgerError::file(folder, &error))?;
    // It has its name now; there is nothing left to remove.
    let _ = draft.keep();
    Ok(head)
}

/// Holds the files about accounts and credentials of an exported folder against the events in it: the sums of all can be made anew by
/// whoever changes one. Fails with [`LedgerError::File`] at the first that does not follow from the events.
pub fn check(folder: &Path, events: &dyn Store) -> Result<(), LedgerError> {
    let place = tempfile::tempdir().map_err(|error| LedgerError::file(folder, &error))?;
    let anew = place.path().join("evidence");
    export(events, &[], &anew)?;
    let sums = |folder: &Path| -> Result<BTreeMap<String, String>, LedgerError> {
        let path = folder.join("SHA256SUMS");
        let text = fs::read_to_string(&path).map_err(|error| LedgerError::file(&path, &error))?;
        let lines = text.lines().filter_map(|line| line.split_once("  "));
        let of_events = lines.filter(|(_, name)| *name == "accounts.json" || name.starts_with("credentials/"));
        Ok(of_events.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect())
    };
    let (found, expected) = (sums(folder)?, sums(&anew)?);
    let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    match names.into_iter().find(|name| found.get(*name) != expected.get(*name)) {
        None => Ok(()),
        Some(name) => Err(LedgerError::File {
            path: folder.join(name).display().to_string(),
            why: "it is not what this version of keywright makes of the events".to_owned(),
        }),
    }
}

/// What one pass through the log gave.
struct Read {
    head: Head,
    /// What it says.
    book: Register,
    /// When its newest event was written.
    at: OffsetDateTime,
    proofs: Proofs,
}

/// The log as a tree, and where in it jobs were planned.
struct Proofs {
    size: u64,
    tree: WholeTree,
    planned: HashMap<JobId, u64>,
}

/// A folder in the making.
struct Evidence {
    folder: PathBuf,
    /// SHA-256 in hexadecimal, by path in the folder.
    sums: BTreeMap<String, String>,
}

impl Evidence {
    /// One pass through the log: checked, written and read at once, so that a long one need not fit into memory; of each event a
    /// hash stays.
    fn events(&mut self, store: &dyn Store) -> Result<Read, LedgerError> {
        let (mut head, mut book, mut newest) = (Head::EMPTY, Register::default(), String::new());
        let mut erasures = Erasures::default();
        let (mut hashes, mut planned) = (Vec::new(), HashMap::new());
        self.file("events.jsonl", |path, out| {
            store.each(&Head::EMPTY, &mut |entry| {
                head = entry.head();
                let event = entry.event()?;
                erasures.note(&entry, &event);
                book.apply(&entry, &event)?;
                if let Event::JobPlanned { job, .. } = event {
                    planned.insert(job, entry.seq);
                }
                hashes.push(entry.hash);
                newest.clone_from(&entry.time);
                write_json(out, &Line::from(&entry)).map_err(|error| LedgerError::file(path, &error))
            })
        })?;
        erasures.check()?;
        let at = OffsetDateTime::parse(&newest, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let proofs = Proofs { size: head.seq, tree: WholeTree::new(hashes), planned };
        Ok(Read { head, book, at, proofs })
    }

    /// The texts that the events have tokens of, so that they can be read and held against their tokens elsewhere.
    fn persons(&mut self, store: &dyn Store) -> Result<(), LedgerError> {
        self.file("persons.jsonl", |path, out| {
            store.persons(&mut |person| {
                write_json(out, &PersonLine::from(person)).map_err(|error| LedgerError::file(path, &error))
            })
        })
    }

    /// What held when the newest event was written, so that one log is always exported in the same way.
    fn accounts(&mut self, book: &Register, at: OffsetDateTime) -> Result<(), LedgerError> {
        let accounts: Vec<_> = book
            .accounts
            .iter()
            .filter_map(|(id, account)| Some(AccountFile::new(book, id, account, &book.standing(id, at)?)))
            .collect();
        self.json("accounts.json", &accounts)
    }

    fn credentials(&mut self, book: &Register, store: &dyn Store, proofs: &Proofs) -> Result<(), LedgerError> {
        private::make_own_folder(&self.folder.join("credentials"))?;
        for (id, credential) in &book.credentials {
            if let Some(evidence) = book.evidence(id, store)? {
                self.json(&file_name(id), &CredentialFile::new(book, id, credential, &evidence, proofs))?;
            }
        }
        Ok(())
    }

    /// As they are: what they vouch for is checked by whoever reads the folder.
    fn checkpoints<'a>(&mut self, kept: impl Iterator<Item = &'a Kept>) -> Result<(), LedgerError> {
        private::make_own_folder(&self.folder.join(CHECKPOINTS))?;
        for one in kept {
            self.beside(&one.file, one.note.to_string().as_bytes())?;
            for (stamp, file) in one.time_stamps()? {
                self.beside(&file, stamp.as_bytes())?;
            }
        }
        Ok(())
    }

    /// A file of the folder of checkpoints, under the name that it has there.
    fn beside(&mut self, file: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        self.file(&format!("{CHECKPOINTS}/{name}"), |path, out| {
            out.write_all(bytes).map_err(|error| LedgerError::file(path, &error))
        })
    }

    fn finish(&mut self) -> Result<(), LedgerError> {
        let sums: String = self.sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
        self.text("SHA256SUMS", &sums)
    }

    fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), LedgerError> {
        self.file(name, |path, out| {
            serde_json::to_writer_pretty(&mut *out, value)
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(|error| LedgerError::file(path, &error))
        })
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), LedgerError> {
        self.file(name, |path, out| out.write_all(text.as_bytes()).map_err(|error| LedgerError::file(path, &error)))
    }

    /// Writes one file, hashing it on the way; the disk has it when this returns.
    fn file(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path, &mut Hashed) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let path = self.folder.join(name);
        let failed = |error| LedgerError::file(&path, &error);
        let file = private::create_to_write(&path)?;
        let mut out = Hashed { file: BufWriter::new(file), hash: Sha256::new() };
        write(&path, &mut out)?;
        out.file.flush().and_then(|()| out.file.get_ref().sync_all()).map_err(failed)?;
        self.sums.insert(name.to_owned(), HEXLOWER.encode(&out.hash.finalize()));
        Ok(())
    }
}

/// A file and the hash of what was written to it.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// One object, one line.
fn write_json(out: &mut Hashed, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Where a credential's file is in an export.
pub(super) fn file_name(id: &CredentialId) -> String {
    let name = id.to_string();
    let name = if name.len() > LONGEST_NAME { HEXLOWER.encode(&Sha256::digest(id.as_bytes())) } else { name };
    format!("credentials/{name}.json")
}

/// A line of `events.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    time: &'a str,
    body: &'a str,
    hash: String,
}

impl<'a> From<&'a Entry> for Line<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self { seq: entry.seq, time: &entry.time, body: &entry.body, hash: HEXLOWER.encode(&entry.hash) }
    }
}

/// A line of `persons.jsonl`.
#[derive(Serialize)]
struct PersonLine {
    person: u64,
    /// In hexadecimal; `null` where the person was erased.
    salt: Option<String>,
    texts: Vec<String>,
}

impl From<PersonTexts> for PersonLine {
    fn from(person: PersonTexts) -> Self {
        let PersonTexts { number, salt, texts } = person;
        Self { person: number, salt: salt.map(|salt| HEXLOWER.encode(&*salt)), texts }
    }
}

/// An element of `accounts.json`.
#[derive(Serialize)]
struct AccountFile<'a> {
    schema: &'static str,
    kind: &'static str,
    account: &'a AccountId,
    user_id: Option<&'a str>,
    person: &'a Person,
    profile: Value,
    standing: AccountStanding,
    complete: bool,
    proved_keys: usize,
    other_methods: &'a [String],
    credentials: Vec<&'a CredentialId>,
}

impl<'a> AccountFile<'a> {
    fn new(book: &'a Register, id: &'a AccountId, account: &'a Account, standing: &Standing) -> Self {
        Self {
            schema: JSON_SCHEMA,
            kind: "exported-account",
            account: id,
            user_id: account.user_id.as_deref(),
            person: &account.person,
            profile: in_snake_case(serde_json::to_value(&*account.profile).unwrap_or_default()),
            standing: standing.account,
            complete: standing.is_complete(),
            proved_keys: standing.in_service(),
            other_methods: &account.other_methods,
            credentials: book.credentials_of(id).map(|(id, _)| id).collect(),
        }
    }
}

/// `credentials/ID.json`. The public key is COSE, so that it is not called `public_key`, which is DER in WebAuthn's JSON.
#[derive(Serialize)]
struct CredentialFile<'a> {
    schema: &'static str,
    kind: &'static str,
    id: &'a CredentialId,
    rp_id: &'a RpId,
    user_handle: &'a UserHandle,
    /// What the IdP asked for.
    challenge: Option<&'a Challenge>,
    origin: Option<&'a Origin>,
    ctap_response: Option<String>,
    attestation_object: String,
    client_data_json: String,
    credential_public_key: String,
    transports: &'a [String],
    assertion: Option<&'a SignedAssertion>,
    witness: Option<&'a WitnessResult>,
    account: &'a AccountId,
    job: JobId,
    tree: TreeHead,
    inclusion: Vec<Included>,
    user_id: Option<&'a str>,
    directory_id: Option<&'a str>,
    label: Option<&'a str>,
    by_hand: Option<ByHand<'a>>,
    ordinal: usize,
    /// The key's own number, once it is known which key it is.
    number: Option<KeyNumber>,
    key: &'a KeyIdentity,
    profile: Option<&'a ProfileName>,
    policy: Option<Policy>,
    verdict: Option<&'a Verdict>,
    state: CredentialState,
    made: &'a str,
    proved: Option<&'a str>,
    failed: Option<&'a str>,
}

/// The log's tree: how many events, and its root in hexadecimal.
#[derive(Serialize)]
struct TreeHead {
    size: u64,
    root: String,
}

/// An event that a credential's file rests on, and its inclusion proof: hashes in hexadecimal, from the leaf's sibling up.
#[derive(Serialize)]
struct Included {
    event: &'static str,
    seq: u64,
    path: Vec<String>,
}

impl Proofs {
    fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: HEXLOWER.encode(&self.tree.root()) }
    }

    /// What binds a credential to account and number, to its key, and to its proof.
    fn of(&self, book: &Register, id: &CredentialId, credential: &Credential) -> Vec<Included> {
        let job = book.jobs.get(&credential.job).filter(|job| job.credential_id() == Some(id));
        let done = |step| job.and_then(|job| job.outcomes.at(step));
        let events = [
            ("job-planned", self.planned.get(&credential.job).copied()),
            ("inspect", done(Step::Inspect)),
            ("make", Some(credential.made_by)),
            ("prove", done(Step::Prove)),
        ];
        let included = |(event, seq): (&'static str, Option<u64>)| {
            let path = self.tree.inclusion(seq?)?.iter().map(|hash| HEXLOWER.encode(hash)).collect();
            Some(Included { event, seq: seq?, path })
        };
        events.into_iter().filter_map(included).collect()
    }
}

/// The log writes a profile's members as its TOML file does, `always-uv`; JSON has one case.
fn in_snake_case(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name.replace('-', "_"), in_snake_case(value))).collect()
        }
        other => other,
    }
}

/// How a drill confirmed a registration that was made by hand. What the key lists none of is `null`.
#[derive(Serialize)]
struct ByHand<'a> {
    said_by: &'a str,
    id: Option<&'a CredentialId>,
    rp_id: Option<&'a RpId>,
    credential_public_key: Option<&'a str>,
    assertion: Option<&'a SignedAssertion>,
}

impl<'a> ByHand<'a> {
    fn new(seen: &'a SeenByHand) -> Self {
        let found = seen.found.as_ref();
        Self {
            said_by: &seen.said_by,
            id: found.map(|found| &found.credential_id),
            rp_id: found.map(|found| &found.rp_id),
            credential_public_key: found.map(|found| found.public_key.as_str()),
            assertion: found.map(|found| &found.signature),
        }
    }
}

impl<'a> CredentialFile<'a> {
    fn new(
        book: &'a Register,
        id: &'a CredentialId,
        credential: &'a Credential,
        evidence: &'a register::Evidence,
        proofs: &Proofs,
    ) -> Self {
        let ceremony = evidence.ceremony.as_ref();
        let account = book.accounts.get(&credential.account);
        Self {
            schema: JSON_SCHEMA,
            kind: "exported-credential",
            id,
            rp_id: &credential.rp_id,
            user_handle: &evidence.user_handle,
            challenge: ceremony.map(|ceremony| &ceremony.options.challenge),
            origin: ceremony.map(|ceremony| &ceremony.origin),
            ctap_response: evidence.ctap_response.as_ref().map(|response| BASE64URL_NOPAD.encode(response)),
            attestation_object: BASE64URL_NOPAD.encode(&evidence.attestation_object),
            client_data_json: BASE64URL_NOPAD.encode(&evidence.client_data_json),
            credential_public_key: BASE64URL_NOPAD.encode(&evidence.public_key),
            transports: &evidence.transports,
            assertion: evidence.assertion.as_ref(),
            witness: evidence.witness.as_ref(),
            account: &credential.account,
            job: credential.job,
            tree: proofs.head(),
            inclusion: proofs.of(book, id, credential),
            user_id: account.and_then(|account| account.user_id.as_deref()),
            directory_id: credential.directory_id.as_deref(),
            label: credential.label.as_deref(),
            by_hand: credential.by_hand.as_deref().map(ByHand::new),
            ordinal: credential.ordinal,
            number: credential.number,
            key: &credential.key,
            profile: account.map(|account| &account.profile.name),
            policy: credential.made_for.as_ref().map(|profile| Policy::from(&profile.keys)),
            verdict: evidence.verdict.as_deref(),
            state: credential.state,
            made: &credential.made,
            proved: credential.proved.as_deref(),
            failed: credential.failed.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::ledger::sample::{InMemory, credential_id, every_kind, log};
    use crate::ledger::tree::is_included;

    fn exported() -> (TempDir, PathBuf, Head) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("evidence");
        let head = export(&InMemory(log(&every_kind())), &[], &folder).unwrap();
        (place, folder, head)
    }

    fn json(path: &Path) -> Value {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_place, folder, _) = exported();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let credentials = folder.join("credentials");
        assert_eq!((mode(&folder), mode(&credentials)), (0o700, 0o700));
        for inside in [&folder, &credentials] {
            for entry in fs::read_dir(inside).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
            {
                assert_eq!(mode(&entry), 0o600, "{}", entry.display());
            }
        }
    }

    #[test]
    fn each_credential_names_the_events_that_bind_it_and_proves_them() {
        let (_place, folder, head) = exported();
        let entries = log(&every_kind());
        for job in 1..=3 {
            let file = json(&folder.join("credentials").join(format!("{}.json", credential_id(job))));
            assert_eq!(file["job"], job);
            assert_eq!(file["tree"]["size"], head.seq);
            let hash = |text: &Value| -> [u8; 32] {
                HEXLOWER.decode(text.as_str().unwrap().as_bytes()).unwrap().try_into().unwrap()
            };
            let root = hash(&file["tree"]["root"]);
            for included in file["inclusion"].as_array().unwrap() {
                let seq = included["seq"].as_u64().unwrap();
                let path: Vec<[u8; 32]> = included["path"].as_array().unwrap().iter().map(hash).collect();
                let entry = &entries[seq as usize - 1];
                assert!(is_included(&entry.hash, seq, &path, head.seq, &root), "{included}");
                assert!(entry.body.contains(included["event"].as_str().unwrap()), "{included}");
            }
        }
        // A job that went back keeps what no step took away.
        let named = |job: u64| {
            let file = json(&folder.join("credentials").join(format!("{}.json", credential_id(job))));
            let events = file["inclusion"].as_array().unwrap().iter();
            events.map(|one| one["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(named(1), ["job-planned", "inspect", "make", "prove"]);
        assert_eq!(named(3), ["job-planned", "make"]);
    }

    #[test]
    fn events_are_exported_as_they_are() {
        let (_place, folder, head) = exported();
        let entries = log(&every_kind());
        assert_eq!(head, entries.last().unwrap().head());
        assert_eq!(fs::read_to_string(folder.join("HEAD")).unwrap(), format!("{head}\n"));
        let lines = fs::read_to_string(folder.join("events.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), entries.len());
        for (line, entry) in lines.lines().zip(entries) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["seq"], entry.seq);
            assert_eq!(line["time"], entry.time);
            assert_eq!(line["body"], entry.body);
            assert_eq!(line["hash"], HEXLOWER.encode(&entry.hash));
        }
    }

    #[test]
    fn a_credential_has_all_that_is_needed_to_judge_it() {
        let (_place, folder, _) = exported();
        let read = |job| json(&folder.join("credentials").join(format!("{}.json", credential_id(job))));
        let first = read(1);
        for (member, value) in [
            ("id", credential_id(1).to_string()),
            ("rp_id", "login.example.org".to_owned()),
            ("user_handle", "AQID".to_owned()),
            ("ctap_response", "oQFkbm9uZQ".to_owned()),
            ("attestation_object", "oWNmbXRkbm9uZQ".to_owned()),
            ("client_data_json", "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0".to_owned()),
            ("credential_public_key", "pQECAyYgAQ".to_owned()),
            ("user_id", "id-ada".to_owned()),
            ("directory_id", "key-1".to_owned()),
            ("label", "Soft key 1".to_owned()),
            ("origin", "https://login.example.org".to_owned()),
            ("challenge", "AAECAwQFBgcICQoLDA0ODw".to_owned()),
            ("profile", "admin".to_owned()),
            ("state", "registered".to_owned()),
        ] {
            assert_eq!(first[member], value, "{member}");
        }
        assert_eq!(first["assertion"]["signature"], "MEQC");
        assert_eq!(first["witness"], serde_json::json!({"testimony": "verified", "witness": "another client 1"}));
        // As every ledger from before there was a witness.
        assert!(read(2)["witness"].is_null());
        assert_eq!(first["account"]["login"], "ada");
        assert_eq!(first["key"]["port"], "1-1");
        assert!(first["verdict"].is_object() && first["made"].is_string() && first["proved"].is_string());
        assert_eq!(first["policy"]["attestation"], "none");
        assert_eq!(read(2)["state"], "revoked");
        // Its job went back: what was forgotten there is not shown here.
        assert_eq!(read(3)["state"], "deleted");
        for member in ["assertion", "label", "challenge", "policy"] {
            assert!(read(3)[member].is_null(), "{member}");
        }

        let accounts = json(&folder.join("accounts.json"));
        assert_eq!(accounts[0]["complete"], false);
        assert_eq!(accounts[0]["proved_keys"], 2);
        assert_eq!(accounts[0]["credentials"].as_array().unwrap().len(), 4);

        assert!(first["by_hand"].is_null());
        let by_hand = &read(5)["by_hand"];
        assert_eq!(
            (&by_hand["said_by"], &by_hand["rp_id"], &by_hand["id"]),
            (&"root".into(), &"bank.example".into(), &"AAAA".into())
        );
        assert_eq!(by_hand["assertion"]["signature"], "MEQC");
    }

    #[test]
    fn every_member_of_a_credential_is_explained() {
        let (_place, folder, _) = exported();
        let credential = json(&folder.join("credentials").join(format!("{}.json", credential_id(1))));
        for member in credential.as_object().unwrap().keys() {
            let explained = README.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
            assert!(explained.into_iter().any(|line| line.contains(member.as_str())), "{member}");
        }
    }

    #[test]
    fn long_ids_are_hashed_into_file_names() {
        let short = CredentialId::new(vec![0xFF; 135]).unwrap();
        assert_eq!(file_name(&short), format!("credentials/{short}.json"));
        let long = file_name(&CredentialId::new(vec![0xFF; 1023]).unwrap());
        assert_eq!(long, "credentials/b231843075fe57e5660756784aa99b2919979429957057fdcf55016a7da6cd83.json");
    }

    #[test]
    fn nothing_is_left_of_an_export_that_failed() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("evidence");
        let mut entries = log(&every_kind());
        entries[20].time.push(' ');
        assert!(matches!(export(&InMemory(entries), &[], &folder), Err(LedgerError::Broken { seq: 21, .. })));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);

        let nowhere = place.path().join("not").join("there");
        assert!(matches!(export(&InMemory(log(&every_kind())), &[], &nowhere), Err(LedgerError::File { .. })));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let (_place, folder, _) = exported();
        let before = fs::read(folder.join("SHA256SUMS")).unwrap();
        assert!(matches!(export(&InMemory(Vec::new()), &[], &folder), Err(LedgerError::File { .. })));
        assert_eq!(fs::read(folder.join("SHA256SUMS")).unwrap(), before);
        let empty = folder.with_file_name("empty");
        fs::create_dir(&empty).unwrap();
        assert!(export(&InMemory(Vec::new()), &[], &empty).is_err());
    }

    #[test]
    fn an_empty_ledger_has_an_empty_export() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("evidence");
        assert_eq!(export(&InMemory(Vec::new()), &[], &folder).unwrap(), Head::EMPTY);
        assert_eq!(json(&folder.join("accounts.json")), serde_json::json!([]));
        assert_eq!(fs::read(folder.join("events.jsonl")).unwrap(), b"");
    }
}
