//! What every request has to be before a route sees it: for this server by name, from this server's own page if it is a browser's,
//! and answered in time. And what every answer carries.
//!
//! Without the first, a page of anybody's whose name leads to this machine (DNS rebinding) would be this server's own page to a
//! browser. It refuses to answer other sites' pages with anything that a browser would let them read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;

use super::refusal::Refusal;
use keywright_fido::webauthn::Origin;

/// On every answer: it is what it says it is, nobody keeps it, and no other site embeds it.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

#[derive(Clone)]
struct Guard {
    own: Origin,
    longest: Duration,
}

/// The routes behind the guard. `own` is the origin that pages are to be opened under; `longest` is for one request.
pub(super) fn guarded(routes: Router, own: Origin, longest: Duration) -> Router {
    routes
        .layer(middleware::from_fn_with_state(Arc::new(Guard { own, longest }), pass))
        .layer(middleware::map_response(with_headers))
}

async fn pass(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Result<Response, Refusal> {
    guard.is_for_us(&request)?;
    tokio::time::timeout(guard.longest, next.run(request)).await.map_err(|_| Refusal::Slow)
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Guard {
    fn is_for_us(&self, request: &Request) -> Result<(), Refusal> {
        let host = only(request.headers(), &header::HOST).map_err(|()| Refusal::Host)?.ok_or(Refusal::Host)?;
        // A request may name the host in its first line, too.
        let first_line = request.uri().authority().is_none_or(|authority| authority.as_str() == host);
        if !first_line || !self.is_our_name(host) {
            return Err(Refusal::Host);
        }
        match only(request.headers(), &header::ORIGIN).map_err(|()| Refusal::Origin)? {
            // No browser, or one that is asked for the page itself.
            None => Ok(()),
            Some(origin) if origin == self.own.as_str() || origin.strip_prefix("http://") == Some(host) => Ok(()),
            Some(_) => Err(Refusal::Origin),
        }
    }

    /// A name that only leads to this machine, or the one of our own pages; the port may be a proxy's.
    fn is_our_name(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        !host.contains('@')
            && (name.eq_ignore_ascii_case("localhost")
                || name.eq_ignore_ascii_case(self.own.host())
                || address.is_ok_and(|address| address.is_loopback()))
    }
}

/// The value of a header that may be there once; fails if it is there twice, or is no text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(host: &[&str], origin: &[&str]) -> bool {
        let guard = Guard { own: "https://idp.example.org".parse().unwrap(), longest: Duration::ZERO };
        let mut request = Request::new(axum::body::Body::empty());
        for (name, values) in [(header::HOST, host), (header::ORIGIN, origin)] {
            values.iter().for_each(|value| {
                request.headers_mut().append(&name, value.parse().unwrap());
            });
        }
        guard.is_for_us(&request).is_ok()
    }

    #[test]
    fn only_our_own_names_are_answered() {
        for host in ["127.0.0.1:8460", "127.8.8.8", "[::1]:8460", "localhost:8460", "LOCALHOST", "idp.example.org"] {
            assert!(passes(&[host], &[]), "{host}");
        }
        for host in [
            "evil.example:8460",
            "localhost.evil.example",
            "localhost.:8460",
            "127.0.0.1.evil.example",
            "evil@127.0.0.1",
            "192.0.2.1",
            "0.0.0.0:8460",
            "[::]:8460",
            "",
            "a b",
        ] {
            assert!(!passes(&[host], &[]), "{host}");
        }
        assert!(!passes(&[], &[]) && !passes(&["127.0.0.1", "127.0.0.1"], &[]));
    }

    #[test]
    fn only_our_own_page_is_answered() {
        let host = ["127.0.0.1:8460"];
        for origin in ["https://idp.example.org", "http://127.0.0.1:8460"] {
            assert!(passes(&host, &[origin]), "{origin}");
        }
        for origin in [
            "http://127.0.0.1:8461",
            "http://localhost:8460",
            "https://127.0.0.1:8460",
            "https://evil.example",
            "null",
            "",
        ] {
            assert!(!passes(&host, &[origin]), "{origin}");
        }
        assert!(!passes(&host, &["http://127.0.0.1:8460", "http://127.0.0.1:8460"]));
    }
}
