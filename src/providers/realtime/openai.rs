//! OpenAI's Realtime protocol over a WebSocket: mu-law both ways, the service hears the ends of the caller's turns by itself.
//!
//! Options of this protocol: `turn_detection` (`server_vad`, `semantic_vad`, `none` or a map) with `threshold`,
//! `prefix_padding_ms`, `silence_duration_ms`, `eagerness`, `create_response`, `interrupt_response` and `idle_timeout_ms`;
//! `transcription` (a model's name, a map, or `false`), `noise_reduction`, `speed`; `path`, `query`, `key_header`.
//! Every other option, such as `max_output_tokens`, goes into the session as it is.

mod dialogue;
mod outgoing;
mod settings;

use super::{Duplex, Kind, Setup, ToModel};
use crate::channels::client::install_crypto;
use crate::providers::socket::ProviderSocket;
use crate::providers::{Patience, ProviderError, Service};
use crate::talk::{LiveOrder, LiveSignal};
use dialogue::{Dialogue, Waiting};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outgoing::Outgoing;
use settings::Settings;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

pub(super) const KIND: Kind = Kind {
    name: "openai",
    about: "OpenAI's Realtime and services compatible with it",
    key_env: Some("OPENAI_API_KEY"),
    make,
};

/// Signals that nobody has taken yet; with so many, no more are read. Orders still are: whoever gives them may be the one who takes.
const MOST_SIGNALS: usize = 256;

/// How long the last signals are offered when the connection is of no use any more.
const PARTING: Duration = Duration::from_secs(1);

struct OpenAi {
    settings: Settings,
    patience: Patience,
}

fn make(service: &Service) -> Result<Arc<dyn Duplex>, ProviderError> {
    Ok(Arc::new(OpenAi {
        settings: Settings::new(service)?,
        patience: service.patience,
    }))
}

impl Duplex for OpenAi {
    fn run(
        self: Arc<Self>,
        setup: Setup,
        orders: mpsc::Receiver<ToModel>,
        told: mpsc::Sender<LiveSignal>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        async move { self.talk(setup, orders, told).await }.boxed()
    }
}

impl OpenAi {
    async fn talk(
        &self,
        setup: Setup,
        mut orders: mpsc::Receiver<ToModel>,
        told: mpsc::Sender<LiveSignal>,
    ) -> Result<(), ProviderError> {
        install_crypto();
        let mut outgoing = Outgoing::default();
        let (url, headers) = self.settings.address();
        let connecting = ProviderSocket::connect(url, &headers, self.patience.connect);
        tokio::pin!(connecting);
        let socket = loop {
            tokio::select! {
                socket = &mut connecting => break socket?,
                order = orders.recv() => match order {
                    Some(order) => outgoing.hold(order),
                    None => return Ok(()),
                },
                () = told.closed() => return Ok(()),
            }
        };
        let now = Instant::now();
        let mut session = Session {
            socket,
            dialogue: Dialogue::new(self.settings.update(&setup)),
            outgoing,
            signals: VecDeque::new(),
            patience: self.patience,
            waiting: Waiting::Ready,
            since: now,
            quiet: now,
        };
        let ended = session.run(&mut orders, &told).await;
        let parting = async {
            for signal in std::mem::take(&mut session.signals) {
                if told.send(signal).await.is_err() {
                    return;
                }
            }
        };
        // Nobody who does not take them by now will miss them.
        let _taken = timeout(PARTING, parting).await;
        if ended.is_ok() {
            session.socket.close().await;
        }
        ended
    }
}

/// One connection and the conversation on it.
struct Session {
    socket: ProviderSocket,
    dialogue: Dialogue,
    outgoing: Outgoing,
    signals: VecDeque<LiveSignal>,
    patience: Patience,
    /// What the service owes, since when, and since when it has said nothing at all.
    waiting: Waiting,
    since: Instant,
    quiet: Instant,
}

impl Session {
    async fn run(
        &mut self,
        orders: &mut mpsc::Receiver<ToModel>,
        told: &mpsc::Sender<LiveSignal>,
    ) -> Result<(), ProviderError> {
        loop {
            let full = self.signals.len() >= MOST_SIGNALS;
            let limit = self.limit().filter(|_| !full);
            let due = self.outgoing.due();
            let far = Instant::now() + Duration::from_secs(3600);
            tokio::select! {
                permit = told.reserve(), if !self.signals.is_empty() => {
                    let Ok(permit) = permit else { return Ok(()) };
                    if let Some(signal) = self.signals.pop_front() {
                        permit.send(signal);
                    }
                    if full {
                        // While nothing was read, the silence was ours.
                        self.quiet = Instant::now();
                    }
                }
                () = told.closed(), if self.signals.is_empty() => return Ok(()),
                message = self.socket.next(), if !full => match message? {
                    Some(Message::Text(text)) => self.event(&text).await?,
                    Some(_) => {
                        return Err(ProviderError::Protocol { detail: "an event that is not text".to_owned() });
                    }
                    None => {
                        return Err(ProviderError::Transient { detail: "the service ended the session".to_owned() });
                    }
                },
                order = orders.recv() => match order {
                    None => return Ok(()),
                    Some(order) if !self.dialogue.is_ready() => self.outgoing.hold(order),
                    Some(ToModel::Sound(frame)) => {
                        self.outgoing.sound(frame.sound());
                        self.append(false).await?;
                    }
                    Some(ToModel::Order(order)) => self.order(order).await?,
                },
                () = sleep_until(due.unwrap_or(far)), if due.is_some() => self.append(true).await?,
                () = sleep_until(limit.map_or(far, |limit| limit.0)), if limit.is_some() => {
                    let limit = limit.map_or(self.patience.whole, |limit| limit.1);
                    return Err(ProviderError::Timeout { limit });
                }
            }
        }
    }

    async fn event(&mut self, text: &str) -> Result<(), ProviderError> {
        self.quiet = Instant::now();
        let before = self.dialogue.is_ready();
        let mut fresh = Vec::new();
        let read = self.dialogue.event(text, &mut fresh);
        self.signals.extend(fresh);
        read?;
        self.send().await?;
        if self.dialogue.is_ready() && !before {
            self.append(true).await?;
            for order in self.outgoing.held() {
                self.order(order).await?;
            }
        }
        Ok(())
    }

    async fn order(&mut self, order: LiveOrder) -> Result<(), ProviderError> {
        // What the caller said before the order was given is to be heard before it.
        self.append(true).await?;
        self.dialogue.order(order);
        self.send().await
    }

    async fn append(&mut self, all: bool) -> Result<(), ProviderError> {
        while let Some(message) = self.outgoing.next(all) {
            self.socket.text(message).await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), ProviderError> {
        for message in self.dialogue.messages() {
            self.socket.text(message).await?;
        }
        let waiting = self.dialogue.waiting();
        if self.waiting == Waiting::Nothing || (waiting != self.waiting && waiting != Waiting::More) {
            self.since = Instant::now();
            self.quiet = self.since;
        }
        self.waiting = waiting;
        Ok(())
    }

    /// By when something must have come from the service, and which of its limits that is.
    fn limit(&self) -> Option<(Instant, Duration)> {
        let Patience { first, gap, whole, .. } = self.patience;
        let whole = (self.since + whole, whole);
        let next = match self.waiting {
            Waiting::Nothing => return None,
            Waiting::Ready => (self.since + first, first),
            Waiting::Answer => (self.quiet + first, first),
            Waiting::More => (self.quiet + gap, gap),
        };
        Some(if next.0 < whole.0 { next } else { whole })
    }
}
