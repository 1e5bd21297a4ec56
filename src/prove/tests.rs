//! The explorer on flows that are right, and on machines that are broken on purpose.

mod flows;
pub(super) mod memory;

use super::{Bounds, Proof, prove_with, proven};
use crate::call::{Arrival, Call, Effect, Event, Flow, Probe, Row, Task, TaskKey, TaskKind, Time, Timer};
use crate::check::examined;
use crate::line::Disk;
use crate::phone::{Drive, Machine};
use std::path::PathBuf;

fn disk() -> Disk {
    Disk::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")))
}

/// The ids of what is found in the bundled receptionist, driven by this machine.
fn found_by(drive: &dyn Drive) -> (Vec<&'static str>, Option<Proof>) {
    let mut compiled = examined("flows/receptionist.yaml", &disk());
    let bounds = Bounds {
        mishaps: 1,
        ..Bounds::default()
    };
    let proof = prove_with(&mut compiled, drive, bounds);
    (compiled.findings.iter().map(|finding| finding.id).collect(), proof)
}

#[test]
fn the_bundled_flows_are_proven_within_their_limits() {
    for path in ["flows/menu.yaml", "flows/receptionist.yaml", "flows/voicemail.yaml"] {
        let (compiled, proof) = proven(path, &disk());
        let ids: Vec<&str> = compiled.findings.iter().map(|finding| finding.id).collect();
        assert!(ids.is_empty(), "{path}: {ids:?}");
        let proof = proof.expect("a flow without errors is proven");
        assert!(proof.complete, "{path} is cut short");
        assert!((1..=proof.limit).contains(&proof.silence.millis), "{path}: {proof}");
    }
}

#[test]
fn a_search_that_is_cut_short_claims_nothing() {
    let mut compiled = examined("flows/receptionist.yaml", &disk());
    let bounds = Bounds { states: 20, mishaps: 1 };
    let proof = prove_with(&mut compiled, &Machine, bounds).expect("it was tried");
    assert!(!proof.complete);
    assert!(proof.to_string().starts_with("not proven"), "{proof}");
    assert!(compiled.findings.iter().any(|finding| finding.id == "not-proven"));
}

/// A call machine with a fault.
struct Broken(fn(&mut Call, &mut Vec<Effect>));

impl Drive for Broken {
    fn begin(&self, flow: &Flow, now: Time, arrival: &Arrival, probe: Option<Box<Probe>>) -> (Call, Vec<Effect>) {
        let (mut call, mut effects) = Machine.begin(flow, now, arrival, probe);
        (self.0)(&mut call, &mut effects);
        (call, effects)
    }

    fn handle(&self, call: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        let mut effects = Machine.handle(call, flow, now, event);
        (self.0)(call, &mut effects);
        effects
    }
}

fn loses(call: &mut Call, effects: &mut Vec<Effect>, timer: Timer) {
    call.timers.remove(&timer);
    effects.retain(|effect| !matches!(effect, Effect::SetTimer(set, _) if *set == timer));
}

#[test]
fn a_machine_that_loses_a_timer_is_found_out() {
    let broken: [fn(&mut Call, &mut Vec<Effect>); 3] = [
        |call, effects| loses(call, effects, Timer::StreamStart),
        |call, effects| loses(call, effects, Timer::StreamMedia),
        |call, effects| loses(call, effects, Timer::Limit),
    ];
    for (index, fault) in broken.into_iter().enumerate() {
        let (ids, _) = found_by(&Broken(fault));
        assert!(ids.contains(&"engine-fault"), "fault {index}: {ids:?}");
    }
}

#[test]
fn a_machine_that_does_something_twice_is_found_out() {
    let doubled = |_: &mut Call, effects: &mut Vec<Effect>| {
        let again = effects.iter().find_map(|effect| match effect {
            Effect::Perform(task) => Some(Task {
                key: TaskKey(format!("{}/again", task.key)),
                ..task.clone()
            }),
            _ => None,
        });
        effects.extend(again.map(Effect::Perform));
    };
    assert!(found_by(&Broken(doubled)).0.contains(&"engine-fault"));
}

#[test]
fn a_machine_that_answers_nothing_is_found_out() {
    let mute = |_: &mut Call, effects: &mut Vec<Effect>| effects.retain(|effect| !matches!(effect, Effect::Answer(_)));
    assert!(found_by(&Broken(mute)).0.contains(&"engine-fault"));
}

/// The ids of what is found in a flow of one sentence and all kinds of follow-ups, driven by this machine.
fn found_in_follow_ups_by(drive: &dyn Drive) -> Vec<&'static str> {
    let after = "after_call:\n  - interaction: {kind: call, summary: Called.}\n  - contact: {set: {called: \"yes\"}}\n  \
                 - sms: {to: \"{{ call.from }}\", body: Thank you.}\n";
    let folder = flows::project(&flows::flow("  begin: {say: Good day to you, next: bye}\n", after));
    let mut compiled = examined("flows/a.yaml", &Disk::new(folder.path()));
    let bounds = Bounds {
        mishaps: 1,
        ..Bounds::default()
    };
    let proof = prove_with(&mut compiled, drive, bounds);
    assert!(proof.is_some(), "{:?}", compiled.findings);
    compiled.findings.iter().map(|finding| finding.id).collect()
}

fn writes_twice(effects: &mut Vec<Effect>, wanted: fn(&Row) -> bool) {
    let again = effects.iter().find_map(|effect| match effect {
        Effect::Write(row) if wanted(row) => Some(row.clone()),
        _ => None,
    });
    effects.extend(again.map(Effect::Write));
}

#[test]
fn a_machine_that_loses_or_repeats_a_follow_up_is_found_out() {
    assert!(!found_in_follow_ups_by(&Machine).contains(&"engine-fault"));
    let forgets = |call: &mut Call, effects: &mut Vec<Effect>| {
        if call.live().is_none() {
            effects.retain(|effect| !matches!(effect, Effect::Perform(_)));
        }
    };
    assert!(found_in_follow_ups_by(&Broken(forgets)).contains(&"engine-fault"));
    let notes_twice =
        |_: &mut Call, effects: &mut Vec<Effect>| writes_twice(effects, |row| matches!(row, Row::Interaction { .. }));
    let knows_twice =
        |_: &mut Call, effects: &mut Vec<Effect>| writes_twice(effects, |row| matches!(row, Row::Contact { .. }));
    assert!(found_in_follow_ups_by(&Broken(notes_twice)).contains(&"engine-fault"));
    assert!(found_in_follow_ups_by(&Broken(knows_twice)).contains(&"engine-fault"));
}

/// A machine that takes an event of this kind for a new one when it comes a second time.
struct Forgetful(fn(&Event) -> bool);

impl Drive for Forgetful {
    fn begin(&self, flow: &Flow, now: Time, arrival: &Arrival, probe: Option<Box<Probe>>) -> (Call, Vec<Effect>) {
        Machine.begin(flow, now, arrival, probe)
    }

    fn handle(&self, call: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        Machine.handle(call, flow, now, event)
    }

    fn again(&self, twin: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        let mut effects = Machine.handle(twin, flow, now, event);
        if self.0(event) {
            effects.push(Effect::Perform(Task {
                key: TaskKey("again".to_owned()),
                due: now,
                kind: TaskKind::HangUpCall,
            }));
        }
        effects
    }
}

#[test]
fn a_machine_that_does_again_what_comes_again_is_found_out() {
    let kinds: [fn(&Event) -> bool; 5] = [
        |event| matches!(event, Event::CallArrived(_)),
        |event| matches!(event, Event::CarrierAsked { .. }),
        |event| matches!(event, Event::StatusChanged { status, .. } if status.is_over()),
        |event| matches!(event, Event::TaskEnded { .. }),
        |event| matches!(event, Event::TimerFired { .. }),
    ];
    for (index, kind) in kinds.into_iter().enumerate() {
        let (ids, _) = found_by(&Forgetful(kind));
        assert!(ids.contains(&"engine-fault"), "kind {index}: {ids:?}");
    }
}
