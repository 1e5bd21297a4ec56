//! A conversation over a WebSocket of speech recognition: connecting, sending sound, keeping alive, and coming back after
//! an outage. What a protocol says in its own words is its [`Dialect`]; which words belong where is the [`Session`]'s.

use super::dialect::{Access, Dialect, KeepAlive};
use super::session::{Ask, Session};
use super::{Hear, Heard, Listener};
use crate::audio::mulaw::SILENCE;
use crate::channels::backoff::Backoff;
use crate::providers::socket::ProviderSocket;
use crate::providers::{ErrorClass, ProviderError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;

/// Without orders for so long, the connection is kept by other means: services hang up after about ten seconds.
const IDLE: Duration = Duration::from_secs(5);
/// A peer from which nothing came for so long is asked whether it is there.
const PING: Duration = Duration::from_secs(5);
/// A peer that answers nothing at all for so long is gone.
const GONE: Duration = Duration::from_secs(15);
/// A connection that lasts less has hardly begun.
const SHORT: Duration = Duration::from_secs(2);
/// So many tries to come back after one outage, and so many short connections in a row.
const TRIES: u32 = 3;
/// The longest text that can be a message of speech recognition, in bytes.
const LONGEST: usize = 256 * 1024;
/// So many results wait for whoever takes them.
const WAITING: usize = 256;

/// Listens by a dialect.
pub(super) struct Streaming<D> {
    access: Access,
    dialect: D,
}

impl<D> Streaming<D> {
    pub(super) fn new(access: Access, dialect: D) -> Self {
        Self { access, dialect }
    }
}

impl<D: Dialect + 'static> Listener for Streaming<D> {
    fn listen(
        self: Arc<Self>,
        orders: mpsc::Receiver<Hear>,
        heard: mpsc::Sender<Heard>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        async move {
            let run = Run {
                access: &self.access,
                dialect: &self.dialect,
                session: Session::new(self.access.answer),
                orders,
                heard,
                out: VecDeque::new(),
                sent: 0,
                is_known: false,
            };
            match run.listen().await {
                Ended::Over => Ok(()),
                Ended::Failed(error) => Err(error),
            }
        }
        .boxed()
    }
}

/// Why a conversation, or a connection of it, ended.
enum Ended {
    /// Nobody wants it any more.
    Over,
    Failed(ProviderError),
}

impl From<ProviderError> for Ended {
    fn from(error: ProviderError) -> Self {
        Ended::Failed(error)
    }
}

struct Run<'a> {
    access: &'a Access,
    dialect: &'a dyn Dialect,
    session: Session,
    orders: mpsc::Receiver<Hear>,
    heard: mpsc::Sender<Heard>,
    /// What nobody has taken yet.
    out: VecDeque<Heard>,
    /// This connection was sent all sound up to here.
    sent: u64,
    /// Whether it was told that the service is ready.
    is_known: bool,
}

impl Run<'_> {
    async fn listen(mut self) -> Ended {
        let mut socket = match self.connect().await {
            Ok(socket) => socket,
            Err(ended) => return ended,
        };
        let mut short = 0;
        loop {
            let since = Instant::now();
            let error = match self.converse(socket).await {
                Ended::Over => return Ended::Over,
                Ended::Failed(error) => error,
            };
            short = if since.elapsed() < SHORT { short + 1 } else { 0 };
            let passes = matches!(error.class(), ErrorClass::Transient | ErrorClass::Timeout);
            if !passes || short >= TRIES || !self.session.can_replay() {
                return Ended::Failed(error);
            }
            tracing::debug!(%error, "speech recognition was interrupted");
            socket = match self.reconnect(short, error).await {
                Ok(socket) => socket,
                Err(ended) => return ended,
            };
        }
    }

    /// Connects, and goes on keeping the books meanwhile.
    async fn connect(&mut self) -> Result<ProviderSocket, Ended> {
        let access = self.access;
        let headers: Vec<(&str, String)> = access
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let connecting = ProviderSocket::connect(access.url.clone(), &headers, access.connect);
        Ok(self.meanwhile(connecting).await??)
    }

    /// Tries to come back after an outage: three times, as long as what was lost can be said again.
    async fn reconnect(&mut self, before: u32, mut error: ProviderError) -> Result<ProviderSocket, Ended> {
        let seed = self.session.end();
        for attempt in 1..=TRIES {
            if !self.session.can_replay() {
                break;
            }
            let wait = Backoff::LIVE_CALL.delay(before + attempt, seed);
            self.meanwhile(sleep(wait)).await?;
            match self.connect().await {
                Err(Ended::Failed(failed)) if failed.is_retryable() => error = failed,
                connected => return connected,
            }
        }
        Err(Ended::Failed(error))
    }

    /// Waits for something, taking orders without sending anything.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let mut work = pin!(work);
        loop {
            let deadline = self.session.deadline();
            tokio::select! {
                done = &mut work => return Ok(done),
                order = self.orders.recv() => {
                    self.take(order.ok_or(Ended::Over)?)?;
                }
                () = room(&self.heard), if !self.out.is_empty() => {
                    self.deliver()?;
                }
                () = self.heard.closed() => return Err(Ended::Over),
                () = until(deadline) => {
                    self.tick()?;
                }
            }
        }
    }

    /// Carries out a conversation until the connection ends.
    async fn converse(&mut self, mut socket: ProviderSocket) -> Ended {
        match self.serve(&mut socket).await {
            Ok(()) => Ended::Over,
            Err(ended) => {
                if matches!(ended, Ended::Over) {
                    self.say_goodbye(socket).await;
                }
                ended
            }
        }
    }

    async fn serve(&mut self, socket: &mut ProviderSocket) -> Result<(), Ended> {
        self.sent = self.session.connected();
        if !self.is_known {
            self.is_known = true;
            self.out.push_back(Heard::Ready);
            self.deliver()?;
        }
        let ask = match self.session.is_asked() {
            true => Ask::Finalize,
            false => Ask::Send,
        };
        self.send(socket, ask).await?;
        let mut idle = Instant::now() + IDLE;
        let mut ping = Instant::now() + PING;
        loop {
            let deadline = self.session.deadline();
            tokio::select! {
                order = self.orders.recv() => {
                    let ask = self.take(order.ok_or(Ended::Over)?)?;
                    idle = Instant::now() + IDLE;
                    self.send(socket, ask).await?;
                }
                message = socket.next() => self.message(message?)?,
                () = room(&self.heard), if !self.out.is_empty() => {
                    self.deliver()?;
                }
                () = self.heard.closed() => return Err(Ended::Over),
                () = until(deadline) => {
                    let vain = self.tick()?;
                    if vain.is_some_and(|asked| self.dialect.is_chatty() && socket.last_heard() < asked) {
                        return Err(ProviderError::Timeout { limit: self.access.answer }.into());
                    }
                }
                () = sleep_until(idle) => {
                    idle = Instant::now() + IDLE;
                    self.keep_alive(socket).await?;
                }
                () = sleep_until(ping) => {
                    ping = Instant::now() + PING;
                    match socket.last_heard().elapsed() {
                        quiet if quiet >= GONE => return Err(ProviderError::Timeout { limit: GONE }.into()),
                        quiet if quiet >= PING => socket.ping().await?,
                        _ => {}
                    }
                }
            }
        }
    }

    /// Takes an order in, and hands out what there is to answer at once.
    fn take(&mut self, order: Hear) -> Result<Ask, Ended> {
        let mut heard = Vec::new();
        let ask = self.session.order(Instant::now(), order, &mut heard);
        self.tell(heard)?;
        Ok(ask)
    }

    fn message(&mut self, message: Option<Message>) -> Result<(), Ended> {
        let text = match message {
            Some(Message::Text(text)) => text,
            // No service speaks in bytes.
            Some(_) => return Ok(()),
            None => {
                let detail = "the service closed the connection".to_owned();
                return Err(ProviderError::Transient { detail }.into());
            }
        };
        if text.len() > LONGEST {
            let detail = format!("a message of {} bytes", text.len());
            return Err(ProviderError::Protocol { detail }.into());
        }
        let said = self.dialect.read(text.as_str())?;
        let mut heard = Vec::new();
        self.session.heard(said, &mut heard);
        self.tell(heard)
    }

    fn tick(&mut self) -> Result<Option<Instant>, Ended> {
        let mut heard = Vec::new();
        let vain = self.session.tick(Instant::now(), &mut heard);
        self.tell(heard)?;
        Ok(vain)
    }

    /// Sends sound as far as it fills batches; all of it, and the wish for its words, where they are asked for.
    async fn send(&mut self, socket: &mut ProviderSocket, ask: Ask) -> Result<(), Ended> {
        if ask == Ask::Nothing {
            return Ok(());
        }
        let batch = self.dialect.batch();
        let worth = match ask {
            Ask::Finalize => batch.least,
            _ => batch.usual,
        };
        while self.session.end() - self.sent >= worth as u64 {
            let to = self.session.end().min(self.sent + batch.most as u64);
            socket.binary(self.session.part(self.sent, to)).await?;
            self.sent = to;
        }
        if let (Ask::Finalize, Some(words)) = (ask, self.dialect.finalize()) {
            socket.text(words).await?;
        }
        Ok(())
    }

    async fn keep_alive(&mut self, socket: &mut ProviderSocket) -> Result<(), Ended> {
        match self.dialect.keep_alive() {
            KeepAlive::Text(text) => socket.text(text).await?,
            KeepAlive::Silence => {
                self.session.sound(&[SILENCE; 800]);
                self.send(socket, Ask::Send).await?;
            }
        }
        Ok(())
    }

    /// The rest of the sound, and that there is no more; nobody waits for what it says to that.
    async fn say_goodbye(&mut self, mut socket: ProviderSocket) {
        let rest = self.session.part(self.sent, self.session.end());
        if rest.len() >= self.dialect.batch().least {
            let _unwanted = socket.binary(rest).await;
        }
        let _unwanted = socket.text(self.dialect.goodbye()).await;
        socket.close().await;
    }

    fn tell(&mut self, heard: Vec<Heard>) -> Result<(), Ended> {
        for heard in heard {
            let replaces = |old: &Heard| match (old, &heard) {
                (
                    Heard::Words {
                        utterance: old,
                        flush: None,
                        ..
                    },
                    Heard::Words { utterance, .. },
                ) => old == utterance,
                _ => false,
            };
            if self.out.back().is_some_and(replaces) {
                self.out.pop_back();
            }
            if self.out.len() >= WAITING {
                self.out.pop_front();
            }
            self.out.push_back(heard);
        }
        self.deliver()
    }

    /// Hands out what is taken at once. The rest waits, and orders go on being taken: whoever gives orders may be busy.
    fn deliver(&mut self) -> Result<(), Ended> {
        while let Some(heard) = self.out.pop_front() {
            match self.heard.try_send(heard) {
                Ok(()) => {}
                Err(TrySendError::Full(heard)) => {
                    self.out.push_front(heard);
                    break;
                }
                Err(TrySendError::Closed(_)) => return Err(Ended::Over),
            }
        }
        Ok(())
    }
}

/// Waits until something can be handed out, or nobody takes anything any more.
async fn room(heard: &mpsc::Sender<Heard>) {
    drop(heard.reserve().await);
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
