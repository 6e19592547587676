//! CTAPHID: one channel to one key (CTAP 2.1, 11.2).
//!
//! Every exchange has a silence limit and a total limit, and can be cancelled. An exchange that was given up leaves nothing
//! behind that the next one could take for its own answer. It refuses packets of other channels, and to repeat a request that
//! the key may have acted on. It repeats one after ERR_CHANNEL_BUSY, with which the key says that it did not look at it, and
//! after ERR_INVALID_SEQ that comes before the request's last packet was sent: the key never had the whole of it. The same
//! error after that packet proves nothing, and neither does silence, as of keys that drop what comes while they still send.

#[cfg(test)]
mod tests;

use std::time::Duration;

use rand_core::{OsRng, RngCore as _};
use tracing::trace;

use super::clock::{Clock, Monotonic};
use super::frame::{Assembly, ChannelId, Command, Packet, Progress, packets};
use super::{CtapHidErrorCode, Limits, Pipe, Report};
use crate::ctap::transport::{Keepalive, TimeoutPhase, TransportError};
use keywright_files::Cancel;

/// The longest single read, so that [`Cancel`] is seen soon.
const SLICE: Duration = Duration::from_millis(100);

/// How long the answer to a cancelled request is waited for. Keys look for CANCEL about every 100 ms.
const DRAIN: Duration = Duration::from_millis(500);

/// ERR_CHANNEL_BUSY, or the 0x00 that Nitrokey 3 and Solo 2 (usbd-ctaphid 0.5) send for it and for nothing else.
const BUSY: [u16; 2] = [0x06, 0x00];

/// The first wait after ERR_CHANNEL_BUSY. Each one is twice the last, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(25);
const LONGEST_WAIT: Duration = Duration::from_millis(400);

/// How often a request is sent again that was cut off by ERR_INVALID_SEQ: some keys take another program's packet between two
/// of ours for one of ours.
const CUT_OFFS: u32 = 3;

/// Reports thrown away before a request. Four times what Linux keeps for a reader (64), so that a chatty neighbour cannot
/// hold us here.
const STALE_REPORTS: usize = 256;

/// Capability bits in the answer to CTAPHID_INIT (CTAP 2.1, 11.2.9.1.3).
const CAPABILITY_WINK: u8 = 0x01;
const CAPABILITY_CBOR: u8 = 0x04;

/// A channel that a key gave us.
pub struct Channel {
    pipe: Box<dyn Pipe>,
    limits: Limits,
    cancel: Cancel,
    clock: Box<dyn Clock>,
    id: ChannelId,
    capabilities: u8,
    /// The answer to a request that was given up may still come. Before the next request CTAPHID_INIT on our own channel has
    /// the key forget it.
    unsettled: bool,
}

impl Channel {
    /// Asks the key for a channel with CTAPHID_INIT and a fresh nonce.
    pub fn open(pipe: Box<dyn Pipe>, limits: Limits, cancel: Cancel) -> Result<Self, TransportError> {
        Self::open_with(pipe, limits, cancel, Box::new(Monotonic::default()))
    }

    /// [`Channel::open`] with a clock of the caller's. All waiting is done in [`Pipe::read`].
    pub fn open_with(
        pipe: Box<dyn Pipe>,
        limits: Limits,
        cancel: Cancel,
        clock: Box<dyn Clock>,
    ) -> Result<Self, TransportError> {
        let id = ChannelId::BROADCAST;
        let mut channel = Self { pipe, limits, cancel, clock, id, capabilities: 0, unsettled: false };
        channel.initialize()?;
        Ok(channel)
    }

    /// Sends one CTAP2 request (command byte and CBOR, at most 7609 bytes) and returns the answer (status byte and CBOR, at
    /// least the former). `keepalive` hears every KEEPALIVE.
    ///
    /// After [`TransportError::Cancelled`], [`TransportError::Timeout`] and [`TransportError::Protocol`] the key was told to stop, but it may have
    /// done what was asked: whoever needs to know has to look.
    pub fn cbor(&mut self, request: &[u8], keepalive: &mut dyn FnMut(Keepalive)) -> Result<Vec<u8>, TransportError> {
        let answer = self.exchange(Command::Cbor, request, keepalive)?;
        if answer.is_empty() {
            return Err(TransportError::Protocol("an answer to CBOR has no status byte"));
        }
        Ok(answer)
    }

    /// Has the key send the bytes back. Fails with [`TransportError::Protocol`] if others come.
    pub fn ping(&mut self, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.exchange(Command::Ping, data, &mut |_| ())?;
        if answer != data {
            return Err(TransportError::Protocol("PING returned other bytes"));
        }
        Ok(answer)
    }

    /// Has the key show itself, if it can ([`Channel::can_wink`]).
    pub fn wink(&mut self) -> Result<(), TransportError> {
        self.exchange(Command::Wink, &[], &mut |_| ()).map(drop)
    }

    /// Whether the key said that it can wink (capability bit 0).
    pub fn can_wink(&self) -> bool {
        self.capabilities & CAPABILITY_WINK != 0
    }

    /// Whether the key said that it speaks CTAP2 (capability bit 2).
    pub fn speaks_cbor(&self) -> bool {
        self.capabilities & CAPABILITY_CBOR != 0
    }

    fn exchange(
        &mut self,
        command: Command,
        request: &[u8],
        keepalive: &mut dyn FnMut(Keepalive),
    ) -> Result<Vec<u8>, TransportError> {
        let mut cut_offs = 0;
        loop {
            match self.attempt(command, request, keepalive)? {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::CutOff if cut_offs == CUT_OFFS => {
                    return Err(CtapHidErrorCode::InvalidSeq.into());
                }
                Attempt::CutOff => cut_offs += 1,
            }
        }
    }

    fn attempt(
        &mut self,
        command: Command,
        request: &[u8],
        keepalive: &mut dyn FnMut(Keepalive),
    ) -> Result<Attempt, TransportError> {
        if self.unsettled {
            self.initialize()?;
        }
        let reports: Vec<Report> = packets(self.id, command, request)?.collect();
        self.while_busy(|channel, end| {
            channel.discard_stale_reports()?;
            trace!(channel = ?channel.id, ?command, length = request.len(), "to the key");
            let answer = match channel.send(&reports, end) {
                Ok(Sent::Whole) => channel.receive(command, end, keepalive).map(Attempt::Answered),
                Ok(Sent::Partly(CtapHidErrorCode::InvalidSeq)) => {
                    trace!(channel = ?channel.id, "the key lost its place in the request");
                    // It may be waiting for the rest.
                    channel.unsettled = true;
                    Ok(Attempt::CutOff)
                }
                Ok(Sent::Partly(code)) => Err(code.into()),
                Err(error) => Err(error),
            };
            if let Err(error) = &answer {
                channel.after(error);
            }
            answer
        })
    }

    /// Asks for a channel, or, if we have one, for a fresh start on it (CTAP 2.1, 11.2.9.1.3).
    fn initialize(&mut self) -> Result<(), TransportError> {
        self.while_busy(|channel, end| {
            let mut nonce = [0; 8];
            // From the system: aws-lc's generator takes 60 ms to start, in each process, and this is the first use of one.
            OsRng.try_fill_bytes(&mut nonce).map_err(|_| TransportError::System("no randomness for a nonce".into()))?;
            let reports: Vec<Report> = packets(channel.id, Command::Init, &nonce)?.collect();
            channel.discard_stale_reports()?;
            trace!(channel = ?channel.id, command = ?Command::Init, length = nonce.len(), "to the key");
            channel.send(&reports, end)?;
            let granted = channel.receive_channel(&nonce, end)?;
            (channel.id, channel.capabilities, channel.unsettled) = (granted.id, granted.capabilities, false);
            Ok(())
        })
    }

    /// Reads until the answer to CTAPHID_INIT with our nonce comes. Everything else is another program's, or too late.
    fn receive_channel(&mut self, nonce: &[u8; 8], end: Duration) -> Result<Granted, TransportError> {
        let quiet = self.quiet();
        // An ERROR on the broadcast channel has no nonce. It is taken for ours only if nothing better comes.
        let mut refusal = None;
        loop {
            let report = match self.next_report(quiet, end) {
                Ok(Some(report)) => report,
                Ok(None) => continue,
                Err(silent @ TransportError::Timeout { phase: TimeoutPhase::Silence, .. }) => {
                    return Err(refusal.map_or(silent, TransportError::from));
                }
                Err(error) => return Err(error),
            };
            let Packet::Initialization { channel, command, length, data } = Packet::parse(&report) else { continue };
            if channel != self.id {
                continue;
            }
            match command {
                Command::Init if data.starts_with(nonce) => {
                    trace!(?channel, ?command, length, "from the key");
                    return Granted::parse(length, data);
                }
                Command::Error => match CtapHidErrorCode::from(data[0]) {
                    code if BUSY.contains(&code.code().into()) => return Err(code.into()),
                    code => refusal = Some(code),
                },
                _ => {}
            }
        }
    }

    /// Repeats an attempt that was answered with ERR_CHANNEL_BUSY, waiting longer each time. `attempt` is told the time at
    /// which everything must be over.
    fn while_busy<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self, Duration) -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let end = self.clock.now().saturating_add(self.limits.total);
        let mut patience_end = None;
        let mut wait = FIRST_WAIT;
        loop {
            self.watch(end)?;
            match attempt(self, end) {
                Err(TransportError::Refused { code, .. }) if BUSY.contains(&code) => {}
                done => return done,
            }
            let now = self.clock.now();
            let patience_end = *patience_end.get_or_insert(now.saturating_add(self.limits.busy));
            if now >= patience_end {
                return Err(TransportError::Busy(self.limits.busy));
            }
            let resume = patience_end.min(now + wait);
            // Reading, not sleeping: Linux drops new reports when 64 wait, and the neighbour who keeps the key busy makes many.
            while self.clock.now() < resume {
                self.read_until(resume, end)?;
            }
            wait = LONGEST_WAIT.min(wait * 2);
        }
    }

    /// Sends a request, until the key refuses it.
    fn send(&mut self, reports: &[Report], end: Duration) -> Result<Sent, TransportError> {
        for (at, report) in reports.iter().enumerate() {
            self.watch(end)?;
            if at > 0
                && let Some(code) = self.refusal()?
            {
                return Ok(Sent::Partly(code));
            }
            self.pipe.write(report)?;
        }
        Ok(Sent::Whole)
    }

    /// What the key says to a request that it does not have the whole of yet: nothing but an error can be meant for it.
    fn refusal(&mut self) -> Result<Option<CtapHidErrorCode>, TransportError> {
        for _ in 0..STALE_REPORTS {
            let Some(report) = self.pipe.read(Duration::ZERO)? else { break };
            if let Packet::Initialization { channel, command: Command::Error, data, .. } = Packet::parse(&report)
                && channel == self.id
            {
                return Ok(Some(data[0].into()));
            }
        }
        Ok(None)
    }

    fn receive(
        &mut self,
        asked: Command,
        end: Duration,
        keepalive: &mut dyn FnMut(Keepalive),
    ) -> Result<Vec<u8>, TransportError> {
        let mut assembly = Assembly::new(self.id);
        let mut quiet = self.quiet();
        loop {
            let Some(report) = self.next_report(quiet, end)? else { continue };
            match assembly.push(&report)? {
                Progress::Skipped => continue,
                Progress::Partial => {}
                Progress::Whole(message) => {
                    trace!(channel = ?self.id, command = ?message.command, length = message.data.len(), "from the key");
                    match (message.command, message.data.first()) {
                        (Command::Keepalive, Some(status)) if asked == Command::Cbor => keepalive(match status {
                            2 => Keepalive::UpNeeded,
                            _ => Keepalive::Processing,
                        }),
                        (Command::Error, Some(code)) => return Err(CtapHidErrorCode::from(*code).into()),
                        (Command::Keepalive | Command::Error, None) => {
                            return Err(TransportError::Protocol("KEEPALIVE or ERROR without its byte"));
                        }
                        (answered, _) if answered == asked => return Ok(message.data),
                        _ => return Err(TransportError::Protocol("an answer to another command")),
                    }
                }
            }
            quiet = self.quiet();
        }
    }

    /// The next report on any channel. `None` if there was none in a slice of the time left.
    fn next_report(&mut self, quiet: Duration, end: Duration) -> Result<Option<Report>, TransportError> {
        if self.clock.now() >= quiet.min(end) {
            self.watch(end)?;
            return Err(TransportError::Timeout { phase: TimeoutPhase::Silence, after: self.limits.silence });
        }
        self.read_until(quiet, end)
    }

    /// One read of at most [`SLICE`], and not beyond either time.
    fn read_until(&mut self, until: Duration, end: Duration) -> Result<Option<Report>, TransportError> {
        self.watch(end)?;
        let left = until.min(end).saturating_sub(self.clock.now());
        Ok(self.pipe.read(SLICE.min(left))?)
    }

    /// Fails if the exchange has to end.
    fn watch(&self, end: Duration) -> Result<(), TransportError> {
        if self.cancel.is_cancelled() {
            return Err(TransportError::Cancelled);
        }
        if self.clock.now() >= end {
            return Err(TransportError::Timeout { phase: TimeoutPhase::Exchange, after: self.limits.total });
        }
        Ok(())
    }

    /// When silence that begins now is too long.
    fn quiet(&self) -> Duration {
        self.clock.now().saturating_add(self.limits.silence)
    }

    /// Throws away what came while nobody listened: other programs' answers, and late ones of ours. It also makes room: Linux
    /// drops new reports when 64 wait.
    fn discard_stale_reports(&mut self) -> Result<(), TransportError> {
        for _ in 0..STALE_REPORTS {
            if self.pipe.read(Duration::ZERO)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Tells the key to stop, unless it has.
    fn after(&mut self, error: &TransportError) {
        match error {
            TransportError::Removed | TransportError::Refused { .. } => {}
            TransportError::Cancelled | TransportError::Timeout { phase: TimeoutPhase::Exchange, .. } => {
                self.unsettled = !(self.send_cancel() && self.drain());
            }
            // A key that is silent or talks nonsense is not waited for.
            _ => {
                self.send_cancel();
                self.unsettled = true;
            }
        }
    }

    /// Sends CTAPHID_CANCEL. It has no answer of its own: the cancelled request is answered with CTAP2_ERR_KEEPALIVE_CANCEL
    /// (CTAP 2.1, 11.2.9.1.5). If it cannot be sent, the error that is being handled says enough.
    fn send_cancel(&mut self) -> bool {
        trace!(channel = ?self.id, command = ?Command::Cancel, "to the key");
        packets(self.id, Command::Cancel, &[])
            .is_ok_and(|mut reports| reports.all(|report| self.pipe.write(&report).is_ok()))
    }

    /// Reads until the cancelled request is answered. Whether it was, within [`DRAIN`].
    fn drain(&mut self) -> bool {
        let end = self.clock.now().saturating_add(DRAIN);
        let mut assembly = Assembly::new(self.id);
        while let Some(left) = end.checked_sub(self.clock.now()).filter(|left| !left.is_zero()) {
            let progress = match self.pipe.read(SLICE.min(left)) {
                Ok(None) => continue,
                Ok(Some(report)) => assembly.push(&report),
                Err(_) => return false,
            };
            match progress {
                Ok(Progress::Whole(message)) if message.command != Command::Keepalive => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    }
}

/// How far a request got.
enum Sent {
    /// The key has all of it.
    Whole,
    /// The key refused it before its last packet was sent.
    Partly(CtapHidErrorCode),
}

/// What came of sending a request once.
enum Attempt {
    /// This answer.
    Answered(Vec<u8>),
    /// Nothing: the key lost its place before it had the whole request.
    CutOff,
}

/// What the answer to CTAPHID_INIT gives.
struct Granted {
    id: ChannelId,
    capabilities: u8,
}

impl Granted {
    /// Nonce (8), channel (4), interface version, three bytes of device version, capabilities: 17 bytes, and perhaps more that
    /// a later version adds.
    fn parse(length: usize, data: &[u8]) -> Result<Self, TransportError> {
        let answer = data.get(..length).ok_or(TransportError::Protocol("an answer to INIT is too long"))?;
        let [_, _, _, _, _, _, _, _, c0, c1, c2, c3, _, _, _, _, capabilities, ..] = *answer else {
            return Err(TransportError::Protocol("an answer to INIT is too short"));
        };
        let id = ChannelId([c0, c1, c2, c3]);
        if id.is_reserved() {
            return Err(TransportError::Protocol("INIT assigned a reserved channel"));
        }
        Ok(Self { id, capabilities })
    }
}
