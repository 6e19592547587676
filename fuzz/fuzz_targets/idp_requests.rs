//! Requests to the embedded IdP, one after the other, of a program that knows the token or does not, and of one that sends bytes.

#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arbitrary::Arbitrary;
use keywright_attest::Anchors;
use keywright_practice::idp_server::{EmbeddedServer, Limits, Settings};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const TOKEN: &str = "correct-horse-battery";

#[derive(Debug, Arbitrary)]
enum Step {
    /// As clients send it.
    Request { method: Method, path: Vec<Part>, query: Option<String>, sender: Sender, body: Body },
    /// Bytes on a connection.
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Method {
    Get,
    Post,
    Patch,
    Delete,
    Options,
    Put,
}

#[derive(Debug, Arbitrary)]
enum Part {
    V1,
    Check,
    Users,
    Ceremonies,
    Credentials,
    SignIns,
    SignIn,
    OtherMethods,
    /// The id that the newest answer had.
    Newest,
    /// The user that was made last.
    User,
    Dots,
    Text(String),
}

/// Who it comes from.
#[derive(Debug, Arbitrary)]
struct Sender {
    host: Host,
    origin: Option<Origin>,
    has_token: bool,
    says_json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Arbitrary)]
enum Host {
    Ours,
    Localhost,
    Theirs,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Arbitrary)]
enum Origin {
    Ours,
    Theirs,
    Null,
}

#[derive(Debug, Arbitrary)]
enum Body {
    None,
    NewUser { login: String, name: String },
    Change { active: Option<bool>, login: Option<String> },
    Login(String),
    Completion { label: String, response: String },
    SignIn { response: String },
    Text(String),
    Bytes(Vec<u8>),
    Long(u16),
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        let json = match self {
            Self::None => return Vec::new(),
            Self::Text(text) => return text.clone().into_bytes(),
            Self::Bytes(bytes) => return bytes.clone(),
            Self::Long(kilobytes) => return vec![b'['; usize::from(*kilobytes) * 64],
            Self::NewUser { login, name } => serde_json::json!({"login": login, "display_name": name}),
            Self::Change { active: Some(active), login: None } => serde_json::json!({"active": active}),
            Self::Change { active: _, login } => serde_json::json!({"login": login}),
            Self::Login(login) => serde_json::json!({"login": login}),
            Self::Completion { label, response } => serde_json::json!({"label": label, "response": parsed(response)}),
            Self::SignIn { response } => serde_json::json!({"response": parsed(response)}),
        };
        json.to_string().into_bytes()
    }
}

/// The server of the last hundreds of inputs: what one of them left, the next may find.
static SERVER: Mutex<Option<(EmbeddedServer, u32)>> = Mutex::new(None);

fuzz_target!(|steps: Vec<Step>| {
    let mut kept = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let used = kept.as_ref().map_or(u32::MAX, |(_, used)| *used);
    if used > 500 {
        let limits = Limits { connections: 8, idle: Duration::from_millis(500), request: Duration::from_millis(2000) };
        let settings = Settings { limits, ..Settings::new(Arc::new(Anchors::none())) };
        *kept = None;
        let server = EmbeddedServer::start("127.0.0.1:0".parse().expect("an address"), None, TOKEN.into(), settings);
        *kept = Some((server.expect("a server starts"), 0));
    }
    let Some((server, used)) = kept.as_mut() else { return };
    *used += 1;
    let address = server.url().strip_prefix("http://").expect("an address").to_owned();
    let mut known = Known::default();
    for step in steps.iter().take(12) {
        match step {
            Step::Request { method, path, query, sender, body } => {
                known.ask(&address, server.origin().as_str(), *method, path, query.as_deref(), sender, &body.bytes())
            }
            Step::Bytes(bytes) => drop(exchange(&address, bytes, Ends::Here)),
        }
    }
    // Whatever was sent, it still answers.
    let check = format!("GET /v1/check HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n");
    let answer = exchange(&address, check.as_bytes(), Ends::WithTheAnswer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
});

/// What answers told.
#[derive(Default)]
struct Known {
    newest: String,
    user: String,
}

impl Known {
    #[allow(clippy::too_many_arguments, reason = "these are the parts of a request")]
    fn ask(
        &mut self,
        address: &str,
        own: &str,
        method: Method,
        path: &[Part],
        query: Option<&str>,
        sender: &Sender,
        body: &[u8],
    ) {
        let path: String = path.iter().take(6).map(|part| format!("/{}", self.part(part))).collect();
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let query = query.map(|text| format!("?login={}", safe(text))).unwrap_or_default();
        let verb = format!("{method:?}").to_uppercase();
        let mut head = format!("{verb} {path}{query} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        match sender.host {
            Host::Ours => head.push_str(&format!("Host: {address}\r\n")),
            Host::Localhost => head.push_str("Host: localhost\r\n"),
            Host::Theirs => head.push_str("Host: evil.example\r\n"),
            Host::None => {}
        }
        match sender.origin {
            Some(Origin::Ours) => head.push_str(&format!("Origin: {own}\r\n")),
            Some(Origin::Theirs) => head.push_str("Origin: https://evil.example\r\n"),
            Some(Origin::Null) => head.push_str("Origin: null\r\n"),
            None => {}
        }
        if sender.has_token {
            head.push_str(&format!("Authorization: Bearer {TOKEN}\r\n"));
        }
        if sender.says_json {
            head.push_str("Content-Type: application/json\r\n");
        }
        let answer = exchange(address, &[format!("{head}\r\n").as_bytes(), body].concat(), Ends::WithTheAnswer);
        // It may hang up on who sends more than it reads.
        let Some(status) = answer.get(9..12).and_then(|status| status.parse::<u16>().ok()) else { return };
        let foreign = matches!(sender.host, Host::Theirs | Host::None);
        assert!(status != 500, "{head}{answer}");
        assert!(!foreign || matches!(status, 400..=499), "{head}{answer}");
        let hostile = matches!(sender.origin, Some(Origin::Theirs | Origin::Null));
        assert!(!hostile || matches!(status, 400..=499), "{head}{answer}");
        let open = path == "/" || path.starts_with("/sign-in");
        assert!(sender.has_token || open || matches!(status, 400..=499), "{head}{answer}");
        if !body.is_empty() && !sender.says_json && (200..300).contains(&status) {
            assert!(answer.contains("204") || !path.ends_with("/users"), "{head}{answer}");
        }
        let (answered, json) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if !matches!(status, 400 | 414 | 431) {
            assert!(answered.to_lowercase().contains("x-content-type-options: nosniff"), "{answered}");
        }
        let json: Value = serde_json::from_str(json).unwrap_or_default();
        if let Some(id) = json["id"].as_str() {
            id.clone_into(&mut self.newest);
            if json["login"].is_string() {
                id.clone_into(&mut self.user);
            }
        }
    }

    fn part(&self, part: &Part) -> String {
        match part {
            Part::V1 => "v1".into(),
            Part::Check => "check".into(),
            Part::Users => "users".into(),
            Part::Ceremonies => "ceremonies".into(),
            Part::Credentials => "credentials".into(),
            Part::SignIns => "sign-ins".into(),
            Part::SignIn => "sign-in".into(),
            Part::OtherMethods => "other-methods".into(),
            Part::Newest => self.newest.clone(),
            Part::User => self.user.clone(),
            Part::Dots => "..".into(),
            Part::Text(text) => safe(text),
        }
    }
}

/// As a URL carries it.
fn safe(text: &str) -> String {
    text.bytes()
        .take(64)
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

/// When a connection has nothing more to say.
#[derive(PartialEq)]
enum Ends {
    Here,
    WithTheAnswer,
}

/// All that is answered, until the server hangs up.
fn exchange(address: &str, bytes: &[u8], ends: Ends) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(4))).expect("a socket has time limits");
    let mut answer = Vec::new();
    // It may hang up before it has read everything.
    let _ = stream.write_all(bytes);
    if ends == Ends::Here {
        let _ = stream.shutdown(Shutdown::Write);
    }
    match stream.read_to_end(&mut answer) {
        Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
            panic!("the server neither answers nor hangs up")
        }
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}
