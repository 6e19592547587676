//! An exported evidence folder, read as the ledger that it came from.
//!
//! Every file is held against `SHA256SUMS` when it is opened, and each text about a person against its token. It refuses to be
//! written to, and to pass over a file that was changed, is missing, or that no sum names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::personal::{Erasures, PersonTexts, Texts, Token, texts_from};
use super::{Entry, Head, LedgerError, Record, Store, follow};

/// The list of sums, which has no sum of its own: the checkpoint and the head that was printed stand for it.
const SUMS: &str = "SHA256SUMS";

/// The log, a line for each event.
const EVENTS: &str = "events.jsonl";

/// A line is an event, and none is longer (`sqlite.rs` bounds it likewise), with what JSON adds.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// An exported folder.
pub struct Archive {
    folder: PathBuf,
    /// Where it says that the log ends.
    head: Head,
    /// The texts about people, by their tokens.
    texts: BTreeMap<Token, Arc<str>>,
    /// Where each event's line begins in its file.
    starts: Vec<u64>,
}

/// What is wrong with a line, or what whoever was shown it failed with.
type Shown = Result<Result<(), LedgerError>, String>;

/// A line of `events.jsonl`.
#[derive(Deserialize)]
struct EventLine {
    seq: u64,
    time: String,
    body: String,
    hash: String,
}

/// A line of `persons.jsonl`.
#[derive(Deserialize)]
struct PersonLine {
    person: u64,
    salt: Option<String>,
    texts: Vec<String>,
}

impl Archive {
    /// Opens a folder that `keywright ledger export` wrote. Fails with [`LedgerError::File`] at the first file that is not what its
    /// sum says, that is missing, or that has no sum, and with [`LedgerError::Broken`] where a text about a person was changed.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        let mut archive =
            Self { folder: folder.to_owned(), head: Head::EMPTY, texts: BTreeMap::new(), starts: Vec::new() };
        archive.check_sums()?;
        archive.head = archive.text("HEAD")?.trim_end().parse()?;
        archive.read_persons()?;
        archive.starts = archive.check_texts()?;
        Ok(archive)
    }

    fn wrong(&self, name: &str, why: impl Into<String>) -> LedgerError {
        LedgerError::File { path: self.folder.join(name).display().to_string(), why: why.into() }
    }

    fn text(&self, name: &str) -> Result<String, LedgerError> {
        let path = self.folder.join(name);
        fs::read_to_string(&path).map_err(|error| LedgerError::file(&path, &error))
    }

    fn check_sums(&self) -> Result<(), LedgerError> {
        if !self.folder.join(SUMS).is_file() {
            return Err(self.wrong("", "it is no exported folder: it has no SHA256SUMS"));
        }
        let mut named = BTreeSet::new();
        for line in self.text(SUMS)?.lines() {
            let (sum, name) = line.split_once("  ").ok_or_else(|| self.wrong(SUMS, "a line has no sum and name"))?;
            let inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if !inside {
                return Err(self.wrong(SUMS, format!("it names a file outside of the folder: {name}")));
            }
            let path = self.folder.join(name);
            let failed = |error: io::Error| LedgerError::file(&path, &error);
            if fs::symlink_metadata(&path).map_err(failed)?.is_symlink() {
                return Err(self.wrong(name, "it is a link"));
            }
            if sum_of(File::open(&path).map_err(failed)?).map_err(failed)? != sum {
                return Err(self.wrong(name, "it is not what SHA256SUMS says: it was changed after the export"));
            }
            named.insert(name.to_owned());
        }
        for needed in ["HEAD", EVENTS, "persons.jsonl", "accounts.json"] {
            if !named.contains(needed) {
                return Err(self.wrong(SUMS, format!("it has no sum of {needed}")));
            }
        }
        ["credentials", "checkpoints"].iter().try_for_each(|folder| self.check_folder(folder, &named))
    }

    /// Each file in a folder has a sum.
    fn check_folder(&self, folder: &str, named: &BTreeSet<String>) -> Result<(), LedgerError> {
        let path = self.folder.join(folder);
        let failed = |error: io::Error| LedgerError::file(&path, &error);
        let entries = match fs::read_dir(&path) {
            // There may be none, and those that a sum names were looked for before.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let name = format!("{folder}/{}", entry.map_err(failed)?.file_name().to_string_lossy());
            if !named.contains(&name) {
                return Err(self.wrong(&name, "SHA256SUMS does not name it: it was put there after the export"));
            }
        }
        Ok(())
    }

    fn read_persons(&mut self) -> Result<(), LedgerError> {
        let mut texts = BTreeMap::new();
        self.each_person(&mut |person| {
            if let Some(salt) = &person.salt {
                let salt = hmac::Key::new(hmac::HMAC_SHA256, &**salt);
                let tokens = person.texts.into_iter();
                texts.extend(tokens.map(|text| (Token::of(person.number, &salt, &text), Arc::from(text))));
            }
            Ok(())
        })?;
        self.texts = texts;
        Ok(())
    }

    /// A text that was changed has no token, and reads as an erased one: only an event may say so. Returns where events begin.
    fn check_texts(&self) -> Result<Vec<u64>, LedgerError> {
        let (mut erasures, mut starts) = (Erasures::default(), Vec::new());
        self.events(&mut |start, entry| {
            starts.push(start);
            erasures.note(&entry, &entry.event()?);
            Ok(())
        })?;
        erasures.check()?;
        Ok(starts)
    }

    /// Shows every event, and where its line begins.
    fn events(&self, visit: &mut dyn FnMut(u64, Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        let mut last = Head::EMPTY;
        let mut expected = 1_u64;
        self.lines(EVENTS, &mut |start, line| {
            let entry = serde_json::from_str::<EventLine>(line).map_err(|error| error.to_string())?;
            if entry.seq != expected {
                let why = format!("event {} stands in its place", entry.seq);
                return Ok(Err(LedgerError::broken(expected, why)));
            }
            expected += 1;
            let entry = entry.entry(&self.texts)?;
            last = entry.head();
            Ok(visit(start, entry))
        })?;
        // A folder whose last events were cut off with their sum says so.
        if last == self.head { Ok(()) } else { Err(LedgerError::missing(&self.head)) }
    }

    /// The event whose line begins there.
    fn event_at(&self, file: &mut BufReader<File>, start: u64) -> Result<Entry, LedgerError> {
        let failed = |error: io::Error| LedgerError::file(&self.folder.join(EVENTS), &error);
        let mut line = String::new();
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        file.take(LONGEST_LINE).read_line(&mut line).map_err(failed)?;
        let read = serde_json::from_str::<EventLine>(&line).map_err(|error| error.to_string());
        read.and_then(|line| line.entry(&self.texts)).map_err(|why| self.wrong(EVENTS, why))
    }

    fn each_person(&self, visit: &mut dyn FnMut(PersonTexts) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.lines("persons.jsonl", &mut |_, line| {
            let PersonLine { person, salt, texts } = serde_json::from_str(line).map_err(|error| error.to_string())?;
            let salt = salt.map(|salt| {
                let mut bytes = Zeroizing::new([0; 32]);
                match salt.len() == 64 && HEXLOWER.decode_mut(salt.as_bytes(), &mut *bytes).is_ok() {
                    true => Ok(bytes),
                    false => Err("a salt has 64 hexadecimal digits".to_owned()),
                }
            });
            Ok(visit(PersonTexts { number: person, salt: salt.transpose()?, texts }))
        })
    }

    /// Shows where each line begins, and the line, to `read`, which says what is wrong with it as a line, or fails with an error of its own.
    fn lines(&self, name: &str, read: &mut dyn FnMut(u64, &str) -> Shown) -> Result<(), LedgerError> {
        let path = self.folder.join(name);
        let failed = |error: io::Error| LedgerError::file(&path, &error);
        let mut file = BufReader::new(File::open(&path).map_err(failed)?);
        let (mut line, mut number, mut start) = (String::new(), 0_u64, 0_u64);
        loop {
            line.clear();
            let length = file.by_ref().take(LONGEST_LINE).read_line(&mut line).map_err(failed)?;
            if length == 0 {
                return Ok(());
            }
            number += 1;
            let begins = start;
            start += length as u64;
            read(begins, line.trim_end_matches('\n'))
                .map_err(|why| self.wrong(name, format!("line {number}: {why}")))??;
        }
    }
}

/// SHA-256 in hexadecimal.
fn sum_of(mut file: impl Read) -> io::Result<String> {
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(HEXLOWER.encode(&hash.finalize())),
            count => hash.update(&piece[..count]),
        }
    }
}

impl EventLine {
    fn entry(self, texts: &BTreeMap<Token, Arc<str>>) -> Result<Entry, String> {
        let mut hash = [0; 32];
        if self.hash.len() != 64 || HEXLOWER.decode_mut(self.hash.as_bytes(), &mut hash).is_err() {
            return Err("a hash has 64 hexadecimal digits".to_owned());
        }
        let texts: Texts = texts_from(&self.body, |token| texts.get(&token).cloned());
        Ok(Entry { seq: self.seq, time: self.time, body: self.body, hash, texts })
    }
}

impl Store for Archive {
    fn append(&self, _expected: &Head, _records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        Err(LedgerError::ReadOnly { path: self.folder.display().to_string() })
    }

    fn persons(&self, visit: &mut dyn FnMut(PersonTexts) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.each_person(visit)
    }

    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.events(&mut |_, entry| if entry.seq > after { visit(entry) } else { Ok(()) })
    }

    fn entry(&self, seq: u64) -> Result<Entry, LedgerError> {
        let start = |seq: u64| self.starts.get(usize::try_from(seq.checked_sub(1)?).ok()?).copied();
        let path = self.folder.join(EVENTS);
        let mut file = BufReader::new(File::open(&path).map_err(|error| LedgerError::file(&path, &error))?);
        let before = seq.checked_sub(1).and_then(start).map(|start| self.event_at(&mut file, start)).transpose()?;
        let found = start(seq).map(|start| self.event_at(&mut file, start)).transpose()?;
        follow(before.map_or(Head::EMPTY, |before| before.head()), found, seq)
    }
}
