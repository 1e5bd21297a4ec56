//! Conversations on good days, by real speech and by tones.

use super::ears::{Day, Ears, Words};
use super::{Desk, answers, call, end_of, everything, heard, mind, says, speaks, tones, turns, voice};
use crate::stage::began;
use engine::audio::wav;
use engine::carrier::{Outcome, Speech, Step};
use std::path::PathBuf;
use std::time::Duration;

/// A sound file of a person, with what is said in it.
fn person(file: &str, words: &str) -> [Step; 2] {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("examples/local-agent")
        .join(file);
    let words = words.to_owned();
    [Step::AwaitTurn, Step::Speak(Speech::File { path, words })]
}

/// How many milliseconds of this are loud.
fn loud(sound: &[i16]) -> usize {
    let frames = sound.chunks(160);
    20 * frames
        .filter(|frame| frame.iter().any(|sample| sample.unsigned_abs() > 500))
        .count()
}

pub async fn three_turns_are_answered_stored_logged_and_recorded() {
    let lines = [
        "Hello, I am looking for flat 1.",
        "I would like to see flat 2.",
        "No, thank you. That is all 3.",
    ];
    let ears = Ears::start(Day::Good, Words::InOrder(lines.map(str::to_owned).to_vec())).await;
    let model = mind::mind(|messages| match tones::number(mind::last_said(messages)) {
        3 => mind::wishes("Goodbye 3, and thank you.", &[("c1", "goodbye", "{}")]),
        2 => mind::says("Flat 2 can be seen tomorrow. Flat 2 is near the sea."),
        _ => mind::says("We have flat 1 with three rooms."),
    })
    .await;
    let speech = voice::good().await;
    let stage = Desk::default()
        .ears(&ears.url)
        .mind(&model.url)
        .voice(&speech.url)
        .change("activity: energy", "activity: silero")
        .open()
        .await;
    let files = ["looking.wav", "viewing.wav", "goodbye.wav"];
    let steps = files.iter().zip(lines).flat_map(|(file, line)| person(file, line));
    let report = call(&stage, steps).await;
    let sid = report.call_sid.as_str();
    let told = || everything(&stage, &report);

    assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", told());
    assert!(report.errors.is_empty(), "{:?}\n{}", report.errors, told());
    assert_eq!(end_of(&stage, sid), "exit", "{}", told());
    let turns = turns(&stage, sid);
    let said: Vec<(&str, &str)> = turns.iter().map(|turn| (&*turn.role, &*turn.text)).collect();
    assert_eq!(
        said,
        [
            ("agent", "Hello 0, how can I help?"),
            ("caller", lines[0]),
            ("agent", "We have flat 1 with three rooms."),
            ("caller", lines[1]),
            ("agent", "Flat 2 can be seen tomorrow. Flat 2 is near the sea."),
            ("caller", lines[2]),
            ("agent", "Goodbye 3, and thank you."),
        ],
        "{}",
        told()
    );
    assert!(turns.iter().all(|turn| !turn.interrupted), "{}", told());
    for turn in &turns[1..] {
        let has = |name: &str| turn.timings[name].as_u64().is_some();
        if turn.role == "caller" {
            assert_eq!(turn.provider, "ears");
            assert!(has("end_of_turn") && has("transcript"), "{turn:?}");
            let minutes = turn.timings["listened"].as_f64().unwrap_or_default() / 60_000.0;
            let cost = turn.cost.as_f64().unwrap_or_default();
            assert!(minutes > 0.0 && (cost - minutes * 0.6).abs() < 1e-9, "{turn:?}");
        } else {
            assert_eq!(turn.provider, "mind, voice");
            assert!(has("first_token") && has("first_audio") && has("sent"), "{turn:?}");
            assert_eq!(turn.tokens, (100.into(), 10.into()), "{turn:?}");
            let cost = (100.0 * 1000.0 + 10.0 * 2000.0 + turn.text.chars().count() as f64 * 500.0) / 1e6;
            // What stands between two sentences is not spoken.
            let own = turn.cost.as_f64().unwrap_or_default();
            assert!((own - cost).abs() < 0.001, "{turn:?}: {cost}");
            assert!(turn.millis >= tones::length(&turn.text) as i64 * 9 / 10, "{turn:?}");
        }
    }

    // One answer for each utterance, soon, and the greeting once.
    let (sounds, utterances) = (report.ear.sounds(), report.ear.utterances());
    let waits: Vec<Duration> = (sounds.iter().skip(1))
        .filter_map(|sound| {
            let before = utterances.iter().filter(|utterance| utterance.to <= sound.from);
            Some(sound.from - before.map(|utterance| utterance.to).max()?)
        })
        .collect();
    assert_eq!(waits.len(), 3, "{}", told());
    let soon = |wait: &Duration| *wait < Duration::from_secs(3);
    assert!(waits.iter().all(soon), "{waits:?}\n{}", told());
    let mut numbers: Vec<usize> = heard(&report).iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    assert_eq!(numbers, [0, 1, 2, 3], "{}", told());
    // Fixed words may be asked for by the first call and ahead of it at the same time.
    let spoken = speech.asked().iter().map(voice::input).collect::<Vec<_>>();
    let mut spoken: Vec<String> = spoken.into_iter().filter(|text| !voice::is_fixed(text)).collect();
    let count = spoken.len();
    spoken.sort();
    spoken.dedup();
    assert_eq!(spoken.len(), count, "the same words were asked for twice: {spoken:?}");

    let log = |word: &str| stage.log.of(word, sid);
    assert_eq!(log("EOU").len(), 3, "{}", told());
    let finals: Vec<_> = log("STT_FINAL").iter().map(|line| line["text"].clone()).collect();
    assert_eq!(finals, lines, "{}", told());
    assert!(log("STT_PARTIAL").len() >= 3, "{}", told());
    let states: Vec<_> = log("STATE").iter().map(|line| line["state"].clone()).collect();
    let round = ["LISTENING", "THINKING", "SPEAKING"];
    let expected: Vec<&str> = std::iter::once("SPEAKING")
        .chain(round.into_iter().cycle().take(9))
        .collect();
    assert_eq!(states, expected, "{}", told());
    assert!(log("TTS_LEN").len() >= 4 && log("MEDIA_TX").len() >= 4, "{}", told());
    let lengths: u64 = log("TTS_LEN").iter().filter_map(|line| line["ms"].as_u64()).sum();
    let heard_ms = report.ear.heard_time().as_millis() as u64;
    assert!(
        lengths.abs_diff(heard_ms) < heard_ms / 4,
        "{lengths} of {heard_ms}\n{}",
        told()
    );

    // The recording is what the carrier's ear heard and said.
    let name: String = sid.chars().filter(char::is_ascii_alphanumeric).collect();
    let path = stage.folder.path().join("recordings").join(format!("{name}.wav"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), told()));
    let recorded = wav::read(&bytes).expect("a sound file");
    assert_eq!((recorded.rate, recorded.channels), (8000, 2));
    let track = |side: usize| -> Vec<i16> {
        let samples = recorded.samples.iter().skip(side).step_by(2);
        samples.map(|sample| (sample * 32_768.0) as i16).collect()
    };
    let pairs = [(track(0), report.ear.said()), (track(1), report.ear.heard())];
    for (side, (recorded, real)) in pairs.iter().enumerate() {
        let (kept, real) = (loud(recorded), loud(&engine::audio::mulaw::decode_all(real)));
        assert!(
            kept.abs_diff(real) < real / 10,
            "side {side}: {kept} ms of {real}\n{}",
            told()
        );
    }
    let numbers = |sound: &[i16]| {
        let whole: Vec<usize> = sound.chunks(1600).filter_map(tones::heard).collect();
        let mut steady: Vec<usize> = whole
            .windows(2)
            .filter(|two| two[0] == two[1])
            .map(|two| two[0])
            .collect();
        steady.dedup();
        steady
    };
    assert_eq!(numbers(&pairs[1].0), [0, 1, 2, 3], "{}", told());
    let (path, key) = &ears.connections()[0];
    assert!(
        path.starts_with("/v1/listen?") && path.contains("encoding=mulaw"),
        "{path}"
    );
    assert_eq!(key, "Token key-of-the-ears");
}

pub async fn what_the_caller_cut_off_was_never_said() {
    let long = "Flat 1 has three rooms and a kitchen and a bath and a balcony to the south and a cellar and two lifts \
        and a garden behind the house";
    let lines = ["Tell me about flat 1.", "Stop, what about flat 2?"]
        .map(str::to_owned)
        .to_vec();
    let ears = Ears::start(Day::Good, Words::ByPitch(lines.clone())).await;
    let model = mind::mind(move |messages| match tones::number(mind::last_said(messages)) {
        1 => mind::says(long),
        _ => mind::says("Flat 2 is small."),
    })
    .await;
    let speech = voice::good().await;
    let stage = Desk::default()
        .ears(&ears.url)
        .mind(&model.url)
        .voice(&speech.url)
        .open()
        .await;
    let mut steps = says(&lines[0]).to_vec();
    steps.extend([Step::AwaitSpeaking(Duration::from_secs(2)), speaks(&lines[1])]);
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let report = call(&stage, steps).await;
    let sid = report.call_sid.as_str();
    let told = || everything(&stage, &report);

    let turns = turns(&stage, sid);
    let cut = &turns[2];
    assert!(cut.interrupted && cut.role == "agent", "{}", told());
    assert!(
        long.starts_with(&cut.text) && cut.text.len() < long.len() / 2,
        "{}",
        told()
    );
    // What is kept as said was heard: a tone lasts as long as its words.
    let first = heard(&report)
        .into_iter()
        .find(|(number, _)| *number == 1)
        .expect("an answer")
        .1;
    let kept = Duration::from_millis(tones::length(&cut.text) as u64);
    assert!(
        kept <= first + Duration::from_millis(300),
        "{kept:?} of {first:?}\n{}",
        told()
    );
    assert!(
        kept + Duration::from_millis(900) >= first,
        "{kept:?} of {first:?}\n{}",
        told()
    );
    assert_eq!(stage.log.of("BARGE_IN", sid).len(), 1, "{}", told());
    assert_eq!(answers(&turns).last(), Some(&"Flat 2 is small."), "{}", told());
    // The model is told no more than was heard.
    let last = mind::messages(model.asked().last().expect("a request"));
    let remembered = last.iter().rev().find(|message| message["role"] == "assistant");
    assert_eq!(
        remembered.map(|message| &message["content"]),
        Some(&cut.text.as_str().into()),
        "{}",
        told()
    );
    assert!(!began(&report, "Record"), "{}", told());
}
