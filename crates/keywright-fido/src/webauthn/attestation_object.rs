//! The attestation object (WebAuthn 6.5.4): format, statement, authenticator data.

use super::cbor::{self, Value};
use super::{AuthenticatorData, WebauthnError};

/// A parsed attestation object that still has the authenticator data's bytes, because they are what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationObject {
    /// The attestation statement format identifier: `packed`, `fido-u2f`, `none`, ...
    pub fmt: String,
    /// The statement, by format.
    pub att_stmt: Value,
    /// The authenticator data as received.
    pub auth_data_bytes: Vec<u8>,
    /// The same, parsed.
    pub auth_data: AuthenticatorData,
}

impl AttestationObject {
    /// Puts together an answer of authenticatorMakeCredential. The statement must be a map, the authenticator data readable.
    pub fn new(fmt: String, att_stmt: Value, auth_data_bytes: Vec<u8>) -> Result<Self, WebauthnError> {
        if att_stmt.as_map().is_none() {
            return Err(wrong("attStmt is not a map"));
        }
        let auth_data = AuthenticatorData::parse(&auth_data_bytes)?;
        Ok(Self { fmt, att_stmt, auth_data_bytes, auth_data })
    }

    /// Reads exactly the three text-keyed members `fmt`, `attStmt` and `authData`.
    pub fn parse(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let Value::Map(pairs) = cbor::decode(bytes)? else { return Err(wrong("is not a map")) };
        let (mut fmt, mut att_stmt, mut auth_data) = (None, None, None);
        for (key, value) in pairs {
            match (key.as_text(), value) {
                (Some("fmt"), Value::Text(text)) => fmt = Some(text),
                (Some("attStmt"), value) => att_stmt = Some(value),
                (Some("authData"), Value::Bytes(bytes)) => auth_data = Some(bytes),
                (Some("fmt" | "authData"), _) => return Err(wrong("fmt is not a text or authData not a byte string")),
                _ => return Err(wrong("has a member besides fmt, attStmt and authData")),
            }
        }
        let (Some(fmt), Some(att_stmt), Some(auth_data)) = (fmt, att_stmt, auth_data) else {
            return Err(wrong("lacks fmt, attStmt or authData"));
        };
        Self::new(fmt, att_stmt, auth_data)
    }

    /// Writes it in canonical CBOR, with WebAuthn's text keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(&Value::map([
            ("fmt", Value::from(self.fmt.as_str())),
            ("attStmt", self.att_stmt.clone()),
            ("authData", Value::from(self.auth_data_bytes.as_slice())),
        ]))
    }
}

fn wrong(why: &str) -> WebauthnError {
    WebauthnError::malformed("attestation object", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Authenticator data without attested credential data: UP alone.
    fn auth_data() -> Vec<u8> {
        [&[0xab; 32][..], &[0x01], &[0, 0, 0, 7]].concat()
    }

    fn object(pairs: &[(&str, Value)]) -> Vec<u8> {
        cbor::encode(&Value::map(pairs.iter().cloned()))
    }

    #[test]
    fn reads_any_order_and_writes_the_canonical_one() {
        let pairs =
            [("authData", auth_data().into()), ("fmt", Value::from("none")), ("attStmt", Value::Map(Vec::new()))];
        let mut disordered = vec![0xa3];
        for (key, value) in &pairs {
            disordered.extend(cbor::encode(&Value::from(*key)));
            disordered.extend(cbor::encode(value));
        }
        let parsed = AttestationObject::parse(&disordered).unwrap();
        assert_eq!((parsed.fmt.as_str(), parsed.auth_data.sign_count), ("none", 7));
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58\x25";
        assert_eq!(parsed.to_bytes(), [&head[..], &auth_data()].concat());
        assert_eq!(AttestationObject::parse(&parsed.to_bytes()), Ok(parsed));
    }

    #[test]
    fn refuses_what_is_not_the_three_members() {
        let fmt = ("fmt", Value::from("none"));
        let att_stmt = ("attStmt", Value::Map(Vec::new()));
        let auth = ("authData", Value::from(auth_data()));
        for (input, why) in [
            (vec![0x80], "not a map"),
            (object(&[fmt.clone(), att_stmt.clone()]), "lacks"),
            (object(&[fmt.clone(), att_stmt.clone(), auth.clone(), ("epAtt", true.into())]), "besides"),
            (object(&[("fmt", 1.into()), att_stmt.clone(), auth.clone()]), "not a text"),
            (object(&[fmt.clone(), ("attStmt", Value::Null), auth.clone()]), "attStmt is not a map"),
            (object(&[fmt.clone(), att_stmt.clone(), ("authData", "x".into())]), "not a byte string"),
            (object(&[fmt.clone(), att_stmt.clone(), ("authData", vec![0; 36].into())]), "authenticator data"),
            ([object(&[fmt, att_stmt, auth]), vec![0]].concat(), "after the item"),
        ] {
            let refusal = AttestationObject::parse(&input).unwrap_err().to_string();
            assert!(refusal.contains(why), "{refusal} / {why}");
        }
    }
}
