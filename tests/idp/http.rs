//! HTTP to an IdP as the network deals with it: TLS, names that do not resolve, doors that are shut, answers without end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use keywright::idp::DirectoryError;
use keywright::idp::http::{Client, Limits, Network, Reply};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use ureq::http::Method;

/// Serves one connection on a free port of loopback.
fn once(serve: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || serve(listener.accept().unwrap().0)))
}

fn ask(base: &str, anchors: &[CertificateDer<'_>]) -> Result<Reply, DirectoryError> {
    let network = Network { proxy: None, anchors: anchors.iter().cloned().map(CertificateDer::into_owned).collect() };
    Client::through(&network, "acme", base, Limits::default())?.call(Method::GET, "/v1/check").send()
}

/// Why nothing was sent.
fn unreachable(result: Result<Reply, DirectoryError>) -> String {
    match result.err() {
        Some(DirectoryError::Unreachable { directory, why }) if directory == "acme" => why,
        other => panic!("not unreachable: {other:?}"),
    }
}

/// Reads a request's head.
fn read_head(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn tls_stands_before_anything_is_sent() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let serve = |config: Arc<ServerConfig>| {
        move |stream| {
            let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
            // A client that does not trust us goes away in the handshake.
            let mut head = [0; 4096];
            let Ok(count) = tls.read(&mut head) else { return };
            let head = String::from_utf8_lossy(&head[..count]).to_ascii_lowercase();
            assert!(head.starts_with("get /v1/check http/1.1\r\n"), "{head}");
            assert!(head.contains(concat!("user-agent: keywright/", env!("CARGO_PKG_VERSION"))), "{head}");
            tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]").unwrap();
            tls.conn.send_close_notify();
            tls.flush().unwrap();
        }
    };

    let (port, thread) = once(serve(Arc::clone(&config)));
    let reply = ask(&format!("https://localhost:{port}"), std::slice::from_ref(&certificate)).unwrap();
    assert_eq!((reply.status(), reply.json::<Vec<u8>>().unwrap()), (200, vec![]));
    thread.join().unwrap();

    let (port, thread) = once(serve(Arc::clone(&config)));
    let why = unreachable(ask(&format!("https://localhost:{port}"), &[]));
    assert!(why.contains("certificate"), "{why}");
    thread.join().unwrap();

    let (port, thread) = once(serve(config));
    let why = unreachable(ask(&format!("https://127.0.0.1:{port}"), &[certificate]));
    assert!(why.contains("certificate"), "a name that is not in it: {why}");
    thread.join().unwrap();
}

#[test]
fn a_handshake_that_breaks_has_sent_nothing() {
    let (port, thread) = once(drop);
    unreachable(ask(&format!("https://localhost:{port}"), &[]));
    thread.join().unwrap();
    let (port, thread) = once(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
    unreachable(ask(&format!("https://localhost:{port}"), &[]));
    thread.join().unwrap();
}

#[test]
fn a_shut_door_and_an_unknown_name_are_unreachable() {
    let (port, thread) = once(|_| {});
    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    thread.join().unwrap();
    let why = unreachable(ask(&format!("http://127.0.0.1:{port}"), &[]));
    assert!(why.contains("refused"), "{why}");
    unreachable(ask("https://keywright.invalid", &[]));
}

#[test]
fn a_silent_proxy_is_not_waited_for() {
    let (told, silent) = std::sync::mpsc::channel::<()>();
    let (port, thread) = once(move |mut stream| {
        assert!(read_head(&mut stream).starts_with("CONNECT idp.example.invalid:443 "));
        silent.recv().unwrap_err();
    });
    let proxy = format!("http://127.0.0.1:{port}");
    let network = Network { proxy: Some(proxy.parse().unwrap()), anchors: Vec::new() };
    let limits = Limits { connect: Duration::from_millis(300), total: Duration::from_millis(600) };
    let client = Client::through(&network, "acme", "https://idp.example.invalid", limits).unwrap();
    let why = unreachable(client.call(Method::GET, "/v1/check").send());
    assert_eq!(why, format!("the proxy {proxy} does not connect to it: no connection within 300ms"));
    drop(told);
    thread.join().unwrap();
}

#[test]
fn an_answer_without_end_is_not_read() {
    let (port, thread) = once(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
        // Until the client has had enough.
        while stream.write_all(&[b' '; 65536]).is_ok() {}
    });
    let error = ask(&format!("http://127.0.0.1:{port}"), &[]).err().unwrap();
    assert!(matches!(error, DirectoryError::InvalidResponse { .. }), "{error}");
    thread.join().unwrap();

    let (port, thread) = once(|mut stream| {
        read_head(&mut stream);
        let line = format!("X-Filler: {}\r\n", "x".repeat(1000));
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        while stream.write_all(line.as_bytes()).is_ok() {}
    });
    let error = ask(&format!("http://127.0.0.1:{port}"), &[]).err().unwrap();
    assert!(matches!(error, DirectoryError::InvalidResponse { .. }), "{error}");
    thread.join().unwrap();
}
