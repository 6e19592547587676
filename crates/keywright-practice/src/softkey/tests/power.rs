//! Plugging and pulling, the reset window, and what a key remembers.

use super::super::{Model, Moment, Side, Touch};
use super::*;

const KEY_STORE_FULL: u8 = 0x28;
const NOT_ALLOWED: u8 = 0x30;
const MAKE: u8 = 0x01;
const RESET: u8 = 0x07;

fn slots_left(client: &mut Client) -> i64 {
    client.get_info().get(0x14).unwrap().as_integer().unwrap()
}

#[test]
fn a_pulled_key_is_gone_for_every_pipe_and_comes_back_as_another_insertion() {
    let rack = rack(1);
    let key = rack.key(0);
    let before = key.device().unwrap();
    let (mut one, mut two) = (client(key), client(key));
    key.pull();
    assert_eq!(key.device(), None);
    assert_eq!(one.pipe.read(PATIENCE), Err(PipeError::Removed));
    assert_eq!(two.pipe.write(&[0; 64]), Err(PipeError::Removed));
    assert!(matches!(key.open(), Err(super::super::SoftKeyError::Removed)));
    key.plug();
    assert_eq!(key.device().unwrap().attach, before.attach + 1);
    assert_eq!(one.pipe.read(PATIENCE), Err(PipeError::Removed), "an old pipe stays dead");
    client(key).get_info();
}

#[test]
fn pulling_ends_a_read_and_a_wait_for_a_touch() {
    let rack = rack(1);
    let key = rack.key(0);
    key.touch(Touch::Never);
    let mut client = client(key);
    client.start(0x0b, None);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| client.receive());
        while !key.is_waiting() {
            std::thread::yield_now();
        }
        key.pull();
        assert_eq!(reader.join().unwrap(), Err(PipeError::Removed));
    });
    assert!(!key.is_waiting());
}

#[test]
fn a_pull_before_the_key_acts_leaves_nothing_behind_and_one_after_leaves_the_credential() {
    for (side, made) in [(Side::Before, 0), (Side::After, 1)] {
        let rack = rack(1);
        let key = rack.key(0);
        let mut one = client(key);
        key.pull_at(Moment::Command(MAKE), side);
        one.get_info();
        assert!(key.is_plugged() && key.is_pull_pending());
        one.start(MAKE, Some(make_credential(true, [])));
        assert_eq!(one.receive(), Err(PipeError::Removed));
        assert!(!key.is_plugged() && !key.is_pull_pending());
        key.plug();
        assert_eq!(slots_left(&mut client(key)), 150 - made, "{side:?}");
    }
}

#[test]
fn a_pull_can_be_scripted_for_the_nth_request() {
    let rack = rack(1);
    let key = rack.key(0);
    let mut client = client(key);
    client.get_info();
    key.pull_at(Moment::Request(3), Side::Before);
    client.get_info();
    client.get_info();
    client.start(0x04, None);
    assert_eq!(client.receive(), Err(PipeError::Removed));
    assert_eq!(key.requests(), 4);
}

#[test]
fn a_reset_works_for_ten_seconds_after_plugging_in() {
    let rack = rack(1);
    let key = rack.key(0);
    assert_eq!(client(key).make(true).0, 0);
    key.power_cycle();
    let mut late = client(key);
    key.advance(Duration::from_secs(10));
    assert_eq!(late.ask(RESET, None).0, NOT_ALLOWED);
    assert_eq!(slots_left(&mut late), 149);
    key.power_cycle();
    let mut prompt = client(key);
    prompt.get_info();
    assert_eq!(prompt.ask(RESET, None).0, 0);
    assert_eq!(slots_left(&mut prompt), 150);
}

#[test]
fn the_ten_seconds_run_from_the_plugging_in_not_from_the_first_opening() {
    let rack = rack(1);
    rack.key(0).advance(Duration::from_secs(10));
    assert_eq!(client(rack.key(0)).ask(RESET, None).0, NOT_ALLOWED);
}

#[test]
fn a_reset_has_to_come_before_other_commands() {
    let rack = rack(1);
    let mut client = client(rack.key(0));
    assert_eq!(client.ask(0x06, Some(Value::map([(1, 1.into()), (2, 1.into())]))).0, 0);
    assert_eq!(client.ask(RESET, None).0, NOT_ALLOWED);
}

#[test]
fn a_small_store_fills_up() {
    let small = Model { max_resident_credentials: 2, ..Model::default() };
    let rack = Rack::in_memory_of(&[small]).unwrap();
    let mut client = client(rack.key(0));
    assert_eq!(slots_left(&mut client), 2);
    assert_eq!([client.make(true).0, client.make(true).0, client.make(true).0], [0, 0, KEY_STORE_FULL]);
    assert_eq!(client.make(false).0, 0, "credentials that the key does not keep need no room");
}

#[test]
fn a_key_stays_powered_while_nobody_has_it_open() {
    let rack = rack(1);
    let first = client(rack.key(0)).cid;
    assert_ne!(client(rack.key(0)).cid, first, "the second channel comes after the first");
}

#[test]
fn a_request_is_acted_on_even_if_its_sender_has_gone() {
    let rack = rack(1);
    let key = rack.key(0);
    let mut sender = client(key);
    sender.start(MAKE, Some(make_credential(true, [])));
    drop(sender);
    // The next one is served after it.
    assert_eq!(slots_left(&mut client(key)), 149);
}
