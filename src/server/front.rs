//! The server as a whole: settings, line and mounted routes in, an answer to every request out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::accept::{self, Handler, Limits};
use super::config::ServerConfig;
use super::counts::{Counts, raise};
use super::drain::Shutdown;
use super::line::{Answer, Line};
use super::shared::Shared;
use super::{answers, routes, webhooks};

/// A server that is ready to run.
pub struct Server {
    config: ServerConfig,
    line: Arc<dyn Line>,
    counts: Arc<Counts>,
    mounted: Option<BoxedFilter<(Response,)>>,
}

impl Server {
    /// A server with the carrier's routes. Touches nothing outside the process.
    pub fn new(config: ServerConfig, line: Arc<dyn Line>) -> Self {
        Server {
            config,
            line,
            counts: Arc::default(),
            mounted: None,
        }
    }

    /// Adds a family of routes, tried before the server's own. The filter must reject a foreign path with
    /// `warp::reject::not_found()` before it takes the body.
    #[must_use]
    pub fn mount(mut self, routes: BoxedFilter<(Response,)>) -> Self {
        self.mounted = Some(match self.mounted {
            Some(earlier) => earlier.or(routes).unify().boxed(),
            None => routes,
        });
        self
    }

    /// The server's counters, which outlive it.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Serves on a bound listener until `shutdown` says stop, and returns within `stop_within` of it.
    pub async fn run(self, listener: TcpListener, shutdown: Shutdown) {
        warn_of_open_doors(&self.config);
        let limits = Limits {
            connections: self.config.max_connections.max(1),
            first_request_within: self.config.first_request_within,
            idle_within: self.config.idle_within,
            stop_within: self.config.stop_within,
        };
        let (open, cut) = (TaskTracker::new(), CancellationToken::new());
        let shared = Arc::new(Shared {
            config: self.config,
            line: self.line,
            counts: self.counts,
            shutdown: shutdown.clone(),
            open: open.clone(),
            cut: cut.clone(),
        });
        let handler = handler(&shared, self.mounted);
        accept::serve(listener, handler, limits, shutdown, open, cut).await;
    }
}

fn handler(shared: &Arc<Shared>, mounted: Option<BoxedFilter<(Response,)>>) -> Handler {
    let service = TowerToHyperService::new(warp::service(routes::all(shared, mounted)));
    let shared = Arc::clone(shared);
    Arc::new(move |request| {
        let service = service.clone();
        let shared = Arc::clone(&shared);
        async move { answer(&shared, request, |request| service.call(request)).await }.boxed()
    })
}

/// Logs a request, answers it, and answers for a handler that panics.
async fn answer<F>(
    shared: &Shared,
    mut request: Request<Incoming>,
    ask: impl FnOnce(Request<Incoming>) -> F,
) -> Response
where
    F: Future<Output = Result<Response, std::convert::Infallible>>,
{
    let began = Instant::now();
    let path = request.uri().path().to_owned();
    tracing::info!(path, method = %request.method(), "REQ");
    name_the_host(&mut request);
    let asked = AssertUnwindSafe(async { ask(request).await }).catch_unwind();
    let response = match asked.await {
        Ok(Ok(response)) if webhooks::is_webhook(&path) && webhooks::forbids(response.status()) => webhooks::safe(
            shared,
            &path,
            Answer::Document,
            "a mounted route gave a status that ends the call",
        ),
        Ok(Ok(response)) => response,
        Err(_) => {
            raise(&shared.counts.panics);
            if webhooks::is_webhook(&path) {
                webhooks::safe(shared, &path, Answer::Document, "a route panicked")
            } else {
                tracing::error!(path, "a route panicked");
                answers::text(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here")
            }
        }
    };
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(path, status = response.status().as_u16(), ms, "RES");
    response
}

/// HTTP/2 and absolute request targets name the host in the target; routes look for it in the header.
fn name_the_host(request: &mut Request<Incoming>) {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(host) = authority.and_then(|authority| HeaderValue::try_from(authority).ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

fn warn_of_open_doors(config: &ServerConfig) {
    if !config.verify_signatures {
        tracing::warn!("SIGNATURES_OFF: anybody who finds a webhook may play the carrier; help: turn verification on");
    } else if config.auth_token.is_none() {
        tracing::error!(
            "SIGNATURES_UNVERIFIABLE: every signed webhook is refused with 403; help: set TWILIO_AUTH_TOKEN"
        );
    }
    if config.public_base.is_none() {
        tracing::warn!("no public address is configured, so each request's own is used; help: set PUBLIC_BASE_URL");
    }
}
