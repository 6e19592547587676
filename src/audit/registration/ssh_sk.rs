//! What `ssh-keygen -O write-attestation=FILE` writes (OpenSSH, PROTOCOL.u2f): `ssh-sk-attest-v01`, the attestation certificate, the
//! signature, and the authenticator data in CBOR.
//!
//! The signature is over a challenge that is not in the file, so it is not checked: everything else is.

use keywright_fido::webauthn::cbor::{self, Value};

use super::{Parts, RegistrationError};

/// How such a file begins: the length of its first string, and that string.
const MAGIC: &[u8] = b"\0\0\0\x11ssh-sk-attest-v01";

/// ES256, by which attestation certificates of security keys sign.
const ES256: i64 = -7;

/// Whether a file is one.
pub(super) fn is_one(file: &[u8]) -> bool {
    file.starts_with(MAGIC)
}

/// Its parts, as a packed attestation has them (WebAuthn 8.2).
pub(super) fn read(file: &[u8]) -> Result<Parts, RegistrationError> {
    let cut = || RegistrationError::SshSk("it ends before its authenticator data does");
    let mut rest = file.get(MAGIC.len()..).unwrap_or_default();
    let mut string = || {
        let (length, after) = rest.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut())?;
        let (string, after) = after.split_at_checked(length).ok_or_else(cut)?;
        rest = after;
        Ok::<_, RegistrationError>(string)
    };
    let (certificate, signature, auth_data) = (string()?, string()?, string()?);
    let auth_data = cbor::decode(auth_data).ok().and_then(|value| value.as_bytes().map(<[u8]>::to_vec));
    let auth_data = auth_data.ok_or(RegistrationError::SshSk("its authenticator data is no byte string in CBOR"))?;
    let statement = match certificate.is_empty() {
        true => Value::map([("alg", Value::from(ES256)), ("sig", Value::from(signature.to_vec()))]),
        false => Value::map([
            ("alg", Value::from(ES256)),
            ("sig", Value::from(signature.to_vec())),
            ("x5c", Value::Array(vec![Value::from(certificate.to_vec())])),
        ]),
    };
    let object =
        Value::map([("fmt", Value::from("packed")), ("attStmt", statement), ("authData", Value::from(auth_data))]);
    Ok(Parts { object: cbor::encode(&object), client_data: None, id: None, reported_firmware: None })
}
