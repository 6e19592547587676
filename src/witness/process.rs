//! The witness's process: started, asked, waited for so long and no longer.

use std::io::{ErrorKind, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::debug;

use super::{Answer, Question, deposition};
use crate::ledger::Unavailable;
use keywright_files::Cancel;

/// The longest wait after which a wish to end the run is seen.
const SLICE: Duration = Duration::from_millis(50);

/// More than any answer has, and the library's own lines before it.
const MOST_WORDS: u64 = 1 << 20;

/// A process that ends with this. A thread in it that waits for a key is no obstacle.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It fails only for a process that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks the process that `command` starts about the key at this path.
pub(super) fn ask(
    mut command: Command,
    patience: Duration,
    path: &str,
    question: &Question,
    cancel: &Cancel,
) -> Result<Answer, Unavailable> {
    let failed = |words: String| Unavailable::Failed { words };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let started = command.spawn();
    let started = started.map_err(|error| failed(format!("{}: {error}", command.get_program().display())))?;
    let mut process = Ended(started);
    debug!(path, "the second implementation asks");
    let (Some(pipe), Some(said)) = (process.0.stdin.take(), process.0.stdout.take()) else {
        return Err(failed("its process has no pipes".into()));
    };
    match deposition::send(&pipe, path, question) {
        // What it said before it ended tells more.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(failed(error.to_string())),
        _ => {}
    }
    let said = last_line(said, patience, cancel)?;
    // The pipe's end would have ended the process before its answer.
    drop(pipe);
    match serde_json::from_str(&said) {
        // How it ended is for us to see: what it says of that would be words of its own in the ledger.
        Ok(Answer::Unable { why: Unavailable::Ended { .. } }) | Err(_) => {
            let ended = process.0.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            Err(Unavailable::Ended { status: ended })
        }
        Ok(answer) => Ok(answer),
    }
}

/// The last line that comes before the end.
fn last_line(from: impl Read + Send + 'static, patience: Duration, cancel: &Cancel) -> Result<String, Unavailable> {
    let end = Instant::now() + patience;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = from.take(MOST_WORDS).read_to_end(&mut bytes).map(|_| bytes);
        // Nobody listens any more if it took too long.
        let _ = sender.send(read);
    });
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(SLICE.min(left)) {
            Ok(Ok(bytes)) => {
                let text = String::from_utf8_lossy(&bytes);
                return Ok(text.lines().last().unwrap_or_default().to_owned());
            }
            Ok(Err(error)) => return Err(Unavailable::Failed { words: error.to_string() }),
            Err(RecvTimeoutError::Disconnected) => return Err(Unavailable::Failed { words: "nobody listened".into() }),
            Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => return Err(Unavailable::Interrupted),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                let milliseconds = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
                return Err(Unavailable::Deadline { milliseconds });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::witness::Mismatch;
    use crate::witness::deposition::tests::question;

    const LONG: Duration = Duration::from_secs(60);

    /// Asks a process that does this.
    fn ask_one_that(does: &str, patience: Duration, cancel: &Cancel) -> Result<Answer, Unavailable> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", does]);
        ask(shell, patience, "/dev/hidraw3", &question(), cancel)
    }

    fn status_of_one_that(does: &str) -> String {
        match ask_one_that(does, LONG, &Cancel::default()) {
            Err(Unavailable::Ended { status }) => status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_line_is_the_answer() {
        let does = r#"read question; echo "- anything error"; echo '{"answer":"refuted","why":"signature"}'"#;
        let answer = ask_one_that(does, LONG, &Cancel::default());
        assert_eq!(answer, Ok(Answer::Refuted { why: Mismatch::Signature }));
    }

    #[test]
    fn a_witness_without_an_answer_is_no_witness() {
        assert_eq!(status_of_one_that("read question; echo '- anything error'"), "exit status: 0");
        assert_eq!(status_of_one_that("exit 3"), "exit status: 3");
        assert!(status_of_one_that("kill -ABRT $$").contains("signal: 6"));
        let nobody = Command::new("/dev/null/no-program");
        let words = ask(nobody, LONG, "", &question(), &Cancel::default()).unwrap_err();
        assert!(matches!(words, Unavailable::Failed { words } if words.starts_with("/dev/null/no-program: ")));
    }

    #[test]
    fn what_the_witness_says_of_its_own_end_is_not_kept() {
        let says = r#"echo '{"answer":"unable","why":{"obstacle":"ended","status":"k7mw4xrt"}}'"#;
        assert_eq!(status_of_one_that(says), "exit status: 0");
        // Its other words are taken off before anything is written down.
        for why in ["failed", "panicked"] {
            let says = format!(r#"echo '{{"answer":"unable","why":{{"obstacle":"{why}","words":"k7mw4xrt"}}}}'"#);
            let Ok(Answer::Unable { why }) = ask_one_that(&says, LONG, &Cancel::default()) else { panic!("{says}") };
            let (kept, words) = why.without_words();
            assert_eq!(words, "k7mw4xrt");
            assert!(!serde_json::to_string(&kept).unwrap().contains("k7mw"), "{kept:?}");
        }
    }

    #[test]
    fn a_witness_that_does_not_finish_is_ended() {
        let patience = Duration::from_millis(200);
        let ended = ask_one_that("exec sleep 1000", patience, &Cancel::default());
        assert_eq!(ended, Err(Unavailable::Deadline { milliseconds: 200 }));
    }

    #[test]
    fn a_run_that_is_ended_does_not_wait_for_the_witness() {
        let cancel = Cancel::default();
        cancel.cancel();
        assert_eq!(ask_one_that("exec sleep 1000", LONG, &cancel), Err(Unavailable::Interrupted));
    }
}
