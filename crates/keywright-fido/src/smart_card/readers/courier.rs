//! A card on a thread of its own: PC/SC has no limit on an APDU, and cannot be interrupted in one.
//!
//! Whoever gives up leaves the card to its thread, which waits for the answer and drops it. It refuses to take that answer for the
//! next one's.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pcsc::Error;

use super::failed;
use crate::bus::Cancel;
use crate::ctap::transport::{TimeoutPhase, TransportError};
use crate::smart_card::Card;

/// How often [`Cancel`] is looked at.
const SLICE: Duration = Duration::from_millis(50);

/// The longest response: an extended one, with its status word.
const LONGEST: usize = 65538;

pub(super) struct Courier {
    /// Gone when the card is to be closed.
    apdus: Option<Sender<Vec<u8>>>,
    answers: Receiver<Result<Vec<u8>, TransportError>>,
    /// An answer that was given up and is still to come.
    owed: bool,
    thread: Option<JoinHandle<()>>,
}

impl Courier {
    pub(super) fn new(card: pcsc::Card) -> Result<Self, TransportError> {
        let (apdus, to_send) = channel::<Vec<u8>>();
        let (sender, answers) = channel();
        let work = move || {
            let mut buffer = vec![0; LONGEST];
            // Ends with the last APDU's sender; the card is reset then.
            while let Ok(apdu) = to_send.recv() {
                let answer = transmit(&card, &apdu, &mut buffer);
                if sender.send(answer).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("card".to_owned()).spawn(work);
        let thread = thread.map_err(|error| TransportError::System(error.to_string()))?;
        Ok(Self { apdus: Some(apdus), answers, owed: false, thread: Some(thread) })
    }

    fn answer(
        &mut self,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<Result<Vec<u8>, TransportError>, TransportError> {
        let begun = Instant::now();
        loop {
            match self.answers.recv_timeout(SLICE.min(patience)) {
                Ok(answer) => {
                    self.owed = false;
                    return Ok(answer);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(TransportError::Removed),
                Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => return Err(TransportError::Cancelled),
                Err(RecvTimeoutError::Timeout) if begun.elapsed() >= patience => {
                    return Err(TransportError::Timeout { phase: TimeoutPhase::Silence, after: patience });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Card for Courier {
    fn transmit(&mut self, apdu: &[u8], patience: Duration, cancel: &Cancel) -> Result<Vec<u8>, TransportError> {
        if self.owed {
            // What it says to a request that was given up is nobody's.
            drop(self.answer(patience, cancel)?);
        }
        self.owed = true;
        let apdus = self.apdus.as_ref().ok_or(TransportError::Removed)?;
        apdus.send(apdu.to_vec()).map_err(|_| TransportError::Removed)?;
        self.answer(patience, cancel)?
    }
}

impl Drop for Courier {
    /// The card is free when this returns, unless it still works on something.
    fn drop(&mut self) {
        self.apdus = None;
        if let Some(thread) = self.thread.take().filter(|_| !self.owed)
            && thread.join().is_err()
        {
            tracing::error!("what carries a card's APDUs panicked");
        }
    }
}

fn transmit(card: &pcsc::Card, apdu: &[u8], buffer: &mut [u8]) -> Result<Vec<u8>, TransportError> {
    let answer = card.transmit(apdu, buffer).map(<[u8]>::to_vec).map_err(|error| match error {
        // What a reader says of a card that is taken away in the middle of an APDU.
        Error::NotTransacted | Error::CommError | Error::UnpoweredCard | Error::InvalidHandle
            if card.status2_owned().is_err() =>
        {
            TransportError::Removed
        }
        error => failed("the card", error),
    });
    // Requests carry encrypted PINs, answers carry tokens.
    zeroize::Zeroize::zeroize(buffer);
    answer
}
