//! One telephone and its carrier on virtual time. It keeps no rule of its own: it only asks for what documents name,
//! fires timers when they are due, and holds every answer and every state against what must always be true.

use super::project::Project;
use crate::call::{
    Answer, Arrival, Call, CarrierStatus, Effect, EndReason, Event, Flow, MediaOrder, Params, Phase, Row, Task,
    TaskKey, TaskKind, TaskOutput, TaskResult, Ticket, Time, Timer, Trouble, WaitOn,
};
use crate::call::{FollowUp, Route, StreamPhase};
use crate::twiml::{Links, Setting, Severity, Templates, Verb, examine};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// When calls begin: 2023-11-14 22:13:20 UTC.
pub const START: Time = Time(1_700_000_000_000);

/// A call in progress.
#[derive(Clone, Debug)]
pub struct Phone {
    pub flow: Arc<Flow>,
    templates: Templates,
    pub call: Call,
    pub now: Time,
    /// Timers as rows: what the store would hold.
    pub timers: BTreeMap<Timer, Time>,
    /// Tasks that were ordered and have not been answered.
    pub tasks: Vec<Task>,
    /// Every key that was ever ordered.
    pub ordered: BTreeSet<TaskKey>,
    /// What the caller has yet to hear.
    document: VecDeque<Verb>,
    /// The way back that the latest document names.
    pub ticket: Option<Ticket>,
    /// The token in the latest document.
    pub token: Option<String>,
    /// The latest answer to a webhook.
    pub answer: Option<Answer>,
    /// Orders to the media socket that no test has looked at.
    pub media: VecDeque<MediaOrder>,
    /// Everything that was written to the tables.
    pub rows: Vec<Row>,
    /// Every word that was logged, with its detail.
    pub logs: Vec<(&'static str, String)>,
    /// When the caller was last heard on a socket.
    pub last_frame: Option<Time>,
    /// The text of every message that was ordered.
    pub messages: Vec<String>,
    streams: u32,
}

impl Phone {
    /// A call comes in on this flow.
    pub fn rings(yaml: &str) -> Self {
        Self::rings_in(&Project::new(yaml))
    }

    /// A call comes in on this project's flow.
    pub fn rings_in(project: &Project) -> Self {
        let (flow, templates) = project.flow();
        Self::rings_with(flow, templates, arrival())
    }

    /// A call comes in, with all its particulars.
    pub fn rings_with(flow: Arc<Flow>, templates: Templates, arrival: Arrival) -> Self {
        let (call, effects) = Call::begin(&flow, START, &arrival);
        let mut phone = Self {
            flow,
            templates,
            call,
            now: START,
            timers: BTreeMap::new(),
            tasks: Vec::new(),
            ordered: BTreeSet::new(),
            document: VecDeque::new(),
            ticket: None,
            token: None,
            answer: None,
            media: VecDeque::new(),
            rows: Vec::new(),
            logs: Vec::new(),
            last_frame: None,
            messages: Vec::new(),
            streams: 0,
        };
        phone.take(effects, Setting::FirstDocument);
        phone
    }

    /// Something happens; everything that must always be true is checked.
    pub fn happens(&mut self, event: Event) -> &mut Self {
        let ended = match &self.call.phase {
            Phase::Ended { at, reason, .. } => Some((*at, *reason)),
            Phase::Live(_) => None,
        };
        let mut twin = restored(&self.call);
        let effects = self.call.handle(&self.flow, self.now, &event);
        let same = twin.handle(&self.flow, self.now, &event);
        assert_eq!(effects, same, "a state that was stored behaves otherwise");
        assert_eq!(self.call, twin, "a state that was stored becomes another one");
        let setting = match event {
            Event::CallArrived(_) => Setting::FirstDocument,
            _ => Setting::Webhook,
        };
        self.take(effects, setting);
        if let Some(ended) = ended {
            match &self.call.phase {
                Phase::Ended { at, reason, .. } => assert_eq!((*at, *reason), ended, "a call ended twice"),
                Phase::Live(_) => panic!("a call that was over lives again"),
            }
        }
        self
    }

    fn take(&mut self, effects: Vec<Effect>, setting: Setting) {
        for effect in effects {
            match effect {
                Effect::Answer(answer) => {
                    if let Answer::Document(verbs) = &answer {
                        self.receives(verbs, setting);
                    }
                    self.answer = Some(answer);
                }
                Effect::SetTimer(timer, due) => {
                    self.timers.insert(timer, due);
                }
                Effect::ClearTimer(timer) => {
                    self.timers.remove(&timer);
                }
                Effect::Perform(task) => {
                    assert!(
                        self.ordered.insert(task.key.clone()),
                        "{} is ordered a second time",
                        task.key
                    );
                    if let TaskKind::RedirectCall { document, .. } = &task.kind {
                        self.renders(document, Setting::LiveCall);
                    }
                    if let TaskKind::SendMessage { body, .. } = &task.kind {
                        self.messages.push(body.clone());
                    }
                    self.tasks.push(task);
                }
                Effect::CancelTask(key) => self.tasks.retain(|task| task.key != key),
                Effect::Media(order) => self.media.push_back(order),
                Effect::Write(row) => self.rows.push(row),
                Effect::Log(log) => self.logs.push((log.word, log.detail)),
            }
        }
        self.has_a_way_forward();
    }

    /// The caller hears this document now, from its beginning.
    pub fn receives(&mut self, verbs: &[Verb], setting: Setting) {
        self.renders(verbs, setting);
        self.document = verbs.iter().cloned().collect();
        self.ticket = verbs.iter().rev().find_map(ticket_of);
        self.token = verbs
            .iter()
            .find_map(|verb| verb.with.get("parameters")?.get("token")?.as_str().map(str::to_owned));
    }

    /// The document is one that the carrier accepts.
    pub fn renders(&self, verbs: &[Verb], setting: Setting) {
        let links = Links::new("https://voice.example.com");
        let twiml = match self.templates.render(verbs, &links) {
            Ok(twiml) => twiml,
            Err(error) => panic!("{verbs:?} cannot be rendered: {error}"),
        };
        for problem in examine(&twiml, setting).1 {
            assert!(
                problem.severity != Severity::Error || problem.code == 0,
                "the carrier refuses {twiml}: {problem:?}"
            );
        }
    }

    /// Live means pending: a timer, or a task of the engine's own. Ended means that no timer is left.
    fn has_a_way_forward(&self) {
        assert_eq!(
            self.call.timers, self.timers,
            "the state knows other timers than the store"
        );
        match &self.call.phase {
            Phase::Live(live) => {
                // Of a stream to somebody else's endpoint nothing is heard while it runs; the limit bounds it.
                let foreign = matches!(&live.wait.on, WaitOn::Stream(stream)
                    if stream.agent.is_none() && matches!(stream.phase, StreamPhase::Running { .. }));
                let before_the_limit = self.timers.keys().any(|timer| *timer != Timer::Limit);
                assert!(foreign || before_the_limit, "nothing moves this call on: {live:?}");
                if let WaitOn::Task { key, result: None, .. } = &live.wait.on {
                    assert!(
                        self.ordered.contains(key),
                        "the call waits for a task that nobody ordered"
                    );
                }
            }
            Phase::Ended { follow_up, .. } => {
                assert!(self.timers.is_empty(), "timers are left: {:?}", self.timers);
                if let FollowUp::Waiting { key, .. } = follow_up {
                    assert!(
                        self.tasks.iter().any(|task| task.key == *key),
                        "a follow-up waits for {key}, which nobody performs"
                    );
                }
            }
        }
    }

    /// The next thing that the caller hears, as `verb what`.
    #[track_caller]
    pub fn hears(&mut self, what: &str) -> &mut Self {
        let next = self.document.pop_front().map(|verb| told(&verb));
        assert_eq!(next.as_deref(), Some(what), "then: {:?}", self.document);
        self
    }

    /// Nothing more is in the document.
    #[track_caller]
    pub fn hears_no_more(&mut self) -> &mut Self {
        assert_eq!(self.document.iter().map(told).collect::<Vec<_>>(), Vec::<String>::new());
        self
    }

    /// The carrier comes back through the way that the document names.
    #[track_caller]
    pub fn comes_back(&mut self, fields: &[(&str, &str)]) -> &mut Self {
        let Some(ticket) = self.ticket else {
            panic!("the document names no way back")
        };
        self.asks(ticket, fields)
    }

    /// The carrier asks with this ticket.
    pub fn asks(&mut self, ticket: Ticket, fields: &[(&str, &str)]) -> &mut Self {
        let params: Params = fields.iter().copied().collect();
        self.happens(Event::CarrierAsked { ticket, params })
    }

    /// Time passes; what is due on the way fires when it is due.
    pub fn waits(&mut self, millis: u64) -> &mut Self {
        let until = self.now.plus(millis);
        while let Some((timer, due)) = self.next_timer().filter(|(_, due)| *due <= until) {
            self.now = self.now.max(due);
            let last_frame = self.last_frame;
            self.happens(Event::TimerFired { timer, last_frame });
        }
        self.now = until;
        self
    }

    /// The timer that is due next.
    pub fn next_timer(&self) -> Option<(Timer, Time)> {
        let next = self.timers.iter().min_by_key(|(_, due)| **due);
        next.map(|(timer, due)| (*timer, *due))
    }

    /// The carrier opens the stream that the document names, with the document's token.
    pub fn stream_starts(&mut self) -> &mut Self {
        self.streams += 1;
        let (stream_sid, token) = (self.stream_sid(), self.token.clone());
        self.happens(Event::StreamStarted { stream_sid, token })
    }

    /// The running stream's id.
    pub fn stream_sid(&self) -> String {
        format!("MZ{:032}", self.streams)
    }

    /// The conversation ends by itself.
    pub fn talk_ends(&mut self, exit: &str) -> &mut Self {
        let (stream_sid, exit, why) = (self.stream_sid(), exit.to_owned(), String::new());
        self.happens(Event::TalkEnded { stream_sid, exit, why })
    }

    /// The media socket closes.
    pub fn stream_closes(&mut self, frames_in: u64) -> &mut Self {
        let stream_sid = self.stream_sid();
        let reason = "stop".to_owned();
        self.happens(Event::StreamClosed {
            stream_sid,
            reason,
            frames_in,
            frames_out: 0,
        })
    }

    /// A status callback.
    pub fn status(&mut self, status: CarrierStatus) -> &mut Self {
        self.happens(Event::StatusChanged {
            status,
            sequence: None,
            seconds: None,
        })
    }

    /// The caller hangs up after so many seconds.
    pub fn hangs_up(&mut self, seconds: u32) -> &mut Self {
        self.happens(Event::StatusChanged {
            status: CarrierStatus::Completed,
            sequence: None,
            seconds: Some(seconds),
        })
    }

    /// The store fails.
    pub fn store_fails(&mut self) -> &mut Self {
        let trouble = Trouble::Store;
        self.happens(Event::TroubleStruck { trouble })
    }

    /// The oldest pending task of this kind.
    #[track_caller]
    pub fn task(&self, kind: &str) -> Task {
        match self.tasks.iter().find(|task| task.kind.name() == kind) {
            Some(task) => task.clone(),
            None => panic!("no {kind} is pending: {:?}", self.tasks),
        }
    }

    /// How many tasks of this kind are pending.
    pub fn pending(&self, kind: &str) -> usize {
        self.tasks.iter().filter(|task| task.kind.name() == kind).count()
    }

    /// The oldest pending task of this kind ends so.
    #[track_caller]
    pub fn performed(&mut self, kind: &str, result: TaskResult) -> &mut Self {
        let task = self.task(kind);
        self.ends(task.key, result)
    }

    /// A task ends.
    pub fn ends(&mut self, key: TaskKey, result: TaskResult) -> &mut Self {
        self.tasks.retain(|task| task.key != key);
        self.happens(Event::TaskEnded { key, result })
    }

    /// The pending redirect reaches the caller, who hears its document.
    #[track_caller]
    pub fn is_redirected(&mut self, reason: &str) -> &mut Self {
        let task = self.task("redirect_call");
        let TaskKind::RedirectCall {
            document, reason: why, ..
        } = task.kind
        else {
            panic!("not a redirect")
        };
        assert_eq!(why, reason);
        self.receives(&document, Setting::LiveCall);
        self.ends(task.key, Ok(TaskOutput::Accepted))
    }

    /// The call ended for this reason.
    #[track_caller]
    pub fn is_over(&mut self, because: EndReason) -> &mut Self {
        match &self.call.phase {
            Phase::Ended { reason, .. } => assert_eq!(*reason, because),
            Phase::Live(live) => panic!("the call lives: {live:?}"),
        }
        self
    }

    /// The name of the step that the call waits at.
    #[track_caller]
    pub fn step(&self) -> &str {
        match self.call.live() {
            Some(live) => &self.flow.step(live.step).name,
            None => panic!("the call is over"),
        }
    }

    /// How often a word was logged.
    pub fn logged(&self, word: &str) -> usize {
        self.logs.iter().filter(|(known, _)| *known == word).count()
    }

    /// What the media socket was told since the last look.
    pub fn told_the_socket(&mut self) -> Vec<MediaOrder> {
        self.media.drain(..).collect()
    }
}

/// The usual first request.
pub fn arrival() -> Arrival {
    let fields = [
        ("CallSid", "CA0123456789abcdef0123456789abcdef"),
        ("From", "+972501234567"),
        ("To", "+97231234567"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
    ];
    Arrival {
        params: fields.into_iter().collect(),
        origin: "https://voice.example.com".to_owned(),
        seed: "00112233445566778899aabbccddeeff".to_owned(),
        contact: None,
        draining: false,
    }
}

/// The state as it comes back from the store.
pub fn restored(call: &Call) -> Call {
    let stored = match serde_json::to_string(call) {
        Ok(stored) => stored,
        Err(error) => panic!("a state cannot be stored: {error}"),
    };
    match serde_json::from_str(&stored) {
        Ok(call) => call,
        Err(error) => panic!("a stored state cannot be read: {error}: {stored}"),
    }
}

fn ticket_of(verb: &Verb) -> Option<Ticket> {
    let route = match verb.with.get("route")?.as_str()? {
        "incoming_call" => Route::IncomingCall,
        "stream_ended" => Route::StreamEnded,
        "handle_recording" => Route::HandleRecording,
        "next" => Route::Next,
        _ => return None,
    };
    let n = u32::try_from(verb.with.get("n")?.as_u64()?).ok()?;
    Some(Ticket { route, n })
}

/// A verb in a few words: its name, what it is about, and what is inside.
fn told(verb: &Verb) -> String {
    let mut words = vec![verb.template.clone()];
    for key in [
        "asset", "text", "digits", "seconds", "number", "name", "address", "identity", "url", "reason",
    ] {
        match verb.with.get(key) {
            Some(Value::String(text)) => words.push(text.clone()),
            Some(Value::Null) | None => {}
            Some(value) => words.push(value.to_string()),
        }
    }
    if !verb.children.is_empty() {
        let inside: Vec<String> = verb.children.iter().map(told).collect();
        words.push(format!("[{}]", inside.join(", ")));
    }
    words.join(" ")
}
