//! Plays a scenario: one call on virtual time, from its first request to its last follow-up.

mod begin;
mod caller;
mod end;
mod ground;
mod input;
mod plan;
mod talking;
mod tasks;

pub use begin::PAYMENTS;
pub use ground::Ground;

use super::brain::Brain;
use super::faults::Fault;
use super::hearing::{Actor, Hearing};
use super::outcome::{Message, Played, Request};
use super::recorder::Recorder;
use super::scenario::Scenario;
use super::services::Services;
use super::session::Session;
use crate::call::{CarrierStatus, Event, StepId, TaskKey, Time, Timer};
use crate::phone::{Doing, Mishap, Move, Phone, Told, What};
use std::collections::HashMap;

/// A call that does not come to an end in so many turns of the loop never does.
const TURNS: usize = 200_000;

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
    /// What the caller is about: keys to press, words to say.
    mouth: input::Mouth,
    /// What the carrier has of a gather's input or a message so far.
    taken: Option<input::Taken>,
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
    /// The call comes by SIP.
    sip: bool,
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
        let mouth = self.mouth.due().filter(|_| self.over.is_none());
        let caller = match self.over {
            None => self.actor.due(&self.hearing, now),
            Some(_) => None,
        };
        let fault = self.timed.first().map(|(after, _)| self.began.0.saturating_add(*after));
        let fault = fault.filter(|_| self.over.is_none());
        let task = self.fates.values().map(|(at, _)| *at).min();
        let planned = self.planned.as_ref().map(|(at, _)| *at);
        let phone = self.phone.due().map(|due| due.0);
        let Some(next) = [talk, caller, mouth, fault, task, planned, phone]
            .into_iter()
            .flatten()
            .min()
        else {
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
        } else if is(mouth) {
            self.mouth_moves();
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
        } else if !self.input_is_over() {
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
        self.joins();
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
}

fn mishap_of(fault: &Fault) -> Option<Mishap> {
    match fault {
        Fault::StoreFails(_) => Some(Mishap::StoreFails),
        Fault::RenderFails(_) => Some(Mishap::RenderFails),
        _ => None,
    }
}
