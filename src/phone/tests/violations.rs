//! Each violation is raised: by a machine that is broken on purpose, or by a flow that fails on a call's own data.

use super::world::{World, is_request};
use crate::call::{
    Answer, Arrival, Call, Effect, Event, Flow, FollowUp, Phase, Probe, Task, TaskKey, TaskOutput, Time, Timer,
};
use crate::phone::{Drive, Machine, Move, Phone, Timing, Violation};
use crate::twiml::Verb;
use std::cell::RefCell;

const MENU: &str = "{gather: {prompt: tts/menu.mp3, keys: 1, tries: 1, choices: {one: '1'}}, \
                    on: {one: one, no_input: two, no_match: two}}";
const SERVICE: &str = "{http: {url: 'https://api.example/x'}, on: {ok: fine, failed: one}}";
const QUEUE: &str = "{enqueue: {queue: desk, wait: [tts/w.mp3]}, on: {bridged: fine}}";
const TALK: &str = "flow: t
locale: en-US
start: {call: talk}
otherwise: bye
steps:
  talk: {converse: {agent: a}, on: {completed: bye}}
  bye: {hangup: {}}
agents:
  a: {think: {otherwise: {exit: completed}}, speak: {}}
";
const FOLLOW_UPS: &str = "flow: t
locale: en-US
start: {call: bye}
otherwise: bye
steps:
  bye: {hangup: {}}
after_call:
  - http: {url: 'https://api.example/x'}
  - http: {url: 'https://api.example/y'}
";

/// A call machine with a fault: it may change what became of each event. None for a call's first.
struct Broken<F>(F);

impl<F: Fn(Option<&Event>, &mut Call, &mut Vec<Effect>)> Drive for Broken<F> {
    fn begin(&self, flow: &Flow, now: Time, arrival: &Arrival, probe: Option<Box<Probe>>) -> (Call, Vec<Effect>) {
        let (mut call, mut effects) = Machine.begin(flow, now, arrival, probe);
        (self.0)(None, &mut call, &mut effects);
        (call, effects)
    }

    fn handle(&self, call: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        let mut effects = Machine.handle(call, flow, now, event);
        (self.0)(Some(event), call, &mut effects);
        effects
    }
}

/// What is found on a call with these moves, with the fault; without it nothing may be.
fn found<F>(world: &World, moves: &[Move], fault: F) -> Vec<Violation>
where
    F: Fn(Option<&Event>, &mut Call, &mut Vec<Effect>),
{
    let play = |drive: &dyn Drive| {
        let mut phone = world.rings_by(drive, None);
        for next in moves {
            phone.make(next, None);
        }
        phone.violations
    };
    assert_eq!(play(&Machine), [], "the machine itself is right");
    play(&Broken(fault))
}

fn keys() -> Move {
    Move::Keys("1".to_owned())
}

fn done() -> Move {
    Move::TaskEnds {
        task: 0,
        result: Ok(TaskOutput::Http {
            status: 200,
            body: serde_json::json!({}),
        }),
        timing: Timing::Early,
    }
}

#[test]
fn a_request_without_a_document() {
    let world = World::step(MENU);
    let mute = |event: Option<&Event>, _: &mut Call, effects: &mut Vec<Effect>| {
        if event.is_some_and(is_request) {
            effects.retain(|effect| !matches!(effect, Effect::Answer(_)));
        }
    };
    let found = found(&world, &[keys()], mute);
    assert!(found.contains(&Violation::NoDocument), "{found:?}");
}

#[test]
fn a_document_that_cannot_be_used() {
    let world = World::step(MENU);
    let garbled = |event: Option<&Event>, _: &mut Call, effects: &mut Vec<Effect>| {
        if event.is_some_and(is_request) {
            let verbs = vec![Verb::new("no_such_template")];
            effects.push(Effect::Answer(Answer::Document(verbs)));
        }
    };
    let found = found(&world, &[keys()], garbled);
    assert!(
        matches!(found.as_slice(), [.., Violation::BadDocument(why)] if why.contains("no_such_template")),
        "{found:?}"
    );
}

#[test]
fn a_step_and_a_follow_up_that_fail_on_a_calls_own_data() {
    let world = World::step("{say: 'Hello {{ contact.name }}', next: fine}");
    let phone = world.rings();
    assert!(
        matches!(phone.violations.as_slice(), [Violation::StepFailed(why)] if why.starts_with("first: ")),
        "{:?}",
        phone.violations
    );
    let world = World::new(
        "flow: t\nlocale: en-US\nstart: {call: bye}\notherwise: bye\nsteps:\n  bye: {hangup: {}}\nafter_call:\n  \
         - interaction: {kind: call, summary: '{{ contact.name }}'}\n",
    );
    let phone = world.rings();
    assert!(
        matches!(phone.violations.as_slice(), [Violation::FollowUpFailed(_)]),
        "{:?}",
        phone.violations
    );
}

#[test]
fn what_fails_after_something_was_broken_is_no_surprise() {
    let world = World::new(
        "flow: t\nlocale: en-US\nstart: {call: a}\notherwise: bye\nsteps:\n  a: {pause: 1s, next: bye}\n  \
         bye: {hangup: {}}\nafter_call:\n  - interaction: {kind: call, summary: '{{ contact.name }}'}\n",
    );
    for (mishap, surprises) in [(None, 1), (Some(crate::phone::Mishap::StoreFails), 0)] {
        let mut phone = world.rings_by(&Machine, mishap);
        assert!(phone.make(&Move::HangsUp, None));
        assert_eq!(phone.violations.len(), surprises, "{:?}", phone.violations);
    }
}

#[test]
fn a_task_that_is_ordered_twice() {
    let world = World::step(SERVICE);
    let twice = |_: Option<&Event>, _: &mut Call, effects: &mut Vec<Effect>| {
        let tasks = effects.iter().filter(|effect| matches!(effect, Effect::Perform(_)));
        let again: Vec<Effect> = tasks.cloned().collect();
        effects.extend(again);
    };
    let found = found(&world, &[], twice);
    assert!(matches!(found.as_slice(), [Violation::OrderedTwice(_)]), "{found:?}");
}

#[test]
fn a_task_that_nobody_waits_for() {
    let world = World::step(SERVICE);
    let other = |_: Option<&Event>, _: &mut Call, effects: &mut Vec<Effect>| {
        let renamed = effects.iter().find_map(|effect| match effect {
            Effect::Perform(task) => Some(Task {
                key: TaskKey(format!("{}/other", task.key)),
                ..task.clone()
            }),
            _ => None,
        });
        effects.extend(renamed.map(Effect::Perform));
    };
    assert_eq!(found(&world, &[], other), [Violation::Stray("http")]);
}

#[test]
fn a_follow_up_that_comes_again() {
    let world = World::new(FOLLOW_UPS);
    let first_again = |_: Option<&Event>, call: &mut Call, _: &mut Vec<Effect>| {
        if let Phase::Ended {
            follow_up: FollowUp::Waiting { item, .. },
            ..
        } = &mut call.phase
        {
            *item = 0;
        }
    };
    assert_eq!(found(&world, &[done()], first_again), [Violation::FollowUpTwice(0)]);
}

/// A machine that loses this timer.
fn loses(timer: Timer) -> impl Fn(Option<&Event>, &mut Call, &mut Vec<Effect>) {
    move |_, call, _| {
        call.timers.remove(&timer);
    }
}

#[test]
fn a_call_that_nothing_bounds() {
    let world = World::step(MENU);
    let found = found(&world, &[], loses(Timer::Limit));
    assert!(found.contains(&Violation::Unbounded), "{found:?}");
}

#[test]
fn a_call_that_nothing_moves_on() {
    let world = World::step(MENU);
    assert_eq!(found(&world, &[], loses(Timer::Guard)), [Violation::Stranded]);
    let world = World::new(TALK);
    let unwatched = found(&world, &[], loses(Timer::StreamStart));
    assert!(unwatched.contains(&Violation::Stranded), "{unwatched:?}");
    let starts = Move::StreamStarts(Timing::Early);
    let unwatched = found(&world, &[starts], loses(Timer::StreamMedia));
    assert!(unwatched.contains(&Violation::Stranded), "{unwatched:?}");
}

#[test]
fn a_call_that_lives_again() {
    let world = World::new(FOLLOW_UPS);
    let live: RefCell<Option<Phase>> = RefCell::default();
    let revives = |event: Option<&Event>, call: &mut Call, _: &mut Vec<Effect>| {
        if matches!(call.phase, Phase::Live(_)) {
            live.replace(Some(call.phase.clone()));
        } else if let (Some(Event::TaskEnded { .. }), Some(phase)) = (event, live.borrow().clone()) {
            call.phase = phase;
        }
    };
    let found = found(&world, &[done()], revives);
    assert!(found.contains(&Violation::Revived), "{found:?}");
}

#[test]
fn a_request_that_has_another_effect_when_it_comes_again() {
    let counts = |event: Option<&Event>, call: &mut Call, _: &mut Vec<Effect>| {
        if event.is_some_and(is_request) {
            call.turns += 1;
        }
    };
    let retry = "{gather: {prompt: tts/menu.mp3, keys: 1, tries: 2, choices: {one: '1'}}, \
                 on: {one: one, no_input: two, no_match: two}}";
    let nine = Move::Keys("9".to_owned());
    assert_eq!(found(&World::step(retry), &[nine], counts), [Violation::NotRepeatable]);
}

#[test]
fn a_queue_in_which_nothing_is_heard() {
    let world = World::step(QUEUE);
    let silent = |event: Option<&Event>, _: &mut Call, effects: &mut Vec<Effect>| {
        if matches!(event, Some(Event::AsideAsked { .. })) {
            effects.retain(|effect| !matches!(effect, Effect::Answer(_)));
            effects.push(Effect::Answer(Answer::Document(vec![
                Verb::new("pause").with("length", 1),
            ])));
        }
    };
    assert_eq!(found(&world, &[], silent), [Violation::SilentQueue]);
}

/// A violation is told once for each time that it is seen, and never forgotten.
#[test]
fn violations_stay() {
    let world = World::step(MENU);
    let drive = Broken(loses(Timer::Guard));
    let mut phone: Phone<'_> = world.rings_by(&drive, None);
    assert_eq!(phone.violations.len(), 1);
    phone.look();
    assert_eq!(phone.violations, [Violation::Stranded, Violation::Stranded]);
}

#[test]
fn a_recording_that_arrives_late_is_no_follow_up() {
    let world = World::new(
        "flow: t\nlocale: en-US\nstart: {call: a}\notherwise: bye\nsteps:\n  \
         a: {record: {transcribe: true, beep: false}, next: bye}\n  bye: {hangup: {}}\nafter_call:\n  \
         - http: {url: 'https://api.example/x'}\n",
    );
    let mut phone = world.rings();
    let ticket = phone.call.live().map(|live| live.wait.ticket).expect("it records");
    assert!(phone.make(&Move::HangsUp, None));
    assert_eq!(phone.followed(), Some(0));
    let fields = [
        ("RecordingSid", "RE1"),
        ("RecordingUrl", "https://api.example/RE1"),
        ("RecordingDuration", "3"),
    ];
    phone.happens(&Event::CarrierAsked {
        ticket,
        params: fields.into_iter().collect(),
    });
    phone.look();
    assert_eq!(super::world::tasks(&phone), ["http", "transcribe"]);
    assert_eq!(phone.violations, []);
}
