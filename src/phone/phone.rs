//! One call in progress: the machine that moves it, the carrier's leg, timers, tasks.

use super::act::Way;
use super::drive::Drive;
use super::ear::Ear;
use super::leg::{Doing, Leg};
use super::look::Violation;
use super::moves::Mishap;
use super::stage::Stage;
use super::told::{Told, What};
use crate::call::{
    Answer, Arrival, Call, Effect, Event, Flow, MediaOrder, Params, Phase, Probe, Row, Task, TaskKey, TaskKind, Ticket,
    Time, Trouble,
};
use crate::twiml::Verb;

/// The kinds of follow-ups that are done by writing a row, and need no task.
pub(super) const FOLLOW_ROWS: [&str; 2] = ["interaction", "contact"];

/// When virtual calls begin: 2023-11-14 22:13:20 UTC.
pub const START: Time = Time(1_700_000_000_000);

/// A call in progress, with everything around it.
#[derive(Clone)]
pub struct Phone<'a> {
    pub(super) flow: &'a Flow,
    pub(super) stage: &'a Stage,
    pub(super) drive: &'a dyn Drive,
    /// The call.
    pub call: Call,
    /// The carrier's side of it.
    pub leg: Leg,
    /// The moment.
    pub now: Time,
    /// Tasks that were ordered and have not ended, oldest first.
    pub tasks: Vec<Task>,
    /// What was heard and when not.
    pub ear: Ear,
    /// What must never be, and was.
    pub violations: Vec<Violation>,
    /// The story so far, where it is wanted.
    pub told: Option<Vec<Told>>,
    /// The tasks of the event that is being handled.
    pub(super) fresh: Vec<TaskKey>,
    /// How many streams were opened.
    pub(super) streams: u32,
    /// How many recordings were made.
    pub(super) recordings: u32,
    /// The latest follow-up whose task was ordered.
    pub(super) followed: Option<usize>,
    /// How many rows of [`FOLLOW_ROWS`] were written after the call's end.
    pub(super) follow_rows: [usize; 2],
    /// The answer to the request that is being made.
    pub(super) answer: Option<Answer>,
    /// What happens to the next request that is answered.
    pub(super) mishap: Option<Mishap>,
    /// Whether the latest move led to a request that was answered.
    pub(super) answered: bool,
    /// Whether something went wrong on purpose, so that a failing step is no surprise.
    pub(super) disturbed: bool,
    /// How much later the carrier's requests reach the engine, in milliseconds.
    pub delay: u64,
    /// Whether the carrier's word of the call's end is lost.
    pub loses_status: bool,
}

/// How a call is looked at from its first moment.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    /// Whether its story is wanted.
    pub tell: bool,
    /// What goes wrong with its first request.
    pub mishap: Option<Mishap>,
    /// Who looks on.
    pub probe: Option<Box<Probe>>,
}

impl<'a> Phone<'a> {
    /// A call comes in.
    pub fn rings(flow: &'a Flow, stage: &'a Stage, drive: &'a dyn Drive, arrival: &Arrival) -> Self {
        Self::rings_with(flow, stage, drive, arrival, Beginning::default())
    }

    /// A call comes in, with somebody who looks on.
    pub fn rings_with(
        flow: &'a Flow,
        stage: &'a Stage,
        drive: &'a dyn Drive,
        arrival: &Arrival,
        beginning: Beginning,
    ) -> Self {
        Self::rings_at(flow, stage, drive, arrival, beginning, START)
    }

    /// As [`Phone::rings_with`], at a moment of one's own.
    pub fn rings_at(
        flow: &'a Flow,
        stage: &'a Stage,
        drive: &'a dyn Drive,
        arrival: &Arrival,
        beginning: Beginning,
        now: Time,
    ) -> Self {
        let Beginning { tell, mishap, probe } = beginning;
        let (call, effects) = drive.begin(flow, now, arrival, probe);
        let mut phone = Self {
            flow,
            stage,
            drive,
            call,
            leg: Leg::new(),
            now,
            tasks: Vec::new(),
            ear: Ear::default(),
            violations: Vec::new(),
            told: tell.then(Vec::new),
            fresh: Vec::new(),
            streams: 0,
            recordings: 0,
            followed: None,
            follow_rows: [0; 2],
            answer: None,
            answered: false,
            mishap,
            disturbed: mishap.is_some(),
            delay: 0,
            loses_status: false,
        };
        phone.take(effects);
        phone.repeats(&Event::CallArrived(arrival.clone()));
        phone.receive(Ticket::FIRST);
        phone.look();
        phone
    }

    /// Whether the latest move led to a request of the carrier's that was answered.
    pub fn was_answered(&self) -> bool {
        self.answered
    }

    /// Whether something went wrong that is not the flow's: what fails in its wake is no fault of the flow.
    pub fn is_disturbed(&self) -> bool {
        self.disturbed
    }

    /// The latest follow-up whose task was ordered, counted from 0.
    pub fn followed(&self) -> Option<usize> {
        self.followed
    }

    /// How many follow-ups were done that need no task.
    pub fn follow_rows(&self) -> [usize; 2] {
        self.follow_rows
    }

    /// An event reaches the call; its effects are carried out as far as they can be at once.
    pub fn happens(&mut self, event: &Event) {
        let over = matches!(self.call.phase, Phase::Ended { .. });
        let effects = self.drive.handle(&mut self.call, self.flow, self.now, event);
        if over && matches!(self.call.phase, Phase::Live(_)) {
            self.violations.push(Violation::Revived);
        }
        self.take(effects);
        // Of these a carrier, a clock or the outbox may bring one twice. Requests are asked again where they are made.
        if let Event::StatusChanged { .. } | Event::TaskEnded { .. } | Event::TimerFired { .. } = event {
            self.repeats(event);
        }
    }

    /// The carrier asks the engine and goes on with what it gets.
    pub(super) fn asks(&mut self, way: &Way, params: Params) {
        let ticket = match way {
            Way::Ticket(ticket) => *ticket,
            Way::Aside(round) => {
                let round = *round;
                self.happens(&Event::AsideAsked { params, round });
                return self.look();
            }
            Way::Next => return self.go_on(),
            Way::Elsewhere(url) => {
                self.tell(What::Carrier(format!("goes on at {url}, which is not the engine")));
                self.leg.doing = Doing::Away;
                return;
            }
        };
        self.now = self.now.plus(self.delay);
        let event = Event::CarrierAsked { ticket, params };
        self.answer = None;
        self.happens(&event);
        self.repeats(&event);
        self.receive(ticket);
        self.look();
    }

    /// The answer, with what goes wrong on its way, reaches the carrier.
    fn receive(&mut self, ticket: Ticket) {
        self.answered = true;
        match self.mishap.take() {
            Some(Mishap::StoreFails) => {
                self.disturbed = true;
                self.fault("the database takes nothing");
                // What was not committed is not performed.
                let fresh = std::mem::take(&mut self.fresh);
                self.tasks.retain(|task| !fresh.contains(&task.key));
                self.happens(&Event::TroubleStruck {
                    trouble: Trouble::Store,
                });
            }
            Some(Mishap::RenderFails) => {
                self.disturbed = true;
                self.fault("the document cannot be rendered");
                // What the step ordered is done all the same, though nobody waits for it any more.
                self.fresh.clear();
                let error = "on purpose".to_owned();
                self.happens(&Event::DocumentFailed { ticket, error });
            }
            None => {}
        }
        match self.answer.take() {
            Some(Answer::Document(verbs)) => self.plays(&verbs),
            Some(Answer::Nothing) | None if self.call.live().is_none() => {
                self.hung_up("the carrier has nothing to play")
            }
            Some(Answer::Nothing) | None => {
                self.violations.push(Violation::NoDocument);
                self.hung_up("the carrier has nothing to play");
            }
        }
    }

    /// The same once more must change nothing, bring the same answer and do nothing that was not done.
    fn repeats(&mut self, event: &Event) {
        let mut twin = self.call.clone();
        let effects = self.drive.again(&mut twin, self.flow, self.now, event);
        let does_more = effects.iter().any(|effect| match effect {
            Effect::Perform(task) => task.kind != TaskKind::AskStatus,
            Effect::Write(row) => matches!(row, Row::Turn { .. } | Row::Interaction { .. } | Row::Contact { .. }),
            Effect::Media(order) => matches!(order, MediaOrder::Admit { .. } | MediaOrder::Acted { .. }),
            _ => false,
        });
        let asks = matches!(event, Event::CallArrived(_) | Event::CarrierAsked { .. });
        let answer = effects.into_iter().find_map(|effect| match effect {
            Effect::Answer(answer) => Some(answer),
            _ => None,
        });
        // Asking the carrier how a call stands once more does no harm, and takes a number.
        twin.tasks = self.call.tasks;
        if does_more || twin != self.call || asks && answer != self.answer {
            self.violations.push(Violation::NotRepeatable);
        }
    }

    /// A new document begins.
    pub(super) fn plays(&mut self, verbs: &[Verb]) {
        match self.stage.acts(self.flow, verbs) {
            Ok(acts) => {
                self.leg.acts = acts;
                self.leg.at = 0;
                self.begin();
            }
            Err(error) => {
                self.violations.push(Violation::BadDocument(error));
                self.hung_up("the carrier cannot read the document");
            }
        }
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Answer(answer) => self.answer = Some(answer),
                Effect::SetTimer(..) | Effect::ClearTimer(_) => {}
                Effect::Perform(task) => self.ordered(task),
                Effect::CancelTask(key) => self.tasks.retain(|task| task.key != key),
                Effect::Media(order) => self.media(&order),
                Effect::Write(row) => self.wrote(&row),
                Effect::Log(log) => {
                    if !self.disturbed && log.word == "STEP_FAILED" {
                        self.violations.push(Violation::StepFailed(log.detail.clone()));
                    }
                    if !self.disturbed && log.word == "FOLLOW_UP_FAILED" && !self.failed_task(&log.detail) {
                        self.violations.push(Violation::FollowUpFailed(log.detail.clone()));
                    }
                    if log.bad || log.word.starts_with("WATCHDOG") {
                        self.tell(What::Engine(format!("{} {}", log.word, log.detail).trim().to_owned()));
                    }
                }
            }
        }
    }

    /// A follow-up whose task failed for good is logged by the same word as one whose template does.
    fn failed_task(&self, detail: &str) -> bool {
        detail.ends_with(super::make::REFUSED)
    }

    fn ordered(&mut self, task: Task) {
        if self.tasks.iter().any(|known| known.key == task.key) {
            self.violations.push(Violation::OrderedTwice(task.key.to_string()));
            return;
        }
        if let TaskKind::SendMessage { channel, to, body, .. } = &task.kind {
            let what = What::Message {
                channel: channel.clone(),
                to: to.reveal().clone(),
                body: body.clone(),
            };
            self.tell(what);
        } else {
            let name = task.kind.name();
            self.tell(What::Engine(format!("orders {name}")));
        }
        self.fresh.push(task.key.clone());
        self.tasks.push(task);
    }

    fn media(&mut self, order: &MediaOrder) {
        match (order, &self.leg.doing) {
            // The carrier took the stream as opened when the engine looked at its token.
            (MediaOrder::Refuse { reason }, Doing::Connecting | Doing::Streaming { .. }) => {
                self.fault(format!("the engine refuses the stream: {reason}"));
                self.leg.doing = Doing::Returning;
            }
            (MediaOrder::Close, Doing::Streaming { .. }) => self.leg.doing = Doing::Returning,
            _ => {}
        }
    }

    /// A follow-up was done that needs no task: each of the flow's is done once at most.
    fn follows(&mut self, kind: &'static str) {
        if self.call.live().is_some() {
            return;
        }
        let items = self
            .flow
            .after_call
            .iter()
            .filter(|item| item.kind.name() == kind)
            .count();
        for (known, done) in FOLLOW_ROWS.iter().zip(&mut self.follow_rows) {
            if *known == kind {
                *done += 1;
                if *done > items {
                    self.violations.push(Violation::RowTwice(kind));
                }
            }
        }
    }

    fn wrote(&mut self, row: &Row) {
        match row {
            Row::Interaction { .. } => self.follows("interaction"),
            Row::Contact { .. } => self.follows("contact"),
            _ => {}
        }
        let step = matches!(row, Row::CallLog { step: Some(_), .. });
        let what = match row {
            Row::CallLog { .. } if step => What::Step,
            Row::CallLog { .. } | Row::Turn { .. } => return,
            Row::Recording(_) => What::Row("recording"),
            Row::Interaction { .. } => What::Row("interaction"),
            Row::Contact { .. } => What::Row("contact"),
        };
        self.tell(what);
    }
}
