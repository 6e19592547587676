//! An account whose names were erased is one account as before, in logs of every version.

use super::Register;
use crate::ledger::Event;
use crate::ledger::personal::Token;
use crate::ledger::personal::scratch::LedgerFile;
use crate::ledger::sample::{account, every_kind, log, planned};

fn read(ledger: &LedgerFile) -> Register {
    ledger.verified().unwrap();
    Register::read(&ledger.entries()).unwrap()
}

fn left(login: &str, reason: &str) -> Event {
    Event::AccountLeft { account: account(login), reason: reason.to_owned(), operator: "root".into() }
}

#[test]
fn one_person_stays_one_and_two_stay_two() {
    let ledger = LedgerFile::new();
    let logins = ["ada", "bo"];
    for login in logins {
        ledger.append(&account(login), &[planned(login, 1), left(login, "the same words")]);
    }
    for login in logins {
        ledger.erase(&account(login));
        assert_eq!(read(&ledger).accounts.len(), 2);
    }
    let register = read(&ledger);
    assert!(register.accounts.values().all(|one| one.erased.is_some() && Token::is_erased(&one.login)));
    let first = register.accounts.keys().next().unwrap().clone();
    assert!(Token::is_erased(&first.login));
    // What is written about it afterwards is about the same account, and can be erased like the rest.
    let (name, operator) = (Some("MARKER".to_owned()), "root".into());
    let edited = Event::AccountEdited { account: first.clone(), name, ticket: None, storage: None, operator };
    ledger.append(&first, &[edited]);
    assert_eq!(read(&ledger).accounts[&first].person.name.as_deref(), Some("MARKER"));
    ledger.erase(&first);
    assert!(!ledger.bytes_have("MARKER"));
    let again = read(&ledger);
    assert_eq!((again.accounts.len(), &again.accounts[&first].login), (2, &first.login));
}

#[test]
fn a_person_who_comes_back_is_another_account() {
    let ledger = LedgerFile::new();
    let ada = account("ada");
    ledger.append(&ada, &[planned("ada", 1), left("ada", "left")]);
    ledger.erase(&ada);
    ledger.append(&ada, &[planned("ada", 1)]);
    let register = read(&ledger);
    assert_eq!((register.accounts.len(), register.accounts[&ada].login.as_str()), (2, "ada"));
}

#[test]
fn accounts_of_an_old_ledger_stay_themselves() {
    let events = every_kind();
    let ledger = LedgerFile::old(&events);
    let before = std::fs::read(&ledger.path).unwrap();
    assert_eq!(ledger.verified().unwrap().seq, events.len() as u64);
    assert_eq!(std::fs::read(&ledger.path).unwrap(), before, "reading writes nothing");

    ledger.append(&account("ada"), &[left("ada", "MARKER")]);
    ledger.append(&account("bo"), &[planned("bo", 1)]);
    let entries = ledger.entries();
    assert_eq!(entries[..events.len()], log(&events)[..]);
    assert!(!entries[events.len()].body.contains("MARKER") && !entries[events.len() + 1].body.contains("\"bo\""));

    for _ in 0..2 {
        ledger.erase(&account("ada"));
        assert!(!ledger.bytes_have("MARKER"));
        let register = read(&ledger);
        let erased = &register.accounts[&account("ada")];
        assert!(Token::is_erased(&erased.login) && erased.former_logins.is_empty(), "{erased:?}");
        assert!(Token::is_erased(erased.person.display_name()));
        // And it can be written about and erased again.
        ledger.append(&account("ada"), &[left("ada", "MARKER")]);
    }
}
