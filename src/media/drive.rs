//! The loop between a carrier's socket and a conversation, once the stream has begun.
//! A frame costs no allocation, no lock, no line in the log.

mod act;

use super::host::{CloseReason, Control, Crew, Event, Pulse, Services, TalkSetup};
use super::mark::Mark;
use super::player::{Item, Player};
use super::session::{Limits, Summary};
use super::socket::{Heard, Socket, failure};
use super::wire::{self, Incoming, MAX_MESSAGE, Outgoing};
use crate::audio::mulaw::FRAME;
use crate::talk::{Input, Output, Signal, Talk};
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// A session after its start.
pub(super) struct Session<'a, S> {
    limits: Limits,
    socket: Socket<S>,
    out: Outgoing,
    talk: Box<dyn Talk>,
    player: Player,
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
    /// Set when nothing new may be said; what is queued is still played out.
    ending: Option<CloseReason>,
    /// Set when the conversation broke down, and must not be asked again.
    broken: bool,
    /// Spoken sound since the last mark, in bytes.
    spoken: usize,
    /// Set when it was told that sound found no room.
    crowded: bool,
    /// Set when the session is over.
    over: Option<CloseReason>,
    /// Kept from one input to the next for their room.
    outputs: Vec<Output>,
    sound: Vec<u8>,
    frames_in: u64,
    frames_out: u64,
    ignored: u64,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    pub(super) fn new(
        limits: Limits,
        socket: Socket<S>,
        setup: TalkSetup,
        call_sid: &'a str,
        stream_sid: &str,
        events: mpsc::Sender<Event>,
        ignored: u64,
    ) -> Self {
        let now = Instant::now();
        let (services, signals) = setup.crew.map_or((None, None), |Crew { services, signals }| {
            (Some(services), Some(signals))
        });
        Self {
            limits,
            socket,
            out: Outgoing::new(stream_sid),
            talk: setup.talk,
            player: Player::new(setup.clips, setup.tape),
            pulse: setup.pulse,
            control: Some(setup.control),
            services,
            signals,
            events,
            call_sid,
            began: now,
            last_heard: now,
            next_ping: now + limits.ping,
            ending: None,
            broken: false,
            spoken: 0,
            crowded: false,
            over: None,
            outputs: Vec::with_capacity(16),
            sound: Vec::with_capacity(4 * FRAME),
            frames_in: 0,
            frames_out: 0,
            ignored,
        }
    }

    /// Goes on until `over` says why it does not.
    pub(super) async fn converse(&mut self) {
        self.give(Input::Started);
        let mut control = self.control.take();
        let mut signals = self.signals.take();
        let alarm = sleep_until(self.began);
        tokio::pin!(alarm);
        while self.over.is_none() {
            self.pass_time();
            if self.over.is_some() {
                break;
            }
            let wake = self.wake();
            if alarm.deadline() != wake {
                alarm.as_mut().reset(wake);
            }
            // Whichever is ready is taken by lot, so that a flood of one cannot keep the others waiting; and after each,
            // what is due by then is done first.
            tokio::select! {
                heard = self.socket.hear() => self.heard(heard),
                order = async { control.as_mut()?.recv().await }, if control.is_some() => match order {
                    Some(Control::Close) => self.over = Some(CloseReason::Closed),
                    Some(Control::Drain) => self.ending = self.ending.or(Some(CloseReason::Drained)),
                    None => control = None,
                },
                signal = async { signals.as_mut()?.recv().await }, if signals.is_some() => match signal {
                    Some(signal) => self.give(Input::Signal(&signal)),
                    None => signals = None,
                },
                () = &mut alarm => {}
            }
        }
    }

    /// Tells what was begun, and gives the socket back to be closed.
    pub(super) fn end(mut self) -> (Socket<S>, Summary) {
        self.ending = self.ending.or(self.over);
        self.give(Input::Stopped);
        self.player.advance(self.now());
        if self.player.dropped() > 0 {
            tracing::warn!(
                call_sid = self.call_sid,
                ms = self.player.dropped(),
                "sound was dropped in all"
            );
        }
        let reason = self.over.unwrap_or(CloseReason::Lost);
        let (frames_in, frames_out) = (self.frames_in, self.frames_out);
        self.tell(Event::Closed {
            reason,
            frames_in,
            frames_out,
        });
        (
            self.socket,
            Summary {
                reason,
                frames_in,
                frames_out,
                ignored: self.ignored,
            },
        )
    }

    /// Everything that is due by now: the conversation's deadline, frames, a ping, and the limits.
    fn pass_time(&mut self) {
        let now = self.now();
        if self.talk.deadline().is_some_and(|deadline| deadline <= now) {
            self.give(Input::Tick);
        }
        let instant = Instant::now();
        if instant.duration_since(self.last_heard) >= self.limits.silence {
            self.over = Some(CloseReason::Silent);
        }
        if self
            .socket
            .blocked_since()
            .is_some_and(|since| instant.duration_since(since) >= self.limits.send)
        {
            // What could not be sent is not sent again: it may already stand in a buffer on the way.
            self.over = Some(CloseReason::Blocked);
        }
        if instant >= self.next_ping && self.socket.is_free() {
            self.next_ping = instant + self.limits.ping;
            self.send(Message::Ping(Bytes::new()));
            tracing::debug!(call_sid = self.call_sid, "PING_TX");
        }
        if self.socket.is_free() {
            self.send_due(now);
        }
        if self.over.is_none() && self.ending.is_some() && self.player.is_done(now) {
            self.over = self.ending;
        }
    }

    /// Sends the next thing that is due. The one after it waits until this has left, so that a `clear` finds nothing
    /// of ours before it but one frame, however slowly the carrier takes them.
    fn send_due(&mut self, now: u64) {
        let Some(item) = self.player.next(now) else { return };
        let text = match item {
            Item::Frame(frame) => {
                self.frames_out += 1;
                self.out.media(&frame)
            }
            Item::Mark(mark) => {
                tracing::info!(call_sid = self.call_sid, frames = self.frames_out, "MEDIA_TX");
                self.out.mark(&mark.to_string())
            }
        };
        self.send(Message::Text(text));
    }

    /// The next moment at which something is due whatever happens.
    fn wake(&self) -> Instant {
        let at = |millis: u64| self.began + Duration::from_millis(millis);
        let mut wake = self.last_heard + self.limits.silence;
        if let Some(deadline) = self.talk.deadline() {
            wake = wake.min(at(deadline));
        }
        if let Some(since) = self.socket.blocked_since() {
            wake = wake.min(since + self.limits.send);
        } else {
            wake = wake.min(self.next_ping);
            if let Some(due) = self.player.next_due() {
                wake = wake.min(at(due));
            }
        }
        if let (Some(_), Some(until)) = (self.ending, self.player.gives_up()) {
            wake = wake.min(at(until));
        }
        // A conversation that asks for a time in the past must not keep the processor to itself.
        wake.max(Instant::now() + Duration::from_millis(1))
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Flushed => return,
            Heard::Message(message) => self.message(message),
            Heard::Failed(error) => self.over = Some(failure(&error)),
            Heard::Ended => self.over = Some(CloseReason::Lost),
        }
        self.last_heard = Instant::now();
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Text(text) if text.len() > MAX_MESSAGE => self.over = Some(CloseReason::TooLarge),
            Message::Text(text) => self.text(&text),
            Message::Pong(_) => tracing::debug!(call_sid = self.call_sid, "PONG_RX"),
            Message::Close(_) => self.over = Some(CloseReason::PeerClosed),
            Message::Binary(_) => self.ignored += 1,
            Message::Ping(_) | Message::Frame(_) => {}
        }
    }

    fn text(&mut self, text: &Utf8Bytes) {
        tracing::debug!(len = text.len(), "WS_FRAME");
        match wire::parse(text) {
            Ok(Incoming::Media { payload }) => self.media(&payload),
            Ok(Incoming::Digit(key)) => self.give(Input::Digit(key)),
            Ok(Incoming::Mark { name }) => match Mark::parse(&name) {
                Some(mark) => {
                    while let Some(play) = self.player.heard(mark) {
                        self.give(Input::Played(play));
                    }
                }
                None => self.ignored += 1,
            },
            Ok(Incoming::Stop) => self.over = Some(CloseReason::Stopped),
            Ok(Incoming::Connected | Incoming::Start(_) | Incoming::Other) | Err(_) => self.ignored += 1,
        }
    }

    fn media(&mut self, payload: &str) {
        let mut sound = std::mem::take(&mut self.sound);
        if wire::sound(payload, &mut sound) && !sound.is_empty() {
            self.pulse.beat();
            self.frames_in += 1;
            if self.frames_in == 1 {
                self.tell(Event::FirstFrame);
            }
            // A carrier may send longer pieces; a turn's end is found to the frame all the same.
            for frame in sound.chunks(FRAME) {
                self.player.caller(self.now(), frame);
                self.serve(|services| services.hear(frame));
                self.give(Input::Frame(frame));
            }
        } else {
            self.ignored += 1;
        }
        self.sound = sound;
    }

    /// Gives the conversation an input and does what it answers. One that panics ends its own session alone.
    fn give(&mut self, input: Input<'_>) {
        if self.broken {
            return;
        }
        let now = self.now();
        let mut outputs = std::mem::take(&mut self.outputs);
        let talk = &mut self.talk;
        match catch_unwind(AssertUnwindSafe(|| talk.handle(now, input, &mut outputs))) {
            Ok(()) => outputs.drain(..).for_each(|output| self.act(now, output)),
            Err(_) => self.fail(),
        }
        outputs.clear();
        self.outputs = outputs;
    }

    /// Empties the carrier's queue. Handed over at once: nothing that waits in ours is before it.
    fn send_clear(&mut self) {
        let clear = self.out.clear();
        self.send(Message::Text(clear));
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

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;
