//! A CTAP2 message (CTAP 2.3 section 8): command byte and canonical CBOR out, status byte and strict CBOR in.

use super::{CtapError, StatusCode};
use crate::webauthn::cbor::{self, Value};
use crate::webauthn::{CredentialId, UserEntity};

/// A command's byte, and the name that errors call it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    byte: u8,
    pub name: &'static str,
}

impl Command {
    pub(super) const fn new(byte: u8, name: &'static str) -> Self {
        Self { byte, name }
    }

    /// The request: the command byte alone, or followed by its parameters.
    pub(super) fn request(self, parameters: impl IntoIterator<Item = (i64, Value)>) -> Vec<u8> {
        let mut request = vec![self.byte];
        let parameters = Value::map(parameters);
        if parameters.as_map().is_some_and(|pairs| !pairs.is_empty()) {
            request.extend(cbor::encode(&parameters));
        }
        request
    }

    /// Takes the status off an answer and returns the rest, if the status is success.
    pub(super) fn body(self, answer: &[u8]) -> Result<&[u8], CtapError> {
        match answer.split_first() {
            Some((0, body)) => Ok(body),
            Some((&status, _)) => Err(CtapError::Status { command: self.name, status: StatusCode::from(status) }),
            None => Err(self.malformed("it is empty")),
        }
    }

    /// Reads the map that follows the status. Commands that answer nothing answer an empty body or an empty map.
    pub(super) fn answer(self, body: &[u8]) -> Result<Answer, CtapError> {
        let members = if body.is_empty() {
            Value::Map(Vec::new())
        } else {
            cbor::decode(body).map_err(|error| self.malformed(error.to_string()))?
        };
        if members.as_map().is_none() {
            return Err(self.malformed("it is not a map"));
        }
        Ok(Answer { command: self, members })
    }

    pub(super) fn malformed(self, why: impl Into<String>) -> CtapError {
        CtapError::InvalidResponse { command: self.name, why: why.into() }
    }
}

/// The map that a key answered with.
pub(super) struct Answer {
    command: Command,
    members: Value,
}

impl Answer {
    /// The map itself.
    pub(super) fn members(&self) -> &Value {
        &self.members
    }

    pub(super) fn malformed(&self, why: impl Into<String>) -> CtapError {
        self.command.malformed(why)
    }

    /// A member that may be absent, but not of another type.
    pub(super) fn optional<'a, T>(
        &'a self,
        key: i64,
        read: fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, CtapError> {
        match self.members.get(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(self.malformed(format!("member 0x{key:02X} has the wrong type"))),
            },
        }
    }

    /// A member that has to be there.
    pub(super) fn required<'a, T>(&'a self, key: i64, read: fn(&'a Value) -> Option<T>) -> Result<T, CtapError> {
        self.optional(key, read)?.ok_or_else(|| self.malformed(format!("member 0x{key:02X} is missing")))
    }

    /// A count or length that may be absent, but not negative.
    pub(super) fn unsigned(&self, key: i64) -> Result<Option<u64>, CtapError> {
        self.optional(key, |value| value.as_integer().and_then(|number| u64::try_from(number).ok()))
    }
}

/// A PublicKeyCredentialDescriptor as CTAP2 carries it.
pub(super) fn descriptor(id: &CredentialId) -> Value {
    Value::map([("id", id.as_bytes().into()), ("type", "public-key".into())])
}

/// A PublicKeyCredentialUserEntity as CTAP2 carries it.
pub(super) fn user(user: &UserEntity) -> Value {
    let names = [("name", &user.name), ("displayName", &user.display_name)];
    Value::map(
        [("id", user.id.as_bytes().into())]
            .into_iter()
            .chain(names.into_iter().filter(|(_, name)| !name.is_empty()).map(|(key, name)| (key, cut(name).into()))),
    )
}

/// As many leading bytes of a name as every key takes: up to 64, ending at a character. Some firmware refuses the whole
/// request when a name is longer.
pub(super) fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(64)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: Command = Command::new(0x42, "test");

    #[test]
    fn a_request_without_parameters_is_one_byte() {
        assert_eq!(COMMAND.request([]), [0x42]);
        assert_eq!(COMMAND.request([(2, true.into()), (1, 5.into())]), [0x42, 0xa2, 1, 5, 2, 0xf5]);
    }

    #[test]
    fn an_answer_is_a_status_and_a_map() {
        assert_eq!(COMMAND.body(&[0, 0xa0]), Ok(&[0xa0][..]));
        assert_eq!(COMMAND.body(&[0x31]), Err(CtapError::Status { command: "test", status: StatusCode::PinInvalid }));
        assert!(matches!(COMMAND.body(&[]), Err(CtapError::InvalidResponse { .. })));
        assert!(COMMAND.answer(&[]).is_ok());
        assert!(COMMAND.answer(&[0xa1, 1, 0x20]).unwrap().unsigned(1).is_err());
        for wrong in [&[0x80][..], &[0xa1, 1], &[0xa0, 0]] {
            assert!(matches!(COMMAND.answer(wrong), Err(CtapError::InvalidResponse { .. })), "{wrong:02x?}");
        }
    }

    #[test]
    fn names_are_cut_at_a_character() {
        assert_eq!(cut("Ada"), "Ada");
        assert_eq!(cut(&"x".repeat(65)), "x".repeat(64));
        assert_eq!(cut(&format!("{}é", "x".repeat(63))), "x".repeat(63));
    }
}
