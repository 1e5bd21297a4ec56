//! The web server the carrier talks to: routes, signatures, public origin, accept loop, static files, health.
//!
//! ```no_run
//! # async fn run(line: std::sync::Arc<dyn engine::server::Line>) -> Result<(), engine::server::ServeError> {
//! use engine::server::{Server, ServerConfig, Shutdown, bind};
//!
//! let listener = bind("0.0.0.0:5000".parse().expect("an address")).await?;
//! let shutdown = Shutdown::new();
//! Server::new(ServerConfig::default(), line).run(listener, shutdown).await;
//! # Ok(())
//! # }
//! ```
//!
//! To add a webhook: one variant of [`Hook`] or [`MessageHook`] with its path. To add another family of routes
//! (a console, an API): a warp filter handed to [`Server::mount`].

mod accept;
mod answers;
mod config;
mod counts;
mod drain;
mod files;
mod form;
mod front;
mod health;
mod line;
mod origin;
mod probe;
mod routes;
mod shared;
mod signature;
mod socket;
mod verify;
mod webhooks;

pub use accept::{ServeError, bind};
pub use config::ServerConfig;
pub use counts::{Counts, Snapshot};
pub use drain::Shutdown;
pub use form::{BodyFault, form_pairs, read_limited};
pub use front::Server;
pub use line::{Answer, Health, Hook, Line, MessageHook, RunningFlow, StaticRoots, VoiceReply, VoiceRequest};
pub use origin::{OriginError, Origins, Peer, PublicBase, TrustedProxies, origins, websocket_origin};
pub use probe::{PROBE, PROOF, REFUSED, proof};
pub use signature::{SignedBody, UrlKind, candidates, matching, sign};
pub use socket::{MediaSocket, MediaStream, SocketKind, SocketSignature};
