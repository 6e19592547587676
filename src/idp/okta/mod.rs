//! Okta, by its Factors API: WebAuthn factors enrolled on behalf of a user, with an API token or as a service app.
//!
//! A factor is enrolled, waits as `PENDING_ACTIVATION`, and is activated with what the key made. Okta tells the credential id of
//! an active factor, so nothing has to be guessed afterwards. An activation is sent once: Okta takes five in five minutes.
//!
//! Okta leaves the RP ID out of what it asks for. It is the custom one of the authenticator's settings, or else the host where
//! people sign in; a credential for another host is of no use. Okta's list leaves out factors that the user's policy does not ask
//! for, so it is held against the enrolments that the Identity Engine lists.
//!
//! It refuses to remove a factor that was activated, other than to revoke it.

mod applications;
mod classes;
mod last_use;
mod methods;
mod pass;
mod passkeys;
mod people;
mod policies;
mod preflight;
mod rights;
mod sessions;
mod settings;
mod suspension;
mod what_if;
mod wire;

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::json;
use ureq::http::{Method, Uri};

pub use self::settings::{Access, QUESTIONS, Settings};
use self::wire::{Account, Authenticator, Authenticators, EnrollmentPolicy, Factor, MethodSettings, WebAuthnMethod};
use super::capability::Capabilities;
use super::capability::told::Told;
use super::connection::{ConnectionConfig, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Call, Fault, Reply, segment};
use super::oauth::{ClientAuthentication, ClientCredentials, SigningKey};
use super::session::{Authorization, Session};
use super::token_cache::TokenCache;
use crate::ledger::IdpInstance;
use keywright_fido::webauthn::{Ceremony, CredentialCreationOptions, CredentialId, Origin, RegistrationResponse, RpId};

/// Milliseconds that an enrolment is waited for if Okta does not say: the default of its `tokenLifetimeSeconds`.
const DEFAULT_TIMEOUT: u64 = 300_000;

const PENDING: &str = "PENDING_ACTIVATION";

/// Passkeys that an account may have (support.okta.com, "Enrollment limits for FIDO2, YubiKey and Smart Card Authenticators").
const MOST_PASSKEYS: usize = 10;

/// Pages that are read before a list is held to be a circle: of 200 each.
const MOST_PAGES: usize = 1000;

/// What a service app has to be granted. Each set is asked for by itself: Okta refuses a token for all of them if one is lacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// To register keys, and to change an account's methods.
    Users,
    /// To read policies.
    Policies,
    /// To read groups and who is in them.
    Groups,
    /// To read who has which role.
    Roles,
    /// To read the System Log.
    Logs,
    /// To read applications.
    Apps,
}

impl Scope {
    /// Those that no registration needs.
    const READING: [Self; 5] = [Self::Policies, Self::Groups, Self::Roles, Self::Logs, Self::Apps];

    fn name(self) -> &'static str {
        match self {
            Self::Users => "okta.users.read okta.users.manage okta.authenticators.read",
            Self::Policies => "okta.policies.read",
            Self::Groups => "okta.groups.read",
            Self::Roles => "okta.roles.read",
            Self::Logs => "okta.logs.read",
            Self::Apps => "okta.apps.read",
        }
    }
}

/// An Okta org.
#[derive(Debug)]
pub struct Okta {
    session: Session,
    /// A service app's tokens for what no registration needs; empty with an API token, which has everything that its account has.
    reading: Vec<(Scope, Session)>,
    /// The service app's client id; `None` with an API token.
    app: Option<String>,
    instance: IdpInstance,
    origin: Origin,
    /// The host of the page where people sign in.
    host: RpId,
    rp_id: TokenCache<RpId>,
}

impl Okta {
    /// Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let origin = match &settings.origin {
            Some(origin) => origin.clone(),
            None => settings.url.parse().map_err(|error| {
                connection.refuse(format!("origin: the url is none ({error}); name the address where people sign in"))
            })?,
        };
        let host = origin.as_str().parse::<Uri>().ok().and_then(|uri| uri.host()?.parse().ok());
        let host = host.ok_or_else(|| connection.refuse(format!("origin: the host of {origin} cannot be an RP ID")))?;
        let session =
            |authorization| Ok::<_, OpenError>(Session::new(connection.client(&settings.url)?, authorization));
        let app = match &settings.access {
            Access::Token(_) => None,
            Access::ServiceApp { client_id, .. } => Some(client_id.clone()),
        };
        let (own, reading) = match &settings.access {
            Access::Token(token) => {
                let token = connection.token(token, "API token")?;
                let token = format!("SSWS {}", token.expose_secret()).into();
                (session(Authorization::Token(token))?, Vec::new())
            }
            Access::ServiceApp { client_id, private_key, key_id, dpop } => {
                let key = SigningKey::read(&connection.secret_text(private_key, "private key")?)
                    .map_err(|error| connection.refuse(format!("private-key: {error}")))?;
                let key = Arc::new(match key_id {
                    Some(id) => key.with_id(id),
                    None => key,
                });
                let granted = |scope: Scope| {
                    let credentials = ClientCredentials::new(
                        connection.client(&settings.url)?,
                        "/oauth2/v1/token",
                        client_id,
                        ClientAuthentication::PrivateKeyJwt(Arc::clone(&key)),
                        scope.name(),
                    )
                    .explained_by(explain);
                    let credentials = if *dpop { credentials.with_dpop() } else { credentials };
                    session(Authorization::OAuth(Box::new(credentials)))
                };
                let reading = Scope::READING.into_iter().map(|scope| Ok((scope, granted(scope)?)));
                (granted(Scope::Users)?, reading.collect::<Result<_, OpenError>>()?)
            }
        };
        let instance = IdpInstance::new("okta", settings.url.host());
        Ok(Self { session: own, reading, app, instance, origin, host, rp_id: TokenCache::default() })
    }

    /// Reads something. A scope that the app was not granted is told as a refusal, with its name.
    fn read(&self, scope: Scope, path: &str, query: &[(&str, &str)], what: &str) -> Result<Reply, DirectoryError> {
        let call = self.granted(scope).call(Method::GET, path);
        self.asking(scope, query.iter().fold(call, |call, (name, value)| call.query(name, value)), what)
    }

    /// The sign-in that has a scope.
    fn granted(&self, scope: Scope) -> &Session {
        self.reading.iter().find(|(one, _)| *one == scope).map_or(&self.session, |(_, session)| session)
    }

    /// Sends what changes nothing, with the sign-in that has the scope.
    fn asking(&self, scope: Scope, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        let reply = self.granted(scope).send(call).map_err(|error| match error {
            DirectoryError::SignIn { why, .. } if scope != Scope::Users => {
                self.session.idp().forbidden(format!("{why} (scope {})", scope.name()))
            }
            error => error,
        })?;
        self.accepted(reply, what)
    }

    /// A page of a list, and the path of the next.
    fn page<T: DeserializeOwned>(
        &self,
        scope: Scope,
        path: &str,
        what: &str,
    ) -> Result<(Vec<T>, Option<String>), DirectoryError> {
        let reply = self.read(scope, path, &[], what)?;
        let list = path.split_once('?').map_or(path, |(list, _)| list);
        match reply.next_page() {
            Some(next) if next.starts_with(list) && next != path => Ok((reply.json()?, Some(next))),
            Some(_) => Err(self.session.idp().invalid_response("its next page is no page of this list")),
            None => Ok((reply.json()?, None)),
        }
    }

    /// The whole of a list.
    fn every<T: DeserializeOwned>(&self, scope: Scope, path: &str, what: &str) -> Result<Vec<T>, DirectoryError> {
        let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
        for _ in 0..MOST_PAGES {
            let Some(path) = next else { return Ok(all) };
            let page = self.page(scope, &path, what)?;
            all.extend(page.0);
            next = page.1;
        }
        Err(self.session.idp().invalid_response("a list without end"))
    }

    fn accepted(&self, reply: Reply, what: &str) -> Result<Reply, DirectoryError> {
        reply.accepted(what).map_err(|error| match error {
            DirectoryError::Forbidden { why, .. } => self.session.idp().forbidden(format!(
                "{why}; the token's account or service app needs the role Help Desk Administrator or more"
            )),
            error => error,
        })
    }

    fn send(&self, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        self.accepted(self.session.send(call)?, what)
    }

    fn get(&self, path: &str, what: &str) -> Result<Reply, DirectoryError> {
        self.send(self.session.call(Method::GET, path), what)
    }

    /// A factor by its id; `None` if Okta itself says that there is none.
    fn factor(&self, user_id: &str, id: &str) -> Result<Option<Factor>, DirectoryError> {
        let reply = self.session.send(self.session.call(Method::GET, &factor_path(user_id, id)))?;
        if is_absent(&reply) {
            return Ok(None);
        }
        reply.accepted("such factor")?.json().map(Some)
    }

    /// `false` if Okta itself says that there is no such factor.
    fn remove(&self, user: &User, id: &str) -> Result<bool, DirectoryError> {
        let reply = self.session.send(self.session.call(Method::DELETE, &factor_path(&user.id, id)))?;
        if is_absent(&reply) {
            return Ok(false);
        }
        let reply = reply.accepted("such factor")?;
        match reply.status() {
            204 => Ok(true),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to a removal"))),
        }
    }

    /// The authenticator `webauthn` and its method's settings.
    fn authenticator(&self) -> Result<Authenticators, DirectoryError> {
        let call = self.session.call(Method::GET, "/api/v1/authenticators");
        let reply = self.session.send(call)?;
        if reply.status() == 403 || is_absent(&reply) {
            return Ok(Authenticators::Hidden(reply.fault().message));
        }
        let all: Vec<Authenticator> = reply.accepted("list of authenticators")?.json()?;
        let Some(webauthn) = all.into_iter().find(|one| one.key == "webauthn") else {
            return Ok(Authenticators::Absent);
        };
        let path = format!("/api/v1/authenticators/{}/methods/webauthn", segment(&webauthn.id));
        let reply = self.session.send(self.session.call(Method::GET, &path))?;
        if reply.status() == 403 || is_absent(&reply) {
            return Ok(Authenticators::Hidden(reply.fault().message));
        }
        let method: WebAuthnMethod = reply.accepted("settings of the authenticator webauthn")?.json()?;
        Ok(Authenticators::Settings { active: webauthn.status == "ACTIVE", settings: Box::new(method.settings) })
    }

    fn rp_id(&self) -> Result<RpId, DirectoryError> {
        let ask = || match self.authenticator()? {
            Authenticators::Settings { settings, .. } => self.rp_id_of(&settings),
            Authenticators::Absent | Authenticators::Hidden(_) => Ok(self.host.clone()),
        };
        self.rp_id.get(|_| true, ask).map(|(_, rp_id)| rp_id)
    }

    /// The enrolment policies that act.
    fn enrollment_policies(&self) -> Result<Told<Vec<EnrollmentPolicy>>, DirectoryError> {
        let what = "the enrolment policies";
        let asked = self.read(Scope::Policies, "/api/v1/policies", &[("type", "MFA_ENROLL")], what);
        let asked = asked.and_then(|reply| reply.json::<Vec<EnrollmentPolicy>>());
        let active =
            |policies: Vec<EnrollmentPolicy>| policies.into_iter().filter(EnrollmentPolicy::is_active).collect();
        Told::from_answer(what, "the scope okta.policies.read", asked.map(active))
    }

    /// Says so if a refusal comes from the most passkeys that an account may have.
    fn too_many(&self, user: &User, refused: DirectoryError) -> DirectoryError {
        let passkeys = self.factors(user).map_or(0, |factors| {
            factors.iter().filter(|factor| factor.factor_type == "webauthn" && factor.status != "NOT_SETUP").count()
        });
        if passkeys < MOST_PASSKEYS {
            return refused;
        }
        self.session.idp().refused(format!(
            "the account has {passkeys} passkeys, and Okta takes {MOST_PASSKEYS}; remove one that is not needed"
        ))
    }

    fn rp_id_of(&self, settings: &MethodSettings) -> Result<RpId, DirectoryError> {
        match settings.rp_id.as_ref().filter(|custom| custom.enabled).and_then(|custom| custom.domain.as_ref()) {
            Some(domain) => domain
                .name
                .parse()
                .map_err(|error| self.session.idp().invalid_response(format!("the custom RP ID: {error}"))),
            None => Ok(self.host.clone()),
        }
    }
}

/// What a person can do about a refusal of the token endpoint.
fn explain(fault: &Fault) -> Option<&'static str> {
    Some(match fault.code.as_deref()? {
        "invalid_dpop_proof" => {
            "leave `dpop` at yes, as the app requires it (General Settings > DPoP), and look at the clock"
        }
        "invalid_client" => {
            "check whether client-id is right, the app is active and signs in with Public key / Private key, and the key is among its public keys with this key-id"
        }
        "invalid_scope" => {
            "grant the scopes that docs/settings.md names (the app > Okta API Scopes), and give the app an admin role"
        }
        _ => return None,
    })
}

fn known(user: &User) -> String {
    format!("user {}", user.login)
}

fn factors_path(user_id: &str) -> String {
    format!("/api/v1/users/{}/factors", segment(user_id))
}

fn factor_path(user_id: &str, id: &str) -> String {
    format!("{}/{}", factors_path(user_id), segment(id))
}

/// Whether Okta itself says that there is no such thing, and no page in between.
fn is_absent(reply: &Reply) -> bool {
    reply.status() == 404 && matches!(reply.fault().code.as_deref(), Some("E0000007" | "E0000008"))
}
impl Directory for Okta {
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
        if login.contains('/') {
            let why =
                format!("Okta finds {login} only by the user's id, because of the slash; write the id in the roster");
            return Err(self.session.idp().refused(why));
        }
        let what = format!("user {login}");
        let account: Account = self.get(&format!("/api/v1/users/{}", segment(login)), &what)?.json()?;
        // Okta also takes the part before the at sign.
        let known = account.profile.login.to_lowercase();
        let short = known.split('@').next().unwrap_or_default();
        let asked = login.to_lowercase();
        if account.id != login && known != asked && short != asked {
            return Err(self.session.idp().invalid_response(format!("another account than {login}")));
        }
        Ok(User { login: login.to_owned(), ..account.user() })
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let rp_id = self.rp_id()?;
        let call = self.session.call(Method::POST, &factors_path(&user.id));
        let call = call.json(&json!({ "factorType": "webauthn", "provider": "FIDO" }));
        let factor: Factor = match self.send(call, &known(user)) {
            Ok(reply) => reply.json()?,
            Err(refused @ DirectoryError::Refused { .. }) => return Err(self.too_many(user, refused)),
            Err(error) => return Err(error),
        };
        let activation = factor.embedded.and_then(|embedded| embedded.activation);
        let mut options = activation
            .ok_or_else(|| self.session.idp().invalid_response("a factor without what a key is to make for it"))?;
        if options["rp"].is_object() && !options["rp"]["id"].is_string() {
            options["rp"]["id"] = json!(rp_id);
        }
        let selection = &mut options["authenticatorSelection"];
        if selection.is_object() {
            // Okta's answer says `requireResidentKey: false` also where the setting is REQUIRED.
            selection["residentKey"] = json!("required");
            selection["requireResidentKey"] = json!(true);
        }
        let options: CredentialCreationOptions =
            serde_json::from_value(options).map_err(|error| self.session.idp().invalid_response(error.to_string()))?;
        Ok(Ceremony::with_pending_object(user.id.clone(), factor.id, options, self.origin.clone(), DEFAULT_TIMEOUT))
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        _label: &str,
    ) -> Result<Registered, DirectoryError> {
        let id = ceremony.pending.as_deref().unwrap_or_default();
        let made = &response.to_json()["response"];
        let body = json!({ "attestation": made["attestationObject"], "clientData": made["clientDataJSON"] });
        let path = format!("{}/lifecycle/activate", factor_path(&ceremony.user_id, id));
        let call = self.session.call(Method::POST, &path).json(&body);
        let factor: Factor = self.send(call, "such factor")?.json()?;
        let registered = factor.registered().filter(|registered| registered.in_service);
        let registered =
            registered.ok_or_else(|| self.session.idp().invalid_response("a factor that is not active"))?;
        if registered.id != id || registered.credential_id.as_ref() != Some(&response.credential_id) {
            return Err(self.session.idp().invalid_response("a factor with another credential"));
        }
        Ok(registered)
    }

    /// By the factor's id: the list may leave it out.
    fn read_back(
        &self,
        user: &User,
        ceremony: &Ceremony,
        credential_id: &CredentialId,
        _label: &str,
    ) -> Result<Option<Registered>, DirectoryError> {
        let Some(id) = &ceremony.pending else { return Ok(None) };
        let registered = self.factor(&user.id, id)?.and_then(Factor::registered);
        Ok(registered.filter(|registered| registered.is(credential_id, None)))
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        match self.factor(&user.id, pending)? {
            None => Ok(()),
            Some(factor) if factor.status == PENDING => self.remove(user, pending).map(drop),
            Some(_) => {
                let why = format!("factor {pending} is activated; it is removed only by revoking it");
                Err(self.session.idp().refused(why))
            }
        }
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        let factors = self.factors(user)?.into_iter();
        Ok(factors.filter(Factor::waits).map(|factor| factor.id).collect())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        let mut listed: Vec<_> = self.factors(user)?.into_iter().filter_map(Factor::registered).collect();
        let enrollments = match self.enrollments(user)? {
            Told::Known(enrollments) => enrollments,
            Told::CannotTell(untold) => {
                tracing::debug!(%untold, "the factors are not held against the enrolments");
                Vec::new()
            }
        };
        for hidden in enrollments {
            if hidden.key == "webauthn" && listed.iter().all(|registered| registered.id != hidden.id) {
                listed.extend(self.factor(&user.id, &hidden.id)?.and_then(Factor::registered));
            }
        }
        Ok(listed)
    }

    /// Nothing happens if it is gone already: the request may be a second one.
    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.remove(user, &registered.id).map(drop)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities {
            people: Some(self),
            methods: Some(self),
            removal: Some(self),
            policies: Some(self),
            suspension: Some(self),
            sessions: Some(self),
            pass: Some(self),
            last_use: Some(self),
            passkeys: Some(self),
            models: None,
            // A name comes from the metadata, and no API sets one.
            labels: None,
            rights: Some(self),
            applications: Some(self),
            what_if: Some(self),
        }
    }
}
