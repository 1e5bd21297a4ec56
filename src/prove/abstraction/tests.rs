//! Which data is certain, how far numbers are told apart, what stands in for the rest, and how conditions are decided.

use super::{Abstraction, LARGEST, MARGIN, SOME, example};
use crate::call::{Flow, TaskOutput};
use crate::phone::{Machine, Stage};
use crate::prove::explore::{Bounds, explore};
use crate::prove::explored::Explored;
use crate::prove::tests::memory::{flow, step};
use serde_json::{Value, json};

fn explored(flow: &Flow, stage: &Stage) -> Explored {
    let bounds = Bounds {
        mishaps: 0,
        ..Bounds::default()
    };
    let explored = explore(flow, stage, &Machine, bounds);
    assert!(explored.complete);
    explored
}

/// The names of the steps that some call comes to.
fn entered((flow, stage): &(Flow, Stage)) -> Vec<String> {
    let explored = explored(flow, stage);
    let names = explored.entered.iter().map(|id| flow.step(*id).name.clone());
    names.collect()
}

/// A flow that asks again and again, and counts how often.
fn counting(condition: &str) -> (Flow, Stage) {
    flow(
        &format!(
            "a: {{set: {{n: '{{{{ 0 }}}}'}}, next: b}}
             b: {{pause: 1s, next: c}}
             c: {{set: {{n: '{{{{ vars.n + 1 }}}}'}}, next: d}}
             d: {{choose: {{enough: '{condition}'}}, on: {{enough: e, else: b}}}}
             e: {{pause: 1s, next: bye}}"
        ),
        "",
    )
}

#[test]
fn numbers_are_told_apart_up_to_the_largest_that_is_named() {
    for (condition, cap) in [
        ("vars.n >= 3", 3 + MARGIN),
        ("vars.n >= 12", 12 + MARGIN),
        ("vars.n >= 1000", 1000 + MARGIN),
        ("vars.n % 3 == 0", LARGEST),
        ("vars.n >= 1000000", SOME),
    ] {
        assert_eq!(Abstraction::of(&counting(condition).0).cap, cap, "{condition}");
    }
}

#[test]
fn a_counter_is_followed_round_by_round() {
    for rounds in [1, 3, 7] {
        let world = counting(&format!("vars.n == {rounds}"));
        assert!(entered(&world).contains(&"e".to_owned()), "{rounds}");
        // Each round is a second of silence, and one more follows.
        let explored = explored(&world.0, &world.1);
        assert_eq!(explored.quietest[0].millis, (rounds + 1) * 1_000);
        assert_eq!(explored.violations, []);
    }
}

#[test]
fn a_counter_beyond_all_comparisons_ends_the_search_and_not_the_rounds() {
    let (flow, stage) = flow(
        "a: {set: {n: '{{ 0 }}'}, next: b}
         b: {gather: {prompt: tts/a.mp3, keys: 1, tries: 1}, on: {matched: c, no_input: c, no_match: c}}
         c: {set: {n: '{{ vars.n + 1 }}'}, next: d}
         d: {choose: {never: vars.n < 0}, on: {never: e, else: b}}
         e: {pause: 1s, next: bye}",
        "",
    );
    let explored = explored(&flow, &stage);
    assert_eq!(explored.violations, []);
    assert!(!explored.entered.contains(&step(&flow, "e")));
    assert!(explored.entered.contains(&step(&flow, "d")));
}

#[test]
fn what_the_flow_determines_is_certain_and_nothing_else() {
    let (flow, _) = flow(
        "a: {set: {one: '{{ 1 }}', two: '{{ vars.one + 1 }}', who: '{{ call.from }}', both: '{{ vars.who }}{{ vars.one }}'}, next: b}
         b: {http: {url: 'https://api.example/x', into: body}, on: {ok: c, failed: c}}
         c: {set: {part: \"{{ vars.body.x | default('') }}\"}, next: d}
         d: {gather: {prompt: tts/a.mp3, into: keys}, on: {matched: e, no_input: e}}
         e: {set: {keys: fixed}, next: bye}",
        "otherwise: bye\n",
    );
    let certain = Abstraction::of(&flow).certain;
    let certain: Vec<&str> = certain.iter().map(String::as_str).collect();
    assert_eq!(certain, ["one", "two"]);
}

#[test]
fn a_condition_on_what_a_service_says_is_taken_both_ways() {
    let world = flow(
        "a: {http: {url: 'https://api.example/x', into: body}, on: {ok: b, failed: bye}}
         b: {choose: {rich: vars.body.total > 5, poor: vars.body.total > 1}, on: {rich: c, poor: d, else: e}}
         c: {pause: 1s, next: bye}
         d: {pause: 1s, next: bye}
         e: {pause: 1s, next: bye}",
        "otherwise: bye\n",
    );
    assert_eq!(entered(&world), ["a", "b", "c", "d", "e", "bye"]);
}

#[test]
fn a_condition_on_the_callers_number_is_taken_both_ways() {
    let world = flow(
        "a: {choose: {local: 'call.from == \"+1\"'}, on: {local: b, else: c}}
         b: {pause: 1s, next: bye}
         c: {pause: 1s, next: bye}",
        "",
    );
    assert_eq!(entered(&world), ["a", "b", "c", "bye"]);
}

#[test]
fn a_condition_on_what_is_certain_is_judged() {
    let world = flow(
        "a: {set: {x: '{{ 1 }}'}, next: b}
         b: {choose: {same: vars.x == 1}, on: {same: c, else: d}}
         c: {pause: 1s, next: bye}
         d: {pause: 1s, next: bye}",
        "",
    );
    assert_eq!(entered(&world), ["a", "b", "c", "bye"]);
}

#[test]
fn who_is_known_is_known_by_what_the_flow_reads() {
    let (plain, _) = flow("a: {say: Hello., next: bye}", "");
    // Somebody, somebody who withholds the number, and a call while the engine is about to stop.
    let arrivals = Abstraction::of(&plain).arrivals("https://voice.example.com");
    assert_eq!(arrivals.len(), 3);
    assert_eq!(arrivals.iter().filter(|arrival| arrival.draining).count(), 1);
    let (reading, _) = flow(
        "a: {say: \"{{ contact.name | default('you') }} {{ contact.city | default('') }}\", next: bye}",
        "",
    );
    let arrivals = Abstraction::of(&reading).arrivals("https://voice.example.com");
    let contacts: Vec<Value> = arrivals.into_iter().filter_map(|arrival| arrival.contact).collect();
    let expected = [
        json!({"name": "x", "city": "x"}),
        json!({"city": "x"}),
        json!({"name": "x"}),
    ];
    assert_eq!(contacts, expected);
}

#[test]
fn a_service_brings_what_is_read_of_it_unless_it_says_what_it_brings() {
    let (flow, _) = flow(
        "a: {http: {url: 'https://api.example/x', into: body}, on: {ok: b, failed: bye}}
         b: {say: '{{ vars.body.a.b }} {{ step.body.c }}', next: bye}",
        "otherwise: bye\n",
    );
    let abstraction = Abstraction::of(&flow);
    let answer = |body: Value| TaskOutput::Http { status: 200, body };
    let into = ["body".to_owned()];
    assert_eq!(
        abstraction.completed(&answer(json!({})), &into),
        answer(json!({"a": {"b": "x"}, "c": "x"}))
    );
    let declared = answer(json!({"a": "declared"}));
    assert_eq!(abstraction.completed(&declared, &into), declared);
    assert_eq!(
        abstraction.completed(&TaskOutput::Accepted, &into),
        TaskOutput::Accepted
    );
}

#[test]
fn an_example_is_what_its_schema_asks_for() {
    let schema = json!({"type": "object", "properties": {
        "city": {"type": "string"}, "rooms": {"type": "integer"}, "pets": {"type": "boolean"},
        "kind": {"enum": ["flat", "house"]}, "tags": {"type": "array", "items": {"type": "number"}},
    }});
    let expected = json!({"city": "x", "rooms": 1, "pets": true, "kind": "flat", "tags": [1]});
    assert_eq!(example(&schema), expected);
}
