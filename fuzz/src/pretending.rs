//! Something on the bus that need not be a key: it sends the reports that the fuzzer says, right or wrong, in virtual time.
//!
//! The bytes are a list of acts, each a byte that names it and what belongs to it:
//!
//! | act | what follows | what it does |
//! |---|---|---|
//! | 0 | n, n bytes | sends these bytes as a report on the channel that the host used last |
//! | 1 | n, n bytes | sends these bytes as a report |
//! | 2 | n, n bytes | answers the last INIT: its nonce, and these bytes |
//! | 3 | command, n, one byte | sends a sound message of 32 n times this byte on the host's channel |
//! | 4 | n | is silent for n times 50 ms |
//! | 5 | n, n bytes | sends act 0's report every 50 ms from then on, for ever |
//! | 6 | | is pulled |
//!
//! Other numbers mean these by their remainder; when the bytes end, it is silent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keywright_fido::hid::frame::{ChannelId, Command, Packet, packets};
use keywright_fido::hid::{Clock, Pipe, PipeError, Report};

const TICK: Duration = Duration::from_millis(50);

/// What both the pipe and the clock have to know, and the target afterwards.
#[derive(Debug, Default)]
struct Scene {
    now: Duration,
    channel: [u8; 4],
    nonce: Vec<u8>,
    sent: Vec<Report>,
}

/// A look at the bus from outside.
#[derive(Debug, Clone, Default)]
pub struct Bystander(Arc<Mutex<Scene>>);

impl Bystander {
    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message on the host's channel that a plain reading of the reports since its last request gives: the last
    /// initialization packet, and all that continues it.
    pub fn last_message(&self) -> Option<(Command, Vec<u8>)> {
        let scene = self.scene();
        let mut message: Option<(Command, usize, Vec<u8>)> = None;
        for report in &scene.sent {
            match Packet::parse(report) {
                packet if packet.channel() != ChannelId(scene.channel) => {}
                Packet::Initialization { command, length, data, .. } => {
                    message = Some((command, length, data.to_vec()))
                }
                Packet::Continuation { data, .. } => {
                    message.iter_mut().for_each(|(_, _, begun)| begun.extend_from_slice(data));
                }
            }
        }
        message.map(|(command, length, mut data)| {
            data.truncate(length);
            (command, data)
        })
    }
}

impl Clock for Bystander {
    fn now(&self) -> Duration {
        self.scene().now
    }
}

/// The pipe.
pub struct Pretending {
    acts: Vec<u8>,
    at: usize,
    queue: Vec<Report>,
    silence: Duration,
    refrain: Option<Report>,
    pulled: bool,
    bystander: Bystander,
}

impl Pretending {
    /// Something that does these acts.
    pub fn new(acts: Vec<u8>) -> Self {
        Self {
            acts,
            at: 0,
            queue: Vec::new(),
            silence: Duration::ZERO,
            refrain: None,
            pulled: false,
            bystander: Bystander::default(),
        }
    }

    /// The clock, and the witness.
    pub fn bystander(&self) -> Bystander {
        self.bystander.clone()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.acts.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(self.byte()?);
        let end = (self.at + length).min(self.acts.len());
        let bytes = self.acts[self.at..end].to_vec();
        self.at = end;
        Some(bytes)
    }

    /// Does the next act. `None` when there is no more.
    fn act(&mut self) -> Option<()> {
        let (channel, nonce) = {
            let scene = self.bystander.scene();
            (scene.channel, scene.nonce.clone())
        };
        match self.byte()? % 7 {
            0 => {
                let bytes = self.bytes()?;
                self.queue.push(report(&[&channel[..], &bytes].concat()));
            }
            1 => {
                let bytes = self.bytes()?;
                self.queue.push(report(&bytes));
            }
            2 => {
                let bytes = [nonce, self.bytes()?].concat();
                self.queue.push(report(&[&channel[..], &[0x86, 0, bytes.len() as u8], &bytes].concat()));
            }
            3 => {
                let (command, length, byte) = (self.byte()?, self.byte()?, self.byte()?);
                let message = vec![byte; usize::from(length) * 32];
                self.queue.extend(packets(ChannelId(channel), command.into(), &message).into_iter().flatten());
                // The last comes out first.
                self.queue.reverse();
            }
            4 => self.silence = TICK * u32::from(self.byte()?),
            5 => {
                let bytes = self.bytes()?;
                self.refrain = Some(report(&[&channel[..], &bytes].concat()));
            }
            _ => self.pulled = true,
        }
        Some(())
    }
}

impl Pipe for Pretending {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        if self.pulled {
            return Err(PipeError::Removed);
        }
        let mut scene = self.bystander.scene();
        scene.sent.clear();
        let packet = Packet::parse(report);
        scene.channel = packet.channel().0;
        if let Packet::Initialization { command: Command::Init, data, .. } = packet {
            scene.nonce = data[..8].to_vec();
        }
        Ok(())
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        // Before a request the host throws away what is there, and waits for nothing: acts would be lost on it.
        let waits = !timeout.is_zero();
        while waits && self.queue.is_empty() && self.silence.is_zero() && !self.pulled && self.act().is_some() {}
        if self.pulled {
            return Err(PipeError::Removed);
        }
        if let Some(report) = self.queue.pop() {
            self.bystander.scene().sent.push(report);
            return Ok(Some(report));
        }
        let mut scene = self.bystander.scene();
        if let (Some(report), true) = (self.refrain, timeout >= TICK && self.silence.is_zero()) {
            scene.now += TICK;
            scene.sent.push(report);
            return Ok(Some(report));
        }
        let passed = if self.silence.is_zero() { timeout } else { timeout.min(self.silence) };
        self.silence -= passed.min(self.silence);
        scene.now += passed;
        Ok(None)
    }
}

fn report(bytes: &[u8]) -> Report {
    let mut report = [0; 64];
    report.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    report
}

#[cfg(test)]
mod tests {
    use keywright_fido::hid::{Cancel, Channel, Limits};

    use super::*;

    /// Otherwise the target would never see an answer, and compare nothing.
    #[test]
    fn it_can_be_a_sound_key() {
        let granted: &[u8] = &[2, 9, 0x11, 0x22, 0x33, 0x44, 2, 5, 7, 1, 0x05];
        let acts = [granted, &[3, 0x10, 1, 0], &[0, 4, 0xbb, 0, 1, 2], &[3, 0x10, 200, 7]].concat();
        let pipe = Pretending::new(acts);
        let bystander = pipe.bystander();
        let clock = Box::new(bystander.clone());
        let mut channel =
            Channel::open_with(Box::new(pipe), Limits::default(), Cancel::default(), clock).expect("INIT is answered");
        for answer in [vec![0; 32], vec![7; 6400]] {
            assert_eq!(channel.cbor(&[4], &mut |_| {}), Ok(answer.clone()));
            assert_eq!(bystander.last_message(), Some((Command::Cbor, answer)));
        }
    }
}
