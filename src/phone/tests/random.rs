//! Random moves on flows that come with the engine: whatever is decided, time goes on and the telephone stays sound.

use crate::call::{CarrierStatus, Flow, Params, Phase, TaskKind, TaskOutput, TaskResult};
use crate::compile::compile;
use crate::line::Disk;
use crate::phone::{Beginning, DialEnd, Machine, Mishap, Move, Phone, REFUSED, START, Stage, Timing};
use crate::twiml::Templates;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use std::path::PathBuf;
use std::sync::LazyLock;

const FLOWS: [&str; 9] = [
    "flows/menu.yaml",
    "flows/receptionist.yaml",
    "flows/voicemail.yaml",
    "examples/parts.yaml",
    "examples/relay.yaml",
    "examples/relay-agent.yaml",
    "examples/retries.yaml",
    "examples/screening.yaml",
    "examples/service.yaml",
];

static COMPILED: LazyLock<Vec<(Flow, Templates)>> = LazyLock::new(|| {
    let disk = Disk::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let compiled = FLOWS.iter().map(|path| {
        let compiled = compile(path, &disk);
        let flow = compiled.flow;
        (
            flow.unwrap_or_else(|| panic!("{path}: {:?}", compiled.findings)),
            compiled.templates,
        )
    });
    compiled.collect()
});

fn timing() -> impl Strategy<Value = Timing> {
    select(&[Timing::Early, Timing::Late][..])
}

fn result() -> impl Strategy<Value = TaskResult> {
    let outputs = vec![
        TaskOutput::Accepted,
        TaskOutput::CallGone,
        TaskOutput::Sent { sid: "SM1".to_owned() },
        TaskOutput::Transcript {
            text: "Hello.".to_owned(),
        },
        TaskOutput::Http {
            status: 200,
            body: json!({"name": "Dana"}),
        },
        TaskOutput::Http {
            status: 404,
            body: json!(null),
        },
    ];
    prop_oneof![4 => select(outputs).prop_map(Ok), 1 => Just(Err(REFUSED.to_owned()))]
}

fn params() -> impl Strategy<Value = Params> {
    let name = select(
        &[
            "Digits",
            "SpeechResult",
            "DialCallStatus",
            "QueueResult",
            "RecordingSid",
            "x",
        ][..],
    );
    prop::collection::vec((name, "[a-z0-9#]{0,4}"), 0..3).prop_map(|fields| fields.into_iter().collect())
}

fn dial_end() -> impl Strategy<Value = DialEnd> {
    prop_oneof![
        (0u64..100_000_000).prop_map(DialEnd::Talked),
        select(&[DialEnd::Busy, DialEnd::NoAnswer, DialEnd::Failed, DialEnd::Canceled][..]),
    ]
}

/// Any move there is, chosen without knowledge of where the call stands.
fn any_move() -> impl Strategy<Value = Move> {
    let exit = "(completed|transfer|failed|no_reply|done|nonsense)";
    prop_oneof![
        12 => Just(Move::Pass),
        4 => "[0-9#*]{0,3}".prop_map(Move::Keys),
        2 => "[a-z ]{0,12}".prop_map(Move::Says),
        3 => (0u32..200).prop_map(Move::LeavesMessage),
        1 => (0u32..200).prop_map(Move::LeavesMessageAndHangsUp),
        1 => Just(Move::HangsUp),
        3 => dial_end().prop_map(Move::Dialled),
        1 => select(&["bridged", "leave", "queue-full", "error"][..]).prop_map(Move::Queued),
        1 => select(&["success", "internal-error"][..]).prop_map(Move::Paid),
        1 => any::<bool>().prop_map(Move::Referred),
        1 => params().prop_map(Move::Asks),
        6 => timing().prop_map(Move::StreamStarts),
        1 => Just(Move::StreamRefused),
        1 => any::<bool>().prop_map(|heard| Move::StreamBreaks { heard }),
        4 => (exit, any::<bool>(), 0u64..20_000).prop_map(|(exit, spoke, quiet)| Move::TalkEnds { exit, spoke, quiet }),
        1 => (0u64..9_000).prop_map(|idle| Move::NothingHeard { idle }),
        2 => Just(Move::AgentSpeaks),
        1 => ("[a-z]{0,5}", "(\\{\\}|[a-z\\{]{0,4})")
            .prop_map(|(action, arguments)| Move::Wishes { action, arguments }),
        8 => (0usize..3, result(), timing()).prop_map(|(task, result, timing)| Move::TaskEnds { task, result, timing }),
        1 => Just(Move::CarrierAsksFirst),
        1 => Just(Move::HangsUpUnnoticed),
        1 => Just(Move::LimitReached),
        1 => Just(Move::Restarts),
        1 => Just(Move::Drains),
    ]
}

fn mishap() -> impl Strategy<Value = Option<Mishap>> {
    prop_oneof![
        20 => Just(None),
        1 => Just(Some(Mishap::StoreFails)),
        1 => Just(Some(Mishap::RenderFails)),
    ]
}

/// The move, with an output that fits the task that ends: another one never comes.
fn fitting(next: Move, phone: &Phone<'_>) -> Move {
    let Move::TaskEnds { task, result, timing } = next else {
        return next;
    };
    let kind = phone.tasks.get(task).map(|task| &task.kind);
    let result = result.map(|output| match (kind, output) {
        (Some(TaskKind::RedirectCall { .. } | TaskKind::HangUpCall), TaskOutput::CallGone) => TaskOutput::CallGone,
        (Some(TaskKind::RedirectCall { .. } | TaskKind::HangUpCall), _) => TaskOutput::Accepted,
        (Some(TaskKind::AskStatus), _) => TaskOutput::Status {
            status: if phone.leg.is_over() {
                CarrierStatus::Completed
            } else {
                CarrierStatus::InProgress
            },
            seconds: phone.leg.is_over().then_some(7),
        },
        (Some(TaskKind::SendMessage { .. }), _) => TaskOutput::Sent { sid: "SM1".to_owned() },
        (Some(TaskKind::Transcribe { .. }), _) => TaskOutput::Transcript { text: "x".to_owned() },
        (Some(TaskKind::Http { .. }), output @ TaskOutput::Http { .. }) => output,
        (Some(TaskKind::Http { .. }), _) => TaskOutput::Http {
            status: 200,
            body: json!({"name": "Dana"}),
        },
        (None, output) => output,
    });
    Move::TaskEnds { task, result, timing }
}

/// What must hold between one move and the next.
fn holds(before: &Phone<'_>, after: &Phone<'_>, made: bool, next: &Move) -> Result<(), TestCaseError> {
    prop_assert!(after.now >= before.now, "time runs backwards: {:?}", next);
    prop_assert!(
        after.due().is_none_or(|due| due >= after.now),
        "what is due is past: {:?}",
        next
    );
    let silence = after.ear.longest();
    prop_assert!(START <= silence.from || silence.millis() == 0, "{:?}", next);
    prop_assert!(
        silence.from <= silence.to && silence.to <= after.now || silence.millis() == 0,
        "{:?}",
        next
    );
    prop_assert!(
        silence.millis() >= before.ear.longest().millis(),
        "a silence is forgotten: {:?}",
        next
    );
    prop_assert!(after.ear.quiet(after.now) <= after.now.since(START), "{:?}", next);
    if !made {
        prop_assert!(
            after.call == before.call,
            "an impossible move changes the call: {:?}",
            next
        );
        prop_assert!(after.leg == before.leg && after.now == before.now, "{:?}", next);
        prop_assert!(after.tasks == before.tasks && after.ear == before.ear, "{:?}", next);
    }
    if before.leg.is_over() {
        prop_assert!(after.leg.is_over(), "somebody is on a dead line: {:?}", next);
    }
    if let Phase::Ended { at, reason, .. } = &before.call.phase {
        let same =
            matches!(&after.call.phase, Phase::Ended { at: then, reason: why, .. } if then == at && why == reason);
        prop_assert!(same, "an ended call did not stay ended: {:?}", next);
        prop_assert!(after.call.timers.is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_telephone_stays_sound(
        flow in 0..FLOWS.len(),
        first in mishap(),
        moves in prop::collection::vec((any_move(), mishap()), 1..40),
    ) {
        let (flow, templates) = &COMPILED[flow];
        let stage = Stage::new(templates.clone());
        let beginning = Beginning { tell: true, mishap: first, probe: None };
        let mut phone = Phone::rings_with(flow, &stage, &Machine, &super::world::arrival(), beginning);
        for (next, mishap) in moves {
            let next = fitting(next, &phone);
            let before = phone.clone();
            let made = phone.make(&next, mishap);
            holds(&before, &phone, made, &next)?;
        }
        let told: Vec<_> = phone.told.iter().flatten().map(|told| told.at).collect();
        prop_assert!(told.is_sorted(), "the story is told out of order");
        prop_assert!(phone.violations.is_empty(), "{:?}", phone.violations);
    }
}
