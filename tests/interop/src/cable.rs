//! What connects programs, firmware and the hand on the key: reports both ways, power, the button.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keywright_fido::hid::Report;

/// What the button tells when the firmware asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserPresence {
    /// Pressed, and long enough for anything.
    Pressed,
    /// Not there.
    Away,
}

/// What the USB side of the firmware has to see to.
pub(crate) enum Event {
    Report(Report),
    /// The application has answered.
    Answered,
    /// Nothing came for as long as asked.
    Quiet,
}

pub(crate) struct HidConnection {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Counts the pluggings in, from 1. It names one power cycle.
    attach: u64,
    plugged: bool,
    plugged_at: Instant,
    /// How much later it is on the key's clock.
    advanced: Duration,
    running: Option<u64>,
    to_key: VecDeque<Report>,
    asked: bool,
    answered: bool,
    pipes: BTreeMap<u64, VecDeque<Report>>,
    next_pipe: u64,
    finger: UserPresence,
    waiting: bool,
}

impl State {
    fn powered(&self, attach: u64) -> bool {
        self.plugged && self.attach == attach
    }
}

impl HidConnection {
    pub(crate) fn new() -> Self {
        let state = State {
            attach: 1,
            plugged: true,
            plugged_at: Instant::now(),
            advanced: Duration::ZERO,
            running: None,
            to_key: VecDeque::new(),
            asked: false,
            answered: false,
            pipes: BTreeMap::new(),
            next_pipe: 0,
            finger: UserPresence::Pressed,
            waiting: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and wakes whoever waits for it.
    fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let changed = work(&mut self.lock());
        self.changed.notify_all();
        changed
    }

    /// Waits until `look` sees something, at most for `most`.
    fn wait<T>(&self, most: Duration, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(seen) = look(&mut state) {
                return Some(seen);
            }
            let left = most.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    // ---- The hand

    pub(crate) fn attach(&self) -> Option<u64> {
        let state = self.lock();
        state.plugged.then_some(state.attach)
    }

    pub(crate) fn pull(&self) {
        self.change(|state| {
            state.plugged = false;
            state.to_key.clear();
            state.pipes.clear();
            (state.asked, state.answered, state.waiting) = (false, false, false);
        });
    }

    pub(crate) fn plug(&self) {
        self.change(|state| {
            if !state.plugged {
                state.plugged = true;
                state.attach += 1;
                state.plugged_at = Instant::now();
                state.advanced = Duration::ZERO;
            }
        });
    }

    pub(crate) fn put_finger(&self, finger: UserPresence) {
        self.change(|state| state.finger = finger);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.change(|state| state.advanced += by);
    }

    /// Whether the key comes to wait for its button within `most`.
    pub(crate) fn comes_to_wait(&self, most: Duration) -> bool {
        self.wait(most, |state| state.waiting.then_some(())).is_some()
    }

    // ---- A program's end

    pub(crate) fn open(&self, attach: u64) -> Option<u64> {
        self.change(|state| {
            state.powered(attach).then(|| {
                state.next_pipe += 1;
                state.pipes.insert(state.next_pipe, VecDeque::new());
                state.next_pipe
            })
        })
    }

    pub(crate) fn close(&self, pipe: u64) {
        self.change(|state| state.pipes.remove(&pipe));
    }

    /// Whether the key was there to take it.
    pub(crate) fn send(&self, attach: u64, report: &Report) -> bool {
        self.change(|state| {
            let powered = state.powered(attach);
            if powered {
                state.to_key.push_back(*report);
            }
            powered
        })
    }

    /// `Some(None)` if none came in time, `None` if the key is gone.
    pub(crate) fn receive(&self, attach: u64, pipe: u64, timeout: Duration) -> Option<Option<Report>> {
        let look = |state: &mut State| match state.powered(attach) {
            false => Some(None),
            true => state.pipes.get_mut(&pipe)?.pop_front().map(Some),
        };
        match self.wait(timeout, look) {
            Some(Some(report)) => Some(Some(report)),
            Some(None) => None,
            None => Some(None),
        }
    }

    // ---- The firmware's end

    /// Says that this power cycle's firmware runs. False if it already does.
    pub(crate) fn start(&self, attach: u64) -> bool {
        self.lock().running.replace(attach) != Some(attach)
    }

    /// What the USB side does next; `None` without power.
    pub(crate) fn next(&self, attach: u64, most: Duration) -> Option<Event> {
        let seen = self.wait(most, |state| {
            if !state.powered(attach) {
                return Some(None);
            }
            if std::mem::take(&mut state.answered) {
                return Some(Some(Event::Answered));
            }
            state.to_key.pop_front().map(|report| Some(Event::Report(report)))
        });
        seen.unwrap_or(Some(Event::Quiet))
    }

    /// To every program that has the key open, as hidraw does it.
    pub(crate) fn broadcast(&self, attach: u64, report: &Report) {
        self.change(|state| {
            if state.powered(attach) {
                state.pipes.values_mut().for_each(|queue| queue.push_back(*report));
            }
        });
    }

    /// A request is there for the application.
    pub(crate) fn ask(&self) {
        self.change(|state| state.asked = true);
    }

    /// Waits for a request; false without power.
    pub(crate) fn asked(&self, attach: u64) -> bool {
        let look = |state: &mut State| match state.powered(attach) {
            false => Some(false),
            true => std::mem::take(&mut state.asked).then_some(true),
        };
        self.wait(Duration::MAX, look).unwrap_or(false)
    }

    pub(crate) fn answer(&self, attach: u64) {
        self.change(|state| state.answered = state.powered(attach));
    }

    pub(crate) fn set_waiting(&self, attach: u64, waiting: bool) {
        self.change(|state| state.waiting = waiting && state.powered(attach));
    }

    pub(crate) fn waiting(&self) -> bool {
        self.lock().waiting
    }

    pub(crate) fn pressed(&self, attach: u64) -> bool {
        let state = self.lock();
        state.powered(attach) && state.finger == UserPresence::Pressed
    }

    /// Lets some time pass while the firmware looks at its button.
    pub(crate) fn rest(&self, attach: u64, most: Duration) {
        self.wait(most, |state| (!state.powered(attach) || state.finger == UserPresence::Pressed).then_some(()));
    }

    /// Time since power-up. Without power it has all passed, so that nothing waits on.
    pub(crate) fn uptime(&self, attach: u64) -> Duration {
        let state = self.lock();
        if state.powered(attach) {
            state.plugged_at.elapsed() + state.advanced
        } else {
            Duration::from_secs(u32::MAX.into())
        }
    }
}
