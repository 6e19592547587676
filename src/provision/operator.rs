//! The door to the person at the machine.

use secrecy::SecretString;

use super::plan::Planned;
use crate::ledger::{Failure, JobId, Step};
use crate::secret::{Delivery, PassNote, SecretError};
use keywright_fido::ctap::Pin;

/// Whose key it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLabel {
    /// The job.
    pub job: JobId,
    /// The login.
    pub account: String,
    /// The person's name.
    pub person: String,
    /// Which of the person's keys: 1, 2, ...
    pub ordinal: usize,
    /// How many keys the profile demands. A person may get more, and a replacement is one more.
    pub of: usize,
    /// Where the key is plugged in.
    pub port: String,
}

impl JobLabel {
    /// `key 1 of 2`, or `key 3` for one that is more than the profile demands.
    pub fn which(&self) -> String {
        let of = if self.ordinal <= self.of { format!(" of {}", self.of) } else { String::new() };
        format!("key {}{of}", self.ordinal)
    }

    /// A job of a planned person, with its key in this port.
    pub(super) fn new(planned: &Planned, job: JobId, ordinal: usize, port: String) -> Self {
        Self {
            job,
            account: planned.login.clone(),
            person: planned.person.display_name().to_owned(),
            ordinal,
            of: planned.profile.keys.required,
            port,
        }
    }
}

/// How the person at the machine tells keys apart that look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identification {
    /// By their ports, as on a hub with numbers: all keys may ask for their touches at once.
    ByPort,
    /// By the one that blinks: of the keys of one model, one at a time is worked on.
    ByTouch,
}

/// The person at the machine: hears what happens, touches keys, answers questions. Called from several threads at once.
pub trait Operator: Send + Sync {
    /// A job's step begins.
    fn step(&self, who: &JobLabel, step: Step);

    /// A job waits until this other one is done with what both need: the registration of one account, or the eye of the person
    /// among keys that look the same.
    fn waits(&self, _who: &JobLabel, _other: &JobLabel) {}

    /// This key waits for a touch (`true`), or no longer does.
    fn touch(&self, who: &JobLabel, needed: bool);

    /// A job ended: `None` if well.
    fn ended(&self, who: &JobLabel, failure: Option<&Failure>);

    /// There is work for more keys than are plugged in and free: new ones for `new`, in this order, and the ones that `begun`
    /// were begun with, whose port is where they were. Said again whenever it changes.
    fn insert_keys(&self, new: &[JobLabel], begun: &[JobLabel]);

    /// Of several keys that look the same, this one is next: it winked if it can, and until another is singled out, no other of
    /// them asks for a touch. Only with [`Identification::ByTouch`].
    fn single_out(&self, who: &JobLabel);

    /// The key in this port has to be pulled out and plugged in again, for a reset.
    fn replug(&self, who: &JobLabel);

    /// May this key be reset? Everything on it will be gone.
    fn may_reset(&self, who: &JobLabel, why: &str) -> bool;

    /// This key has the USB serial number of another one, which is in service: is it another key all the same? Some makers give
    /// several keys one number.
    fn is_another(&self, who: &JobLabel, like: &str) -> bool;

    /// Whether anybody would see a PIN that is shown.
    fn can_show_pin(&self) -> bool {
        true
    }

    /// Shows a PIN once, and returns when the person said that it was taken down.
    fn show_pin(&self, delivery: &Delivery, pin: &Pin) -> Result<(), SecretError>;

    /// Shows a temporary pass once, and returns when the person said that it was taken down.
    fn show_pass(&self, _note: &PassNote, _pass: &SecretString) -> Result<(), SecretError> {
        Err(SecretError::NoTerminal)
    }

    /// Did so many PIN letters come out of the printer? Only a yes of a person, who may have given it beforehand, is one.
    fn letters_came_out(&self, _letters: usize) -> bool {
        false
    }

    /// Something worth knowing.
    fn tell(&self, message: &str);
}
