//! Racks as buses and as folders.

use std::path::Path;

use super::super::{SoftKeyError, Touch};
use super::*;
use keywright_fido::ctap::TransportError;
use keywright_fido::hid::{Bus, Cancel, Limits};

fn open(rack: &Rack, index: usize) -> Client {
    let device = rack.devices().unwrap().remove(index);
    Client::new(rack.pipe(&device).unwrap())
}

fn slots_left(client: &mut Client) -> i64 {
    client.get_info().get(0x14).unwrap().as_integer().unwrap()
}

#[test]
fn a_rack_lists_its_keys_like_a_bus() {
    let rack = rack(3);
    let devices = rack.devices().unwrap();
    let paths: Vec<&str> = devices.iter().map(|device| device.path.as_str()).collect();
    assert_eq!(paths, ["soft:1", "soft:2", "soft:3"]);
    let device = &devices[1];
    assert_eq!((device.port.as_str(), device.attach, &device.serial), ("soft-2", 1, &None));
    assert_eq!((device.manufacturer.as_str(), device.product.as_str()), ("keywright", "soft key"));
    rack.key(1).pull();
    assert_eq!(rack.devices().unwrap().len(), 2);
    assert!(matches!(rack.pipe(device), Err(TransportError::Removed)));
}

#[test]
fn a_key_is_not_opened_in_the_place_of_the_one_that_was_listed() {
    let rack = rack(1);
    let listed = rack.devices().unwrap().remove(0);
    rack.key(0).power_cycle();
    assert!(matches!(rack.pipe(&listed), Err(TransportError::Removed)));
}

#[test]
fn replug_is_at_once_and_gives_the_new_insertion() {
    let rack = rack(1);
    let listed = rack.devices().unwrap().remove(0);
    let mut pipe = rack.pipe(&listed).unwrap();
    let now = rack.replug(&listed, Duration::ZERO, &Cancel::default()).unwrap();
    assert_eq!((&now.port, now.attach), (&listed.port, listed.attach + 1));
    assert_eq!(pipe.read(PATIENCE), Err(PipeError::Removed));
    rack.key(0).pull();
    assert_eq!(rack.replug(&now, Duration::ZERO, &Cancel::default()).unwrap().attach, now.attach + 1);
    let cancel = Cancel::default();
    cancel.cancel();
    assert_eq!(rack.replug(&now, Duration::ZERO, &cancel), Err(TransportError::Cancelled));
}

#[test]
fn a_folder_keeps_its_keys_and_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let first = Rack::create(folder.path(), 2).unwrap();
    assert_eq!(open(&first, 1).make(true).0, 0);
    let anchor = first.anchor_pem().to_owned();
    drop(first);

    let again = Rack::open(folder.path()).unwrap();
    assert_eq!(again.anchor_pem(), anchor);
    assert_eq!((slots_left(&mut open(&again, 0)), slots_left(&mut open(&again, 1))), (150, 149));
    drop(again);

    let grown = Rack::create(folder.path(), 3).unwrap();
    assert_eq!((grown.keys().len(), grown.anchor_pem()), (3, anchor.as_str()));
    assert_eq!(slots_left(&mut open(&grown, 1)), 149, "what is there is left alone");
    assert_eq!(Rack::create(folder.path(), 1).unwrap().keys().len(), 3, "no key is ever removed");
}

#[cfg(unix)]
#[test]
fn what_a_folder_holds_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let rack = Rack::create(folder.path(), 1).unwrap();
    open(&rack, 0).make(true);
    for name in ["soft-01.key", "attestation-ca-key.pem"] {
        let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn every_change_is_in_the_file_before_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let rack = Rack::create(folder.path(), 1).unwrap();
    let file = folder.path().join("soft-01.key");
    let mut one = open(&rack, 0);
    one.make(true);
    // As after SIGKILL: what the file says now is all there is.
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(&file, copy.path().join("soft-01.key")).unwrap();
    std::fs::copy(folder.path().join("attestation-ca.pem"), copy.path().join("attestation-ca.pem")).unwrap();
    assert_eq!(slots_left(&mut open(&Rack::open(copy.path()).unwrap(), 0)), 149);
}

#[test]
fn one_key_is_open_in_one_place_only() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Rack::create(folder.path(), 2).unwrap();
    let theirs = Rack::open(folder.path()).unwrap();
    let held = open(&ours, 0);
    let devices = theirs.devices().unwrap();
    let Err(TransportError::Held { path, holder }) = theirs.open(&devices[0], Limits::default(), Cancel::default())
    else {
        panic!("opened twice")
    };
    assert!(path.ends_with("soft-01.key") && holder.contains("process"), "{path} {holder}");
    theirs.open(&devices[1], Limits::default(), Cancel::default()).map(drop).unwrap();
    drop(held);
    theirs.open(&devices[0], Limits::default(), Cancel::default()).map(drop).unwrap();
}

#[test]
fn a_key_stays_held_while_it_works_for_a_client_that_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Rack::create(folder.path(), 1).unwrap();
    ours.set_touch(Touch::Never);
    let mut gone = open(&ours, 0);
    gone.start(0x01, Some(make_credential(true, [])));
    drop(gone);
    while !ours.key(0).is_waiting() {
        std::thread::yield_now();
    }
    let theirs = Rack::open(folder.path()).unwrap();
    assert!(matches!(theirs.key(0).open(), Err(SoftKeyError::Held { .. })));
    ours.key(0).pull();
    theirs.key(0).open().map(drop).unwrap();
}

#[test]
fn a_rack_that_is_dropped_in_the_middle_leaves_its_keys_free() {
    let folder = tempfile::tempdir().unwrap();
    let rack = Rack::create(folder.path(), 1).unwrap();
    rack.set_touch(Touch::Never);
    let mut waiting = open(&rack, 0);
    waiting.start(0x01, Some(make_credential(true, [])));
    while !rack.key(0).is_waiting() {
        std::thread::yield_now();
    }
    drop((rack, waiting));
    assert_eq!(slots_left(&mut open(&Rack::open(folder.path()).unwrap(), 0)), 150);
}

#[test]
fn many_threads_can_open_and_close_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let rack = Rack::create(folder.path(), 1).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| drop(rack.key(0).open().unwrap())));
        }
    });
    assert_eq!(rack.key(0).device().unwrap().attach, 1);
}

#[test]
fn a_change_that_was_cut_off_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let rack = Rack::create(folder.path(), 1).unwrap();
    std::fs::write(folder.path().join("soft-01.key.new"), "keywright-softkey 1 half").unwrap();
    assert_eq!(open(&rack, 0).make(true).0, 0);
    drop(rack);
    assert_eq!(slots_left(&mut open(&Rack::open(folder.path()).unwrap(), 0)), 149);
}

#[test]
fn a_key_that_another_process_used_meanwhile_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Rack::create(folder.path(), 1).unwrap();
    open(&ours, 0).get_info();
    let listed = ours.devices().unwrap().remove(0);
    assert_eq!(open(&Rack::open(folder.path()).unwrap(), 0).make(true).0, 0);
    assert!(
        matches!(ours.open(&listed, Limits::default(), Cancel::default()), Err(TransportError::Removed)),
        "for us it was unplugged"
    );
    assert_eq!(slots_left(&mut open(&ours, 0)), 149);
}

#[test]
fn a_damaged_key_is_listed_named_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    Rack::create(folder.path(), 2).unwrap();
    let file = folder.path().join("soft-01.key");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&file, bytes).unwrap();
    let rack = Rack::open(folder.path()).unwrap();
    let devices = rack.devices().unwrap();
    let Err(TransportError::System(words)) = rack.pipe(&devices[0]) else { panic!("opened") };
    assert!(words.contains("soft-01.key") && words.contains("damaged"), "{words}");
    open(&rack, 1).get_info();
}

#[test]
fn names_without_a_slot_of_their_own_are_refused() {
    for name in ["alice.key", "soft-1.key", "soft-.key"] {
        let folder = tempfile::tempdir().unwrap();
        Rack::create(folder.path(), 1).unwrap();
        std::fs::write(folder.path().join(name), "").unwrap();
        assert!(matches!(Rack::open(folder.path()), Err(SoftKeyError::Name { .. })), "{name}");
    }
}

#[test]
fn a_folder_that_is_no_rack_is_an_error_that_names_a_file() {
    let error = Rack::open(Path::new("/nowhere")).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/attestation-ca.pem: "), "{error}");
}

#[test]
fn a_key_whose_folder_is_gone_answers_with_an_error_and_forgets_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let rack = Rack::create(folder.path(), 1).unwrap();
    let mut client = open(&rack, 0);
    client.get_info();
    drop(folder);
    assert_ne!(client.make(true).0, 0);
    assert_eq!(slots_left(&mut client), 150);
}
