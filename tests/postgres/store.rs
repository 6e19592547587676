//! The store behind the same door: what is appended is read back, conflicts are told, a lost connection loses and doubles nothing.

use std::time::Duration;

use keywright::ledger::postgres::{Access, Roles, StationAtServer, copy_into_file, copy_into_server, health, init};
use keywright::ledger::{
    AccountId, Claim, Entry, Event, Head, JobId, LedgerError, PostgresStore, Record, SqliteStore, StationKey, Store,
    chain,
};
use keywright_test_support::postgres::{Cable, Cut, Postgres};
use tempfile::TempDir;

pub(crate) fn access(server: &Postgres, role: &str) -> Access {
    Access { url: server.url(role).parse().unwrap(), password: None, anchors: Vec::new(), certificate: None }
}

/// A server with an empty register.
pub(crate) fn register() -> Option<Postgres> {
    let server = Postgres::start()?;
    let roles = Roles { writers: vec!["office_a".into(), "office_b".into()], readers: vec!["audit".into()] };
    init(access(&server, "owner"), &roles).unwrap();
    Some(server)
}

pub(crate) struct Office {
    _folder: TempDir,
    pub(crate) store: PostgresStore,
}

pub(crate) fn office(server: &Postgres, role: &str) -> Office {
    office_at(access(server, role), role)
}

fn office_at(access: Access, name: &str) -> Office {
    let folder = tempfile::tempdir().unwrap();
    let key = StationKey::read_or_make(&folder.path().join("station.pem")).unwrap();
    let station = StationAtServer { key, name: name.to_owned(), lease: Duration::from_secs(30) };
    let store = PostgresStore::open(access, &folder.path().join("ledger.sqlite3"), station).unwrap();
    Office { _folder: folder, store }
}

pub(crate) fn note(message: &str) -> Event {
    Event::AttentionNeeded { job: None, message: message.into() }
}

pub(crate) fn about(login: &str, message: &str) -> (Event, AccountId) {
    (Event::AttentionNeeded { job: Some(JobId(1)), message: message.into() }, AccountId::new("corp", login))
}

fn append(store: &dyn Store, event: &Event, about: Option<&AccountId>) -> Entry {
    let record = Record { event, about: about.cloned() };
    store.append(&store.head().unwrap(), &[record]).unwrap().pop().unwrap()
}

#[test]
fn what_is_appended_is_read_back_and_copied_to_the_same_head() {
    let Some(server) = register() else { return };
    let (a, b) = (office(&server, "office_a").store, office(&server, "office_b").store);
    let mut written = Vec::new();
    for round in 0..5 {
        let (event, ada) = about("ada@example.org", &format!("note {round} with \u{0} and \u{1f511}"));
        written.push(append(&a, &event, Some(&ada)));
        written.push(append(&b, &note(&format!("round {round}")), None));
    }
    assert_eq!(a.entries(0).unwrap(), written);
    assert_eq!(a.entry(3).unwrap(), written[2]);
    assert!(written.windows(2).all(|pair| pair[0].time <= pair[1].time), "one clock");
    let head = chain::verify(&written, None).unwrap();
    assert_eq!(b.head().unwrap(), head);
    // The names are beside the log, not in it.
    assert_eq!(server.sql("keywright", "SELECT count(*) FROM keywright.events WHERE body LIKE '%note 0%'"), "0");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite3");
    assert_eq!(copy_into_file(&PostgresStore::read(access(&server, "audit")).unwrap(), &file).unwrap(), head);
    let back = SqliteStore::open(&file, Box::new(time::OffsetDateTime::now_utc)).unwrap();
    assert_eq!(back.entries(0).unwrap(), written);
    // And on to another server, where it goes on.
    let again = register().unwrap();
    assert_eq!(copy_into_server(&back, access(&again, "owner")).unwrap(), head);
    let c = office(&again, "office_a").store;
    assert_eq!(c.entries(0).unwrap(), written);
    let (event, ada) = about("ada@example.org", "note 0 with \u{0} and \u{1f511}");
    let entry = append(&c, &event, Some(&ada));
    assert_eq!(entry.body, written[0].body, "the same person, the same token");
    let refused = copy_into_server(&back, access(&again, "owner"));
    assert!(matches!(refused, Err(LedgerError::NotEmpty { .. })), "{refused:?}");
}

#[test]
fn whoever_did_not_read_the_newest_event_writes_nothing() {
    let Some(server) = register() else { return };
    let (a, b) = (office(&server, "office_a").store, office(&server, "office_b").store);
    let first = append(&a, &note("one"), None).head();
    let (event, ada) = about("ada", "two");
    let record = Record { event: &event, about: Some(ada) };
    match b.append(&Head::EMPTY, &[record]) {
        Err(LedgerError::Conflict { expected, found }) => assert_eq!((expected, found), (Head::EMPTY, first)),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        server.sql("keywright", "SELECT count(*) FROM keywright.persons WHERE account <> ''"),
        "0",
        "nobody was made for it"
    );
}

#[test]
fn eight_writers_lose_and_double_nothing() {
    let Some(server) = register() else { return };
    const EACH: usize = 40;
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let store = office(server, if writer % 2 == 0 { "office_a" } else { "office_b" }).store;
                for number in 0..EACH {
                    let (event, account) = about(&format!("person{writer}"), &format!("{writer}-{number}"));
                    loop {
                        let record = Record { event: &event, about: Some(account.clone()) };
                        match store.append(&store.head().unwrap(), &[record]) {
                            Ok(_) => break,
                            Err(LedgerError::Conflict { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
    });
    let entries = PostgresStore::read(access(&server, "audit")).unwrap().entries(0).unwrap();
    chain::verify(&entries, None).unwrap();
    let mut said: Vec<String> = entries
        .iter()
        .map(|entry| match entry.event().unwrap() {
            Event::AttentionNeeded { message, .. } => message,
            other => panic!("{other:?}"),
        })
        .collect();
    said.sort();
    said.dedup();
    assert_eq!((entries.len(), said.len()), (8 * EACH, 8 * EACH));
    assert_eq!(server.sql("keywright", "SELECT count(*) FROM keywright.persons"), "8");
}

#[test]
fn erased_texts_are_gone_and_the_chain_still_verifies() {
    let Some(server) = register() else { return };
    let (a, b) = (office(&server, "office_a").store, office(&server, "office_b").store);
    let (event, ada) = about("ada", "lost her key in Lyon");
    append(&a, &event, Some(&ada));
    let erased = Event::AccountErased {
        account: ada.clone(),
        login: "ada".into(),
        reason: "asked".into(),
        operator: "root".into(),
    };
    append(&b, &erased, Some(&ada));
    b.scrub().unwrap();
    let entries = a.entries(0).unwrap();
    chain::verify(&entries, None).unwrap();
    match entries[0].event().unwrap() {
        Event::AttentionNeeded { message, .. } => assert!(message.starts_with("erased-"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.sql("keywright", "SELECT count(*) FROM keywright.texts"), "0");
    // Who comes back is somebody new.
    append(&a, &event, Some(&ada));
    assert_eq!(server.sql("keywright", "SELECT max(number) FROM keywright.persons"), "2");
}

#[test]
fn a_server_that_is_killed_between_events_is_waited_for() {
    let Some(server) = register() else { return };
    let a = office(&server, "office_a").store;
    let mut head = append(&a, &note("before"), None).head();
    for round in 0..3 {
        server.kill();
        let restarted = std::thread::scope(|scope| {
            let appended = scope.spawn(|| a.append(&head, &[Record::from(&note(&format!("during {round}")))]));
            server.up();
            appended.join().unwrap()
        });
        head = restarted.unwrap().pop().unwrap().head();
    }
    assert_eq!(head.seq, 4);
    chain::verify(&a.entries(0).unwrap(), Some(&head)).unwrap();
}

#[test]
fn a_cable_that_is_cut_at_any_request_loses_and_doubles_nothing() {
    let Some(server) = register() else { return };
    let cable = Cable::to(server.port());
    let url = format!("postgres://office_b@127.0.0.1:{}/keywright", cable.port());
    let store = office_at(Access { url: url.parse().unwrap(), ..access(&server, "office_b") }, "office_b").store;
    let mut head = Head::EMPTY;
    let mut cuts = 0;
    // An append asks for the time and the people first, and then writes.
    for request in 0..2 {
        for cut in [Cut::Before, Cut::After] {
            cable.cut(request, cut);
            let (event, ada) = about("ada", &format!("{request} {cut:?}"));
            head = store.append(&head, &[Record { event: &event, about: Some(ada) }]).unwrap().pop().unwrap().head();
            cuts += 1;
            assert_eq!((cable.cuts(), head.seq), (cuts, cuts as u64), "{request} {cut:?}");
        }
    }
    chain::verify(&PostgresStore::read(access(&server, "audit")).unwrap().entries(0).unwrap(), Some(&head)).unwrap();
}

#[test]
fn a_replica_is_read_and_not_written() {
    let Some(server) = register() else { return };
    let store = office(&server, "office_a").store;
    let head = append(&store, &note("one"), None).head();
    let replica = server.replica();
    assert_eq!(PostgresStore::read(access(&replica, "audit")).unwrap().head().unwrap(), head);
    assert!(health(access(&replica, "office_a")).unwrap().is_replica);
    let folder = tempfile::tempdir().unwrap();
    let key = StationKey::read_or_make(&folder.path().join("station.pem")).unwrap();
    let station = StationAtServer { key, name: "a".to_owned(), lease: Duration::from_secs(30) };
    let refused =
        PostgresStore::open(access(&replica, "office_a"), &folder.path().join("ledger.sqlite3"), station).err();
    assert!(matches!(refused, Some(LedgerError::Replica { .. })), "{refused:?}");
}

#[test]
fn a_pooler_that_hands_each_statement_to_another_connection_changes_nothing() {
    let Some(server) = register() else { return };
    let Some(pooler) = server.pooler() else { return };
    let through = |role: &str| {
        let url = format!("postgres://{role}@127.0.0.1:{}/keywright", pooler.port());
        office_at(Access { url: url.parse().unwrap(), ..access(&server, role) }, role).store
    };
    let (a, b) = (through("office_a"), through("office_b"));
    for round in 0..20 {
        let (event, ada) = about("ada", &format!("round {round}"));
        append(if round % 2 == 0 { &a } else { &b }, &event, Some(&ada));
        assert_eq!(a.claim(&ada).unwrap(), Claim::Ours);
        a.release(&ada).unwrap();
    }
    let head = chain::verify(&a.entries(0).unwrap(), None).unwrap();
    assert_eq!((head.seq, b.head().unwrap()), (20, head));
}

#[test]
fn a_column_of_another_type_is_told_and_panics_nowhere() {
    let Some(server) = register() else { return };
    let store = office(&server, "office_a").store;
    let (event, ada) = about("ada", "lost her key");
    append(&store, &event, Some(&ada));
    for (table, column, now, then) in [
        ("events", "time", "json USING to_json(time)", "text USING time #>> '{}'"),
        ("events", "body", "bytea USING convert_to(body, 'UTF8')", "text USING convert_from(body, 'UTF8')"),
        ("events", "hash", "text USING encode(hash, 'hex')", "bytea USING decode(hash, 'hex')"),
        ("persons", "salt", "text USING encode(salt, 'hex')", "bytea USING decode(salt, 'hex')"),
        ("texts", "text", "text USING encode(text, 'hex')", "bytea USING decode(text, 'hex')"),
    ] {
        let alter = |to: &str| {
            server.sql("keywright", &format!("ALTER TABLE keywright.{table} ALTER COLUMN {column} TYPE {to}"));
        };
        let changed = |error: Option<LedgerError>| match error {
            Some(LedgerError::Column { name, .. }) => assert_eq!(name, column),
            other => panic!("{table}.{column}: {other:?}"),
        };
        alter(now);
        changed(store.entries(0).err());
        changed(store.entry(1).err());
        if table == "events" {
            changed(store.head().err());
            changed(health(access(&server, "audit")).err());
        } else {
            changed(store.persons(&mut |_| Ok(())).err());
            let file = tempfile::tempdir().unwrap();
            let reader = PostgresStore::read(access(&server, "audit")).unwrap();
            changed(copy_into_file(&reader, &file.path().join("copy.sqlite3")).err());
        }
        alter(then);
        assert_eq!(store.entries(0).unwrap().len(), 1, "{table}.{column} is as it was");
    }
    // Nothing where something has to be.
    server.sql("keywright", "ALTER TABLE keywright.events ALTER COLUMN body DROP NOT NULL");
    server.sql("keywright", "ALTER TABLE keywright.events DISABLE TRIGGER events_are_not_changed");
    server.sql("keywright", "UPDATE keywright.events SET body = NULL");
    let empty = store.entries(0);
    assert!(matches!(&empty, Err(LedgerError::Column { name, .. }) if name == "body"), "{empty:?}");
}

#[test]
fn what_a_station_works_on_no_other_writes_about_until_its_lease_ends() {
    let Some(server) = register() else { return };
    let (a, b) = (office(&server, "office_a").store, office(&server, "office_b").store);
    let (event, ada) = about("ada", "work");
    assert_eq!(a.claim(&ada).unwrap(), Claim::Ours);
    assert_eq!(a.claim(&ada).unwrap(), Claim::Ours);
    assert!(matches!(b.claim(&ada).unwrap(), Claim::Theirs { name, .. } if name == "office_a"));
    let record = || Record { event: &event, about: Some(ada.clone()) };
    let refused = b.append(&Head::EMPTY, &[record()]);
    assert!(matches!(&refused, Err(LedgerError::Claimed { name, .. }) if name == "office_a"), "{refused:?}");
    let head = a.append(&Head::EMPTY, &[record()]).unwrap().pop().unwrap().head();
    // Somebody else's work goes on.
    let (others, bob) = about("bob", "work");
    assert_eq!(b.claim(&bob).unwrap(), Claim::Ours);
    let head = b.append(&head, &[Record { event: &others, about: Some(bob) }]).unwrap().pop().unwrap().head();
    // Its lease ends, as by an hour in which nobody heard of it.
    server.sql("keywright", "UPDATE keywright.claims SET until = now() - interval '1 second'");
    assert_eq!(b.claim(&ada).unwrap(), Claim::Ours);
    let late = a.append(&head, &[record()]);
    assert!(matches!(&late, Err(LedgerError::Claimed { name, .. }) if name == "office_b"), "{late:?}");
    b.release(&ada).unwrap();
    a.append(&head, &[record()]).unwrap();
    drop(b);
    assert_eq!(server.sql("keywright", "SELECT count(*) FROM keywright.claims WHERE name = 'office_b'"), "0");
}
