//! The loop between a carrier's text session and a conversation, once the session is set up.

use super::super::host::{CloseReason, Control, Crew, Event, Pulse, RelaySetup, Services};
use super::super::session::{Limits, Summary};
use super::super::socket::{Heard, Socket, failure};
use super::super::wire::MAX_MESSAGE;
use super::wire::{self, Incoming};
use crate::talk::relay::{Input, Output, TextTalk};
use crate::talk::{Order, Signal, State};
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message};

/// A session after its setup.
pub(super) struct Session<'a, S> {
    limits: Limits,
    socket: Socket<S>,
    talk: Box<dyn TextTalk>,
    sources: Vec<String>,
    pulse: Arc<Pulse>,
    control: Option<mpsc::Receiver<Control>>,
    services: Option<Box<dyn Services>>,
    signals: Option<mpsc::Receiver<Signal>>,
    events: mpsc::Sender<Event>,
    call_sid: &'a str,
    /// Zero of the conversation's time.
    began: Instant,
    last_heard: Instant,
    next_ping: Instant,
    speaking: bool,
    /// The carrier waits for more words of an answer.
    streaming: bool,
    /// Nothing new may be said; the session ends when what is being said was heard.
    draining: bool,
    /// Set when the conversation broke down, and must not be asked again.
    broken: bool,
    /// Set when the session is over.
    over: Option<CloseReason>,
    exit: Option<Arc<str>>,
    messages_in: u64,
    messages_out: u64,
    ignored: u64,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    pub(super) fn new(
        limits: Limits,
        socket: Socket<S>,
        setup: RelaySetup,
        call_sid: &'a str,
        events: mpsc::Sender<Event>,
        ignored: u64,
    ) -> Self {
        let now = Instant::now();
        setup.pulse.beat();
        let (services, signals) = setup.crew.map_or((None, None), |Crew { services, signals }| {
            (Some(services), Some(signals))
        });
        Self {
            limits,
            socket,
            talk: setup.talk,
            sources: setup.sources,
            pulse: setup.pulse,
            control: Some(setup.control),
            services,
            signals,
            events,
            call_sid,
            began: now,
            last_heard: now,
            next_ping: now + limits.ping,
            speaking: false,
            streaming: false,
            draining: false,
            broken: false,
            over: None,
            exit: None,
            // The setup is one: a session that has it does work.
            messages_in: 1,
            messages_out: 0,
            ignored,
        }
    }

    /// Goes on until `over` says why it does not.
    pub(super) async fn converse(&mut self) {
        self.give(Input::Started);
        let mut control = self.control.take();
        let mut signals = self.signals.take();
        while self.over.is_none() {
            self.pass_time();
            if self.over.is_some() {
                break;
            }
            let wake = self.wake();
            // Whichever is ready is taken by lot, so that a flood of one cannot keep the others waiting; and after each,
            // what is due by then is done first.
            tokio::select! {
                heard = self.socket.hear() => self.heard(heard),
                order = async { control.as_mut()?.recv().await }, if control.is_some() => match order {
                    Some(Control::Close) => self.over = Some(CloseReason::Closed),
                    Some(Control::Drain) => self.drain(),
                    None => control = None,
                },
                signal = async { signals.as_mut()?.recv().await }, if signals.is_some() => match signal {
                    Some(signal) => self.give(Input::Signal(&signal)),
                    None => signals = None,
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Tells what was begun, and gives the socket back to be closed, with the conversation's exit if it has one.
    pub(super) fn end(mut self) -> (Socket<S>, Summary, Option<Arc<str>>) {
        self.draining = true;
        self.give(Input::Stopped);
        let summary = Summary {
            reason: self.over.unwrap_or(CloseReason::Lost),
            frames_in: self.messages_in,
            frames_out: self.messages_out,
            ignored: self.ignored,
        };
        self.tell(Event::Closed {
            reason: summary.reason,
            frames_in: summary.frames_in,
            frames_out: summary.frames_out,
        });
        (self.socket, summary, self.exit)
    }

    /// Everything that is due by now: the conversation's deadline, a ping, and the limits.
    fn pass_time(&mut self) {
        let now = self.now();
        if self.talk.deadline().is_some_and(|deadline| deadline <= now) {
            self.give(Input::Tick);
        }
        let instant = Instant::now();
        let blocked = self.socket.blocked_since();
        if instant.duration_since(self.last_heard) >= self.limits.silence {
            self.over.get_or_insert(CloseReason::Silent);
        }
        if blocked.is_some_and(|since| instant.duration_since(since) >= self.limits.send) {
            self.over = Some(CloseReason::Blocked);
        }
        if instant >= self.next_ping && self.socket.is_free() {
            // The caller's silence sends nothing; the answer to this is the carrier's sign of life.
            self.next_ping = instant + self.limits.ping;
            self.send(Message::Ping(Bytes::new()));
            tracing::debug!(call_sid = self.call_sid, "PING_TX");
        }
    }

    /// The next moment at which something is due whatever happens.
    fn wake(&self) -> Instant {
        let mut wake = self.last_heard + self.limits.silence;
        if let Some(deadline) = self.talk.deadline() {
            wake = wake.min(self.began + Duration::from_millis(deadline));
        }
        wake = wake.min(match self.socket.blocked_since() {
            Some(since) => since + self.limits.send,
            None => self.next_ping,
        });
        // A conversation that asks for a time in the past must not keep the processor to itself.
        wake.max(Instant::now() + Duration::from_millis(1))
    }

    fn drain(&mut self) {
        self.draining = true;
        if !self.speaking {
            self.over.get_or_insert(CloseReason::Drained);
        }
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Flushed => return,
            Heard::Message(message) => {
                self.pulse.beat();
                self.message(&message);
            }
            Heard::Failed(error) => self.over = Some(failure(&error)),
            Heard::Ended => self.over = Some(CloseReason::Lost),
        }
        self.last_heard = Instant::now();
    }

    fn message(&mut self, message: &Message) {
        match message {
            Message::Text(text) if text.len() > MAX_MESSAGE => self.over = Some(CloseReason::TooLarge),
            Message::Text(text) => self.text(text),
            Message::Pong(_) => tracing::debug!(call_sid = self.call_sid, "PONG_RX"),
            Message::Close(_) => self.over = Some(CloseReason::PeerClosed),
            Message::Binary(_) => self.ignored += 1,
            Message::Ping(_) | Message::Frame(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        let call_sid = self.call_sid;
        tracing::debug!(len = text.len(), "WS_FRAME");
        let Ok(message) = wire::parse(text) else {
            self.ignored += 1;
            return;
        };
        self.messages_in += 1;
        match message {
            Incoming::Prompt { words, last } => {
                // What a caller said is theirs: the log has its length, the store its words.
                let text = words.chars().count();
                if last {
                    tracing::info!(call_sid, text, "STT_FINAL");
                } else {
                    tracing::debug!(call_sid, text, "STT_PARTIAL");
                }
                self.give(Input::Prompt { words: &words, last });
            }
            Incoming::Interrupt { heard, ms } => self.give(Input::Interrupted { heard: &heard, ms }),
            Incoming::Digit(key) => self.give(Input::Digit(key)),
            Incoming::Error { description } => tracing::warn!(call_sid, error = &*description, "RELAY_ERROR"),
            Incoming::Setup(_) | Incoming::Other => self.ignored += 1,
        }
    }

    /// Gives the conversation an input and does what it answers. One that panics ends its own session alone.
    fn give(&mut self, input: Input<'_>) {
        if self.broken {
            return;
        }
        let (now, mut outputs) = (self.now(), Vec::new());
        let talk = &mut self.talk;
        match catch_unwind(AssertUnwindSafe(|| talk.handle(now, input, &mut outputs))) {
            Ok(()) => outputs.into_iter().for_each(|output| self.act(output)),
            Err(_) => self.fail(),
        }
    }

    fn order(&mut self, order: Order) {
        let call_sid = self.call_sid;
        if self.services.is_none() {
            tracing::error!(call_sid, "there is nobody to carry out what the conversation wants");
            return;
        }
        // A wish that the call does not hear of is not waited for by anybody but the conversation.
        if Event::of(&order).is_some_and(|wished| !self.tell(wished)) {
            return;
        }
        if let Some(services) = &mut self.services
            && catch_unwind(AssertUnwindSafe(|| services.order(order))).is_err()
        {
            self.fail();
        }
    }

    fn fail(&mut self) {
        tracing::error!(call_sid = self.call_sid, "the conversation broke down");
        self.broken = true;
        self.services = None;
        self.over = Some(CloseReason::Failed);
    }

    fn act(&mut self, output: Output) {
        let call_sid = self.call_sid;
        match output {
            Output::Play { .. } | Output::Say { .. } if self.draining => {}
            Output::Play { clip, interruptible } => match self.sources.get(clip) {
                Some(source) => self.speak(wire::play(source, interruptible)),
                None => tracing::error!(call_sid, clip, "a clip has no address"),
            },
            Output::Say { text, interruptible } => self.speak(wire::text(&text, interruptible)),
            // An answer that is being said is heard out, though more of it comes after the order to drain.
            Output::Part { .. } if self.draining && !self.streaming => {}
            Output::Part {
                text,
                last,
                interruptible,
            } => {
                self.streaming = !last;
                self.speak(wire::part(&text, last, interruptible));
            }
            Output::Order(order) => self.order(order),
            Output::Set(values) => _ = self.tell(Event::Set(values)),
            Output::Finish { exit, why } => {
                self.over.get_or_insert(CloseReason::Finished);
                self.tell(Event::Finished {
                    exit: Arc::clone(&exit),
                    why,
                });
                self.exit = Some(exit);
            }
            Output::Turn(turn) => _ = self.tell(Event::Turn(turn)),
            Output::State(state) => {
                tracing::info!(call_sid, state = state.name(), "STATE");
                self.speaking = state == State::Speaking;
                self.streaming &= self.speaking;
                if self.draining && !self.speaking {
                    self.over.get_or_insert(CloseReason::Drained);
                }
            }
            Output::BargeIn { ms } => tracing::info!(call_sid, ms, "BARGE_IN"),
        }
    }

    fn speak(&mut self, message: String) {
        self.messages_out += 1;
        self.send(Message::text(message));
    }

    fn send(&mut self, message: Message) {
        if let Err(error) = self.socket.send(message) {
            self.over.get_or_insert(match error {
                Error::WriteBufferFull(_) => CloseReason::Blocked,
                _ => CloseReason::Lost,
            });
        }
    }

    /// Whether the event will be reported.
    fn tell(&mut self, event: Event) -> bool {
        let sent = self.events.try_send(event);
        if let Err(error) = &sent {
            tracing::error!(call_sid = self.call_sid, %error, "an event of the conversation is lost");
        }
        sent.is_ok()
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}
