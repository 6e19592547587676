//! An IdP's answer: what its status means, what its words are, how long it wants us to wait.
//!
//! The IdP's words are shown to people, so they are cut to one line and lose every credential that the request carried.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use ureq::http::{HeaderMap, header};

use crate::idp::error::{DirectoryError, IdpName};
use keywright_files::shown;

/// The longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 300;

/// How far a server's `Date` may move our clock.
const FOLLOWED: time::Duration = time::Duration::minutes(10);

/// An answer with its body, whatever its status.
pub struct Reply {
    idp: IdpName,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    /// What the request carried and no message may show.
    secrets: Vec<SecretString>,
}

/// What an IdP says about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its code, if it has codes.
    pub code: Option<String>,
    /// Its words, one line of at most 300 characters; the HTTP status if it has none.
    pub message: String,
}

impl Reply {
    pub(super) fn new(
        idp: IdpName,
        status: u16,
        headers: HeaderMap,
        body: Vec<u8>,
        secrets: Vec<SecretString>,
    ) -> Self {
        Self { idp, status, headers, body, secrets }
    }

    /// Whose answer it is; every error says so.
    pub fn idp(&self) -> &IdpName {
        &self.idp
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header's text; the first if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The target of the link to the next page (RFC 8288): path and query alone, whatever host it names, so that nothing is ever
    /// sent elsewhere.
    pub fn next_page(&self) -> Option<String> {
        let links = self.headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
        // A target may have a comma; what ends a link is `>` with its parameters.
        let next = links.flat_map(|links| links.split(",<").flat_map(|links| links.split(", <"))).find_map(|link| {
            let (target, parameters) = link.trim_start_matches('<').split_once('>')?;
            let is_next = parameters.split(';').any(|one| matches!(one.trim(), "rel=\"next\"" | "rel=next"));
            is_next.then(|| target.to_owned())
        })?;
        path_and_query(&next)
    }

    /// The body.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Lets 2xx pass, and says what any other status means. `what` is what was looked for, such as `user alice`.
    pub fn accepted(self, what: &str) -> Result<Self, DirectoryError> {
        Err(match self.status {
            200..=299 => return Ok(self),
            401 => self.idp.sign_in_refused(self.fault().message),
            403 => self.idp.forbidden(self.fault().message),
            404 | 410 => self.idp.not_found(what),
            429 => self.idp.rate_limited(self.retry_after()),
            400..=499 => self.idp.refused(self.fault().message),
            500..=599 => self.idp.failed(self.status),
            status => self.idp.invalid_response(format!("unexpected HTTP {status}")),
        })
    }

    /// Reads the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DirectoryError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let page = self.body.trim_ascii_start().starts_with(b"<");
            let why = if page { "a web page instead of JSON".into() } else { self.clean(&error.to_string()) };
            self.idp.invalid_response(why)
        })
    }

    /// The IdP's words about a failure, from whichever of the usual shapes the body has.
    pub fn fault(&self) -> Fault {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let inner = [&body["error"], &body["result"]["error"], &body].into_iter().find(|value| value.is_object());
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| match &inner?[*name] {
                Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })?;
            Some(self.clean(&found))
        };
        let code = text(&["code", "errorCode", "error"]);
        let message = text(&["message", "errorSummary", "error_description", "detail"])
            .or_else(|| code.clone())
            .unwrap_or_else(|| format!("HTTP {}", self.status));
        // Okta's causes say more than its summary: a list of objects, or one object.
        let causes = match inner.map(|inner| &inner["errorCauses"]) {
            Some(Value::Array(causes)) => causes.iter().collect(),
            Some(cause) => vec![cause],
            None => Vec::new(),
        };
        let causes = causes.iter().filter_map(|cause| cause["errorSummary"].as_str());
        let message = causes.fold(message, |message, cause| self.clean(&format!("{message}; {cause}")));
        Fault { code, message }
    }

    /// `Retry-After` (RFC 9110 10.2.3): seconds, or a date; where there is none, Okta's `X-Rate-Limit-Reset` or
    /// Auth0's `X-RateLimit-Reset`, seconds since 1970.
    /// Points in time are held against the answer's own `Date`, because clocks differ.
    fn retry_after(&self) -> Option<Duration> {
        let date = |text| OffsetDateTime::parse(text, &Rfc2822).ok();
        let until = match self.header(header::RETRY_AFTER.as_str()).map(str::trim) {
            Some(value) => match value.parse() {
                Ok(seconds) => return Some(Duration::from_secs(seconds)),
                Err(_) => date(value)?,
            },
            None => {
                let reset = self.header("x-rate-limit-reset").or_else(|| self.header("x-ratelimit-reset"))?;
                let reset = reset.trim().parse().ok()?;
                OffsetDateTime::from_unix_timestamp(reset).ok()?
            }
        };
        let now = self.header(header::DATE.as_str()).and_then(date).unwrap_or_else(OffsetDateTime::now_utc);
        Some((until - now).try_into().unwrap_or_default())
    }

    /// How far the server's clock is ahead of ours by its `Date`, ten minutes either way at the most: a server that is wrong by
    /// more is not followed.
    pub fn clock_ahead(&self) -> Option<time::Duration> {
        let date = OffsetDateTime::parse(self.header(header::DATE.as_str())?, &Rfc2822).ok()?;
        Some((date - OffsetDateTime::now_utc()).clamp(-FOLLOWED, FOLLOWED))
    }

    /// One line, of bounded length, without the request's credentials.
    fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            let value = secret.expose_secret();
            // `Bearer x` and `SSWS x`: an IdP may name the token alone.
            let bare = value.rsplit(' ').next().unwrap_or(value);
            for hidden in [value, bare].into_iter().filter(|hidden| !hidden.is_empty()) {
                text = text.replace(hidden, "[secret]");
            }
        }
        let spaced: String = text.chars().map(|char| if shown::is_hidden(char) { ' ' } else { char }).collect();
        let words = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(LONGEST_MESSAGE) {
            Some((at, _)) => format!("{}...", &words[..at]),
            None => words,
        }
    }
}

/// An address without its scheme and host.
pub fn path_and_query(address: &str) -> Option<String> {
    let uri: ureq::http::Uri = address.parse().ok()?;
    uri.path_and_query().map(ToString::to_string).filter(|path| path.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Reply::new(IdpName::new("acme"), status, headers, body.into(), vec!["Bearer s3cr3t".into()])
    }

    fn error(status: u16, body: &str) -> DirectoryError {
        reply(status, &[], body).accepted("user alice").err().expect("not a success")
    }

    #[test]
    fn each_status_has_one_meaning() {
        let acme = IdpName::new("acme");
        assert!(reply(204, &[], "").accepted("").is_ok());
        assert_eq!(error(401, ""), acme.sign_in_refused("HTTP 401"));
        let why = "no role";
        let said = r#"{"error":{"code":"role","message":"no role"}}"#;
        assert_eq!(error(403, said), acme.forbidden(why));
        for status in [400, 408, 409, 422] {
            assert_eq!(error(status, said), acme.refused(why));
        }
        for status in [404, 410] {
            assert_eq!(error(status, ""), acme.not_found("user alice"));
        }
        assert_eq!(error(429, ""), acme.rate_limited(None));
        for status in [500, 503] {
            assert_eq!(error(status, "<html>"), acme.failed(status));
        }
        for status in [302, 304] {
            assert!(matches!(error(status, ""), DirectoryError::InvalidResponse { .. }));
        }
    }

    #[test]
    fn words_are_found_in_every_usual_shape() {
        for (body, code, message) in [
            (r#"{"error":{"code":"BadRequest","message":"Bad challenge"}}"#, Some("BadRequest"), "Bad challenge"),
            (
                r#"{"errorCode":"E0000001","errorSummary":"Api validation failed"}"#,
                Some("E0000001"),
                "Api validation failed",
            ),
            (
                r#"{"errorCode":"E0000001","errorSummary":"Api failed","errorCauses":[{"errorSummary":"a"},{"errorSummary":"b"}]}"#,
                Some("E0000001"),
                "Api failed; a; b",
            ),
            (
                r#"{"errorCode":"E0000001","errorSummary":"Api failed","errorCauses":{"errorSummary":"a"}}"#,
                Some("E0000001"),
                "Api failed; a",
            ),
            (r#"{"result":{"status":false,"error":{"code":905,"message":"ERR905: no"}}}"#, Some("905"), "ERR905: no"),
            (r#"{"error":"invalid_dpop_proof","error_description":"missing"}"#, Some("invalid_dpop_proof"), "missing"),
            (r#"{"code":5,"message":"not there","details":[]}"#, Some("5"), "not there"),
            (r#"{"error":"use_dpop_nonce"}"#, Some("use_dpop_nonce"), "use_dpop_nonce"),
            ("<html><h1>Bad gateway</h1></html>", None, "HTTP 400"),
            ("", None, "HTTP 400"),
            ("[]", None, "HTTP 400"),
        ] {
            let expected = Fault { code: code.map(str::to_owned), message: message.into() };
            assert_eq!(reply(400, &[], body).fault(), expected, "{body}");
        }
    }

    #[test]
    fn words_are_one_bounded_line_without_credentials() {
        let said = |message: &str| {
            let body = serde_json::json!({ "error": { "message": message } }).to_string();
            reply(400, &[], &body).fault().message
        };
        assert_eq!(said("token Bearer s3cr3t, or s3cr3t"), "token [secret], or [secret]");
        assert_eq!(said("one\r\n\ttwo\u{1b}[31m \u{202e}three"), "one two [31m three");
        let long = said(&"ä".repeat(5000));
        assert_eq!(long.chars().count(), LONGEST_MESSAGE + 3);
    }

    #[test]
    fn waiting_is_told_in_seconds_or_by_the_answers_own_clock() {
        let wait = |headers: &[(&'static str, &str)]| match reply(429, headers, "").accepted("") {
            Err(DirectoryError::RateLimited { retry_after, .. }) => retry_after,
            _ => panic!("429 is a rate limit"),
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), date]), Some(Duration::from_secs(30)));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), date]), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), Some(Duration::ZERO));
        for nonsense in ["-1", "soon", "1.5", ""] {
            assert_eq!(wait(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }

    #[test]
    fn a_clock_is_followed_for_ten_minutes_and_no_further() {
        let ahead = |date: &str| reply(200, &[("date", date)], "").clock_ahead().map(time::Duration::whole_seconds);
        assert_eq!(ahead("Fri, 31 Dec 9999 23:59:59 GMT"), Some(600));
        assert_eq!(ahead("Thu, 01 Jan 1970 00:00:00 GMT"), Some(-600));
        let soon = (OffsetDateTime::now_utc() + time::Duration::seconds(60)).format(&Rfc2822).unwrap();
        assert!((58..=60).contains(&ahead(&soon).unwrap()));
        assert_eq!(ahead("tomorrow"), None);
    }

    #[test]
    fn the_next_page_is_asked_for_at_the_same_server() {
        let next = |links: &[&str]| {
            let headers: Vec<(&'static str, &str)> = links.iter().map(|link| ("link", *link)).collect();
            let mut all = HeaderMap::new();
            for (name, value) in headers {
                all.append(name, value.parse().unwrap());
            }
            Reply::new(IdpName::new("acme"), 200, all, Vec::new(), Vec::new()).next_page()
        };
        let own = "<https://acme.okta.com/api/v1/users?limit=2>; rel=\"self\"";
        let more = "<https://elsewhere.example/api/v1/users?after=a,b&limit=2>; rel=\"next\"";
        assert_eq!(next(&[own]), None);
        assert_eq!(next(&[own, more]).as_deref(), Some("/api/v1/users?after=a,b&limit=2"));
        assert_eq!(next(&[&format!("{own}, {more}")]).as_deref(), Some("/api/v1/users?after=a,b&limit=2"));
    }

    #[test]
    fn a_page_is_no_json() {
        let why = |body: &str| match reply(200, &[], body).json::<Vec<u8>>() {
            Err(DirectoryError::InvalidResponse { why, .. }) => why,
            _ => panic!("{body} was read"),
        };
        assert_eq!(why("\n <!doctype html><p>s3cr3t"), "a web page instead of JSON");
        assert!(why("[1,2").contains("EOF"));
        assert!(!why(r#""s3cr3t""#).contains("s3cr3t"));
    }
}
