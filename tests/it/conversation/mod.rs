//! Whole conversations over real sockets: the engine's own process, the built-in carrier, and providers that speak their
//! protocols on 127.0.0.1, on good days and on bad ones.

mod actions;
mod callers;
mod ears;
mod failures;
mod good;
mod live;
mod many;
mod mind;
mod realtime;
mod tones;
mod voice;

use crate::stage::{Plan, Stage, story};
use engine::audio::mulaw;
use engine::carrier::{CallReport, CallSpec, Script, Speech, Step};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::fmt::Write;
use std::time::Duration;

/// `limits.silence` of the flow.
const SILENCE: Duration = Duration::from_secs(8);
/// For providers that work: a busy machine is no failure of theirs.
const PATIENT: &str = "timeout: 5s";
/// The flow that all of them call.
const FLOW: &str = include_str!("agent.yaml");

/// Calls that only have to wait for each other's sound are made at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn calls_on_good_days_and_of_all_kinds_of_callers() {
    together(vec![
        (
            "good",
            good::three_turns_are_answered_stored_logged_and_recorded().boxed(),
        ),
        ("cut off", good::what_the_caller_cut_off_was_never_said().boxed()),
        (
            "silent",
            callers::a_caller_who_says_nothing_is_asked_twice_and_then_let_go().boxed(),
        ),
        (
            "endless",
            callers::a_caller_who_never_stops_is_answered_all_the_same().boxed(),
        ),
        (
            "leaves",
            callers::a_caller_who_hangs_up_in_an_answer_leaves_nobody_at_work().boxed(),
        ),
        ("keys", callers::keys_interrupt_and_are_a_turn().boxed()),
        (
            "late",
            callers::words_that_come_late_do_not_belong_to_the_next_turn().boxed(),
        ),
        (
            "rates",
            failures::sound_at_another_rate_is_heard_at_the_right_pitch().boxed(),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_models_wish_for() {
    together(vec![
        ("exit", actions::an_exit_leads_to_the_step_of_the_flow().boxed()),
        (
            "set",
            actions::what_was_found_out_is_kept_though_the_caller_hangs_up_at_once().boxed(),
        ),
        (
            "http",
            actions::a_service_is_asked_and_its_answer_reaches_the_model().boxed(),
        ),
        ("sms", actions::a_message_is_sent_once().boxed()),
        ("nonsense", actions::a_model_that_wishes_nonsense_is_told_so().boxed()),
        (
            "interrupted",
            actions::a_wish_that_was_interrupted_still_has_one_result().boxed(),
        ),
        (
            "never ends",
            failures::what_never_ends_is_stopped_by_the_caller().boxed(),
        ),
        ("live wish", realtime::a_wish_is_done_and_told().boxed()),
        (
            "live cut off",
            realtime::what_the_caller_cut_off_is_truncated_at_the_model().boxed(),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_models_that_fail() {
    realtime::models_that_fail().await;
}

/// All of them at once; fails with the names of those that failed.
async fn together(calls: Vec<(&'static str, BoxFuture<'static, ()>)>) {
    let calls: Vec<_> = (calls.into_iter())
        .map(|(name, call)| (name, tokio::spawn(call)))
        .collect();
    let mut failed = Vec::new();
    for (name, call) in calls {
        if call.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed, each as shown above: {failed:?}");
}

/// The stage of one conversation: who listens, thinks and speaks, and who takes over.
#[derive(Default)]
struct Desk {
    providers: String,
    flow: Option<String>,
}

impl Desk {
    /// A provider of this name, its protocol and address, and more of its settings.
    fn with(mut self, name: &str, kind: &str, url: &str, more: &str) -> Self {
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(", {more}")
        };
        let line = format!("  {name}: {{kind: {kind}, base_url: \"{url}\"{more}}}\n");
        self.providers.push_str(&line);
        self
    }

    fn ears(self, url: &str) -> Self {
        self.with(
            "ears",
            "deepgram",
            url,
            &format!("{PATIENT}, api_key: {{env: EARS_KEY}}, price: {{minute: 0.6}}"),
        )
    }

    fn mind(self, url: &str) -> Self {
        self.with(
            "mind",
            "openai",
            &format!("{url}/v1"),
            &format!("{PATIENT}, price: {{input: 1000, output: 2000}}"),
        )
    }

    fn voice(self, url: &str) -> Self {
        self.with(
            "voice",
            "openai",
            &format!("{url}/v1"),
            &format!("{PATIENT}, price: {{characters: 500}}"),
        )
    }

    /// Replaces a part of the flow.
    fn change(mut self, from: &str, to: &str) -> Self {
        let flow = self.flow.unwrap_or_else(|| FLOW.to_owned());
        assert!(flow.contains(from), "the flow has no {from}");
        self.flow = Some(flow.replace(from, to));
        self
    }

    /// Starts the engine.
    async fn open(self) -> Stage {
        let flow = self.flow.unwrap_or_else(|| FLOW.to_owned());
        Plan::new()
            .flow(flow.replace("SERVICE", "http://127.0.0.1:1"))
            .settings(&format!("providers:\n{}", self.providers))
            .env("EARS_KEY", "key-of-the-ears")
            .start()
            .await
    }
}

/// Waits for the turn and says this.
fn says(line: &str) -> [Step; 2] {
    [Step::AwaitTurn, speaks(line)]
}

/// Says this at once.
fn speaks(line: &str) -> Step {
    Step::Speak(Speech::Sound {
        mulaw: tones::line(line),
        words: line.to_owned(),
    })
}

/// A call whose caller does this.
fn spec(stage: &Stage, steps: impl IntoIterator<Item = Step>) -> CallSpec {
    let mut spec = stage.spec("silent", &[]);
    spec.caller = Script {
        steps: steps.into_iter().collect(),
    };
    spec
}

/// A whole call and everything stored about it.
async fn call(stage: &Stage, steps: impl IntoIterator<Item = Step>) -> CallReport {
    let report = stage.dial(spec(stage, steps)).await.expect("the call's task");
    stage.finished(&report.call_sid).await;
    report
}

/// A side of the conversation, as it is stored.
#[derive(Debug)]
struct Side {
    role: String,
    text: String,
    interrupted: bool,
    provider: String,
    timings: Value,
    tokens: (Value, Value),
    cost: Value,
    millis: i64,
}

fn turns(stage: &Stage, call: &str) -> Vec<Side> {
    let sql = "SELECT role, text, interrupted, provider, timings, tokens_in, tokens_out, cost, ended_at - started_at
        FROM call_turn WHERE call_sid = ?1 ORDER BY n";
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = stage.rows(sql, &[call]);
    rows.iter()
        .map(|row| Side {
            role: text(&row[0]),
            text: text(&row[1]),
            interrupted: row[2] == 1,
            provider: text(&row[3]),
            timings: serde_json::from_str(&text(&row[4])).unwrap_or_default(),
            tokens: (row[5].clone(), row[6].clone()),
            cost: row[7].clone(),
            millis: row[8].as_i64().unwrap_or_default(),
        })
        .collect()
}

/// What the agent said, turn by turn.
fn answers(turns: &[Side]) -> Vec<&str> {
    let agent = turns.iter().filter(|turn| turn.role == "agent");
    agent.map(|turn| turn.text.as_str()).collect()
}

/// The numbers that the caller heard, one after the other, and for how long each.
fn heard(report: &CallReport) -> Vec<(usize, Duration)> {
    let mut all: Vec<(usize, Duration)> = Vec::new();
    for span in report.ear.sounds() {
        let at = |time: Duration| time.as_millis() as usize * 8;
        let part = &report.ear.heard()[at(span.from)..at(span.to)];
        let Some(number) = tones::heard(&mulaw::decode_all(part)) else {
            continue;
        };
        match all.last_mut() {
            // A busy machine may have torn it apart.
            Some((last, length)) if *last == number => *length += span.length(),
            _ => all.push((number, span.length())),
        }
    }
    all
}

/// Why the conversation ended, as it is logged.
fn end_of(stage: &Stage, call: &str) -> String {
    let lines = stage.log.of("TALK_ENDED", call);
    let details: Vec<&str> = lines.iter().filter_map(|line| line["detail"].as_str()).collect();
    details.join(", ")
}

/// Everything about a call, for a test that fails.
fn everything(stage: &Stage, report: &CallReport) -> String {
    let mut text = story(report);
    for turn in turns(stage, &report.call_sid) {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{turn:?}");
    }
    text + &format!("{:?}\n", heard(report)) + &stage.log.text()
}
