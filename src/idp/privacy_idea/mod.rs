//! privacyIDEA (3.14; written so that 3.11 to 3.13 work too): a security key is a token of type `webauthn` or `passkey`.
//!
//! ```toml
//! [idp.corp]
//! kind = "privacy-idea"
//! url = "https://privacyidea.example.org"
//! username = "keywright"
//! password = "file:privacyidea.password"
//! realm = "corp"
//! token-type = "webauthn"                  # or "passkey"
//! origin = "https://login.example.org"     # where people will sign in
//! ```
//!
//! The first step of an enrolment makes a token that waits (`clientwait`); the second fills it, and its answer is all that
//! is told of it. A failed second step leaves the waiting token where it is. Credential ids are told as SHA-256 only, so a
//! credential is looked for by its hash.
//!
//! It refuses to delete a token that is rolled out: those are revoked, and stay in the server's list as such. It does not try
//! a sign-in: triggering one would also send text messages and mails to the person.

mod applications;
mod classes;
mod labels;
mod last_use;
mod methods;
mod pass;
mod people;
mod policies;
mod preflight;
mod rights;
mod session;
mod what_if;
mod wire;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::{Duration, OffsetDateTime};
use ureq::http::{Method, header};

use self::session::Session;
pub use self::wire::TokenType;
use self::wire::{Answer, Begin, Begun, Complete, Credential, Page, Person, Token};
use super::capability::Capabilities;
use super::connection::{ConnectionConfig, IdpSettings, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Call, Reply, ServerUrl, segment};
use super::question::Question;
use crate::ledger::IdpInstance;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{Ceremony, CredentialId, Origin, RegistrationResponse};

/// How long the server waits for the second step unless it is set up otherwise (`WebauthnChallengeValidityTime`). It does not
/// tell; the `timeout` in its answers is for browsers.
const CHALLENGE_LIFE: Duration = Duration::seconds(120);

/// The longest description that the server keeps, in characters.
const LONGEST_DESCRIPTION: usize = 80;

/// What a table `[idp.NAME]` with `kind = "privacy-idea"` has besides what all kinds have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// The server's address, `https://host[:port][/path]`.
    pub url: ServerUrl,
    /// An administrator's name, with `@realm` if it is not one of privacyIDEA's own.
    pub username: String,
    /// Where the administrator's password comes from.
    pub password: SecretSource,
    /// The realm of the people.
    pub realm: String,
    /// What a security key becomes.
    pub token_type: TokenType,
    /// The origin that client data names, and the `Origin` header of the request: where people will sign in.
    pub origin: Origin,
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.url
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(&self.password)
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(PrivacyIdea::open(connection, self)?))
    }
}

/// What is asked to fill it in.
pub const QUESTIONS: &[Question] = &[
    Question::text("url", "At what address is the server?", "https://privacyidea.example.org")
        .found("the address of its web page, with the path if it has one"),
    Question::text("username", "What is the name of the administrator that keywright signs in as?", "keywright").found(
        "one of its own, made for this: pi-manage admin add NAME; with @realm if it is of a realm of administrators",
    ),
    Question::place("password", "Where does this administrator's password come from?"),
    Question::text("realm", "In which realm are the people?", "corp").found("web page: Config > Realms"),
    Question::one_of("token-type", "What does a security key become?", &["webauthn", "passkey"]).found(
        "webauthn: a second factor, with its attestation checked; passkey: signs in without a login being typed",
    ),
    Question::text("origin", "At what address will people sign in?", "https://login.example.org")
        .found("scheme and host of the login page; it has to suit the policy webauthn_relying_party_id"),
];

/// One realm of a privacyIDEA server.
#[derive(Debug)]
pub struct PrivacyIdea {
    session: Session,
    instance: IdpInstance,
    realm: String,
    token_type: TokenType,
    origin: Origin,
}

impl PrivacyIdea {
    /// Takes the password from its place. Asks the server nothing yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        for (key, value) in [("username", &settings.username), ("realm", &settings.realm)] {
            if value.trim().is_empty() {
                return Err(connection.refuse(format!("{key} is empty")));
            }
        }
        let password = connection.secret(&settings.password, "privacyIDEA password")?;
        Ok(Self {
            session: Session::new(connection.client(&settings.url)?, &settings.username, password),
            instance: IdpInstance::new("privacy-idea", &format!("{}/{}", settings.url.host(), settings.realm)),
            realm: settings.realm.clone(),
            token_type: settings.token_type,
            origin: settings.origin.clone(),
        })
    }

    fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.session.call(method, path)
    }

    /// Sends, and takes success or what the server's code means.
    fn send(&self, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        accepted(self.session.send(call)?, what)
    }

    fn ask<V: DeserializeOwned>(&self, call: Call<'_>, what: &str) -> Result<V, DirectoryError> {
        Ok(self.send(call, what)?.json::<Answer<V>>()?.result.value)
    }

    /// All tokens of the user.
    fn tokens(&self, user: &User) -> Result<Vec<Token>, DirectoryError> {
        let (mut tokens, mut number) = (Vec::new(), 1);
        loop {
            let call = self.call(Method::GET, "/token/").query("user", &user.login).query("realm", &self.realm);
            let call = call.query("pagesize", "1000").query("page", &number.to_string());
            let page: Page = self.ask(call, &known(user))?;
            tokens.extend(page.tokens);
            match page.next {
                // A server that names an earlier page would be asked for ever.
                Some(next) if next > number => number = next,
                _ => return Ok(tokens),
            }
        }
    }

    /// The user's security keys that are rolled out and not revoked; those too that are disabled, and can be enabled again.
    fn keys(&self, user: &User) -> Result<Vec<Token>, DirectoryError> {
        let mut tokens = self.tokens(user)?;
        tokens.retain(|token| token.is_key() && token.is_rolled_out() && !token.revoked);
        Ok(tokens)
    }

    /// Gives a token its description. A passkey takes none in its second step, and none is known in the first.
    fn describe(&self, serial: &str, description: &str) -> Result<(), DirectoryError> {
        let call = self.call(Method::POST, &format!("/token/description/{}", segment(serial)));
        self.send(call.json(&serde_json::json!({ "description": description })), &format!("token {serial}")).map(drop)
    }
}

/// Lets success pass, and says what the server's own codes mean (`lib/error.py`).
fn accepted(reply: Reply, what: &str) -> Result<Reply, DirectoryError> {
    let (idp, fault) = (reply.idp(), reply.fault());
    let says = |text: &str| fault.message.contains(text);
    let with_hint = |hint: &str| format!("{}; {hint}", fault.message.trim_end_matches('.'));
    Err(match (reply.status(), fault.code.as_deref()) {
        (400, Some("904")) => idp.not_found(what),
        (400, Some("404")) if says("timed out") || says("not waiting") => idp.expired(),
        (400, Some("905")) if says("clientwait") => idp.expired(),
        (400, Some("905")) if says("HTTP_ORIGIN") => {
            idp.refused(with_hint("a proxy on the way removes the Origin header"))
        }
        (400, Some("404")) => idp.refused(with_hint("its log (PI_LOGFILE) has the reason: usually the origin, the attestation level, or a trust anchor that is missing")),
        (403, Some("303")) if says("limited") => idp.refused(with_hint("delete tokens of this user, or raise max_token_per_user (Config > Policies, scope enrollment)")),
        (403, Some("303")) if says("policy restriction") => idp.refused(with_hint("webauthn_authenticator_selection_list or webauthn_req does not have this model (Config > Policies, scope enrollment)")),
        (403, Some("303")) if says("Missing enrollment policy") => idp.forbidden(with_hint("set it for this realm (Config > Policies, scope enrollment)")),
        (403, Some("303")) => idp.forbidden(with_hint("give our account the right (Config > Policies, scope admin)")),
        _ => return reply.accepted(what),
    })
}

fn known(user: &User) -> String {
    format!("user {}", user.login)
}

fn registered(token: Token) -> Registered {
    let in_service = token.is_in_service();
    Registered { id: token.serial, credential_id: None, label: token.description.unwrap_or_default(), in_service }
}

impl Directory for PrivacyIdea {
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
        let call = self.call(Method::GET, "/user/").query("username", login).query("realm", &self.realm);
        let what = format!("user {login} in realm {}", self.realm);
        let mut people: Vec<Person> = self.ask(call, &what)?;
        // The server takes wildcards, and does not mind case.
        people.retain(|person| person.username.eq_ignore_ascii_case(login));
        match <[Person; 1]>::try_from(people) {
            Ok([person]) => Ok(person.user()),
            Err(none) if none.is_empty() => Err(self.session.idp().not_found(what)),
            Err(several) => {
                Err(self.session.idp().invalid_response(format!("{} accounts with one login", several.len())))
            }
        }
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let deadline = OffsetDateTime::now_utc() + CHALLENGE_LIFE;
        let body = Begin { kind: self.token_type, user: &user.login, realm: &self.realm };
        let reply = self.send(self.call(Method::POST, "/token/init").json(&body), &known(user))?;
        let begun = reply
            .json::<Answer<bool, Begun>>()?
            .detail
            .ok_or_else(|| self.session.idp().invalid_response("no detail"))?;
        let (serial, transaction_id) = (begun.serial.clone(), begun.transaction_id.clone());
        let options =
            begun.options(self.token_type).map_err(|error| self.session.idp().invalid_response(error.to_string()))?;
        Ok(Ceremony {
            user_id: user.id.clone(),
            pending: Some(serial),
            continuation: Some(transaction_id),
            options: options.ok_or_else(|| self.session.idp().invalid_response("it began another type of token"))?,
            origin: self.origin.clone(),
            deadline,
        })
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        let serial = ceremony.pending.as_deref().unwrap_or_default();
        let label: String = label.chars().take(LONGEST_DESCRIPTION).collect();
        let body = Complete {
            kind: self.token_type,
            serial,
            transaction_id: ceremony.continuation.as_deref().unwrap_or_default(),
            description: &label,
            credential: Credential::new(self.token_type, response),
        };
        let call = self.call(Method::POST, "/token/init").header(header::ORIGIN, ceremony.origin.as_str()).json(&body);
        if !self.ask::<bool>(call, &format!("token {serial}"))? {
            return Err(self.session.idp().invalid_response("it says neither that the key is registered nor why not"));
        }
        if self.token_type == TokenType::Passkey
            && let Err(error) = self.describe(serial, &label)
        {
            // The key is registered all the same.
            tracing::warn!(directory = self.name(), serial, %error, "the token has no description");
        }
        Ok(Registered {
            id: serial.to_owned(),
            credential_id: Some(response.credential_id.clone()),
            label,
            in_service: true,
        })
    }

    /// By the credential id's hash.
    fn read_back(
        &self,
        user: &User,
        _: &Ceremony,
        credential_id: &CredentialId,
        _: &str,
    ) -> Result<Option<Registered>, DirectoryError> {
        Ok(self.keys(user)?.into_iter().find(|token| token.holds(credential_id)).map(registered))
    }

    fn has(&self, user: &User, credential_id: &CredentialId) -> Result<bool, DirectoryError> {
        Ok(self.keys(user)?.iter().any(|token| token.holds(credential_id)))
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        let Some(token) = self.tokens(user)?.into_iter().find(|token| token.serial == pending) else { return Ok(()) };
        if !(token.is_key() && token.waits()) {
            let why = format!("token {pending} does not wait for a key any more; revoke it if it is not wanted");
            return Err(self.session.idp().refused(why));
        }
        let call = self.call(Method::DELETE, &format!("/token/{}", segment(pending)));
        match self.ask::<u32>(call, &format!("token {pending}")) {
            Ok(_) => Ok(()),
            // Gone already; or somebody on the way knows nothing of it.
            Err(absent @ DirectoryError::NotFound { .. }) => {
                let is_there = self.pending(user)?.iter().any(|serial| serial == pending);
                if is_there { Err(absent) } else { Ok(()) }
            }
            Err(error) => Err(error),
        }
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        let waiting = self.tokens(user)?.into_iter().filter(|token| token.is_key() && token.waits());
        Ok(waiting.map(|token| token.serial).collect())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        Ok(self.keys(user)?.into_iter().map(registered).collect())
    }

    fn revoke(&self, _: &User, registered: &Registered) -> Result<(), DirectoryError> {
        let call = self.call(Method::POST, &format!("/token/revoke/{}", segment(&registered.id)));
        match self.ask::<u32>(call, &format!("token {}", registered.id))? {
            0 => Err(self.session.idp().invalid_response(format!("it did not revoke token {}", registered.id))),
            _ => Ok(()),
        }
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities {
            people: Some(self),
            methods: Some(self),
            removal: Some(self),
            policies: Some(self),
            // Accounts are the resolver's, and it keeps no sessions.
            suspension: None,
            sessions: None,
            pass: Some(self),
            last_use: Some(self),
            passkeys: Some(self),
            models: None,
            labels: Some(self),
            rights: Some(self),
            applications: Some(self),
            what_if: Some(self),
        }
    }
}
