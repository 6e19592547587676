//! A scripted card: what it is sent, byte for byte, and what it answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::*;
use crate::ctap::{Authenticator, CtapError};

/// `(APDU, answer)`, in order.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<VecDeque<Exchange>>>);

/// What is asked, and the answer.
type Exchange = (Vec<u8>, Vec<u8>);

impl Script {
    fn of(steps: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        Self(Arc::new(Mutex::new(steps.into_iter().collect())))
    }

    fn assert_done(&self) {
        assert!(self.0.lock().unwrap().is_empty(), "not asked for: {:02x?}", self.0.lock().unwrap());
    }
}

impl Card for Script {
    fn transmit(&mut self, apdu: &[u8], _: Duration, _: &Cancel) -> Result<Vec<u8>, TransportError> {
        let Some((expected, answer)) = self.0.lock().unwrap().pop_front() else { return Err(TransportError::Removed) };
        assert_eq!(apdu, expected, "{apdu:02x?} instead of {expected:02x?}");
        Ok(answer)
    }
}

const SELECT: [u8; 14] = [0, 0xA4, 4, 0, 8, 0xA0, 0, 0, 6, 0x47, 0x2F, 0, 1, 0];
const ASK: [u8; 5] = [0x80, 0x11, 0, 0, 0];
const STOP: [u8; 5] = [0x80, 0x11, 0x11, 0, 0];

fn selected() -> (Vec<u8>, Vec<u8>) {
    (SELECT.to_vec(), [b"FIDO_2_0", &[0x90, 0x00][..]].concat())
}

fn open(steps: Vec<(Vec<u8>, Vec<u8>)>, extended: bool, cancel: &Cancel) -> (CardChannel, Script) {
    let script = Script::of([selected()].into_iter().chain(steps));
    let card = Box::new(script.clone());
    let channel = CardChannel::open(card, TransportKind::Nfc, extended, Limits::default(), cancel.clone()).unwrap();
    (channel, script)
}

/// NFCCTAP_MSG with one byte.
fn msg(p1: u8, byte: u8) -> Vec<u8> {
    vec![0x80, 0x10, p1, 0, 1, byte, 0]
}

#[test]
fn a_request_goes_out_and_its_answer_comes_back() {
    let (mut channel, script) = open(vec![(msg(0x80, 0x0B), vec![0, 0xA0, 0x90, 0])], false, &Cancel::default());
    assert_eq!(channel.cbor(&[0x0B], &mut |_| panic!("nothing to wait for")), Ok(vec![0, 0xA0]));
    assert_eq!((channel.kind(), channel.speaks_ctap2()), (TransportKind::Nfc, true));
    script.assert_done();
}

#[test]
fn the_card_is_asked_until_it_is_done_and_a_touch_is_told() {
    let steps = vec![
        (msg(0x80, 1), vec![1, 0x91, 0]),
        (ASK.to_vec(), vec![2, 0x91, 0]),
        (ASK.to_vec(), vec![2, 0x91, 0]),
        (ASK.to_vec(), vec![0, 0x90, 0]),
    ];
    let (mut channel, script) = open(steps, false, &Cancel::default());
    let mut heard = Vec::new();
    assert_eq!(channel.cbor(&[1], &mut |keepalive| heard.push(keepalive)), Ok(vec![0]));
    assert_eq!(heard, [Keepalive::Processing, Keepalive::UpNeeded, Keepalive::UpNeeded]);
    script.assert_done();
}

#[test]
fn who_cancels_has_the_card_stop_and_takes_what_it_says() {
    let cancel = Cancel::default();
    let steps = vec![
        (msg(0x80, 1), vec![2, 0x91, 0]),
        (STOP.to_vec(), vec![1, 0x91, 0]),
        (ASK.to_vec(), vec![0x2D, 0x90, 0]),
        (msg(0x80, 4), vec![0, 0x90, 0]),
    ];
    let (mut channel, script) = open(steps, false, &cancel);
    assert_eq!(channel.cbor(&[1], &mut |_| cancel.cancel()), Err(TransportError::Cancelled));
    channel.cancel = Cancel::default();
    assert_eq!(channel.cbor(&[4], &mut |_| {}), Ok(vec![0]), "the next answer is the next request's");
    script.assert_done();
}

#[test]
fn a_key_that_works_for_ever_is_told_to_stop_at_the_limit() {
    let steps = vec![(msg(0x80, 1), vec![1, 0x91, 0]), (STOP.to_vec(), vec![0x2D, 0x90, 0])];
    let (mut channel, script) = open(steps, false, &Cancel::default());
    channel.limits.total = Duration::ZERO;
    let error = channel.cbor(&[1], &mut |_| {}).unwrap_err();
    assert_eq!(error, TransportError::Timeout { phase: TimeoutPhase::Exchange, after: Duration::ZERO });
    script.assert_done();
}

#[test]
fn a_long_request_is_chained_and_a_long_answer_fetched_in_pieces() {
    let request = [7; 300];
    let links = [&[0x90, 0x10, 0x80, 0, 255][..], &[7; 255]].concat();
    let last = [&[0x80, 0x10, 0x80, 0, 45][..], &[7; 45], &[0]].concat();
    let steps = vec![
        (links, vec![0x90, 0]),
        (last, [&[0; 256][..], &[0x61, 0x00]].concat()),
        (vec![0, 0xC0, 0, 0, 0], [&[1; 256][..], &[0x61, 0x02]].concat()),
        (vec![0, 0xC0, 0, 0, 2], vec![2, 3, 0x90, 0]),
    ];
    let (mut channel, script) = open(steps, false, &Cancel::default());
    let answer = channel.cbor(&request, &mut |_| {}).unwrap();
    assert_eq!((answer.len(), &answer[510..]), (514, &[1, 1, 2, 3][..]));
    script.assert_done();
}

#[test]
fn extended_apdus_are_for_cards_that_say_so_and_for_what_needs_them() {
    let long = [&[0x80, 0x10, 0x80, 0, 0, 1, 44][..], &[7; 300], &[0, 0]].concat();
    let steps = vec![(msg(0x80, 4), vec![0, 0x90, 0]), (long, vec![0, 0x90, 0])];
    let (mut channel, script) = open(steps, true, &Cancel::default());
    assert_eq!(channel.cbor(&[4], &mut |_| {}), Ok(vec![0]));
    assert_eq!(channel.cbor(&[7; 300], &mut |_| {}), Ok(vec![0]));
    script.assert_done();
}

#[test]
fn a_link_that_is_refused_ends_the_request() {
    let link = [&[0x90, 0x10, 0x80, 0, 255][..], &[7; 255]].concat();
    let (mut channel, script) = open(vec![(link, vec![0x68, 0x84])], false, &Cancel::default());
    assert!(matches!(channel.cbor(&[7; 300], &mut |_| {}), Err(TransportError::Refused { code: 0x6884, .. })));
    script.assert_done();
}

#[test]
fn a_card_that_cannot_tell_how_far_it_is_is_asked_without() {
    let steps = vec![(msg(0x80, 4), vec![0x6A, 0x86]), (msg(0, 4), vec![0, 0x90, 0]), (msg(0, 4), vec![0, 0x90, 0])];
    let (mut channel, script) = open(steps, false, &Cancel::default());
    assert_eq!(channel.cbor(&[4], &mut |_| {}), Ok(vec![0]));
    assert_eq!(channel.cbor(&[4], &mut |_| {}), Ok(vec![0]), "it is not tried twice");
    script.assert_done();
}

#[test]
fn a_length_that_the_card_wants_otherwise_is_given_to_it() {
    let exact = vec![0x80, 0x10, 0x80, 0, 1, 4, 3];
    let steps = vec![(msg(0x80, 4), vec![0x6C, 3]), (exact, vec![0, 0xA0, 0, 0x90, 0])];
    let (mut channel, script) = open(steps, false, &Cancel::default());
    assert_eq!(channel.cbor(&[4], &mut |_| {}), Ok(vec![0, 0xA0, 0]));
    script.assert_done();
}

#[test]
fn lies_of_a_card_are_errors_with_an_end() {
    for answer in [vec![0x90], vec![0x90, 0], vec![0x6F, 0], vec![0x61, 5]] {
        let steps = vec![(msg(0x80, 4), answer), (vec![0, 0xC0, 0, 0, 5], vec![0x61, 5])];
        let (mut channel, _) = open(steps, false, &Cancel::default());
        let error = channel.cbor(&[4], &mut |_| {}).unwrap_err();
        assert!(matches!(error, TransportError::Protocol(_) | TransportError::Refused { .. }), "{error}");
    }
}

#[test]
fn a_card_without_the_applet_is_no_key_and_one_of_u2f_says_so() {
    let other = Script::of([(SELECT.to_vec(), vec![0x6A, 0x82])]);
    let opened =
        CardChannel::open(Box::new(other), TransportKind::SmartCard, false, Limits::default(), Cancel::default());
    assert!(matches!(opened.err(), Some(TransportError::Refused { code: 0x6A82, .. })));
    for (answer, speaks) in [(vec![0x6D, 0], false), (vec![0, 0xA0, 0x90, 0], true)] {
        let version = [b"U2F_V2", &[0x90, 0][..]].concat();
        let script = Script::of([(SELECT.to_vec(), version), (msg(0, 4), answer)]);
        let card = Box::new(script.clone());
        let channel = CardChannel::open(card, TransportKind::Nfc, false, Limits::default(), Cancel::default()).unwrap();
        assert_eq!(channel.speaks_ctap2(), speaks);
        script.assert_done();
    }
}

#[test]
fn a_card_that_is_taken_away_is_a_key_that_was_removed() {
    let (channel, _) = open(Vec::new(), false, &Cancel::default());
    let opened = Authenticator::open(Box::new(channel));
    assert_eq!(opened.err(), Some(CtapError::Transport(TransportError::Removed)));
}
