//! The engine's side of the carrier's sockets: admission by the call machine, reports as events, who is connected.

use super::apply::Unapplied;
use super::clock::now;
use super::engine::Engine;
use super::flows::Version;
use crate::audio::sound;
use crate::call::{CallId, Event, MediaOrder, Pii, Time};
use crate::media::{self, Admission, Control, Host, Pulse, RelaySetup, Start, TalkSetup};
use crate::server::{MediaSocket, SocketKind};
use crate::talk::relay::Relayed;
use crate::talk::scripted::Scripted;
use crate::talk::{Clip, Facts};
use crate::twiml::Links;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Orders that may wait for a session: it takes each at once.
const ORDERS: usize = 4;

/// The sockets of this process, by call.
#[derive(Default)]
pub(super) struct Sockets {
    open: Mutex<HashMap<CallId, Connected>>,
    /// Sockets that are served, those whose conversation has not begun among them.
    served: AtomicUsize,
    closed: Notify,
    /// Decoded sounds, by the mark of their content: calls share them.
    clips: Mutex<HashMap<String, Clip>>,
}

struct Connected {
    stream_sid: String,
    control: mpsc::Sender<Control>,
    pulse: Arc<Pulse>,
}

impl Sockets {
    /// When the caller was last heard on a socket of this process, in Unix milliseconds.
    pub fn last_frame(&self, id: &CallId) -> Option<u64> {
        let open = self.lock();
        let pulse = &open.get(id)?.pulse;
        let quiet = u64::try_from(pulse.quiet_for().as_millis()).unwrap_or(u64::MAX);
        Some(now().0.saturating_sub(quiet))
    }

    /// Has the call's socket closed.
    pub fn close(&self, id: &CallId) {
        if let Some(connected) = self.lock().get(id) {
            // A full queue means that an order to close is waiting already.
            let _sent = connected.control.try_send(Control::Close);
        }
    }

    /// The calls with an open socket.
    pub fn open(&self) -> Vec<CallId> {
        self.lock().keys().cloned().collect()
    }

    /// Completes when no socket is served.
    pub async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.served.load(Ordering::SeqCst) == 0 {
                return;
            }
            closed.await;
        }
    }

    /// How many sockets are served.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    fn connect(&self, id: CallId, connected: Connected) {
        self.lock().insert(id, connected);
    }

    fn disconnect(&self, id: &CallId, stream_sid: &str) {
        let mut open = self.lock();
        if open.get(id).is_some_and(|connected| connected.stream_sid == stream_sid) {
            open.remove(id);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CallId, Connected>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a socket for as long as it is served, however that ends.
struct Served(Arc<Engine>);

impl Served {
    fn begin(engine: &Arc<Engine>) -> Self {
        engine.sockets.served.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(engine))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.sockets.served.fetch_sub(1, Ordering::SeqCst);
        self.0.sockets.closed.notify_waiters();
    }
}

/// Serves one media socket to its end.
pub(super) async fn serve(engine: Arc<Engine>, socket: MediaSocket) {
    let _served = Served::begin(&engine);
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
    if let Some(begun) = host.begun.get() {
        host.engine.sockets.disconnect(&begun.call, &begun.stream_sid);
    }
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
                    MediaOrder::Admit { agent } => return self.connect(id, start, &agent).await,
                    MediaOrder::Refuse { reason } => return refuse(reason),
                    MediaOrder::Close => {}
                }
            }
            refuse("the call does not take the stream")
        }
        .boxed()
    }

    fn report<'a>(&'a self, _call_sid: &'a str, event: media::Event) -> BoxFuture<'a, ()> {
        async move {
            let Some(begun) = self.begun.get() else { return };
            let event = match event {
                media::Event::FirstFrame => return,
                media::Event::Turn(turn) => Event::TurnTaken {
                    role: turn.role.name().to_owned(),
                    text: Pii::new(turn.text),
                    started: begun.at.plus(turn.started),
                    ended: begun.at.plus(turn.ended),
                    interrupted: turn.interrupted,
                    facts: facts(turn.facts.as_deref()),
                },
                media::Event::Set(vars) => Event::TalkSet {
                    stream_sid: begun.stream_sid.clone(),
                    vars,
                },
                media::Event::Finished { exit, why } => Event::TalkEnded {
                    stream_sid: begun.stream_sid.clone(),
                    exit: exit.to_string(),
                    why: why.name().to_owned(),
                },
                media::Event::Closed {
                    reason,
                    frames_in,
                    frames_out,
                } => {
                    self.engine.sockets.disconnect(&begun.call, &begun.stream_sid);
                    Event::StreamClosed {
                        stream_sid: begun.stream_sid.clone(),
                        reason: reason.to_string(),
                        frames_in,
                        frames_out,
                    }
                }
            };
            if let Err(error) = self.engine.apply(&begun.call, event).await {
                tracing::error!(call_sid = %begun.call, ?error, "an event of the stream was lost");
            }
        }
        .boxed()
    }
}

impl CallHost {
    async fn connect(&self, id: CallId, start: Start, agent: &str) -> Admission {
        let Some((flow, origin)) = self.engine.flow_of(&id).await else {
            return refuse("the call is not known");
        };
        let Some(agent) = flow.flow.agents.get(agent) else {
            return refuse("the flow has no such agent");
        };
        let clips = match self.engine.clips(&flow, &agent.clips, &agent.texts).await {
            Ok(clips) => clips,
            Err(reason) => return refuse(&reason),
        };
        let script = Arc::clone(&agent.script);
        let talk = match self.kind {
            SocketKind::Media => Scripted::new(script, &clips).map(|talk| Talk::Sound(Box::new(talk))),
            SocketKind::Relay => Relayed::new(script, &clips).map(|talk| Talk::Text(Box::new(talk))),
        };
        let talk = match talk {
            Ok(talk) => talk,
            Err(error) => return refuse(&error.to_string()),
        };
        let (control, orders) = mpsc::channel(ORDERS);
        let pulse = Arc::new(Pulse::new());
        let stream_sid = start.stream_sid.clone();
        self.engine.sockets.connect(
            id.clone(),
            Connected {
                stream_sid: stream_sid.clone(),
                control,
                pulse: Arc::clone(&pulse),
            },
        );
        let begun = Begun {
            call: id,
            stream_sid,
            at: now(),
        };
        if self.begun.set(begun).is_err() {
            return refuse("the stream has begun twice");
        }
        match talk {
            Talk::Sound(talk) => Admission::Talk(TalkSetup {
                talk,
                clips: clips.into(),
                pulse,
                control: orders,
                crew: None,
                tape: None,
            }),
            Talk::Text(talk) => {
                let links = Links::new(self.engine.config.public_url.clone().unwrap_or(origin));
                Admission::Relay(RelaySetup {
                    talk,
                    sources: agent.clips.iter().map(|path| links.asset(path)).collect(),
                    pulse,
                    control: orders,
                    crew: None,
                })
            }
        }
    }
}

/// A conversation, as its socket carries it.
enum Talk {
    Sound(Box<Scripted>),
    Text(Box<Relayed>),
}

/// What a turn took, by name.
fn facts(facts: Option<&Facts>) -> Map<String, Value> {
    match facts.map(serde_json::to_value) {
        Some(Ok(Value::Object(facts))) => facts,
        _ => Map::new(),
    }
}

fn refuse(reason: &str) -> Admission {
    Admission::Refuse {
        reason: reason.to_owned(),
    }
}

impl Engine {
    /// The sounds of an agent, decoded once per content and shared by all calls.
    async fn clips(&self, flow: &Version, paths: &[String], texts: &[String]) -> Result<Vec<Clip>, String> {
        let mut clips = Vec::with_capacity(paths.len());
        for (path, text) in paths.iter().zip(texts) {
            if path.is_empty() {
                // Words that the carrier speaks, where it does that.
                clips.push(Clip::new(Vec::new(), text.as_str()));
                continue;
            }
            let key = format!("{path}\0{text}\0{}", flow.flow.hash);
            if let Some(clip) = self
                .sockets
                .clips
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&key)
            {
                clips.push(clip.clone());
                continue;
            }
            let file = self
                .config
                .static_roots
                .iter()
                .map(|root| root.join(path))
                .find(|file| file.is_file());
            let Some(file) = file else {
                return Err(format!("the sound `{path}` is not there"));
            };
            let bytes = tokio::fs::read(&file)
                .await
                .map_err(|error| format!("the sound `{path}`: {error}"))?;
            let ulaw = tokio::task::spawn_blocking(move || sound::decode(&bytes)).await;
            let ulaw = match ulaw {
                Ok(Ok(ulaw)) => ulaw,
                Ok(Err(error)) => return Err(format!("the sound `{path}`: {error}")),
                Err(_) => return Err(format!("the sound `{path}` cannot be decoded")),
            };
            let clip = Clip::new(ulaw, text.as_str());
            self.sockets
                .clips
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key, clip.clone());
            clips.push(clip);
        }
        Ok(clips)
    }
}
