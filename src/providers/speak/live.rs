//! Speakers over a WebSocket that stays open for the whole conversation: connected at the start, pieces sent as they come, their sound
//! taken in order. A connection that dies while nothing is under way is replaced; one that dies under a piece is tried once more.

mod link;

use super::line::Line;
use super::outlet::Outlet;
use super::secret::hide;
use super::watch::Watch;
use super::wire::{Heard, Protocol};
use super::{Say, Speaker, Spoken};
use crate::providers::socket::ProviderSocket;
use crate::providers::{Patience, ProviderError};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use link::{Event, Link, Open, event};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// Before a connection that could not be opened is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// Any [`Protocol`] as a [`Speaker`].
pub(super) struct Live<P>(pub(super) P);

impl<P: Protocol> Speaker for Live<P> {
    fn speak(
        self: Arc<Self>,
        mut orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        async move {
            let mut conversation = Conversation::new(Arc::clone(&self), spoken);
            match conversation.run(&mut orders).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    last_words(&mut conversation.outlet, &mut orders).await;
                    Err(hide(error, self.0.service()))
                }
            }
        }
        .boxed()
    }
}

/// What was ready before a failure still reaches whoever wants it.
async fn last_words(outlet: &mut Outlet, orders: &mut mpsc::Receiver<Say>) {
    while !outlet.is_empty() {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                None => return,
                Some(Say::Cancel { generation }) => outlet.cancel(generation),
                Some(Say::Piece { .. } | Say::Finish { .. }) => {}
            },
            taken = outlet.give() => if !taken {
                return;
            },
        }
    }
}

/// The answer whose parts are being sent.
struct Answer {
    generation: u32,
    /// The service was told that there is no more of it.
    closed: bool,
}

struct Conversation<P> {
    service: Arc<Live<P>>,
    patience: Patience,
    outlet: Outlet,
    /// `true`: the part was sent on the present connection.
    line: Line<bool>,
    link: Link,
    answer: Option<Answer>,
    /// The last answer of which no more pieces come.
    finished: Option<u32>,
    /// Connections that may still be opened in place of a lost one.
    tries: u32,
    watch: Watch,
}

impl<P: Protocol> Conversation<P> {
    fn new(service: Arc<Live<P>>, spoken: mpsc::Sender<Spoken>) -> Self {
        Self {
            patience: service.0.service().patience,
            service,
            outlet: Outlet::new(spoken),
            line: Line::new(),
            link: Link::Down,
            answer: None,
            finished: None,
            tries: 1,
            watch: Watch::new(),
        }
    }

    async fn run(&mut self, orders: &mut mpsc::Receiver<Say>) -> Result<(), ProviderError> {
        self.open(Duration::ZERO);
        loop {
            self.line.settle(&mut self.outlet);
            if matches!(self.link, Link::Down) && !self.line.parts.is_empty() {
                self.open(Duration::ZERO);
            }
            if let Err(error) = self.send_due().await {
                self.lost(error)?;
                continue;
            }
            let room = self.outlet.has_room();
            self.watch.reading(room);
            let due = self.watch.due(&self.patience).filter(|_| room && self.under_way());
            let keep_alive = self.keep_alive();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    None => break,
                    Some(order) => self.order(order).await?,
                },
                taken = self.outlet.give(), if !self.outlet.is_empty() => if !taken {
                    break;
                },
                event = event(&mut self.link, room) => self.event(event)?,
                () = until(due.map(|(at, _)| at)) => self.overdue(due.map(|(_, limit)| limit))?,
                () = until(keep_alive.as_ref().map(|(at, _)| *at)) => if let Some((_, text)) = keep_alive
                    && let Err(error) = self.send(vec![text]).await
                {
                    self.lost(error)?;
                },
            }
        }
        self.leave().await;
        Ok(())
    }

    async fn order(&mut self, order: Say) -> Result<(), ProviderError> {
        match order {
            Say::Piece { generation, .. } if !self.outlet.wants(generation) => {}
            Say::Piece {
                generation,
                piece,
                text,
            } => {
                if self.line.parts.is_empty() {
                    self.tries = 1;
                }
                self.line.add(generation, piece, &text, self.service.0.limit());
            }
            Say::Finish { generation } => self.finished = self.finished.max(Some(generation)),
            Say::Cancel { generation } => {
                self.line.cancel(generation);
                self.outlet.cancel(generation);
                if self.answer.take_if(|answer| answer.generation <= generation).is_some() {
                    let mut send = Vec::new();
                    if let Link::Up(open) = &mut self.link {
                        open.wire.cancel(&mut send);
                    }
                    if let Err(error) = self.send(send).await {
                        self.lost(error)?;
                    }
                }
                self.watch.next();
            }
        }
        Ok(())
    }

    fn opened(&mut self, opened: Result<ProviderSocket, ProviderError>) -> Result<(), ProviderError> {
        match opened {
            Ok(socket) => {
                self.link = Link::Up(Box::new(Open {
                    socket,
                    wire: self.service.0.wire(),
                    sent: Instant::now(),
                }));
            }
            Err(error) => {
                self.link = Link::Down;
                if self.tries == 0 || !matches!(error, ProviderError::Transient { .. }) {
                    return Err(error);
                }
                self.tries -= 1;
                self.open(PAUSE);
            }
        }
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), ProviderError> {
        let message = match event {
            Event::Opened(opened) => return self.opened(*opened),
            Event::Came(Ok(Some(message))) => message,
            Event::Came(Ok(None)) => {
                return self.lost(ProviderError::Transient {
                    detail: "the service closed the connection".to_owned(),
                });
            }
            // A peer that vanishes without a word counts as a breach of the protocol there; here it is a lost connection.
            Event::Came(Err(ProviderError::Protocol { detail })) => {
                return self.lost(ProviderError::Transient { detail });
            }
            Event::Came(Err(error)) => return self.lost(error),
        };
        let Link::Up(open) = &mut self.link else {
            return Ok(());
        };
        let mut heard = Vec::new();
        let read = open.wire.read(message, &mut heard);
        for heard in heard {
            match heard {
                Heard::Sound(ulaw) => self.sound(ulaw),
                Heard::Part => self.part(false),
                Heard::All => {
                    while self.under_way() {
                        self.part(false);
                    }
                }
                Heard::AllAsOne => {
                    self.part(false);
                    while self.under_way() {
                        self.part(true);
                    }
                }
            }
        }
        match read {
            Ok(()) => Ok(()),
            Err(error) => self.lost(error),
        }
    }

    fn sound(&mut self, ulaw: Bytes) {
        if !self.under_way() || ulaw.is_empty() {
            return;
        }
        self.watch.heard();
        if let Err(error) = self.line.sound(ulaw, &mut self.outlet) {
            self.line.fail(error, &mut self.outlet);
            self.restart();
        }
    }

    /// The head is complete.
    fn part(&mut self, elsewhere: bool) {
        if !self.under_way() {
            return;
        }
        let before = self.line.parts.len();
        self.line.end(elsewhere, &mut self.outlet);
        self.watch.next();
        self.tries = 1;
        // A piece that failed took parts with it that the service still works at.
        if before - self.line.parts.len() > 1 {
            self.restart();
        }
        self.line.settle(&mut self.outlet);
    }

    fn overdue(&mut self, limit: Option<Duration>) -> Result<(), ProviderError> {
        if self.watch.anything
            && let Link::Up(open) = &mut self.link
            && open.wire.quiet()
        {
            self.part(false);
            return Ok(());
        }
        Err(ProviderError::Timeout {
            limit: limit.unwrap_or(self.patience.whole),
        })
    }

    /// Sends the parts of the present answer that were not sent, and of the next one once the present one is complete.
    async fn send_due(&mut self) -> Result<(), ProviderError> {
        let Link::Up(open) = &mut self.link else {
            return Ok(());
        };
        let mut send = Vec::new();
        let mut under_way = self.line.parts.iter().any(|part| part.work);
        for part in self.line.parts.iter_mut().filter(|part| !part.work) {
            let Some(text) = &part.text else {
                continue;
            };
            if let Some(answer) = self.answer.take_if(|answer| answer.generation != part.generation) {
                if under_way {
                    self.answer = Some(answer);
                    break;
                }
                if !answer.closed {
                    open.wire.finish(&mut send);
                }
            }
            self.answer = Some(Answer {
                generation: part.generation,
                closed: false,
            });
            open.wire.say(text, &mut send);
            part.work = true;
            if !under_way {
                under_way = true;
                self.watch.next();
            }
        }
        if let Some(answer) = &mut self.answer
            && !answer.closed
            && self.finished >= Some(answer.generation)
        {
            open.wire.finish(&mut send);
            answer.closed = true;
        }
        self.send(send).await
    }

    async fn send(&mut self, texts: Vec<String>) -> Result<(), ProviderError> {
        if let Link::Up(open) = &mut self.link {
            for text in texts {
                open.socket.text(text).await?;
                open.sent = Instant::now();
            }
        }
        Ok(())
    }

    /// The connection is gone, or what came from it says that it is of no use.
    fn lost(&mut self, error: ProviderError) -> Result<(), ProviderError> {
        let passing = matches!(error, ProviderError::Transient { .. });
        if !passing || (self.line.taken() > 0 && self.under_way()) {
            return Err(error);
        }
        if self.tries > 0 {
            self.tries -= 1;
            tracing::debug!(service = self.service.0.service().name, %error, "a speech connection is opened again");
            self.restart();
            return Ok(());
        }
        if !self.line.parts.is_empty() {
            return Err(error);
        }
        // Nothing is asked for: the next piece opens another one.
        self.reset();
        Ok(())
    }

    /// Everything that is not complete is asked for anew on another connection.
    fn restart(&mut self) {
        self.reset();
        self.open(Duration::ZERO);
    }

    fn reset(&mut self) {
        self.link = Link::Down;
        self.answer = None;
        self.watch.next();
        for part in &mut self.line.parts {
            part.work = false;
        }
    }

    fn open(&mut self, pause: Duration) {
        let service = Arc::clone(&self.service);
        let limit = self.patience.connect;
        self.link = Link::Opening(
            async move {
                sleep(pause).await;
                ProviderSocket::connect(service.0.address()?, &service.0.headers(), limit).await
            }
            .boxed(),
        );
    }

    /// Whether the head was sent: its sound is waited for.
    fn under_way(&self) -> bool {
        self.line.parts.front().is_some_and(|head| head.work)
    }

    fn keep_alive(&self) -> Option<(Instant, String)> {
        let Link::Up(open) = &self.link else {
            return None;
        };
        let (every, text) = open.wire.keep_alive()?;
        Some((open.sent + every, text))
    }

    async fn leave(&mut self) {
        if let Link::Up(open) = std::mem::replace(&mut self.link, Link::Down) {
            open.socket.close().await;
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
