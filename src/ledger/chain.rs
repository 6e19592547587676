//! The hash chain: each entry's hash covers the entry and the hash before it.
//!
//! `hash = SHA-256( previous hash (32 bytes) || "SEQ\nTIME\nBODY" in UTF-8 )`; the hash before the first entry is 32 zero bytes.
//! Anybody can check that with a few lines of another language. It refuses to guess what a broken log once said.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::personal::{self, Erasures, Texts};
use super::{Event, LedgerError};

/// One event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// When it was written: RFC 3339 in UTC, with milliseconds.
    pub time: String,
    /// The event as JSON text, exactly as hashed.
    pub body: String,
    /// SHA-256, see the module.
    pub hash: [u8; 32],
    /// Texts about people, which the body has tokens of. They stand beside the log and can be erased there.
    pub texts: Texts,
}

/// The end of the chain, to be kept somewhere else: with it, a log that lost its newest events is found out.
/// Written as `SEQ:HASH`, the hash in 64 hexadecimal digits.
/// The default is that of an empty log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The newest entry's number; 0 for an empty log.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Entry {
    /// The entry that follows `previous`, with all texts in it, as version 0.1.0 wrote it.
    pub fn following(previous: &Head, time: String, event: &Event) -> Self {
        Self::with_body(previous, time, json(event), Texts::default())
    }

    /// The entry that follows `previous`, of an event whose texts may be committed.
    pub(super) fn with_body(previous: &Head, time: String, body: String, texts: Texts) -> Self {
        let seq = previous.seq + 1;
        let hash = link(&previous.hash, seq, &time, &body);
        Self { seq, time, body, hash, texts }
    }

    /// The event, with its texts; one that was erased reads `erased-` and the start of its token.
    pub fn event(&self) -> Result<Event, LedgerError> {
        let mut event = serde_json::from_str(&self.body)
            .map_err(|error| LedgerError::broken(self.seq, format!("it is not an event: {error}")))?;
        if personal::is_committed(&self.body) {
            self.texts.resolve(&mut event).map_err(|why| LedgerError::broken(self.seq, why))?;
        }
        Ok(event)
    }

    /// The body as JSON, with the texts that it has tokens of.
    pub fn with_texts(&self) -> Result<serde_json::Value, LedgerError> {
        let broken = |error: serde_json::Error| LedgerError::broken(self.seq, error.to_string());
        match personal::is_committed(&self.body) {
            true => serde_json::to_value(self.event()?).map_err(broken),
            false => serde_json::from_str(&self.body).map_err(broken),
        }
    }

    /// Whether the event, which this holds, has texts about people that can never be erased: version 0.1.0 wrote them into the log.
    pub fn has_plain_texts(&self, event: &Event) -> bool {
        !personal::is_committed(&self.body) && personal::has_texts(event)
    }

    /// The head of a log that ends here.
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}

impl Head {
    /// The head of an empty log.
    pub const EMPTY: Self = Self { seq: 0, hash: [0; 32] };

    /// Moves on to `entry` if it is the one that follows.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        self.expect_next(entry.seq)?;
        if entry.hash != link(&self.hash, entry.seq, &entry.time, &entry.body) {
            return Err(LedgerError::broken(entry.seq, "its hash does not match its text and the event before it"));
        }
        *self = entry.head();
        Ok(())
    }

    /// Whether this is the number of the entry that follows.
    pub(crate) fn expect_next(&self, seq: u64) -> Result<(), LedgerError> {
        match self.seq.checked_add(1) {
            Some(expected) if expected == seq => Ok(()),
            Some(expected) => Err(LedgerError::broken(expected, format!("event {seq} stands in its place"))),
            None => Err(LedgerError::broken(seq, "no log has so many events")),
        }
    }

    /// Holds an entry against this head, which was kept elsewhere.
    pub(crate) fn recognise(&self, found: &Self) -> Result<(), LedgerError> {
        if self.seq == found.seq && self.hash != found.hash {
            return Err(LedgerError::broken(self.seq, "the log was rewritten: its hash is not the one that was kept"));
        }
        Ok(())
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, HEXLOWER.encode(&self.hash))
    }
}

impl FromStr for Head {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (seq, hash) = text.split_once(':')?;
            let hash = HEXLOWER.decode(hash.as_bytes()).ok()?;
            Some(Self { seq: seq.parse().ok()?, hash: hash.try_into().ok()? })
        };
        parse().ok_or_else(|| LedgerError::Head(text.to_owned()))
    }
}

/// JSON as it goes into the ledger.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect(
        "what the ledger has is JSON: every map in it has text for keys, and no type in it refuses to be written",
    )
}

/// RFC 3339 in UTC with milliseconds, always 24 characters.
pub(super) fn timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// The formula of the module.
fn link(previous: &[u8; 32], seq: u64, time: &str, body: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(format!("{seq}\n{time}\n"));
    hash.update(body);
    hash.finalize().into()
}

/// A walk along the chain, entry by entry.
#[derive(Debug)]
pub struct Walk<'a> {
    head: Head,
    known: Option<&'a Head>,
    erasures: Erasures,
}

impl<'a> Walk<'a> {
    /// Before the first entry. With `known`, the entry of that number has to have that hash.
    pub fn start(known: Option<&'a Head>) -> Result<Self, LedgerError> {
        let walk = Self { head: Head::EMPTY, known, erasures: Erasures::default() };
        walk.recognise(&Head::EMPTY)?;
        Ok(walk)
    }

    /// Checks one more link, and that the body is an event, which it returns. Fails with [`LedgerError::Broken`] where the log ends
    /// for whoever goes by it, and then has not moved.
    pub fn step(&mut self, entry: &Entry) -> Result<Event, LedgerError> {
        self.head.clone().follow(entry)?;
        let event = entry.event()?;
        self.take(entry, &event)?;
        Ok(event)
    }

    /// The same for an entry that was found to follow, and the event that it holds ([`super::each_event`]).
    pub fn take(&mut self, entry: &Entry, event: &Event) -> Result<(), LedgerError> {
        self.recognise(&entry.head())?;
        self.erasures.note(entry, event);
        self.head = entry.head();
        Ok(())
    }

    /// The last entry that was in order.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// After the last entry: fails where a text about a person is gone and no event says so, or if the known head was never
    /// reached.
    pub fn end(&self) -> Result<(), LedgerError> {
        self.erasures.check()?;
        match self.known {
            Some(known) if known.seq > self.head.seq => Err(LedgerError::broken(
                self.head.seq + 1,
                format!("it is missing; the log once went on to event {}", known.seq),
            )),
            _ => Ok(()),
        }
    }

    fn recognise(&self, head: &Head) -> Result<(), LedgerError> {
        self.known.map_or(Ok(()), |known| known.recognise(head))
    }
}

/// Checks every link, that every body is an event, and that texts about people are gone only where an event says so. With `known`,
/// the entry of that number has to have that hash. Returns the head. Fails with [`LedgerError::Broken`], which names the first
/// event that is changed, missing, added or out of place.
///
/// A log that lost its newest events is a sound, shorter log: only `known` finds that out.
pub fn verify(entries: &[Entry], known: Option<&Head>) -> Result<Head, LedgerError> {
    let mut walk = Walk::start(known)?;
    for entry in entries {
        walk.step(entry)?;
    }
    walk.end()?;
    Ok(walk.head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-11-23T18:01:36.123Z";

    fn attention(message: &str) -> Event {
        Event::AttentionNeeded { job: None, message: message.to_owned() }
    }

    fn log(length: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for number in 0..length {
            let head = entries.last().map_or(Head::EMPTY, Entry::head);
            entries.push(Entry::following(&head, TIME.to_owned(), &attention(&format!("line {number}\nünïcode"))));
        }
        entries
    }

    /// The number of the event that `verify` blames.
    fn blamed(entries: &[Entry], known: Option<&Head>) -> Option<u64> {
        match verify(entries, known) {
            Ok(_) => None,
            Err(LedgerError::Broken { seq, .. }) => Some(seq),
            Err(other) => panic!("{other}"),
        }
    }

    /// The same with `hash` corrected from `from` on, as somebody would who knows the formula.
    fn rewritten(mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut previous = [0; 32];
        for entry in &mut entries {
            entry.hash = link(&previous, entry.seq, &entry.time, &entry.body);
            previous = entry.hash;
        }
        entries
    }

    #[test]
    fn hashes_are_those_that_python_computes() {
        // hashlib.sha256(before + f"{seq}\n{time}\n{body}".encode()), twice
        let first = Entry::following(&Head::EMPTY, TIME.to_owned(), &attention("one"));
        assert_eq!(first.body, r#"{"event":"attention-needed","job":null,"message":"one"}"#);
        assert_eq!(first.head().to_string(), "1:7efa1977e2a30e92aff9af945c960b78bfdfda13ca9a389cd67f128503d30362");
        let second = Entry::following(&first.head(), TIME.to_owned(), &attention("zwei\nü"));
        assert_eq!(second.head().to_string(), "2:dcfb6fe26d28eeffe66a7bb04a52ebbf25d387fe7d6be7c3f5862aabc7ca051f");
    }

    #[test]
    fn a_sound_log_ends_in_its_head() {
        assert_eq!(verify(&[], None).unwrap(), Head::EMPTY);
        let entries = log(9);
        let head = verify(&entries, None).unwrap();
        assert_eq!(head, entries[8].head());
        for entry in &entries {
            assert_eq!(verify(&entries, Some(&entry.head())).unwrap(), head);
        }
        assert_eq!(verify(&entries, Some(&Head::EMPTY)).unwrap(), head);
    }

    #[test]
    fn every_bit_of_every_event_counts() {
        for at in 0..5 {
            for bit in 0..8 {
                let seq = at as u64 + 1;
                for byte in 0..TIME.len() {
                    let mut entries = log(5);
                    let mut time = TIME.as_bytes().to_vec();
                    time[byte] ^= 1 << bit;
                    entries[at].time = String::from_utf8_lossy(&time).into_owned();
                    assert_eq!(blamed(&entries, None), Some(seq), "bit {bit} of byte {byte} of the time");
                }
                for byte in 0..log(5)[at].body.len() {
                    let mut entries = log(5);
                    let mut body = entries[at].body.as_bytes().to_vec();
                    body[byte] ^= 1 << bit;
                    entries[at].body = String::from_utf8_lossy(&body).into_owned();
                    assert_eq!(blamed(&entries, None), Some(seq), "bit {bit} of byte {byte} of the body");
                }
                for byte in 0..32 {
                    let mut entries = log(5);
                    entries[at].hash[byte] ^= 1 << bit;
                    assert_eq!(blamed(&entries, None), Some(seq), "bit {bit} of byte {byte} of the hash");
                }
                let mut entries = log(5);
                entries[at].seq ^= 1 << bit;
                assert_eq!(blamed(&entries, None), Some(seq), "bit {bit} of the number");
            }
        }
    }

    #[test]
    fn text_cannot_move_between_members() {
        let entries = log(1);
        let (time, body) = (&entries[0].time, &entries[0].body);
        for (seq, time, body) in [
            (1, "", format!("{time}\n{body}")),
            (1, &time[..], format!("\n{body}")),
            (1, &format!("{time}\n{}", &body[..4])[..], body[4..].to_owned()),
        ] {
            let moved = Entry { seq, time: time.to_owned(), body, hash: entries[0].hash, texts: Texts::default() };
            assert_eq!(blamed(&[moved], None), Some(1));
        }
    }

    #[test]
    fn removed_moved_and_added_events_are_named() {
        for at in 0..7_usize {
            let seq = at as u64 + 1;
            let mut removed = log(8);
            removed.remove(at);
            assert_eq!(blamed(&removed, None), Some(seq));

            // Numbered again, so that only the hashes tell.
            let mut closed = removed.clone();
            for (place, entry) in closed.iter_mut().enumerate() {
                entry.seq = place as u64 + 1;
            }
            assert_eq!(blamed(&closed, None), Some(seq));

            let mut swapped = log(8);
            swapped.swap(at, at + 1);
            assert_eq!(blamed(&swapped, None), Some(seq));
            (swapped[at].seq, swapped[at + 1].seq) = (seq, seq + 1);
            assert_eq!(blamed(&swapped, None), Some(seq));

            let mut doubled = log(8);
            doubled.insert(at, doubled[at].clone());
            assert_eq!(blamed(&doubled, None), Some(seq + 1));

            // A stranger that fits where it was put: the next event finds it out.
            let mut added = log(8);
            let before = if at == 0 { Head::EMPTY } else { added[at - 1].head() };
            added.insert(at, Entry::following(&before, TIME.to_owned(), &attention("never happened")));
            assert_eq!(blamed(&added, None), Some(seq + 1));
        }
    }

    #[test]
    fn a_kept_head_finds_a_lost_tail_and_a_log_that_was_written_anew() {
        let entries = log(8);
        let kept = entries[5].head();
        for length in 0..6 {
            assert_eq!(blamed(&entries[..length], None), None);
            assert_eq!(blamed(&entries[..length], Some(&kept)), Some(length as u64 + 1));
        }
        assert_eq!(blamed(&entries[..6], Some(&kept)), None);

        let mut forged = entries.clone();
        forged[2].body = forged[2].body.replace("line", "lime");
        let forged = rewritten(forged);
        assert_eq!(blamed(&forged, None), None);
        assert_eq!(blamed(&forged, Some(&kept)), Some(6));
        assert_eq!(blamed(&entries, Some(&Head { seq: 0, hash: [1; 32] })), Some(0));
    }

    #[test]
    fn a_body_that_is_no_event_is_named() {
        let mut entries = log(3);
        entries[1].body = r#"{"event":"unheard-of"}"#.to_owned();
        assert_eq!(blamed(&rewritten(entries), None), Some(2));
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = log(3)[2].head();
        assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
        let zeros = "0".repeat(64);
        assert_eq!(format!("0:{zeros}").parse::<Head>().unwrap(), Head::EMPTY);
        for wrong in
            ["", "1", "1:", ":00", "1:00", &format!("x:{zeros}"), &format!("1:{zeros}0"), &format!("1 {zeros}")]
        {
            assert!(matches!(wrong.parse::<Head>(), Err(LedgerError::Head(_))), "{wrong}");
        }
    }
}
