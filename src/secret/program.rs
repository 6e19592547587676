//! A program that is run for a secret's sake: it prints a letter, or it prints a secret. Nobody waits for it for ever. Of a failure
//! its exit status is kept; its words are shown on the terminal, unless a secret is in them. It is handed nothing that it was not
//! meant to have.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus};
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

/// What a child said last, for the terminal and nowhere else: another program's words, which may hold anything. Withheld if one of
/// these secrets is in what it said, however it is spaced, broken up and capitalised. `None` if it said nothing.
pub(crate) fn words_without<'a>(said: &[u8], secrets: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let said = Zeroizing::new(String::from_utf8_lossy(said).into_owned());
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    let (all, mut secrets) = (bare(&said), secrets.into_iter().map(bare).filter(|secret| !secret.is_empty()));
    Some(match secrets.any(|secret| secret.len() < SHORTEST || all.contains(&**secret)) {
        true => "(not shown, because a secret may be in it)".to_owned(),
        false => super::hand_over::one_line(last),
    })
}

/// A secret with fewer letters and digits would be found in many an innocent word, and missed in as many others.
const SHORTEST: usize = 4;

/// Letters and digits alone, in lower case.
fn bare(text: &str) -> Zeroizing<String> {
    // Room for all of it, so that no copy is left behind by growing: lower case takes up to three times as many bytes.
    let mut bare = Zeroizing::new(String::with_capacity(3 * text.len()));
    bare.extend(text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase));
    bare
}

/// What every child finds in its environment, as far as it is set here.
const BASIC: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "TERM",
    // Windows programs do not start without these.
    "SystemRoot",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PATHEXT",
    "ComSpec",
];

/// A program to be run as a child, which gets the variables of [`BASIC`] and these, and no descriptor but the three that are set
/// for it: neither the tokens in our environment nor what else was handed to us by number.
pub(crate) fn child(program: impl AsRef<OsStr>, variables: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    #[cfg(unix)]
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    let mut command = Command::new(program);
    command.env_clear();
    let mut pass = |name: &OsStr| {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    };
    BASIC.iter().for_each(|name| pass(name.as_ref()));
    variables.into_iter().for_each(|name| pass(name.as_ref()));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let shown = |said: &str| words_without(said.as_bytes(), ["k7mw4xrt"]).unwrap();
        assert_eq!(shown("starting\nlp: no such printer\n\n"), "lp: no such printer");
        for said in
            ["k7mw4xrt", "PIN K7MW 4XRT", "k7mw\n4xrt\nfailed", "k 7 m w 4\tx\u{a0}r t", "k7-mw-4x-rt", "<k7mw><4xrt>"]
        {
            assert!(shown(said).starts_with("(not shown"), "{said}");
        }
        assert_eq!(words_without(b" \n", ["k7mw4xrt"]), None);
        assert!(words_without(b"7 failed", ["7"]).unwrap().starts_with("(not shown"));
    }

    #[cfg(unix)]
    #[test]
    fn a_child_gets_a_named_environment_and_no_descriptors() {
        use std::os::fd::AsRawFd as _;
        // As a shell hands one over with `3<pins`.
        let (reader, _writer) = io::pipe().unwrap();
        rustix::io::fcntl_setfd(&reader, rustix::io::FdFlags::empty()).unwrap();
        let script = format!("env; if (: <&{}) 2>/dev/null; then echo open; else echo closed; fi", reader.as_raw_fd());
        // Cargo sets these for tests.
        let asked = child("/bin/sh", ["CARGO_PKG_NAME"]).args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(asked.stdout).unwrap();
        assert!(said.contains("PATH=") && said.contains("CARGO_PKG_NAME=keywright\n"), "{said}");
        assert!(!said.contains("CARGO_PKG_VERSION"), "{said}");
        assert!(said.ends_with("closed\n"), "{said}");
    }
}
