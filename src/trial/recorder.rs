//! The production machine with a notebook: what it answers, orders and writes is kept for whoever judges the call.

use crate::call::{
    Answer, Arrival, Call, Effect, Event, Flow, Log, MediaOrder, Probe, Row, StepId, TaskKey, Time, Trouble,
};
use crate::phone::{Drive, Machine};
use crate::twiml::Verb;
use std::cell::RefCell;

/// What a call's machine gave away.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The documents, with the steps that were passed while each was made.
    pub documents: Vec<(Time, Vec<StepId>, Vec<Verb>)>,
    /// Orders to the conversation that were not looked at yet.
    pub media: Vec<MediaOrder>,
    /// Rows in the order in which they were written.
    pub rows: Vec<Row>,
    /// The log.
    pub logs: Vec<(Time, Log)>,
    /// The task that came of an action's wish, with the action.
    pub wishes: Vec<(TaskKey, String)>,
    rows_before: usize,
}

/// Drives the machine and notes what it does.
#[derive(Debug, Default)]
pub(super) struct Recorder(pub RefCell<Notes>);

impl Drive for Recorder {
    fn begin(&self, flow: &Flow, now: Time, arrival: &Arrival, probe: Option<Box<Probe>>) -> (Call, Vec<Effect>) {
        let (call, effects) = Machine.begin(flow, now, arrival, probe);
        self.0.borrow_mut().note(&call, 0, now, &effects);
        (call, effects)
    }

    fn handle(&self, call: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        let passed = call.probe.as_ref().map_or(0, |probe| probe.passed.len());
        let effects = Machine.handle(call, flow, now, event);
        let mut notes = self.0.borrow_mut();
        if let Event::TroubleStruck {
            trouble: Trouble::Store,
        } = event
        {
            // What was not taken by the store is not in it.
            let kept = notes.rows_before;
            notes.rows.truncate(kept);
        }
        notes.rows_before = notes.rows.len();
        notes.note(call, passed, now, &effects);
        effects
    }

    fn again(&self, twin: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        // That is not what happened.
        Machine.handle(twin, flow, now, event)
    }
}

impl Notes {
    fn note(&mut self, call: &Call, passed: usize, now: Time, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Answer(Answer::Document(verbs)) => {
                    let way = call.probe.iter().flat_map(|probe| &probe.passed).skip(passed);
                    let mut steps: Vec<StepId> = way.map(|(step, _)| *step).collect();
                    steps.extend(call.live().map(|live| live.step));
                    steps.dedup();
                    self.documents.push((now, steps, verbs.clone()));
                }
                Effect::Media(order) => self.media.push(order.clone()),
                Effect::Write(row) => self.rows.push(row.clone()),
                Effect::Log(log) => self.logs.push((now, log.clone())),
                Effect::Perform(task) => {
                    if let Some(wish) = call.wishes.get(&task.key) {
                        self.wishes.push((task.key.clone(), wish.action.clone()));
                    }
                    if let crate::call::TaskKind::RedirectCall { document, .. } = &task.kind {
                        let way = call.probe.iter().flat_map(|probe| &probe.passed).skip(passed);
                        let mut steps: Vec<StepId> = way.map(|(step, _)| *step).collect();
                        steps.extend(call.live().map(|live| live.step));
                        steps.dedup();
                        self.documents.push((now, steps, document.clone()));
                    }
                }
                _ => {}
            }
        }
    }
}
