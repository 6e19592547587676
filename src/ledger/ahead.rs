//! A log's events, read, held against the chain and parsed ahead of whoever makes sense of them, on all cores.
//!
//! It refuses to show an event before its hash, and that of every event before it, was found to follow. Each is held against the hash
//! of the one before it as that stands there, so that many are at once; they are shown in order, and the first that does not
//! follow is the last that is looked at.

use std::sync::mpsc::sync_channel;

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::{Entry, Event, Head, LedgerError, Store};

/// How many entries go from one thread to the other at once, and how many such pages are between two threads at the most.
const PAGE: usize = 512;
const PAGES: usize = 2;

/// Entries, each with what it holds; where one does not follow, why.
type Parsed = Vec<(Entry, Result<Event, LedgerError>)>;

/// Shows the entries after a head that is trusted, with their events, as [`Store::each`] does. Fails with
/// [`LedgerError::Broken`] where the chain is broken, where an entry is no event, and if the log has another entry at that head.
pub fn each_event(
    store: &dyn Store,
    after: &Head,
    visit: &mut dyn FnMut(Entry, Event) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let (sender, pages) = sync_channel::<Vec<Entry>>(PAGES);
    let (parsed_sender, parsed) = sync_channel::<Parsed>(PAGES);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let (mut page, mut trusted) = (Vec::with_capacity(PAGE), after.seq == 0);
            let read = store.rows(after.seq.saturating_sub(1), &mut |entry| {
                if !std::mem::replace(&mut trusted, true) {
                    // The chain goes on from the very entry that is trusted.
                    return after.recognise(&entry.head());
                }
                page.push(entry);
                // Nobody listens any more where an event did not fit: that is told there.
                let is_heard = page.len() < PAGE || sender.send(std::mem::take(&mut page)).is_ok();
                if is_heard { Ok(()) } else { Err(LedgerError::Database("the reader has gone".to_owned())) }
            });
            // What stands before the fault comes first: one of them may not follow.
            drop(sender.send(page));
            if read.is_ok() && !trusted { Err(LedgerError::missing(after)) } else { read }
        });
        scope.spawn(move || {
            let mut last = after.clone();
            for page in pages {
                let Some(head) = page.last().map(Entry::head) else { continue };
                if parsed_sender.send(parse(&std::mem::replace(&mut last, head), page)).is_err() {
                    break;
                }
            }
        });
        for (entry, event) in parsed.into_iter().flatten() {
            visit(entry, event?)?;
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The events of entries that follow `before`.
fn parse(before: &Head, page: Vec<Entry>) -> Parsed {
    let event = |(place, entry): (usize, &Entry)| {
        let mut head = place.checked_sub(1).map_or_else(|| before.clone(), |one| page[one].head());
        head.follow(entry)?;
        entry.event()
    };
    let events: Vec<_> = page.par_iter().enumerate().map(event).collect();
    page.into_iter().zip(events).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::{InMemory, every_kind, log};

    /// More than a page, so that one page follows another.
    fn long() -> Vec<Entry> {
        let events: Vec<Event> = std::iter::repeat_with(every_kind).take(20).flatten().collect();
        let entries = log(&events);
        assert!(entries.len() > 2 * PAGE);
        entries
    }

    /// The numbers of the events that are shown, and how it ends.
    fn shown(entries: &[Entry], after: &Head) -> (Vec<u64>, Result<(), LedgerError>) {
        let mut numbers = Vec::new();
        let end = each_event(&InMemory(entries.to_vec()), after, &mut |entry, event| {
            assert_eq!(entry.event().as_ref(), Ok(&event));
            numbers.push(entry.seq);
            Ok(())
        });
        (numbers, end)
    }

    #[test]
    fn every_event_after_a_head_is_shown_once_and_in_order() {
        let entries = long();
        let length = entries.len() as u64;
        assert_eq!(shown(&entries, &Head::EMPTY), ((1..=length).collect(), Ok(())));
        for place in [0, 1, PAGE - 1, PAGE, entries.len() - 1] {
            let head = entries[place].head();
            assert_eq!(shown(&entries, &head), ((head.seq + 1..=length).collect(), Ok(())));
        }
        assert_eq!(shown(&[], &Head::EMPTY), (Vec::new(), Ok(())));
    }

    #[test]
    fn nothing_is_shown_from_the_first_on_that_does_not_follow() {
        let entries = long();
        for place in [0, 1, PAGE - 1, PAGE, PAGE + 1, entries.len() - 1] {
            let seq = place as u64 + 1;
            let mut changed = entries.clone();
            changed[place].body = changed[place].body.replace(":", ": ");
            let (numbers, end) = shown(&changed, &Head::EMPTY);
            assert!(numbers.into_iter().eq(1..seq), "{seq}");
            assert!(matches!(end, Err(LedgerError::Broken { seq: blamed, .. }) if blamed == seq), "{seq}: {end:?}");
            // Its hash made to fit again: the next one does not follow, or it is not the one that is trusted.
            let before = if place == 0 { Head::EMPTY } else { entries[place - 1].head() };
            changed[place] = Entry::following(&before, "another time".to_owned(), &entries[place].event().unwrap());
            let (numbers, end) = shown(&changed, &Head::EMPTY);
            assert!(numbers.into_iter().eq(1..=seq), "{seq}");
            assert_eq!(end.is_ok(), place == entries.len() - 1, "{seq}: {end:?}");
            assert!(shown(&changed, &entries[place].head()).1.is_err(), "{seq}");
        }
        let mut head = entries[0].head();
        head.seq = entries.len() as u64 + 1;
        assert!(shown(&entries, &head).1.is_err(), "a head that the log does not reach");
    }

    #[test]
    fn who_has_seen_enough_ends_it() {
        let entries = long();
        let mut seen = 0;
        let end = each_event(&InMemory(entries), &Head::EMPTY, &mut |entry, _| {
            seen += 1;
            if entry.seq == 3 { Err(LedgerError::broken(3, "enough")) } else { Ok(()) }
        });
        assert_eq!((seen, end), (3, Err(LedgerError::broken(3, "enough"))));
    }
}
