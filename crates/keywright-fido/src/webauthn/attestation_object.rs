//! The attestation object (WebAuthn 6.5.4): format, statement, authenticator data.
//!
//! Keys do not send one: they answer with the same three members under numbers (CTAP 2.1, 6.1.2), and the client puts the
//! attestation object together. It is read once, and has its bytes with it.

use super::cbor::{self, Value};
use super::{AuthenticatorData, WebauthnError};

/// An attestation object: its bytes, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationObject {
    /// CBOR with WebAuthn's text keys: as received, or as put together here.
    bytes: Vec<u8>,
    /// The attestation statement format identifier: `packed`, `fido-u2f`, `none`, ...
    pub fmt: String,
    /// The statement, by format.
    pub att_stmt: Value,
    /// The authenticator data's own bytes, which are what is signed.
    pub auth_data_bytes: Vec<u8>,
    /// The same, parsed.
    pub auth_data: AuthenticatorData,
}

impl AttestationObject {
    /// Puts one together, in canonical CBOR. The statement must be a map, the authenticator data readable.
    pub fn new(fmt: String, att_stmt: Value, auth_data_bytes: Vec<u8>) -> Result<Self, WebauthnError> {
        let bytes = cbor::encode(&Value::map([
            ("fmt", Value::from(fmt.as_str())),
            ("attStmt", att_stmt.clone()),
            ("authData", Value::from(auth_data_bytes.as_slice())),
        ]));
        Self::from_members(bytes, fmt, att_stmt, auth_data_bytes)
    }

    /// Puts together what a key answered to authenticatorMakeCredential: fmt (1), authData (2), attStmt (3). Further members
    /// (epAtt, largeBlobKey) are not part of it. With fmt `none` there may be no statement (CTAP 2.2, 6.1.2).
    pub fn from_ctap(answer: &Value) -> Result<Self, WebauthnError> {
        let fmt = answer.get(1).and_then(Value::as_text).ok_or_else(|| wrong("fmt (1) is missing or not a text"))?;
        let auth_data = answer.get(2).and_then(Value::as_bytes);
        let auth_data = auth_data.ok_or_else(|| wrong("authData (2) is missing or not a byte string"))?;
        let att_stmt = answer.get(3).cloned().unwrap_or(Value::Map(Vec::new()));
        Self::new(fmt.to_owned(), att_stmt, auth_data.to_vec())
    }

    /// Reads exactly the three text-keyed members `fmt`, `attStmt` and `authData`, and keeps the bytes.
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
        Self::from_members(bytes.to_vec(), fmt, att_stmt, auth_data)
    }

    fn from_members(
        bytes: Vec<u8>,
        fmt: String,
        att_stmt: Value,
        auth_data_bytes: Vec<u8>,
    ) -> Result<Self, WebauthnError> {
        if att_stmt.as_map().is_none() {
            return Err(wrong("attStmt is not a map"));
        }
        let auth_data = AuthenticatorData::parse(&auth_data_bytes)?;
        Ok(Self { bytes, fmt, att_stmt, auth_data_bytes, auth_data })
    }

    /// The CBOR, with WebAuthn's text keys: as it was read, or in canonical form if it was put together here.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
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
    fn reads_any_order_keeps_it_and_writes_the_canonical_one() {
        let pairs =
            [("authData", auth_data().into()), ("fmt", Value::from("none")), ("attStmt", Value::Map(Vec::new()))];
        let mut disordered = vec![0xa3];
        for (key, value) in &pairs {
            disordered.extend(cbor::encode(&Value::from(*key)));
            disordered.extend(cbor::encode(value));
        }
        let parsed = AttestationObject::parse(&disordered).unwrap();
        assert_eq!((parsed.fmt.as_str(), parsed.auth_data.sign_count), ("none", 7));
        assert_eq!(parsed.as_bytes(), disordered);
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58\x25";
        let written = AttestationObject::new(parsed.fmt, parsed.att_stmt, parsed.auth_data_bytes).unwrap();
        assert_eq!(written.as_bytes(), [&head[..], &auth_data()].concat());
        assert_eq!(AttestationObject::parse(written.as_bytes()), Ok(written));
    }

    #[test]
    fn puts_together_what_a_key_answers() {
        let numbered = |pairs: &[(i64, Value)]| AttestationObject::from_ctap(&Value::map(pairs.iter().cloned()));
        let statement = Value::map([("sig", vec![1].into())]);
        let (fmt, auth) = ((1, Value::from("packed")), (2, Value::from(auth_data())));
        let object = numbered(&[fmt.clone(), auth.clone(), (3, statement.clone()), (4, true.into())]).unwrap();
        assert_eq!(object, AttestationObject::new("packed".into(), statement, auth_data()).unwrap());
        assert_eq!(numbered(&[fmt.clone(), auth.clone()]).unwrap().att_stmt, Value::Map(Vec::new()));
        for (pairs, why) in [
            (vec![auth.clone()], "fmt (1)"),
            (vec![fmt.clone()], "authData (2)"),
            (vec![fmt, auth, (3, 1.into())], "attStmt is not a map"),
        ] {
            let refusal = numbered(&pairs).unwrap_err().to_string();
            assert!(refusal.contains(why), "{refusal} / {why}");
        }
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
