//! authenticatorGetAssertion (0x02) and authenticatorGetNextAssertion (0x08): CTAP 2.1 sections 6.2 and 6.3.
//!
//! It takes no answer for another RP or by a credential that was not asked for. It does not verify signatures.

use super::command::{self, Answer, Command};
use super::{Authenticator, CtapError, Holding, Permissions, PinUvAuthToken, StatusCode, Touch};
use crate::webauthn::cbor::Value;
use crate::webauthn::{
    AuthenticationResponse, AuthenticatorData, ClientDataJson, CredentialId, RpId, SignedAssertion, UserHandle,
};

pub(super) const COMMAND: Command = Command::new(0x02, "authenticatorGetAssertion");
const NEXT: Command = Command::new(0x08, "authenticatorGetNextAssertion");

/// More assertions than any key has credentials; a key that claims more is not believed.
const MOST: u64 = 4096;

/// A request for a signature.
#[derive(Debug, Clone)]
pub struct GetAssertion {
    /// The relying party.
    pub rp_id: RpId,
    /// SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// Credentials that will do; empty for any resident one.
    pub allow_list: Vec<CredentialId>,
    /// up: whether somebody has to touch the key. Without, the key only says which credential it has.
    pub user_presence: bool,
}

/// A signature.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// The credential that signed.
    pub credential_id: CredentialId,
    /// Authenticator data as signed.
    pub authenticator_data: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// The account, on resident credentials.
    pub user_handle: Option<UserHandle>,
    /// The account's name, if the key told it.
    pub user_name: Option<String>,
}

impl Assertion {
    /// The answer to the relying party, with the client data whose hash the request had.
    pub fn into_response(self, client_data_json: ClientDataJson) -> AuthenticationResponse {
        let Self { credential_id, authenticator_data, signature, user_handle, .. } = self;
        let assertion = SignedAssertion { authenticator_data, client_data_json, signature };
        AuthenticationResponse { credential_id, assertion, user_handle }
    }
}

impl Authenticator {
    /// authenticatorGetAssertion and, if the key has several, authenticatorGetNextAssertion for the others. `token` needs ga.
    ///
    /// [`StatusCode::NoCredentials`] if the key has none that fits. An allow list that is too long for one request is looked
    /// through with silent assertions first. Refuses an answer whose rpIdHash is not this RP's, or by a credential that is not
    /// in the allow list.
    pub fn get_assertions(
        &mut self,
        request: &GetAssertion,
        token: Option<&PinUvAuthToken>,
        touch: Touch<'_>,
    ) -> Result<Vec<Assertion>, CtapError> {
        if !self.fits(&encode(request, token), &request.allow_list) {
            let Some(held) = self.find_credential(&request.rp_id, &request.allow_list, token)? else {
                return Err(CtapError::Status { command: COMMAND.name, status: StatusCode::NoCredentials });
            };
            return self.ask_for_assertions(&GetAssertion { allow_list: vec![held], ..request.clone() }, token, touch);
        }
        self.ask_for_assertions(request, token, touch)
    }

    /// Whether the key takes a request with this list of credentials in it.
    pub(super) fn fits(&self, encoded: &[u8], list: &[CredentialId]) -> bool {
        let most = self.info.max_credential_count_in_list.unwrap_or(u64::MAX);
        encoded.len() <= self.info.max_msg_size && list.len() as u64 <= most
    }

    fn ask_for_assertions(
        &mut self,
        request: &GetAssertion,
        token: Option<&PinUvAuthToken>,
        touch: Touch<'_>,
    ) -> Result<Vec<Assertion>, CtapError> {
        let answer = COMMAND.answer(&self.exchange_with_touch(COMMAND, &encode(request, token), touch)?)?;
        let mut assertions = vec![decode(&answer, request)?];
        let number = answer.unsigned(0x05)?.unwrap_or(1);
        if number > MOST {
            return Err(COMMAND.malformed(format!("{number} credentials are more than a key has")));
        }
        for _ in 1..number {
            let answer = NEXT.answer(&self.exchange(NEXT, &NEXT.request([]))?)?;
            assertions.push(decode(&answer, request)?);
        }
        Ok(assertions)
    }

    /// Which of these credentials the key has, if any, asked without a touch in requests that are short enough for it
    /// (CTAP 2.1, 6.1.1 and 6.2.1: pre-flight). The token is used if it has ga.
    pub(super) fn find_credential(
        &mut self,
        rp_id: &RpId,
        candidates: &[CredentialId],
        token: Option<&PinUvAuthToken>,
    ) -> Result<Option<CredentialId>, CtapError> {
        let token = token.filter(|token| token.permits(Permissions::GET_ASSERTION));
        for list in self.allow_lists(rp_id, candidates, token) {
            match self.holds_one_of(rp_id, &list, token)? {
                Holding::Has(id) => return Ok(Some(id)),
                // The key says at the next request whether it has it.
                Holding::Perhaps(ids) => return Ok(ids.into_iter().next()),
                Holding::None => {}
                Holding::CannotTell(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Cuts a list into parts of at most `most` credentials that take at most `room` bytes; each part has at least one.
pub(super) fn parts(mut list: &[CredentialId], most: u64, room: usize) -> Vec<&[CredentialId]> {
    // A descriptor is its id, and 23 bytes around it at the most; the list itself has a head of 3 and the key of 1.
    let size = |id: &CredentialId| id.as_bytes().len() + 23;
    let mut parts = Vec::new();
    while !list.is_empty() {
        let mut left = room.saturating_sub(4);
        let fitting = list.iter().take_while(|id| {
            let fits = size(id) <= left;
            left = left.saturating_sub(size(id));
            fits
        });
        let (part, rest) = list.split_at(fitting.count().min(most.min(usize::MAX as u64) as usize).max(1));
        parts.push(part);
        list = rest;
    }
    parts
}

pub(super) fn encode(request: &GetAssertion, token: Option<&PinUvAuthToken>) -> Vec<u8> {
    let mut parameters: Vec<(i64, Value)> =
        vec![(0x01, request.rp_id.as_str().into()), (0x02, request.client_data_hash[..].into())];
    if !request.allow_list.is_empty() {
        parameters.push((0x03, Value::Array(request.allow_list.iter().map(command::descriptor).collect())));
    }
    // True is the default, and some firmware refuses to be told.
    if !request.user_presence {
        parameters.push((0x05, Value::map([("up", false.into())])));
    }
    if let Some(token) = token {
        parameters.push((0x06, token.authenticate(&request.client_data_hash)));
        parameters.push((0x07, token.protocol.number().into()));
    }
    COMMAND.request(parameters)
}

pub(super) fn decode(answer: &Answer, request: &GetAssertion) -> Result<Assertion, CtapError> {
    let authenticator_data = answer.required(0x02, Value::as_bytes)?.to_vec();
    if AuthenticatorData::parse(&authenticator_data)?.rp_id_hash != request.rp_id.hash() {
        return Err(answer.malformed("the assertion is for another RP"));
    }
    let credential_id =
        match (answer.optional(0x01, |credential| credential.get("id")?.as_bytes())?, &request.allow_list[..]) {
            (Some(id), _) => CredentialId::new(id)?,
            // With one candidate the key may leave it out (CTAP 2.1, 6.2.2).
            (None, [only]) => only.clone(),
            (None, _) => return Err(answer.malformed("it does not say which credential signed")),
        };
    if !request.allow_list.is_empty() && !request.allow_list.contains(&credential_id) {
        return Err(answer.malformed("a credential signed that was not asked for"));
    }
    let user = answer.optional(0x04, |user| user.as_map().map(|_| user))?;
    let member = |name| user.and_then(|user| user.get(name));
    Ok(Assertion {
        credential_id,
        authenticator_data,
        signature: answer.required(0x03, Value::as_bytes)?.to_vec(),
        user_handle: member("id").and_then(Value::as_bytes).map(UserHandle::new).transpose()?,
        user_name: member("name").and_then(Value::as_text).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::super::client_pin::tests::known_token;
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{answer, auth_data, info, key, touched};
    use super::*;

    fn id(byte: u8) -> CredentialId {
        CredentialId::new([byte, byte]).unwrap()
    }

    fn request(allow_list: impl IntoIterator<Item = u8>) -> GetAssertion {
        GetAssertion {
            rp_id: "example.org".parse().unwrap(),
            client_data_hash: [0x22; 32],
            allow_list: allow_list.into_iter().map(id).collect(),
            user_presence: true,
        }
    }

    fn signed(credential: Option<u8>, user: Option<u8>, number: Option<i64>) -> Vec<u8> {
        let descriptor = |byte| (0x01, command::descriptor(&id(byte)));
        let user = user.map(|byte| (0x04, Value::map([("id", vec![byte].into()), ("name", Value::from("ada"))])));
        let rest = [(0x02, auth_data("example.org", None)), (0x03, vec![0x30, 0x00].into())];
        answer(credential.map(descriptor).into_iter().chain(rest).chain(user).chain(number.map(|n| (0x05, n.into()))))
    }

    #[test]
    fn requests_are_the_specification_s() {
        let head = format!("016b6578616d706c652e6f7267025820{}", "22".repeat(32));
        assert_eq!(encode(&request([]), None), hex(&format!("02a2{head}")));
        let silent = GetAssertion { user_presence: false, ..request([1]) };
        assert_eq!(
            encode(&silent, Some(&known_token())),
            hex(&format!(
                "02a6{head}0381a262696442010164747970656a7075626c69632d6b657905a1627570f4\
                 065820098253f0b64599b255683ccf32b755e126dc170d83466d6a2a52219167f47a930702"
            ))
        );
    }

    #[test]
    fn all_assertions_are_fetched_with_one_touch() {
        let (mut authenticator, script) = key(
            info([]),
            [
                (encode(&request([]), None), touched(signed(Some(1), Some(10), Some(3)))),
                (vec![0x08], signed(Some(2), Some(20), None)),
                (vec![0x08], signed(Some(3), None, None)),
            ],
        );
        let mut touches = 0;
        let assertions = authenticator.get_assertions(&request([]), None, &mut |_| touches += 1).unwrap();
        script.assert_done();
        assert_eq!(touches, 1);
        let ids: Vec<_> = assertions.iter().map(|assertion| assertion.credential_id.clone()).collect();
        assert_eq!(ids, [id(1), id(2), id(3)]);
        assert_eq!(assertions[1].user_handle, Some(UserHandle::new([20]).unwrap()));
        assert_eq!(assertions[1].user_name.as_deref(), Some("ada"));
        assert_eq!(assertions[2].user_handle, None);
    }

    fn answered(request: GetAssertion, answer: Vec<u8>) -> Result<Vec<Assertion>, CtapError> {
        let (mut authenticator, _) = key(info([]), [(encode(&request, None), answer)]);
        authenticator.get_assertions(&request, None, &mut |_| {})
    }

    #[test]
    fn a_credential_that_is_left_out_is_the_only_one_that_was_asked_for() {
        assert_eq!(answered(request([4]), signed(None, None, None)).unwrap()[0].credential_id, id(4));
        for list in [vec![], vec![4, 5]] {
            assert!(matches!(
                answered(request(list), signed(None, None, None)),
                Err(CtapError::InvalidResponse { .. })
            ));
        }
    }

    #[test]
    fn answers_to_something_else_are_refused() {
        let mut foreign = request([1]);
        foreign.rp_id = "example.com".parse().unwrap();
        assert!(matches!(answered(foreign, signed(Some(1), None, None)), Err(CtapError::InvalidResponse { .. })));
        for (list, answer) in [
            (vec![1], signed(Some(2), None, None)),
            (vec![], signed(Some(1), None, Some(1 << 40))),
            (vec![], signed(Some(1), None, Some(-1))),
        ] {
            assert!(matches!(answered(request(list), answer), Err(CtapError::InvalidResponse { .. })));
        }
    }

    #[test]
    fn a_long_allow_list_is_looked_through_first() {
        let one_at_a_time = || info([(0x07, 1.into()), (0x08, 2.into())]);
        let silent = |byte| GetAssertion { user_presence: false, client_data_hash: [0; 32], ..request([byte]) };
        let mut asked = request([1, 2]);
        // Longer than any id of this key: not even asked for.
        asked.allow_list.insert(0, CredentialId::new([1; 3]).unwrap());
        let (mut authenticator, script) = key(
            one_at_a_time(),
            [
                (encode(&silent(1), None), vec![0x2e]),
                (encode(&silent(2), None), signed(None, None, None)),
                (encode(&request([2]), None), touched(signed(None, None, None))),
            ],
        );
        let assertions = authenticator.get_assertions(&asked, None, &mut |_| {}).unwrap();
        assert_eq!(assertions[0].credential_id, id(2));
        script.assert_done();
        let (mut authenticator, script) =
            key(one_at_a_time(), [(encode(&silent(1), None), vec![0x2e]), (encode(&silent(2), None), vec![0x2e])]);
        let error = authenticator.get_assertions(&asked, None, &mut |_| {}).unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::NoCredentials));
        script.assert_done();
    }

    #[test]
    fn parts_fit_and_none_is_empty() {
        let list: Vec<_> = (0..10).map(|byte| CredentialId::new([byte; 77]).unwrap()).collect();
        let lengths = |most, room| parts(&list, most, room).iter().map(|part| part.len()).collect::<Vec<_>>();
        assert_eq!(lengths(4, 10_000), [4, 4, 2]);
        assert_eq!(lengths(8, 304), [3, 3, 3, 1]);
        assert_eq!(lengths(u64::MAX, 10_000), [10]);
        assert_eq!(lengths(0, 0), [1; 10]);
        assert!(parts(&[], 4, 100).is_empty());
    }
}
