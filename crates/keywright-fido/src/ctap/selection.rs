//! authenticatorSelection (0x0B): CTAP 2.1 section 6.9, and what stands for it on older keys.

use super::command::Command;
use super::{Authenticator, CtapError, GetInfo, Keepalive, StatusCode, Touch};
use crate::webauthn::cbor::Value;

const SELECTION: Command = Command::new(0x0b, "authenticatorSelection");
const DUMMY: Command = Command::new(0x01, "authenticatorMakeCredential for a touch");

impl Authenticator {
    /// Returns when somebody touches this key: authenticatorSelection, or on CTAP 2.0 keys makeCredential for a dummy RP with
    /// an empty pinUvAuthParam, which such keys answer with an error after the touch (CTAP 2.0, 5.1 step 6). It makes nothing
    /// on the key.
    pub fn selection(&mut self, touch: Touch<'_>) -> Result<(), CtapError> {
        if has_selection(&self.info) {
            return self.exchange_with_touch(SELECTION, &encode_selection(), touch).map(drop);
        }
        let mut asked = false;
        let answer = self.exchange_with_touch(DUMMY, &encode_dummy(), &mut |keepalive| {
            asked |= keepalive == Keepalive::UpNeeded;
            touch(keepalive);
        });
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.status() {
                Some(StatusCode::PinInvalid | StatusCode::PinNotSet) => Ok(()),
                // A key that does not know the convention answers this at once, touched or not.
                Some(StatusCode::PinAuthInvalid) if asked => Ok(()),
                _ => Err(error),
            },
        }
    }
}

/// authenticatorSelection came with FIDO_2_1.
fn has_selection(info: &GetInfo) -> bool {
    info.versions
        .iter()
        .any(|version| version.starts_with("FIDO_") && version != "FIDO_2_0" && version != "FIDO_2_1_PRE")
}

fn encode_selection() -> Vec<u8> {
    SELECTION.request([])
}

fn encode_dummy() -> Vec<u8> {
    DUMMY.request([
        (0x01, vec![0; 32].into()),
        (0x02, Value::map([("id", "touch.invalid".into())])),
        (0x03, Value::map([("id", Value::from(vec![0])), ("name", "touch".into())])),
        (0x04, Value::Array(vec![Value::map([("alg", (-7).into()), ("type", "public-key".into())])])),
        (0x08, Vec::new().into()),
        (0x09, 1.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::CtapError;
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{info, key, touched};
    use super::*;

    const DUMMY_REQUEST: &str = "01a6015820\
        0000000000000000000000000000000000000000000000000000000000000000\
        02a16269646d746f7563682e696e76616c6964\
        03a26269644100646e616d6565746f756368\
        0481a263616c672664747970656a7075626c69632d6b6579\
        08400901";

    fn old() -> Vec<u8> {
        info([(0x01, Value::Array(vec!["U2F_V2".into(), "FIDO_2_0".into(), "FIDO_2_1_PRE".into()]))])
    }

    #[test]
    fn selection_is_one_byte_on_keys_that_have_it() {
        let (mut authenticator, script) = key(info([]), [(vec![0x0b], touched(vec![0]))]);
        let mut heard = Vec::new();
        authenticator.selection(&mut |keepalive| heard.push(keepalive)).unwrap();
        assert_eq!(heard, [Keepalive::UpNeeded]);
        script.assert_done();
        let (mut authenticator, _) = key(info([]), [(vec![0x0b], vec![0x27])]);
        let error = authenticator.selection(&mut |_| {}).unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::OperationDenied));
    }

    #[test]
    fn an_older_key_answers_a_dummy_credential_with_an_error_when_it_is_touched() {
        for status in [0x31, 0x33, 0x35] {
            let (mut authenticator, script) = key(old(), [(hex(DUMMY_REQUEST), touched(vec![status]))]);
            let mut heard = Vec::new();
            assert_eq!(authenticator.selection(&mut |keepalive| heard.push(keepalive)), Ok(()), "{status:#x}");
            assert_eq!(heard, [Keepalive::UpNeeded]);
            script.assert_done();
        }
    }

    #[test]
    fn an_error_before_any_touch_is_no_touch() {
        for (answer, status) in [
            (vec![0x33], StatusCode::PinAuthInvalid),
            (touched(vec![0x2f]), StatusCode::UserActionTimeout),
            (vec![0x36], StatusCode::PuatRequired),
        ] {
            let (mut authenticator, _) = key(old(), [(hex(DUMMY_REQUEST), answer)]);
            let error: CtapError = authenticator.selection(&mut |_| {}).unwrap_err();
            assert_eq!(error.status(), Some(status));
        }
    }
}
