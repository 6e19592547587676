//! A company's network between keywright and an IdP: a proxy that is asked to CONNECT, and TLS by the company's own CA.
//!
//! Names are the proxy's affair: it takes every connection to the one server that there is.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A CA that no system knows.
pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate.
    pub(crate) fn pem(&self) -> String {
        let text = data_encoding::BASE64_MIME.encode(self.0.der());
        format!("-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    }

    fn server_config(&self, certificate: CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = certificate.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

/// Something that listens on loopback, until it is dropped.
pub(crate) struct Listening {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// One connection after the other. A client that goes away in the middle is that client's affair.
    fn start(mut serve: impl FnMut(TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closing = Arc::new(AtomicBool::new(false));
        let end = closing.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                let _ = serve(stream);
            }
        });
        Self { address, closing, thread: Some(thread) }
    }

    /// TLS with a certificate before a plain server (`http://127.0.0.1:PORT`), which is asked by its own name, as by nginx; one request for each
    /// connection.
    pub(crate) fn tls(ca: &Ca, certificate: CertificateParams, plain: &str) -> Self {
        let (config, plain) = (ca.server_config(certificate), plain.strip_prefix("http://").unwrap().to_owned());
        Self::start(move |stream| {
            let mut tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let request = message(&mut tls)?;
            let mut server = TcpStream::connect(&plain)?;
            server.write_all(&for_host(&request, &plain))?;
            tls.write_all(&message(&mut server)?)?;
            tls.conn.send_close_notify();
            tls.flush()
        })
    }

    /// Where it listens, `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A proxy, and what it was asked.
pub(crate) struct ConnectProxy {
    listening: Listening,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    /// Lets everybody through to `server`, or those only who send this `Proxy-Authorization`.
    pub(crate) fn start(server: &Listening, authorization: Option<&str>) -> Self {
        let (server, wanted) = (server.address, authorization.map(str::to_owned));
        Self::answering(move |client, head| {
            let authorization = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: "));
            if wanted.is_some() && authorization != wanted.as_deref() {
                return client
                    .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n");
            }
            let mut upstream = TcpStream::connect(server)?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            let (mut from, mut to) = (client.try_clone()?, upstream.try_clone()?);
            let there =
                std::thread::spawn(move || io::copy(&mut from, &mut to).and_then(|_| to.shutdown(Shutdown::Write)));
            let _ = io::copy(&mut upstream, client);
            client.shutdown(Shutdown::Both)?;
            let _ = there.join();
            Ok(())
        })
    }

    /// Gives every request this answer, and nothing else.
    pub(crate) fn saying(answer: &'static str) -> Self {
        Self::answering(move |client, _| client.write_all(answer.as_bytes()))
    }

    fn answering(mut answer: impl FnMut(&mut TcpStream, &str) -> io::Result<()> + Send + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let listening = Listening::start(move |mut client| {
            let head = String::from_utf8_lossy(&message(&mut client)?).into_owned();
            log.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
            answer(&mut client, &head)
        });
        Self { listening, asked }
    }

    pub(crate) fn url(&self) -> String {
        self.listening.url()
    }

    /// The first lines of all requests since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// Head and body of a request or an answer.
/// The request with another host.
fn for_host(request: &[u8], host: &str) -> Vec<u8> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let lines = String::from_utf8_lossy(&request[..end]).into_owned();
    let lines = lines.split("\r\n").map(|line| match line.to_lowercase().starts_with("host:") {
        true => format!("Host: {host}"),
        false => line.to_owned(),
    });
    [lines.collect::<Vec<_>>().join("\r\n").as_bytes(), &request[end..]].concat()
}

fn message(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut message, mut byte) = (Vec::new(), [0]);
    while !message.ends_with(b"\r\n\r\n") {
        from.read_exact(&mut byte)?;
        message.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&message).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    from.take(length).read_to_end(&mut message)?;
    Ok(message)
}
