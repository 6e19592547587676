//! Which of some credentials does this key have? Asked with getAssertion and `up` false (CTAP 2.1, 6.2.2): no touch, and without a
//! token no PIN either. The client data hash is zeros, so that what is signed is good for nothing.
//!
//! It refuses to take a key's OK for a yes: firmware exists that answers so while it is locked, with a credential that was not
//! asked for (see [`super::quirks`]). That is [`Holding::Perhaps`], and only a PIN and a signature make more of it.

use super::get_assertion::{self, COMMAND, GetAssertion};
use super::{Authenticator, CtapError, PinUvAuthToken, StatusMeaning};
use crate::webauthn::{CredentialId, RpId};

/// What a key answers when it is asked for some credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// It has this one. It may have others of them too.
    Has(CredentialId),
    /// It has none of them, or none that it shows.
    None,
    /// It answers for these as for nothing that is not its own, and names another credential. Not empty.
    Perhaps(Vec<CredentialId>),
    /// It does not answer to this, or answers what says nothing.
    CannotTell(CtapError),
}

/// One answer.
enum Answer {
    Has(CredentialId),
    None,
    /// OK, and nothing that could be believed.
    Unclear,
    Refused(CtapError),
}

/// How many credentials a list has at the most on a key that does not say (CTAP 2.1, 6.4 leaves it open), and on any.
const UNTOLD: u64 = 4;
const MOST: u64 = 16;

impl Authenticator {
    /// Cuts a list of credentials into allow lists that this key takes in a silent assertion. Ids that are longer than any of the
    /// key's own are left out.
    pub fn allow_lists(
        &self,
        rp_id: &RpId,
        ids: &[CredentialId],
        token: Option<&PinUvAuthToken>,
    ) -> Vec<Vec<CredentialId>> {
        let longest = self.info.max_credential_id_length.unwrap_or(u64::MAX);
        let ids: Vec<_> = ids.iter().filter(|id| id.as_bytes().len() as u64 <= longest).cloned().collect();
        let empty = get_assertion::encode(&request(rp_id, Vec::new()), token).len();
        let room = self.info.max_msg_size.min(self.transport_limit()).saturating_sub(empty);
        let most = self.info.max_credential_count_in_list.unwrap_or(UNTOLD).clamp(1, MOST);
        get_assertion::parts(&ids, most, room).into_iter().map(<[CredentialId]>::to_vec).collect()
    }

    /// Asks for the credentials of one allow list. A token needs ga; some credentials show only to a verified person (credProtect
    /// 3). Fails where the connection does, and with a token where the key refuses it.
    pub fn holds_one_of(
        &mut self,
        rp_id: &RpId,
        allow_list: &[CredentialId],
        token: Option<&PinUvAuthToken>,
    ) -> Result<Holding, CtapError> {
        let Some(first) = allow_list.first() else {
            // A key would take that for any credential of this RP.
            return Ok(Holding::None);
        };
        match self.ask_silently(rp_id, allow_list, token)? {
            Answer::Has(id) => return Ok(Holding::Has(id)),
            Answer::None => return Ok(Holding::None),
            Answer::Refused(error) if token.is_some() => return Err(error),
            Answer::Refused(error) => return Ok(Holding::CannotTell(error)),
            Answer::Unclear => {}
        }
        // A key that answers so for a credential that nobody made says nothing with it.
        let nobody_s: Vec<u8> = first.as_bytes().iter().map(|byte| !byte).collect();
        if !matches!(self.ask_silently(rp_id, &[CredentialId::new(nobody_s)?], token)?, Answer::None) {
            return Ok(Holding::CannotTell(COMMAND.malformed("it answers for credentials that it cannot have")));
        }
        let mut perhaps = Vec::new();
        for id in allow_list {
            match self.ask_silently(rp_id, std::slice::from_ref(id), token)? {
                Answer::Has(id) => return Ok(Holding::Has(id)),
                Answer::Unclear => perhaps.push(id.clone()),
                Answer::None => {}
                Answer::Refused(error) => return Ok(Holding::CannotTell(error)),
            }
        }
        Ok(match perhaps.is_empty() {
            false => Holding::Perhaps(perhaps),
            true => Holding::CannotTell(COMMAND.malformed("it answers for a list and for none of its credentials")),
        })
    }

    fn ask_silently(
        &mut self,
        rp_id: &RpId,
        allow_list: &[CredentialId],
        token: Option<&PinUvAuthToken>,
    ) -> Result<Answer, CtapError> {
        let request = request(rp_id, allow_list.to_vec());
        let answer =
            self.exchange(COMMAND, &get_assertion::encode(&request, token)).and_then(|body| COMMAND.answer(&body));
        match answer {
            Ok(answer) => Ok(match get_assertion::decode(&answer, &request) {
                Ok(assertion) => Answer::Has(assertion.credential_id),
                Err(_) => Answer::Unclear,
            }),
            Err(error) if error.means(StatusMeaning::NoCredentials) => Ok(Answer::None),
            Err(error @ (CtapError::Status { .. } | CtapError::InvalidResponse { .. } | CtapError::Webauthn(_))) => {
                Ok(Answer::Refused(error))
            }
            Err(error) => Err(error),
        }
    }
}

fn request(rp_id: &RpId, allow_list: Vec<CredentialId>) -> GetAssertion {
    GetAssertion { rp_id: rp_id.clone(), client_data_hash: [0; 32], allow_list, user_presence: false }
}

#[cfg(test)]
mod tests {
    use super::super::StatusCode;
    use super::super::command;
    use super::super::scripted::{Exchange, answer, auth_data, info, key};
    use super::*;
    use crate::webauthn::cbor::Value;

    fn rp_id() -> RpId {
        "example.org".parse().unwrap()
    }

    fn id(byte: u8) -> CredentialId {
        CredentialId::new([byte; 4]).unwrap()
    }

    fn asked(bytes: &[u8]) -> Vec<u8> {
        get_assertion::encode(&request(&rp_id(), bytes.iter().map(|byte| id(*byte)).collect()), None)
    }

    fn signed_by(byte: u8) -> Vec<u8> {
        let credential = (0x01, command::descriptor(&id(byte)));
        answer([credential, (0x02, auth_data("example.org", None)), (0x03, vec![0x30, 0x00].into())])
    }

    /// Asks a key that answers these lists so for credentials 1 to 3.
    fn holding(exchanges: Vec<Exchange>) -> Result<Holding, CtapError> {
        let (mut authenticator, script) = key(info([]), exchanges);
        let found = authenticator.holds_one_of(&rp_id(), &[id(1), id(2), id(3)], None);
        script.assert_done();
        found
    }

    const NONE: u8 = 0x2e;

    #[test]
    fn a_key_that_names_one_of_them_has_it() {
        assert_eq!(holding(vec![(asked(&[1, 2, 3]), signed_by(2))]), Ok(Holding::Has(id(2))));
        assert_eq!(holding(vec![(asked(&[1, 2, 3]), vec![NONE])]), Ok(Holding::None));
    }

    #[test]
    fn a_key_that_names_another_may_have_those_that_it_answers_so_for() {
        let perhaps = holding(vec![
            (asked(&[1, 2, 3]), signed_by(9)),
            (asked(&[!1]), vec![NONE]),
            (asked(&[1]), vec![NONE]),
            (asked(&[2]), signed_by(9)),
            (asked(&[3]), vec![NONE]),
        ]);
        assert_eq!(perhaps, Ok(Holding::Perhaps(vec![id(2)])));
    }

    #[test]
    fn a_key_that_answers_so_for_everything_says_nothing() {
        let found = holding(vec![(asked(&[1, 2, 3]), signed_by(9)), (asked(&[!1]), signed_by(9))]);
        assert!(matches!(found, Ok(Holding::CannotTell(_))), "{found:?}");
    }

    #[test]
    fn a_refusal_is_no_answer_and_fails_nothing() {
        for status in [0x32, 0x36, 0x34, 0x2b, 0x7f] {
            let found = holding(vec![(asked(&[1, 2, 3]), vec![status])]).unwrap();
            let Holding::CannotTell(error) = found else { panic!("{found:?}") };
            assert_eq!(error.status(), Some(StatusCode::from(status)));
        }
        let nonsense = holding(vec![(asked(&[1, 2, 3]), vec![0, 0xff])]);
        assert!(matches!(nonsense, Ok(Holding::CannotTell(_))), "{nonsense:?}");
    }

    #[test]
    fn no_list_is_asked_for_nothing() {
        let (mut authenticator, script) = key(info([]), []);
        assert_eq!(authenticator.holds_one_of(&rp_id(), &[], None), Ok(Holding::None));
        script.assert_done();
    }

    #[test]
    fn lists_keep_to_what_the_key_takes() {
        let lengths = |members: Vec<(i64, Value)>, ids: usize, long: usize| {
            let (authenticator, _) = key(info(members), []);
            let ids: Vec<_> = (0..ids).map(|n| CredentialId::new(vec![n as u8; long]).unwrap()).collect();
            authenticator.allow_lists(&rp_id(), &ids, None).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(vec![(0x07, 8.into()), (0x05, 7609.into())], 17, 16), [8, 8, 1]);
        assert_eq!(lengths(vec![], 6, 16), [4, 2]);
        assert_eq!(lengths(vec![(0x07, 200.into()), (0x05, 7609.into())], 17, 16), [16, 1]);
        assert_eq!(lengths(vec![(0x08, 16.into())], 3, 17), [0_usize; 0]);
        assert_eq!(lengths(vec![(0x05, 300.into())], 3, 64), [2, 1]);
    }
}
