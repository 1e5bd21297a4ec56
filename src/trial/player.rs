//! Plays a scenario: one call on virtual time, from its first request to its last follow-up.

use super::brain::Brain;
use super::faults::Fault;
use super::hearing::{Actor, Hearing, spoken};
use super::moment;
use super::outcome::{Heard, Message, Played, Request};
use super::recorder::Recorder;
use super::scenario::Scenario;
use super::services::Services;
use super::session::{Did, Session, Setting};
use crate::call::{
    Arrival, CarrierStatus, Event, Flow, MediaOrder, Opening, Params, Phase, Probe, StepId, StepKind, Talker, Task,
    TaskKey, TaskKind, TaskOutput, Time, Timer,
};
use crate::phone::script::Step;
use crate::phone::{Act, Beginning, DialEnd, Doing, Mishap, Move, Phone, REFUSED, Sound, Stage, Told, What};
use crate::talk::Clip;
use serde_json::{Map, Value};
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
    fn new(ground: &'a Ground<'a>, scenario: &'a Scenario, recorder: &'a Recorder) -> Self {
        let form = &scenario.form;
        let began = form
            .at
            .as_ref()
            .and_then(|at| moment::read(&at.value))
            .unwrap_or(moment::USUAL);
        let faults: Vec<Fault> = form
            .faults
            .iter()
            .filter_map(|fault| super::faults::read(&fault.value).ok().flatten())
            .collect();
        let mut timed: Vec<(u64, Fault)> = faults
            .iter()
            .filter_map(|fault| match fault {
                Fault::Restart(after) | Fault::Drain(after) | Fault::StoreFails(after) | Fault::RenderFails(after) => {
                    Some((*after, *fault))
                }
                _ => None,
            })
            .collect();
        timed.sort_by_key(|(after, _)| *after);
        let mut mishap = None;
        timed.retain(|(after, fault)| {
            let first = mishap_of(fault).filter(|_| *after == 0 && mishap.is_none());
            if first.is_some() {
                mishap = first;
            }
            first.is_none()
        });
        let beginning = Beginning {
            tell: true,
            mishap,
            probe: Some(Box::new(Probe::default())),
        };
        let arrival = arrival(scenario, ground.stage.origin());
        let mut phone = Phone::rings_at(ground.flow, &ground.stage, recorder, &arrival, beginning, began);
        phone.loses_status = faults.contains(&Fault::LostStatus);
        phone.delay = faults
            .iter()
            .find_map(|fault| match fault {
                Fault::DelayWebhooks(later) => Some(*later),
                _ => None,
            })
            .unwrap_or(0);
        let mut script = scenario.caller.clone();
        if faults.contains(&Fault::HangupInGreeting) {
            script = vec![
                Step::AwaitSound,
                Step::Wait(std::time::Duration::from_secs(1)),
                Step::HangUp,
            ];
        }
        Self {
            ground,
            recorder,
            began,
            services: Services::new(&form.services),
            brain: Brain::new(&form.model, &form.providers),
            hearing: Hearing::default(),
            actor: Actor::new(&script, began.0),
            session: None,
            planned: None,
            planned_for: None,
            fates: HashMap::new(),
            dials: form.dials.iter().map(|dial| dial.value.clone()).collect(),
            queue: known(form.queue.as_ref().map(|word| word.value.as_str()), &QUEUES),
            payment: known(form.payment.as_ref().map(|word| word.value.as_str()), &PAYMENTS),
            referred: form.refer.as_ref().is_none_or(|word| word.value == "taken"),
            messages: Vec::new(),
            requests: Vec::new(),
            turns: Vec::new(),
            steps: Vec::new(),
            edges: Vec::new(),
            passed: 0,
            waiting: None,
            recorded: String::new(),
            over: None,
            timed,
            armed: Vec::new(),
            faults,
            phone,
        }
    }

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

    /// What the call orders of its conversation.
    fn notice_media(&mut self) {
        let orders = std::mem::take(&mut self.recorder.0.borrow_mut().media);
        for order in orders {
            match order {
                MediaOrder::Admit {
                    agent,
                    instructions,
                    reply,
                    quiet,
                    ..
                } => self.talk_begins(&agent, instructions, reply, quiet),
                MediaOrder::Acted { id, result } => {
                    let text = match &result {
                        Ok(text) => format!("the action is done: {text}"),
                        Err(error) => format!("the action fails: {error}"),
                    };
                    self.tell(What::Engine(text));
                    let now = self.phone.now.0;
                    if let Some(session) = &mut self.session {
                        session.acted(now, &id, result);
                    }
                }
                MediaOrder::Close | MediaOrder::Refuse { .. } => {}
            }
        }
    }

    fn talk_begins(&mut self, name: &str, instructions: String, reply: u64, quiet: u64) {
        let Doing::Streaming { sid } = self.phone.leg.doing() else {
            return;
        };
        let Some(agent) = self.ground.flow.agents.get(name) else {
            return;
        };
        let by_text = matches!(self.phone.leg.act(), Some(Act::Stream(stream)) if stream.relay);
        let setting = Setting {
            agent,
            clips: self.ground.clips(agent),
            sid: sid.clone(),
            echoes: !self.faults.contains(&Fault::NeverEchoMarks),
            heard: !self.faults.contains(&Fault::NoMedia),
            now: self.phone.now.0,
        };
        let opening = Opening {
            instructions,
            reply,
            quiet,
            by_text,
            ..Opening::default()
        };
        match Session::begin(setting, opening, &mut self.brain) {
            Ok(session) => {
                self.session = Some(session);
                self.did();
            }
            Err(error) => {
                self.tell(What::Fault(format!("the conversation cannot begin: {error}")));
                self.make(&Move::StreamBreaks { heard: false });
            }
        }
    }

    /// What the conversation did reaches the call.
    fn did(&mut self) {
        let did = self.session.as_mut().map(|session| std::mem::take(&mut session.did));
        for did in did.unwrap_or_default() {
            self.does(did);
        }
    }

    fn does(&mut self, did: Did) {
        match did {
            Did::Event(event) => {
                self.phone.happens(&event);
                self.phone.look();
            }
            Did::Hears(piece) => {
                self.phone.hears(&Sound {
                    what: piece.what,
                    spoken: piece.spoken,
                    millis: piece.millis,
                });
            }
            Did::Cut => {
                if let Some(told) = &self.phone.told {
                    self.hearing.listen(told);
                }
                self.hearing.cut(self.phone.now.0);
                self.phone.ear.interrupt(self.phone.now);
            }
            Did::Note(text) => self.tell(What::Engine(text)),
            Did::Turn(turn) => {
                self.turns.push((self.phone.now, turn.role.name(), turn.text));
            }
        }
    }

    /// The conversation is over, whoever ended it.
    fn stop_talking(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        session.stop(self.phone.now.0, &mut self.brain);
        for did in session.did.drain(..) {
            // Its end has been told before, or is not wanted any more.
            if !matches!(did, Did::Event(Event::TalkEnded { .. })) {
                self.does(did);
            }
        }
        let heard = session.heard;
        if matches!(self.phone.leg.doing(), Doing::Returning) {
            self.phone.happens(&Event::StreamClosed {
                stream_sid: session.sid,
                reason: "closed".to_owned(),
                frames_in: u64::from(heard),
                frames_out: 0,
            });
            self.phone.look();
        }
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

    /// Tasks that were ordered get the time at which they end.
    fn notice_tasks(&mut self) {
        let now = self.phone.now.0;
        let known: Vec<TaskKey> = self.phone.tasks.iter().map(|task| task.key.clone()).collect();
        self.fates.retain(|key, _| known.contains(key));
        let fresh: Vec<Task> = self
            .phone
            .tasks
            .iter()
            .filter(|task| !self.fates.contains_key(&task.key))
            .cloned()
            .collect();
        for task in fresh {
            let from = now.max(task.due.0);
            let (after, result) = self.fate(&task);
            self.fates.insert(task.key, (from.saturating_add(after), result));
        }
    }

    fn fate(&mut self, task: &Task) -> (u64, crate::call::TaskResult) {
        let refuses = self.faults.contains(&Fault::FailRest);
        let rest = self
            .faults
            .iter()
            .find_map(|fault| match fault {
                Fault::SlowRest(later) => Some(*later),
                _ => None,
            })
            .unwrap_or(REST);
        let over = self.phone.leg.is_over();
        match &task.kind {
            TaskKind::RedirectCall { .. }
            | TaskKind::HangUpCall
            | TaskKind::AskStatus
            | TaskKind::SendMessage { .. }
                if refuses =>
            {
                (rest, Err(REFUSED.to_owned()))
            }
            TaskKind::RedirectCall { .. } | TaskKind::HangUpCall => {
                let output = if over {
                    TaskOutput::CallGone
                } else {
                    TaskOutput::Accepted
                };
                (rest, Ok(output))
            }
            TaskKind::AskStatus => {
                let status = if over {
                    CarrierStatus::Completed
                } else {
                    CarrierStatus::InProgress
                };
                let seconds = over.then(|| {
                    let end = self.over.unwrap_or(self.phone.now);
                    u32::try_from(end.since(self.began).div_ceil(1000)).unwrap_or(u32::MAX)
                });
                (rest, Ok(TaskOutput::Status { status, seconds }))
            }
            TaskKind::Transcribe { .. } if self.faults.contains(&Fault::NoRecording) => {
                (30_000, Err("the recording is not there".to_owned()))
            }
            kind => {
                let (name, step) = self.owner(&task.key);
                if let TaskKind::Http { method, url, body, .. } = kind {
                    self.requests.push(Request {
                        at: self.phone.now,
                        name: name.clone(),
                        method: method.clone(),
                        url: url.clone(),
                        body: body.clone().unwrap_or_default(),
                    });
                }
                let fate = self.services.fate(kind, &name, step, &self.recorded);
                let after = match kind {
                    TaskKind::SendMessage { .. } => fate.after.max(rest),
                    _ => fate.after,
                };
                (after, fate.result)
            }
        }
    }

    /// The step, action or follow-up whose task this is.
    fn owner(&self, key: &TaskKey) -> (String, Option<&'a dyn StepKind>) {
        let flow = self.ground.flow;
        if let Some(wish) = self.phone.call.wishes.get(key) {
            let kind = flow.agents.get(&wish.agent).and_then(|agent| match &agent.talker {
                Talker::Providers(providers) => providers
                    .actions
                    .iter()
                    .find(|action| action.name == wish.action)
                    .and_then(|action| action.work.as_deref()),
                Talker::Scripted(_) => None,
            });
            return (wish.action.clone(), kind);
        }
        match &self.phone.call.phase {
            Phase::Live(live) => {
                let step = flow.step(live.step);
                (step.name.clone(), Some(&*step.kind))
            }
            Phase::Ended { follow_up, .. } => match follow_up {
                crate::call::FollowUp::Waiting { item, .. } => match flow.after_call.get(*item) {
                    Some(item) => (item.name.clone(), Some(&*item.kind)),
                    None => (String::new(), None),
                },
                crate::call::FollowUp::Done => (String::new(), None),
            },
        }
    }

    fn task_ends(&mut self, now: u64) {
        let due = self
            .fates
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .min_by(|(one, (at, _)), (other, (later, _))| (at, one).cmp(&(later, other)))
            .map(|(key, _)| key.clone());
        let Some((key, (_, result))) = due.and_then(|key| self.fates.remove_entry(&key)) else {
            return;
        };
        let Some(task) = self.phone.tasks.iter().position(|task| task.key == key) else {
            return;
        };
        if let (
            Some(TaskKind::SendMessage {
                channel,
                to,
                template,
                body,
                ..
            }),
            Ok(_),
        ) = (self.phone.tasks.get(task).map(|task| &task.kind), &result)
        {
            self.messages.push(Message {
                at: self.phone.now,
                channel: channel.clone(),
                to: to.reveal().clone(),
                template: template.clone(),
                body: body.clone(),
            });
        }
        let mut result = result;
        if self.phone.leg.is_over() && result == Ok(TaskOutput::Accepted) {
            result = Ok(TaskOutput::CallGone);
        }
        let timing = crate::phone::Timing::Early;
        self.make(&Move::TaskEnds { task, result, timing });
    }

    fn caller_acts(&mut self) {
        let Some(step) = self.actor.take() else { return };
        let now = self.phone.now.0;
        match step {
            Step::Speak(speech) | Step::Backchannel(speech) => {
                let (millis, words) = spoken(&speech);
                self.caller_speaks(now, millis, &words);
            }
            Step::Keys(keys) => self.caller_presses(&keys),
            Step::HangUp => {
                // The socket goes first.
                self.stop_talking();
                let gone = if self.faults.contains(&Fault::LostStatus) {
                    Move::HangsUpUnnoticed
                } else {
                    Move::HangsUp
                };
                self.make(&gone);
            }
            Step::Wait(_)
            | Step::AwaitSound
            | Step::AwaitPromptEnd
            | Step::AwaitTurn
            | Step::AwaitSpeaking(_)
            | Step::AwaitVerb(_) => {}
        }
        self.actor.since = self.actor.since.max(self.phone.now.0);
    }

    fn caller_speaks(&mut self, now: u64, millis: u64, words: &str) {
        if let Some(session) = &mut self.session {
            let over = Time(now.saturating_add(millis));
            session.speaks(now, millis, words, &mut self.brain);
            self.phone.ear.sound(self.phone.now, over);
            self.tell(What::Caller(format!("says “{words}”")));
            self.actor.since = over.0;
            return self.did();
        }
        match (self.phone.leg.doing().clone(), self.phone.leg.act().cloned()) {
            (Doing::Recording { .. }, Some(Act::Record(record))) => {
                let mut seconds = millis;
                self.recorded = words.to_owned();
                // Whatever follows within the silence that ends it belongs to the same message.
                let mut hangs_up = false;
                loop {
                    let mut rest = self.actor.steps.iter();
                    match (rest.next(), rest.next()) {
                        (Some(Step::Speak(speech)), _) => {
                            let (more, words) = spoken(speech);
                            seconds += more;
                            self.recorded = format!("{} {words}", self.recorded);
                            self.actor.steps.pop_front();
                        }
                        (Some(Step::Wait(pause)), Some(Step::Speak(_) | Step::HangUp))
                            if pause.as_millis() < u128::from(record.quiet) =>
                        {
                            seconds += u64::try_from(pause.as_millis()).unwrap_or(0);
                            self.actor.steps.pop_front();
                        }
                        (Some(Step::HangUp), _) => {
                            self.actor.steps.pop_front();
                            hangs_up = true;
                            break;
                        }
                        _ => break,
                    }
                }
                let seconds = u32::try_from(seconds.div_ceil(1000)).unwrap_or(u32::MAX);
                self.make(&if hangs_up {
                    Move::LeavesMessageAndHangsUp(seconds)
                } else {
                    Move::LeavesMessage(seconds)
                });
            }
            (Doing::Prompting { .. } | Doing::Listening { .. }, Some(Act::Gather(gather))) if gather.speech => {
                self.make(&Move::Says(words.to_owned()));
            }
            _ => {
                let over = Time(now.saturating_add(millis));
                self.phone.ear.sound(self.phone.now, over);
                self.tell(What::Caller(format!("says “{words}”, and nobody listens")));
                self.actor.since = over.0;
            }
        }
    }

    fn caller_presses(&mut self, keys: &str) {
        let keys: String = keys.chars().filter(|key| !matches!(key, 'w' | 'W')).collect();
        let now = self.phone.now.0;
        if let Some(session) = &mut self.session {
            for key in keys.chars() {
                session.key(now, key, &mut self.brain);
            }
            self.tell(What::Caller(format!("presses {keys}")));
            return self.did();
        }
        if !self.make(&Move::Keys(keys.clone())) {
            self.tell(What::Caller(format!("presses {keys}, and nobody listens")));
        }
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
const PAYMENTS: [&str; 8] = [
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

fn arrival(scenario: &Scenario, origin: &str) -> Arrival {
    let form = &scenario.form;
    let from = form.from.as_deref().unwrap_or(FROM);
    let to = form.to.as_deref().unwrap_or(TO);
    let contact: Map<String, Value> = form
        .contact
        .iter()
        .map(|(name, value)| (name.value.clone(), value.clone()))
        .collect();
    Arrival {
        params: [
            ("CallSid", "CA00000000000000000000000000000001"),
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("From", from),
            ("To", to),
            ("Direction", "inbound"),
            ("CallStatus", "ringing"),
        ]
        .into_iter()
        .collect::<Params>(),
        origin: origin.to_owned(),
        seed: "0".repeat(32),
        contact: (!contact.is_empty()).then_some(Value::Object(contact)),
        draining: false,
    }
}
