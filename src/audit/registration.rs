//! One registration, as people keep them.
//!
//! | form | what is read of it |
//! |---|---|
//! | `RegistrationResponseJSON` (WebAuthn 5.1.8.1) | `rawId` or `id`; in `response`: `attestationObject`, `clientDataJSON` |
//! | an object with the members themselves | `attestationObject`, `clientDataJSON` if it was kept |
//! | a file of `ledger export` | the same, and what the key said of its firmware |
//!
//! | as IdPs carry it and libraries print it | see `dialect.rs` |
//! | as `ssh-keygen` writes it | see `ssh_sk.rs` |
//!
//! Bytes are base64url, base64 or hex, with or without padding and line breaks; client data may also be the JSON text itself. An
//! attestation object may have CTAP's integer keys, as the key answered. Other members are passed over. It refuses JSON that
//! has no attestation object in it, and CBOR that [`keywright_fido::webauthn`] refuses.

mod dialect;
mod ssh_sk;

use std::borrow::Cow;
use std::sync::LazyLock;

use data_encoding::{BASE64URL_NOPAD, Encoding, HEXLOWER_PERMISSIVE, Specification};
use serde::Deserialize;
use time::OffsetDateTime;

use keywright_attest::{Judge, Verdict};
use keywright_fido::webauthn::cbor;
use keywright_fido::webauthn::{Aaguid, AttestationObject, CeremonyType, ClientDataJson, CredentialId, WebauthnError};

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What the key answered.
    pub attestation: AttestationObject,
    /// What the statement signs besides; `None` if it was not kept.
    pub client_data: Option<ClientDataJson>,
    /// The credential's id as the client told it, if it did.
    pub credential_id: Option<CredentialId>,
    /// getInfo's firmwareVersion, where our own ledger kept it.
    pub reported_firmware: Option<u64>,
}

/// Why something is no registration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Damaged, or a member of another kind than it should be.
    #[error("not a registration in JSON: {0}")]
    Json(String),
    /// JSON, but a list.
    #[error("a JSON list; a list is read if it is a file of its own and has registrations in it")]
    List,
    /// JSON, but of something else.
    #[error("no registration: it has no attestationObject")]
    NoAttestationObject,
    /// JSON of something else that is known.
    #[error("not a registration but {0}: it has no attestationObject")]
    Recognised(&'static str),
    /// A member that holds no bytes in any form.
    #[error("{member} is neither a text nor a list of bytes")]
    NoBytes {
        /// The member.
        member: &'static str,
    },
    /// Text that should have been bytes.
    #[error("{member} is neither base64url nor base64: {why}")]
    Base64 {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A file of ssh-keygen's that is damaged.
    #[error("an attestation of ssh-keygen, but {0}")]
    SshSk(&'static str),
    /// Bytes that should have been WebAuthn data.
    #[error(transparent)]
    Webauthn(#[from] WebauthnError),
}

/// A registration whose parts do not belong together, or belong to something else. No statement covers this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The client data cannot be read.
    #[error("The client data is not a JSON object (WebAuthn 7.1 step 6).")]
    ClientData,
    /// The client data is of another ceremony.
    #[error("The client data is of \"{0}\", not of \"webauthn.create\" (WebAuthn 7.1 step 7).")]
    Ceremony(String),
    /// The id that the client told is not the one that the key made.
    #[error("The id {0} is not the credential's id in the authenticator data.")]
    CredentialId(CredentialId),
    /// The key in hand says that it is one model, and attests another.
    #[error("The key says that it is model {claimed}, and its credential says {attested}.")]
    Model {
        /// getInfo's AAGUID.
        claimed: Aaguid,
        /// The authenticator data's.
        attested: Aaguid,
    },
}

/// Text that is borrowed from the JSON unless it has escapes in it.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A member that other people's documents may use for something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Perhaps<T> {
    Is(T),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow)]
    response: Option<Response<'a>>,
    #[serde(borrow)]
    raw_id: Option<Perhaps<Text<'a>>>,
    #[serde(borrow)]
    id: Option<Perhaps<Text<'a>>>,
    #[serde(borrow, alias = "attestation_object")]
    attestation_object: Option<Text<'a>>,
    #[serde(borrow, rename = "clientDataJSON", alias = "client_data_json")]
    client_data_json: Option<Text<'a>>,
    key: Option<Perhaps<Key>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    #[serde(borrow)]
    attestation_object: Option<Text<'a>>,
    #[serde(borrow, rename = "clientDataJSON")]
    client_data_json: Option<Text<'a>>,
}

/// What our own export says of the key.
#[derive(Deserialize)]
struct Key {
    firmware_version: Option<u64>,
}

/// What a registration is made of, as bytes.
struct Parts {
    object: Vec<u8>,
    client_data: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    reported_firmware: Option<u64>,
}

impl Parts {
    /// Those of WebAuthn's JSON, and of our own export.
    fn read(json: &[u8]) -> Result<Self, RegistrationError> {
        let members: Members<'_> =
            serde_json::from_slice(json).map_err(|error| RegistrationError::Json(error.to_string()))?;
        // An id beside the members themselves may be anything: a row of a table, an index.
        let (object, client_data, id) = match members.response {
            Some(response) => (response.attestation_object, response.client_data_json, members.raw_id.or(members.id)),
            None => (members.attestation_object, members.client_data_json, None),
        };
        let object = object.ok_or(RegistrationError::NoAttestationObject)?;
        let client_data = match client_data {
            Some(text) if text.0.starts_with('{') => Some(text.0.into_owned().into_bytes()),
            Some(text) => Some(bytes("clientDataJSON", &text.0)?),
            None => None,
        };
        let id = match id {
            Some(Perhaps::Is(text)) => Some(bytes("id", &text.0)?),
            Some(Perhaps::Other(_)) | None => None,
        };
        let reported_firmware = match members.key {
            Some(Perhaps::Is(key)) => key.firmware_version,
            Some(Perhaps::Other(_)) | None => None,
        };
        Ok(Self { object: bytes("attestationObject", &object.0)?, client_data, id, reported_firmware })
    }
}

impl Registration {
    /// Reads one registration, in any of the forms above.
    pub fn parse(json: &[u8]) -> Result<Self, RegistrationError> {
        if ssh_sk::is_one(json) {
            return Self::of_parts(ssh_sk::read(json)?);
        }
        match json.trim_ascii_start().first() {
            // serde takes a list for a struct as well.
            Some(b'[') => return Err(RegistrationError::List),
            Some(b'{') => {}
            _ => return Err(RegistrationError::Json("it does not begin with {".into())),
        }
        let parts = match Parts::read(json) {
            Err(RegistrationError::Json(_) | RegistrationError::NoAttestationObject) => dialect::read(json)?,
            parts => parts?,
        };
        Self::of_parts(parts)
    }

    fn of_parts(parts: Parts) -> Result<Self, RegistrationError> {
        let attestation = attestation_object(&parts.object)?;
        let client_data = parts.client_data.map(ClientDataJson::from_bytes);
        let credential_id = parts.id.map(CredentialId::new).transpose()?;
        Ok(Self { attestation, client_data, credential_id, reported_firmware: parts.reported_firmware })
    }

    /// What the judge finds.
    pub fn judge(&self, judge: &Judge, at: OffsetDateTime) -> Verdict {
        let hash = self.client_data.as_ref().map(ClientDataJson::hash);
        judge.judge(&self.attestation, hash.as_ref(), self.reported_firmware, at)
    }

    /// What contradicts what. Challenge and origin are not looked at: whoever asked for the registration knows them.
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        found.extend(self.client_data.as_ref().and_then(|client_data| of_another_ceremony(client_data.as_bytes())));
        let made = self.attestation.auth_data.attested_credential_data.as_ref().map(|made| &made.credential_id);
        if let (Some(told), Some(made)) = (&self.credential_id, made)
            && told != made
        {
            found.push(Contradiction::CredentialId(told.clone()));
        }
        found
    }
}

fn of_another_ceremony(client_data: &[u8]) -> Option<Contradiction> {
    #[derive(Deserialize)]
    struct ClientData<'a> {
        #[serde(borrow, rename = "type")]
        ceremony: Cow<'a, str>,
    }

    let json = client_data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(client_data);
    if !json.trim_ascii_start().starts_with(b"{") {
        return Some(Contradiction::ClientData);
    }
    match serde_json::from_slice::<ClientData<'_>>(json) {
        Ok(data) if data.ceremony == CeremonyType::Create.as_str() => None,
        Ok(data) => Some(Contradiction::Ceremony(data.ceremony.into_owned())),
        Err(_) => Some(Contradiction::ClientData),
    }
}

/// With WebAuthn's text keys, or with the integer keys of authenticatorMakeCredential's answer (CTAP 2.1, 6.1).
fn attestation_object(bytes: &[u8]) -> Result<AttestationObject, WebauthnError> {
    // A map of two to six pairs whose first key is 1: there may be no statement, and the key may have added members.
    if !matches!(bytes, [0xa2..=0xa6, 0x01, ..]) {
        return AttestationObject::parse(bytes);
    }
    AttestationObject::from_ctap(&cbor::decode(bytes)?)
}

/// base64url as WebAuthn writes it, or what databases and mail programs make of it.
fn bytes(member: &'static str, text: &str) -> Result<Vec<u8>, RegistrationError> {
    static LENIENT: LazyLock<Encoding> = LazyLock::new(|| {
        let mut specification = Specification::new();
        specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
        specification.translate.from.push_str("+/");
        specification.translate.to.push_str("-_");
        specification.ignore.push_str("= \t\r\n");
        specification.encoding().expect("64 symbols that differ, and none of them ignored")
    });
    if let Some(bytes) = hex(text) {
        return Ok(bytes);
    }
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .or_else(|_| LENIENT.decode(text.as_bytes()))
        .map_err(|error| RegistrationError::Base64 { member, why: error.to_string() })
}

/// Hex, where it cannot be base64: what it says begins as an attestation object or client data does.
fn hex(text: &str) -> Option<Vec<u8>> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()?;
    matches!(bytes.as_slice(), [0xa2..=0xb7 | 0xbf | b'{', ..]).then_some(bytes)
}
