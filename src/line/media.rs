//! The engine's side of the carrier's sockets: admission by the call machine, and reports as events.

use super::apply::Unapplied;
use super::clock::now;
use super::engine::Engine;
use super::sockets::Connected;
use super::talk::{Setting, Wanted, conversation};
use super::wishes::Names;
use crate::call::{CallId, Conversing, Event, MediaOrder, Pii, Time};
use crate::media::{self, Admission, Host, Pulse, RelaySetup, Start, TalkSetup};
use crate::server::{MediaSocket, SocketKind};
use crate::twiml::Links;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::{Arc, OnceLock};
use tokio::sync::{mpsc, oneshot};

/// Orders that may wait for a session: it takes each at once.
const ORDERS: usize = 4;

/// Serves one media socket to its end.
pub(super) async fn serve(engine: Arc<Engine>, socket: MediaSocket) {
    engine.sockets.begin_serving();
    let kind = socket.kind;
    let host = CallHost {
        engine,
        kind,
        begun: OnceLock::new(),
    };
    let subprotocol = socket.subprotocol;
    match kind {
        SocketKind::Media => media::run(socket.stream, subprotocol, &host).await,
        SocketKind::Relay => media::run_relay(socket.stream, subprotocol, &host).await,
    };
}

/// What a socket's session asks and tells.
struct CallHost {
    engine: Arc<Engine>,
    kind: SocketKind,
    begun: OnceLock<Begun>,
}

struct Begun {
    call: CallId,
    stream_sid: String,
    at: Time,
    wishes: Names,
    events: mpsc::UnboundedSender<(Event, oneshot::Sender<()>)>,
}

/// However the session ends, a panic among its ends: nobody takes the socket for an open one any more.
impl Drop for CallHost {
    fn drop(&mut self) {
        let sockets = &self.engine.sockets;
        if let Some(begun) = self.begun.get() {
            sockets.disconnect(&begun.call, &begun.stream_sid);
            sockets.forget_wishes(&begun.call, &begun.stream_sid);
        }
        sockets.end_serving();
    }
}

impl Host for CallHost {
    fn admit(&self, start: Start) -> BoxFuture<'_, Admission> {
        async move {
            let id = CallId(start.call_sid.clone());
            if self.engine.hands_over() {
                // The time for conversations is over: this one ends before it begins, and the call goes on without.
                if let Err(error) = self.engine.apply(&id, Event::EngineDraining).await {
                    tracing::error!(call_sid = %id, ?error, "a conversation could not be handed over");
                }
                return refuse("the engine is about to stop");
            }
            let event = Event::StreamStarted {
                stream_sid: start.stream_sid.clone(),
                token: start.token.clone(),
            };
            let orders = match self.engine.apply(&id, event).await {
                Ok(applied) => applied.media,
                Err(Unapplied::Unknown | Unapplied::NoFlow) => return refuse("no such call"),
                Err(Unapplied::Store(error)) => return refuse(&format!("the store does not answer: {error}")),
            };
            if orders.contains(&MediaOrder::Close) {
                return refuse("the call has gone on to its fallback");
            }
            for order in orders {
                match order {
                    MediaOrder::Admit {
                        agent,
                        instructions,
                        reply,
                        quiet,
                        welcome,
                        record,
                    } => {
                        let wanted = Wanted {
                            agent,
                            instructions,
                            reply,
                            quiet,
                            welcome,
                            record,
                        };
                        return self.connect(id, start, wanted).await;
                    }
                    MediaOrder::Refuse { reason } => return refuse(reason),
                    MediaOrder::Close | MediaOrder::Acted { .. } => {}
                }
            }
            refuse("the call does not take the stream")
        }
        .boxed()
    }

    fn report<'a>(&'a self, _call_sid: &'a str, event: media::Event) -> BoxFuture<'a, ()> {
        async move {
            let Some(begun) = self.begun.get() else { return };
            let stream_sid = begun.stream_sid.clone();
            let event = match event {
                media::Event::FirstFrame => return,
                media::Event::Turn(turn) => Event::TurnTaken {
                    facts: self.engine.facts(&turn),
                    role: turn.role.name().to_owned(),
                    text: Pii::new(turn.text),
                    started: begun.at.plus(turn.started),
                    ended: begun.at.plus(turn.ended),
                    interrupted: turn.interrupted,
                },
                media::Event::Set(vars) => Event::TalkSet { stream_sid, vars },
                media::Event::Wished { id, name, arguments } => {
                    let wish = begun.wishes.next(&id);
                    // Before the call can hear of it, and have its result.
                    self.engine.sockets.expect_wish(&begun.call, &wish);
                    Event::Wished {
                        stream_sid,
                        id: wish,
                        action: name.to_string(),
                        arguments: Pii::new(arguments.to_string()),
                    }
                }
                media::Event::Finished { exit, why } => Event::TalkEnded {
                    stream_sid,
                    exit: exit.to_string(),
                    why: why.name().to_owned(),
                },
                media::Event::Closed {
                    reason,
                    frames_in,
                    frames_out,
                } => {
                    self.engine.sockets.disconnect(&begun.call, &stream_sid);
                    Event::StreamClosed {
                        stream_sid,
                        reason: reason.to_string(),
                        frames_in,
                        frames_out,
                    }
                }
            };
            let (kept, done) = oneshot::channel();
            if begun.events.send((event, kept)).is_err() || done.await.is_err() {
                tracing::error!(call_sid = %begun.call, "nobody is left to keep the events of the stream");
            }
        }
        .boxed()
    }
}

/// Keeps the events of a stream in their order, however long each takes and whether or not it is still waited for.
async fn keep(engine: Arc<Engine>, call: CallId, mut events: mpsc::UnboundedReceiver<(Event, oneshot::Sender<()>)>) {
    while let Some((event, kept)) = events.recv().await {
        let wish = match &event {
            Event::Wished { id, .. } => Some(id.clone()),
            _ => None,
        };
        if let Err(error) = engine.apply(&call, event).await {
            tracing::error!(call_sid = %call, ?error, "an event of the stream was lost");
            if let Some(wish) = wish {
                let refused = Err("it could not be done now".to_owned());
                engine.sockets.acted(&call, &wish, refused);
            }
        }
        // The session may have given up waiting.
        let _waits = kept.send(());
    }
}

impl CallHost {
    async fn connect(&self, id: CallId, start: Start, wanted: Wanted) -> Admission {
        let Some((flow, origin)) = self.engine.flow_of(&id).await else {
            return refuse("the call is not known");
        };
        let Some(agent) = flow.flow.agents.get(&wanted.agent) else {
            return refuse("the flow has no such agent");
        };
        // Known from here on, so that an order to close reaches the session however long its sounds take.
        let (control, orders) = mpsc::channel(ORDERS);
        let pulse = Arc::new(Pulse::new());
        let stream_sid = start.stream_sid.clone();
        let (events, inbox) = mpsc::unbounded_channel();
        let begun = Begun {
            call: id.clone(),
            stream_sid: stream_sid.clone(),
            at: now(),
            wishes: Names::new(stream_sid.clone()),
            events,
        };
        if self.begun.set(begun).is_err() {
            return refuse("the stream has begun twice");
        }
        tokio::spawn(keep(Arc::clone(&self.engine), id.clone(), inbox));
        self.engine.sockets.connect(
            id.clone(),
            Connected {
                stream_sid: stream_sid.clone(),
                control,
                pulse: Arc::clone(&pulse),
            },
        );
        let clips = match self.engine.clips(&flow, &agent.clips, &agent.texts).await {
            Ok(clips) => clips,
            Err(reason) => return refuse(&reason),
        };
        let by_text = self.kind == SocketKind::Relay;
        let record = wanted.record;
        let setting = Setting {
            flow: &flow,
            agent,
            clips: &clips,
            call: &id,
            stream_sid: &stream_sid,
            by_text,
        };
        let begun = conversation(&self.engine, &setting, wanted);
        let (talker, crew) = match begun {
            Ok(begun) => begun,
            Err(reason) => return refuse(&reason),
        };
        let tape = match record {
            true => self.engine.tape(&id).await,
            false => None,
        };
        match talker {
            Conversing::Sound(talk) => Admission::Talk(TalkSetup {
                talk,
                clips: clips.into(),
                pulse,
                control: orders,
                crew,
                tape,
            }),
            Conversing::Text(talk) => {
                let links = Links::new(self.engine.config.public_url.clone().unwrap_or(origin));
                Admission::Relay(RelaySetup {
                    talk,
                    sources: agent.clips.iter().map(|path| links.asset(path)).collect(),
                    pulse,
                    control: orders,
                    crew,
                })
            }
        }
    }
}

fn refuse(reason: &str) -> Admission {
    Admission::Refuse {
        reason: reason.to_owned(),
    }
}
