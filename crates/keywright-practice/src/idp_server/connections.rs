//! Connections: how many there are at once, how long each may take to ask, and how they end.
//!
//! It refuses to read a head that is long or slow, and to keep a connection on which nothing is asked.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What one machine's programs may ask of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait for one to end. 64 by default.
    pub connections: usize,
    /// For the head of a request, and between two requests. 30 s by default.
    pub idle: Duration,
    /// For a request, from its head to its answer. 30 s by default.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 64, idle: Duration::from_secs(30), request: Duration::from_secs(30) }
    }
}

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// The most headers of a request.
const MOST_HEADERS: usize = 64;

/// How long to wait where the system has no connection to give, for want of descriptors.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Answers until `told` is ready, and then what was asked already.
pub(super) async fn serve(listener: TcpListener, routes: Router, limits: Limits, told: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
    let room = Arc::new(Semaphore::new(limits.connections));
    let (graceful, mut told) = (GracefulShutdown::new(), pin!(told));
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut told => break,
            next = next => next,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}
