//! A key for tests that says what a script has it say, right or wrong, in virtual time.
//!
//! Nothing waits: when there is nothing to read, the clock moves on by the read's time limit. It refuses to be clever: what it
//! says to a request is the script's alone, INIT included.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::frame::{Assembly, ChannelId, Command, Message, Packet, Progress, packets};
use super::{Clock, Pipe, PipeError, Report};

/// The channel that [`init_answer`] gives.
pub(crate) const CHANNEL: ChannelId = ChannelId([0x11, 0x22, 0x33, 0x44]);

/// Another program's channel.
pub(crate) const FOREIGN: ChannelId = ChannelId([0x55, 0x66, 0x77, 0x88]);

/// Time that moves only when somebody waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct VirtualClock(Arc<Mutex<Duration>>);

impl VirtualClock {
    pub(crate) fn advance(&self, by: Duration) {
        *locked(&self.0) += by;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        *locked(&self.0)
    }
}

/// A request as it reached the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) at: Duration,
    pub(crate) channel: ChannelId,
    pub(crate) command: Command,
    pub(crate) data: Vec<u8>,
}

/// What the key does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Say {
    /// Sends a report.
    Report(Report),
    /// Sends nothing for this long.
    Pause(Duration),
    /// Sends this report for ever, once in each such time.
    Every(Duration, Report),
    /// Is pulled.
    Vanish,
}

/// A message on a channel, as the reports it takes.
pub(crate) fn say(channel: ChannelId, command: Command, data: &[u8]) -> Vec<Say> {
    packets(channel, command, data).unwrap().map(Say::Report).collect()
}

/// KEEPALIVE on our channel.
pub(crate) fn keepalive(status: u8) -> Report {
    packets(CHANNEL, Command::Keepalive, &[status]).unwrap().next().unwrap()
}

/// The answer of a sound key to CTAPHID_INIT: [`CHANNEL`], or the channel on which it was asked; it winks and speaks CBOR.
pub(crate) fn init_answer(heard: &Heard) -> Vec<Say> {
    let granted = if heard.channel == ChannelId::BROADCAST { CHANNEL } else { heard.channel };
    let data = [&heard.data[..], &granted.0, &[2, 5, 7, 1, 0x05]].concat();
    say(heard.channel, Command::Init, &data)
}

/// What was heard, to look at after the key has been given away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Heard>>>);

impl Log {
    pub(crate) fn heard(&self) -> Vec<Heard> {
        locked(&self.0).clone()
    }

    pub(crate) fn commands(&self) -> Vec<Command> {
        locked(&self.0).iter().map(|heard| heard.command).collect()
    }
}

type Script = Box<dyn FnMut(&Heard) -> Vec<Say> + Send>;

/// The key's pipe.
pub(crate) struct ScriptedPipe {
    script: Script,
    clock: VirtualClock,
    log: Log,
    request: Option<(ChannelId, Assembly)>,
    due: VecDeque<(Duration, Say)>,
    vanished: bool,
}

impl ScriptedPipe {
    /// A key that answers each whole request with what `script` says.
    pub(crate) fn new(script: impl FnMut(&Heard) -> Vec<Say> + Send + 'static) -> Self {
        Self {
            script: Box::new(script),
            clock: VirtualClock::default(),
            log: Log::default(),
            request: None,
            due: VecDeque::new(),
            vanished: false,
        }
    }

    /// A key that answers INIT as it should, and everything else with what `script` says.
    pub(crate) fn after_init(mut script: impl FnMut(&Heard) -> Vec<Say> + Send + 'static) -> Self {
        Self::new(move |heard| match heard.command {
            Command::Init => init_answer(heard),
            _ => script(heard),
        })
    }

    pub(crate) fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    pub(crate) fn log(&self) -> Log {
        self.log.clone()
    }

    fn hear(&mut self, report: &Report) -> Option<Heard> {
        let channel = Packet::parse(report).channel();
        let begins = matches!(Packet::parse(report), Packet::Initialization { .. });
        let (on, assembly) = match self.request.take() {
            Some(request) if !begins => request,
            _ => (channel, Assembly::new(channel)),
        };
        let (on, assembly) = self.request.insert((on, assembly));
        match assembly.push(report).expect("the host's packets are sound") {
            Progress::Skipped => panic!("the host sent a packet on {channel:?} in a message on {on:?}"),
            Progress::Partial => None,
            Progress::Whole(Message { command, data }) => {
                self.request = None;
                Some(Heard { at: self.clock.now(), channel, command, data })
            }
        }
    }
}

impl Pipe for ScriptedPipe {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        if self.vanished {
            return Err(PipeError::Removed);
        }
        if let Some(heard) = self.hear(report) {
            locked(&self.log.0).push(heard.clone());
            let mut at = self.clock.now();
            for say in (self.script)(&heard) {
                match say {
                    Say::Pause(pause) => at += pause,
                    say => self.due.push_back((at, say)),
                }
            }
            self.due.make_contiguous().sort_by_key(|(at, _)| *at);
        }
        Ok(())
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        if self.vanished {
            return Err(PipeError::Removed);
        }
        let now = self.clock.now();
        let Some((at, say)) = self.due.pop_front_if(|(at, _)| *at <= now + timeout) else {
            self.clock.advance(timeout);
            return Ok(None);
        };
        self.clock.advance(at.saturating_sub(now));
        match say {
            Say::Report(report) => Ok(Some(report)),
            Say::Every(period, report) => {
                self.due.push_back((at + period, Say::Every(period, report)));
                self.due.make_contiguous().sort_by_key(|(at, _)| *at);
                Ok(Some(report))
            }
            Say::Vanish => {
                self.vanished = true;
                Err(PipeError::Removed)
            }
            Say::Pause(_) => unreachable!("a pause is only ever added to the time of what follows"),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
