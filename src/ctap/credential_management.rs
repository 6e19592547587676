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
    /// An estimate of how many more it takes.
    pub remaining: u64,
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
        Ok(CredentialsMetadata { existing: count(&answer, 0x01)?, remaining: count(&answer, 0x02)? })
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
