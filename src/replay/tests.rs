//! Recordings made by hand, through flows in memory.

use super::tape::Happened;
use super::veil::Veil;
use super::{Comparison, Side, alone, compare, view};
use crate::call::{Arrival, Asset, CarrierStatus, Event, Params, Pii, Route, TaskKey, TaskOutput, Ticket, Time, Timer};
use crate::compile::{Files, ProviderNames, compile};
use proptest::prelude::*;
use serde_json::{Map, json};
use std::collections::BTreeMap;

const FLOW: &str = r#"flow: desk
version: 1
locale: en-US
start: {call: hello}
limits: {call: 10m, silence: 8s}
otherwise: voicemail
steps:
  hello:
    say: "Hello {{ call.caller_name }}."
    next: menu
  menu:
    gather: {prompt: tts/menu.mp3, keys: 1, choices: {talk: "1", ask: "2"}, tries: 2}
    on: {talk: talk, ask: ask, no_input: voicemail, no_match: voicemail}
  ask:
    http: {url: "https://a.example/{{ step.digits }}", timeout: 3s}
    on: {ok: over, failed: voicemail}
  talk:
    converse: {agent: helper, watchdog: {start: 6s, media: 6s}}
    on: {completed: over, no_reply: over, no_stream_start: voicemail, no_media: voicemail}
  voicemail:
    record: {prompt: tts/leave.mp3, silence: 4s, max: 30s}
    next: over
  over:
    hangup: {}
agents:
  helper:
    listen: {provider: energy}
    think: {provider: scripted, answers: [{turn: 1, play: tts/answer.mp3}], otherwise: {exit: completed}}
    speak: {provider: prompts}
"#;

/// Files in memory: every sound below `tts/` is two seconds long.
struct Memory(BTreeMap<String, String>);

impl Files for Memory {
    fn text(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        path.starts_with("tts/").then(|| {
            (
                Asset {
                    millis: Some(2_000),
                    lead: 0,
                },
                path.to_owned(),
            )
        })
    }

    fn providers(&self) -> ProviderNames {
        crate::line::declared("")
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let name = |path: &String| Some(path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        self.0.keys().filter_map(name).collect()
    }
}

fn side(flow: &str, more: &[(&str, &str)]) -> Side {
    let mut files: BTreeMap<String, String> = more
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    files.insert("flows/main.yaml".to_owned(), flow.to_owned());
    let compiled = compile("flows/main.yaml", &Memory(files));
    assert!(compiled.flow.is_some(), "{:#?}", compiled.findings);
    Side::new("flows/main.yaml", compiled).expect("a flow")
}

fn edited(from: &str, to: &str) -> Side {
    assert!(FLOW.contains(from), "{from}");
    side(&FLOW.replace(from, to), &[])
}

fn params(fields: &[(&str, &str)]) -> Params {
    fields.iter().copied().collect()
}

fn arrival() -> Event {
    Event::CallArrived(Arrival {
        params: params(&[
            ("CallSid", "CA1"),
            ("From", "+972501234567"),
            ("To", "+97231111111"),
            ("CallerName", "Dana Levi"),
        ]),
        origin: "https://line.example".to_owned(),
        seed: "5eed".to_owned(),
        contact: None,
        draining: false,
    })
}

fn asked(route: Route, n: u32, fields: &[(&str, &str)]) -> Event {
    Event::CarrierAsked {
        ticket: Ticket { route, n },
        params: params(fields),
    }
}

fn status(status: CarrierStatus) -> Event {
    Event::StatusChanged {
        status,
        sequence: None,
        seconds: Some(20),
    }
}

fn fired(timer: Timer) -> Event {
    Event::TimerFired {
        timer,
        last_frame: None,
    }
}

fn started(side: &Side, tape: &[Happened]) -> Event {
    let call = alone(side, tape).call.expect("a call");
    let token = call.live().and_then(|live| match &live.wait.on {
        crate::call::WaitOn::Stream(stream) => Some(stream.token.clone()),
        _ => None,
    });
    Event::StreamStarted {
        stream_sid: "MZ1".to_owned(),
        token: Some(token.expect("a stream is expected")),
    }
}

fn tape(events: Vec<(u64, Event)>) -> Vec<Happened> {
    let happened = |(seq, (at, event)): (i64, (u64, Event))| Happened {
        seq,
        at: Time(1_000_000 + at),
        event,
    };
    (1..).zip(events).map(happened).collect()
}

/// A call that is put through to the agent, whose stream never starts: the watchdog takes it to the recording.
fn stranded() -> Vec<(u64, Event)> {
    vec![
        (0, arrival()),
        (4_000, asked(Route::Next, 1, &[("Digits", "1")])),
        (10_003, fired(Timer::StreamStart)),
        (
            10_100,
            Event::TaskEnded {
                key: TaskKey::from("CA1/redirect_call/1"),
                result: Ok(TaskOutput::Accepted),
            },
        ),
        (
            19_000,
            asked(
                Route::HandleRecording,
                1,
                &[
                    ("RecordingSid", "RE1"),
                    ("RecordingUrl", "https://a.example/RE1"),
                    ("RecordingDuration", "6"),
                ],
            ),
        ),
        (20_000, status(CarrierStatus::Completed)),
    ]
}

fn first(comparison: &Comparison) -> Option<i64> {
    comparison.beats[comparison.first?].seq
}

fn why(comparison: &Comparison) -> &str {
    comparison.stop.as_ref().map_or("", |stop| &stop.why)
}

#[test]
fn the_same_flow_does_the_same() {
    let (then, now) = (side(FLOW, &[]), side(FLOW, &[]));
    let tape = tape(stranded());
    let comparison = compare(&then, &now, &tape);
    assert_eq!((comparison.first, comparison.stop), (None, None));
    // Comments and the order of steps are nothing that a caller would notice.
    let commented = edited("  over:\n    hangup: {}\n", "  # the end\n  over:\n    hangup: {}\n");
    assert_eq!(compare(&then, &commented, &tape).first, None);
}

#[test]
fn a_prompt_parts_the_flows_where_it_is_heard() {
    let (then, now) = (side(FLOW, &[]), edited("tts/leave.mp3", "tts/other.mp3"));
    let comparison = compare(&then, &now, &tape(stranded()));
    assert_eq!((first(&comparison), why(&comparison)), (Some(3), ""));
    let (old, new) = comparison.beats[2].parting(&then, &now);
    let (old, new) = (old.expect("a step"), new.expect("a step"));
    assert_eq!(
        (old.step.as_str(), new.step.as_str(), old.line),
        ("voicemail", "voicemail", 20)
    );
    assert!(
        old.text[1].contains("leave") && new.text[1].contains("other"),
        "{old:?} {new:?}"
    );
    assert_eq!(new.text.len(), 3);
}

#[test]
fn another_way_ends_where_the_recording_answers_something_else() {
    let then = side(FLOW, &[]);
    let rewired = edited("no_stream_start: voicemail", "no_stream_start: menu");
    let comparison = compare(&then, &rewired, &tape(stranded()));
    assert_eq!(first(&comparison), Some(3));
    assert!(
        why(&comparison).contains("`record`") && why(&comparison).contains("waits in `menu`"),
        "{}",
        why(&comparison)
    );

    let removed = edited("on: {talk: talk, ask: ask,", "on: {talk: voicemail, ask: ask,");
    let comparison = compare(&then, &removed, &tape(stranded()));
    assert_eq!(first(&comparison), Some(2));
}

#[test]
fn a_flow_that_hears_out_the_carrier_gets_the_late_stream() {
    let then = side(FLOW, &[]);
    let patient = edited("start: 6s", "start: 20s");
    let mut events = stranded();
    let late = started(&then, &tape(events[..2].to_vec()));
    events.insert(4, (11_000, late));
    let comparison = compare(&then, &patient, &tape(events));
    assert_eq!(first(&comparison), Some(2), "the timer is another one");
    let beat = comparison
        .beats
        .iter()
        .find(|beat| beat.seq == Some(5))
        .expect("the late stream");
    let told = |moment: &Option<super::Moment>| format!("{:?}", moment.as_ref().map(|moment| &moment.effects));
    assert!(
        told(&beat.then).contains("Refuse") && told(&beat.now).contains("Admit"),
        "{beat:?}"
    );
    assert!(why(&comparison).contains("waits in `talk`"), "{}", why(&comparison));
}

#[test]
fn the_edited_flows_own_timers_fire() {
    let then = side(FLOW, &[]);
    let hasty = edited("start: 6s", "start: 2s");
    let mut events = stranded()[..2].to_vec();
    let stream = started(&then, &tape(events.clone()));
    events.push((8_000, stream));
    let comparison = compare(&then, &hasty, &tape(events));
    let own = comparison
        .beats
        .iter()
        .find(|beat| beat.seq.is_none())
        .expect("a timer of its own");
    assert_eq!(own.at, Time(1_006_000));
    assert!(own.then.is_none() && own.now.as_ref().is_some_and(|now| now.documents[0].redirect.is_some()));
    assert!(
        why(&comparison).contains("a media stream starts"),
        "{}",
        why(&comparison)
    );
}

#[test]
fn another_service_is_not_answered_by_the_recorded_one() {
    let then = side(FLOW, &[]);
    let other = edited("https://a.example/", "https://b.example/");
    let events = vec![
        (0, arrival()),
        (4_000, asked(Route::Next, 1, &[("Digits", "2")])),
        (
            4_200,
            Event::TaskEnded {
                key: TaskKey::from("CA1/http/1"),
                result: Ok(TaskOutput::Http {
                    status: 200,
                    body: json!({}),
                }),
            },
        ),
        (5_000, asked(Route::Next, 2, &[])),
    ];
    let comparison = compare(&then, &other, &tape(events));
    assert_eq!(first(&comparison), Some(2));
    assert!(why(&comparison).contains("asks another one"), "{}", why(&comparison));
}

#[test]
fn a_document_that_cannot_be_rendered_goes_the_way_it_goes_in_the_engine() {
    let own = FLOW.replace("    say: \"Hello {{ call.caller_name }}.\"", "    twiml: own");
    let good = ("templates/own.xml", "<Pause length=\"1\"/>");
    let bad = ("templates/own.xml", "{{ 1 / 0 }}");
    let (then, now) = (side(&own, &[good]), side(&own, &[bad]));
    let events = vec![(0, arrival()), (4_000, status(CarrierStatus::Completed))];
    let comparison = compare(&then, &now, &tape(events.clone()));
    assert_eq!(first(&comparison), Some(1));
    let own_beat = comparison
        .beats
        .iter()
        .find(|beat| beat.seq.is_none())
        .expect("it learns of it");
    assert!(
        matches!(&own_beat.now, Some(now) if matches!(now.event, Event::DocumentFailed { .. })),
        "{own_beat:?}"
    );
    // The same fault in both is no difference: the recording has the failure itself.
    let failed = Event::DocumentFailed {
        ticket: Ticket::FIRST,
        error: "division by zero".to_owned(),
    };
    let mut recorded = events;
    recorded.insert(1, (0, failed));
    let comparison = compare(&side(&own, &[bad]), &now, &tape(recorded));
    assert_eq!((comparison.first, comparison.beats.len()), (None, 3));
}

fn page(then: &Side, now: Option<&Side>, tape: &[Happened], veil: &Veil) -> [String; 3] {
    let run = alone(then, tape);
    let compared = now.map(|now| compare(then, now, tape));
    let report = view::Report {
        call: "CA1",
        head: Vec::new(),
        then,
        now,
        beats: compared.as_ref().map_or(&run.beats, |compared| &compared.beats),
        first: compared.as_ref().and_then(|compared| compared.first),
        stop: compared.as_ref().and_then(|compared| compared.stop.as_ref()),
        still_waits: compared.as_ref().and_then(|compared| compared.still_waits.as_deref()),
        faults: &[],
        veil,
    };
    [
        view::human(&report),
        view::plain(&report),
        view::json(&report).to_string(),
    ]
}

#[test]
fn people_are_masked_unless_they_are_asked_for() {
    let then = side(FLOW, &[]);
    let now = edited("Hello {{", "Good day {{");
    let mut events = stranded();
    events.insert(
        4,
        (
            12_000,
            Event::TurnTaken {
                role: "caller".to_owned(),
                text: Pii::new("my pin is 4711".to_owned()),
                started: Time(1),
                ended: Time(2),
                interrupted: false,
                facts: Map::new(),
            },
        ),
    );
    let tape = tape(events);
    for now in [None, Some(&now)] {
        let sides: Vec<&Side> = std::iter::once(&then).chain(now).collect();
        for page in page(&then, now, &tape, &Veil::over(&sides, &tape)) {
            for private in ["972501234567", "501234", "Dana", "Levi", "4711", "pin"] {
                assert!(!page.contains(private), "{private} in\n{page}");
            }
            assert!(page.contains("4 words") && page.contains("Hello ***"), "{page}");
        }
        for page in page(&then, now, &tape, &Veil::lifted()) {
            assert!(
                page.contains("Hello Dana Levi.") && page.contains("my pin is 4711"),
                "{page}"
            );
        }
    }
}

#[test]
fn columns_keep_to_the_page() {
    let then = side(FLOW, &[]);
    let now = edited("no_stream_start: voicemail", "no_stream_start: menu");
    let tape = tape(stranded());
    let [human, plain, _] = page(&then, Some(&now), &tape, &Veil::over(&[&then, &now], &tape));
    let (timeline, _) = human.split_once("first difference").expect("a verdict");
    assert!(timeline.lines().all(|line| line.chars().count() <= 100), "{human}");
    assert!(timeline.contains(" │ "), "{human}");
    assert!(plain.contains("then:   Record 30s"), "{plain}");
    assert!(
        plain.contains("the recorded carrier answers something that the edited flow did not ask"),
        "{plain}"
    );
}

fn any_event() -> impl Strategy<Value = Event> {
    let fields = prop_oneof![
        Just(vec![("Digits", "1")]),
        Just(vec![("Digits", "2")]),
        Just(vec![("SpeechResult", "hello")]),
        Just(vec![("RecordingSid", "RE1"), ("RecordingUrl", "https://a.example/1")]),
        Just(vec![("CallStatus", "completed")]),
        Just(vec![]),
    ];
    let route = prop_oneof![
        Just(Route::IncomingCall),
        Just(Route::StreamEnded),
        Just(Route::HandleRecording),
        Just(Route::Next)
    ];
    let task = prop_oneof![
        Just("CA1/http/1"),
        Just("CA1/redirect_call/1"),
        Just("CA1/ask_status/2")
    ];
    prop_oneof![
        4 => (route, 1_u32..4, fields).prop_map(|(route, n, fields)| asked(route, n, &fields)),
        1 => prop_oneof![Just(CarrierStatus::InProgress), Just(CarrierStatus::Completed)].prop_map(status),
        2 => prop_oneof![Just(Timer::Guard), Just(Timer::StreamStart), Just(Timer::StreamMedia), Just(Timer::Limit)]
            .prop_map(fired),
        1 => (task, any::<bool>()).prop_map(|(key, ok)| Event::TaskEnded {
            key: TaskKey::from(key),
            result: if ok { Ok(TaskOutput::Accepted) } else { Err("no".to_owned()) },
        }),
        1 => Just(Event::EngineRestarted),
        1 => Just(Event::EngineDraining),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever was recorded, a flow does the same as itself; and another one is told of until the end.
    #[test]
    fn whatever_was_recorded(events in proptest::collection::vec((1_u64..9_000, any_event()), 0..25)) {
        let mut at = 0;
        let mut all = vec![(0, arrival())];
        for (pause, event) in events {
            at += pause;
            all.push((at, event));
        }
        let tape = tape(all);
        let (then, now) = (side(FLOW, &[]), side(FLOW, &[]));
        let comparison = compare(&then, &now, &tape);
        prop_assert_eq!(comparison.first, None);
        prop_assert_eq!(comparison.beats.len(), tape.len());
        let other = edited("on: {talk: talk, ask: ask,", "on: {talk: ask, ask: voicemail,");
        let comparison = compare(&then, &other, &tape);
        let told = comparison.beats.iter().filter(|beat| beat.then.is_some()).count();
        prop_assert_eq!(told, tape.len());
        let times: Vec<Time> = comparison.beats.iter().map(|beat| beat.at).collect();
        prop_assert!(times.is_sorted());
        page(&then, Some(&other), &tape, &Veil::over(&[&then, &other], &tape));
    }
}
