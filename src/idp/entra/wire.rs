//! What Graph says, as far as it is needed. Members keep Graph's names; those that it may leave out or give as `null` are options.
//!
//! Encodings are read here and nowhere else: `creationOptions` becomes WebAuthn's own type, or an error.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::idp::directory;
use keywright_fido::webauthn::options::{
    AuthenticatorSelection, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
};
use keywright_fido::webauthn::{
    AttestationConveyance, Challenge, CredentialCreationOptions, CredentialId, RegistrationResponse, RelyingParty,
    RpId, UserEntity, UserHandle, UserVerification,
};

/// A page of a collection (OData 4.01 JSON, 4.5.5).
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub value: Vec<T>,
    /// Where the next page is; the last one has none.
    #[serde(rename = "@odata.nextLink")]
    pub next: Option<String>,
}

/// `user`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub id: String,
    /// Empty where the app may see ids alone.
    #[serde(default, deserialize_with = "or_empty")]
    pub user_principal_name: String,
    pub display_name: Option<String>,
    pub account_enabled: Option<bool>,
    /// `Member`, `Guest`.
    pub user_type: Option<String>,
}

fn or_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl User {
    /// The login, if the app may see it.
    pub(super) fn login(&self) -> Option<String> {
        Some(self.user_principal_name.clone()).filter(|login| !login.is_empty())
    }

    pub(super) fn user(self) -> directory::User {
        directory::User {
            id: self.id,
            display_name: self.display_name.unwrap_or_else(|| self.user_principal_name.clone()),
            login: self.user_principal_name,
            active: self.account_enabled != Some(false),
        }
    }

    /// Whether it is a guest, of this tenant or another: Entra registers no passkeys for guests, nor for people of another tenant.
    pub(super) fn is_guest(&self) -> bool {
        self.user_type.as_deref() == Some("Guest") || self.user_principal_name.contains("#EXT#")
    }
}

/// `fido2AuthenticationMethod`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Passkey {
    pub id: String,
    pub display_name: Option<String>,
    /// When it was registered.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub created_date_time: Option<OffsetDateTime>,
    /// All zeros where there is none.
    pub aa_guid: Option<String>,
    /// `attested`, `notAttested`.
    pub attestation_level: Option<String>,
    /// `deviceBound`, `synced`.
    pub passkey_type: Option<String>,
    /// Part of the type; whether Graph ever fills it in when it lists is not documented.
    pub public_key_credential: Option<Named>,
}

/// The part of `webauthnPublicKeyCredential` that tells which one it is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    pub id: Option<String>,
}

impl Passkey {
    /// The credential id, if Graph tells it.
    pub(super) fn credential_id(&self) -> Option<CredentialId> {
        self.public_key_credential.as_ref()?.id.as_ref()?.parse().ok()
    }
}

/// `authenticationMethod`, and what some of its types have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Method {
    #[serde(rename = "@odata.type")]
    odata_type: String,
    pub id: Option<String>,
    /// Of a phone: `mobile`, `alternateMobile`, `office`.
    pub phone_type: Option<String>,
    /// Of a passkey: `deviceBound`, `synced`.
    pub passkey_type: Option<String>,
    /// Of a pass.
    pub is_usable: Option<bool>,
    /// Of a pass: `EnabledByPolicy`, `DisabledByPolicy`, `Expired`, `NotYetValid`, `OneTimeUsed`.
    pub method_usability_reason: Option<String>,
}

impl Method {
    /// Its type without what all have in common, such as `phone`.
    pub(super) fn kind(&self) -> &str {
        let kind = self.odata_type.trim_start_matches("#microsoft.graph.");
        kind.strip_suffix("AuthenticationMethod").unwrap_or(kind)
    }
}

/// What `POST fido2Methods` takes. Graph refuses members besides these, such as `rawId` and `type`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewPasskey {
    display_name: String,
    public_key_credential: PublicKeyCredential,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyCredential {
    id: CredentialId,
    response: AttestationResponse,
    client_extension_results: serde_json::Map<String, Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    attestation_object: String,
}

impl NewPasskey {
    pub(super) fn new(display_name: String, response: &RegistrationResponse) -> Self {
        let response = PublicKeyCredential {
            id: response.credential_id.clone(),
            response: AttestationResponse {
                client_data_json: BASE64URL_NOPAD.encode(response.client_data_json.as_bytes()),
                attestation_object: BASE64URL_NOPAD.encode(response.attestation_object.as_bytes()),
            },
            client_extension_results: serde_json::Map::new(),
        };
        Self { display_name, public_key_credential: response }
    }
}

/// `webauthnCredentialCreationOptions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationOptions {
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub challenge_timeout_date_time: Option<OffsetDateTime>,
    public_key: PublicKey,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKey {
    rp: Rp,
    user: Account,
    challenge: String,
    pub_key_cred_params: Vec<PublicKeyCredentialParameters>,
    timeout: Option<u64>,
    exclude_credentials: Option<Vec<Descriptor>>,
    authenticator_selection: Option<Selection>,
    attestation: Option<AttestationConveyance>,
    #[serde(default)]
    extensions: Value,
}

#[derive(Debug, Deserialize)]
struct Rp {
    id: RpId,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    id: String,
    name: Option<String>,
    display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    id: Option<String>,
    transports: Option<Vec<Option<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    require_resident_key: Option<bool>,
    user_verification: Option<UserVerification>,
}

/// How binary members are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// v1.0: base64url without padding (RFC 4648 section 5).
    Plain,
    /// beta: ids of excluded credentials are followed by a digit that counts the padding which was taken off.
    CountedPadding,
}

impl CreationOptions {
    /// Reads an answer, which may be wrapped in a member `value`.
    pub(super) fn read(mut answer: Value) -> Result<Self, serde_json::Error> {
        if answer.get("publicKey").is_none()
            && let Some(wrapped) = answer.get_mut("value").filter(|value| value.is_object())
        {
            answer = wrapped.take();
        }
        serde_json::from_value(answer)
    }

    /// As WebAuthn has it.
    pub(super) fn options(self, encoding: Encoding) -> Result<CredentialCreationOptions, String> {
        let asked = self.public_key;
        let excluded = asked.exclude_credentials.unwrap_or_default();
        let name = asked.user.name.unwrap_or_default();
        let selection = asked.authenticator_selection;
        Ok(CredentialCreationOptions {
            rp: RelyingParty { name: asked.rp.name.unwrap_or_else(|| asked.rp.id.to_string()), id: asked.rp.id },
            user: UserEntity {
                id: binary("user.id", &asked.user.id).and_then(|id| UserHandle::new(id).map_err(graph_error_text))?,
                display_name: asked.user.display_name.unwrap_or_else(|| name.clone()),
                name,
            },
            challenge: binary("challenge", &asked.challenge)
                .and_then(|id| Challenge::new(id).map_err(graph_error_text))?,
            pub_key_cred_params: asked.pub_key_cred_params,
            timeout: asked.timeout,
            exclude_credentials: excluded.into_iter().filter_map(|one| one.read(encoding)).collect(),
            authenticator_selection: AuthenticatorSelection {
                resident_key: None,
                require_resident_key: selection
                    .as_ref()
                    .and_then(|selection| selection.require_resident_key)
                    .unwrap_or(true),
                user_verification: selection
                    .and_then(|selection| selection.user_verification)
                    .unwrap_or(UserVerification::Required),
            },
            // Entra says so; without a word from it, what it needs where attestation is enforced.
            attestation: asked.attestation.unwrap_or(AttestationConveyance::Direct),
            extensions: asked.extensions,
        })
    }
}

impl Descriptor {
    /// One that cannot be read is left out: then a key that is registered already may be enrolled a second time, which the ledger
    /// stops for keys that it knows. Refusing would shut the person out.
    fn read(self, encoding: Encoding) -> Option<PublicKeyCredentialDescriptor> {
        let text = self.id?;
        let Some(id) = credential_id(&text, encoding) else {
            tracing::warn!("an excluded credential has an id that cannot be read: {text:?}");
            return None;
        };
        let transports = self.transports.into_iter().flatten().flatten().collect();
        Some(PublicKeyCredentialDescriptor { transports, ..PublicKeyCredentialDescriptor::new(id) })
    }
}

/// On beta a text with a digit that fits is taken for one with counted padding even if it decodes as it stands: with one or two
/// characters of padding it often does, to something else. On v1.0 it is the other way round.
fn credential_id(text: &str, encoding: Encoding) -> Option<CredentialId> {
    let counted = || without_count(text).and_then(|text| text.parse().ok());
    let plain = || text.trim_end_matches('=').parse().ok();
    match encoding {
        Encoding::CountedPadding => counted().or_else(plain),
        Encoding::Plain => plain().or_else(counted),
    }
}

/// What is before the digit, if the digit is the padding that it lacks.
fn without_count(text: &str) -> Option<&str> {
    let padding = match text.as_bytes().last()? {
        digit @ b'0'..=b'2' => usize::from(digit - b'0'),
        _ => return None,
    };
    let rest = &text[..text.len() - 1];
    (rest.len() + padding).is_multiple_of(4).then_some(rest)
}

fn binary(what: &str, text: &str) -> Result<Vec<u8>, String> {
    BASE64URL_NOPAD
        .decode(text.trim_end_matches('=').as_bytes())
        .map_err(|error| format!("{what} is not base64url: {error}"))
}

fn graph_error_text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        json!({
            "@odata.context": "https://graph.microsoft.com/beta/$metadata#microsoft.graph.webauthnCredentialCreationOptions",
            "challengeTimeoutDateTime": "2026-04-20T10:05:00Z",
            "publicKey": {
                "rp": { "id": "login.microsoft.com", "name": "Microsoft" },
                "user": { "id": "T0Y6mho3vwFprE6a", "name": "john@contoso.com", "displayName": "John Doe" },
                "challenge": "AAECAwQFBgcICQoLDA0ODw",
                "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
                "timeout": 60000,
                "excludeCredentials": [
                    { "type": "public-key", "id": "AQID", "transports": ["usb", null] },
                    { "type": "public-key", "id": "*", "transports": [] },
                    { "type": "public-key", "id": null, "transports": null },
                ],
                "authenticatorSelection": {
                    "authenticatorAttachment": "cross-platform", "requireResidentKey": true, "userVerification": "required",
                },
                "attestation": "direct",
                "extensions": { "hmacCreateSecret": true, "credentialProtectionPolicy": "userVerificationOptional" },
            },
        })
    }

    fn options(answer: Value) -> Result<CredentialCreationOptions, String> {
        CreationOptions::read(answer).map_err(graph_error_text)?.options(Encoding::Plain)
    }

    #[test]
    fn options_are_read_wrapped_or_not() {
        let read = options(answer()).unwrap();
        assert_eq!(read.rp.id.as_str(), "login.microsoft.com");
        assert_eq!(read.challenge.as_bytes(), (0..16).collect::<Vec<u8>>());
        assert_eq!(read.extensions["hmacCreateSecret"], true);
        let [excluded] = read.exclude_credentials.as_slice() else { panic!("{:?}", read.exclude_credentials) };
        assert_eq!((excluded.id.as_bytes(), excluded.transports.as_slice()), (&[1, 2, 3][..], &["usb".to_owned()][..]));
        assert_eq!(options(json!({ "value": answer() })).unwrap(), read);
        let timeout = CreationOptions::read(answer()).unwrap().challenge_timeout_date_time.unwrap();
        assert_eq!(timeout.unix_timestamp(), 1_776_679_500);
    }

    #[test]
    fn what_graph_may_leave_out_may_be_left_out() {
        let mut bare = answer();
        for member in ["timeout", "excludeCredentials", "authenticatorSelection", "attestation", "extensions"] {
            bare["publicKey"][member] = Value::Null;
        }
        bare["challengeTimeoutDateTime"] = Value::Null;
        let read = options(bare.clone()).unwrap();
        assert_eq!(read.authenticator_selection.user_verification, UserVerification::Required);
        assert!(read.authenticator_selection.require_resident_key);
        assert_eq!(read.attestation, AttestationConveyance::Direct);
        for pointer in ["/publicKey/challenge", "/publicKey/user/id", "/publicKey/rp/id"] {
            let mut broken = bare.clone();
            *broken.pointer_mut(pointer).unwrap() = json!("***");
            assert!(options(broken).is_err(), "{pointer}");
        }
        assert!(options(json!({ "value": [] })).is_err());
    }

    /// As .NET's `UrlTokenEncode` writes it.
    fn url_token(bytes: &[u8]) -> String {
        let plain = BASE64URL_NOPAD.encode(bytes);
        format!("{plain}{}", plain.len().next_multiple_of(4) - plain.len())
    }

    #[test]
    fn excluded_ids_are_read_with_and_without_the_digit() {
        let mut accidents = 0;
        for length in 1..=64usize {
            for seed in 0..16u8 {
                let bytes: Vec<u8> =
                    (0..length).map(|at| (at as u8).wrapping_mul(37).wrapping_add(seed * 16)).collect();
                let id = CredentialId::new(bytes.clone()).unwrap();
                let with_digit = url_token(&bytes);
                assert_eq!(credential_id(&with_digit, Encoding::CountedPadding), Some(id.clone()), "{with_digit}");
                accidents += usize::from(with_digit.parse::<CredentialId>().is_ok());
                let plain = id.to_string();
                assert_eq!(credential_id(&plain, Encoding::Plain), Some(id), "{plain}");
            }
        }
        assert!(accidents > 0, "none decodes by accident, so nothing is shown");
        for nothing in ["", "0", "A", "A3", "AQID3", "\u{e4}0"] {
            assert_eq!(credential_id(nothing, Encoding::CountedPadding), None, "{nothing}");
        }
    }
}
