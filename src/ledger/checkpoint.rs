//! Checkpoints (C2SP tlog-checkpoint): how long the log is and the root of its tree, as the text of a signed note.
//!
//! Other software verifies them, and that one goes on from another. It refuses to make one of a log whose chain was not
//! followed: it is made of a tree that was filled while reading.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};

use super::StationKey;
use super::note::{Note, NoteError, NoteKey};
use super::tree::{Hash, Tree};

/// The end of a log, as its tree has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// How many events it has.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

/// Which log: `keywright/ledger/` and the hash of its first event in 64 hexadecimal digits. The name of keys that sign for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

/// What stands before the hash.
const ORIGIN: &str = "keywright/ledger/";

impl Origin {
    /// Of the log whose first event has this hash, in hexadecimal ([`crate::register::Register::id`]).
    pub fn of_ledger(id: &str) -> Self {
        Self(format!("{ORIGIN}{id}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash of the first event.
    pub fn ledger(&self) -> &str {
        self.0.strip_prefix(ORIGIN).unwrap_or(&self.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let id = text.strip_prefix(ORIGIN).filter(|id| id.len() == 64 && HEXLOWER.decode(id.as_bytes()).is_ok());
        id.map(|_| Self(text.to_owned())).ok_or(NoteError::checkpoint("its first line names no ledger of keywright"))
    }
}

impl Checkpoint {
    /// Of the log with this id whose tree this is.
    pub fn new(ledger: &str, tree: &Tree) -> Self {
        Self { origin: Origin::of_ledger(ledger), size: tree.size(), root: tree.root() }
    }

    /// The text of its note.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root))
    }

    /// What a note's text says. Further lines are passed over, as the specification wants.
    pub fn read(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::checkpoint;
        let mut lines = text.lines();
        let origin = lines.next().ok_or(wrong("it is empty"))?.parse()?;
        let digits = lines.next().ok_or(wrong("its second line is missing"))?;
        let size = digits.parse::<u64>().ok().filter(|size| size.to_string() == digits);
        let size = size.ok_or(wrong("its second line is no number"))?;
        let root = lines.next().and_then(|line| BASE64.decode(line.as_bytes()).ok()?.try_into().ok());
        Ok(Self { origin, size, root: root.ok_or(wrong("its third line is no hash in base64"))? })
    }

    /// The note, signed by the station.
    pub fn signed(&self, key: &StationKey) -> Note {
        let mut note = Note::new(self.text()).expect("the three lines of a checkpoint are the text of a note");
        note.sign(self.origin.as_str(), key);
        note
    }

    /// The key that verifies the station's signatures for this log.
    pub fn station(&self, public: [u8; 32]) -> NoteKey {
        NoteKey::of_station(self.origin.as_str(), public).expect("an origin has neither blanks nor a plus sign")
    }
}

/// Short, for people: `SIZE:ROOT`, the root in base64 as in the note.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.size, BASE64.encode(&self.root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let mut tree = Tree::default();
        tree.push(&[7; 32]);
        Checkpoint::new(&"ab".repeat(32), &tree)
    }

    #[test]
    fn it_is_read_back() {
        let checkpoint = checkpoint();
        let text = checkpoint.text();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(Checkpoint::read(&text), Ok(checkpoint.clone()));
        assert_eq!(Checkpoint::read(&format!("{text}more\n")), Ok(checkpoint));
    }

    #[test]
    fn what_is_none_is_refused() {
        let text = checkpoint().text();
        for wrong in [
            String::new(),
            text.replace("keywright/", ""),
            text.replacen("abab", "ABAB", 1),
            text.replacen("abab", "ab", 1),
            text.replace("\n1\n", "\n01\n"),
            text.replace("\n1\n", "\n+1\n"),
            text.replace("\n1\n", "\n-1\n"),
            text.replace("\n1\n", "\n18446744073709551616\n"),
            text.replace("=\n", "\n"),
            text.lines().take(2).collect::<Vec<_>>().join("\n"),
        ] {
            assert!(Checkpoint::read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
