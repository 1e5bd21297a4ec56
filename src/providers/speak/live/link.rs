//! A speaker's connection: not there, on its way, or open.

use crate::providers::ProviderError;
use crate::providers::socket::ProviderSocket;
use crate::providers::speak::wire::Wire;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

/// The connection of a speaker.
pub(super) enum Link {
    Down,
    Opening(BoxFuture<'static, Result<ProviderSocket, ProviderError>>),
    Up(Box<Open>),
}

pub(super) struct Open {
    pub(super) socket: ProviderSocket,
    pub(super) wire: Box<dyn Wire>,
    /// When something was last sent.
    pub(super) sent: Instant,
}

/// What a connection does.
pub(super) enum Event {
    Opened(Box<Result<ProviderSocket, ProviderError>>),
    Came(Result<Option<Message>, ProviderError>),
}

/// What the connection does next; nothing is read while there is no room for it.
pub(super) async fn event(link: &mut Link, room: bool) -> Event {
    match link {
        Link::Opening(opening) => Event::Opened(Box::new(opening.await)),
        Link::Up(open) if room => Event::Came(open.socket.next().await),
        Link::Up(_) | Link::Down => std::future::pending().await,
    }
}
