//! A program that is run for a secret's sake: it prints a letter, or it prints a secret. Nobody waits for it for ever, and its
//! words about a failure are told unless a secret is in them.

use std::io::{self, Read};
use std::process::{Child, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// How long a program may take.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// How often it is asked whether it has ended: the operating system has no wait with a time limit that is the same everywhere.
const POLL: Duration = Duration::from_millis(10);

/// How long its last words may be under way after its end: a process that it left behind can hold the pipe open.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(200);

/// So much of what it says is kept, in bytes: the end.
const KEPT: usize = 4096;

/// Works on one end of a pipe without making anybody wait for it.
pub(super) fn on_thread<P: Send + 'static, T: Send + 'static>(
    pipe: Option<P>,
    work: impl FnOnce(P) -> io::Result<T> + Send + 'static,
) -> mpsc::Receiver<io::Result<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let result = pipe.map_or_else(|| Err(io::ErrorKind::BrokenPipe.into()), work);
        // Whoever asked may have stopped waiting, and then nobody needs the result.
        sender.send(result).ok();
    });
    receiver
}

/// The program's exit status; `None` if it had to be ended.
pub(super) fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Reads to the end, which is kept, so that nobody has to stop talking.
pub(super) fn end_of(mut from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for a piece more, so that nothing is moved and left behind.
    let mut end = Zeroizing::new(Vec::with_capacity(2 * KEPT));
    let mut piece = Zeroizing::new([0; KEPT]);
    loop {
        let count = match from.read(piece.as_mut_slice()) {
            Ok(0) => return Ok(end),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        end.extend_from_slice(&piece[..count]);
        let more = end.len().saturating_sub(KEPT);
        end.drain(..more);
    }
}

/// The last line of what was said, to be put after an exit status, unless a line of the secret comes back in it.
pub(super) fn last_words(said: &[u8], secret: &str) -> String {
    let said = Zeroizing::new(String::from_utf8_lossy(said).into_owned());
    let repeats = secret.lines().map(str::trim).any(|line| !line.is_empty() && said.contains(line));
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    match last {
        None => String::new(),
        Some(_) if repeats => "; what it said is not shown, because a secret is in it".to_owned(),
        Some(line) => format!(": {}", super::hand_over::one_line(line)),
    }
}
