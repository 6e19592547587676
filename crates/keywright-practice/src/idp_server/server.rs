//! The practice IdP's server: a listener on loopback and a thread that answers.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::ceremony::Provider;
use super::connections::{self, Limits};
use super::store::{Store, StoreError};
use super::{guard, page, routes};
use keywright_attest::Anchors;
use keywright_fido::webauthn::{AttestationConveyance, Origin, RpId, UserVerification};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// How long requests that are being answered may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// What the server asks of keys, and what it takes.
#[derive(Clone)]
pub struct Settings {
    /// The RP ID of every credential. `localhost` by default.
    pub rp_id: RpId,
    /// The relying party's name for people.
    pub rp_name: String,
    /// The origin that client data has to name. By default `http://localhost:PORT`, with the server's port.
    pub origin: Option<Origin>,
    /// How long a registration or sign-in waits. 300 s by default.
    pub challenge_lifetime: Duration,
    /// How much attestation is asked for. `direct` by default; `enterprise` for keys that name themselves.
    pub attestation: AttestationConveyance,
    /// Whether a sign-in needs the PIN. `required` by default; a registration always does.
    pub user_verification: UserVerification,
    /// What attestations are held against.
    pub anchors: Arc<Anchors>,
    /// Whether an attestation that leads to no anchor is refused. A false signature always is.
    pub trusted_only: bool,
    /// What one machine's programs may ask of the server.
    pub limits: Limits,
    /// The time.
    pub now: Clock,
}

impl Settings {
    /// The defaults, with these trust anchors; untrusted attestations are taken.
    pub fn new(anchors: Arc<Anchors>) -> Self {
        Self {
            rp_id: "localhost".parse().expect("localhost is a domain"),
            rp_name: "keywright rehearsal".into(),
            origin: None,
            challenge_lifetime: Duration::from_secs(300),
            attestation: AttestationConveyance::Direct,
            user_verification: UserVerification::Required,
            anchors,
            trusted_only: false,
            limits: Limits::default(),
            now: Arc::new(OffsetDateTime::now_utc),
        }
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is not this machine's own.
    #[error("{0} is reachable from elsewhere; the practice IdP listens on loopback only, such as 127.0.0.1:8460")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// No HTTP header can carry the token.
    #[error("the API token has to have 16 or more visible ASCII characters")]
    Token,
    /// Pages of the origin may not use the RP ID, so no key would be of use.
    #[error("pages of {origin} may not use the RP ID {rp_id}")]
    Origin {
        /// The origin.
        origin: Origin,
        /// The RP ID.
        rp_id: RpId,
    },
    /// The database cannot be used.
    #[error("the practice IdP's database {} cannot be used: {source}", .path.display())]
    Database {
        /// The file; `:memory:` if there is none.
        path: PathBuf,
        /// Why not.
        source: StoreError,
    },
    /// There is no thread or no event loop to be had.
    #[error("the server cannot run: {0}")]
    Run(std::io::Error),
}

/// A running server. Stops when it is dropped.
pub struct EmbeddedServer {
    address: SocketAddr,
    origin: Origin,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedServer {
    /// Listens on `listen` (port 0: any free one) and keeps everything in `database`, or in memory. Requests are answered
    /// when this returns. `token` is the API token: 16 or more visible ASCII characters.
    pub fn start(
        listen: SocketAddr,
        database: Option<&Path>,
        token: SecretString,
        settings: Settings,
    ) -> Result<Self, StartError> {
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(listen));
        }
        let visible = token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || token.expose_secret().len() < 16 {
            return Err(StartError::Token);
        }
        let bind = || {
            let listener = TcpListener::bind(listen)?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = bind().map_err(|source| StartError::Listen { address: listen, source })?;
        let origin = match &settings.origin {
            Some(origin) => origin.clone(),
            None => format!("http://localhost:{}", address.port()).parse().expect("localhost with a port is an origin"),
        };
        if !origin.may_use(&settings.rp_id) {
            return Err(StartError::Origin { origin, rp_id: settings.rp_id });
        }
        let store = Store::open(database, &settings.rp_id).map_err(|source| StartError::Database {
            path: database.unwrap_or(Path::new(":memory:")).to_owned(),
            source,
        })?;
        let limits = settings.limits;
        let provider = Arc::new(Provider::new(settings, origin.clone(), store));
        let open = routes::router(provider.clone(), &token).merge(page::router(provider));
        let routes = guard::guarded(open, origin.clone(), limits.request);

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Run)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(StartError::Run)?
        };
        let (stop, stopped) = watch::channel(false);
        // A sender that is gone stops the server as well.
        let told = |mut stopped: watch::Receiver<bool>| async move { drop(stopped.wait_for(|stop| *stop).await) };
        let overdue = {
            let told = told(stopped.clone());
            async move {
                told.await;
                tokio::time::sleep(GRACE).await;
            }
        };
        let serve = connections::serve(listener, routes, limits, told(stopped));
        let answer = async move {
            tokio::select! {
                () = serve => {}
                () = overdue => tracing::warn!("requests to the practice IdP were cut off"),
            }
        };
        let thread = std::thread::Builder::new()
            .name("embedded-directory".into())
            .spawn(move || runtime.block_on(answer))
            .map_err(StartError::Run)?;
        Ok(Self { address, origin, stop, thread: Some(thread) })
    }

    /// Where it listens, such as `http://127.0.0.1:8460`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The origin that client data has to name.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Stops listening, answers what was asked, and ends within two seconds.
    pub fn stop(self) {}
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the practice IdP's server crashed");
        }
    }
}
