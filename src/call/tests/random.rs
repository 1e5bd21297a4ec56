//! Whatever happens in whatever order: the machine never panics, never strands a call, and does nothing twice.

use super::phone::{Phone, arrival};
use super::project::Project;
use crate::call::{
    Answer, CarrierStatus, Event, FollowUp, Params, Phase, Pii, Route, Task, TaskKind, TaskOutput, TaskResult, Ticket,
    Timer, Trouble,
};
use proptest::prelude::*;
use serde_json::{Map, json};
use std::sync::LazyLock;

/// Something that happens, chosen without knowledge of where the call stands.
#[derive(Clone, Debug)]
enum Move {
    /// The carrier comes back as the document says.
    Back(Params),
    /// The carrier asks with some ticket.
    Ask(Ticket, Params),
    Status(CarrierStatus, Option<u32>, Option<u32>),
    Aside(Params),
    /// A socket starts, with the right token or another one.
    Start(bool),
    Talk(String),
    Close(u64),
    Report(String),
    Turn,
    /// The next timer is due, or one fires that is not.
    Due(bool),
    Fire(Timer),
    /// A pending task ends; or one of another name does.
    Perform(usize, u8),
    Stray(u8),
    Arrive,
    DocumentFailed(Ticket),
    Store,
    Restart,
    Drain,
    Pass(u64),
}

fn ticket() -> impl Strategy<Value = Ticket> {
    let route = prop_oneof![
        Just(Route::IncomingCall),
        Just(Route::StreamEnded),
        Just(Route::HandleRecording),
        Just(Route::Next)
    ];
    (route, 0u32..5).prop_map(|(route, n)| Ticket { route, n })
}

fn params() -> impl Strategy<Value = Params> {
    let field = prop_oneof![
        ("[0-9#*]{0,3}").prop_map(|value| ("Digits".to_owned(), value)),
        (".{0,4}").prop_map(|value| ("SpeechResult".to_owned(), value)),
        ("(completed|busy|no-answer|answered|x)").prop_map(|value| ("DialCallStatus".to_owned(), value)),
        ("(bridged|leave|queue-full)").prop_map(|value| ("QueueResult".to_owned(), value)),
        ("RE[12]").prop_map(|value| ("RecordingSid".to_owned(), value)),
        ("https://a.example/RE[12]").prop_map(|value| ("RecordingUrl".to_owned(), value)),
        ("(in-progress|ringing|nonsense)").prop_map(|value| ("CallStatus".to_owned(), value)),
        (".{0,6}", ".{0,6}").prop_map(|field| field),
    ];
    prop::collection::vec(field, 0..4).prop_map(|fields| fields.into_iter().collect())
}

fn status() -> impl Strategy<Value = CarrierStatus> {
    // The end is rare, or every call would be a short one.
    prop_oneof![
        8 => Just(CarrierStatus::InProgress),
        2 => Just(CarrierStatus::Ringing),
        1 => Just(CarrierStatus::Completed),
        1 => Just(CarrierStatus::Failed),
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let exit = "(completed|transfer|failed|no_reply|nonsense)";
    let one = prop_oneof![
        8 => params().prop_map(Move::Back),
        2 => (ticket(), params()).prop_map(|(ticket, params)| Move::Ask(ticket, params)),
        1 => (status(), prop::option::of(0u32..6), prop::option::of(0u32..90)).prop_map(|(a, b, c)| Move::Status(a, b, c)),
        1 => params().prop_map(Move::Aside),
        4 => prop::bool::weighted(0.8).prop_map(Move::Start),
        2 => exit.prop_map(Move::Talk),
        1 => (0u64..3).prop_map(Move::Close),
        1 => "(stream-started|stream-stopped|stream-error|x)".prop_map(Move::Report),
        1 => Just(Move::Turn),
        3 => any::<bool>().prop_map(Move::Due),
        1 => prop::sample::select(Timer::ALL.to_vec()).prop_map(Move::Fire),
        5 => (0usize..4, any::<u8>()).prop_map(|(task, result)| Move::Perform(task, result)),
        1 => any::<u8>().prop_map(Move::Stray),
        1 => Just(Move::Arrive),
        1 => ticket().prop_map(Move::DocumentFailed),
        1 => Just(Move::Store),
        1 => Just(Move::Restart),
        1 => Just(Move::Drain),
        3 => (0u64..40_000).prop_map(Move::Pass),
    ];
    prop::collection::vec(one, 0..40)
}

/// What a task could have given back, fitting or not.
fn result(task: Option<&Task>, choice: u8) -> TaskResult {
    let fitting = match task.map(|task| &task.kind) {
        Some(TaskKind::SendMessage { .. }) => TaskOutput::Sent { sid: "SM1".to_owned() },
        Some(TaskKind::Http { .. }) => TaskOutput::Http {
            status: 200,
            body: json!({"name": "Dana"}),
        },
        Some(TaskKind::Transcribe { .. }) => TaskOutput::Transcript { text: String::new() },
        Some(TaskKind::AskStatus) => TaskOutput::Status {
            status: CarrierStatus::InProgress,
            seconds: None,
        },
        _ => TaskOutput::Accepted,
    };
    match choice % 16 {
        0..=9 => Ok(fitting),
        10..=12 => Err("it failed".to_owned()),
        13 => Ok(TaskOutput::Http {
            status: 404,
            body: json!([]),
        }),
        14 => Ok(TaskOutput::Status {
            status: CarrierStatus::Completed,
            seconds: Some(3),
        }),
        _ => Ok(TaskOutput::CallGone),
    }
}

fn make(phone: &mut Phone, one: Move) {
    match one {
        Move::Back(params) => {
            if let Some(ticket) = phone.ticket {
                asks_twice(phone, ticket, params);
            }
        }
        Move::Ask(ticket, params) => asks_twice(phone, ticket, params),
        Move::Status(status, sequence, seconds) => {
            phone.happens(Event::StatusChanged {
                status,
                sequence,
                seconds,
            });
        }
        Move::Aside(params) => {
            let before = phone.call.phase.clone();
            phone.happens(Event::AsideAsked { params, round: 1 });
            assert_eq!(phone.call.phase, before);
        }
        Move::Start(true) => {
            phone.stream_starts();
        }
        Move::Start(false) => {
            let before = phone.call.clone();
            let (stream_sid, token) = ("MZ0".to_owned(), Some("guessed".to_owned()));
            phone.happens(Event::StreamStarted { stream_sid, token });
            assert_eq!(phone.call, before, "a stranger got in");
        }
        Move::Talk(exit) => {
            phone.talk_ends(&exit);
        }
        Move::Close(frames) => {
            phone.stream_closes(frames);
        }
        Move::Report(report) => {
            phone.happens(Event::StreamReported { report, error: None });
        }
        Move::Turn => {
            let (role, text) = ("caller".to_owned(), Pii::new("hello".to_owned()));
            let (started, ended) = (phone.now, phone.now);
            phone.happens(Event::TurnTaken {
                role,
                text,
                started,
                ended,
                interrupted: false,
                facts: Map::new(),
            });
        }
        Move::Due(heard) => {
            if let Some((timer, due)) = phone.next_timer() {
                phone.now = phone.now.max(due);
                let last_frame = heard.then_some(phone.now);
                phone.happens(Event::TimerFired { timer, last_frame });
            }
        }
        Move::Fire(timer) => {
            phone.happens(Event::TimerFired {
                timer,
                last_frame: None,
            });
        }
        Move::Perform(index, choice) => {
            if let Some(task) = phone.tasks.get(index).cloned() {
                let result = result(Some(&task), choice);
                phone.ends(task.key, result);
            }
        }
        Move::Stray(choice) => {
            let name = format!(
                "{}/{}",
                phone.call.facts.id,
                ["http/1", "transcribe/REx", "x", "redirect_call/2"][usize::from(choice % 4)]
            );
            if !phone.ordered.iter().any(|key| key.as_str() == name) {
                phone.happens(Event::TaskEnded {
                    key: name.as_str().into(),
                    result: Err("stray".to_owned()),
                });
            }
        }
        Move::Arrive => {
            phone.happens(Event::CallArrived(arrival()));
        }
        Move::DocumentFailed(ticket) => {
            phone.happens(Event::DocumentFailed {
                ticket,
                error: "x".to_owned(),
            });
        }
        Move::Store => {
            phone.happens(Event::TroubleStruck {
                trouble: Trouble::Store,
            });
        }
        Move::Restart => {
            phone.happens(Event::EngineRestarted);
        }
        Move::Drain => {
            phone.happens(Event::EngineDraining);
        }
        Move::Pass(millis) => {
            phone.waits(millis);
        }
    }
}

/// Whoever asks twice gets the same document; only a wait for our own task may move on in between, which it does not here.
fn asks_twice(phone: &mut Phone, ticket: Ticket, params: Params) {
    phone.happens(Event::CarrierAsked {
        ticket,
        params: params.clone(),
    });
    let (answer, ended) = (phone.answer.clone(), phone.call.live().is_none());
    let before = phone.call.clone();
    phone.happens(Event::CarrierAsked { ticket, params });
    if !ended {
        assert_eq!(phone.answer, answer, "{ticket:?} was answered in two ways");
        assert_eq!(phone.call, before, "a repeated request moved the call");
    }
    assert!(matches!(phone.answer, Some(Answer::Document(_) | Answer::Nothing)));
}

/// The call is brought to its end and every task answered: then all that follows was done, each once.
fn ends_well(phone: &mut Phone) {
    phone.waits(20 * 60_000);
    assert!(phone.call.live().is_none(), "{:?} lives for ever", phone.call.phase);
    for _ in 0..200 {
        let Some(task) = phone.tasks.first().cloned() else {
            break;
        };
        let result = result(Some(&task), 0);
        phone.ends(task.key, result);
    }
    assert_eq!(phone.tasks, Vec::new(), "tasks breed tasks");
    assert!(phone.call.is_finished(), "{:?}", phone.call.phase);
    let before = phone.call.clone();
    phone.happens(Event::EngineRestarted).hangs_up(1);
    assert_eq!(phone.call.phase, before.phase);
    assert!(matches!(
        phone.call.phase,
        Phase::Ended {
            follow_up: FollowUp::Done,
            ..
        }
    ));
}

const ENDING: &str = "after_call:
  - sms: {to: '{{ call.from }}', body: FOLLOW 1}
  - sms: {to: '{{ call.from }}', body: FOLLOW 2}
  - interaction: {kind: call, summary: FOLLOW 3}
";

static FLOWS: LazyLock<Vec<Project>> = LazyLock::new(|| {
    let agent = "agents:\n  a:\n    think: {answers: [{keys: '0', exit: transfer}], otherwise: {exit: completed}}\n";
    let steps = |steps: &str| {
        format!(
            "flow: t\nlocale: en-US\nstart: {{call: a}}\notherwise: z\nlimits: {{call: 5m}}\nsteps:\n{steps}  y: {{hangup: {{}}}}\n{ENDING}"
        )
    };
    let inner = "flow: inner\nstart: {call: q}\nends: [yes, no]\nsteps:\n  q: {gather: {prompt: tts/a.mp3, keys: 1, tries: 2, choices: {y: '1'}}, on: {y: y, no_input: n, no_match: h}}\n  h: {http: 'https://a.example', on: {ok: y, failed: n}}\n  y: {end: yes}\n  n: {end: no}\n";
    vec![
        Project::new(
            steps("  a: {play: tts/a.mp3, next: b}\n  b: {converse: a, on: {completed: y, transfer: c, no_stream_start: d}}\n  c: {dial: {number: '+14155550100', whisper: tts/w.mp3, screen: {prompt: tts/s.mp3}}, next: y}\n  d: {converse: a, on: {completed: y, transfer: c}}\n  z: {record: {prompt: tts/f.mp3, transcribe: true}, next: y}\n")
                + agent,
        ),
        Project::new(steps("  a: {gather: {prompt: tts/m.mp3, keys: 1, choices: {one: '1', two: '2'}, into: k}, on: {one: b, two: c}}\n  b: {http: {url: 'https://a.example/{{ vars.k }}', into: who}, on: {ok: e, failed: z}}\n  c: {run: inner.yaml, on: {yes: e, no: a}}\n  e: {sms: {to: '{{ call.from }}', body: x}, on: {sent: y, failed: y}}\n  z: {record: {transcribe: true}, on: {recorded: y, empty: a}}\n"))
            .file("flows/inner.yaml", inner),
        Project::new(steps("  a: {stream: 'wss://b.example/x', on: {ended: b, failed: c}}\n  b: {enqueue: {queue: q, wait: [tts/w.mp3]}, on: {bridged: y, left: c}}\n  c: {say: '{{ step.nothing.here }}', next: y}\n  z: {choose: {p: 'step.a.b == 1'}, on: {p: a, else: y}}\n")),
    ]
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_strands_a_call_or_does_anything_twice(which in 0usize..3, moves in moves()) {
        let mut phone = Phone::rings_in(&FLOWS[which]);
        for one in moves {
            make(&mut phone, one);
        }
        ends_well(&mut phone);
        let once: Vec<_> = phone.messages.iter().filter(|body| body.starts_with("FOLLOW")).collect();
        prop_assert_eq!(once, ["FOLLOW 1", "FOLLOW 2"]);
        let noted = phone.rows.iter().filter(|row| matches!(row, crate::call::Row::Interaction { summary, .. } if summary == "FOLLOW 3"));
        prop_assert_eq!(noted.count(), 1);
    }
}
