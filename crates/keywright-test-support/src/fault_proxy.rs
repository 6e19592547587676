//! A loopback HTTP/1.1 proxy that makes trouble, so that a test can see what a client makes of it.
//!
//! Put it in front of a server, point the client at [`FaultProxy::url`], and say which request is to go wrong and how:
//!
//! ```ignore
//! let proxy = FaultProxy::start(server.url());
//! proxy.once(Which::request("POST", "/v1/users/*/ceremonies/*"), Fault::DropAfter);
//! proxy.always(Which::any(), Fault::ReplyBefore(Reply::status(500)));
//! ```
//!
//! Requests without a rule pass through. It takes requests with `Content-Length` only, and one for each connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keywright::ledger::FailureCode;

/// What goes wrong. `Before`: the upstream never hears of the request. `After`: it has acted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing does.
    Pass,
    /// Something else is answered.
    ReplyBefore(Reply),
    /// Something else is answered.
    ReplyAfter(Reply),
    /// The connection ends without an answer.
    DropBefore,
    /// The connection ends without an answer.
    DropAfter,
    /// Nothing is answered until the client gives up.
    StallBefore,
    /// Nothing is answered until the client gives up.
    StallAfter,
    /// The connection ends in the middle of the upstream's status line and headers.
    HalfHead,
    /// The connection ends in the middle of the upstream's body.
    HalfBody,
    /// The upstream's answer stops in the middle of its body until the client gives up.
    StallInBody,
    /// Nothing is wrong with this one, but then nobody listens any more: connections are refused until the rules are cleared.
    GoneAfter,
}

/// What is answered instead of the upstream: bytes as they go over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(pub Vec<u8>);

impl Reply {
    /// An answer with any status, headers (each ending in CRLF) and body.
    pub fn new(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self(format!("HTTP/1.1 {status} Fault\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
    }

    /// A status with a JSON body that says nothing.
    pub fn status(status: u16) -> Self {
        Self::new(status, "Content-Type: application/json\r\n", "{}")
    }

    /// 429, with `Retry-After` if there is a value.
    pub fn too_many(retry_after: Option<&str>) -> Self {
        let header = retry_after.map_or(String::new(), |value| format!("Retry-After: {value}\r\n"));
        Self::new(429, &header, "{}")
    }

    /// A web page where JSON was expected.
    pub fn page(status: u16) -> Self {
        Self::new(status, "Content-Type: text/html\r\n", "<!doctype html><h1>Sorry</h1>")
    }

    /// Bytes that are no HTTP.
    pub fn garbage() -> Self {
        Self(b"\x16\x03\x01 no HTTP at all\r\n\r\n".to_vec())
    }
}

/// Which requests a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The request with this number, counted from 0 over all requests.
    Index(usize),
    /// Requests with this method (empty: any) whose path, without its query, matches; `*` stands for one segment, and a
    /// pattern that is `*` alone for any path.
    Of {
        /// The method.
        method: String,
        /// The pattern.
        path: String,
    },
}

impl Which {
    /// Every request.
    pub fn any() -> Self {
        Self::request("", "*")
    }

    /// Requests by method and path pattern.
    pub fn request(method: &str, path: &str) -> Self {
        Self::Of { method: method.into(), path: path.into() }
    }

    fn takes(&self, index: usize, request: &Seen) -> bool {
        match self {
            Self::Index(wanted) => *wanted == index,
            Self::Of { method, path } => {
                let segments: Vec<_> = request.path.split('/').collect();
                let pattern: Vec<_> = path.split('/').collect();
                let fits = |(expected, found): (&&str, &&str)| *expected == "*" || expected == found;
                let same = pattern.len() == segments.len() && pattern.iter().zip(&segments).all(fits);
                (method.is_empty() || *method == request.method) && (path == "*" || same)
            }
        }
    }
}

/// Everything that can go wrong with a request, and how a failure because of it is coded.
pub fn table() -> Vec<(Fault, FailureCode)> {
    use FailureCode::{AccountRefused, DirectoryDown, DirectoryRefused, DirectorySignIn};
    vec![
        (Fault::ReplyBefore(Reply::status(401)), DirectorySignIn),
        (Fault::ReplyBefore(Reply::status(403)), DirectoryRefused),
        (Fault::ReplyBefore(Reply::page(404)), AccountRefused),
        (Fault::ReplyBefore(Reply::status(409)), DirectoryRefused),
        (Fault::ReplyBefore(Reply::too_many(None)), DirectoryDown),
        (Fault::ReplyBefore(Reply::too_many(Some("0"))), DirectoryDown),
        (Fault::ReplyBefore(Reply::too_many(Some("3600"))), DirectoryDown),
        (Fault::ReplyBefore(Reply::status(500)), DirectoryDown),
        (Fault::ReplyAfter(Reply::status(500)), DirectoryDown),
        (Fault::ReplyBefore(Reply::page(200)), DirectoryDown),
        (Fault::ReplyAfter(Reply::garbage()), DirectoryDown),
        (Fault::DropBefore, DirectoryDown),
        (Fault::DropAfter, DirectoryDown),
        (Fault::StallAfter, DirectoryDown),
        (Fault::HalfBody, DirectoryDown),
        (Fault::GoneAfter, DirectoryDown),
    ]
}

/// A request that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path without its query.
    pub path: String,
}

#[derive(Default)]
struct State {
    /// A rule, and whether it goes after it was used.
    rules: Vec<(Which, Fault, bool)>,
    seen: Vec<Seen>,
    /// How many of them went wrong.
    faults: usize,
    /// Connections that have not ended.
    open: usize,
    /// Whether connections are to be refused, and whether they are.
    gone: bool,
    refusing: bool,
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// A connection ended, or the listener came or went.
    changed: Condvar,
}

/// A running proxy. Stops when it is dropped.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Listens on a free port of loopback. `upstream` is `http://ADDRESS:PORT`.
    pub fn start(upstream: &str) -> Self {
        let upstream: SocketAddr = upstream.strip_prefix("http://").unwrap().parse().unwrap();
        let mut listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            loop {
                let (client, _) = listener.accept().unwrap();
                let mut state = own.state.lock().unwrap();
                if state.gone {
                    drop(listener);
                    state.refusing = true;
                    own.changed.notify_all();
                    state = own.changed.wait_while(state, |state| state.gone && !state.stopped).unwrap();
                    listener = again(address);
                    state.refusing = false;
                    own.changed.notify_all();
                    continue;
                }
                if state.stopped {
                    return;
                }
                state.open += 1;
                drop(state);
                let shared = Arc::clone(&own);
                std::thread::spawn(move || {
                    // A client that went away is part of the game: nothing to say then.
                    let _ = serve(client, upstream, address, &shared);
                    shared.state.lock().unwrap().open -= 1;
                    shared.changed.notify_all();
                });
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the next request that this is about go wrong. Rules are tried in the order they were added.
    pub fn once(&self, which: Which, fault: Fault) {
        self.shared.state.lock().unwrap().rules.push((which, fault, true));
    }

    /// Lets every request that this is about go wrong.
    pub fn always(&self, which: Which, fault: Fault) {
        self.shared.state.lock().unwrap().rules.push((which, fault, false));
    }

    /// Forgets all rules, and listens.
    pub fn clear(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.rules.clear();
        state.gone = false;
        self.shared.changed.notify_all();
        drop(self.shared.changed.wait_while(state, |state| state.refusing).unwrap());
    }

    /// Waits until every connection so far has ended: what the upstream was asked for, it has done.
    pub fn settle(&self) {
        let state = self.shared.state.lock().unwrap();
        let limit = Duration::from_secs(30);
        let (state, _) = self.shared.changed.wait_timeout_while(state, limit, |state| state.open > 0).unwrap();
        assert_eq!(state.open, 0, "connections that do not end");
    }

    /// How many requests went wrong so far.
    pub fn faults(&self) -> usize {
        self.shared.state.lock().unwrap().faults
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.state.lock().unwrap().seen.clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.clear();
        self.shared.state.lock().unwrap().stopped = true;
        // Wakes the thread up; if that fails, the thread has ended already.
        let _ = TcpStream::connect(self.address);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A listener where one was a moment ago. Another program may have the port for as long as a connection of its own takes.
fn again(address: SocketAddr) -> TcpListener {
    let began = Instant::now();
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{address}: {error}"),
        }
        std::thread::yield_now();
    }
}

/// Ends the listener, and waits until it has.
fn be_gone(address: SocketAddr, shared: &Shared) {
    shared.state.lock().unwrap().gone = true;
    // Wakes the listener up.
    drop(TcpStream::connect(address));
    let state = shared.state.lock().unwrap();
    drop(shared.changed.wait_while(state, |state| state.gone && !state.refusing).unwrap());
}

fn serve(mut client: TcpStream, upstream: SocketAddr, own: SocketAddr, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let Some((head, body)) = read_request(&mut client)? else { return Ok(()) };
    let mut line = head.split(' ');
    let method = line.next().unwrap_or_default().to_owned();
    let path = line.next().unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    let fault = {
        let mut state = shared.state.lock().unwrap();
        let seen = Seen { method, path };
        let index = state.seen.len();
        let found = state.rules.iter().position(|(which, ..)| which.takes(index, &seen));
        state.seen.push(seen);
        state.faults += usize::from(found.is_some());
        found.map(|at| if state.rules[at].2 { state.rules.remove(at).1 } else { state.rules[at].1.clone() })
    };
    match &fault {
        Some(Fault::ReplyBefore(reply)) => return client.write_all(&reply.0),
        Some(Fault::DropBefore) => return Ok(()),
        Some(Fault::StallBefore) => return until_it_gives_up(&mut client),
        _ => {}
    }
    let answer = forward(upstream, &head, &body)?;
    let body_at = find(&answer, b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let half_body = &answer[..body_at + (answer.len() - body_at) / 2];
    match fault {
        None | Some(Fault::Pass) => client.write_all(&answer),
        Some(Fault::GoneAfter) => {
            be_gone(own, shared);
            client.write_all(&answer)
        }
        Some(Fault::ReplyAfter(reply)) => client.write_all(&reply.0),
        Some(Fault::StallAfter) => until_it_gives_up(&mut client),
        Some(Fault::HalfHead) => client.write_all(&answer[..body_at / 2]),
        Some(Fault::HalfBody) => client.write_all(half_body),
        Some(Fault::StallInBody) => {
            client.write_all(half_body)?;
            until_it_gives_up(&mut client)
        }
        Some(_) => Ok(()),
    }
}

/// The head as text without its blank line, and the body. `None` if the client said nothing.
fn read_request(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.trim().parse().unwrap());
            if bytes.len() >= at + 4 + length {
                return Ok(Some((head, bytes[at + 4..at + 4 + length].to_vec())));
            }
        }
        match client.read(&mut chunk)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Asks the upstream, and reads its answer to the end.
fn forward(upstream: SocketAddr, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream)?;
    let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head: String = kept.chain(["Connection: close", ""]).map(|line| format!("{line}\r\n")).collect();
    server.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Says nothing more until the client closes the connection.
fn until_it_gives_up(client: &mut TcpStream) -> io::Result<()> {
    io::copy(client, &mut io::sink())?;
    client.shutdown(Shutdown::Both)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
