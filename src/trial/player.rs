//! Plays a scenario: one call on virtual time, from its first request to its last follow-up.

mod begin;
mod caller;

mod tasks;

mod talking;

use super::brain::Brain;
use super::faults::Fault;
use super::hearing::{Actor, Hearing};
use super::outcome::{Heard, Message, Played, Request};
use super::recorder::Recorder;
use super::scenario::Scenario;
use super::services::Services;
use super::session::Session;
use crate::call::{CarrierStatus, Event, Flow, Phase, StepId, TaskKey, Time, Timer};
use crate::phone::script::Step;
use crate::phone::{DialEnd, Doing, Mishap, Move, Phone, Stage, Told, What};
use crate::talk::Clip;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// How long the carrier's REST API takes, in milliseconds.
const REST: u64 = 150;
/// How long the carrier takes to open a stream.
const CONNECTS: u64 = 200;
/// How long it rings until somebody answers, and how long they talk, as with `engine simulate`.
const RINGS: u64 = 2_000;
const TALKS: u64 = 5_000;
/// How long a queue, a payment and a transfer take.
const WAITS: u64 = 10_000;
const PAYS: u64 = 4_000;
/// A call that does not come to an end in so many turns of the loop never does.
const TURNS: usize = 200_000;
/// The caller's number and the one that is called, where nothing is said; as with `engine simulate`.
const FROM: &str = "+972501234567";
const TO: &str = "+97231234567";

/// A flow with everything that its calls share.
#[derive(Debug)]
pub struct Ground<'a> {
    flow: &'a Flow,
    stage: Stage,
    clips: RefCell<HashMap<String, Rc<[Clip]>>>,
}

impl<'a> Ground<'a> {
    /// A flow that compiles, with its templates.
    pub fn new(flow: &'a Flow, templates: crate::twiml::Templates) -> Self {
        Self {
            flow,
            stage: Stage::new(templates),
            clips: RefCell::default(),
        }
    }

    /// The flow.
    pub fn flow(&self) -> &'a Flow {
        self.flow
    }

    /// Its templates and addresses.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// An agent's sounds. Of them only the length counts.
    fn clips(&self, agent: &crate::call::Agent) -> Rc<[Clip]> {
        let mut known = self.clips.borrow_mut();
        let clips = known.entry(agent.name.clone()).or_insert_with(|| {
            let sounds = agent.clips.iter().zip(&agent.texts);
            sounds
                .map(|(path, text)| {
                    let millis = self
                        .flow
                        .assets
                        .get(path)
                        .map_or(0, |asset| asset.millis.unwrap_or(2_000));
                    let bytes = usize::try_from(millis.saturating_mul(8)).unwrap_or(0);
                    Clip::new(vec![crate::audio::mulaw::SILENCE; bytes], text.as_str())
                })
                .collect()
        });
        Rc::clone(clips)
    }
}

/// Plays a scenario on its flow.
pub fn play(ground: &Ground<'_>, scenario: &Scenario) -> Played {
    let recorder = Recorder::default();
    let mut player = Player::new(ground, scenario, &recorder);
    player.run();
    player.end(&recorder)
}

struct Player<'a> {
    ground: &'a Ground<'a>,
    recorder: &'a Recorder,
    phone: Phone<'a>,
    began: Time,
    faults: Vec<Fault>,
    services: Services,
    brain: Brain,
    hearing: Hearing,
    actor: Actor,
    session: Option<Session<'a>>,
    /// What the carrier does next by itself, at its time: a dialled party answers, a stream opens …
    planned: Option<(u64, Move)>,
    /// What that is the way out of.
    planned_for: Option<Doing>,
    /// When each task ends.
    fates: HashMap<TaskKey, (u64, crate::call::TaskResult)>,
    dials: std::collections::VecDeque<String>,
    queue: &'static str,
    payment: &'static str,
    referred: bool,
    messages: Vec<Message>,
    requests: Vec<Request>,
    turns: Vec<(Time, &'static str, String)>,
    steps: Vec<(Time, StepId)>,
    edges: Vec<(StepId, String)>,
    passed: usize,
    waiting: Option<StepId>,
    /// What the caller said into the latest recording.
    recorded: String,
    over: Option<Time>,
    /// Faults that come at a time and did not yet.
    timed: Vec<(u64, Fault)>,
    /// What the next requests meet.
    armed: Vec<Mishap>,
}

impl<'a> Player<'a> {
    fn run(&mut self) {
        self.settle();
        for _ in 0..TURNS {
            if self.over.is_some() && self.phone.call.is_finished() && self.phone.tasks.is_empty() {
                return;
            }
            if !self.turn() {
                return;
            }
        }
    }

    /// The next thing happens. False where nothing does any more.
    fn turn(&mut self) -> bool {
        let now = self.phone.now.0;
        let talk = self.session.as_ref().and_then(|session| session.due(now));
        let caller = match self.over {
            None => self.actor.due(&self.hearing, now),
            Some(_) => None,
        };
        let fault = self.timed.first().map(|(after, _)| self.began.0.saturating_add(*after));
        let fault = fault.filter(|_| self.over.is_none());
        let task = self.fates.values().map(|(at, _)| *at).min();
        let planned = self.planned.as_ref().map(|(at, _)| *at);
        let phone = self.phone.due().map(|due| due.0);
        let Some(next) = [talk, caller, fault, task, planned, phone].into_iter().flatten().min() else {
            return false;
        };
        // What is due goes before time goes on.
        let next = next.max(now);
        self.phone.now = Time(next);
        let is = |due: Option<u64>| due.is_some_and(|due| due <= next);
        if is(fault) {
            self.strikes();
        } else if is(task) {
            self.task_ends(next);
        } else if is(planned) {
            self.planned_for = None;
            if let Some((_, next)) = self.planned.take() {
                self.make(&next);
            }
        } else if is(talk) {
            if let Some(session) = &mut self.session {
                session.pass(next, &mut self.brain);
            }
            self.did();
        } else if is(phone) {
            self.phone_passes();
        } else if is(caller) {
            self.caller_acts();
        }
        self.settle();
        true
    }

    /// A timer fires, or the carrier goes on by itself.
    fn phone_passes(&mut self) {
        let now = self.phone.now;
        let media = self.phone.call.timers.get(&Timer::StreamMedia).copied();
        let hears = self.session.as_ref().is_some_and(|session| session.heard);
        let earlier = self
            .phone
            .call
            .timers
            .iter()
            .any(|(timer, due)| *timer != Timer::StreamMedia && *due <= now && Some(*due) < media);
        if media.is_some_and(|due| due <= now)
            && hears
            && !earlier
            && !matches!(self.phone.leg.doing(), Doing::Returning)
        {
            // Frames come every 20 ms, whatever is in them.
            let last = Time(now.0 - now.0.saturating_sub(self.began.0) % 20);
            self.phone.fires(Timer::StreamMedia, Some(last));
        } else {
            self.make(&Move::Pass);
        }
    }

    fn make(&mut self, next: &Move) -> bool {
        let mishap = self.armed.first().copied();
        let made = self.phone.make(next, mishap);
        if mishap.is_some() && self.phone.was_answered() {
            self.armed.remove(0);
        }
        made
    }

    /// Something goes wrong at its time. What waits for a request stays until one comes.
    fn strikes(&mut self) {
        let Some((_, fault)) = self.timed.first().copied() else {
            return;
        };
        match fault {
            Fault::Restart(_) => {
                self.timed.remove(0);
                self.stop_talking();
                self.make(&Move::Restarts);
            }
            Fault::Drain(_) => {
                self.timed.remove(0);
                self.make(&Move::Drains);
            }
            _ => {
                self.timed.remove(0);
                self.armed.extend(mishap_of(&fault));
            }
        }
    }

    /// After everything that happens: what was ordered is begun, what was told is heard.
    fn settle(&mut self) {
        self.notice_media();
        let streams = matches!(self.phone.leg.doing(), Doing::Streaming { sid } if self.session.as_ref().is_some_and(|session| session.sid == *sid));
        if self.session.is_some() && !streams {
            self.stop_talking();
        }
        self.notice_steps();
        if let Some(told) = &self.phone.told {
            self.hearing.listen(told);
        }
        if self.over.is_none() && self.phone.leg.is_over() {
            self.over = Some(self.phone.now);
            if self.faults.contains(&Fault::ReorderWebhooks) {
                // The report that the call was answered comes after the one that it is over.
                self.phone.happens(&Event::StatusChanged {
                    status: CarrierStatus::InProgress,
                    sequence: None,
                    seconds: None,
                });
                self.phone.look();
            }
        }
        self.plan();
        self.notice_tasks();
    }

    fn notice_steps(&mut self) {
        let Some(probe) = &self.phone.call.probe else { return };
        for (step, outcome) in probe.passed.get(self.passed..).unwrap_or_default() {
            if self.waiting != Some(*step) {
                self.steps.push((self.phone.now, *step));
            }
            self.waiting = outcome.is_none().then_some(*step);
            if let Some(outcome) = outcome {
                self.edges.push((*step, outcome.as_str().to_owned()));
            }
        }
        self.passed = probe.passed.len();
    }

    fn tell(&mut self, what: What) {
        let step = self.phone.call.live().map(|live| live.step);
        let at = self.phone.now;
        if let Some(told) = &mut self.phone.told {
            told.push(Told { at, what, step });
        }
    }

    /// What the carrier does next by itself, and when.
    fn plan(&mut self) {
        let doing = self.phone.leg.doing().clone();
        if self.planned_for.as_ref() == Some(&doing) {
            return;
        }
        let now = self.phone.now.0;
        let has = |fault: Fault| self.faults.contains(&fault);
        let planned = match &doing {
            Doing::Dialling { .. } => {
                let how = self.dials.pop_front();
                match how.as_deref() {
                    Some("busy") => Some((1_000, Move::Dialled(DialEnd::Busy))),
                    Some("failed") => Some((1_000, Move::Dialled(DialEnd::Failed))),
                    Some("canceled") => Some((1_000, Move::Dialled(DialEnd::Canceled))),
                    Some("no-answer") => None,
                    _ => Some((RINGS, Move::Dialled(DialEnd::Talked(TALKS)))),
                }
            }
            Doing::Connecting if has(Fault::NeverStream) => None,
            Doing::Connecting if has(Fault::RefuseStream) => Some((CONNECTS, Move::StreamRefused)),
            Doing::Connecting => Some((CONNECTS, Move::StreamStarts(crate::phone::Timing::Early))),
            Doing::Streaming { .. } => self.faults.iter().find_map(|fault| match fault {
                Fault::DropStream(after) => Some((*after, Move::StreamBreaks { heard: true })),
                _ => None,
            }),
            Doing::StreamingAway => Some((WAITS, Move::StreamBreaks { heard: true })),
            Doing::Queueing => Some((WAITS, Move::Queued(self.queue))),
            Doing::Paying => Some((PAYS, Move::Paid(self.payment))),
            Doing::Referring => Some((RINGS, Move::Referred(self.referred))),
            _ => None,
        };
        if let (Some((after, _)), Doing::Queueing | Doing::Paying | Doing::Referring | Doing::StreamingAway) =
            (&planned, &doing)
        {
            // Music, the carrier's own dialogue, ringing, somebody else's sound.
            self.phone.ear.sound(self.phone.now, Time(now.saturating_add(*after)));
        }
        self.planned = planned.map(|(after, next)| (now.saturating_add(after), next));
        self.planned_for = Some(doing);
    }

    fn end(mut self, recorder: &Recorder) -> Played {
        let over = self.over.unwrap_or(self.phone.now);
        if self.over.is_none() {
            self.phone.ear.listen(self.phone.now);
        }
        let notes = std::mem::take(&mut *recorder.0.borrow_mut());
        let told = self.phone.told.take().unwrap_or_default();
        let heard = told
            .iter()
            .filter_map(|told| match &told.what {
                What::Hears { what, spoken, .. } if !what.is_empty() => Some(Heard {
                    at: told.at,
                    what: what.clone(),
                    spoken: *spoken,
                }),
                _ => None,
            })
            .collect();
        Played {
            began: self.began,
            over,
            heard,
            silence: self.phone.ear.longest(),
            steps: self.steps,
            edges: self.edges,
            end: match &self.phone.call.phase {
                Phase::Ended { reason, .. } => Some(*reason),
                Phase::Live(_) => None,
            },
            recordings: self.phone.call.recordings.len(),
            messages: self.messages,
            requests: self.requests,
            turns: self.turns,
            documents: notes.documents,
            rows: notes.rows,
            vars: self.phone.call.vars.clone(),
            contact: self.phone.call.contact.clone(),
            violations: std::mem::take(&mut self.phone.violations),
            unplayed: self.actor.steps.iter().filter(|step| does_something(step)).count(),
            ran_out: self.brain.ran_out,
            told,
        }
    }
}

fn does_something(step: &Step) -> bool {
    matches!(
        step,
        Step::Speak(_) | Step::Backchannel(_) | Step::Keys(_) | Step::HangUp
    )
}

fn mishap_of(fault: &Fault) -> Option<Mishap> {
    match fault {
        Fault::StoreFails(_) => Some(Mishap::StoreFails),
        Fault::RenderFails(_) => Some(Mishap::RenderFails),
        _ => None,
    }
}

const QUEUES: [&str; 4] = ["bridged", "leave", "queue-full", "error"];
/// How a payment can end, in the carrier's words.
pub const PAYMENTS: [&str; 8] = [
    "success",
    "too-many-failed-attempts",
    "caller-interrupted-with-star",
    "caller-hung-up",
    "payment-connector-error",
    "validation-error",
    "internal-error",
    "input-timed-out",
];

/// The word of a list, or its first.
fn known<const N: usize>(word: Option<&str>, words: &[&'static str; N]) -> &'static str {
    words
        .iter()
        .copied()
        .find(|known| Some(*known) == word)
        .unwrap_or(words[0])
}
