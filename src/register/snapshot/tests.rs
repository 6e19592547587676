//! A register from a snapshot is the register from the log, wherever the snapshot was made.

use super::*;
use crate::ledger::sample::*;
use crate::ledger::{Entry, Event, JobId, Record, SqliteStore, StationKey, Step};

/// Everything that a register says, to be compared. What is missing here is an index that is made of the rest.
#[track_caller]
fn assert_equal(one: &Register, other: &Register) {
    let Register {
        accounts,
        jobs,
        credentials,
        keys,
        rollout,
        attention,
        batch,
        operator,
        id,
        head,
        tree,
        last_erasure,
        shared: _,
        by_serial,
        by_user: _,
    } = one;
    assert_eq!((accounts, jobs), (&other.accounts, &other.jobs));
    assert_eq!((credentials, keys, by_serial), (&other.credentials, &other.keys, &other.by_serial));
    assert_eq!(rollout, &other.rollout);
    assert_eq!((attention, batch, operator), (&other.attention, &other.batch, &other.operator));
    assert_eq!((id, head, tree, last_erasure), (&other.id, &other.head, &other.tree, &other.last_erasure));
}

/// A long log of people who come, get keys, lose and return them, and leave; the same for one seed.
fn long_log(mut seed: u64) -> Vec<Entry> {
    // xorshift64: only the order of things depends on it.
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut events = every_kind();
    let first = 1 + events.iter().filter(|event| matches!(event, Event::JobPlanned { .. })).count() as u64;
    for (person, job) in (first..first + 40).enumerate() {
        let login = format!("person-{}", person as u64 / 2 + random(3));
        events.push(planned(&login, 2));
        events.push(found(&login));
        events.push(job_planned(job, &login, 1));
        let until = random(13) as usize;
        events.extend(steps(job, Step::ALL.into_iter().take(until)));
        let step = Step::ALL.get(until).copied();
        match (step, random(4)) {
            (Some(step), 0) => events.extend([started(job, step), failed(job, step)]),
            (Some(step), 1) => events.push(back(job, Step::ALL[random(step as u64 + 1) as usize])),
            (Some(_), 2) => {
                events.push(Event::JobGivenUp { job: JobId(job), reason: "lost".to_owned(), operator: None })
            }
            _ => events.push(Event::AttentionNeeded { job: Some(JobId(job)), message: "Look.".to_owned() }),
        }
        let (account, credential_id) = (account(&login), credential_id(job));
        if until > Step::Make as usize {
            let reason = "lost".to_owned();
            events.push(match random(4) {
                0 => {
                    Event::KeyDrilled { account, credential_id, proved: random(2) == 0, observed: None, operator: None }
                }
                1 => Event::CredentialRevoked { account, credential_id, reason, operator: None },
                2 => Event::RevocationRequested { account, credential_id, reason, operator: None },
                _ => Event::KeyReturned { credential_id, operator: "root".into() },
            });
        }
    }
    log(&events)
}

#[test]
fn a_register_from_a_snapshot_is_the_register_from_the_log_at_every_event() {
    for seed in [1, 20_261_130, 0xdead_beef] {
        let entries = long_log(seed);
        let mut register = Register::default();
        for entry in &entries {
            register.apply(entry, &entry.event().unwrap()).unwrap();
            let mut again = Register::from_snapshot(&register.to_snapshot().unwrap()).unwrap();
            assert_equal(&again, &register);
            // And it goes on as the register does: ten events later they are the same still.
            let mut later = register.clone();
            let from = usize::try_from(entry.seq).unwrap();
            for next in entries.iter().skip(from).take(10) {
                let event = next.event().unwrap();
                later.apply(next, &event).unwrap();
                again.apply(next, &event).unwrap();
            }
            assert_equal(&again, &later);
        }
        assert!(entries.len() > 500 && register.accounts.len() > 10, "{} events", entries.len());
    }
}

/// The format's number, and the members of the register and of what is in it, a line each. `SNAPSHOTS=overwrite` writes it anew.
const MEMBERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/register/snapshot/members.txt");

#[test]
fn the_format_has_a_number_for_each_set_of_members() {
    let mut register = Register::default();
    for entry in log(&every_kind()) {
        register.apply(&entry, &entry.event().unwrap()).unwrap();
    }
    register.shared = Default::default();
    let text = format!("{register:#?}");
    let named = text.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let members: std::collections::BTreeSet<_> = named.filter(is_name).collect();
    let members = format!("{FORMAT}\n{}\n", members.into_iter().collect::<Vec<_>>().join("\n"));
    if std::env::var_os("SNAPSHOTS").is_some_and(|how| how == "overwrite") {
        std::fs::write(MEMBERS, &members).unwrap();
    }
    let known = std::fs::read_to_string(MEMBERS).unwrap();
    assert_eq!(members, known, "what the register keeps has changed: raise FORMAT, and put it into {MEMBERS}");
}

#[test]
fn another_format_is_not_read() {
    let read = Register::read(&log(&every_kind())).unwrap();
    for register in [Register::default(), read] {
        let whole = register.to_snapshot().unwrap();
        assert_equal(&Register::from_snapshot(&whole).unwrap(), &register);
        for cut in 0..whole.len() {
            assert!(Register::from_snapshot(&whole.slice(..cut)).is_err(), "cut at {cut}");
        }
        let longer: Bytes = [&whole[..], b"0"].concat().into();
        assert!(Register::from_snapshot(&longer).is_err());
        // The format, and the version whose format it is.
        for place in 0..=1 + VERSION.len() {
            let mut other = whole.to_vec();
            other[place] ^= 1;
            assert!(Register::from_snapshot(&other.into()).is_err(), "another byte {place}");
        }
    }
}

#[test]
fn what_is_let_go_is_there_again_and_a_change_stays() {
    let register = Register::read(&log(&every_kind())).unwrap();
    let mut again = Register::from_snapshot(&register.to_snapshot().unwrap()).unwrap();
    let id = again.accounts.keys().next().unwrap().clone();
    again.accounts.get_mut(&id).unwrap().completed ^= true;
    let changed = again.clone();
    again.let_go();
    assert_equal(&again, &changed);
    again.accounts.get_mut(&id).unwrap().completed ^= true;
    again.let_go();
    drop(changed);
    again.let_go();
    assert_equal(&again, &register);
}

fn records(events: &[Event]) -> Vec<Record<'_>> {
    events.iter().map(Record::from).collect()
}

/// A ledger that keeps a snapshot.
fn keeping(folder: &std::path::Path) -> SqliteStore {
    let key = StationKey::read_or_make(&folder.join("station.pem")).unwrap();
    SqliteStore::open(&folder.join("ledger.sqlite3"), clock()).unwrap().keeping(key)
}

#[test]
fn the_log_is_read_from_the_snapshot_on_and_a_wrong_one_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = keeping(folder.path());
    let attention = |number: u64| Event::AttentionNeeded { job: None, message: number.to_string() };
    let many: Vec<Event> = (0..WORTH_KEEPING).map(attention).collect();
    let append = |events: &[Event]| drop(store.append(&store.head().unwrap(), &records(events)).unwrap());
    append(&many[1..]);
    Register::of(&store).unwrap();
    assert_eq!(store.kept(), Ok(None), "so few events are read at once");
    append(&many[..1]);
    Register::of(&store).unwrap();
    let kept = store.kept().unwrap().unwrap();
    assert_eq!(kept.head, store.head().unwrap());
    append(&many[..1]);
    let read = Register::of(&store).unwrap();
    assert_eq!((read.attention.len() as u64, read.head.seq), (WORTH_KEEPING + 1, WORTH_KEEPING + 1));
    assert_eq!(store.kept().unwrap().unwrap(), kept, "one event more is no reason for another");

    // It is used: what it says is what is read, right or wrong.
    let mut wrong = read.clone();
    wrong.attention.clear();
    store.keep(&wrong.head, &wrong.to_snapshot().unwrap()).unwrap();
    assert!(Register::of(&store).unwrap().attention.is_empty());
    // One whose content is of another head, another format, or none at all is not.
    let before = Register::default().to_snapshot().unwrap();
    for useless in [&before[..], b"", b"\xff\xff\xff\xff\xff\xff\xff"] {
        store.keep(&read.head, useless).unwrap();
        let again = Register::of(&store).unwrap();
        assert_equal(&again, &read);
        assert_eq!(
            store.kept().unwrap().unwrap().content(),
            read.to_snapshot().unwrap(),
            "and a good one takes its place"
        );
    }
}

#[test]
fn an_account_that_was_erased_is_in_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let store = keeping(folder.path());
    let ada = account("ada");
    let attention = |number: u64| Event::AttentionNeeded { job: None, message: number.to_string() };
    let mut events = vec![planned("ada", 1)];
    events.extend((0..WORTH_KEEPING).map(attention));
    store.append(&store.head().unwrap(), &records(&events)).unwrap();
    let register = Register::of(&store).unwrap();
    let stale = register.to_snapshot().unwrap();
    assert!(stale.windows(8).any(|window| window == b"Lovelace"));

    let (reason, operator) = ("left".to_owned(), "root".into());
    let left = Event::AccountLeft { account: ada.clone(), reason: reason.clone(), operator };
    store.append(&store.head().unwrap(), &records(&[left])).unwrap();
    let (login, operator) = (ada.login.clone(), "root".into());
    let erased = Event::AccountErased { account: ada, login, reason, operator };
    store.append(&store.head().unwrap(), &records(&[erased])).unwrap();
    assert_eq!(store.kept(), Ok(None));
    // Another program had read the log before, and kept what it had read after.
    store.keep(&register.head, &stale).unwrap();
    let mut from_nothing = Register::default();
    from_nothing.catch_up(&store).unwrap();
    assert_equal(&Register::of(&store).unwrap(), &from_nothing);
    let kept = store.kept().unwrap().unwrap();
    assert!(!kept.content().windows(8).any(|window| window == b"Lovelace"), "a new one took its place");
}
