//! The cable between the pipes and the firmware's thread: reports both ways, power, touch, and the scripted pull.
//!
//! Every pipe sees every report of the key, as hidraw does it. What belongs to an earlier plugging in reaches nobody.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Touch;
use super::clock::SoftClock;
use super::lock::Lease;
use keywright_fido::hid::Report;

/// Reports that wait for a pipe that nobody reads; beyond it the oldest is lost. A whole answer has 129.
const QUEUE: usize = 1024;

/// Locks, and goes on after a panic elsewhere: all state here is whole between statements.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// At which CTAP2 request a scripted pull happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The n-th request from now, counted from 1.
    Request(u64),
    /// The next request with this command byte, such as 0x01 for authenticatorMakeCredential.
    Command(u8),
}

/// On which side of the request's work a scripted pull happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The key does nothing of what was asked.
    Before,
    /// The key has done and stored everything; only the answer is lost.
    After,
}

/// What a look at the finger gave.
pub(super) enum Waited {
    Touched,
    Declined,
    Packet(Report),
    NotYet,
    Unpowered,
}

pub(super) struct Wire {
    pub(super) clock: SoftClock,
    state: Mutex<State>,
    to_key: Condvar,
    to_host: Condvar,
}

struct State {
    /// Counts the pluggings in, from 1. It names one power cycle.
    attach: u64,
    plugged: bool,
    plugged_at: Duration,
    /// The power cycle whose firmware runs.
    running: Option<u64>,
    inbox: VecDeque<(Report, Lease)>,
    pipes: BTreeMap<u64, VecDeque<Report>>,
    next_pipe: u64,
    touch: Touch,
    touches: u64,
    waiting: bool,
    requests: u64,
    pull: Option<(Moment, Side)>,
}

impl State {
    fn powered(&self, attach: u64) -> bool {
        self.plugged && self.attach == attach
    }
}

impl Wire {
    pub(super) fn new() -> Self {
        let clock = SoftClock::new();
        let state = State {
            attach: 1,
            plugged: true,
            plugged_at: clock.now(),
            running: None,
            inbox: VecDeque::new(),
            pipes: BTreeMap::new(),
            next_pipe: 0,
            touch: Touch::After(Duration::ZERO),
            touches: 0,
            waiting: false,
            requests: 0,
            pull: None,
        };
        Self { clock, state: Mutex::new(state), to_key: Condvar::new(), to_host: Condvar::new() }
    }

    fn changed(&self) {
        self.to_key.notify_all();
        self.to_host.notify_all();
    }

    // ---- The hand that plugs, pulls and touches

    /// The power cycle that is on, if the key is plugged in.
    pub(super) fn attach(&self) -> Option<u64> {
        let state = lock(&self.state);
        state.plugged.then_some(state.attach)
    }

    pub(super) fn plugged_at(&self) -> Duration {
        lock(&self.state).plugged_at
    }

    pub(super) fn plug(&self) {
        let mut state = lock(&self.state);
        if !state.plugged {
            state.plugged = true;
            state.attach += 1;
            state.plugged_at = self.clock.now();
        }
    }

    /// Ends the power cycle that is on.
    pub(super) fn pull(&self) {
        self.pull_in(&mut lock(&self.state));
    }

    /// Ends this power cycle if it is still on.
    pub(super) fn pull_if(&self, attach: u64) {
        let mut state = lock(&self.state);
        if state.powered(attach) {
            self.pull_in(&mut state);
        }
    }

    fn pull_in(&self, state: &mut State) {
        state.plugged = false;
        state.inbox.clear();
        state.pipes.clear();
        state.waiting = false;
        self.changed();
    }

    pub(super) fn script_pull(&self, moment: Moment, side: Side) {
        lock(&self.state).pull = Some((moment, side));
    }

    pub(super) fn pull_pending(&self) -> bool {
        lock(&self.state).pull.is_some()
    }

    pub(super) fn set_touch(&self, touch: Touch) {
        lock(&self.state).touch = touch;
        self.changed();
    }

    pub(super) fn touches(&self) -> u64 {
        lock(&self.state).touches
    }

    pub(super) fn waiting(&self) -> bool {
        lock(&self.state).waiting
    }

    pub(super) fn requests(&self) -> u64 {
        lock(&self.state).requests
    }

    pub(super) fn advance(&self, by: Duration) {
        let _state = lock(&self.state);
        self.clock.advance(by);
        self.changed();
    }

    // ---- The host's end

    /// A new pipe on this power cycle, or `None` if it is over.
    pub(super) fn attach_pipe(&self, attach: u64) -> Option<u64> {
        let mut state = lock(&self.state);
        if !state.powered(attach) {
            return None;
        }
        state.next_pipe += 1;
        let id = state.next_pipe;
        state.pipes.insert(id, VecDeque::new());
        Some(id)
    }

    pub(super) fn detach_pipe(&self, pipe: u64) {
        lock(&self.state).pipes.remove(&pipe);
    }

    /// Whether the key was there to take it. The report keeps the state file locked until it was acted on.
    pub(super) fn send(&self, attach: u64, report: &Report, lease: &Lease) -> bool {
        let mut state = lock(&self.state);
        if !state.powered(attach) {
            return false;
        }
        state.inbox.push_back((*report, lease.clone()));
        self.to_key.notify_all();
        true
    }

    /// The pipe's next report, `Some(None)` if none came in time, `None` if the key is gone.
    pub(super) fn receive(&self, attach: u64, pipe: u64, timeout: Duration) -> Option<Option<Report>> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = lock(&self.state);
        loop {
            if !state.powered(attach) {
                return None;
            }
            if let Some(report) = state.pipes.get_mut(&pipe).and_then(VecDeque::pop_front) {
                return Some(Some(report));
            }
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Some(None);
            }
            state = self.sleep(&self.to_host, state, left);
        }
    }

    // ---- The firmware's end

    /// Says that this power cycle's firmware runs. False if it already does.
    pub(super) fn start(&self, attach: u64) -> bool {
        lock(&self.state).running.replace(attach) != Some(attach)
    }

    /// Takes [`Self::start`] back: no thread could be had.
    pub(super) fn not_started(&self) {
        lock(&self.state).running = None;
    }

    /// The next report for the firmware; `None` when its power cycle is over.
    pub(super) fn next(&self, attach: u64) -> Option<(Report, Lease)> {
        let mut state = lock(&self.state);
        loop {
            if !state.powered(attach) {
                return None;
            }
            if let Some(next) = state.inbox.pop_front() {
                return Some(next);
            }
            state = self.to_key.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sends a report to every pipe.
    pub(super) fn broadcast(&self, attach: u64, report: &Report) {
        let mut state = lock(&self.state);
        if state.powered(attach) {
            for queue in state.pipes.values_mut() {
                if queue.len() == QUEUE {
                    queue.pop_front();
                }
                queue.push_back(*report);
            }
            self.to_host.notify_all();
        }
    }

    pub(super) fn powered(&self, attach: u64) -> bool {
        lock(&self.state).powered(attach)
    }

    /// Counts a request, and says on which side of it the key is to be pulled, if the script says so.
    pub(super) fn request(&self, command: Option<u8>) -> Option<Side> {
        let mut state = lock(&self.state);
        state.requests += 1;
        let (moment, side) = state.pull?;
        let now = match moment {
            Moment::Command(wanted) => command == Some(wanted),
            Moment::Request(left) => {
                state.pull = Some((Moment::Request(left.saturating_sub(1)), side));
                left <= 1
            }
        };
        if now {
            state.pull = None;
        }
        now.then_some(side)
    }

    pub(super) fn set_waiting(&self, attach: u64, waiting: bool) {
        let mut state = lock(&self.state);
        if state.powered(attach) {
            state.waiting = waiting;
        }
    }

    /// Looks at the finger for at most `timeout` of real time. `since` is when the key began to ask, on its clock.
    pub(super) fn finger(&self, attach: u64, since: Duration, timeout: Duration) -> Waited {
        let deadline = Instant::now() + timeout;
        let offset = self.clock.offset();
        let mut state = lock(&self.state);
        loop {
            if !state.powered(attach) {
                return Waited::Unpowered;
            }
            let mut left = deadline.saturating_duration_since(Instant::now());
            match state.touch {
                Touch::Declined => return Waited::Declined,
                Touch::Never => {}
                Touch::After(delay) => {
                    let remaining = (since + delay).saturating_sub(self.clock.now());
                    if remaining.is_zero() {
                        state.touches += 1;
                        return Waited::Touched;
                    }
                    left = left.min(remaining);
                }
            }
            if let Some((report, _)) = state.inbox.pop_front() {
                return Waited::Packet(report);
            }
            // A moved clock may have run out the firmware's own 30 s: let it look.
            if Instant::now() >= deadline || self.clock.offset() != offset {
                return Waited::NotYet;
            }
            state = self.sleep(&self.to_key, state, left);
        }
    }

    fn sleep<'a>(&self, on: &Condvar, state: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        on.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
    }
}
