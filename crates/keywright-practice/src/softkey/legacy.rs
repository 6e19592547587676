//! PIN tokens as they were before CTAP 2.1: good for every command until the power goes.
//!
//! OpenSK's tokens have permissions and run out, and a legacy one may not manage credentials. So where a 2.0 or 2.1-PRE key
//! would take the token, it is asked for once more with the permission that is needed, and draws the same token bytes again.

use zeroize::Zeroizing;

use super::generation::{CLIENT_PIN, CREDENTIAL_MANAGEMENT, GET_ASSERTION, MAKE_CREDENTIAL, RESET};
use keywright_fido::webauthn::cbor::{self, Value};

/// clientPIN subcommands (CTAP 2.1, 6.5.5).
const SET_PIN: i64 = 3;
const CHANGE_PIN: i64 = 4;
const GET_PIN_TOKEN: i64 = 5;
const GET_TOKEN_WITH_PERMISSIONS: i64 = 9;
/// The permission `cm`.
const MAY_MANAGE_CREDENTIALS: i64 = 4;

/// A token that was given out, as it was asked for.
pub(super) struct LegacyToken {
    key_agreement: Value,
    pin_hash_enc: Value,
    drawn: Zeroizing<Vec<u8>>,
}

/// A request that gives the token out once more, and the randomness that makes it the same.
pub(super) struct Again {
    pub(super) request: Vec<u8>,
    pub(super) drawn: Zeroizing<Vec<u8>>,
}

impl LegacyToken {
    /// Looks at a request that OpenSK has answered: keeps a token that was given out, forgets one that is no longer good.
    pub(super) fn follow(kept: &mut Option<Self>, request: &[u8], answer: &[u8], drawn: Zeroizing<Vec<u8>>) {
        let succeeded = answer.first() == Some(&0);
        match request.split_first() {
            Some((&CLIENT_PIN, parameters)) => {
                let parameters = cbor::decode(parameters).ok();
                let subcommand = parameters.as_ref().and_then(|map| map.get(2)?.as_integer());
                match (parameters, subcommand) {
                    (Some(map), Some(GET_PIN_TOKEN)) if succeeded => {
                        *kept = Self::asked_for(&map, drawn);
                    }
                    // After a wrong PIN the key has a new key agreement key: asking again would cost a retry.
                    _ if !succeeded => *kept = None,
                    (_, Some(SET_PIN | CHANGE_PIN)) => *kept = None,
                    _ => {}
                }
            }
            Some((&RESET, _)) if succeeded => *kept = None,
            _ => {}
        }
    }

    fn asked_for(map: &Value, drawn: Zeroizing<Vec<u8>>) -> Option<Self> {
        Some(Self { key_agreement: map.get(3)?.clone(), pin_hash_enc: map.get(6)?.clone(), drawn })
    }

    /// What to ask before this request, if it shows a token.
    pub(super) fn rearm(&self, request: &[u8]) -> Option<Again> {
        let (&command, parameters) = request.split_first()?;
        let (proof, subcommand) = match command {
            MAKE_CREDENTIAL => (8, GET_PIN_TOKEN),
            GET_ASSERTION => (6, GET_PIN_TOKEN),
            CREDENTIAL_MANAGEMENT => (4, GET_TOKEN_WITH_PERMISSIONS),
            _ => return None,
        };
        // An empty pinUvAuthParam only asks for a touch.
        cbor::decode(parameters).ok()?.get(proof)?.as_bytes().filter(|proof| !proof.is_empty())?;
        let mut members = vec![
            (1.into(), 1.into()),
            (2.into(), subcommand.into()),
            (3.into(), self.key_agreement.clone()),
            (6.into(), self.pin_hash_enc.clone()),
        ];
        if subcommand == GET_TOKEN_WITH_PERMISSIONS {
            members.push((9.into(), MAY_MANAGE_CREDENTIALS.into()));
        }
        let request = [&[CLIENT_PIN], &*cbor::encode(&Value::Map(members))].concat();
        Some(Again { request, drawn: self.drawn.clone() })
    }
}
