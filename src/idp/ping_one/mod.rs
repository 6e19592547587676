//! PingOne, by its MFA API: devices of type `FIDO2` registered on behalf of a user, as a worker app.
//!
//! A device waits as `ACTIVATION_REQUIRED` and is activated with what the key made. What a key is to make comes as JSON within a
//! string, binary members as signed bytes; newer answers have an object and base64url. All of it is read.
//!
//! PingOne tells no credential ids: a registration is known by its device's id. It refuses to remove a device that was activated,
//! other than to revoke it.

mod classes;
mod labels;
mod last_use;
mod methods;
mod options;
mod passkeys;
mod people;
mod policies;
mod preflight;
mod rights;
mod sessions;
mod settings;
mod suspension;
mod wire;

use serde_json::{Value, json};
use ureq::http::{Method, header};

use self::options::{attestation, creation_options};
pub use self::settings::{QUESTIONS, Settings};
use self::wire::{Account, Device, Devices, Users};
use super::capability::Capabilities;
use super::connection::{ConnectionConfig, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Call, Fault, Reply, segment};
use super::oauth::{ClientAuthentication, ClientCredentials};
use super::session::{Authorization, Session};
use crate::ledger::IdpInstance;
use keywright_fido::webauthn::{Ceremony, Origin, RegistrationResponse, RpId};

/// Milliseconds that a device waits for its activation if PingOne does not say.
const DEFAULT_TIMEOUT: u64 = 120_000;

/// The media type of an activation.
const ACTIVATE: &str = "application/vnd.pingidentity.device.activate+json";

const PENDING: &str = "ACTIVATION_REQUIRED";

const ROLE: &str = "give the worker app the role Identity Data Admin (Applications > the app > Roles)";

/// An environment of PingOne.
#[derive(Debug)]
pub struct PingOne {
    session: Session,
    instance: IdpInstance,
    /// The path of everything in it.
    environment: String,
    client_id: String,
    policy: String,
    rp_id: RpId,
    origin: Origin,
}

impl PingOne {
    /// Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let rp_id = settings.rp_id.clone();
        let origin = connection.origin(settings.origin.as_ref(), &rp_id)?;
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
            client_id: settings.client_id.clone(),
            policy: settings.policy.clone(),
            rp_id,
            origin,
        })
    }

    fn call(&self, method: Method, rest: &str) -> Call<'_> {
        self.session.call(method, &format!("{}{rest}", self.environment))
    }

    fn send(&self, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        self.judged(self.session.send(call)?, what)
    }

    fn judged(&self, reply: Reply, what: &str) -> Result<Reply, DirectoryError> {
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
        Ok(self.send(call, &known(user))?.json::<Devices>()?.embedded.devices)
    }

    fn get(&self, path: &str, what: &str) -> Result<Reply, DirectoryError> {
        self.send(self.call(Method::GET, path), what)
    }

    /// `false` if PingOne itself says that there is no such device.
    fn remove_device(&self, user: &User, id: &str) -> Result<bool, DirectoryError> {
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

fn known(user: &User) -> String {
    format!("user {}", user.login)
}

fn user_path(user_id: &str) -> String {
    format!("/users/{}", segment(user_id))
}

fn devices_path(user_id: &str) -> String {
    format!("{}/devices", user_path(user_id))
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
impl Directory for PingOne {
    fn name(&self) -> &str {
        self.session.idp()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        Ok(self.instance.clone())
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        preflight::look(self)
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
        Ok(User { login: login.to_owned(), ..account.user() })
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let body = json!({
            "type": "FIDO2", "rp": { "id": self.rp_id, "name": self.rp_id }, "policy": { "id": self.policy }
        });
        let call = self.call(Method::POST, &devices_path(&user.id)).json(&body);
        let device: Device = self.send(call, &known(user))?.json()?;
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
            return self.remove_device(user, pending).map(drop);
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
        self.remove_device(user, &registered.id).map(drop)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities {
            people: Some(self),
            methods: Some(self),
            removal: Some(self),
            policies: Some(self),
            suspension: Some(self),
            sessions: Some(self),
            // Nothing like a temporary pass is in its API.
            pass: None,
            last_use: Some(self),
            passkeys: Some(self),
            models: Some(self),
            labels: Some(self),
            rights: Some(self),
            applications: Some(self),
            what_if: None,
        }
    }
}
