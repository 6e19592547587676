//! Where secrets come from: a prompt, a file, a descriptor, an environment variable, a program, or a file encrypted with age.
//!
//! It refuses the command line, a file that others can read, and to repeat a text that may be the secret itself.

mod command;
mod sealed;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

pub use self::command::CommandLine;
pub use self::sealed::IDENTITY;
use keywright_files::text::{TextError, decode};
use keywright_files::{FileError, private, shown};

use super::SecretError;

/// The longest secret, in bytes.
const LONGEST: usize = 64 * 1024;

/// What a place may be, for people.
pub const PLACES: &str = "prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...'";

/// A place to take a secret from, as people write it: `prompt`, `file:PATH`, `age:PATH`, `fd:N`, `env:NAME`,
/// `command:PROGRAM ARG...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The terminal, without echo.
    Prompt,
    /// A file, which nobody but its owner may be able to read.
    File(PathBuf),
    /// A file that is encrypted with age; see [`IDENTITY`].
    Sealed(PathBuf),
    /// The next line from an open descriptor. What follows the line stays there for whoever asks next, if it is a pipe.
    Descriptor(i32),
    /// An environment variable.
    Environment(String),
    /// What a program prints.
    Command(CommandLine),
}

/// How much of what is found is the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The first line, without its end, LF or CRLF.
    FirstLine,
    /// All of it.
    All,
}

impl std::str::FromStr for SecretSource {
    type Err = String;

    /// Refuses anything else, so that a secret given by mistake is not taken for a place (and is not repeated in the error).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let variable = |name: &str| {
            !name.starts_with(|first: char| first.is_ascii_digit())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let place = match text.split_once(':') {
            None if text == "prompt" => Some(Self::Prompt),
            Some(("file", path)) if !path.is_empty() => Some(Self::File(path.into())),
            Some(("age", path)) if !path.is_empty() => Some(Self::Sealed(path.into())),
            Some(("fd", number)) => number.parse().ok().filter(|number| *number >= 0).map(Self::Descriptor),
            Some(("env", name)) if !name.is_empty() && variable(name) => Some(Self::Environment(name.to_owned())),
            Some(("command", line)) => Some(Self::Command(line.parse()?)),
            _ => None,
        };
        place.ok_or_else(|| format!("a secret cannot be given here, only its place: {PLACES}"))
    }
}

impl<'de> serde::Deserialize<'de> for SecretSource {
    /// The error does not repeat the text: it may be the secret itself.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prompt => f.write_str("prompt"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Sealed(path) => write!(f, "age:{}", path.display()),
            Self::Descriptor(number) => write!(f, "fd:{number}"),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::Command(line) => write!(f, "command:{line}"),
        }
    }
}

impl SecretSource {
    /// The same place, with a relative path taken from this folder.
    pub fn from_folder(&self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            Self::Sealed(path) => Self::Sealed(folder.join(path)),
            Self::Command(line) => Self::Command(line.from_folder(folder)),
            Self::Prompt | Self::Descriptor(_) | Self::Environment(_) => self.clone(),
        }
    }

    /// Takes the secret; `what` is shown at a prompt. It is the first line of what is there; a variable is taken as it is. An
    /// empty one counts as missing.
    pub fn take(&self, what: &str) -> Result<SecretString, SecretError> {
        self.found(what, Extent::FirstLine)
    }

    /// Takes a secret of several lines, such as a private key in PEM: all that is there. A prompt gives one line.
    pub fn take_text(&self, what: &str) -> Result<SecretString, SecretError> {
        self.found(what, Extent::All)
    }

    fn found(&self, what: &str, extent: Extent) -> Result<SecretString, SecretError> {
        let secret = match self {
            Self::Prompt => typed(what)?,
            Self::File(path) => {
                // All of it: the first line of UTF-16 does not end at a byte.
                let found = read(&mut open_private(path)?, Extent::All).map_err(private::at(path))?;
                text(&found, &path.display().to_string(), extent)?
            }
            Self::Descriptor(number) => {
                let (mut open, path) = open_descriptor(*number)?;
                text(&read(&mut open, extent).map_err(private::at(&path))?, &self.to_string(), extent)?
            }
            Self::Sealed(path) => text(&sealed::open(path)?, &path.display().to_string(), extent)?,
            Self::Command(line) => text(&line.run()?, &self.to_string(), extent)?,
            Self::Environment(name) => match std::env::var(name).map(Zeroizing::new) {
                Ok(value) => SecretString::from(value.as_str()),
                Err(std::env::VarError::NotPresent) => return Err(SecretError::Missing(self.to_string())),
                Err(std::env::VarError::NotUnicode(_)) => return Err(not_text(&self.to_string())),
            },
        };
        match secret.expose_secret() {
            "" => Err(SecretError::Missing(self.to_string())),
            _ => Ok(secret),
        }
    }
}

/// What a person types at the terminal, without echo.
fn typed(what: &str) -> Result<SecretString, SecretError> {
    match rpassword::prompt_password(format!("{}: ", shown::one_line(what))).map(Zeroizing::new) {
        Ok(typed) => Ok(SecretString::from(typed.as_str())),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(SecretError::Interrupted),
        Err(error) => Err(SecretError::Missing(format!("the terminal: {error}"))),
    }
}

fn not_text(place: &str) -> SecretError {
    SecretError::File(FileError::Io { path: place.to_owned(), why: "the secret is not UTF-8".to_owned() })
}

fn open_private(path: &Path) -> Result<File, SecretError> {
    let open = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SecretError::Missing(format!("{}: there is no such file", path.display())),
        _ => private::at(path)(error).into(),
    })?;
    private::refuse_if_others_can_read(path, &open.metadata().map_err(private::at(path))?)?;
    Ok(open)
}

fn open_descriptor(number: i32) -> Result<(File, PathBuf), SecretError> {
    if cfg!(not(unix)) {
        let why = "Windows does not pass descriptors on by number; use file: or env:".to_owned();
        return Err(SecretError::File(FileError::Io { path: format!("fd:{number}"), why }));
    }
    let path = PathBuf::from(format!("/dev/fd/{number}"));
    Ok((File::open(&path).map_err(private::at(&path))?, path))
}

/// Reads to the end, or to the end of the first line; then byte by byte, so that nothing after it is taken from a pipe.
fn read(from: &mut dyn Read, extent: Extent) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for the longest and one byte more, so that nothing is moved and left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let mut from = from.take(LONGEST as u64 + 1);
    match extent {
        Extent::All => drop(from.read_to_end(&mut bytes)?),
        Extent::FirstLine => {
            let mut byte = Zeroizing::new([0]);
            while bytes.last() != Some(&b'\n') {
                match from.read(byte.as_mut_slice()) {
                    Ok(0) => break,
                    Ok(_) => bytes.push(byte[0]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    if bytes.len() > LONGEST {
        return Err(io::Error::other(format!("the secret is longer than {LONGEST} bytes")));
    }
    Ok(bytes)
}

/// So much of these bytes. From a slice, so that the secret's own memory is the only copy left.
fn text(bytes: &[u8], place: &str, extent: Extent) -> Result<SecretString, SecretError> {
    let refused = |why: String| SecretError::File(FileError::Io { path: place.to_owned(), why });
    let text = decode(bytes).map_err(|error| match error {
        // The error's own words have a byte of the secret in them.
        TextError::NotUtf8 { .. } => not_text(place),
        error => refused(error.to_string()),
    })?;
    let text = Zeroizing::new(text.into_owned());
    if extent == Extent::All {
        return Ok(SecretString::from(text.as_str()));
    }
    let line = text.split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    // Copied along from a page or a chat; nobody sees it, and nobody's secret begins or ends with it.
    let unseen = |char: &char| *char != ' ' && (shown::is_hidden(*char) || char.is_whitespace());
    if let Some(char) = line.chars().next().into_iter().chain(line.chars().next_back()).find(unseen) {
        let why = format!(
            "the secret begins or ends with a character that nobody sees, U+{:04X}: remove it",
            u32::from(char)
        );
        return Err(refused(why));
    }
    Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written() {
        for (text, place) in [
            ("prompt", SecretSource::Prompt),
            ("file:/run/pin:1", SecretSource::File("/run/pin:1".into())),
            ("age:acme/token.age", SecretSource::Sealed("acme/token.age".into())),
            ("fd:3", SecretSource::Descriptor(3)),
            ("command:pass show 'idp/a b'", SecretSource::Command("pass show \"idp/a b\"".parse().unwrap())),
            ("env:KEYWRIGHT_PIN", SecretSource::Environment("KEYWRIGHT_PIN".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(place.clone()));
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn a_secret_given_by_mistake_is_refused_and_not_repeated() {
        for text in [
            "83064719",
            "pin:8306",
            "env:8306",
            "env:",
            "file:",
            "fd:8306x",
            "fd:-8306",
            "prompt:8306",
            "env:A-8306",
            "age:",
        ] {
            let error = text.parse::<SecretSource>().unwrap_err();
            assert!(error.contains("only its place") && !error.contains("8306"), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_gives_its_first_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for (content, secret) in [
            ("8306", "8306"),
            ("8306\n", "8306"),
            ("8306\r\nmore", "8306"),
            (" blue horse \n", " blue horse "),
            ("\u{e9}8306", "\u{e9}8306"),
        ] {
            std::fs::write(&mut file, content).unwrap();
            let taken = SecretSource::File(file.path().into()).take("PIN").unwrap();
            assert_eq!(taken.expose_secret(), secret);
        }
        for content in ["", "\n8306", "\r\n"] {
            std::fs::write(&mut file, content).unwrap();
            assert!(matches!(SecretSource::File(file.path().into()).take("PIN"), Err(SecretError::Missing(_))));
        }
    }

    #[test]
    fn relative_paths_are_taken_from_a_folder() {
        for (text, from) in [
            ("file:a", "file:/etc/keywright/a"),
            ("age:a/b", "age:/etc/keywright/a/b"),
            ("file:/a", "file:/a"),
            ("command:./a b", "command:/etc/keywright/./a b"),
            ("env:A", "env:A"),
        ] {
            let place: SecretSource = text.parse().unwrap();
            assert_eq!(place.from_folder(Path::new("/etc/keywright")).to_string(), from);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_prints_its_first_line_or_a_text() {
        let place: SecretSource = "command:printf '8306\\r\\nuser: keywright\\n'".parse().unwrap();
        assert_eq!(place.take("PIN").unwrap().expose_secret(), "8306");
        assert_eq!(place.take_text("PIN").unwrap().expose_secret(), "8306\r\nuser: keywright\n");
        let nothing: SecretSource = "command:true".parse().unwrap();
        assert_eq!(nothing.take("PIN").unwrap_err().to_string(), "no secret at command:true");
        let binary: SecretSource = "command:printf '8306\\377'".parse().unwrap();
        assert!(!binary.take("PIN").unwrap_err().to_string().contains("8306\u{fffd}"));
    }

    #[test]
    fn a_text_has_all_its_lines() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for content in ["one\ntwo\n".to_owned(), "8".repeat(LONGEST)] {
            std::fs::write(file.path(), &content).unwrap();
            let taken = SecretSource::File(file.path().into()).take_text("private key").unwrap();
            assert_eq!(taken.expose_secret(), content);
        }
    }

    #[test]
    fn what_is_no_secret_is_not_repeated() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for content in [b"8306\xff".to_vec(), b"8306".repeat(LONGEST)] {
            std::fs::write(&mut file, content).unwrap();
            let place = SecretSource::File(file.path().into());
            for error in [place.take("PIN").unwrap_err(), place.take_text("PIN").unwrap_err()] {
                assert!(
                    matches!(error, SecretError::File(FileError::Io { .. }))
                        && !format!("{error} {error:?}").contains("8306")
                );
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "8306").unwrap();
        for mode in [0o640, 0o604, 0o644] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let error = SecretSource::File(file.path().into()).take("PIN").unwrap_err();
            assert!(
                matches!(error, SecretError::File(FileError::InsecurePermissions { .. }))
                    && error.to_string().contains("chmod 600"),
                "{error}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_gives_one_line_at_a_time() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"8306\n4719\n").unwrap();
        drop(writer);
        let place = SecretSource::Descriptor(reader.as_raw_fd());
        assert_eq!(place.take("current PIN").unwrap().expose_secret(), "8306");
        assert_eq!(place.take("new PIN").unwrap().expose_secret(), "4719");
        assert!(matches!(place.take("PIN"), Err(SecretError::Missing(_))));
    }

    #[test]
    fn the_environment_is_asked_by_name() {
        // Cargo sets this one for tests.
        let taken = SecretSource::Environment("CARGO_PKG_NAME".to_owned()).take("PIN").unwrap();
        assert_eq!(taken.expose_secret(), "keywright");
        let missing = SecretSource::Environment("KEYWRIGHT_NOT_SET".to_owned()).take("PIN").unwrap_err();
        assert_eq!(missing.to_string(), "no secret at env:KEYWRIGHT_NOT_SET");
    }
}
