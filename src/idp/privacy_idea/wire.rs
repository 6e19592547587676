//! What privacyIDEA's REST API sends and takes: version 3.14, and 3.11 to 3.13 as far as their source tells.
//!
//! It refuses to send a challenge in another form than the server compares with, which differs between its two token types.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::idp::directory::User;
use keywright_fido::webauthn::options::{
    AuthenticatorSelection, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, RelyingParty, UserEntity,
};
use keywright_fido::webauthn::{
    AttestationConveyance, Challenge, CredentialCreationOptions, CredentialId, RegistrationResponse, UserHandle,
    WebauthnError,
};

/// The kind of token that a security key becomes. In the settings and on the wire: `webauthn` or `passkey`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// Second factor, asked for by serial. The server can check attestations and models.
    Webauthn,
    /// Signs in without a login being typed. The server checks neither attestation nor model.
    Passkey,
}

impl TokenType {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webauthn => "webauthn",
            Self::Passkey => "passkey",
        }
    }

    /// The right that an administrator needs to enrol it.
    pub(super) fn enroll_right(self) -> String {
        format!("enroll{}", self.name().to_uppercase())
    }
}

/// Around every answer that is a success.
#[derive(Deserialize)]
pub(super) struct Answer<V, D = Value> {
    pub(super) result: Outcome<V>,
    #[serde(default = "nothing")]
    pub(super) detail: Option<D>,
}

fn nothing<D>() -> Option<D> {
    None
}

#[derive(Deserialize)]
pub(super) struct Outcome<V> {
    pub(super) value: V,
}

/// `GET /user/`, one of them.
#[derive(Deserialize)]
pub(super) struct Person {
    pub(super) username: String,
    /// Unique within its resolver.
    pub(super) userid: String,
    #[serde(default)]
    pub(super) resolver: String,
    #[serde(default)]
    pub(super) givenname: String,
    #[serde(default)]
    pub(super) surname: String,
}

impl Person {
    pub(super) fn user(self) -> User {
        User {
            // A user's id is one within its resolver.
            id: format!("{}@{}", self.userid, self.resolver),
            display_name: format!("{} {}", self.givenname, self.surname).trim().to_owned(),
            login: self.username,
            // What is in a resolver may sign in; privacyIDEA knows of no other state.
            active: true,
        }
    }
}

/// `GET /token/`, one page.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) next: Option<u32>,
    pub(super) tokens: Vec<Token>,
}

/// One token.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) serial: String,
    pub(super) tokentype: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) rollout_state: Option<String>,
    pub(super) active: bool,
    #[serde(default)]
    pub(super) revoked: bool,
    #[serde(default)]
    pub(super) locked: bool,
    #[serde(default)]
    info: Value,
}

impl Token {
    /// Whether it waits for the second step of its enrolment.
    pub(super) fn waits(&self) -> bool {
        self.rollout_state.as_deref() == Some("clientwait")
    }

    /// Whether it was ever rolled out: one without a state is of a server that wrote none (`lib/tokenrolloutstate.py`).
    pub(super) fn is_rolled_out(&self) -> bool {
        matches!(self.rollout_state.as_deref(), None | Some("" | "enrolled"))
    }

    /// Whether it opens the door now.
    pub(super) fn is_in_service(&self) -> bool {
        self.is_rolled_out() && self.active && !self.revoked && !self.locked
    }

    /// A piece of information about it, such as `device_type`.
    pub(super) fn told(&self, name: &str) -> Option<&str> {
        self.info[name].as_str().filter(|told| !told.is_empty())
    }

    /// Whether it is a security key, of either type.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.tokentype.as_str(), "webauthn" | "passkey")
    }

    /// Whether it holds this credential: it tells the SHA-256 of the credential id, in hex.
    pub(super) fn holds(&self, credential_id: &CredentialId) -> bool {
        let hash = HEXLOWER.encode(&Sha256::digest(credential_id.as_bytes()));
        self.info["credential_id_hash"].as_str().is_some_and(|told| told.eq_ignore_ascii_case(&hash))
    }
}

/// `GET /policy/`, one of them.
#[derive(Deserialize)]
pub(super) struct Policy {
    #[serde(default)]
    name: String,
    pub(super) scope: String,
    pub(super) active: bool,
    #[serde(default)]
    realm: Vec<String>,
    #[serde(default)]
    resolver: Vec<String>,
    #[serde(default)]
    user: Vec<String>,
    #[serde(default)]
    client: Vec<String>,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    conditions: Vec<Value>,
    #[serde(default)]
    pub(super) action: Value,
}

impl Policy {
    /// Whether it may be about enrolments in this realm. What it says about users and conditions is not looked at.
    pub(super) fn enrols_in(&self, wanted: &str) -> bool {
        self.active && self.scope == "enrollment" && self.takes_realm(wanted)
    }

    /// Whether it may be about people of this realm. One with a pattern counts as if it were.
    pub(super) fn takes_realm(&self, wanted: &str) -> bool {
        takes(&self.realm, wanted)
    }

    /// The same for a resolver.
    pub(super) fn takes_resolver(&self, wanted: &str) -> bool {
        takes(&self.resolver, wanted)
    }

    /// Whether it is about everybody of the realms and resolvers that it names, always and from everywhere.
    pub(super) fn is_whole(&self) -> bool {
        self.user.is_empty()
            && self.client.is_empty()
            && self.conditions.is_empty()
            && self.time.as_deref().is_none_or(str::is_empty)
            && !self.realm.iter().chain(&self.resolver).any(|name| is_pattern(name))
    }

    /// Whether it is the same policy.
    pub(super) fn is_named_like(&self, other: &Self) -> bool {
        self.name == other.name
    }

    /// Its name, and that it is not about everybody.
    pub(super) fn words(&self) -> String {
        if self.is_whole() { self.name.clone() } else { format!("{} (for some of them)", self.name) }
    }
}

fn is_pattern(name: &str) -> bool {
    name.starts_with(['*', '!', '-'])
}

fn takes(names: &[String], wanted: &str) -> bool {
    names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case(wanted) || is_pattern(name))
}

/// The first step of `POST /token/init`.
#[derive(Serialize)]
pub(super) struct Begin<'a> {
    #[serde(rename = "type")]
    pub(super) kind: TokenType,
    pub(super) user: &'a str,
    pub(super) realm: &'a str,
}

/// `detail` of the first step's answer.
#[derive(Deserialize)]
pub(super) struct Begun {
    pub(super) serial: String,
    pub(super) transaction_id: String,
    #[serde(default, rename = "webAuthnRegisterRequest")]
    webauthn: Option<RegisterRequest>,
    #[serde(default, rename = "passkey_registration")]
    passkey: Option<PasskeyRegistration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegisterRequest {
    nonce: Challenge,
    relying_party: RelyingParty,
    name: String,
    display_name: String,
    pub_key_cred_algorithms: Vec<PublicKeyCredentialParameters>,
    #[serde(default)]
    timeout: Option<u64>,
    #[serde(default)]
    exclude_credentials: Vec<PublicKeyCredentialDescriptor>,
    #[serde(default)]
    authenticator_selection: AuthenticatorSelection,
    #[serde(default)]
    attestation: AttestationConveyance,
}

/// The options of WebAuthn 5.1.9, whose `challenge` is not what it seems to be.
#[derive(Deserialize)]
struct PasskeyRegistration {
    challenge: String,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

impl Begun {
    /// What the key is asked for; `None` if the answer is one to another token type.
    pub(super) fn options(self, kind: TokenType) -> Result<Option<CredentialCreationOptions>, WebauthnError> {
        match (kind, self.webauthn, self.passkey) {
            (TokenType::Webauthn, Some(request), _) => request.options(&self.serial).map(Some),
            (TokenType::Passkey, _, Some(registration)) => registration.options().map(Some),
            _ => Ok(None),
        }
    }
}

impl RegisterRequest {
    fn options(self, serial: &str) -> Result<CredentialCreationOptions, WebauthnError> {
        Ok(CredentialCreationOptions {
            rp: self.relying_party,
            // The server's own clients make the user handle of the serial; it stores nothing else for this type.
            user: UserEntity {
                id: UserHandle::new(serial.as_bytes())?,
                name: self.name,
                display_name: self.display_name,
            },
            challenge: self.nonce,
            pub_key_cred_params: self.pub_key_cred_algorithms,
            timeout: self.timeout,
            exclude_credentials: self.exclude_credentials,
            authenticator_selection: self.authenticator_selection,
            attestation: self.attestation,
            extensions: Value::Null,
        })
    }
}

impl PasskeyRegistration {
    /// The server sends `challenge` in base64url as every relying party does, but compares what client data carries with the
    /// bytes of that very text (`expected_challenge=challenge.challenge.encode("utf-8")` in `lib/tokens/passkeytoken.py`, from
    /// 3.11 to 3.14). So the text is not decoded here, and client data encodes it a second time.
    fn options(mut self) -> Result<CredentialCreationOptions, WebauthnError> {
        let challenge = BASE64URL_NOPAD.encode(self.challenge.as_bytes());
        self.rest.insert("challenge".into(), challenge.into());
        serde_json::from_value(Value::Object(self.rest))
            .map_err(|error| WebauthnError::malformed("passkey_registration", error.to_string()))
    }
}

/// The second step of `POST /token/init`.
#[derive(Serialize)]
pub(super) struct Complete<'a> {
    #[serde(rename = "type")]
    pub(super) kind: TokenType,
    pub(super) serial: &'a str,
    pub(super) transaction_id: &'a str,
    pub(super) description: &'a str,
    #[serde(flatten)]
    pub(super) credential: Credential,
}

/// A credential, as each token type takes it. Binary members are base64url without padding.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Credential {
    /// For `webauthn`.
    Webauthn { regdata: String, clientdata: String },
    /// For `passkey`.
    #[serde(rename_all = "camelCase")]
    Passkey {
        #[serde(rename = "credential_id")]
        credential_id: CredentialId,
        raw_id: CredentialId,
        authenticator_attachment: &'static str,
        attestation_object: String,
        #[serde(rename = "clientDataJSON")]
        client_data_json: String,
    },
}

impl Credential {
    pub(super) fn new(kind: TokenType, response: &RegistrationResponse) -> Self {
        let attestation_object = BASE64URL_NOPAD.encode(response.attestation_object.as_bytes());
        let client_data_json = BASE64URL_NOPAD.encode(response.client_data_json.as_bytes());
        match kind {
            TokenType::Webauthn => Self::Webauthn { regdata: attestation_object, clientdata: client_data_json },
            TokenType::Passkey => Self::Passkey {
                credential_id: response.credential_id.clone(),
                raw_id: response.credential_id.clone(),
                authenticator_attachment: "cross-platform",
                attestation_object,
                client_data_json,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use keywright_fido::webauthn::{CeremonyType, ClientDataJson};

    const RECEIVED: &str = "3bKfDUIZawD6FZPjH9sEQkJAMSTIBuKYKdR9pnf3iVM";

    fn challenge_in_client_data(options: &CredentialCreationOptions) -> String {
        let origin = "https://login.example.com".parse().unwrap();
        let client_data = ClientDataJson::new(CeremonyType::Create, &options.challenge, &origin);
        let client_data: Value = serde_json::from_slice(client_data.as_bytes()).unwrap();
        client_data["challenge"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_passkeys_challenge_is_encoded_twice() {
        // Both as a server of version 3.14 gave and took them: it decodes client data's challenge once, and holds the bytes
        // against the text that it sent. A challenge that is decoded first, as WebAuthn says, is refused with ERR404.
        let begun: Begun = serde_json::from_value(json!({
            "serial": "PIPK0000DBF5",
            "transaction_id": "02429474134011442155",
            "passkey_registration": {
                "attestation": "none",
                "authenticatorSelection": {
                    "requireResidentKey": true, "residentKey": "required", "userVerification": "preferred",
                },
                "challenge": RECEIVED,
                "excludeCredentials": [],
                "pubKeyCredParams": [{ "alg": -7, "type": "public-key" }],
                "rp": { "id": "example.com", "name": "Example Corp" },
                "timeout": 12000,
                "user": { "displayName": "alice", "id": "5OgkA43eSsFACFLGqJL2Ug", "name": "alice" },
            },
        }))
        .unwrap();
        let options = begun.options(TokenType::Passkey).unwrap().unwrap();
        assert_eq!(options.challenge.as_bytes(), RECEIVED.as_bytes());
        assert_eq!(challenge_in_client_data(&options), "M2JLZkRVSVphd0Q2RlpQakg5c0VRa0pBTVNUSUJ1S1lLZFI5cG5mM2lWTQ");
    }

    #[test]
    fn a_webauthn_tokens_challenge_is_encoded_once_and_its_serial_is_the_user() {
        let answer = || {
            serde_json::from_value::<Begun>(json!({
                "rollout_state": "clientwait",
                "serial": "WAN0000F1DB",
                "transaction_id": "09548752474580732537",
                "webAuthnRegisterRequest": {
                    "attestation": "direct",
                    "authenticatorSelection": { "userVerification": "preferred" },
                    "displayName": "<alice.r1@corp>",
                    "message": "Please confirm with your WebAuthn token",
                    "name": "alice",
                    "nonce": RECEIVED,
                    "pubKeyCredAlgorithms": [{ "alg": -7, "type": "public-key" }],
                    "relyingParty": { "id": "example.com", "name": "Example Corp" },
                    "serialNumber": "WAN0000F1DB",
                    "timeout": 60000,
                    "transaction_id": "09548752474580732537",
                },
            }))
            .unwrap()
        };
        let options = answer().options(TokenType::Webauthn).unwrap().unwrap();
        assert_eq!(challenge_in_client_data(&options), RECEIVED);
        assert_eq!(options.user.id.as_bytes(), b"WAN0000F1DB");
        assert_eq!(options.attestation, AttestationConveyance::Direct);
        assert_eq!(answer().options(TokenType::Passkey).unwrap(), None);
    }

    #[test]
    fn a_token_is_known_by_the_hash_of_its_credential_id() {
        let token = |info: Value| {
            let token = json!({ "serial": "WAN1", "tokentype": "webauthn", "active": true, "info": info });
            serde_json::from_value::<Token>(token).unwrap()
        };
        let credential_id = CredentialId::new(*b"abc").unwrap();
        // FIPS 180-2 B.1.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(token(json!({ "credential_id_hash": hash })).holds(&credential_id));
        assert!(!token(json!({ "credential_id_hash": hash.replace('b', "c") })).holds(&credential_id));
        assert!(!token(json!({})).holds(&credential_id));
    }
}
