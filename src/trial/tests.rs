//! Calls that are played, in little: a flow in memory, a scenario, and what came of it.

use super::{Ground, Played, judge, known, play, read};
use crate::call::{Asset, EndReason};
use crate::compile::{Compiled, Files, ProviderNames, compile};
use proptest::prelude::*;

const FLOW: &str = "\
flow: t
locale: en-US
start: {call: menu}
otherwise: sorry
steps:
  menu:
    gather: {prompt: {say: Press one or two.}, keys: 1, choices: {one: \"1\", two: \"2\"}}
    on: {one: message, two: person, no_input: sorry, no_match: sorry}
  message:
    record: {prompt: {say: Speak now.}, silence: 3s, transcribe: true}
    next: sorry
  person:
    dial: {number: \"+14155550101\", timeout: 20s}
    on: {completed: over, busy: message, no_answer: message, failed: message, canceled: message}
  sorry:
    say: Goodbye.
    next: over
  over:
    hangup: {}
after_call:
  - interaction: {kind: call, summary: It is over.}
";

struct Memory(&'static str);

impl Files for Memory {
    fn text(&self, path: &str) -> Option<String> {
        (path == "flows/t.yaml").then(|| self.0.to_owned())
    }

    fn asset(&self, _: &str) -> Option<(Asset, String)> {
        None
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn providers(&self) -> ProviderNames {
        ProviderNames::default()
    }
}

fn compiled() -> Compiled {
    let compiled = compile("flows/t.yaml", &Memory(FLOW));
    assert!(compiled.flow.is_some(), "{:?}", compiled.findings);
    compiled
}

fn with<R>(scenario: &str, look: impl FnOnce(&Ground<'_>, &super::Scenario, Played) -> R) -> R {
    let compiled = compiled();
    let flow = compiled.flow.as_ref().expect("it compiles");
    let ground = Ground::new(flow, compiled.templates.clone());
    let file = read("t.yaml", &format!("scenario: t\nflow: flows/t.yaml\n{scenario}"));
    assert!(file.findings.is_empty(), "{:?}", file.findings);
    let scenario = &file.scenarios[0];
    assert!(known(scenario, flow).is_empty());
    let played = play(&ground, scenario);
    look(&ground, scenario, played)
}

/// The failures of a scenario, as text.
fn failures(scenario: &str) -> Vec<String> {
    with(scenario, |ground, scenario, played| {
        let (failures, warnings) = judge(ground, scenario, &played);
        assert!(warnings.is_empty());
        failures.into_iter().map(|failure| failure.came).collect()
    })
}

#[test]
fn a_call_is_the_same_every_time() {
    let scenario = "caller: wait prompt; keys 1; wait verb Record; speak Please call me back\n";
    let once = with(scenario, |_, _, played| format!("{played:?}"));
    let again = with(scenario, |_, _, played| format!("{played:?}"));
    assert_eq!(once, again);
}

#[test]
fn times_are_those_of_the_call() {
    with("caller: wait prompt; keys 2\ndials: [no-answer]\n", |_, _, played| {
        // The prompt, half a second, twenty seconds of ringing; then the message that nobody speaks.
        let steps: Vec<(u64, u16)> = played
            .steps
            .iter()
            .map(|(at, step)| (at.since(played.began), step.0))
            .collect();
        let prompt = 500 + 72 * "Press one or two.".len() as u64;
        assert_eq!(steps[0], (0, 0));
        assert_eq!(steps[1], (prompt + 500, 2));
        assert_eq!(steps[2], (prompt + 500 + 20_000, 1));
        assert_eq!(played.end, Some(EndReason::HungUp));
    });
}

#[test]
fn words_that_are_recorded_are_its_transcript() {
    let scenario = "caller: wait prompt; keys 1; wait verb Record; speak Please; wait 1s; speak call me back; hangup\n";
    with(scenario, |_, _, played| {
        let transcripts: Vec<String> = played
            .rows
            .iter()
            .filter_map(|row| match row {
                crate::call::Row::Recording(recording) => recording.transcript.clone(),
                _ => None,
            })
            .collect();
        assert_eq!(transcripts, ["Please call me back"]);
        assert_eq!(played.end, Some(EndReason::CallerLeft));
        assert_eq!(played.recordings, 1);
    });
}

#[test]
fn every_expectation_can_fail() {
    let call = "caller: wait prompt; keys 1; wait verb Record; speak Please call me back\nexpect:\n  ";
    for (good, bad) in [
        (
            "hears: [Press one, Speak now, Goodbye]",
            "hears: [Speak now, Press one]",
        ),
        ("not_hears: [Hello]", "not_hears: [Goodbye]"),
        ("silence: 8s", "silence: 1s"),
        ("recordings: 1", "recordings: 2"),
        ("messages: 0", "messages: [{channel: sms}]"),
        ("steps: [menu, message, over]", "steps: [message, menu]"),
        ("not_steps: [person]", "not_steps: [message]"),
        ("ends: hung_up", "ends: caller_left"),
        ("within: {end: 30s, message: 5s, Goodbye: 20s}", "within: {end: 2s}"),
        ("within: {Goodbye: 20s}", "within: {Nothing: 20s}"),
        ("stored: {interactions: [{kind: call}]}", "stored: {interactions: 2}"),
        ("stored: {vars: {}}", "stored: {vars: {name: Dana}}"),
        (
            "twiml: {message: [{Say: Speak now.}, {Record: {timeout: 3}}]}",
            "twiml: {message: [{Record: {timeout: 4}}]}",
        ),
        (
            "twiml: {menu: [{Gather: {numDigits: 1, children: [Say]}}]}",
            "twiml: {menu: [{Gather: {children: [Play]}}]}",
        ),
        ("requests: []", "requests: [crm.example.com]"),
        ("turns: []", "turns: [{agent: Hello}]"),
    ] {
        assert_eq!(failures(&format!("{call}{good}\n")), Vec::<String>::new(), "{good}");
        assert_eq!(failures(&format!("{call}{bad}\n")).len(), 1, "{bad}");
    }
}

const KEYS: &str = "\
flow: t
locale: en-US
start: {call: ask}
otherwise: sorry
steps:
  ask:
    gather: {prompt: {say: Four keys.}, keys: 4, timeout: 4s, speech: {end: 2s}, choices: {all: [\"1234\", sales], two: \"12\"}}
    on: {all: more, two: record, no_input: sorry, no_match: sorry}
  more:
    gather: {prompt: {say: One more.}, keys: 1, choices: {seven: \"7\"}}
    on: {seven: over, no_input: sorry, no_match: sorry}
  record:
    record: {prompt: {say: Speak now.}, silence: 4s, max: 10s, finish: \"#\"}
    on: {recorded: over, empty: sorry}
  sorry:
    say: Goodbye.
    next: over
  over:
    hangup: {}
";

/// The steps of a call to the flow of keys, each with the millisecond in which it was come to.
fn way(caller: &str) -> Vec<(String, u64)> {
    let compiled = compile("flows/t.yaml", &Memory(KEYS));
    let flow = compiled.flow.as_ref().expect("it compiles");
    let ground = Ground::new(flow, compiled.templates.clone());
    let file = read(
        "t.yaml",
        &format!("scenario: t\nflow: flows/t.yaml\ncaller: {caller}\n"),
    );
    let played = play(&ground, &file.scenarios[0]);
    let steps = played.steps.iter();
    steps
        .map(|(at, step)| (flow.step(*step).name.clone(), at.since(played.began)))
        .collect()
}

#[test]
fn a_gather_collects_key_by_key() {
    let way = |caller: &str| -> Vec<String> { way(caller).into_iter().map(|(step, _)| step).collect() };
    // Each within the time that is waited for the next one.
    let slow = way("wait prompt; keys 1; wait 3s; keys 2; wait 3s; keys 3; wait 2s; keys 4");
    assert_eq!(slow[..2], ["ask", "more"]);
    // Too late for the third.
    assert_eq!(way("wait prompt; keys 12; wait 5s; keys 34")[..2], ["ask", "record"]);
    // What one gather does not take belongs to the next.
    assert_eq!(way("wait prompt; keys 12347"), ["ask", "more", "over"]);
    // Keys end the recognition of speech, and words after keys are none; keys after words take their place.
    assert_eq!(
        way("wait prompt; keys 12; wait 1s; speak sales")[..2],
        ["ask", "record"]
    );
    assert_eq!(
        way("wait prompt; speak nothing; wait 1s; keys 12")[..2],
        ["ask", "record"]
    );
    assert_eq!(
        way("wait prompt; speak sales; wait 1s; speak please")[..2],
        ["ask", "sorry"]
    );
    assert_eq!(way("wait prompt; speak sales")[..2], ["ask", "more"]);
    // The key that ends it, alone, is no input.
    assert_eq!(way("\"wait prompt; keys 12#\"")[..2], ["ask", "record"]);
    assert_eq!(way("\"wait prompt; keys #\"")[..2], ["ask", "sorry"]);
    // A pause between keys is one.
    assert_eq!(way("wait prompt; keys 12WWWWW34")[..2], ["ask", "record"]);
}

#[test]
fn a_message_is_as_long_as_it_may_be_from_its_first_moment() {
    let over = |caller: &str| {
        let way = way(caller);
        let at = |name: &str| way.iter().find(|(step, _)| step == name).map(|(_, at)| *at);
        Some(at("over")? - at("record")?)
    };
    let begin = "wait prompt; keys 12W; wait verb Record";
    // The prompt takes 1.2 s and the tone 0.3 s; then ten seconds are the most, with whatever silence comes first.
    let long = over(&format!("{begin}; wait 3s; speak 2s; wait 3s; speak 9s"));
    assert_eq!(long, Some(1_220 + 300 + 10_000));
    // Four seconds of silence end it.
    let short = over(&format!("{begin}; wait 1s; speak 2s"));
    assert_eq!(short, Some(1_220 + 1_000 + 2_000 + 4_000));
    let key = over(&format!("{begin}; wait 1s; speak 2s; keys 1#"));
    assert_eq!(key, Some(1_220 + 1_000 + 2_000 + 200));
}

#[test]
fn a_silence_over_the_flows_limit_fails_unless_another_is_named() {
    let scenario = "caller: wait prompt; keys 2\ndials: [busy]\nfaults: [delay-webhooks=9s]\n";
    let came = failures(scenario);
    assert!(came.iter().any(|came| came.ends_with("of silence")), "{came:?}");
    assert_eq!(
        failures(&format!("{scenario}expect: {{silence: 20s}}\n")),
        Vec::<String>::new()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a caller does and whatever goes wrong, a call comes to its end.
    #[test]
    fn every_call_ends(
        steps in proptest::collection::vec(prop_oneof![
            Just("wait prompt"), Just("wait sound"), Just("wait 2s"), Just("keys 1"), Just("keys 2"), Just("keys 9#"),
            Just("speak Hello there"), Just("wait verb Record"), Just("interrupt after 1s"), Just("hangup"),
        ], 0..8),
        dial in prop_oneof![Just("answer"), Just("busy"), Just("no-answer"), Just("failed"), Just("canceled")],
        fault in prop_oneof![
            Just(""), Just("restart=3s"), Just("drain=1s"), Just("store-fails"), Just("store-fails=4s"),
            Just("render-fails"), Just("render-fails=4s"), Just("delay-webhooks=1s"), Just("lost-status"),
            Just("fail-rest"), Just("slow-rest"), Just("no-recording"), Just("reorder-webhooks"),
        ],
    ) {
        let faults = if fault.is_empty() { String::new() } else { format!("faults: [{fault}]\n") };
        let scenario = format!("caller: \"{}\"\ndials: [{dial}]\n{faults}", steps.join("; "));
        with(&scenario, |_, _, played| {
            assert!(played.end.is_some(), "{scenario}");
            assert!(played.over >= played.began);
        });
    }
}

proptest! {
    /// Whatever is written, reading it comes to findings or scenarios, and never breaks.
    #[test]
    fn any_text_is_read(text in "(scenario|flow|caller|cases|expect|hears|: |\n|  |- |\\[|\\]|\\{|\\}|a|1s|,){0,40}") {
        let file = read("t.yaml", &text);
        prop_assert!(!file.findings.is_empty() || !file.scenarios.is_empty());
    }
}
