//! The accept loop: what a web server must bear from strangers before a route is even asked.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::reply::Response;

use super::drain::Shutdown;
use super::origin::Peer;

/// Answers one request; never fails and never panics.
pub(super) type Handler = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response> + Send + Sync>;

/// One counted connection, as a request extension: an upgraded socket keeps it to stay counted.
#[derive(Clone)]
#[expect(dead_code, reason = "held for its drop, which frees the place")]
pub(super) struct Slot(Arc<OwnedSemaphorePermit>);

/// The bounds within which connections are served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub connections: usize,
    pub first_request_within: Duration,
    pub idle_within: Duration,
    pub stop_within: Duration,
}

/// Why the server cannot start.
#[derive(Debug)]
pub enum ServeError {
    /// Another process listens on this address.
    InUse(SocketAddr),
    /// This address may not be listened on by this user.
    Forbidden(SocketAddr),
    /// This machine does not have this address, or listening failed otherwise.
    Bind(SocketAddr, io::Error),
}

/// Listens on an address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse(address),
        io::ErrorKind::PermissionDenied => ServeError::Forbidden(address),
        _ => ServeError::Bind(address, error),
    })
}

/// Serves until told to stop, then until everything in `open` has ended or the deadline has come.
///
/// At the deadline `cut` is cancelled, and what runs in `open` is expected to end itself then.
pub(super) async fn serve(
    listener: TcpListener,
    handler: Handler,
    limits: Limits,
    shutdown: Shutdown,
    open: TaskTracker,
    cut: CancellationToken,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_within);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(200)
        .keep_alive_interval(limits.idle_within / 2);
    let builder = Arc::new(builder);
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.stopping() => break,
            accepted = next(&listener, &places) => accepted,
        };
        let (stream, peer, slot) = accepted;
        let connection = Connection {
            handler: Arc::clone(&handler),
            limits,
            stop: shutdown.stop_token(),
            peer: Peer(peer),
            slot,
        };
        let (builder, cut) = (Arc::clone(&builder), cut.clone());
        open.spawn(async move {
            tokio::select! {
                () = connection.run(stream, &builder) => {}
                () = cut.cancelled() => {}
            }
        });
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(limits.stop_within, open.wait()).await.is_err() {
        tracing::warn!(left = open.len(), "connections are cut at the deadline");
        cut.cancel();
    }
}

struct Connection {
    handler: Handler,
    limits: Limits,
    stop: CancellationToken,
    peer: Peer,
    slot: Slot,
}

impl Connection {
    async fn run(self, stream: TcpStream, builder: &auto::Builder<TokioExecutor>) {
        let Connection {
            handler,
            limits,
            stop,
            peer,
            slot,
        } = self;
        let asked = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&asked);
        let service = service_fn(move |mut request: Request<Incoming>| {
            seen.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(slot.clone());
            let answering = handler(request);
            async move { Ok::<_, std::convert::Infallible>(answering.await) }
        });
        let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
        // The library's own header timeout does not cover the first bytes, and must be as long as an idle connection
        // may live. A client that dribbles its first request is caught by this one.
        let mut first = pin!(tokio::time::sleep(limits.first_request_within));
        let (mut waiting, mut stopping) = (true, false);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(peer = %peer.0, %error, "a connection ended early");
                    }
                    return;
                }
                () = first.as_mut(), if waiting => {
                    waiting = false;
                    if !asked.load(Ordering::Relaxed) {
                        tracing::debug!(peer = %peer.0, "a connection never sent a request");
                        return;
                    }
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// The next connection, once there is a place for it. Errors of the listener are waited out: they pass.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, SocketAddr, Slot) {
    if places.available_permits() == 0 {
        tracing::warn!("all connections are taken; new ones wait");
    }
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let mut pause = Duration::from_millis(10);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Frames of 20 ms must not wait for one another. A socket that refuses still works, only later.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                return (stream, peer, Slot(Arc::new(place)));
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: asking again at once would only burn the processor.
                tracing::error!(%error, pause_ms = pause.as_millis() as u64, "no connection can be accepted");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::InUse(address) => write!(
                f,
                "port {} is already in use; help: stop the other process, or set PORT to a free one",
                address.port()
            ),
            ServeError::Forbidden(address) => write!(
                f,
                "port {} may not be opened by this user; help: set PORT to one above 1023",
                address.port()
            ),
            ServeError::Bind(address, error) => {
                write!(
                    f,
                    "cannot listen on {address}: {error}; help: listen on `0.0.0.0`, or on an address of this machine"
                )
            }
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ServeError::Bind(_, error) => Some(error),
            ServeError::InUse(_) | ServeError::Forbidden(_) => None,
        }
    }
}
