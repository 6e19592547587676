//! A loopback HTTP/1.1 server for IdPs that a test plays itself: a handler answers, and everything is remembered.
//!
//! It refuses nothing: what a request has to look like is the handler's business, or that of a validating proxy in front. One request for each connection, with `Content-Length` only.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: String,
    /// Percent-encoded as it came, without the query.
    pub path: String,
    /// What follows the question mark, as it came.
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The path's segments without the leading slash, percent-decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.trim_start_matches('/').split('/').map(decode).collect()
    }

    /// A parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        pairs(&self.query).into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// A field of a body that is a form, decoded.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        pairs(&body).into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Whether it would change something.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("Content-Type".into(), "application/json".into())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// A status without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// With a header more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The server; it ends when it is dropped.
pub(crate) struct FakeIdp {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(Request, Answer)>>>,
    closing: Arc<AtomicBool>,
    limited_every: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl FakeIdp {
    /// Serves on a free port. Requests are handled one after the other.
    pub(crate) fn start(mut handle: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, closing) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let limited_every = Arc::new(AtomicUsize::new(0));
        let (log, end, limited) = (seen.clone(), closing.clone(), limited_every.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(mut stream) = stream else { continue };
                // A client that goes away in the middle is that client's affair.
                let Ok(request) = read(&mut stream) else { continue };
                let every = limited.load(Ordering::SeqCst);
                let answer = match every > 0 && log.lock().unwrap().len() % every == 0 {
                    true => Answer::empty(429).with("Retry-After", "0"),
                    false => handle(&request),
                };
                log.lock().unwrap().push((request, answer.clone()));
                let _ = write(&mut stream, &answer);
            }
        });
        Self { address, seen, closing, limited_every, thread: Some(thread) }
    }

    /// The same, with a state that the handler shares with the test.
    pub(crate) fn sharing<S: Send + 'static>(
        state: S,
        mut handle: impl FnMut(&mut S, &Request) -> Answer + Send + 'static,
    ) -> (Self, Arc<Mutex<S>>) {
        let state = Arc::new(Mutex::new(state));
        let own = Arc::clone(&state);
        (Self::start(move |request| handle(&mut own.lock().unwrap(), request)), state)
    }

    /// From now on every such request is one too many.
    pub(crate) fn is_asked_too_often_every(&self, requests: usize) {
        self.limited_every.store(requests, Ordering::SeqCst);
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything so far.
    pub(crate) fn seen(&self) -> Vec<(Request, Answer)> {
        self.seen.lock().unwrap().clone()
    }

    /// Requests by method and path, in their order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen().iter().map(|(request, _)| format!("{} {}", request.method, request.path)).collect()
    }
}

impl Drop for FakeIdp {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a request on as it came, to a server at `http://ADDRESS:PORT`.
pub(crate) fn forward(to: &str, request: &Request) -> Answer {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let uri = format!("{to}{}{query}", request.path);
    let mut call = ureq::http::Request::builder().method(request.method.as_str()).uri(uri);
    for (name, value) in &request.headers {
        if !matches!(name.as_str(), "host" | "connection" | "content-length" | "accept-encoding") {
            call = call.header(name, value);
        }
    }
    let mut reply = ureq::Agent::new_with_config(config).run(call.body(request.body.clone()).unwrap()).unwrap();
    let kept = ["content-type", "link"]
        .into_iter()
        .flat_map(|name| reply.headers().get_all(name).iter().map(move |value| (name, value)));
    let headers = kept.map(|(name, value)| (name.to_owned(), value.to_str().unwrap().to_owned())).collect();
    Answer { status: reply.status().as_u16(), headers, body: reply.body_mut().read_to_vec().unwrap() }
}

/// Exchanges as a file that a person can read. The values of these headers, and whatever `hide` replaces, are struck out.
pub(crate) fn as_http_file(
    exchanges: &[(Request, Answer)],
    secret_headers: &[&str],
    hide: impl Fn(&str) -> String,
) -> String {
    let mut text = String::new();
    for (request, answer) in exchanges {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        writeln!(text, "### {} {}{query}", request.method, request.path).unwrap();
        writeln!(text, "{} {}{query} HTTP/1.1", request.method, request.path).unwrap();
        for (name, value) in &request.headers {
            if matches!(name.as_str(), "host" | "content-length" | "user-agent" | "accept" | "connection") {
                continue;
            }
            let value = if secret_headers.contains(&name.as_str()) { "[removed]" } else { value };
            writeln!(text, "{name}: {value}").unwrap();
        }
        writeln!(text, "\n{}\n", pretty(&request.body)).unwrap();
        writeln!(text, "HTTP/1.1 {}", answer.status).unwrap();
        for (name, value) in &answer.headers {
            writeln!(text, "{}: {value}", name.to_lowercase()).unwrap();
        }
        writeln!(text, "\n{}\n", pretty(&answer.body)).unwrap();
    }
    hide(&text)
}

fn pretty(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn decode(text: &str) -> String {
    let (bytes, mut decoded) = (text.as_bytes(), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok()).flatten();
        decoded.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn read(stream: &mut TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut parts = line.split(' ');
    let method = parts.next().unwrap_or_default().to_owned();
    let target = parts.next().ok_or(io::ErrorKind::InvalidData)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Request { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

fn write(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Fake\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if answer.status != 204 {
        head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.body)
}
