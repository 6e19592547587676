//! `keywright softkey attach`: soft keys plugged into this machine through `/dev/uhid`, until Ctrl-C.
//!
//! A line on standard input with a key's number pulls that key out and plugs it in again, as a reset needs it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::device::SoftKeys;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use keywright_practice::softkey::uhid::{self, Attached};
use keywright_practice::softkey::{Rack, SoftKey, Touch};

/// How often Ctrl-C is checked.
const SLICE: Duration = Duration::from_millis(100);

/// Plug soft keys into this machine, until Ctrl-C (Linux).
///
/// Every program sees them as security keys: browsers, fido2-token, keywright without --softkeys. They keep what is stored on
/// them. Needs /dev/uhid ('modprobe uhid'), which is root's. Type a key's number and Enter to pull it out and plug it in again.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright softkey attach 2\n  keywright softkey attach rehearsal/softkeys --touch-after 2000"
)]
pub(crate) struct Attach {
    /// How many soft keys, kept in the state folder, or a folder with saved ones
    #[arg(value_name = "N|DIR")]
    softkeys: SoftKeys,
    /// How long the keys wait for their touch, in milliseconds, so that the prompts can be seen
    #[arg(long, value_name = "MS", default_value_t = 0)]
    touch_after: u64,
}

#[derive(Serialize)]
struct Plugged {
    key: usize,
    path: PathBuf,
}

impl View for Plugged {
    const KIND: &'static str = "softkey";
}

impl Attach {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        session.catch_interrupts("pulling the soft keys out")?;
        let (rack, count) = match &self.softkeys {
            SoftKeys::Count(count) => (Rack::create(&session.state()?.create()?.softkeys(), *count)?, *count),
            SoftKeys::Folder(folder) => (Rack::open(folder)?, usize::MAX),
        };
        rack.set_touch(Touch::After(Duration::from_millis(self.touch_after)));
        let keys: Vec<&SoftKey> = rack.keys().iter().take(count).collect();
        let mut attached = Vec::new();
        for (key, number) in keys.iter().zip(1..) {
            attached.push(plug(key, number, session)?);
        }
        let lines = lines();
        while !session.cancel.is_cancelled() {
            match lines.recv_timeout(SLICE) {
                Ok(line) => {
                    let number = line.trim().parse().unwrap_or(0_usize);
                    match number.checked_sub(1).and_then(|at| Some((*keys.get(at)?, attached.get_mut(at)?))) {
                        Some((key, slot)) => {
                            key.pull();
                            key.plug();
                            *slot = plug(key, number, session)?;
                        }
                        None => session.console.say(&format!("type a number from 1 to {}, or Ctrl-C", keys.len())),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // No more lines: that of a script which has nothing to say.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(SLICE),
            }
        }
        Ok(Exit::Done)
    }
}

fn plug(key: &SoftKey, number: usize, session: &Session) -> Result<Attached, CliError> {
    let attached = uhid::attach(key)?;
    let plugged = Plugged { key: number, path: attached.node().to_owned() };
    session.output.result(&plugged, || format!("soft key {number} is {}", plugged.path.display()))?;
    Ok(attached)
}

/// The lines of standard input. Their reader ends with the process.
fn lines() -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}
