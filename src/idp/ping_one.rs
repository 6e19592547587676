//! PingOne, by its MFA API: devices of type `FIDO2` registered on behalf of a user, as a worker app.
//!
//! A device waits as `ACTIVATION_REQUIRED` and is activated with what the key made. What a key is to make comes as JSON within a
//! string, binary members as signed bytes; newer answers have an object and base64url. All of it is read.
//!
//! PingOne tells no credential ids: a registration is known by its device's id. It refuses to remove a device that was activated,
//! other than to revoke it.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{Method, header};

use super::connection::{ConnectionConfig, IdpSettings, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Call, Fault, Reply, ServerUrl, segment};
use super::oauth::{ClientAuthentication, ClientCredentials};
use super::question::Question;
use super::session::{Authorization, Session};
use crate::ledger::IdpInstance;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{Ceremony, CredentialCreationOptions, Origin, RegistrationResponse, RpId};

/// Milliseconds that a device waits for its activation if PingOne does not say.
const DEFAULT_TIMEOUT: u64 = 120_000;

/// The media type of an activation.
const ACTIVATE: &str = "application/vnd.pingidentity.device.activate+json";

const PENDING: &str = "ACTIVATION_REQUIRED";

const ROLE: &str = "give the worker app the role Identity Data Admin (Applications > the app > Roles)";

/// What `[idp.NAME]` says about an environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct Settings {
    /// The environment's id.
    pub environment: String,
    /// The worker app's client id.
    pub client_id: String,
    /// Where its client secret comes from.
    pub client_secret: SecretSource,
    /// The id of the device authentication policy.
    pub policy: String,
    /// The RP ID.
    pub rp_id: RpId,
    /// The origin of the page where people sign in. `https://` and the RP ID if it is not given.
    pub origin: Option<Origin>,
    /// The address of the API.
    pub api: ServerUrl,
    /// The address where tokens are given.
    pub auth: ServerUrl,
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    environment: String,
    client_id: String,
    client_secret: SecretSource,
    policy: String,
    rp_id: RpId,
    origin: Option<Origin>,
    #[serde(default)]
    region: Region,
    api: Option<ServerUrl>,
    auth: Option<ServerUrl>,
}

/// Where the environment is, by the end of PingOne's host names.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Region {
    #[default]
    #[serde(rename = "com")]
    NorthAmerica,
    #[serde(rename = "eu")]
    Europe,
    #[serde(rename = "ca")]
    Canada,
    #[serde(rename = "asia")]
    Asia,
    #[serde(rename = "com.au")]
    Australia,
    #[serde(rename = "sg")]
    Singapore,
}

impl Region {
    fn host(self, what: &str) -> String {
        let end = match self {
            Self::NorthAmerica => "com",
            Self::Europe => "eu",
            Self::Canada => "ca",
            Self::Asia => "asia",
            Self::Australia => "com.au",
            Self::Singapore => "sg",
        };
        format!("https://{what}.pingone.{end}")
    }
}

impl TryFrom<Table> for Settings {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let address = |told: Option<ServerUrl>, what| match told {
            Some(url) => Ok(url),
            None => table.region.host(what).parse().map_err(|error| format!("region: {error}")),
        };
        Ok(Self {
            environment: table.environment,
            client_id: table.client_id,
            client_secret: table.client_secret,
            policy: table.policy,
            rp_id: table.rp_id,
            origin: table.origin,
            api: address(table.api, "api")?,
            auth: address(table.auth, "auth")?,
        })
    }
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.api
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(&self.client_secret)
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(PingOne::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::text("environment", "What is the environment's id?", "abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6")
        .found("admin console: Settings > Environment Properties"),
    Question::text("client-id", "What is the worker app's client id?", "1f2e3d4c-5b6a-4798-8796-a5b4c3d2e1f0")
        .found("Applications > the app of type Worker > Overview; it needs the role Identity Data Admin"),
    Question::place("client-secret", "Where does its client secret come from?")
        .found("the app > Overview; grant type Client Credentials, token authentication Client Secret Basic"),
    Question::text("policy", "What is the id of the MFA policy?", "58b2c1d0-6f7e-4a8b-9c0d-1e2f3a4b5c6d")
        .found("Authentication > MFA, the policy that has FIDO2 in it"),
    Question::text("rp-id", "For which domain are credentials, which is the RP ID?", "auth.example.org")
        .found("Authentication > FIDO, the policy's relying party; pingone.com if PingOne's own pages are used"),
    Question::text("origin", "At what address do people sign in?", "https://auth.example.org")
        .found("scheme and host of the sign-in page, such as https://apps.pingone.com")
        .or("https:// and the RP ID"),
    Question::one_of("region", "Where is the environment?", &["com", "eu", "ca", "asia", "com.au", "sg"])
        .found("the end of the console's host")
        .or("com"),
    Question::text("api", "At what address is the API?", "https://api.pingone.com").or("PingOne's in that region"),
    Question::text("auth", "At what address are tokens given?", "https://auth.pingone.com")
        .or("PingOne's in that region"),
];

/// An environment of PingOne.
#[derive(Debug)]
pub struct PingOne {
    session: Session,
    instance: IdpInstance,
    environment: String,
    policy: String,
    rp_id: RpId,
    origin: Origin,
}

impl PingOne {
    /// Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let rp_id = settings.rp_id.clone();
        let origin = match &settings.origin {
            Some(origin) => origin.clone(),
            None => {
                format!("https://{rp_id}").parse().map_err(|error| connection.refuse(format!("origin: {error}")))?
            }
        };
        if !origin.may_use(&rp_id) {
            return Err(connection.refuse(format!("origin: a page at {origin} may not use the RP ID {rp_id}")));
        }
        let secret = connection.secret(&settings.client_secret, "client secret")?;
        let credentials = ClientCredentials::new(
            connection.client(&settings.auth)?,
            &format!("/{}/as/token", segment(&settings.environment)),
            &settings.client_id,
            ClientAuthentication::SecretBasic(secret),
            "",
        )
        .explained_by(explain);
        Ok(Self {
            session: Session::new(connection.client(&settings.api)?, Authorization::OAuth(Box::new(credentials))),
            instance: IdpInstance::new("ping-one", &settings.environment),
            environment: format!("/v1/environments/{}", segment(&settings.environment)),
            policy: settings.policy.clone(),
            rp_id,
            origin,
        })
    }

    fn call(&self, method: Method, rest: &str) -> Call<'_> {
        self.session.call(method, &format!("{}{rest}", self.environment))
    }

    fn send(&self, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        let reply = self.session.send(call)?;
        let limit = most_devices(&reply);
        reply.accepted(what).map_err(|error| match (error, limit) {
            (DirectoryError::Refused { .. }, Some(limit)) => self.session.idp().refused(format!(
                "the user has {limit} devices, which is the most; remove one, or allow more (Authentication > MFA settings)"
            )),
            (DirectoryError::Forbidden { why, .. }, _) => self.session.idp().forbidden(format!("{why}; {ROLE}")),
            (error, _) => error,
        })
    }

    fn users(&self, filter: &str, what: &str) -> Result<Vec<Account>, DirectoryError> {
        let call = self.call(Method::GET, "/users").query("filter", filter);
        Ok(self.send(call, what)?.json::<Users>()?.embedded.users)
    }

    fn devices(&self, user: &User) -> Result<Vec<Device>, DirectoryError> {
        let call = self.call(Method::GET, &devices_path(&user.id));
        Ok(self.send(call, &format!("user {}", user.login))?.json::<Devices>()?.embedded.devices)
    }

    /// `false` if PingOne itself says that there is no such device.
    fn remove(&self, user: &User, id: &str) -> Result<bool, DirectoryError> {
        let reply = self.session.send(self.call(Method::DELETE, &device_path(&user.id, id)))?;
        if is_absent(&reply) {
            return Ok(false);
        }
        match reply.accepted("such device")?.status() {
            204 => Ok(true),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to a removal"))),
        }
    }
}

/// What a person can do about a refusal of the token endpoint.
fn explain(fault: &Fault) -> Option<&'static str> {
    (fault.code.as_deref() == Some("invalid_client")).then_some(
        "check client-id and client-secret, and whether the worker app is enabled and takes Client Secret Basic (Applications > the app)",
    )
}

fn devices_path(user_id: &str) -> String {
    format!("/users/{}/devices", segment(user_id))
}

fn device_path(user_id: &str, id: &str) -> String {
    format!("{}/{}", devices_path(user_id), segment(id))
}

/// Whether PingOne itself says that there is no such thing, and no page in between.
fn is_absent(reply: &Reply) -> bool {
    reply.status() == 404 && reply.fault().code.as_deref() == Some("NOT_FOUND")
}

/// How many devices a user may have, if the answer says that there are too many.
fn most_devices(reply: &Reply) -> Option<u64> {
    if reply.status() != 400 {
        return None;
    }
    let body: Value = reply.json().ok()?;
    let limit = body["details"].as_array()?.iter().find(|detail| detail["code"] == "LIMIT_EXCEEDED")?;
    limit["innerError"]["maximumAllowed"].as_u64()
}

#[derive(Deserialize)]
struct Users {
    #[serde(rename = "_embedded")]
    embedded: UserList,
}

#[derive(Deserialize)]
struct UserList {
    users: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    id: String,
    username: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    name: Name,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Name {
    formatted: Option<String>,
    given: Option<String>,
    family: Option<String>,
}

#[derive(Deserialize)]
struct Devices {
    #[serde(rename = "_embedded")]
    embedded: DeviceList,
}

#[derive(Deserialize)]
struct DeviceList {
    devices: Vec<Device>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    id: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    nickname: Option<String>,
    #[serde(default)]
    public_key_credential_creation_options: Value,
}

impl Device {
    fn is_fido2(&self, status: &str) -> bool {
        self.kind == "FIDO2" && self.status == status
    }

    fn registered(self) -> Registered {
        Registered { id: self.id, credential_id: None, label: self.nickname.unwrap_or_default(), in_service: true }
    }
}

#[derive(Deserialize)]
struct Policies {
    #[serde(rename = "_embedded")]
    embedded: PolicyList,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyList {
    #[serde(default)]
    fido2_policies: Vec<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    #[serde(default)]
    name: String,
    #[serde(default)]
    relying_party_id: Option<String>,
    #[serde(default)]
    attestation_requirements: Option<String>,
    #[serde(default)]
    discoverable_credentials: Option<String>,
}

/// As WebAuthn writes it (Level 3, 5.1.9), from whichever form PingOne gave.
fn creation_options(told: Value) -> Result<CredentialCreationOptions, String> {
    let mut options = match told {
        Value::String(text) => serde_json::from_str(&text).map_err(|error| error.to_string())?,
        object => object,
    };
    for pointer in ["/challenge", "/user/id"] {
        let member = options.pointer_mut(pointer).ok_or_else(|| format!("no {pointer}"))?;
        *member = base64url(member).ok_or_else(|| format!("{pointer} is not binary"))?;
    }
    for excluded in options["excludeCredentials"].as_array_mut().into_iter().flatten() {
        excluded["id"] = base64url(&excluded["id"]).ok_or("an excluded id is not binary")?;
    }
    for parameters in options["pubKeyCredParams"].as_array_mut().into_iter().flatten() {
        if let Some(number) = parameters["alg"].as_str().and_then(|text| text.parse::<i64>().ok()) {
            parameters["alg"] = number.into();
        }
    }
    serde_json::from_value(options).map_err(|error| error.to_string())
}

/// From signed bytes, or from base64 of any alphabet.
fn base64url(value: &Value) -> Option<Value> {
    let text = match value {
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_i64().filter(|byte| (-128..256).contains(byte)).map(|byte| byte as u8);
            BASE64URL_NOPAD.encode(&bytes.iter().map(byte).collect::<Option<Vec<u8>>>()?)
        }
        Value::String(text) => text.trim_end_matches('=').replace('+', "-").replace('/', "_"),
        _ => return None,
    };
    Some(text.into())
}

/// An activation's `attestation`: JSON as text, with binary members in base64 with padding, `id` as WebAuthn has it.
fn attestation(response: &RegistrationResponse) -> String {
    let id = &response.credential_id;
    let made = json!({
        "clientDataJSON": BASE64.encode(response.client_data_json.as_bytes()),
        "attestationObject": BASE64.encode(response.attestation_object.as_bytes()),
    });
    let raw_id = BASE64.encode(id.as_bytes());
    json!({ "id": id, "type": "public-key", "rawId": raw_id, "response": made, "clientExtensionResults": {} })
        .to_string()
}

impl Directory for PingOne {
    fn name(&self) -> &str {
        self.session.idp()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        Ok(self.instance.clone())
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        self.session.sign_in()?;
        let finding = |blocks, message: String| Finding { blocks, message };
        let mut findings = Vec::new();
        match self.send(self.call(Method::GET, "/users").query("limit", "1"), "such environment") {
            Ok(reply) => drop(reply.json::<Users>()?),
            Err(DirectoryError::Forbidden { why, .. }) => {
                findings.push(finding(true, format!("users cannot be read: {why}")));
            }
            Err(error) => return Err(error),
        }
        let policies = match self.send(self.call(Method::GET, "/fido2Policies"), "policies for FIDO") {
            Ok(reply) => reply.json::<Policies>()?.embedded.fido2_policies,
            Err(DirectoryError::Forbidden { why, .. }) => {
                findings.push(finding(false, format!("the policies for FIDO cannot be read: {why}")));
                return Ok(findings);
            }
            Err(error) => return Err(error),
        };
        let fits = |policy: &Policy| policy.relying_party_id.as_deref() == Some(self.rp_id.as_str());
        if !policies.iter().any(fits) {
            let place = "Authentication > FIDO";
            findings.push(finding(false, format!("rp-id: no policy for FIDO has {} ({place})", self.rp_id)));
        }
        for policy in policies.iter().filter(|policy| fits(policy)) {
            let name = &policy.name;
            if let Some(demand) = policy.attestation_requirements.as_deref().filter(|demand| *demand != "NONE") {
                let what = "models that it does not let in are refused";
                findings.push(finding(false, format!("policy {name} looks at attestation ({demand}): {what}")));
            }
            if policy.discoverable_credentials.as_deref() == Some("DISCOURAGED") {
                findings.push(finding(false, format!("policy {name} does not ask for credentials on the key")));
            }
        }
        Ok(findings)
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        let what = format!("user {login}");
        let quoted = login.replace('\\', "\\\\").replace('"', "\\\"");
        let same = |name: &str| name.to_lowercase() == login.to_lowercase();
        let mut found = self.users(&format!("username eq \"{quoted}\""), &what)?;
        found.retain(|account| same(&account.username));
        if found.is_empty() && login.contains('@') {
            found = self.users(&format!("email eq \"{quoted}\""), &what)?;
            found.retain(|account| account.email.as_deref().is_some_and(same));
        }
        let Some(account) = found.pop() else {
            return Err(self.session.idp().not_found(what));
        };
        if !found.is_empty() {
            return Err(self.session.idp().invalid_response("several accounts with one login"));
        }
        let Name { formatted, given, family } = account.name;
        let parts = || [given, family].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(User {
            id: account.id,
            login: login.to_owned(),
            display_name: formatted.unwrap_or_else(parts),
            active: account.enabled != Some(false),
        })
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let body = json!({
            "type": "FIDO2", "rp": { "id": self.rp_id, "name": self.rp_id }, "policy": { "id": self.policy }
        });
        let call = self.call(Method::POST, &devices_path(&user.id)).json(&body);
        let device: Device = self.send(call, &format!("user {}", user.login))?.json()?;
        let options = creation_options(device.public_key_credential_creation_options)
            .map_err(|why| self.session.idp().invalid_response(format!("publicKeyCredentialCreationOptions: {why}")))?;
        Ok(Ceremony::with_pending_object(user.id.clone(), device.id, options, self.origin.clone(), DEFAULT_TIMEOUT))
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        _label: &str,
    ) -> Result<Registered, DirectoryError> {
        let id = ceremony.pending.as_deref().unwrap_or_default();
        let body = json!({ "origin": self.origin, "attestation": attestation(response) });
        let call = self.call(Method::POST, &device_path(&ceremony.user_id, id)).json(&body);
        let device: Device = self.send(call.header(header::CONTENT_TYPE, ACTIVATE), "such device")?.json()?;
        if device.id != id || device.status != "ACTIVE" {
            return Err(self.session.idp().invalid_response("a device that is not active"));
        }
        Ok(Registered { credential_id: Some(response.credential_id.clone()), ..device.registered() })
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        let reply = self.session.send(self.call(Method::GET, &device_path(&user.id, pending)))?;
        if is_absent(&reply) {
            return Ok(());
        }
        let device: Device = reply.accepted("such device")?.json()?;
        if device.status == PENDING {
            return self.remove(user, pending).map(drop);
        }
        let why = format!("device {pending} is activated; it is removed only by revoking it");
        Err(self.session.idp().refused(why))
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        let devices = self.devices(user)?.into_iter().filter(|device| device.is_fido2(PENDING));
        Ok(devices.map(|device| device.id).collect())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        let devices = self.devices(user)?.into_iter().filter(|device| device.is_fido2("ACTIVE"));
        Ok(devices.map(Device::registered).collect())
    }

    /// Nothing happens if it is gone already: the request may be a second one.
    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.remove(user, &registered.id).map(drop)
    }

    fn other_methods(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        let devices = self.devices(user)?.into_iter();
        let weaker = devices.filter(|device| device.kind != "FIDO2" && device.status == "ACTIVE");
        Ok(weaker.map(|device| device.kind).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_every_form() {
        let with = |challenge: Value, user: Value, alg: Value| {
            json!({
                "rp": { "id": "auth.example.org", "name": "Example" }, "challenge": challenge, "timeout": 120_000,
                "user": { "id": user, "name": "ada", "displayName": "Ada" }, "excludeCredentials": [{ "type": "public-key", "id": [-1, 2] }],
                "pubKeyCredParams": [{ "type": "public-key", "alg": alg }], "attestation": "none",
                "authenticatorSelection": { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
            })
        };
        let bytes: Vec<i8> = (-8..8).collect();
        let unsigned: Vec<u8> = bytes.iter().map(|byte| *byte as u8).collect();
        let old = with(json!(bytes), json!([-121, 2]), json!("-7")).to_string();
        let new = with(json!(BASE64URL_NOPAD.encode(&unsigned)), json!("hwI"), json!(-7));
        let padded = with(json!(BASE64.encode(&unsigned)), json!("hwI="), json!(-7));
        let read = creation_options(Value::String(old)).unwrap();
        assert_eq!((read.challenge.as_bytes(), read.user.id.as_bytes()), (&unsigned[..], &[135, 2][..]));
        assert_eq!(read.exclude_credentials[0].id.as_bytes(), [255, 2]);
        assert_eq!(creation_options(new).unwrap(), read);
        assert_eq!(creation_options(padded).unwrap(), read);
        for wrong in [json!([300]), json!(7), json!(["a"])] {
            assert!(creation_options(with(wrong, json!("hwI"), json!(-7))).is_err());
        }
    }

    #[test]
    fn a_region_has_addresses() {
        let text = "environment = \"e\"\nclient-id = \"c\"\nclient-secret = \"env:A\"\npolicy = \"p\"\nrp-id = \"example.org\"\n";
        let settings: Settings = toml::from_str(&format!("{text}region = \"com.au\"")).unwrap();
        assert_eq!((&*settings.api, &*settings.auth), ("https://api.pingone.com.au", "https://auth.pingone.com.au"));
        assert!(toml::from_str::<Settings>(&format!("{text}region = \"mars\"")).is_err());
    }
}
