//! The scripted finger.

use super::super::Touch;
use super::*;

const OPERATION_DENIED: u8 = 0x27;
const KEEPALIVE_CANCEL: u8 = 0x2d;
const USER_ACTION_TIMEOUT: u8 = 0x2f;
const UP_NEEDED: u8 = 2;

/// Reads until the key says that it waits for a touch.
fn until_asked(client: &mut Client) {
    loop {
        let report = client.pipe.read(PATIENCE).unwrap().expect("the key says that it waits");
        if report[4] == KEEPALIVE | 0x80 && report[..4] == client.cid {
            assert_eq!(report[7], UP_NEEDED);
            return;
        }
    }
}

#[test]
fn a_touch_at_once_needs_no_keepalive() {
    let rack = rack(1);
    let mut client = client(rack.key(0));
    assert_eq!(client.make(false).0, 0);
    assert!(client.keepalives.is_empty());
    assert_eq!(rack.key(0).touches(), 1);
}

#[test]
fn a_later_touch_is_asked_for_at_once_and_again_until_it_comes() {
    let rack = rack(1);
    rack.set_touch(Touch::After(HOUR));
    let mut client = client(rack.key(0));
    client.start(0x01, Some(make_credential(false, [])));
    for _ in 0..3 {
        until_asked(&mut client);
    }
    // The key itself would give up after 30 s.
    rack.set_touch(Touch::After(Duration::from_secs(20)));
    rack.key(0).advance(Duration::from_secs(20));
    assert_eq!(client.receive().unwrap().1[0], 0);
    assert_eq!(rack.key(0).touches(), 1);
}

#[test]
fn a_touch_within_the_first_100_ms_is_asked_for_too() {
    let rack = rack(1);
    rack.set_touch(Touch::After(Duration::from_millis(30)));
    let mut client = client(rack.key(0));
    assert_eq!(client.make(false).0, 0);
    assert_eq!(client.keepalives, [UP_NEEDED]);
}

#[test]
fn a_key_that_nobody_touches_gives_up_after_30_seconds_of_its_clock() {
    let rack = rack(1);
    let key = rack.key(0);
    key.touch(Touch::Never);
    let mut client = client(key);
    client.start(0x0b, None);
    until_asked(&mut client);
    assert!(key.is_waiting());
    key.advance(Duration::from_secs(30));
    assert_eq!(client.receive().unwrap(), (CBOR, vec![USER_ACTION_TIMEOUT]));
    assert!(!key.is_waiting());
    assert_eq!(key.touches(), 0);
}

#[test]
fn a_person_can_say_no() {
    let rack = rack(1);
    rack.set_touch(Touch::Declined);
    assert_eq!(client(rack.key(0)).make(false).0, OPERATION_DENIED);
}

#[test]
fn a_person_can_come_after_all() {
    let rack = rack(1);
    rack.key(0).touch(Touch::Never);
    let mut client = client(rack.key(0));
    client.start(0x0b, None);
    until_asked(&mut client);
    rack.key(0).touch(Touch::After(Duration::ZERO));
    assert_eq!(client.receive().unwrap(), (CBOR, vec![0]));
}

#[test]
fn cancel_ends_the_wait() {
    let rack = rack(1);
    rack.key(0).touch(Touch::Never);
    let mut client = client(rack.key(0));
    client.start(0x0b, None);
    until_asked(&mut client);
    client.send(CANCEL, &[]);
    assert_eq!(client.receive().unwrap(), (CBOR, vec![KEEPALIVE_CANCEL]));
    // There is no answer to CANCEL itself.
    client.send(PING, b"next");
    assert_eq!(client.receive().unwrap(), (PING, b"next".to_vec()));
}

#[test]
fn another_program_is_told_that_the_key_is_busy_and_cannot_cancel() {
    let rack = rack(1);
    rack.key(0).touch(Touch::Never);
    let (mut one, mut two) = (client(rack.key(0)), client(rack.key(0)));
    one.start(0x0b, None);
    until_asked(&mut one);
    two.send(CANCEL, &[]);
    assert_eq!(two.receive().unwrap(), (ERROR, vec![0x06]));
    rack.key(0).touch(Touch::After(Duration::ZERO));
    assert_eq!(one.receive().unwrap(), (CBOR, vec![0]));
}
