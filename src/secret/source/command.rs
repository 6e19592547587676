//! A program that prints a secret, such as a password manager's: `pass`, `op read`, `security find-generic-password -w`.
//!
//! It runs without a shell and without standard input; one that has to ask asks on the terminal itself. It refuses to wait for
//! longer than a minute, to take more than any secret may have, and to tell anybody what the program printed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::SecretError;
use super::super::program::{LAST_WORDS, LIMIT, child, end_of, on_thread, wait, words_without};
use super::{Extent, read};

/// What password managers go by besides the basics: the session, and where their stores are.
const VARIABLES: [&str; 11] = [
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "GNUPGHOME",
    "GPG_TTY",
    "PASSWORD_STORE_DIR",
    "KEYWRIGHT_AGE_IDENTITY",
];

/// The environment variable that names others which a program gets, such as `BW_SESSION,VAULT_TOKEN`.
const VARIABLES_TOO: &str = "KEYWRIGHT_COMMAND_ENV";

/// A program and its arguments. Written as words; those with blanks in them are quoted, in `'` or `"`. There are no other signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    program: PathBuf,
    arguments: Vec<String>,
}

impl FromStr for CommandLine {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = split_words(text)?.into_iter();
        let program = words.next().filter(|program| !program.is_empty()).ok_or("command: names no program")?;
        Ok(Self { program: program.into(), arguments: words.collect() })
    }
}

fn split_words(text: &str) -> Result<Vec<String>, &'static str> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for sign in text.chars() {
        match (quote, sign) {
            (Some(open), _) if open == sign => quote = None,
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, _) if sign.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(sign),
        }
    }
    if quote.is_some() {
        return Err("a quote of the command is not closed");
    }
    words.extend(word);
    Ok(words)
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", quoted(&self.program.to_string_lossy()))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(|sign: char| sign.is_whitespace() || sign == '\'' || sign == '"') {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    } else {
        word.to_owned()
    }
}

impl CommandLine {
    /// The same, with the path of the program, if it has one, taken from this folder. A mere name is looked for in `PATH`.
    pub fn from_folder(&self, folder: &Path) -> Self {
        let is_name = self.program.components().count() == 1 && !self.program.starts_with(".");
        let program = if is_name { self.program.clone() } else { folder.join(&self.program) };
        Self { program, arguments: self.arguments.clone() }
    }

    /// What it prints.
    pub(super) fn run(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        self.run_within(LIMIT)
    }

    fn run_within(&self, limit: Duration) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let program = || self.program.display().to_string();
        let failed = |why: String| SecretError::Command { program: program(), why, said: None };
        let more = std::env::var(VARIABLES_TOO).unwrap_or_default();
        let variables = VARIABLES.into_iter().chain(more.split(',').map(str::trim).filter(|name| !name.is_empty()));
        let mut command = child(&self.program, variables);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let printed = on_thread(child.stdout.take(), |mut stdout| read(&mut stdout, Extent::All));
        let said = on_thread(child.stderr.take(), end_of);
        let Some(status) = wait(&mut child, limit).map_err(|error| failed(error.to_string()))? else {
            return Err(failed(format!("it did not end within {} seconds", limit.as_secs())));
        };
        let secret = match printed.recv_timeout(LAST_WORDS) {
            Ok(secret) => secret.map_err(|error| failed(error.to_string()))?,
            Err(_) => return Err(failed("a program that it started keeps its output open".to_owned())),
        };
        if status.success() {
            return Ok(secret);
        }
        let said = said.recv_timeout(LAST_WORDS).ok().and_then(Result::ok).unwrap_or_default();
        let printed = Zeroizing::new(String::from_utf8_lossy(&secret).into_owned());
        let said = words_without(&said, printed.lines());
        Err(SecretError::Command { program: program(), why: status.to_string(), said })
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandLine {
        CommandLine { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
    }

    fn told(line: &CommandLine) -> String {
        let error = line.run().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("8306"), "{error}");
        error.child_words().map_or_else(|| error.to_string(), |said| format!("{error}; {said}"))
    }

    #[test]
    fn words_are_split_as_they_are_written() {
        for (text, expected) in [
            ("pass show idp/acme", &["pass", "show", "idp/acme"][..]),
            ("op  read 'op://My Vault/acme/token'", &["op", "read", "op://My Vault/acme/token"]),
            ("a \"it's\" b'c d'e ''", &["a", "it's", "bc de", ""]),
            ("echo $HOME \\n *.txt; ls | cat", &["echo", "$HOME", "\\n", "*.txt;", "ls", "|", "cat"]),
        ] {
            let line: CommandLine = text.parse().unwrap();
            let words: Vec<_> =
                [line.program.to_str().unwrap()].into_iter().chain(line.arguments.iter().map(|a| &**a)).collect();
            assert_eq!(words, expected, "{text}");
            assert_eq!(line.to_string().parse(), Ok(line));
        }
        for text in ["", "  ", "''", "pass 'show", "pass \"show'"] {
            assert!(text.parse::<CommandLine>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_relative_to_the_settings_and_a_name_is_not() {
        let from =
            |text: &str| text.parse::<CommandLine>().unwrap().from_folder(Path::new("/etc/keywright")).to_string();
        assert_eq!(from("pass show bin/x"), "pass show bin/x");
        assert_eq!(from("bin/secret x"), "/etc/keywright/bin/secret x");
        assert_eq!(from("./secret"), "/etc/keywright/./secret");
        assert_eq!(from("/usr/bin/pass"), "/usr/bin/pass");
    }

    #[test]
    fn what_it_prints_is_taken() {
        assert_eq!(*shell("printf '8306\\nmore\\n'").run().unwrap(), b"8306\nmore\n");
        // More than a pipe holds, on both.
        let much = shell("head -c 60000 /dev/zero; head -c 200000 /dev/zero >&2").run().unwrap();
        assert_eq!(much.len(), 60_000);
        assert!(shell("read line; echo \"$line.\"").run().unwrap().starts_with(b"."), "it has no standard input");
    }

    #[test]
    fn a_failure_is_told_without_what_was_printed() {
        assert_eq!(
            told(&shell("echo 8306; echo first >&2; echo 'no such entry' >&2; echo >&2; exit 3")),
            "no secret from /bin/sh: exit status: 3; /bin/sh says: no such entry"
        );
        assert_eq!(told(&shell("echo 8306; exit 1")), "no secret from /bin/sh: exit status: 1");
        assert!(
            told(&shell("echo 8306; echo 'not 8306' >&2; exit 1"))
                .ends_with("(not shown, because a secret may be in it)")
        );
        assert!(told(&shell("echo 8306; kill -9 $$")).contains("signal: 9"));
        assert!(told(&shell("yes 8306")).contains("longer than 65536 bytes"));
        assert!(
            told(&"/no/such/program".parse().unwrap()).starts_with("no secret from /no/such/program: No such file")
        );
    }

    #[test]
    fn nobody_waits_for_ever() {
        for script in ["echo 8306; exec sleep 1000", "exec sleep 1000 >&-"] {
            let error = shell(script).run_within(Duration::ZERO).unwrap_err().to_string();
            assert_eq!(error, "no secret from /bin/sh: it did not end within 0 seconds", "{script}");
        }
        assert!(told(&shell("sleep 5 & echo 8306")).ends_with("keeps its output open"));
    }
}
