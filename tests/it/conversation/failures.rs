//! Providers on bad days, one after the other: somebody else takes over within the turn, or the call goes on without
//! them, and the caller is never left in silence.

use super::ears::{Day, Ears, Words};
use super::{Desk, PATIENT, SILENCE, call, end_of, everything, heard, mind, says, speaks, tones, turns, voice};
use crate::speak::server::{HttpServer, Reply, Step as Part};
use crate::stage::{Stage, began};
use engine::carrier::{CallReport, Step};
use std::time::Duration;

const LINE: &str = "Is flat 7 still free?";
const ANSWER: &str = "Answer 7, it is still free.";

/// What is to come of a bad day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// The same turn is answered, by these providers.
    Answered(&'static str),
    /// The conversation ends as failed, for this reason.
    Failed(&'static str),
    /// The turn is answered though no more of its words than these were understood.
    Understood(&'static str),
}
use Expect::{Answered, Failed, Understood};

/// One call with one bad provider.
struct Case {
    name: String,
    stage: Stage,
    expect: Expect,
    /// Kept for as long as the call lasts.
    _ears: Vec<Ears>,
    servers: Vec<HttpServer>,
}

fn words() -> Words {
    Words::ByPitch(vec![LINE.to_owned()])
}

async fn well() -> HttpServer {
    mind::mind(|_| mind::says(ANSWER)).await
}

fn fallback(name: &str, with: bool) -> String {
    if with {
        format!("fallback: {name}")
    } else {
        String::new()
    }
}

async fn bad_ears(day: Day, with: bool, expect: Expect) -> Case {
    let (ears, other) = (Ears::start(day, words()).await, Ears::start(Day::Good, words()).await);
    let (model, speech) = (well().await, voice::good().await);
    let desk = Desk::default()
        .with("ears", "deepgram", &ears.url, &fallback("others", with))
        .with("others", "deepgram", &other.url, PATIENT)
        .mind(&model.url)
        .voice(&speech.url);
    Case {
        name: format!("ears {day:?}, fallback: {with}"),
        stage: desk.open().await,
        expect,
        _ears: vec![ears, other],
        servers: vec![model, speech],
    }
}

async fn bad_mind(name: &str, reply: Reply, with: bool, expect: Expect) -> Case {
    let ears = Ears::start(Day::Good, words()).await;
    let model = mind::mind(move |_| reply.clone()).await;
    let (other, speech) = (well().await, voice::good().await);
    let desk = Desk::default()
        .ears(&ears.url)
        .with(
            "mind",
            "openai",
            &format!("{}/v1", model.url),
            &fallback("others", with),
        )
        .with("others", "openai", &format!("{}/v1", other.url), PATIENT)
        .voice(&speech.url);
    Case {
        name: format!("mind {name}, fallback: {with}"),
        stage: desk.open().await,
        expect,
        _ears: vec![ears],
        servers: vec![model, other, speech],
    }
}

async fn bad_voice(name: &str, reply: Reply, with: bool, expect: Expect) -> Case {
    let ears = Ears::start(Day::Good, words()).await;
    let model = well().await;
    let speech = voice::after_greeting(move |_| reply.clone()).await;
    let other = voice::good().await;
    let desk = Desk::default()
        .ears(&ears.url)
        .mind(&model.url)
        .with(
            "voice",
            "openai",
            &format!("{}/v1", speech.url),
            &fallback("others", with),
        )
        .with("others", "openai", &format!("{}/v1", other.url), PATIENT);
    Case {
        name: format!("voice {name}, fallback: {with}"),
        stage: desk.open().await,
        expect,
        _ears: vec![ears],
        servers: vec![model, speech, other],
    }
}

/// A call on its way, and what is wrong with it.
type Judged = tokio::task::JoinHandle<Option<String>>;

/// Places the call. One after the other, as each engine is up: all of them at once would starve each other.
fn place(case: Case) -> Judged {
    tokio::spawn(async move {
        let mut steps = says(LINE).to_vec();
        if matches!(case.expect, Answered(_)) {
            // More than what a voice said that broke off.
            steps.push(Step::AwaitSpeaking(Duration::from_millis(600)));
        }
        steps.push(match case.expect {
            Failed(_) => Step::AwaitVerb("Record".to_owned()),
            Answered(_) | Understood(_) => Step::AwaitTurn,
        });
        steps.push(Step::HangUp);
        let report = call(&case.stage, steps).await;
        let problem = check(&case, &report).err();
        problem.map(|problem| format!("{}: {problem}\n{}", case.name, everything(&case.stage, &report)))
    })
}

/// Fails with everything that is wrong with any of them.
async fn judge(calls: Vec<Judged>) {
    let mut wrong = Vec::new();
    for call in calls {
        wrong.extend(call.await.expect("the call's task"));
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

fn ensure(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn check(case: &Case, report: &CallReport) -> Result<(), String> {
    let sid = report.call_sid.as_str();
    let turns = turns(&case.stage, sid);
    let of = |role: &str| turns.iter().filter(|turn| turn.role == role).collect::<Vec<_>>();
    let (caller, agent) = (of("caller"), of("agent"));
    let silence = report.longest_silence.length();
    ensure(silence <= SILENCE, format!("silence of {silence:?}"))?;
    // Ears that refuse are known before anything is said.
    ensure(
        case.expect == Failed("listen_failed") || heard(report).first().is_some_and(|(number, _)| *number == 0),
        "no greeting",
    )?;
    let line = if let Understood(words) = case.expect {
        words
    } else {
        LINE
    };
    let is_heard = |expect: &str| {
        ensure(
            caller.len() == 1 && caller[0].text == line,
            format!("the caller said {caller:?}"),
        )?;
        ensure(
            agent.len() == 2 && agent[1].text == expect,
            format!("the agent said {agent:?}"),
        )?;
        ensure(
            heard(report).last().is_some_and(|(number, _)| *number == 7),
            "the answer was not heard",
        )?;
        ensure(!began(report, "Record"), "fell back without need")
    };
    match case.expect {
        Answered(by) => {
            is_heard(ANSWER)?;
            let names = format!("{}, {}", caller[0].provider, agent[1].provider);
            ensure(names == by, format!("it was answered by {names}"))?;
            let switched = case.stage.log.lines("PROVIDER_SWITCHED").len();
            ensure(switched > 0, "nobody told of the switch")
        }
        Understood(_) => is_heard(ANSWER),
        Failed(why) => {
            ensure(began(report, "Record"), "no fallback")?;
            let end = end_of(&case.stage, sid);
            ensure(end == why, format!("it ended as `{end}`"))?;
            // The conversation's own limits may be the first to give up.
            let words = ["PROVIDER_FAILED", "LISTEN_FAILED", "THINK_FAILED", "SPEAK_FAILED"];
            let told: usize = words.iter().map(|word| case.stage.log.lines(word).len()).sum();
            ensure(
                told > 0 || case.name.contains("nothing to say"),
                "nobody told of the failure",
            )
        }
    }
}

const OTHER_EARS: Expect = Answered("others, mind, voice");
const OTHER_MIND: Expect = Answered("ears, others, voice");
const OTHER_VOICE: Expect = Answered("ears, mind, others");

#[tokio::test(flavor = "multi_thread")]
async fn ears_that_fail() {
    let mut calls = Vec::new();
    for (day, alone) in [
        (Day::Refuses(401), Failed("listen_failed")),
        (Day::Ignores, Failed("listen_failed")),
        (Day::Deaf, Understood("")),
        (Day::Stops, Understood("Is flat 7")),
        (Day::Garbage, Failed("listen_failed")),
        (Day::Leaves, Failed("listen_failed")),
    ] {
        calls.push(place(bad_ears(day, true, OTHER_EARS).await));
        calls.push(place(bad_ears(day, false, alone).await));
    }
    // Nothing tells a service that hears nothing from a caller who says nothing.
    calls.push(place(bad_ears(Day::Silence, true, Understood("")).await));
    judge(calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn minds_that_fail() {
    let nonsense = || Part::Send(b"data: {nonsense\n\n".to_vec());
    let bad = |status| Reply {
        status,
        ..mind::stream(vec![Part::Stall])
    };
    let failed = Failed("think_failed");
    let mut calls = Vec::new();
    for (name, reply, with) in [
        (
            "refuses",
            Reply::error(401, "{\"error\":{\"message\":\"no\"}}"),
            OTHER_MIND,
        ),
        (
            "has no credit",
            Reply::error(429, "{\"error\":{\"code\":\"insufficient_quota\"}}"),
            OTHER_MIND,
        ),
        ("does not answer", bad(0), OTHER_MIND),
        ("stalls before its first word", bad(200), OTHER_MIND),
        ("says nonsense", mind::stream(vec![nonsense()]), OTHER_MIND),
        (
            "is a web page",
            Reply {
                media: "text/html",
                ..Reply::error(200, "<html>Welcome</html>")
            },
            OTHER_MIND,
        ),
        (
            "leaves before its first word",
            mind::stream(vec![Part::Cut]),
            OTHER_MIND,
        ),
        // Half a sentence is not said before it is whole: another model answers in its place.
        (
            "stalls in its answer",
            mind::begins("Answer 7, it is", Part::Stall),
            OTHER_MIND,
        ),
        (
            "leaves in its answer",
            mind::begins("Answer 7, it is", Part::Cut),
            OTHER_MIND,
        ),
        (
            "says nonsense in its answer",
            mind::begins("Answer 7, it is", nonsense()),
            OTHER_MIND,
        ),
        ("has nothing to say", mind::says(""), OTHER_MIND),
    ] {
        calls.push(place(bad_mind(name, reply.clone(), true, with).await));
        if with != failed {
            calls.push(place(bad_mind(name, reply, false, failed).await));
        }
    }
    judge(calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_that_fail() {
    let part = || voice::lumps(&tones::spoken("7", 24_000)[..7200]);
    let then = |last: Part| Reply::sound(part().into_iter().chain([last]).collect());
    let mut calls = Vec::new();
    for (name, reply) in [
        ("refuses", Reply::error(401, "{\"error\":{\"message\":\"no\"}}")),
        (
            "does not answer",
            Reply {
                status: 0,
                ..Reply::sound(vec![Part::Stall])
            },
        ),
        ("stalls before its first sound", Reply::sound(vec![Part::Stall])),
        ("leaves before its first sound", Reply::sound(vec![Part::Cut])),
        (
            "is a web page",
            Reply {
                media: "text/html",
                ..Reply::error(200, "<html>Welcome</html>")
            },
        ),
        (
            "says why not",
            Reply::error(200, "{\"error\":{\"message\":\"overloaded\"}}"),
        ),
        ("is silent", Reply::sound(voice::lumps(&vec![0; 48_000]))),
        ("has nothing to say", Reply::sound(vec![])),
        ("stalls in a sentence", then(Part::Stall)),
        ("leaves in a sentence", then(Part::Cut)),
        ("speaks at a rate nobody can use", Reply::sound(wav_head(11_111))),
    ] {
        calls.push(place(bad_voice(name, reply.clone(), true, OTHER_VOICE).await));
        calls.push(place(bad_voice(name, reply, false, Failed("speak_failed")).await));
    }
    judge(calls).await;
}

/// Sound behind a WAV header of this rate.
fn wav_head(rate: u32) -> Vec<Part> {
    let samples = tones::spoken(ANSWER, rate as usize);
    let mut parts = vec![Part::Send(engine::audio::wav::header(rate, 1, None).to_vec())];
    parts.extend(voice::lumps(&samples));
    parts
}

pub async fn sound_at_another_rate_is_heard_at_the_right_pitch() {
    let judged = [8_000, 16_000, 44_100, 48_000].map(|rate| async move {
        // A fallback that is not needed.
        let mut case = bad_voice(
            &format!("at {rate}"),
            Reply::sound(wav_head(rate)),
            true,
            Understood(""),
        )
        .await;
        case.expect = Answered("ears, mind, voice");
        let mut steps = says(LINE).to_vec();
        steps.extend([Step::AwaitTurn, Step::HangUp]);
        let report = call(&case.stage, steps).await;
        let sounds = heard(&report);
        let length = Duration::from_millis(tones::length(ANSWER) as u64);
        let told = everything(&case.stage, &report);
        assert!(matches!(sounds[..], [(0, _), (7, _)]), "{rate}: {sounds:?}\n{told}");
        assert!(
            sounds[1].1.abs_diff(length) < Duration::from_millis(200),
            "{rate}: {sounds:?}\n{told}"
        );
        assert!(case.stage.log.lines("PROVIDER_SWITCHED").is_empty(), "{told}");
    });
    futures_util::future::join_all(judged).await;
}

/// A model and a voice that never end: the caller can stop them, and whoever streams is left.
pub async fn what_never_ends_is_stopped_by_the_caller() {
    let endless = Reply {
        steps: vec![Part::Endless(
            match mind::delta(&serde_json::json!({"content": "Answer 7, and so on. "}), None) {
                Part::Send(event) => event,
                _ => Vec::new(),
            },
        )],
        ..mind::stream(vec![])
    };
    let tone = voice::bytes(&tones::spoken("7", 24_000));
    let hour = Reply::sound(vec![Part::Endless(tone)]);
    let cases = [
        bad_mind("never ends", endless, false, Understood("")).await,
        bad_voice("never ends", hour.clone(), false, Understood("")).await,
        bad_voice("never ends", hour, true, Understood("")).await,
    ];
    let judged = cases.each_ref().map(|case| async move {
        let mut steps = says(LINE).to_vec();
        steps.extend([Step::AwaitSpeaking(Duration::from_secs(3)), speaks("Stop that.")]);
        // The answer to that is as endless.
        steps.extend([
            Step::Wait(Duration::from_secs(2)),
            Step::AwaitSpeaking(Duration::from_secs(1)),
            Step::HangUp,
        ]);
        let report = call(&case.stage, steps).await;
        let told = format!("{}\n{}", case.name, everything(&case.stage, &report));
        let sid = &report.call_sid;
        assert!(report.longest_silence.length() < SILENCE, "{told}");
        assert!(!case.stage.log.of("BARGE_IN", sid).is_empty(), "{told}");
        let answer = heard(&report)
            .into_iter()
            .filter(|(number, _)| *number == 7)
            .map(|(_, length)| length)
            .max();
        assert!(
            answer.is_some_and(|length| length < Duration::from_secs(6)),
            "{answer:?}\n{told}"
        );
        let turns = turns(&case.stage, sid);
        assert!(
            turns.iter().any(|turn| turn.role == "agent" && turn.interrupted),
            "{told}"
        );
        assert!(!case.servers.is_empty());
    });
    futures_util::future::join_all(judged).await;
}
