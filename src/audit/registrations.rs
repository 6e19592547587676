//! Registrations in files, folders and on stdin, one after the other.
//!
//! A file that is named is read whatever it is called. In a folder, and in the folders in it, files called `*.json`, `*.jsonl` and
//! `*.ndjson` are read in the order of their names; the others are counted and passed over, hidden ones without a word, and
//! links to folders are not followed. Of a folder that `ledger export` wrote, the credentials are read.
//!
//! A file is JSON Lines if it is called so (`*.jsonl`, `*.ndjson`), or if its first or second line is a JSON object by itself and
//! there are more; otherwise it is one document, or several after each other or in a list, each told by the line it begins in. UTF-16
//! with its mark, as Windows tools write, is read as well. It refuses to hold more than one line or document in memory, or one of more
//! than [`LONGEST`] bytes; and to stop because of one that cannot be read.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keywright_files::text;
use serde_json::value::RawValue;

use super::registration::Registration;

/// Bytes that a line or a document may have. The largest attestation objects of today have some ten thousand.
pub const LONGEST: usize = 1 << 20;

/// Bytes that a file in UTF-16 may have: it is decoded as a whole.
const LONGEST_UTF16: u64 = 1 << 26;

/// What is read at once.
const BUFFER: usize = 1 << 18;

type Reader = BufReader<Box<dyn Read + Send>>;

/// The name of stdin.
const STDIN: &str = "-";

/// Where a registration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named or found; `-` is stdin.
    pub file: Arc<str>,
    /// The line in JSON Lines, or in which one of several documents begins, from 1.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// What was found in a place.
#[derive(Debug)]
pub struct Found {
    /// The place.
    pub place: Place,
    /// The text of what should be one registration.
    pub json: Result<Vec<u8>, FoundError>,
}

/// Why there is nothing to look at in a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoundError {
    /// The system's words.
    #[error("{0}")]
    Unreadable(String),
    /// Longer than any registration.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// Nothing in it.
    #[error("empty")]
    Empty,
}

/// All registrations below some paths. An iterator that ends by itself.
#[derive(Debug)]
pub struct Registrations {
    named: std::vec::IntoIter<PathBuf>,
    folders: Vec<Folder>,
    open: Option<Lines>,
    several: std::vec::IntoIter<Found>,
    passed_over: u64,
}

/// A folder that is not yet done.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Name, and whether it is a folder.
    entries: std::vec::IntoIter<(OsString, bool)>,
}

impl Registrations {
    /// Those in these files and folders, in their order. `-` is stdin.
    pub fn in_paths(paths: Vec<PathBuf>) -> Self {
        Self {
            named: paths.into_iter(),
            folders: Vec::new(),
            open: None,
            several: Vec::new().into_iter(),
            passed_over: 0,
        }
    }

    /// How many files were passed over so far because of their names.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Begins with a file or folder; gives what can be said at once.
    fn begin(&mut self, path: &Path, is_folder: bool) -> Option<Found> {
        let place = Place { file: path.to_string_lossy().into(), line: None };
        let begun = if is_folder { self.begin_folder(path) } else { self.begin_file(path, &place) };
        match begun {
            Ok(found) => found,
            Err(error) => Some(Found { place, json: Err(error.into()) }),
        }
    }

    fn begin_folder(&mut self, path: &Path) -> io::Result<Option<Found>> {
        let (mut entries, mut passed_over) = (Vec::new(), 0);
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            // A link to nothing is somebody's registration that is not there.
            let leads_to_file = || std::fs::metadata(entry.path()).map_or(true, |end| end.is_file());
            let is_file = || kind.is_file() || (kind.is_symlink() && leads_to_file());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            } else if kind.is_dir() {
                entries.push((name, true));
            } else if has_extension(Path::new(&name), &["json", "jsonl", "ndjson"]) && is_file() {
                entries.push((name, false));
            } else {
                passed_over += 1;
            }
        }
        if is_export(path) {
            entries.retain(|(name, is_folder)| *is_folder && name == "credentials");
        } else {
            self.passed_over += passed_over;
        }
        entries.sort();
        self.folders.push(Folder { path: path.to_owned(), entries: entries.into_iter() });
        Ok(None)
    }

    fn begin_file(&mut self, path: &Path, place: &Place) -> io::Result<Option<Found>> {
        let reader: Box<dyn Read + Send> =
            if path == Path::new(STDIN) { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
        let mut reader = in_utf8(BufReader::with_capacity(BUFFER, reader))?;
        let head = Head::read(&mut reader)?;
        if has_extension(path, &["jsonl", "ndjson"]) || head.is_lines() {
            self.open = Some(Lines { file: place.file.clone(), read: 0, head: head.lines.into_iter(), rest: reader });
            return Ok(None);
        }
        let document = head.document(reader)?;
        if let Some(several) = document.as_ref().ok().and_then(|document| several(document, &place.file)) {
            self.several = several.into_iter();
            return Ok(self.several.next());
        }
        Ok(Some(Found { place: place.clone(), json: document }))
    }
}

impl Iterator for Registrations {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.several.next() {
                return Some(found);
            }
            if let Some(lines) = &mut self.open {
                match lines.next() {
                    Some(found) => return Some(found),
                    None => self.open = None,
                }
            }
            let (path, is_folder) = match self.folders.last_mut() {
                Some(folder) => match folder.entries.next() {
                    Some((name, is_folder)) => (folder.path.join(name), is_folder),
                    None => {
                        self.folders.pop();
                        continue;
                    }
                },
                None => {
                    let path = self.named.next()?;
                    let is_folder = path != Path::new(STDIN) && path.is_dir();
                    (path, is_folder)
                }
            };
            if let Some(found) = self.begin(&path, is_folder) {
                return Some(found);
            }
        }
    }
}

/// The text as UTF-8, if it begins with the mark of UTF-16; else as it is.
fn in_utf8(mut reader: Reader) -> io::Result<Reader> {
    if !matches!(reader.fill_buf()?, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Ok(reader);
    }
    let mut bytes = Vec::new();
    reader.take(LONGEST_UTF16 + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_UTF16 {
        return Err(io::Error::other(format!("longer than {LONGEST_UTF16} bytes of UTF-16; save it as UTF-8")));
    }
    let text = text::decode(&bytes).map_err(io::Error::other)?.into_owned();
    Ok(BufReader::new(Box::new(io::Cursor::new(text.into_bytes()))))
}

/// The documents of a text that has more than one, or a list of them; what follows after damage is the last.
fn several(document: &[u8], file: &Arc<str>) -> Option<Vec<Found>> {
    let text = std::str::from_utf8(document).ok()?;
    let mut found = Vec::new();
    let mut add = |json: &str| {
        let at = json.as_ptr().addr() - text.as_ptr().addr();
        let line = 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        found.push(Found { place: Place { file: file.clone(), line: Some(line) }, json: Ok(json.into()) });
    };
    if text.trim_start().starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        // Other lists are one thing that is no registration.
        let is_of_registrations = list.iter().any(|one| Registration::parse(one.get().as_bytes()).is_ok());
        list.into_iter().for_each(|one| add(one.get()));
        return is_of_registrations.then_some(found);
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    while let Some(Ok(one)) = stream.next() {
        add(one.get());
    }
    let rest = text[stream.byte_offset()..].trim();
    if !rest.is_empty() {
        add(rest);
    }
    (found.len() > 1).then_some(found)
}

/// Whether `ledger export` wrote this folder.
fn is_export(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("events.jsonl").is_file() && folder.join("credentials").is_dir()
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    path.extension()
        .and_then(OsStr::to_str)
        .is_some_and(|found| known.iter().any(|one| found.eq_ignore_ascii_case(one)))
}

/// One line with its end, or the news that it was too long; it is read to its end all the same.
type Line = Result<Vec<u8>, FoundError>;

/// The next line; `None` at the end.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    reader.take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
    if line.len() <= LONGEST {
        return Ok((!line.is_empty()).then_some(Ok(line)));
    }
    if !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(Some(Err(FoundError::TooLong)))
}

fn is_blank(line: &Line) -> bool {
    line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty())
}

/// A file's beginning: the first two lines that are not blank and the blank ones before them, or what fits into [`LONGEST`].
struct Head {
    lines: Vec<Line>,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let (mut lines, mut filled, mut bytes) = (Vec::new(), 0, 0);
        while filled < 2 && bytes <= LONGEST {
            let Some(mut line) = read_line(reader)? else { break };
            if let Ok(line) = &mut line {
                if lines.is_empty() && line.starts_with(BYTE_ORDER_MARK) {
                    line.drain(..BYTE_ORDER_MARK.len());
                }
                bytes += line.len();
            }
            filled += usize::from(!is_blank(&line));
            lines.push(line);
        }
        Ok(Self { lines })
    }

    fn is_lines(&self) -> bool {
        let mut filled = self.lines.iter().filter(|line| !is_blank(line));
        let is_object = |line: &Line| {
            line.as_ref().is_ok_and(|line| {
                line.trim_ascii_start().starts_with(b"{")
                    && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
            })
        };
        matches!((filled.next(), filled.next()), (Some(first), Some(second)) if is_object(first) || is_object(second))
    }

    /// All of it as one document.
    fn document(self, rest: impl Read) -> io::Result<Result<Vec<u8>, FoundError>> {
        let mut document = Vec::new();
        for line in self.lines {
            match line {
                Ok(line) => document.extend(line),
                Err(error) => return Ok(Err(error)),
            }
        }
        rest.take((LONGEST + 1).saturating_sub(document.len()) as u64).read_to_end(&mut document)?;
        Ok(match document.len() {
            length if length > LONGEST => Err(FoundError::TooLong),
            _ if document.trim_ascii().is_empty() => Err(FoundError::Empty),
            _ => Ok(document),
        })
    }
}

/// A file of JSON Lines.
struct Lines {
    file: Arc<str>,
    read: u64,
    head: std::vec::IntoIter<Line>,
    rest: Reader,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("file", &self.file).field("read", &self.read).finish_non_exhaustive()
    }
}

impl Lines {
    /// The next line that is not blank. After an error of the system's there is none.
    fn next(&mut self) -> Option<Found> {
        loop {
            let line = match self.head.next() {
                Some(line) => line,
                None => match read_line(&mut self.rest) {
                    Ok(line) => line?,
                    Err(error) => {
                        self.rest = BufReader::new(Box::new(io::empty()));
                        Err(error.into())
                    }
                },
            };
            self.read += 1;
            if !is_blank(&line) {
                return Some(Found { place: Place { file: self.file.clone(), line: Some(self.read) }, json: line });
            }
        }
    }
}

impl From<io::Error> for FoundError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file of this name and content is read as: the line, and the text or the error.
    fn read(name: &str, content: &[u8]) -> Vec<(Option<u64>, Result<String, FoundError>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        Registrations::in_paths(vec![path]).map(|found| (found.place.line, found.json.map(text))).collect()
    }

    #[test]
    fn a_file_is_one_document_or_lines() {
        let whole = |text: &str| vec![(None, Ok(text.to_owned()))];
        let lines = |lines: &[(u64, &str)]| {
            lines.iter().map(|(line, text)| (Some(*line), Ok((*text).to_owned()))).collect::<Vec<_>>()
        };
        for (name, content, expected) in [
            ("a.json", "{}", whole("{}")),
            ("a.json", "\n{}\n\n", whole("{}")),
            ("a.json", "{\n\"a\": {}\n}", whole("{\n\"a\": {}\n}")),
            ("a.json", "[\n{},\n{}\n]", whole("[\n{},\n{}\n]")),
            ("a.json", "{}\n{}", lines(&[(1, "{}"), (2, "{}")])),
            ("a.json", "\u{feff}{}\r\n\r\n{}", lines(&[(1, "{}"), (3, "{}")])),
            // A broken first line does not make a document of the others.
            ("a.json", "{\"a\":\n{}\n{}", lines(&[(1, "{\"a\":"), (2, "{}"), (3, "{}")])),
            ("a.json", "{}\n{\"a\":", lines(&[(1, "{}"), (2, "{\"a\":")])),
            ("a.jsonl", "{}", lines(&[(1, "{}")])),
            ("a.ndjson", "\n{\n{}", lines(&[(2, "{"), (3, "{}")])),
            ("a.jsonl", "\n", Vec::new()),
        ] {
            assert_eq!(read(name, content.as_bytes()), expected, "{name} {content:?}");
        }
        assert_eq!(read("a.json", b" \n"), [(None, Err(FoundError::Empty))]);
    }

    #[test]
    fn what_is_too_long_is_passed_over_to_its_end() {
        let longest = [&b"{"[..], &vec![b' '; LONGEST - 3], b"}\n"].concat();
        let longer = [&b"{ "[..], &longest[1..]].concat();
        assert_eq!((longest.len(), longer.len()), (LONGEST, LONGEST + 1));
        let content = [&longest[..], &longer, b"{}\n"].concat();
        let found = read("a.jsonl", &content);
        assert!(found[0].1.is_ok());
        assert_eq!(found[1..], [(Some(2), Err(FoundError::TooLong)), (Some(3), Ok("{}".to_owned()))]);
        assert_eq!(read("a.json", &longer), [(None, Err(FoundError::TooLong))]);
        assert_eq!(
            read("a.json", &[&b"{"[..], &vec![b'\n'; LONGEST], b"}"].concat()),
            [(None, Err(FoundError::TooLong))]
        );
        assert_eq!(read("a.json", &longest).len(), 1);
    }
}
