//! NFCCTAP: requests and answers of one key, over the APDUs of its card (CTAP 2.2, 11.3).
//!
//! A card that is asked to tells how far it is, is asked again until it is done, and can be cancelled there. It refuses to repeat a
//! request that the key may have acted on: a request is sent again only where a status word says that nothing was done.

#[cfg(test)]
mod tests;

use std::thread;
use std::time::{Duration, Instant};

use tracing::trace;

use super::StatusWord;
use super::apdu::{Command, Response};
use crate::bus::{Cancel, Limits};
use crate::ctap::transport::{Keepalive, TimeoutPhase, Transport, TransportError, TransportKind};

/// The FIDO applet (CTAP 2.2, 11.3.4).
const AID: [u8; 8] = [0xA0, 0x00, 0x00, 0x06, 0x47, 0x2F, 0x00, 0x01];

/// What the applet answers if it may speak U2F only.
const U2F: &[u8] = b"U2F_V2";

/// P1 of NFCCTAP_MSG: the client asks by NFCCTAP_GETRESPONSE.
const POLLS: u8 = 0x80;

/// P1 of NFCCTAP_GETRESPONSE: the request is to end.
const CANCEL: u8 = 0x11;

/// Between two questions how far the key is. The first waits are shorter, each twice the last.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// How long the answer to a cancelled request is waited for.
const DRAIN: Duration = Duration::from_millis(500);

/// An answer is bounded as a message over HID is; a card that goes on telling of more is broken.
const LONGEST_ANSWER: usize = 0xFFFF;

/// A card in a reader: one APDU there, one back.
pub trait Card: Send {
    /// Fails with [`TransportError::Timeout`] if no answer came within `patience`, with [`TransportError::Cancelled`] if somebody
    /// cancelled meanwhile, and with [`TransportError::Removed`] if the card was taken away.
    fn transmit(&mut self, apdu: &[u8], patience: Duration, cancel: &Cancel) -> Result<Vec<u8>, TransportError>;
}

/// The FIDO applet of a card, selected.
pub struct CardChannel {
    card: Box<dyn Card>,
    kind: TransportKind,
    extended: bool,
    speaks_ctap2: bool,
    polls: u8,
    limits: Limits,
    cancel: Cancel,
}

impl CardChannel {
    /// Selects the FIDO applet. `kind` is how the card is reached, and `extended` whether it says that it takes extended APDUs. Fails
    /// with [`TransportError::Refused`] on a card that has no such applet.
    pub fn open(
        card: Box<dyn Card>,
        kind: TransportKind,
        extended: bool,
        limits: Limits,
        cancel: Cancel,
    ) -> Result<Self, TransportError> {
        let mut channel = Self { card, kind, extended, speaks_ctap2: true, polls: POLLS, limits, cancel };
        let select = Command { cla: 0, ins: 0xA4, p1: 4, p2: 0, data: &AID };
        let version = channel.once(&select, limits.silence)?;
        if version.status != StatusWord::SUCCESS {
            return Err(version.status.into());
        }
        if version.data == U2F {
            // It may speak CTAP2 as well, which only getInfo tells.
            let get_info = Command { cla: 0x80, ins: 0x10, p1: 0, p2: 0, data: &[0x04] };
            channel.speaks_ctap2 = !channel.once(&get_info, limits.silence)?.status.is_unknown_command();
        }
        Ok(channel)
    }

    /// One command, with what it takes to carry it: a chain, and the pieces of the answer.
    fn once(&mut self, command: &Command<'_>, patience: Duration) -> Result<Response, TransportError> {
        let apdus = if self.extended && command.data.len() > 255 { vec![command.extended()?] } else { command.short() };
        let (last, links) = apdus.split_last().expect("a command is at least one APDU");
        for link in links {
            let status = self.transmit(link, self.limits.silence)?.status;
            if status != StatusWord::SUCCESS {
                return Err(status.into());
            }
        }
        let mut response = self.transmit(last, patience)?;
        while let Some(length) = response.status.more() {
            let next = self.transmit(&[0, 0xC0, 0, 0, length], self.limits.silence)?;
            if next.data.is_empty() && next.status.more().is_some() {
                return Err(TransportError::Protocol("a card tells of more and sends nothing"));
            }
            response.data.extend(next.data);
            response.status = next.status;
            if response.data.len() > LONGEST_ANSWER {
                return Err(TransportError::Protocol("a card's answer has no end"));
            }
        }
        Ok(response)
    }

    /// One APDU; once more with the length that the card wants, if it says that it did nothing for want of that.
    fn transmit(&mut self, apdu: &[u8], patience: Duration) -> Result<Response, TransportError> {
        let response = Response::parse(self.card.transmit(apdu, patience, &self.cancel)?)?;
        trace!(length = apdu.len(), answer = response.data.len(), status = %response.status, "to the card");
        match (response.status.exact_length(), apdu.split_last()) {
            (Some(length), Some((_, head))) => {
                Response::parse(self.card.transmit(&[head, &[length]].concat(), patience, &self.cancel)?)
            }
            _ => Ok(response),
        }
    }

    /// Asks until the key is done. Who cancels, and whoever has waited long enough, has the key end it.
    fn poll(
        &mut self,
        mut response: Response,
        begun: Instant,
        keepalive: &mut dyn FnMut(Keepalive),
    ) -> Result<Response, TransportError> {
        let mut wait = FIRST_WAIT;
        while response.status == StatusWord::WORKING {
            keepalive(match response.data.first() {
                Some(2) => Keepalive::UpNeeded,
                _ => Keepalive::Processing,
            });
            if self.cancel.is_cancelled() {
                self.give_up();
                return Err(TransportError::Cancelled);
            }
            if begun.elapsed() >= self.limits.total {
                self.give_up();
                return Err(TransportError::Timeout { phase: TimeoutPhase::Exchange, after: self.limits.total });
            }
            thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
            response = self.once(&get_response(0), self.limits.silence)?;
        }
        Ok(response)
    }

    /// Tells the key to stop, and takes what it says to that. Whatever goes wrong here changes nothing: the request is given up.
    fn give_up(&mut self) {
        let begun = Instant::now();
        let nobody = Cancel::default();
        let mut p1 = CANCEL;
        while begun.elapsed() < DRAIN {
            let [apdu] = &get_response(p1).short()[..] else { return };
            let answer = self.card.transmit(apdu, DRAIN, &nobody).and_then(Response::parse);
            match answer {
                Ok(response) if response.status == StatusWord::WORKING => thread::sleep(FIRST_WAIT),
                Ok(_) => return,
                Err(error) => {
                    trace!(%error, "the card did not take the cancellation");
                    return;
                }
            }
            p1 = 0;
        }
    }
}

/// NFCCTAP_GETRESPONSE.
const fn get_response(p1: u8) -> Command<'static> {
    Command { cla: 0x80, ins: 0x11, p1, p2: 0, data: &[] }
}

impl Transport for CardChannel {
    fn kind(&self) -> TransportKind {
        self.kind
    }

    fn speaks_ctap2(&self) -> bool {
        self.speaks_ctap2
    }

    /// Chains have no end, and an extended APDU says its length in two bytes; the key's own maxMsgSize is what counts.
    fn longest_request(&self) -> usize {
        0xFFFF
    }

    fn cbor(&mut self, request: &[u8], keepalive: &mut dyn FnMut(Keepalive)) -> Result<Vec<u8>, TransportError> {
        let begun = Instant::now();
        if self.cancel.is_cancelled() {
            return Err(TransportError::Cancelled);
        }
        let message = |p1| Command { cla: 0x80, ins: 0x10, p1, p2: 0, data: request };
        // A card that does not tell how far it is answers when it is done.
        let mut response = self.once(&message(self.polls), self.limits.total)?;
        if response.status == StatusWord::WRONG_PARAMETERS && self.polls == POLLS {
            self.polls = 0;
            response = self.once(&message(0), self.limits.total)?;
        }
        let answer = self.poll(response, begun, keepalive)?;
        if answer.status != StatusWord::SUCCESS {
            return Err(answer.status.into());
        }
        if answer.data.is_empty() {
            return Err(TransportError::Protocol("an answer to NFCCTAP_MSG has no status byte"));
        }
        Ok(answer.data)
    }

    /// A card cannot show itself.
    fn wink(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}
