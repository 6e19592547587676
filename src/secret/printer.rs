//! Piping a letter to the program that prints it.
//!
//! It refuses to call a letter printed that the program did not take to its end, and to wait for ever.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use zeroize::Zeroizing;

use super::SecretError;
use super::program::{LAST_WORDS, child, end_of, on_thread, wait, words_without};

/// What printing programs go by besides the basics: CUPS and its forerunners.
const VARIABLES: [&str; 5] = ["CUPS_SERVER", "CUPS_USER", "IPP_PORT", "PRINTER", "LPDEST"];

/// Runs a program with its arguments, gives it the text as its input, and waits until it has ended well. Its output is dropped;
/// what it says on stderr is for the terminal, unless one of the secrets is in it.
pub(super) fn feed(
    name: &str,
    arguments: &[String],
    text: &str,
    secrets: &[&str],
    limit: Duration,
) -> Result<(), SecretError> {
    let failed = |why: String| SecretError::Printer { program: name.to_owned(), why, said: None };
    let mut child = child(name, VARIABLES)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;

    let written = on_thread(child.stdin.take(), {
        let text = Zeroizing::new(text.to_owned());
        move |mut stdin| stdin.write_all(text.as_bytes())
    });
    let said = on_thread(child.stderr.take(), end_of);

    let Some(status) = wait(&mut child, limit).map_err(|error| failed(error.to_string()))? else {
        return Err(failed(format!("did not end within {} seconds", limit.as_secs())));
    };
    if status.success() {
        // It has ended, so its end of the pipe is closed: writing has ended too, or fails now.
        return match written.recv_timeout(LAST_WORDS) {
            Ok(Ok(())) => Ok(()),
            _ => Err(failed("exited before it had read the letter".to_owned())),
        };
    }
    let said = said.recv_timeout(LAST_WORDS).ok().and_then(Result::ok).unwrap_or_default();
    let ended = status.code().map_or_else(|| status.to_string(), |code| format!("exited with {code}"));
    let said = words_without(&said, secrets.iter().copied());
    Err(SecretError::Printer { program: name.to_owned(), why: ended, said })
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::program::LIMIT;
    use super::*;

    const LETTER: &str = "Dear Alice,\n   k7mw  4xrt\n\x0c";

    const SECRETS: &[&str] = &["k7mw4xrt"];

    fn feed_shell(script: &str, limit: Duration) -> Result<(), SecretError> {
        feed("sh", &["-c".to_owned(), script.to_owned()], LETTER, SECRETS, limit)
    }

    fn error_of(script: &str) -> String {
        feed_shell(script, Duration::from_secs(20)).unwrap_err().to_string()
    }

    #[test]
    fn the_program_gets_the_letter_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        feed_shell(&format!("cat > {}", out.display()), Duration::from_secs(20)).unwrap();
        assert_eq!(std::fs::read_to_string(out).unwrap(), LETTER);
    }

    /// What the error says, and what is for the terminal alone.
    fn told(script: &str) -> (String, Option<String>) {
        let error = feed_shell(script, Duration::from_secs(20)).unwrap_err();
        (error.to_string(), error.child_words())
    }

    #[test]
    fn only_the_exit_status_of_a_failing_program_is_kept() {
        let (error, said) = told("cat > /dev/null; echo starting >&2; echo 'lp: no such printer' >&2; exit 3");
        assert_eq!(error, "printing failed: \"sh\" exited with 3");
        assert_eq!(said.unwrap(), "sh says: lp: no such printer");
        assert_eq!(told("cat > /dev/null; exit 1"), ("printing failed: \"sh\" exited with 1".to_owned(), None));
    }

    #[test]
    fn a_program_that_repeats_the_pin_with_other_blanks_is_not_repeated() {
        for script in [
            "cat >&2; exit 1",
            "tr -d ' \\n' | tr a-z A-Z >&2; exit 1",
            "cat > /dev/null; echo K7-MW-4X-RT >&2; exit 1",
        ] {
            let (error, said) = told(script);
            let told = format!("{error} {}", said.unwrap());
            assert!(told.contains("not shown") && !told.to_lowercase().contains("mw"), "{told}");
        }
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let begin = Instant::now();
        let error = feed_shell("exec sleep 30", Duration::from_millis(50)).unwrap_err().to_string();
        assert!(error.contains("did not end within"), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_letter_that_was_not_read_is_not_printed() {
        let arguments = ["-c".to_owned(), "exit 0".to_owned()];
        let long = "a line of a very long letter\n".repeat(100_000);
        let error = feed("sh", &arguments, &long, SECRETS, Duration::from_secs(20)).unwrap_err().to_string();
        assert!(error.contains("before it had read"), "{error}");
    }

    #[test]
    fn a_process_left_behind_is_not_waited_for() {
        let begin = Instant::now();
        let error = error_of("cat > /dev/null; sleep 5 & exit 1");
        assert!(error.contains("exited with 1") && begin.elapsed() < Duration::from_secs(4), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = feed("keywright-no-such-program", &[], LETTER, SECRETS, LIMIT).unwrap_err().to_string();
        assert!(error.starts_with("printing failed: \"keywright-no-such-program\" cannot be started: "), "{error}");
    }
}
