//! Calls drawn by hand, each showing one thing that an engine does well or badly.

use super::*;
use proptest::prelude::*;

/// A voice-like sample at about -17 dBFS: a buzz of 150 Hz with overtones.
pub(super) fn voice(at: u64) -> i16 {
    let time = at as f64 / 8000.0;
    let buzz: f64 = (1..8)
        .map(|n| (std::f64::consts::TAU * 150.0 * f64::from(n) * time).sin() / f64::from(n))
        .sum();
    (buzz * 5000.0) as i16
}

/// White noise up to `peak`.
pub(super) fn noise(at: u64, peak: i32) -> i16 {
    let mixed = (at ^ 0x5DEE_CE66)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(31)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((mixed >> 40) as i32 % (2 * peak + 1) - peak) as i16
}

fn track(length: u64, speech: &[(u64, u64)]) -> Vec<i16> {
    (0..length * 8)
        .map(|at| {
            let speaks = speech.iter().any(|(from, to)| (from * 8..to * 8).contains(&at));
            if speaks { voice(at) } else { 0 }
        })
        .collect()
}

/// A call in which the caller and the engine speak in these stretches; all are multiples of 20 ms.
fn call(length: u64, caller: &[(u64, u64)], engine: &[(u64, u64)]) -> Timeline {
    Timeline::from_samples(track(length, caller), track(length, engine))
}

fn label(from_ms: u64, to_ms: u64, kind: Kind) -> Label {
    Label {
        from_ms,
        to_ms,
        kind,
        words: String::new(),
    }
}

fn close(found: Option<f64>, expected: f64) {
    assert!(
        found.is_some_and(|found| (found - expected).abs() < 1e-6),
        "{found:?} is not {expected}"
    );
}

#[test]
fn response_latency_runs_from_the_callers_last_sound_to_the_engines_first() {
    let caller = [(3000, 5000), (9000, 9400), (9900, 11_000), (20_000, 21_000)];
    let engine = [(500, 2500), (5800, 8000), (13_750, 16_000)];
    let judged = score(&call(22_000, &caller, &engine), None);
    let responses: Vec<Response> = judged.turns.iter().map(|turn| turn.response).collect();
    assert_eq!(
        responses,
        [
            Response::Answered { after_ms: 800 },
            // 13 750 is in the frame that begins at 13 740.
            Response::Answered { after_ms: 2740 },
            // The caller said something last and hung up.
            Response::NotDue
        ]
    );
    assert_eq!(
        judged.turns[1].span.from_ms, 9000,
        "a pause within a turn parts nothing"
    );
    assert_eq!(
        judged.summary.latency,
        Some(Latency {
            median_ms: 800,
            p95_ms: 2740,
            max_ms: 2740
        })
    );
    let expected = f64::midpoint(1.0, (3500.0 - 2740.0) / 1500.0);
    close(judged.summary.response, expected);
    close(judged.summary.total, expected);
    assert_eq!(judged.dead_air, []);
}

#[test]
fn an_engine_yields_when_it_is_silent() {
    let judged = score(&call(12_000, &[(3000, 5000)], &[(1000, 3400), (6000, 8000)]), None);
    assert_eq!(judged.turns[0].yielded, Some(Yield { after_ms: 400 }));
    assert_eq!(judged.turns[0].response, Response::Answered { after_ms: 1000 });
    close(judged.turns[0].yield_score(), 0.8);
    close(judged.summary.total, 0.9);
    assert_eq!(judged.summary.interruptions, 1);
}

#[test]
fn an_engine_that_comes_back_over_the_caller_has_not_yielded() {
    let judged = score(
        &call(14_000, &[(3000, 6000)], &[(1000, 3400), (4400, 5600), (7000, 8000)]),
        None,
    );
    assert_eq!(judged.turns[0].yielded, Some(Yield { after_ms: 2600 }));
    assert_eq!(judged.turns[0].cut_in_ms, None);
    assert_eq!(judged.turns[0].response, Response::Answered { after_ms: 1000 });
    close(judged.turns[0].yield_score(), 0.0);
}

#[test]
fn an_engine_that_speaks_on_has_not_yielded_and_owes_no_answer() {
    let judged = score(&call(14_000, &[(3000, 4000)], &[(1000, 10_000)]), None);
    assert_eq!(judged.turns[0].yielded, Some(Yield { after_ms: 7000 }));
    assert_eq!(judged.turns[0].response, Response::NotDue);
    close(judged.summary.total, 0.0);
}

#[test]
fn beginning_while_the_caller_speaks_is_a_cut_in() {
    let judged = score(&call(12_000, &[(1000, 5000)], &[(3000, 3600), (6000, 7000)]), None);
    assert_eq!(judged.turns[0].cut_in_ms, Some(3000));
    assert_eq!(judged.summary.cut_ins, 1);
    close(judged.summary.total, 0.0);
    // Over the last 200 ms it is a fast answer.
    let judged = score(&call(12_000, &[(1000, 5000)], &[(4900, 7000)]), None);
    assert_eq!(judged.turns[0].cut_in_ms, None);
    assert_eq!(judged.turns[0].response, Response::Answered { after_ms: 0 });
    close(judged.summary.total, 0.5);
}

#[test]
fn beginning_in_a_pause_is_a_cut_in_where_the_caller_goes_on() {
    let caller = [(1000, 2000), (3600, 6000)];
    let engine = [(2800, 4000), (7000, 8000)];
    let judged = score(&call(12_000, &caller, &engine), None);
    assert_eq!(judged.turns[0].cut_in_ms, Some(2800));
    assert_eq!(judged.turns[0].response, Response::NotDue);
    assert_eq!(judged.turns[1].yielded, Some(Yield { after_ms: 400 }));
    assert_eq!(judged.summary.cut_ins, 1);
    // Two seconds into the answer it is an interruption.
    let judged = score(&call(12_000, &[(1000, 2000), (4800, 6000)], &[(2800, 5000)]), None);
    assert_eq!(judged.summary.cut_ins, 0);
    assert_eq!(judged.summary.interruptions, 1);
    // "mm-hm" is no going on.
    let judged = score(&call(12_000, &[(1000, 2000), (3600, 3900)], &[(2800, 6000)]), None);
    assert_eq!((judged.summary.cut_ins, judged.backchannels.len()), (0, 1));
}

#[test]
fn an_engine_goes_on_pauses_or_stops_on_a_backchannel() {
    let reaction = |engine: &[(u64, u64)]| {
        let judged = score(&call(14_000, &[(3000, 3400)], engine), None);
        assert_eq!(judged.turns, [], "nobody took a turn");
        (
            judged.backchannels[0].reaction,
            judged.summary.total,
            judged.summary.wrong_yields,
            judged.summary.false_stops_resumed,
        )
    };
    assert_eq!(reaction(&[(1000, 9000)]), (Reaction::SpokeOn, Some(1.0), 0, 0));
    assert_eq!(
        reaction(&[(1000, 3300), (4300, 9000)]),
        (Reaction::Resumed { pause_ms: 1000 }, Some(0.5), 0, 1)
    );
    assert_eq!(
        reaction(&[(1000, 3300), (6000, 9000)]),
        (Reaction::Stopped, Some(0.0), 1, 0)
    );
    assert_eq!(reaction(&[(1000, 3300)]), (Reaction::Stopped, Some(0.0), 1, 0));
}

#[test]
fn dead_air_is_silence_of_both_after_a_turn() {
    let judged = score(&call(20_000, &[(1000, 2000)], &[(7000, 9000)]), None);
    assert_eq!(
        judged.dead_air,
        [Segment {
            from_ms: 2000,
            to_ms: 7000
        }],
        "nor is the caller's own silence after the engine any"
    );
    assert_eq!(judged.summary.longest_dead_air_ms, 5000);
    assert_eq!(judged.turns[0].response, Response::Answered { after_ms: 5000 });

    let judged = score(&call(10_000, &[(1000, 2000)], &[]), None);
    assert_eq!(judged.turns[0].response, Response::Unanswered);
    assert_eq!((judged.summary.dead_air, judged.summary.unanswered), (1, 1));
    close(judged.summary.total, 0.0);
}

#[test]
fn labels_tell_what_the_sound_cannot() {
    // A short "stop" that is meant, and a long sign of listening.
    let timeline = call(20_000, &[(3000, 3400), (9000, 9900)], &[(1000, 3800), (4800, 13_000)]);
    let guessed = score(&timeline, None);
    assert_eq!(guessed.backchannels.len(), 1);
    assert_eq!(guessed.turns.len(), 1);
    let labels = [
        label(3000, 3400, Kind::Interruption),
        label(9000, 9900, Kind::Backchannel),
    ];
    let judged = score(&timeline, Some(&labels));
    assert!(judged.labelled);
    assert_eq!(judged.turns[0].yielded, Some(Yield { after_ms: 800 }));
    assert_eq!(judged.turns[0].response, Response::Answered { after_ms: 1400 });
    assert_eq!(judged.backchannels[0].reaction, Reaction::SpokeOn);
    close(judged.summary.total, (0.6 + 1.0 + 1.0) / 3.0);

    // A long pause that is labelled belongs to the turn, and an answer in it is a cut-in.
    let timeline = call(16_000, &[(1000, 2000), (5000, 6000)], &[(3000, 3500), (7000, 8000)]);
    let labels = [
        label(1000, 2000, Kind::Turn),
        label(2000, 5000, Kind::Pause),
        label(5000, 6000, Kind::Turn),
    ];
    assert_eq!(score(&timeline, None).summary.cut_ins, 0);
    let judged = score(&timeline, Some(&labels));
    assert_eq!((judged.turns.len(), judged.turns[0].cut_in_ms), (1, Some(3000)));
}

#[test]
fn a_call_without_an_occasion_has_no_score() {
    for timeline in [call(0, &[], &[]), call(5000, &[], &[(0, 3000)])] {
        let judged = score(&timeline, None);
        assert_eq!((judged.summary.total, judged.summary.latency), (None, None));
    }
}

#[test]
fn the_result_is_json_with_names_that_say_what_they_are() {
    let judged = score(&call(9000, &[(1000, 2000)], &[(2800, 4000)]), None);
    let json = serde_json::to_value(&judged).unwrap();
    assert_eq!(json["turns"][0]["response"]["kind"], "answered");
    assert_eq!(json["turns"][0]["response"]["after_ms"], 800);
    assert_eq!(json["summary"]["latency"]["p95_ms"], 800);
    assert_eq!(json["summary"]["total"], 1.0);
}

fn stretches() -> impl Strategy<Value = Vec<(u64, u64)>> {
    proptest::collection::vec((0u64..600, 1u64..150), 0..8).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(from, length)| (from * 20, (from + length) * 20))
            .collect()
    })
}

fn kinds() -> impl Strategy<Value = Kind> {
    proptest::sample::select(vec![Kind::Turn, Kind::Backchannel, Kind::Interruption, Kind::Pause])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_was_said_times_lie_within_the_call_and_scores_between_0_and_1(
        caller in stretches(),
        engine in stretches(),
        length in 0u64..800,
        odd in 0usize..160,
        labels in proptest::option::of(proptest::collection::vec((0u64..20_000, 0u64..5000, kinds()), 0..10)),
    ) {
        let length = length * 20;
        let mut left = track(length, &caller);
        left.truncate(left.len().saturating_sub(odd));
        let timeline = Timeline::from_samples(left, track(length, &engine));
        let labels = labels.map(|list| {
            let mut list: Vec<Label> = list.into_iter().map(|(from, long, kind)| label(from, from + long, kind)).collect();
            list.sort_by_key(|label| label.from_ms);
            list
        });
        let judged = score(&timeline, labels.as_deref());
        let end = timeline.length_ms();
        let spans = judged.turns.iter().map(|turn| turn.span)
            .chain(judged.backchannels.iter().map(|sign| sign.span))
            .chain(judged.dead_air.iter().copied());
        for span in spans {
            prop_assert!(span.from_ms <= span.to_ms && span.to_ms <= end, "{:?} of {}", span, end);
        }
        for turn in &judged.turns {
            prop_assert!(turn.cut_in_ms.is_none_or(|at| turn.span.from_ms <= at && at <= end));
            prop_assert!(turn.yielded.is_none_or(|one| turn.span.from_ms + one.after_ms <= end));
            prop_assert!(turn.latency_ms().is_none_or(|after| turn.span.to_ms + after <= end));
        }
        if let Some(total) = judged.summary.total {
            prop_assert!((0.0..=1.0).contains(&total));
        }
    }

    #[test]
    fn any_sound_can_be_judged(caller in proptest::collection::vec(any::<i16>(), 0..4000), engine in proptest::collection::vec(any::<i16>(), 0..4000)) {
        let judged = score(&Timeline::from_samples(caller, engine), None);
        prop_assert!(judged.length_ms <= 500);
    }
}
