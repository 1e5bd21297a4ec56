//! Which variables still matter where, and that dropping the others changes nothing that is found.

use super::Alive;
use crate::call::{Flow, StepId};
use crate::phone::{Machine, Stage};
use crate::prove::abstraction::Abstraction;
use crate::prove::explore::{Bounds, explore_as};
use crate::prove::explored::Explored;
use crate::prove::tests::memory::{file, flow, flow_of, step as step_named};
use std::collections::BTreeSet;

/// The steps at which the variable is alive.
fn alive(flow: &Flow, name: &str) -> Vec<String> {
    let alive = Alive::of(flow);
    let at = |step: &&crate::call::Step| alive.at(step_named(flow, &step.name)).has(name);
    flow.steps.iter().filter(at).map(|step| step.name.clone()).collect()
}

#[test]
fn a_variable_lives_from_its_setting_to_its_last_reader() {
    let (flow, _) = flow(
        "a: {set: {x: 1}, next: b}
         b: {pause: 1s, next: c}
         c: {say: '{{ vars.x }}', next: d}
         d: {pause: 1s, next: bye}",
        "",
    );
    assert_eq!(alive(&flow, "x"), ["b", "c"]);
    assert_eq!(alive(&flow, "never_named"), Vec::<String>::new());
}

#[test]
fn what_is_counted_lives_while_it_is_counted() {
    let (flow, _) = flow(
        "a: {set: {n: '{{ 0 }}'}, next: b}
         b: {set: {n: '{{ vars.n + 1 }}'}, next: c}
         c: {choose: {enough: vars.n > 2}, on: {enough: bye, else: d}}
         d: {pause: 1s, next: b}",
        "",
    );
    assert_eq!(alive(&flow, "n"), ["b", "c", "d"]);
}

#[test]
fn only_set_is_sure_to_replace_a_value() {
    let (flow, _) = flow(
        "a: {set: {x: 1}, next: b}
         b: {http: {url: 'https://api.example/x', into: x}, on: {ok: c, failed: c}}
         c: {say: '{{ vars.x }}', next: bye}",
        "",
    );
    assert_eq!(alive(&flow, "x"), ["b", "c"], "a service that fails sets nothing");
}

#[test]
fn the_fallback_can_come_after_anything() {
    let (flow, _) = flow(
        "a: {set: {x: 1}, next: b}
         b: {pause: 1s, next: bye}
         sorry: {say: 'Sorry. {{ vars.x | default(0) }}', next: bye}",
        "otherwise: sorry\n",
    );
    assert_eq!(alive(&flow, "x"), ["a", "b", "sorry", "bye"]);
}

#[test]
fn follow_ups_can_come_after_anything() {
    let (flow, _) = flow(
        "a: {pause: 1s, next: bye}",
        "after_call:\n  - interaction: {kind: call, summary: '{{ vars.x | default(0) }}'}\n    \
         when: vars.y is defined\n",
    );
    for name in ["x", "y"] {
        assert_eq!(alive(&flow, name), ["a", "bye"], "{name}");
        assert!(Alive::of(&flow).after().has(name), "{name}");
    }
    assert!(!Alive::of(&flow).after().has("z"));
}

#[test]
fn a_condition_on_a_step_reads_too_and_what_it_leads_past_it_to_counts() {
    let (flow, _) = flow(
        "a: {pause: 1s, next: b}
         b: {say: Hello., when: vars.x is defined, next: c}
         c: {say: '{{ vars.y | default(0) }}', next: bye}",
        "",
    );
    assert_eq!(alive(&flow, "x"), ["a", "b"]);
    assert_eq!(alive(&flow, "y"), ["a", "b", "c"]);
}

#[test]
fn a_flow_that_runs_another_keeps_its_own_for_when_it_is_back() {
    let inner = "flow: u\nlocale: en-US\nstart: {call: i}\ntakes: [mine]\nends: [done]\nsteps:\n  i: {say: '{{ vars.mine }}', next: j}\n  \
                 j: {pause: 1s, next: k}\n  k: {end: done}\n";
    let outer = file(
        "a: {set: {given: 1, kept: 2, dead: 3}, next: b}
         b: {run: {flow: u.yaml, with: {mine: '{{ vars.given }}'}}, on: {done: c}}
         c: {say: '{{ vars.kept }}', next: bye}",
        "",
    );
    let (flow, _) = flow_of(&[("flows/t.yaml", &outer), ("flows/u.yaml", inner)]);
    // Frames are looked at by the step that runs.
    let outside = |name| -> Vec<String> {
        let mut steps = alive(&flow, name);
        steps.retain(|step| !step.contains('/'));
        steps
    };
    assert_eq!(outside("given"), ["b"]);
    assert_eq!(outside("kept"), ["b", "c"]);
    assert_eq!(outside("dead"), Vec::<String>::new());
    // Where a flow that is run ends, all that it holds becomes a result.
    for step in ["/i", "/j", "/k"] {
        let mine = alive(&flow, "mine");
        assert!(mine.iter().any(|known| known.ends_with(step)), "{step}: {mine:?}");
    }
}

#[test]
fn an_agent_reads_for_its_step() {
    let (flow, _) = flow(
        "a: {set: {topic: rent, place: here, other: 1}, next: talk}
         talk: {converse: {agent: one}, next: c}
         c: {pause: 1s, next: bye}",
        "otherwise: bye
agents:
  one:
    instructions: 'Talk about {{ vars.topic }}.'
    listen: deepgram
    think: openai
    speak: openai
    actions:
      save: {description: They said where., parameters: {city: string}, set: lead}
      look:
        description: They ask what there is.
        do: {http: {url: 'https://flats.example/{{ vars.place }}'}}
",
    );
    assert_eq!(alive(&flow, "topic"), ["talk"]);
    assert_eq!(alive(&flow, "place"), ["talk"]);
    assert_eq!(
        alive(&flow, "lead"),
        ["a", "talk"],
        "whether it was saved decides what can be wished for"
    );
    assert_eq!(alive(&flow, "other"), Vec::<String>::new());
}

#[test]
fn what_takes_all_variables_keeps_all() {
    let (flow, _) = flow(
        "a: {set: {x: 1}, next: b}
         b: {say: '{{ vars | length }}', next: bye}",
        "",
    );
    assert!(alive(&flow, "x").contains(&"b".to_owned()));
    assert!(alive(&flow, "anything").contains(&"b".to_owned()));
    assert!(!alive(&flow, "anything").contains(&"bye".to_owned()));
}

/// What a search is for, without the numbers of its states.
#[derive(Debug, PartialEq)]
struct Results {
    complete: bool,
    quietest: Vec<u64>,
    violations: BTreeSet<(Option<StepId>, String)>,
    silences: Vec<(Option<StepId>, u64)>,
    entered: BTreeSet<StepId>,
    taken: BTreeSet<(StepId, Option<String>)>,
}

fn results(explored: &Explored) -> Results {
    Results {
        complete: explored.complete,
        quietest: explored.quietest.iter().map(|quietest| quietest.millis).collect(),
        violations: explored
            .violations
            .iter()
            .map(|(violation, step, _)| (*step, format!("{violation:?}")))
            .collect(),
        silences: explored
            .silences
            .iter()
            .map(|(step, (millis, _))| (*step, *millis))
            .collect(),
        entered: explored.entered.clone(),
        taken: explored.passed.keys().cloned().collect(),
    }
}

/// The flow, explored as always, and with every variable telling states apart.
fn both(flow: &Flow, stage: &Stage) -> [Explored; 2] {
    let known = Abstraction::of(flow);
    let mut all = Abstraction::of(flow);
    all.alive = Alive::all();
    [known, all].map(|abstraction| explore_as(flow, stage, &Machine, Bounds::default(), abstraction))
}

#[test]
fn dropping_dead_variables_changes_nothing_that_is_found() {
    // The way is remembered and never looked at again; rounds are counted and compared; a service is slow; a step fails
    // on what is not there for everybody.
    let (flow, stage) = flow(
        "a: {set: {n: '{{ 0 }}'}, next: ask}
         ask: {gather: {prompt: tts/a.mp3, keys: 1, tries: 1, choices: {one: '1', two: '2'}}, on: {one: left, two: right, no_input: count, no_match: count}}
         count: {set: {n: '{{ vars.n + 1 }}'}, next: often}
         often: {choose: {enough: vars.n >= 3}, on: {enough: bye, else: ask}}
         left: {set: {way: left, rounds: '{{ vars.n }}'}, next: look}
         right: {set: {way: right, rounds: '{{ vars.n }}'}, next: look}
         look: {http: {url: 'https://api.example/x', timeout: 9s, into: found}, on: {ok: tell, failed: tell}}
         tell: {say: 'Hello {{ contact.name }}.', next: wait}
         wait: {pause: 12s, next: bye}",
        "otherwise: bye\n",
    );
    let [known, all] = both(&flow, &stage);
    assert_eq!(results(&known), results(&all));
    assert!(known.states < all.states, "{} and {}", known.states, all.states);
    assert!(
        !known.violations.is_empty() && !known.silences.is_empty(),
        "there is something to be found"
    );
    assert!(known.entered.contains(&step_named(&flow, "wait")));
}

#[test]
fn where_nothing_is_dead_nothing_is_dropped() {
    let (flow, stage) = flow(
        "a: {gather: {prompt: tts/a.mp3, keys: 1, tries: 1, into: key}, on: {matched: b, no_input: bye, no_match: bye}}
         b: {say: '{{ vars.key }}', next: bye}",
        "otherwise: bye\nafter_call:\n  - interaction: {kind: call, summary: \"{{ vars.key | default('none') }}\"}\n",
    );
    let [known, all] = both(&flow, &stage);
    assert_eq!(results(&known), results(&all));
    assert_eq!((known.states, known.ways), (all.states, all.ways));
}
