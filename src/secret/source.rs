//! Where secrets come from: a prompt, a file, a descriptor or an environment variable.
//!
//! It refuses the command line, a file that others can read, and to repeat a text that may be the secret itself.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{SecretError, file};

/// The longest secret, in bytes.
const LONGEST: usize = 64 * 1024;

/// A place to take a secret from, as people write it: `prompt`, `file:PATH`, `fd:N`, `env:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The terminal, without echo.
    Prompt,
    /// The first line of a file, which nobody but its owner may be able to read.
    File(PathBuf),
    /// The next line from an open descriptor. What follows the line stays there for whoever asks next, if it is a pipe.
    Descriptor(i32),
    /// An environment variable.
    Environment(String),
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
            Some(("fd", number)) => number.parse().ok().filter(|number| *number >= 0).map(Self::Descriptor),
            Some(("env", name)) if !name.is_empty() && variable(name) => Some(Self::Environment(name.to_owned())),
            _ => None,
        };
        place.ok_or_else(|| {
            "a secret cannot be given here, only its place: prompt, file:PATH, fd:N or env:NAME".to_owned()
        })
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
            Self::Descriptor(number) => write!(f, "fd:{number}"),
            Self::Environment(name) => write!(f, "env:{name}"),
        }
    }
}

impl SecretSource {
    /// The same place, with a relative path taken from this folder.
    pub fn from_folder(&self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            place => place.clone(),
        }
    }

    /// Takes the secret; `what` is shown at a prompt. The end of its line, LF or CRLF, is not part of it. An empty one counts as
    /// missing.
    pub fn take(&self, what: &str) -> Result<SecretString, SecretError> {
        self.read(what, first_line)
    }

    /// Takes a secret of several lines, such as a private key in PEM: all that the file, the descriptor or the variable has. A
    /// prompt gives one line.
    pub fn take_text(&self, what: &str) -> Result<SecretString, SecretError> {
        self.read(what, whole_text)
    }

    fn read(
        &self,
        what: &str,
        read: fn(File, &Path) -> Result<Zeroizing<String>, SecretError>,
    ) -> Result<SecretString, SecretError> {
        let secret = match self {
            Self::Prompt => {
                let typed = rpassword::prompt_password(format!("{what}: "));
                Zeroizing::new(typed.map_err(|error| match error.kind() {
                    io::ErrorKind::Interrupted => SecretError::Interrupted,
                    _ => SecretError::Missing(format!("the terminal: {error}")),
                })?)
            }
            Self::File(path) => read(open_private(path)?, path)?,
            Self::Descriptor(number) => {
                let (open, path) = open_descriptor(*number)?;
                read(open, &path)?
            }
            Self::Environment(name) => match std::env::var(name) {
                Ok(value) => Zeroizing::new(value),
                Err(std::env::VarError::NotPresent) => return Err(SecretError::Missing(self.to_string())),
                Err(std::env::VarError::NotUnicode(_)) => return Err(not_text(&self.to_string())),
            },
        };
        if secret.is_empty() {
            return Err(SecretError::Missing(self.to_string()));
        }
        // From a slice, so that the secret's own memory is the only copy left.
        Ok(SecretString::from(secret.as_str()))
    }
}

fn not_text(place: &str) -> SecretError {
    SecretError::File { path: place.to_owned(), why: "the secret is not UTF-8".to_owned() }
}

fn open_private(path: &Path) -> Result<File, SecretError> {
    let open = File::open(path).map_err(file::at(path))?;
    file::refuse_if_others_can_read(path, &open.metadata().map_err(file::at(path))?)?;
    Ok(open)
}

fn open_descriptor(number: i32) -> Result<(File, PathBuf), SecretError> {
    let path = PathBuf::from(format!("/dev/fd/{number}"));
    if cfg!(not(unix)) {
        let why = "Windows does not pass descriptors on by number; use file: or env:".to_owned();
        return Err(SecretError::File { path: format!("fd:{number}"), why });
    }
    Ok((File::open(&path).map_err(file::at(&path))?, path))
}

/// Reads byte by byte, so that nothing after the line is taken from a pipe.
fn first_line(mut from: File, path: &Path) -> Result<Zeroizing<String>, SecretError> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0u8]);
    loop {
        match from.read(byte.as_mut_slice()) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if line.len() == LONGEST => {
                let why = format!("the first line is longer than {LONGEST} bytes");
                return Err(SecretError::File { path: path.display().to_string(), why });
            }
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(file::at(path)(error)),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| not_text(&path.display().to_string()))?;
    Ok(Zeroizing::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

fn whole_text(from: File, path: &Path) -> Result<Zeroizing<String>, SecretError> {
    // Room for the longest and one byte more, so that nothing is moved and left behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    from.take(LONGEST as u64 + 1).read_to_end(&mut text).map_err(file::at(path))?;
    if text.len() > LONGEST {
        let why = format!("the secret is longer than {LONGEST} bytes");
        return Err(SecretError::File { path: path.display().to_string(), why });
    }
    let text = std::str::from_utf8(&text).map_err(|_| not_text(&path.display().to_string()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn places_are_read_and_written() {
        for (text, place) in [
            ("prompt", SecretSource::Prompt),
            ("file:/run/pin:1", SecretSource::File("/run/pin:1".into())),
            ("fd:3", SecretSource::Descriptor(3)),
            ("env:KEYWRIGHT_PIN", SecretSource::Environment("KEYWRIGHT_PIN".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(place.clone()));
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn a_secret_given_by_mistake_is_refused_and_not_repeated() {
        for text in
            ["83064719", "pin:8306", "env:8306", "env:", "file:", "fd:8306x", "fd:-8306", "prompt:8306", "env:A-8306"]
        {
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
                assert!(matches!(error, SecretError::File { .. }) && !format!("{error} {error:?}").contains("8306"));
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
            assert!(matches!(error, SecretError::Exposed { .. }) && error.to_string().contains("chmod 600"), "{error}");
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
