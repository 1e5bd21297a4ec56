//! What the world did to a call, told without the engine: what the caller did, what the carrier, services and other
//! parties answered, what broke. And what came of it. Scenarios are written from this.

use super::compare::Beat;
use super::run::{Document, Moment};
use super::services::{Reply, replies};
use super::side::Side;
use super::thoughts::{Thoughts, thoughts};
use crate::call::{CarrierStatus, Effect, EndReason, Event, Params, Phase, TaskKind, TaskResult, Time, Watchdog};
use crate::twiml::Element;
use serde_json::Value;

/// A call as a story.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// Who called whom.
    pub from: Option<String>,
    pub to: Option<String>,
    /// What was known of the caller.
    pub contact: Option<Value>,
    /// What happened, in order.
    pub happenings: Vec<Happening>,
    /// What services answered.
    pub replies: Vec<Reply>,
    /// What models answered.
    pub thoughts: Thoughts,
    /// What came of it.
    pub came: Came,
}

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Milliseconds since the call's first request.
    pub ms: u64,
    /// The step that waited for it.
    pub step: Option<String>,
    /// What was done.
    pub what: What,
}

/// What can be done to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The caller pressed keys.
    Pressed(String),
    /// The caller said something to a question. Where words are not known, they are empty.
    Said(String),
    /// The caller said something in a conversation.
    Told(String),
    /// The caller cut the agent off, so many milliseconds after it had begun to speak.
    Interrupted(u64),
    /// The caller was asked and gave no answer.
    KeptSilent,
    /// The caller left something on a recording of so many seconds; 0 for nothing.
    Recorded(u32),
    /// The caller hung up.
    HungUp,
    /// No media stream ever came.
    StreamNeverStarted,
    /// The media stream was refused.
    StreamRefused,
    /// The media stream carried nothing of the caller.
    StreamWithoutMedia,
    /// The media stream broke, so many milliseconds after it had begun.
    StreamDropped(u64),
    /// The conversation came to this end.
    TalkEnded(String),
    /// A called party: the carrier's word, such as `busy`.
    Dialled(String),
    /// A queue: the carrier's word.
    Queued(String),
    /// A payment: the carrier's word.
    Paid(String),
    /// Whether the other side took a call that was referred to it.
    Referred(bool),
    /// A message was not accepted.
    MessageRefused,
    /// The carrier's REST API did not take an order.
    RestFailed,
    /// A request came again.
    Repeated,
    /// The engine was started again.
    Restarted,
    /// The engine was about to stop.
    Drained,
    /// The store did not take what it was given.
    StoreFailed,
    /// A document could not be rendered.
    Unrenderable,
}

/// What came of a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Came {
    /// What the caller was played, by path below `static/`, in order.
    pub heard: Vec<String>,
    /// How many of these stand in the latest document, of which a caller who leaves may not have heard all.
    pub in_latest: usize,
    /// What the carrier was told to say.
    pub said: Vec<String>,
    /// How many recordings were made.
    pub recordings: u32,
    /// Messages, as channel and template or nothing.
    pub messages: Vec<(String, Option<String>)>,
    /// How it ended; none for a call that is not over.
    pub ended: Option<EndReason>,
    /// Why the watchdog acted.
    pub watchdog: Option<Watchdog>,
    /// The steps that the call came through, each once.
    pub steps: Vec<String>,
}

/// The story of a replayed call.
pub fn story(side: &Side, alone: &super::Alone) -> Story {
    let mut teller = Teller {
        story: Story {
            replies: replies(alone),
            thoughts: thoughts(side, alone),
            ..Story::default()
        },
        began: alone.beats.first().map_or(Time(0), |beat| beat.at),
        stream_began: None,
        talk_over: false,
        awaited: None,
        requests: 0,
    };
    for Beat { then, .. } in &alone.beats {
        if let Some(moment) = then {
            teller.tell(side, alone, moment);
        }
    }
    let came = &mut teller.story.came;
    if let Some(call) = &alone.call {
        came.watchdog = call.watchdog;
        came.recordings = u32::try_from(call.recordings.len()).unwrap_or(u32::MAX);
        came.ended = match call.phase {
            Phase::Ended { reason, .. } => Some(reason),
            Phase::Live(_) => None,
        };
    }
    teller.story
}

struct Teller {
    story: Story,
    began: Time,
    stream_began: Option<Time>,
    /// Why the stream ended has been told.
    talk_over: bool,
    /// The step that waits, before the event.
    awaited: Option<(String, &'static str)>,
    requests: usize,
}

impl Teller {
    fn tell(&mut self, side: &Side, alone: &super::Alone, moment: &Moment) {
        for what in self.happened(alone, moment) {
            self.story.happenings.push(Happening {
                ms: moment.at.since(self.began),
                step: self.awaited.as_ref().map(|(step, _)| step.clone()),
                what,
            });
        }
        let came = &mut self.story.came;
        for name in moment.trail.iter().map(|step| side.step_name(*step)) {
            if !came.steps.iter().any(|known| known == name) {
                came.steps.push(name.to_owned());
            }
        }
        for effect in &moment.effects {
            if let Effect::Perform(task) = effect
                && let TaskKind::SendMessage { channel, template, .. } = &task.kind
            {
                came.messages.push((channel.clone(), template.clone()));
            }
        }
        // Another party's documents are not what the caller hears, and a repeated one is heard once.
        if !matches!(moment.event, Event::AsideAsked { .. } | Event::CallArrived(_)) && moment.trail.is_empty() {
            return self.settle(moment);
        }
        for element in moment
            .documents
            .iter()
            .filter_map(|document: &Document| document.element.as_ref())
        {
            if !matches!(moment.event, Event::AsideAsked { .. }) {
                let before = came.heard.len();
                heard(element, came);
                came.in_latest = came.heard.len() - before;
            }
        }
        self.settle(moment);
    }

    fn settle(&mut self, moment: &Moment) {
        self.awaited = moment.waits.as_ref().map(|waits| (waits.name.clone(), waits.on));
    }

    fn happened(&mut self, alone: &super::Alone, moment: &Moment) -> Vec<What> {
        match &moment.event {
            Event::CallArrived(arrival) => {
                self.requests += 1;
                if self.requests > 1 {
                    return vec![What::Repeated];
                }
                let field = |name| arrival.params.text(name).map(str::to_owned);
                self.story.from = field("From");
                self.story.to = field("To");
                self.story.contact.clone_from(&arrival.contact);
                Vec::new()
            }
            Event::CarrierAsked { params, .. } => self.asked(moment, params),
            Event::StatusChanged { status, .. } if self.left_by_itself(*status) => vec![What::HungUp],
            Event::StreamStarted { .. } => {
                self.stream_began = Some(moment.at);
                self.talk_over = false;
                Vec::new()
            }
            Event::TalkEnded { exit, .. } => {
                self.talk_over = true;
                vec![What::TalkEnded(exit.clone())]
            }
            Event::TurnTaken {
                role,
                text,
                interrupted,
                started,
                ended,
                ..
            } => {
                let text = text.reveal();
                let keys = !text.is_empty() && text.chars().all(|c| "0123456789*#".contains(c));
                match role.as_str() {
                    "caller" if keys => vec![What::Pressed(text.clone())],
                    "caller" => vec![What::Told(text.clone())],
                    _ if *interrupted => vec![What::Interrupted(ended.since(*started))],
                    _ => Vec::new(),
                }
            }
            Event::StreamClosed { frames_in, .. } => self.closed(*frames_in, moment),
            Event::TimerFired { .. } => self.watchdog(moment),
            Event::TaskEnded { key, result } => alone
                .ordered
                .get(key)
                .map(|kind| answered(kind, result))
                .unwrap_or_default(),
            Event::EngineRestarted => {
                self.talk_over = true;
                vec![What::Restarted]
            }
            Event::EngineDraining => vec![What::Drained],
            Event::TroubleStruck { .. } => vec![What::StoreFailed],
            Event::DocumentFailed { .. } => vec![What::Unrenderable],
            _ => Vec::new(),
        }
    }

    /// The end came while the flow was waiting for somebody.
    fn left_by_itself(&self, status: CarrierStatus) -> bool {
        status.is_over() && self.awaited.as_ref().is_some_and(|(_, on)| *on != "farewell")
    }

    fn asked(&mut self, moment: &Moment, params: &Params) -> Vec<What> {
        let mut what = Vec::new();
        let over = params
            .text("CallStatus")
            .and_then(CarrierStatus::parse)
            .is_some_and(CarrierStatus::is_over);
        let recording = params
            .text("RecordingSid")
            .map(|_| params.number("RecordingDuration").unwrap_or(0));
        // A recording's own fields name the key that ended it; that key is no answer to anything.
        let keys = params.text("Digits").filter(|_| recording.is_none());
        if let Some(keys) = keys {
            what.push(What::Pressed(keys.to_owned()));
        }
        if let Some(words) = params.text("SpeechResult") {
            what.push(What::Said(words.to_owned()));
        }
        what.extend(recording.map(What::Recorded));
        if let Some(status) = params.text("DialCallStatus") {
            what.push(What::Dialled(status.to_owned()));
        }
        if let Some(result) = params.text("QueueResult") {
            what.push(What::Queued(result.to_owned()));
        }
        if let Some(result) = params.text("Result") {
            what.push(What::Paid(result.to_owned()));
        }
        if let Some(code) = params.number("NotifySipResponseCode") {
            what.push(What::Referred((200..300).contains(&code)));
        }
        let waited_for_caller = self.awaited.as_ref().is_some_and(|(_, on)| *on == "action");
        if what.is_empty() && !over && waited_for_caller && !moment.trail.is_empty() {
            what.push(What::KeptSilent);
        }
        if what.is_empty() && !over && moment.trail.is_empty() && !moment.documents.is_empty() && waited_for_caller {
            what.push(What::Repeated);
        }
        if over && self.awaited.is_some() {
            what.push(What::HungUp);
        }
        let streamed = self.awaited.as_ref().is_some_and(|(_, on)| *on == "stream");
        if what.is_empty() && streamed {
            what.extend(self.broke(moment));
        }
        what
    }

    /// The carrier asks for what follows a stream: by itself where nobody had ended the conversation.
    fn broke(&mut self, moment: &Moment) -> Option<What> {
        let began = self.stream_began.take();
        let broke = !std::mem::replace(&mut self.talk_over, false);
        broke.then(|| match began {
            Some(began) => What::StreamDropped(moment.at.since(began)),
            None => What::StreamRefused,
        })
    }

    /// A socket that is gone before its conversation has come to an end.
    fn closed(&mut self, frames_in: u64, moment: &Moment) -> Vec<What> {
        if moment.effects.is_empty() {
            return Vec::new();
        }
        self.talk_over = true;
        let lasted = self.stream_began.map_or(0, |began| moment.at.since(began));
        vec![if frames_in == 0 {
            What::StreamWithoutMedia
        } else {
            What::StreamDropped(lasted)
        }]
    }

    fn watchdog(&mut self, moment: &Moment) -> Vec<What> {
        let reasons = moment
            .documents
            .iter()
            .filter_map(|document| document.redirect.as_deref());
        let what: Vec<What> = reasons
            .filter_map(|reason| match reason {
                "no_stream_start" => Some(What::StreamNeverStarted),
                "no_media" => Some(What::StreamWithoutMedia),
                _ => None,
            })
            .collect();
        self.talk_over |= !what.is_empty();
        what
    }
}

fn answered(kind: &TaskKind, result: &TaskResult) -> Vec<What> {
    match (kind, result) {
        (TaskKind::SendMessage { .. }, Err(_)) => vec![What::MessageRefused],
        (TaskKind::RedirectCall { .. } | TaskKind::HangUpCall | TaskKind::AskStatus, Err(_)) => vec![What::RestFailed],
        _ => Vec::new(),
    }
}

/// Sounds and words of a document, in order.
fn heard(element: &Element, came: &mut Came) {
    for verb in &element.children {
        match verb.name.as_str() {
            "Play" => {
                let url = verb.words();
                let path = url.trim().split_once("/static/").map_or(url.trim(), |(_, path)| path);
                came.heard.push(path.to_owned());
            }
            "Say" => came.said.push(verb.words().trim().to_owned()),
            _ => heard(verb, came),
        }
    }
}
