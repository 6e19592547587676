//! HTTP for every adapter: JSON in and out, time limits, and what each failure means.
//!
//! A request is sent once or not at all: nothing is repeated, no redirect is followed, and no connection is used twice,
//! because a server that closes an idle one would leave a request unanswered for no reason. It refuses plain HTTP beyond
//! loopback, but for [`Client::of_signed_answers`], and answers above 8 MiB, unless the caller expects more. Credentials stay out
//! of logs and errors.
//!
//! A body that is sent may hold a secret; it is in one piece of memory, which is wiped when the request is over. What the
//! libraries copy on the way is theirs and is not wiped: headers (`http`), the bytes under way (ureq's and rustls's buffers),
//! and answers.

mod certificate;
mod reply;

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use ureq::Agent;
use ureq::http::uri::Authority;
use ureq::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, Transport};
use zeroize::Zeroizing;

pub use reply::{Fault, Reply, path_and_query};

use super::error::{DirectoryError, IdpName};
use keywright_fido::webauthn::{Origin, WebauthnError};

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 8 * 1024 * 1024;

/// How long a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the connection to stand, TLS included.
    pub connect: Duration,
    /// For everything, until the last byte of the answer.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), total: Duration::from_secs(30) }
    }
}

/// The way to a server.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The proxy, instead of the one that `ALL_PROXY`, `HTTPS_PROXY` or `HTTP_PROXY` names (in this order, or in lower case) for
    /// all hosts but those in `NO_PROXY`. None is ever used on loopback.
    pub proxy: Option<Proxy>,
    /// Trust anchors for TLS (DER) besides the system's.
    pub anchors: Vec<CertificateDer<'static>>,
}

/// A proxy that is asked to CONNECT: `http://host:port`, or `http://user:password@host:port`. It does not print its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(ureq::Proxy);

impl Proxy {
    /// Whether it says who we are.
    pub fn has_credentials(&self) -> bool {
        self.0.username().is_some() || self.0.password().is_some()
    }
}

impl std::str::FromStr for Proxy {
    type Err = String;

    /// The error does not repeat the text, which may hold a password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let proxy = text.starts_with("http://").then(|| ureq::Proxy::new(text).ok()).flatten();
        proxy.map(Self).ok_or_else(|| "a proxy is http://host:port".to_owned())
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}:{}", self.0.uri().scheme_str().unwrap_or("http"), self.0.host(), self.0.port())
    }
}

/// A server's address: `https://host[:port][/path]`, or `http://` on loopback. Nothing else: no name, no password, no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// Without a slash at its end.
    text: String,
    scheme: Scheme,
    authority: Authority,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Https,
    HttpOnLoopback,
    /// For [`SignedAnswersUrl`] alone.
    Http,
}

impl std::str::FromStr for ServerUrl {
    type Err = String;

    /// What may be a password is not repeated.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::read(text)? {
            Self { scheme: Scheme::Http, .. } => Err(format!("\"{text}\" is neither https nor on this machine")),
            url => Ok(url),
        }
    }
}

impl ServerUrl {
    fn read(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| "an address is https://host[:port][/path]".to_owned())?;
        let authority = uri.authority().ok_or("an address is https://host[:port][/path]")?.clone();
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err("its address has more than scheme, host, port and path".into());
        }
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") if is_loopback(authority.host()) => Scheme::HttpOnLoopback,
            Some("http") => Scheme::Http,
            None => return Err(format!("\"{text}\" does not begin with https://")),
            Some(_) => return Err(format!("\"{text}\" is neither https nor on this machine")),
        };
        Ok(Self { text: text.trim_end_matches('/').to_owned(), scheme, authority })
    }

    /// Host and, if it is not the scheme's own, port.
    pub fn host(&self) -> &str {
        self.authority.as_str()
    }

    /// Where its pages come from: scheme, host and port. Fails for a host that is no domain.
    pub fn origin(&self) -> Result<Origin, WebauthnError> {
        let (scheme, default) = match self.scheme {
            Scheme::Https => ("https", ":443"),
            Scheme::HttpOnLoopback | Scheme::Http => ("http", ":80"),
        };
        let authority = self.authority.as_str();
        format!("{scheme}://{}", authority.strip_suffix(default).unwrap_or(authority)).parse()
    }
}

impl std::ops::Deref for ServerUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl<'de> serde::Deserialize<'de> for ServerUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The address of a server that gets no secret and signs its answers, such as a time-stamping server: as [`ServerUrl`], or
/// `http://` anywhere, which is all that many of them have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAnswersUrl(ServerUrl);

impl std::str::FromStr for SignedAnswersUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ServerUrl::read(text).map(Self)
    }
}

impl std::ops::Deref for SignedAnswersUrl {
    type Target = ServerUrl;

    fn deref(&self) -> &ServerUrl {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for SignedAnswersUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One IdP's API.
#[derive(Debug)]
pub struct Client {
    idp: IdpName,
    base: ServerUrl,
    limits: Limits,
    agent: Agent,
}

impl Client {
    /// `directory` is the name that errors carry. `base` is `https://host[:port][/path]`, or `http://` on loopback.
    pub fn new(directory: &str, base: &str, limits: Limits) -> Result<Self, DirectoryError> {
        Self::through(&Network::default(), directory, base, limits)
    }

    /// The same, with a network of its own.
    pub fn through(network: &Network, directory: &str, base: &str, limits: Limits) -> Result<Self, DirectoryError> {
        let base = base.parse().map_err(|why| IdpName::new(directory).unreachable(why))?;
        Self::at(network, directory, base, limits)
    }

    /// Of a server whose answers are signed. No credential is sent to it.
    pub fn of_signed_answers(url: &SignedAnswersUrl, limits: Limits) -> Result<Self, DirectoryError> {
        Self::at(&Network::default(), url.host(), url.0.clone(), limits)
    }

    fn at(network: &Network, directory: &str, base: ServerUrl, limits: Limits) -> Result<Self, DirectoryError> {
        let idp = IdpName::new(directory);
        let refuse = |why: String| idp.unreachable(why);
        let loopback = is_loopback(base.authority.host());
        let tls = match base.scheme {
            Scheme::Https => TlsConfig::builder()
                .root_certs(all_anchors(&network.anchors).map_err(refuse)?)
                .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .build(),
            Scheme::HttpOnLoopback | Scheme::Http => TlsConfig::default(),
        };
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.total))
            .user_agent(concat!("keywright/", env!("CARGO_PKG_VERSION")))
            .accept("application/json");
        if loopback {
            config = config.proxy(None);
        } else if let Some(Proxy(proxy)) = &network.proxy {
            config = config.proxy(Some(proxy.clone()));
        }
        let connector = DefaultConnector::new().chain(Arrived { server: base.authority.clone() });
        Ok(Self { idp, base, limits, agent: Agent::with_parts(config.build(), connector, DefaultResolver::default()) })
    }

    /// Whose API it is; every error says so.
    pub fn idp(&self) -> &IdpName {
        &self.idp
    }

    /// A request to `path`, which begins with a slash and whose variable segments went through [`segment`]. It is not sent if one
    /// of them is empty or leads elsewhere. What follows a question mark is its query, encoded already.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let (path, query) =
            path.split_once('?').map_or((path, String::new()), |(path, query)| (path, format!("?{query}")));
        Call {
            client: self,
            method,
            path: path.to_owned(),
            query,
            headers: Vec::new(),
            credentials: Vec::new(),
            secrets: Vec::new(),
            body: Ok(None),
            longest_answer: LONGEST_ANSWER,
        }
    }
}

/// A request before it is sent.
#[derive(Clone)]
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    query: String,
    headers: Vec<(HeaderName, String)>,
    credentials: Vec<(HeaderName, SecretString)>,
    secrets: Vec<SecretString>,
    body: Result<Option<Zeroizing<Vec<u8>>>, Arc<serde_json::Error>>,
    longest_answer: u64,
}

impl Call<'_> {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Where it goes, without its query: the `htu` of a DPoP proof (RFC 9449 4.2).
    pub fn url_without_query(&self) -> String {
        format!("{}{}", &*self.client.base, self.path)
    }

    /// Adds a query parameter; both parts are percent-encoded here.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(&segment(name));
        self.query.push('=');
        self.query.push_str(&segment(value));
        self
    }

    /// Sets a header; it replaces an earlier one of this name.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Adds a header whose value is secret: it is never logged, and struck out of the IdP's words.
    pub fn credential(mut self, name: HeaderName, value: SecretString) -> Self {
        self.credentials.push((name, value));
        self
    }

    /// Adds a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = json_in_one_piece(body).map(Some).map_err(Arc::new);
        self.header(header::CONTENT_TYPE, "application/json")
    }

    /// Adds a body of `application/x-www-form-urlencoded`; names and values are percent-encoded here.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.body = Ok(Some(form_in_one_piece(fields)));
        self.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    /// Adds a body of plain text.
    pub fn text(self, body: &str) -> Self {
        self.bytes("text/plain; charset=utf-8", body.as_bytes().to_vec())
    }

    /// Adds a body of this type.
    pub fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = Ok(Some(Zeroizing::new(body)));
        self.header(header::CONTENT_TYPE, content_type)
    }

    /// Strikes this text out of whatever words the answer has, as it is done with a credential: for secrets in a body.
    pub fn with_secret(mut self, secret: SecretString) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Takes an answer of up to so many bytes, instead of 8 MiB.
    pub fn up_to(self, longest_answer: u64) -> Self {
        Self { longest_answer, ..self }
    }

    /// Sends it, once. Any answer is a success here, whatever its status; [`Reply::accepted`] tells them apart.
    pub fn send(self) -> Result<Reply, DirectoryError> {
        let client = self.client;
        let (method, path) = (self.method.clone(), self.path.clone());
        let began = Instant::now();
        let reply = self.exchange();
        let elapsed = began.elapsed();
        match &reply {
            Ok(reply) => {
                tracing::debug!(directory = &**client.idp(), %method, path, status = reply.status(), ?elapsed)
            }
            Err(error) => tracing::debug!(directory = &**client.idp(), %method, path, %error, ?elapsed),
        }
        reply
    }

    fn exchange(self) -> Result<Reply, DirectoryError> {
        let client = self.client;
        let unsendable = |why: String| client.idp.unreachable(why);
        if client.base.scheme == Scheme::Http && !self.credentials.is_empty() {
            return Err(unsendable("a credential is not sent over plain HTTP".to_owned()));
        }
        if let Some(wrong) = misleading(&self.path) {
            return Err(client.idp.refused(format!("{wrong:?} is not the name of anything, and was not sent")));
        }
        let mut request =
            Request::builder().method(self.method.clone()).uri(format!("{}{}{}", &*client.base, self.path, self.query));
        let plain = self.headers.iter().map(|(name, value)| (name, value.as_str(), false));
        let secret = self.credentials.iter().map(|(name, value)| (name, value.expose_secret(), true));
        for (name, value, is_secret) in plain.chain(secret) {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| unsendable(format!("the value of {name} has characters that a header cannot carry")))?;
            value.set_sensitive(is_secret);
            request = request.header(name, value);
        }
        REACHED.set(Reached::Nothing);
        let body = self.body.map_err(|error| unsendable(error.to_string()))?;
        let answer = match &body {
            None if self.method != Method::POST => {
                request.body(()).map_err(Into::into).and_then(|r| client.agent.run(r))
            }
            body => request
                .body(body.as_deref().map_or(&[][..], Vec::as_slice))
                .map_err(Into::into)
                .and_then(|r| client.agent.run(r)),
        };
        let (parts, mut body) = answer.map_err(|error| client.failure(error))?.into_parts();
        let bytes =
            body.with_config().limit(self.longest_answer).read_to_vec().map_err(|error| client.failure(error))?;
        let secrets = self.credentials.into_iter().map(|(_, secret)| secret).chain(self.secrets).collect();
        Ok(Reply::new(client.idp.clone(), parts.status.as_u16(), parts.headers, bytes, secrets))
    }
}

impl Client {
    /// What it means that no whole answer came. Before the connection stood, nothing can have been acted on.
    fn failure(&self, error: ureq::Error) -> DirectoryError {
        let host = self.base.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
        let certificate = tls_error(&error).and_then(|error| certificate::in_words(error, &host));
        let why = certificate.unwrap_or_else(|| match &error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                format!("no connection within {:?}", self.limits.connect)
            }
            ureq::Error::Timeout(_) => format!("no answer within {:?}", self.limits.total),
            ureq::Error::Io(error) => error.to_string(),
            other => other.to_string(),
        });
        match (REACHED.get(), error) {
            (
                Reached::Server,
                ureq::Error::Protocol(_) | ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..),
            ) => self.idp.invalid_response(why),
            (Reached::Server, _) => self.idp.unanswered(why),
            (reached, error) => self.idp.unreachable(self.on_the_way(reached, &error, why)),
        }
    }

    /// Why nobody is reached, with the proxy's part in it.
    fn on_the_way(&self, reached: Reached, error: &ureq::Error, why: String) -> String {
        let uri: Option<Uri> = self.base.parse().ok();
        let proxy = self.agent.config().proxy().filter(|proxy| !uri.is_some_and(|uri| proxy.is_no_proxy(&uri)));
        let Some(proxy) = proxy.cloned().map(Proxy) else { return why };
        match error {
            _ if tls_error(error).is_some() => why,
            _ if reached == Reached::Nothing => format!("the proxy {proxy:?} is not there: {why}"),
            ureq::Error::ConnectProxyFailed(reason) if reason.contains("407") => {
                let whose = if proxy.has_credentials() { "does not take our" } else { "asks for a" };
                format!(
                    "the proxy {proxy:?} {whose} name and password (407); as proxy, name the place of its whole address, \
                     http://NAME:PASSWORD@HOST:PORT, such as file:PATH"
                )
            }
            _ => format!("the proxy {proxy:?} does not connect to it: {why}"),
        }
    }
}

/// What TLS found wrong, if it did.
fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// Nobody.
    Nothing,
    /// A proxy stands in between, and there is a connection to it.
    Proxy,
    /// The server: TCP and TLS stand.
    Server,
}

thread_local! {
    /// How far the request came that this thread is sending: a request runs on one thread from end to end.
    static REACHED: Cell<Reached> = const { Cell::new(Reached::Nothing) };
}

/// The last link of the chain of connectors: when it is reached, TCP and TLS stand. The chain is gone through for a proxy first,
/// if there is one.
#[derive(Debug)]
struct Arrived {
    server: Authority,
}

impl<In: Transport> Connector<In> for Arrived {
    type Out = In;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<In>, ureq::Error> {
        if chained.is_some() {
            let server = details.uri.authority() == Some(&self.server);
            REACHED.set(if server { Reached::Server } else { Reached::Proxy });
        }
        Ok(chained)
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters: a login stays one segment of a path.
pub fn segment(text: &str) -> String {
    encoded(text).map(char::from).collect()
}

/// The first segment of a path that servers take for another path: `.` and `..`, in whatever spelling, and one that is empty. The
/// last one may be.
fn misleading(path: &str) -> Option<&str> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(one) = segments.next() {
        let dots = one.to_ascii_lowercase().replace("%2e", ".");
        if dots == "." || dots == ".." || (one.is_empty() && segments.peek().is_some()) {
            return Some(one);
        }
    }
    None
}

fn encoded(text: &str) -> impl Iterator<Item = u8> {
    let hex = |half: u8| b"0123456789ABCDEF"[usize::from(half)];
    text.bytes().flat_map(move |byte| {
        let (bytes, count) = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => ([byte, 0, 0], 1),
            _ => ([b'%', hex(byte >> 4), hex(byte & 15)], 3),
        };
        bytes.into_iter().take(count)
    })
}

/// A form whose memory has room for all of it from the beginning, so that no part is left behind when it grows.
fn form_in_one_piece(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    let longest = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = Zeroizing::new(Vec::with_capacity(longest));
    for (at, (name, value)) in fields.iter().enumerate() {
        form.extend((at > 0).then_some(b'&'));
        form.extend(encoded(name));
        form.push(b'=');
        form.extend(encoded(value));
    }
    form
}

/// JSON, likewise: it is written twice, the first time to see how long it is.
fn json_in_one_piece(body: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, body)?;
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, body)?;
    Ok(json)
}

/// Counts bytes.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a URI's host is this machine.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// These trust anchors and the system's: a company's own CA is among those, or in the file that `SSL_CERT_FILE` names.
fn all_anchors(more: &[CertificateDer<'_>]) -> Result<RootCerts, String> {
    let found = rustls_native_certs::load_native_certs();
    let anchors: Vec<_> = more.iter().chain(&found.certs).map(|der| Certificate::from_der(der).to_owned()).collect();
    match found.errors.first() {
        Some(error) if anchors.is_empty() => Err(format!("this system has no trust anchors for https: {error}")),
        None if anchors.is_empty() => Err("this system has no trust anchors for https".into()),
        _ => Ok(RootCerts::from(anchors)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_over_tls_or_stay_on_this_machine() {
        let client = |base| Client::new("acme", base, Limits::default());
        for base in ["http://127.0.0.1:8460", "http://[::1]:8460/", "http://localhost/api"] {
            assert!(client(base).is_ok(), "{base}");
        }
        for base in [
            "http://example.org",
            "http://127.0.0.1.example.org",
            "http://10.0.0.1",
            "ftp://localhost",
            "localhost",
            "/",
            "",
            "http://user:password@localhost",
            "http://localhost/?a=b",
        ] {
            let error = client(base).unwrap_err();
            assert!(matches!(error, DirectoryError::Unreachable { .. }), "{base}");
            assert!(!error.to_string().contains("password"), "{error}");
        }
    }

    #[test]
    fn an_address_is_read_before_anybody_is_asked() {
        for text in ["https://idp.example", "https://idp.example:8443/api/", "http://[::1]:1/"] {
            assert_eq!(&*text.parse::<ServerUrl>().unwrap(), text.trim_end_matches('/'));
        }
        for (text, why) in [
            ("idp.example", "\"idp.example\" does not begin with https://"),
            ("http://idp.example", "\"http://idp.example\" is neither https nor on this machine"),
            ("https://me:hunter2@idp.example", "its address has more than scheme, host, port and path"),
            ("https://idp.example?token=hunter2", "its address has more than scheme, host, port and path"),
            ("https://", "an address is https://host[:port][/path]"),
            ("hunter2 hunter2", "an address is https://host[:port][/path]"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap_err(), why);
        }
    }

    #[test]
    fn a_path_leads_where_it_is_meant_to() {
        for path in ["/v1/users", "/user/", "/v1/users/..x/a.b", "/v1/users/%2e%2e%2e", "/"] {
            assert_eq!(misleading(path), None, "{path}");
        }
        for (path, wrong) in [
            ("/v1/users/../keys", ".."),
            ("/v1/users/./keys", "."),
            ("/v1/users/..", ".."),
            ("/v1/users/%2e%2E/keys", "%2e%2E"),
            ("/v1/users/.%2e", ".%2e"),
            ("/v1/users//keys", ""),
        ] {
            assert_eq!(misleading(path), Some(wrong), "{path}");
        }
        let client = Client::new("acme", "http://127.0.0.1:9", Limits::default()).unwrap();
        let refused = client.call(Method::DELETE, &format!("/v1/users/{}", segment(".."))).send();
        assert!(matches!(refused, Err(DirectoryError::Refused { .. })), "{:?}", refused.err());
    }

    #[test]
    fn a_path_that_comes_with_its_query_is_told_apart_from_it() {
        let client = Client::new("acme", "http://127.0.0.1:9", Limits::default()).unwrap();
        let call = client.call(Method::GET, "/v1/users?after=a/../b").query("limit", "2");
        assert_eq!(call.url_without_query(), "http://127.0.0.1:9/v1/users");
        assert_eq!(call.query, "?after=a/../b&limit=2");
    }

    #[test]
    fn a_segment_stays_a_segment() {
        assert_eq!(segment("a-Z_0.9~"), "a-Z_0.9~");
        assert_eq!(segment("o'neil+x/../@example.org?#%é"), "o%27neil%2Bx%2F..%2F%40example.org%3F%23%25%C3%A9");
    }

    #[test]
    fn a_body_is_never_moved() {
        let secret = "p\u{e4}ss w\u{f6}rd&=".repeat(100);
        let client = Client::new("acme", "http://127.0.0.1:9", Limits::default()).unwrap();
        let fields = [("grant_type", "client_credentials"), ("client_secret", secret.as_str())];
        let form = client.call(Method::POST, "/").form(&fields).body.unwrap().unwrap();
        let expected = format!("grant_type=client_credentials&client_secret={}", segment(&secret));
        assert_eq!(std::str::from_utf8(&form).unwrap(), expected);
        // The room that it was given at first.
        assert_eq!(
            form.capacity(),
            fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum::<usize>()
        );

        let body = serde_json::json!({ "username": "keywright", "password": secret });
        let json = client.call(Method::POST, "/").json(&body).body.unwrap().unwrap();
        assert_eq!((serde_json::from_slice::<serde_json::Value>(&json).unwrap(), json.capacity()), (body, json.len()));
    }

    #[test]
    fn a_credential_that_no_header_can_carry_is_never_shown() {
        let client = Client::new("acme", "http://127.0.0.1:9", Limits::default()).unwrap();
        let call = client.call(Method::GET, "/").credential(header::AUTHORIZATION, "top\nsecret".into());
        let error = call.send().err().unwrap();
        assert!(matches!(&error, DirectoryError::Unreachable { why, .. } if why.contains("authorization")), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
