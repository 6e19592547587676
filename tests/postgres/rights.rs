//! Who may do what: the database's roles and triggers hold it, not keywright.

use keywright::ledger::postgres::{Roles, health, init};
use keywright::ledger::{LedgerError, PostgresStore, Record, Store};
use keywright_test_support::postgres::Postgres;

use crate::store::{access, note, office, register};

#[track_caller]
fn refused(server: &Postgres, role: &str, sql: &str, words: &str) {
    let ended = server.try_sql(role, "keywright", sql);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains(words), "{role}: {sql}: {said}");
}

#[test]
fn stations_append_and_change_nothing_and_the_owner_is_stopped_by_triggers() {
    let Some(server) = register() else { return };
    let store = office(&server, "office_a").store;
    store.append(&store.head().unwrap(), &[Record::from(&note("one"))]).unwrap();
    let insert = "INSERT INTO keywright.events VALUES (2, 't', 'b', 'h', 'w')";
    let changes =
        ["UPDATE keywright.events SET body = 'x'", "DELETE FROM keywright.events", "TRUNCATE keywright.events"];
    for role in ["office_a", "audit"] {
        for sql in changes.into_iter().chain([
            insert,
            "UPDATE keywright.persons SET account = 'x'",
            "DELETE FROM keywright.texts",
        ]) {
            refused(&server, role, sql, "permission denied");
        }
    }
    for sql in changes {
        refused(&server, "owner", sql, "never changed or removed");
    }
    refused(&server, "owner", insert, "does not follow from the one before it");
    refused(&server, "owner", "INSERT INTO keywright.events VALUES (3, 't', 'b', 'h', 'w')", "follows the newest one");
    refused(&server, "audit", "SELECT keywright.renew('x', 1)", "permission denied");
    refused(&server, "stranger", "SELECT * FROM keywright.events", "permission denied");
    for role in ["office_a", "audit"] {
        refused(&server, role, "SELECT * FROM keywright.sealed_pins", "permission denied");
    }
    refused(&server, "audit", "SELECT keywright.find_pin('job-1-1', '')", "permission denied");
}

#[test]
fn what_is_not_allowed_or_not_there_is_told() {
    let Some(server) = Postgres::start() else { return };
    let missing = PostgresStore::read(access(&server, "office_a")).err();
    assert!(matches!(missing, Some(LedgerError::Missing { .. })), "{missing:?}");
    let roles = Roles { writers: vec!["owner".into()], readers: Vec::new() };
    let own = init(access(&server, "owner"), &roles);
    assert!(matches!(own, Err(LedgerError::NoRight { .. })), "{own:?}");
    init(access(&server, "owner"), &Roles { writers: vec!["office_a".into()], readers: Vec::new() }).unwrap();
    let stranger = PostgresStore::read(access(&server, "stranger")).err();
    assert!(matches!(stranger, Some(LedgerError::NoRight { .. })), "{stranger:?}");
    let nobody = PostgresStore::read(access(&server, "nobody_at_all")).err();
    assert!(matches!(nobody, Some(LedgerError::NoRight { .. })), "{nobody:?}");
    // Another station comes later.
    init(access(&server, "owner"), &Roles { writers: vec!["office_b".into()], readers: vec!["audit".into()] }).unwrap();
    let healthy = health(access(&server, "office_b")).unwrap();
    assert!(healthy.appends && !healthy.could_change && !healthy.is_replica, "{healthy:?}");
    assert!(healthy.clock_ahead.abs() < 5, "{healthy:?}");
    let reader = health(access(&server, "audit")).unwrap();
    assert!(!reader.appends && !reader.could_change, "{reader:?}");
    assert!(health(access(&server, "owner")).unwrap().could_change);
    server.sql("keywright", "UPDATE keywright.format SET version = 99");
    let newer = PostgresStore::read(access(&server, "audit")).err();
    assert!(matches!(newer, Some(LedgerError::Newer { found: 99, .. })), "{newer:?}");
}
