//! How a simulated call ended, in a few lines for people or as JSON.

use super::judged::Verdict;
use super::output::say;
use crate::carrier::{CallReport, Level, Outcome, level};
use serde_json::json;

/// Who or what ended it.
fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::EngineHungUp => "the flow ended the call".to_owned(),
        Outcome::EndedByRest => "the engine ended the call through REST".to_owned(),
        Outcome::Refused(how) => format!("the call was refused ({how})"),
        Outcome::CallerHungUp => "the caller hung up".to_owned(),
        Outcome::TooLong => "the call reached its limit".to_owned(),
        Outcome::ApplicationError => "the caller heard the carrier's error announcement".to_owned(),
    }
}

/// The call's end for people.
pub(super) fn people(report: &CallReport) {
    let silence = &report.longest_silence;
    say!("\n{}", ended(&report.outcome));
    say!(
        "longest silence {:.1} s, from {:.1} s to {:.1} s",
        silence.length().as_secs_f64(),
        silence.from.as_secs_f64(),
        silence.to.as_secs_f64()
    );
    say!(
        "messages {}, recordings {}",
        report.messages.len(),
        report.recordings.len()
    );
    for (code, detail) in &report.errors {
        let weight = if level(*code) == Level::Error {
            "error"
        } else {
            "warning"
        };
        say!("{weight} {code}: {detail}");
    }
}

/// The call's end as JSON.
pub(super) fn summary(report: &CallReport, verdict: Option<&Verdict>) -> serde_json::Value {
    let mut summary = json!({
        "summary": {
            "call": report.call_sid,
            "outcome": ended(&report.outcome),
            "longest_silence_ms": u64::try_from(report.longest_silence.length().as_millis()).unwrap_or(u64::MAX),
            "messages": report.messages.len(),
            "recordings": report.recordings.len(),
            "errors": report.errors.iter().map(|(code, detail)| json!({"code": code.to_string(), "detail": detail})).collect::<Vec<_>>(),
        }
    });
    // Only a scenario's call is looked up in the store.
    if let Some(verdict) = verdict {
        summary["summary"]["heard"] = json!(verdict.heard);
        summary["summary"]["ended"] = json!(verdict.ended);
    }
    summary
}
