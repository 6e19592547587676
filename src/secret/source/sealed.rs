//! A file that is encrypted with age: with a passphrase, which is asked for, or to an identity.
//!
//! The identity's file is named by `KEYWRIGHT_AGE_IDENTITY` and not by the settings: several operators may share settings and
//! a file that is encrypted to each of them, and each has an identity of their own. It refuses identities that others can
//! read, and those with a passphrase or in a plugin; for these, `command:age --decrypt ...` is the way.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor, Identity, scrypt};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::super::seal::read_identities;
use keywright_files::{private, text};

use super::super::SecretError;
use super::{Extent, LONGEST, read, typed};

/// The environment variable that names the identity's file, as `age-keygen` writes it. A relative path is the process's own.
pub const IDENTITY: &str = "KEYWRIGHT_AGE_IDENTITY";

/// How an armoured file begins.
const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// The longest file, in bytes: the longest secret, and age's headers for more readers than anybody has.
const LONGEST_FILE: u64 = 4 * LONGEST as u64;

/// The file's text.
pub(super) fn open(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    open_with(path, std::env::var_os(IDENTITY).map(PathBuf::from), || {
        typed(&format!("passphrase of {}", path.display()))
    })
}

fn open_with(
    path: &Path,
    identity: Option<PathBuf>,
    passphrase: impl FnOnce() -> Result<SecretString, SecretError>,
) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let refused = |why: String| SecretError::Sealed { path: path.display().to_string(), why };
    let mut sealed = Vec::new();
    File::open(path)
        .and_then(|open| open.take(LONGEST_FILE + 1).read_to_end(&mut sealed))
        .map_err(private::at(path))?;
    if sealed.len() as u64 > LONGEST_FILE {
        return Err(refused(format!("it is longer than {LONGEST_FILE} bytes")));
    }
    let sealed = unarmored(sealed);
    let decryptor = Decryptor::new_buffered(&sealed[..]).map_err(|_| refused("it is not an age file".to_owned()))?;
    let opened = if decryptor.is_scrypt() {
        let identity = scrypt::Identity::new(passphrase()?);
        decryptor.decrypt(std::iter::once(&identity as &dyn Identity)).map_err(|error| match error {
            DecryptError::ExcessiveWork { .. } => "its passphrase needs too much work to try".to_owned(),
            _ => "the passphrase is wrong, or the file is damaged".to_owned(),
        })
    } else {
        let from = identity.ok_or_else(|| SecretError::NoIdentity { path: path.display().to_string() })?;
        let open = File::open(&from).map_err(private::at(&from))?;
        let identities = read_identities(&from, open)?;
        decryptor.decrypt(identities.iter().map(|identity| identity as &dyn Identity)).map_err(|error| match error {
            DecryptError::NoMatchingKeys => format!("it is not encrypted to the identity in {}", from.display()),
            _ => "it is damaged".to_owned(),
        })
    };
    read(&mut opened.map_err(refused)?, Extent::All).map_err(|error| refused(error.to_string()))
}

/// The age file in an armoured one, in whatever encoding an editor saved that; anything else is left as it is.
fn unarmored(file: Vec<u8>) -> Vec<u8> {
    let Ok(text) = text::decode(&file) else { return file };
    let text = text.trim().replace("\r\n", "\n");
    let mut binary = Vec::new();
    match text.starts_with(ARMOR) && ArmoredReader::new(text.as_bytes()).read_to_end(&mut binary).is_ok() {
        true => binary,
        false => file,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use age::Encryptor;
    use age::x25519;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn encrypted(encryptor: Encryptor, text: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        let mut writer = encryptor.wrap_output(&mut sealed).unwrap();
        writer.write_all(text).unwrap();
        writer.finish().unwrap();
        sealed
    }

    fn to(identity: &x25519::Identity, text: &[u8]) -> Vec<u8> {
        let reader = identity.to_public();
        encrypted(Encryptor::with_recipients(std::iter::once(&reader as &dyn age::Recipient)).unwrap(), text)
    }

    fn nobody() -> Result<SecretString, SecretError> {
        panic!("nobody is to be asked")
    }

    #[test]
    fn the_identity_that_is_named_opens_it() {
        let folder = tempfile::tempdir().unwrap();
        let [mine, another] = [x25519::Identity::generate(), x25519::Identity::generate()];
        let keys = folder.path().join("me.key");
        let text = format!("# mine\n{}\n{}\n", another.to_string().expose_secret(), mine.to_string().expose_secret());
        private::write(&keys, text.as_bytes()).unwrap();
        let path = folder.path().join("token.age");
        std::fs::write(&path, to(&mine, b"t0ken\nmore\n")).unwrap();
        assert_eq!(*open_with(&path, Some(keys.clone()), nobody).unwrap(), b"t0ken\nmore\n");

        let error = |identity| open_with(&path, identity, nobody).unwrap_err().to_string();
        assert!(error(None).ends_with("token.age is encrypted to an age identity, and no identity is named"));
        assert!(error(Some("no-such.key".into())).starts_with("no-such.key: "));
        std::fs::write(&path, to(&x25519::Identity::generate(), b"t0ken")).unwrap();
        assert!(error(Some(keys.clone())).contains("not encrypted to the identity in"));
        std::fs::write(&path, to(&mine, &b"t0ken".repeat(20_000))).unwrap();
        assert!(error(Some(keys.clone())).ends_with("the secret is longer than 65536 bytes"));
        let mut damaged = to(&mine, b"t0ken");
        *damaged.last_mut().unwrap() ^= 1;
        for (content, words) in [
            (damaged, "token.age: "),
            (b"t0ken".to_vec(), "it is not an age file"),
            (b"-----BEGIN AGE ENCRYPTED FILE-----\nt0ken".to_vec(), "not an age file"),
            (vec![0; LONGEST_FILE as usize + 1], "it is longer than"),
        ] {
            std::fs::write(&path, content).unwrap();
            let error = error(Some(keys.clone()));
            assert!(error.contains(words) && !error.contains("t0ken"), "{error}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::write(&path, to(&mine, b"t0ken")).unwrap();
            std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(error(Some(keys)).contains("chmod 600"));
        }
    }

    #[test]
    fn a_passphrase_is_asked_for_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.age");
        let mut work = scrypt::Recipient::new("correct horse".into());
        work.set_work_factor(2);
        let sealed =
            encrypted(Encryptor::with_recipients(std::iter::once(&work as &dyn age::Recipient)).unwrap(), b"t0ken\n");
        std::fs::write(&path, sealed).unwrap();
        assert_eq!(*open_with(&path, None, || Ok("correct horse".into())).unwrap(), b"t0ken\n");
        let error = open_with(&path, None, || Ok("battery staple".into())).unwrap_err().to_string();
        assert!(error.ends_with("the passphrase is wrong, or the file is damaged"), "{error}");
        assert!(!error.contains("staple"));
    }
}
