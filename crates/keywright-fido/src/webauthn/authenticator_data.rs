//! Authenticator data (WebAuthn 6.1): what the key signs, next to the client data's hash.

use super::cbor::{self, Value};
use super::{Aaguid, CosePublicKey, CredentialId, WebauthnError};

/// The flags byte (WebAuthn 6.1). Bits 1 and 5 are reserved and kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// UP, bit 0: somebody touched the key.
    pub fn user_present(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// UV, bit 2: the key checked a PIN or a biometric.
    pub fn user_verified(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// BE, bit 3: the credential may be synced to other devices.
    pub fn backup_eligible(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// BS, bit 4: the credential is synced now.
    pub fn backup_state(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// AT, bit 6: attested credential data follows.
    pub fn attested_credential_data(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// ED, bit 7: extension outputs follow.
    pub fn extension_data(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// A new credential as the key describes it (WebAuthn 6.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedCredentialData {
    /// The model that the key claims to be. Proves nothing without a verified attestation.
    pub aaguid: Aaguid,
    /// The credential's identifier.
    pub credential_id: CredentialId,
    /// The credential's public key, with its COSE bytes as received.
    pub public_key: CosePublicKey,
}

/// Parsed authenticator data: 37 bytes, then attested credential data and extensions as the flags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorData {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: [u8; 32],
    /// What was checked, and what follows.
    pub flags: Flags,
    /// The signature counter; 0 on keys that keep none.
    pub sign_count: u32,
    /// Present on registration.
    pub attested_credential_data: Option<AttestedCredentialData>,
    /// Extension outputs: a map with text keys.
    pub extensions: Option<Value>,
}

impl AuthenticatorData {
    /// Reads authenticator data that fills the whole input: flags and content must agree, BS needs BE, nothing is left over.
    pub fn parse(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let mut rest = bytes;
        let rp_id_hash = take(&mut rest)?;
        let [flags] = take(&mut rest)?;
        let sign_count = u32::from_be_bytes(take(&mut rest)?);
        let flags = Flags(flags);
        if flags.backup_state() && !flags.backup_eligible() {
            return Err(wrong("BS is set without BE"));
        }
        let attested_credential_data =
            flags.attested_credential_data().then(|| AttestedCredentialData::read(&mut rest)).transpose()?;
        let extensions = flags.extension_data().then(|| extensions(&mut rest)).transpose()?;
        if !rest.is_empty() {
            return Err(wrong("there are bytes that no flag announces"));
        }
        Ok(Self { rp_id_hash, flags, sign_count, attested_credential_data, extensions })
    }

    /// The minimum PIN length that the key told this RP (CTAP 2.1, 12.4: minPinLength).
    pub fn min_pin_length(&self) -> Option<u64> {
        let told =
            self.extensions.as_ref()?.as_map()?.iter().find(|(name, _)| name.as_text() == Some("minPinLength"))?;
        u64::try_from(told.1.as_integer()?).ok()
    }
}

impl AttestedCredentialData {
    /// Reads aaguid (16), credentialIdLength (2, big-endian), credentialId and the COSE key, and leaves what follows.
    fn read(rest: &mut &[u8]) -> Result<Self, WebauthnError> {
        let aaguid = Aaguid(take(rest)?);
        let length = u16::from_be_bytes(take(rest)?);
        let (id, after) = rest.split_at_checked(length.into()).ok_or_else(too_short)?;
        let credential_id = CredentialId::new(id)?;
        let (value, used) = cbor::decode_first(after)?;
        let (key, after) = after.split_at(used);
        *rest = after;
        Ok(Self { aaguid, credential_id, public_key: CosePublicKey::from_value(&value, key)? })
    }
}

fn extensions(rest: &mut &[u8]) -> Result<Value, WebauthnError> {
    let (value, used) = cbor::decode_first(rest)?;
    *rest = &rest[used..];
    match value.as_map() {
        Some(pairs) if pairs.iter().all(|(key, _)| key.as_text().is_some()) => Ok(value),
        _ => Err(wrong("the extensions are not a map with text keys")),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], WebauthnError> {
    let (bytes, after) = rest.split_first_chunk().ok_or_else(too_short)?;
    *rest = after;
    Ok(*bytes)
}

fn too_short() -> WebauthnError {
    wrong("ends too early")
}

fn wrong(why: &str) -> WebauthnError {
    WebauthnError::malformed("authenticator data", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AAGUID: [u8; 16] = *b"0123456789abcdef";

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    /// ES256 with the generator of P-256 as its point.
    fn cose_key() -> Vec<u8> {
        hex("a5010203262001\
             2158206b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
             2258204fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    }

    fn with(flags: u8, tail: &[&[u8]]) -> Vec<u8> {
        [&[0xab; 32][..], &[flags], &[0, 0, 1, 2], &tail.concat()].concat()
    }

    fn refusal(bytes: &[u8]) -> String {
        AuthenticatorData::parse(bytes).unwrap_err().to_string()
    }

    #[test]
    fn thirty_seven_bytes_will_do() {
        let data = AuthenticatorData::parse(&with(0x05, &[])).unwrap();
        assert_eq!((data.rp_id_hash, data.sign_count), ([0xab; 32], 0x102));
        assert!(data.flags.user_present() && data.flags.user_verified());
        assert_eq!((data.attested_credential_data, data.extensions), (None, None));
        assert!(refusal(&with(0x05, &[])[..36]).contains("ends too early"));
    }

    #[test]
    fn reads_a_credential_and_extensions() {
        let key = cose_key();
        let bytes = with(0xc1, &[&AAGUID, &[0, 3], b"xyz", &key, &hex("a1636c6f6cf5")]);
        let data = AuthenticatorData::parse(&bytes).unwrap();
        let credential = data.attested_credential_data.unwrap();
        assert_eq!(credential.aaguid, Aaguid(AAGUID));
        assert_eq!(credential.credential_id.as_bytes(), b"xyz");
        assert_eq!(credential.public_key.bytes, key);
        assert_eq!(data.extensions.unwrap().get("lol"), Some(&Value::Bool(true)));
    }

    #[test]
    fn flags_and_content_must_agree() {
        let key = cose_key();
        let credential = [&AAGUID[..], &[0, 3], b"xyz", &key].concat();
        let none = hex("a0");
        for (bytes, why) in [
            (with(0x01, &[&credential]), "no flag announces"),
            (with(0x41, &[]), "ends too early"),
            (with(0x41, &[&credential, &none]), "no flag announces"),
            (with(0xc1, &[&credential]), "ends where an item should be"),
            (with(0xc1, &[&credential, &none, &none]), "no flag announces"),
            (with(0x41, &[&AAGUID, &[0, 3], b"xy"]), "ends too early"),
            (with(0x41, &[&AAGUID, &[0, 0], &key]), "credential id"),
            (with(0x41, &[&AAGUID, &[4, 0], &[0; 1024], &key]), "credential id"),
            (with(0x41, &[&AAGUID, &[0, 3], b"xyz", &none]), "alg (3) is missing"),
            (with(0x81, &[&hex("80")]), "map with text keys"),
            (with(0x81, &[&hex("a10102")]), "map with text keys"),
            (with(0x11, &[]), "BS is set without BE"),
        ] {
            let refusal = refusal(&bytes);
            assert!(refusal.contains(why), "{refusal} / {why}");
        }
        assert!(AuthenticatorData::parse(&with(0x19, &[])).is_ok());
        assert!(AuthenticatorData::parse(&with(0x09, &[])).is_ok());
    }
}
