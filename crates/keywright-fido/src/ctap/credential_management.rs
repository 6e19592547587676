//! authenticatorCredentialManagement (0x0A, and 0x41 on FIDO_2_1_PRE keys): CTAP 2.1 section 6.8.
//!
//! Every request needs a token with cm. One that is bound to an RP ID is good for that RP's credentials only, and not for
//! metadata and enumerateRPs.

use super::command::{self, Answer, Command};
use super::{Authenticator, CtapError, GetInfo, PinUvAuthToken, StatusCode};
use crate::webauthn::cbor::{self, Value};
use crate::webauthn::{CosePublicKey, CredentialId, UserEntity, UserHandle};

/// More entries than any key stores; a key that claims more is not believed.
const MOST: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subcommand {
    GetCredsMetadata = 0x01,
    EnumerateRpsBegin = 0x02,
    EnumerateRpsGetNextRp = 0x03,
    EnumerateCredentialsBegin = 0x04,
    EnumerateCredentialsGetNextCredential = 0x05,
    DeleteCredential = 0x06,
    UpdateUserInformation = 0x07,
}

impl Subcommand {
    /// The command that carries it: 0x0A, or the preview's 0x41 on keys that have nothing else.
    fn on(self, info: &GetInfo) -> Result<Command, CtapError> {
        let name = match self {
            Self::GetCredsMetadata => "authenticatorCredentialManagement getCredsMetadata",
            Self::EnumerateRpsBegin => "authenticatorCredentialManagement enumerateRPsBegin",
            Self::EnumerateRpsGetNextRp => "authenticatorCredentialManagement enumerateRPsGetNextRP",
            Self::EnumerateCredentialsBegin => "authenticatorCredentialManagement enumerateCredentialsBegin",
            Self::EnumerateCredentialsGetNextCredential => {
                "authenticatorCredentialManagement enumerateCredentialsGetNextCredential"
            }
            Self::DeleteCredential => "authenticatorCredentialManagement deleteCredential",
            Self::UpdateUserInformation => "authenticatorCredentialManagement updateUserInformation",
        };
        if info.option("credMgmt") == Some(true) {
            Ok(Command::new(0x0a, name))
        } else if info.option("credentialMgmtPreview") != Some(true) {
            Err(CtapError::Unsupported("credential management (credMgmt)"))
        } else if self == Self::UpdateUserInformation {
            Err(CtapError::Unsupported("updateUserInformation (credMgmt)"))
        } else {
            Ok(Command::new(0x41, name))
        }
    }
}

/// getCredsMetadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialsMetadata {
    /// Resident credentials on the key.
    pub existing: u64,
    /// An estimate of how many more it takes; `None` from firmware that answers nothing where it has none.
    pub remaining: Option<u64>,
}

/// One of enumerateRPs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRp {
    /// The RP ID as the key stored it (some keys cut it short); may be missing.
    pub id: Option<String>,
    /// SHA-256 of the RP ID.
    pub id_hash: [u8; 32],
}

/// One of enumerateCredentials.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// The account.
    pub user_handle: UserHandle,
    /// The account's name.
    pub user_name: Option<String>,
    /// The person's name.
    pub user_display_name: Option<String>,
    /// The credential.
    pub credential_id: CredentialId,
    /// Its public key, if the key told it; its bytes in canonical form.
    pub public_key: Option<CosePublicKey>,
    /// Its credProtect level, 1 to 3, if the key told it.
    pub cred_protect: Option<u64>,
}

impl Authenticator {
    /// credentialManagement getCredsMetadata.
    pub fn credentials_metadata(&mut self, token: &PinUvAuthToken) -> Result<CredentialsMetadata, CtapError> {
        let answer = self.manage_credentials(Subcommand::GetCredsMetadata, None, Some(token))?;
        if says_nothing(&answer) {
            return Ok(CredentialsMetadata { existing: 0, remaining: None });
        }
        Ok(CredentialsMetadata { existing: count(&answer, 0x01)?, remaining: Some(count(&answer, 0x02)?) })
    }

    /// credentialManagement enumerateRPs. Empty if there are none.
    pub fn enumerate_rps(&mut self, token: &PinUvAuthToken) -> Result<Vec<StoredRp>, CtapError> {
        let begin = Subcommand::EnumerateRpsBegin;
        self.enumerate((begin, None), Subcommand::EnumerateRpsGetNextRp, 0x05, token, decode_rp)
    }

    /// credentialManagement enumerateCredentials of one RP. Empty if there are none.
    pub fn enumerate_credentials(
        &mut self,
        token: &PinUvAuthToken,
        rp_id_hash: &[u8; 32],
    ) -> Result<Vec<StoredCredential>, CtapError> {
        let begin = (Subcommand::EnumerateCredentialsBegin, Some(Value::map([(0x01, rp_id_hash[..].into())])));
        let next = Subcommand::EnumerateCredentialsGetNextCredential;
        self.enumerate(begin, next, 0x09, token, decode_credential)
    }

    /// credentialManagement deleteCredential.
    pub fn delete_credential(&mut self, token: &PinUvAuthToken, credential_id: &CredentialId) -> Result<(), CtapError> {
        let parameters = Value::map([(0x02, command::descriptor(credential_id))]);
        self.manage_credentials(Subcommand::DeleteCredential, Some(parameters), Some(token)).map(drop)
    }

    /// credentialManagement updateUserInformation: new names for the account, cut to 64 bytes and left out if empty. The user
    /// handle has to be the one that is stored. [`CtapError::Unsupported`] on FIDO_2_1_PRE keys.
    pub fn update_user_information(
        &mut self,
        token: &PinUvAuthToken,
        credential_id: &CredentialId,
        user: &UserEntity,
    ) -> Result<(), CtapError> {
        let parameters = Value::map([(0x02, command::descriptor(credential_id)), (0x03, command::user(user))]);
        self.manage_credentials(Subcommand::UpdateUserInformation, Some(parameters), Some(token)).map(drop)
    }

    /// Begin, and as many times next as the first answer says in its member `total`.
    fn enumerate<T>(
        &mut self,
        (begin, parameters): (Subcommand, Option<Value>),
        next: Subcommand,
        total: i64,
        token: &PinUvAuthToken,
        decode: fn(&Answer) -> Result<T, CtapError>,
    ) -> Result<Vec<T>, CtapError> {
        let first = match self.manage_credentials(begin, parameters, Some(token)) {
            Err(CtapError::Status { status: StatusCode::NoCredentials, .. }) => return Ok(Vec::new()),
            // CTAP 2.1, 6.8.3 and 6.8.4 ask for that status; some firmware answers OK and nothing.
            Ok(answer) if says_nothing(&answer) => return Ok(Vec::new()),
            answer => answer?,
        };
        let total = match count(&first, total)? {
            // What preview keys say instead of CTAP2_ERR_NO_CREDENTIALS.
            0 => return Ok(Vec::new()),
            total if total > MOST => return Err(first.malformed(format!("{total} entries are more than a key stores"))),
            total => total,
        };
        let mut entries = vec![decode(&first)?];
        for _ in 1..total {
            entries.push(decode(&self.manage_credentials(next, None, None)?)?);
        }
        Ok(entries)
    }

    fn manage_credentials(
        &mut self,
        subcommand: Subcommand,
        parameters: Option<Value>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Answer, CtapError> {
        let command = subcommand.on(&self.info)?;
        command.answer(&self.exchange(command, &encode(command, subcommand, parameters, token))?)
    }
}

/// pinUvAuthParam covers the subcommand and the canonical parameters. The "next" subcommands go without.
fn encode(
    command: Command,
    subcommand: Subcommand,
    parameters: Option<Value>,
    token: Option<&PinUvAuthToken>,
) -> Vec<u8> {
    let authorisation = token.map(|token| {
        let mut message = vec![subcommand as u8];
        message.extend(parameters.iter().flat_map(cbor::encode));
        [(0x03, token.protocol.number().into()), (0x04, token.authenticate(&message))]
    });
    command.request(
        [(0x01, (subcommand as i64).into())]
            .into_iter()
            .chain(parameters.map(|parameters| (0x02, parameters)))
            .chain(authorisation.into_iter().flatten()),
    )
}

fn says_nothing(answer: &Answer) -> bool {
    answer.members().as_map().is_some_and(|members| members.is_empty())
}

fn count(answer: &Answer, key: i64) -> Result<u64, CtapError> {
    answer.unsigned(key)?.ok_or_else(|| answer.malformed(format!("member 0x{key:02X} is missing")))
}

fn decode_rp(answer: &Answer) -> Result<StoredRp, CtapError> {
    let rp = answer.optional(0x03, |rp| rp.as_map().map(|_| rp))?;
    Ok(StoredRp {
        id: rp.and_then(|rp| rp.get("id")?.as_text()).map(str::to_owned),
        id_hash: answer.required(0x04, |hash| hash.as_bytes()?.try_into().ok())?,
    })
}

fn decode_credential(answer: &Answer) -> Result<StoredCredential, CtapError> {
    let user = answer.required(0x06, |user| user.as_map().map(|_| user))?;
    let text = |name| user.get(name).and_then(Value::as_text).map(str::to_owned);
    let handle = user.get("id").and_then(Value::as_bytes).ok_or_else(|| answer.malformed("the user has no id"))?;
    let public_key = answer.optional(0x08, Some)?;
    Ok(StoredCredential {
        user_handle: UserHandle::new(handle)?,
        user_name: text("name"),
        user_display_name: text("displayName"),
        credential_id: CredentialId::new(answer.required(0x07, |credential| credential.get("id")?.as_bytes())?)?,
        public_key: public_key.map(|key| CosePublicKey::from_value(key, &cbor::encode(key))).transpose()?,
        cred_protect: answer.unsigned(0x0a)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::client_pin::tests::known_token;
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{ES256_KEY, answer, info, key, options};
    use super::*;

    fn info_2_1() -> Vec<u8> {
        info([options([("credMgmt", true), ("credentialMgmtPreview", true)])])
    }

    fn preview() -> Vec<u8> {
        info([options([("credentialMgmtPreview", true)])])
    }

    fn id() -> CredentialId {
        CredentialId::new([1, 2]).unwrap()
    }

    // The MACs were computed apart: HMAC-SHA-256 with the known token over the subcommand and the parameters.
    const METADATA: &str = "a30101030204582045676f3835f462adfa04b2066c5ec094c60dd480564326dfdcd4b2c36ac46025";
    const RPS: &str = "a301020302045820fbfb518d519d9f4138b4997ea57492af7d1e2dbc9cd7d80d318980b1b9e9943b";
    const CREDENTIALS: &str = "a4010402a101582033333333333333333333333333333333333333333333333333333333333333330302\
                               04582064b0e6befbbc9440b6ac8d7013cbde7e5ef572d359ad96e5a4f2a88115515491";
    const DELETE: &str = "a4010602a102a262696442010264747970656a7075626c69632d6b65790302\
                          045820d3c89597964d77b0df5a20856db73f481f06669e948737efc32acea7aab7a527";
    const UPDATE: &str = "a4010702a202a262696442010264747970656a7075626c69632d6b657903a26269644107646e616d65634164610302\
                          0458203450e7c963f95c3c849d6f348c31d9551cbcfcf7fcf9b7af1db76f146cde2c40";

    fn request(byte: &str, parameters: &str) -> Vec<u8> {
        hex(&format!("{byte}{parameters}"))
    }

    #[test]
    fn the_command_is_the_preview_s_only_where_there_is_no_other() {
        for (info, byte) in [(info_2_1(), "0a"), (preview(), "41")] {
            let numbers = answer([(0x01, 3.into()), (0x02, 22.into())]);
            let (mut authenticator, script) =
                key(info, [(request(byte, METADATA), numbers), (request(byte, DELETE), vec![0])]);
            assert_eq!(
                authenticator.credentials_metadata(&known_token()),
                Ok(CredentialsMetadata { existing: 3, remaining: Some(22) })
            );
            authenticator.delete_credential(&known_token(), &id()).unwrap();
            script.assert_done();
        }
        let (mut without, _) = key(info([]), []);
        assert!(matches!(without.credentials_metadata(&known_token()), Err(CtapError::Unsupported(_))));
    }

    #[test]
    fn user_information_is_updated_on_2_1_only() {
        let user = UserEntity { id: UserHandle::new([7]).unwrap(), name: "Ada".into(), display_name: String::new() };
        let (mut authenticator, script) = key(info_2_1(), [(request("0a", UPDATE), vec![0])]);
        authenticator.update_user_information(&known_token(), &id(), &user).unwrap();
        script.assert_done();
        let (mut authenticator, _) = key(preview(), []);
        let refused = authenticator.update_user_information(&known_token(), &id(), &user);
        assert!(matches!(refused, Err(CtapError::Unsupported(_))));
    }

    fn rp(byte: u8, id: Option<&str>, total: Option<i64>) -> Vec<u8> {
        let rp = Value::map(id.map(|id| ("id", Value::from(id))));
        answer([(0x03, rp), (0x04, vec![byte; 32].into())].into_iter().chain(total.map(|total| (0x05, total.into()))))
    }

    #[test]
    fn rps_are_counted_by_the_first_answer() {
        let next = || hex("0aa10103");
        let (mut authenticator, script) = key(
            info_2_1(),
            [
                (request("0a", RPS), rp(1, Some("example.org"), Some(3))),
                (next(), rp(2, Some("example.com"), None)),
                (next(), rp(3, None, None)),
            ],
        );
        let rps = authenticator.enumerate_rps(&known_token()).unwrap();
        script.assert_done();
        assert_eq!(rps[0], StoredRp { id: Some("example.org".into()), id_hash: [1; 32] });
        assert_eq!(rps[2], StoredRp { id: None, id_hash: [3; 32] });
        assert_eq!(rps.len(), 3);
    }

    #[test]
    fn nothing_stored_is_an_empty_list() {
        for none in [vec![0x2e], answer([(0x05, 0.into()), (0x09, 0.into())]), vec![0], vec![0, 0xa0]] {
            let (mut authenticator, _) =
                key(info_2_1(), [(request("0a", RPS), none.clone()), (request("0a", CREDENTIALS), none)]);
            assert_eq!(authenticator.enumerate_rps(&known_token()), Ok(Vec::new()));
            assert_eq!(authenticator.enumerate_credentials(&known_token(), &[0x33; 32]).unwrap().len(), 0);
        }
        for none in [vec![0], vec![0, 0xa0]] {
            let (mut authenticator, _) = key(info_2_1(), [(request("0a", METADATA), none)]);
            let nothing = CredentialsMetadata { existing: 0, remaining: None };
            assert_eq!(authenticator.credentials_metadata(&known_token()), Ok(nothing));
        }
    }

    #[test]
    fn a_count_that_no_key_has_is_not_believed() {
        for answered in [rp(1, None, Some(1 << 40)), rp(1, None, Some(-1)), rp(1, None, None)] {
            let (mut authenticator, _) = key(info_2_1(), [(request("0a", RPS), answered)]);
            assert!(matches!(authenticator.enumerate_rps(&known_token()), Err(CtapError::InvalidResponse { .. })));
        }
    }

    #[test]
    fn credentials_are_read_with_all_that_the_key_tells() {
        let user = Value::map([("id", vec![7].into()), ("name", "ada".into()), ("displayName", Value::from("Ada"))]);
        let whole = answer([
            (0x06, user),
            (0x07, command::descriptor(&id())),
            (0x08, cbor::decode(&hex(ES256_KEY)).unwrap()),
            (0x09, 2.into()),
            (0x0a, 3.into()),
            (0x0b, vec![1; 32].into()),
            (0x0c, false.into()),
        ]);
        let least = answer([(0x06, Value::map([("id", Value::from(vec![8]))])), (0x07, command::descriptor(&id()))]);
        let (mut authenticator, script) =
            key(info_2_1(), [(request("0a", CREDENTIALS), whole), (hex("0aa10105"), least)]);
        let credentials = authenticator.enumerate_credentials(&known_token(), &[0x33; 32]).unwrap();
        script.assert_done();
        let [whole, least] = &credentials[..] else { panic!("{} credentials", credentials.len()) };
        assert_eq!(whole.user_handle, UserHandle::new([7]).unwrap());
        assert_eq!((whole.user_name.as_deref(), whole.user_display_name.as_deref()), (Some("ada"), Some("Ada")));
        assert_eq!((&whole.credential_id, whole.cred_protect), (&id(), Some(3)));
        assert_eq!(whole.public_key.as_ref().unwrap().bytes, hex(ES256_KEY));
        assert_eq!((&least.user_name, &least.public_key, least.cred_protect), (&None, &None, None));
    }

    #[test]
    fn a_credential_without_a_user_is_refused() {
        let (mut authenticator, _) = key(
            info_2_1(),
            [(request("0a", CREDENTIALS), answer([(0x07, command::descriptor(&id())), (0x09, 1.into())]))],
        );
        let refused = authenticator.enumerate_credentials(&known_token(), &[0x33; 32]);
        assert!(matches!(refused, Err(CtapError::InvalidResponse { .. })));
    }
}
