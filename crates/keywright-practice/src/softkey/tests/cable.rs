//! Framing and sharing: what is common to all HID keys.

use super::*;

#[test]
fn ping_comes_back_in_every_length() {
    let rack = rack(1);
    let mut client = client(rack.key(0));
    for length in [0, 1, 57, 58, 57 + 59, 7609] {
        let data: Vec<u8> = (0..length).map(|n| n as u8).collect();
        client.send(PING, &data);
        assert_eq!(client.receive().unwrap(), (PING, data));
    }
}

#[test]
fn the_key_says_that_it_winks_and_winks() {
    let rack = rack(1);
    let mut client = client(rack.key(0));
    client.send(WINK, &[]);
    assert_eq!(client.receive().unwrap(), (WINK, Vec::new()));
}

#[test]
fn an_unknown_command_and_a_foreign_channel_are_refused() {
    let rack = rack(1);
    let mut client = client(rack.key(0));
    client.send(0x42, &[]);
    assert_eq!(client.receive().unwrap(), (ERROR, vec![0x01]));
    client.cid = [0, 0, 0, 99];
    client.send(PING, &[]);
    assert_eq!(client.receive().unwrap(), (ERROR, vec![0x0b]));
}

#[test]
fn a_message_that_stops_halfway_times_out() {
    let rack = rack(1);
    let (mut client, mut other) = (client(rack.key(0)), client(rack.key(0)));
    let frames = frames(client.cid, PING, &[1; 100]);
    client.pipe.write(&frames[0]).unwrap();
    other.send(PING, &[]);
    assert_eq!(other.receive().unwrap(), (ERROR, vec![0x06]), "the key is in the middle of a message");
    rack.key(0).advance(Duration::from_secs(2));
    client.pipe.write(&frames[1]).unwrap();
    assert_eq!(client.receive().unwrap(), (ERROR, vec![0x05]));
}

#[test]
fn reading_honours_its_timeout() {
    let rack = rack(1);
    let mut client = client(rack.key(0));
    let begun = std::time::Instant::now();
    assert_eq!(client.pipe.read(Duration::from_millis(30)), Ok(None));
    assert!(begun.elapsed() >= Duration::from_millis(30));
    assert_eq!(client.pipe.read(Duration::ZERO), Ok(None));
}

#[test]
fn get_info_tells_the_model() {
    let rack = rack(1);
    let info = client(rack.key(0)).get_info();
    assert_eq!(info.get(3).unwrap().as_bytes(), Some(&crate::softkey::SOFT_AAGUID.0[..]));
    assert_eq!(versions(&info), ["U2F_V2", "FIDO_2_0", "FIDO_2_1"]);
    assert_eq!(has_option(&info, "ep"), Some(false));
    assert_eq!(info.get(6), Some(&array([2.into(), 1.into()])));
}

#[test]
fn every_pipe_sees_every_report() {
    let rack = rack(1);
    let mut one = rack.key(0).open().unwrap();
    let mut two = client(rack.key(0));
    // The second one's INIT answer reached the first one too.
    let foreign = one.read(PATIENCE).unwrap().unwrap();
    assert_eq!((&foreign[..4], foreign[4]), (&BROADCAST[..], INIT | 0x80));
    two.send(PING, b"hello");
    two.receive().unwrap();
    let foreign = one.read(PATIENCE).unwrap().unwrap();
    assert_eq!((&foreign[..4], &foreign[7..12]), (&two.cid[..], &b"hello"[..]));
    // A pipe that is opened later has missed it.
    assert_eq!(rack.key(0).open().unwrap().read(Duration::ZERO), Ok(None));
}

#[test]
fn two_clients_have_a_channel_each_and_take_turns() {
    let rack = rack(1);
    let (mut one, mut two) = (client(rack.key(0)), client(rack.key(0)));
    assert_ne!(one.cid, two.cid);
    one.send(PING, b"one");
    two.send(PING, b"two");
    assert_eq!(two.receive().unwrap().1, b"two");
    assert_eq!(one.receive().unwrap().1, b"one");
}

#[test]
fn the_hosts_own_channel_works_over_a_rack() {
    use keywright_fido::ctap::Keepalive;
    use keywright_fido::hid::{Bus, Cancel, Channel, Limits};
    let rack = rack(1);
    rack.set_touch(super::super::Touch::After(Duration::from_millis(20)));
    let device = rack.devices().unwrap().remove(0);
    let mut channel = Channel::open(rack.pipe(&device).unwrap(), Limits::default(), Cancel::default()).unwrap();
    assert!(channel.can_wink() && channel.speaks_cbor());
    let mut heard = Vec::new();
    assert_eq!(channel.cbor(&[0x0b], &mut |keepalive| heard.push(keepalive)), Ok(vec![0]));
    assert_eq!(heard, [Keepalive::UpNeeded]);
}

#[test]
fn sixteen_keys_work_side_by_side() {
    let rack = rack(16);
    rack.set_touch(super::super::Touch::After(Duration::from_millis(250)));
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        for key in rack.keys() {
            scope.spawn(|| assert_eq!(client(key).make(true).0, 0));
        }
    });
    // One after the other they would take 4 s for their touches alone.
    assert!(begun.elapsed() < Duration::from_millis(3500), "{:?}", begun.elapsed());
    assert!(rack.keys().iter().all(|key| key.touches() == 1));
}
