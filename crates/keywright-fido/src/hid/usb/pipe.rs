//! One open USB key: 64-byte reports without report ids.
//!
//! It refuses to call a pulled key anything but removed, and to fill up a report that came short.

use std::thread;
use std::time::{Duration, Instant};

use hidapi::HidDevice;

use super::place;
use crate::hid::{Pipe, PipeError, Report};

/// Keeps the device's lock while the pipe lives.
#[cfg(target_os = "linux")]
type Lock = std::fs::File;
#[cfg(not(target_os = "linux"))]
type Lock = ();

/// How long a pulled key may still be listed after its reports fail: the hub tells the system by and by.
const FAREWELL: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(25);

pub(super) struct UsbPipe {
    device: HidDevice,
    path: String,
    insertion: String,
    _lock: Lock,
}

impl UsbPipe {
    pub(super) fn new(device: HidDevice, lock: Lock, path: String, insertion: String) -> Self {
        Self { device, path, insertion, _lock: lock }
    }

    fn is_there(&self) -> bool {
        place::is_there(&self.path, &self.insertion)
    }

    /// What an error of hidapi means: it has words only, so whether the key is still there decides.
    fn failure(&self, words: String) -> PipeError {
        let start = Instant::now();
        while self.is_there() {
            if start.elapsed() >= FAREWELL {
                return PipeError::System(words);
            }
            thread::sleep(LOOK_AGAIN);
        }
        PipeError::Removed
    }
}

impl Pipe for UsbPipe {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        // Report id 0 (FIDO devices have one report only), then the report.
        let mut numbered = [0; 65];
        numbered[1..].copy_from_slice(report);
        match self.device.write(&numbered) {
            Ok(written) if written >= numbered.len() => Ok(()),
            Ok(written) => Err(self.failure(format!("{written} of {} bytes were sent", numbered.len()))),
            Err(error) => Err(self.failure(error.to_string())),
        }
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        let mut report = [0; 64];
        match self.device.read_timeout(&mut report, milliseconds(timeout)) {
            Ok(64) => Ok(Some(report)),
            // Nothing came, or nothing ever will. On Linux a look at sysfs tells, which is dear: whoever did not wait, as before
            // each request, does without. Elsewhere a removed key's read fails.
            Ok(0) if cfg!(target_os = "linux") && !timeout.is_zero() && !self.is_there() => Err(PipeError::Removed),
            Ok(0) => Ok(None),
            Ok(length) => Err(PipeError::System(format!("a report of {length} bytes instead of 64"))),
            Err(error) => match error.to_string() {
                // A signal, such as Ctrl-C's: whoever handles it decides whether to go on.
                words if words.contains(INTERRUPTED) => Ok(None),
                words => Err(self.failure(words)),
            },
        }
    }
}

/// EINTR in the C library's words, which hidapi passes on. They are English unless a program asks for another language, and
/// this one does not.
const INTERRUPTED: &str = "Interrupted system call";

/// For hidapi, rounded up, so that a wait shorter than a millisecond is not a busy loop.
fn milliseconds(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_rounded_up_and_never_mean_for_ever() {
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(100)), 100);
        assert_eq!(milliseconds(Duration::MAX), i32::MAX);
    }

    #[cfg(unix)]
    #[test]
    fn the_systems_words_for_an_interrupted_call_are_known() {
        assert!(std::io::Error::from_raw_os_error(4).to_string().contains(INTERRUPTED));
    }
}
