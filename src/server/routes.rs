//! All routes as one warp filter: the families in order, then whatever was mounted, then an answer for strangers.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use http::{HeaderMap, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::accept::Slot;
use super::origin::Peer;
use super::shared::Shared;
use super::socket::SocketKind;
use super::webhooks::Incoming;
use super::{answers, files, health, socket, webhooks};

/// The paths of the carrier's sockets, without a slash at the end.
const SOCKETS: [(&str, SocketKind); 2] = [
    ("/ws/twilio-media", SocketKind::Media),
    ("/ws/twilio-relay", SocketKind::Relay),
];

/// One family of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Webhook,
    Socket(SocketKind),
    Static,
    Healthz,
    Readyz,
    Version,
    Greeting,
}

/// Every route of the server. `mounted` come first, so that a mounted webhook is found before the catch-all below
/// `/webhook/`; each must reject with `not_found` what is not its own, before it takes the body.
pub(super) fn all(shared: &Arc<Shared>, mounted: Option<BoxedFilter<(Response,)>>) -> BoxedFilter<(Response,)> {
    let own = own(shared);
    let routes = match mounted {
        Some(mounted) => mounted.or(own).unify().boxed(),
        None => own,
    };
    routes.recover(rejected).unify().boxed()
}

fn own(shared: &Arc<Shared>) -> BoxedFilter<(Response,)> {
    let with_body = family(&[Family::Webhook])
        .and(incoming())
        .and(with(shared))
        .and(warp::body::stream())
        .then(|_, incoming, shared, body| webhook(incoming, shared, body));
    let sockets = family(&[Family::Socket(SocketKind::Media), Family::Socket(SocketKind::Relay)])
        .and(incoming())
        .and(with(shared))
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::optional::<Slot>())
        .map(|family, incoming, shared: Arc<Shared>, upgrade, slot| {
            let kind = match family {
                Family::Socket(kind) => kind,
                _ => SocketKind::Media,
            };
            socket::answer(kind, &shared, incoming, upgrade, slot)
        });
    let files = family(&[Family::Static])
        .and(incoming())
        .and(with(shared))
        .then(|_, incoming, shared: Arc<Shared>| async move { files::answer(&shared, &incoming).await });
    let health = family(&[Family::Healthz, Family::Readyz, Family::Version, Family::Greeting])
        .and(with(shared))
        .then(|family, shared: Arc<Shared>| async move {
            match family {
                Family::Readyz => health::readyz(&shared).await,
                Family::Version => health::version(&shared),
                Family::Healthz => health::healthz(),
                _ => health::greeting(),
            }
        });
    with_body
        .or(sockets)
        .unify()
        .or(files)
        .unify()
        .or(health)
        .unify()
        .boxed()
}

async fn webhook<S, B>(incoming: Incoming, shared: Arc<Shared>, body: S) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    webhooks::answer(shared, incoming, body).await
}

/// Lets a request through to the routes of these families only.
fn family(wanted: &'static [Family]) -> impl Filter<Extract = (Family,), Error = Rejection> + Copy {
    warp::path::full().and_then(move |path: FullPath| {
        let found = family_of(path.as_str()).filter(|family| wanted.contains(family));
        std::future::ready(found.ok_or_else(warp::reject::not_found))
    })
}

fn family_of(path: &str) -> Option<Family> {
    if webhooks::is_webhook(path) {
        return Some(Family::Webhook);
    }
    if files::is_static(path) {
        return Some(Family::Static);
    }
    let path = webhooks::tidy(path);
    if let Some((_, kind)) = SOCKETS.iter().find(|(socket, _)| *socket == path) {
        return Some(Family::Socket(*kind));
    }
    match path.as_str() {
        "/healthz" => Some(Family::Healthz),
        "/readyz" => Some(Family::Readyz),
        "/version" => Some(Family::Version),
        "" => Some(Family::Greeting),
        _ => None,
    }
}

fn incoming() -> impl Filter<Extract = (Incoming,), Error = Infallible> + Clone {
    let query = warp::query::raw().map(Some).or(warp::any().map(|| None)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Peer>())
        .map(
            |method: Method, path: FullPath, query: Option<String>, headers: HeaderMap, peer: Option<Peer>| Incoming {
                method,
                path: path.as_str().to_owned(),
                query,
                headers,
                peer,
            },
        )
}

fn with(shared: &Arc<Shared>) -> impl Filter<Extract = (Arc<Shared>,), Error = Infallible> + Clone + use<> {
    let shared = Arc::clone(shared);
    warp::any().map(move || Arc::clone(&shared))
}

/// The own routes reject nothing but foreign paths; a mounted one may reject more.
async fn rejected(rejection: Rejection) -> Result<Response, Infallible> {
    if rejection.is_not_found() {
        return Ok(answers::text(StatusCode::NOT_FOUND, "there is nothing here"));
    }
    if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        return Ok(answers::text(StatusCode::METHOD_NOT_ALLOWED, "not with this method"));
    }
    tracing::warn!(?rejection, "a mounted route rejected a request");
    Ok(answers::text(StatusCode::BAD_REQUEST, "the request cannot be read"))
}
