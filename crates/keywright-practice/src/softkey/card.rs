//! A soft key as a smart card: NFCCTAP (CTAP 2.2, 11.3) in front of the same firmware, one APDU there and one back.
//!
//! It takes short APDUs, chains of them and extended ones, answers in pieces where the command was short, and tells how far it is to
//! whoever can ask. It refuses U2F: it is selected as a card that speaks CTAP2 only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::SoftKey;
use keywright_fido::bus::{Cancel, Limits};
use keywright_fido::ctap::{Keepalive, TransportError};
use keywright_fido::hid::Channel;

const AID: [u8; 8] = [0xA0, 0x00, 0x00, 0x06, 0x47, 0x2F, 0x00, 0x01];

/// How long the card works before it says that it still does.
const PATIENCE: Duration = Duration::from_millis(20);

/// What a response to a short command carries.
const PIECE: usize = 256;

const SUCCESS: [u8; 2] = [0x90, 0x00];
const WORKING: [u8; 2] = [0x91, 0x00];
const CONDITIONS: [u8; 2] = [0x69, 0x85];
const NOT_FOUND: [u8; 2] = [0x6A, 0x82];
const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];
const UNKNOWN: [u8; 2] = [0x6D, 0x00];
const BROKEN: [u8; 2] = [0x6F, 0x00];

/// CTAP2_ERR_KEEPALIVE_CANCEL.
const CANCELLED: u8 = 0x2D;

/// How a card is reached, which its answer to reset says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardForm {
    /// With contacts; short APDUs only.
    Contacts,
    /// Without; extended APDUs too.
    Contactless,
}

impl CardForm {
    /// The answer to reset (ISO 7816-3; PC/SC part 3 for cards without contacts), with its check byte.
    pub fn atr(self) -> Vec<u8> {
        let (interface, historical): (&[u8], &[u8]) = match self {
            Self::Contacts => (&[0x01], &[0x80, 0x73, 0x00, 0x21, 0x80]),
            Self::Contactless => (&[0x80, 0x01], &[0x80, 0x73, 0x00, 0x21, 0xC0]),
        };
        let mut atr = vec![0x3B, 0x85];
        atr.extend(interface);
        atr.extend(historical);
        atr.push(atr[1..].iter().fold(0, |check, byte| check ^ byte));
        atr
    }
}

/// A request that the firmware works on.
struct Work {
    done: Receiver<(Channel, Result<Vec<u8>, TransportError>)>,
    status: Arc<AtomicU8>,
    cancel: Cancel,
}

/// A soft key in the form of a card. Nobody else should have the key open meanwhile.
pub struct SoftCard {
    key: SoftKey,
    form: CardForm,
    selected: bool,
    /// The links of a chain that came so far.
    chain: Vec<u8>,
    /// What is left of an answer.
    rest: Vec<u8>,
    channel: Option<(Channel, Cancel)>,
    work: Option<Work>,
}

impl SoftCard {
    /// A key as a card of this form.
    pub fn new(key: SoftKey, form: CardForm) -> Self {
        Self { key, form, selected: false, chain: Vec::new(), rest: Vec::new(), channel: None, work: None }
    }

    /// Its answer to reset.
    pub fn atr(&self) -> Vec<u8> {
        self.form.atr()
    }

    /// Takes the power and gives it back.
    pub fn power_cycle(&mut self) {
        self.key.power_cycle();
        *self = Self::new(self.key.clone(), self.form);
    }

    /// Its response to an APDU.
    pub fn respond(&mut self, apdu: &[u8]) -> Vec<u8> {
        let Some((&[cla, ins, p1, p2], rest)) = apdu.split_first_chunk() else { return WRONG_LENGTH.to_vec() };
        let Some((data, extended)) = data(rest) else { return WRONG_LENGTH.to_vec() };
        if cla & 0x10 != 0 {
            self.chain.extend(data);
            return SUCCESS.to_vec();
        }
        let data = [&std::mem::take(&mut self.chain), data].concat();
        match (cla, ins, p1, p2) {
            (0x00, 0xA4, 0x04, 0x00) => {
                self.selected = data == AID;
                if self.selected { [b"FIDO_2_0", &SUCCESS[..]].concat() } else { NOT_FOUND.to_vec() }
            }
            (0x00, 0xC0, 0x00, 0x00) => self.next_piece(),
            (0x80, 0x10 | 0x11, ..) if !self.selected => CONDITIONS.to_vec(),
            (0x80, 0x10, ..) => self.begin(data).map_or(BROKEN.to_vec(), |()| self.go_on(p1 & 0x80 != 0, extended)),
            (0x80, 0x11, 0x00 | 0x11, 0x00) => {
                if let Some(work) = self.work.as_ref().filter(|_| p1 == 0x11) {
                    work.cancel.cancel();
                }
                self.go_on(true, extended)
            }
            _ => UNKNOWN.to_vec(),
        }
    }

    fn begin(&mut self, request: Vec<u8>) -> Option<()> {
        let (mut channel, cancel) = match self.channel.take() {
            Some(open) => open,
            None => {
                let (pipe, cancel) = (self.key.open().ok()?, Cancel::default());
                (Channel::open(Box::new(pipe), Limits::default(), cancel.clone()).ok()?, cancel)
            }
        };
        let (sender, done) = mpsc::channel();
        let status = Arc::new(AtomicU8::new(1));
        let told = Arc::clone(&status);
        thread::spawn(move || {
            let answer = channel.cbor(&request, &mut |keepalive| {
                told.store(if keepalive == Keepalive::UpNeeded { 2 } else { 1 }, Ordering::Relaxed);
            });
            // Whoever waited may have lost its power meanwhile.
            let _ = sender.send((channel, answer));
        });
        self.work = Some(Work { done, status, cancel });
        Some(())
    }

    /// What there is to say of the request: its answer, or that it is still worked on.
    fn go_on(&mut self, polled: bool, extended: bool) -> Vec<u8> {
        let Some(work) = self.work.take() else { return CONDITIONS.to_vec() };
        let patience = if polled { PATIENCE } else { Duration::MAX };
        let (channel, answer) = match work.done.recv_timeout(patience) {
            Ok(done) => done,
            Err(RecvTimeoutError::Timeout) => {
                let answer = [&[work.status.load(Ordering::Relaxed)], &WORKING[..]].concat();
                self.work = Some(work);
                return answer;
            }
            Err(RecvTimeoutError::Disconnected) => return BROKEN.to_vec(),
        };
        let answer = match answer {
            Ok(answer) => {
                self.channel = Some((channel, work.cancel));
                answer
            }
            Err(TransportError::Cancelled) => vec![CANCELLED],
            Err(_) => return BROKEN.to_vec(),
        };
        if extended {
            return [&answer, &SUCCESS[..]].concat();
        }
        self.rest = answer;
        self.next_piece()
    }

    fn next_piece(&mut self) -> Vec<u8> {
        let mut piece: Vec<u8> = self.rest.drain(..self.rest.len().min(PIECE)).collect();
        piece.extend(match u8::try_from(self.rest.len()) {
            Ok(0) => SUCCESS,
            Ok(left) => [0x61, left],
            Err(_) => [0x61, 0x00],
        });
        piece
    }
}

/// The data of a command after its header, and whether it is an extended one. `None` for lengths that do not fit.
fn data(rest: &[u8]) -> Option<(&[u8], bool)> {
    match rest {
        [] | [_] => Some((&[], false)),
        [0, _, _] => Some((&[], true)),
        [0, high, low, body @ ..] => Some((body.get(..usize::from(u16::from_be_bytes([*high, *low])))?, true)),
        [length, body @ ..] => Some((body.get(..usize::from(*length))?, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rack, Touch};
    use super::*;

    const SELECT: [u8; 14] = [0, 0xA4, 4, 0, 8, 0xA0, 0, 0, 6, 0x47, 0x2F, 0, 1, 0];
    const GET_INFO: [u8; 7] = [0x80, 0x10, 0x80, 0, 1, 4, 0];

    fn selected(rack: &Rack) -> SoftCard {
        let mut card = SoftCard::new(rack.key(0).clone(), CardForm::Contacts);
        assert_eq!(card.respond(&SELECT), b"FIDO_2_0\x90\x00");
        card
    }

    /// The answer, with all its pieces.
    fn ask(card: &mut SoftCard, apdu: &[u8]) -> Vec<u8> {
        let mut whole = card.respond(apdu);
        loop {
            match *whole.last_chunk().unwrap() {
                [0x61, _] => {
                    whole.truncate(whole.len() - 2);
                    whole.extend(card.respond(&[0, 0xC0, 0, 0, 0]));
                }
                [0x91, 0] => whole = card.respond(&[0x80, 0x11, 0, 0, 0]),
                [0x90, 0] => {
                    whole.truncate(whole.len() - 2);
                    return whole;
                }
                status => panic!("{status:02x?}"),
            }
        }
    }

    #[test]
    fn the_firmware_answers_short_chained_and_extended_commands_alike() {
        let rack = Rack::in_memory(1).unwrap();
        let mut card = selected(&rack);
        let short = ask(&mut card, &GET_INFO);
        assert_eq!(short[0], 0);
        assert_eq!(card.respond(&[0x90, 0x10, 0x80, 0, 1, 4]), SUCCESS);
        assert_eq!(ask(&mut card, &[0x80, 0x10, 0x80, 0, 0]), short);
        assert_eq!(ask(&mut card, &[0x80, 0x10, 0x80, 0, 0, 0, 1, 4, 0, 0]), short);
    }

    #[test]
    fn nothing_is_answered_before_the_applet_is_selected_and_nothing_twice() {
        let rack = Rack::in_memory(1).unwrap();
        let mut card = SoftCard::new(rack.key(0).clone(), CardForm::Contactless);
        assert_eq!(card.respond(&GET_INFO), CONDITIONS);
        assert_eq!(card.respond(&[0, 0xA4, 4, 0, 1, 0xA0, 0]), NOT_FOUND);
        card.respond(&SELECT);
        ask(&mut card, &GET_INFO);
        assert_eq!(card.respond(&[0x80, 0x11, 0, 0, 0]), CONDITIONS, "no request is worked on");
        assert_eq!(card.respond(&[0, 3, 0, 0]), UNKNOWN, "U2F");
        assert_eq!(card.respond(&[0x80, 0x10]), WRONG_LENGTH);
        assert_eq!(card.respond(&[0x80, 0x10, 0, 0, 9, 1]), WRONG_LENGTH);
        card.power_cycle();
        assert_eq!(card.respond(&GET_INFO), CONDITIONS);
    }

    #[test]
    fn who_waits_for_a_touch_is_told_and_can_cancel() {
        let rack = Rack::in_memory(1).unwrap();
        rack.set_touch(Touch::Never);
        let mut card = selected(&rack);
        let selection = [0x80, 0x10, 0x80, 0, 1, 0x0B, 0];
        let mut answer = card.respond(&selection);
        while answer != [2, 0x91, 0x00] {
            assert_eq!(answer, [1, 0x91, 0x00]);
            answer = card.respond(&[0x80, 0x11, 0, 0, 0]);
        }
        answer = card.respond(&[0x80, 0x11, 0x11, 0, 0]);
        while answer[1..] == WORKING {
            answer = card.respond(&[0x80, 0x11, 0, 0, 0]);
        }
        assert_eq!(answer, [CANCELLED, 0x90, 0x00]);
        assert_eq!(ask(&mut card, &GET_INFO)[0], 0);
    }

    #[test]
    fn the_answer_to_reset_says_what_the_card_is() {
        assert_eq!(CardForm::Contacts.atr(), [0x3B, 0x85, 0x01, 0x80, 0x73, 0x00, 0x21, 0x80, 0xD6]);
        assert_eq!(CardForm::Contactless.atr(), [0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0x00, 0x21, 0xC0, 0x16]);
    }
}
