//! A moment in short lines: what came, what the caller got, what was ordered and stored.

use super::run::{Document, Moment};
use super::veil::Veil;
use super::verbs;
use crate::call::{Effect, Event, Log, MediaOrder, Params, Row, Task, TaskKind, TaskOutput, TaskResult, Time};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// What the carrier is told to do.
    Document,
    /// A timer is set or cleared.
    Timer,
    /// Something is ordered outside, or called off.
    Task,
    /// The media socket is told something.
    Media,
    /// Something is stored.
    Store,
    /// Where the call waits, or that it is over.
    Place,
    /// Something that should not be.
    Warning,
}

impl About {
    /// Its name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Timer => "timer",
            Self::Task => "task",
            Self::Media => "media",
            Self::Store => "store",
            Self::Place => "place",
            Self::Warning => "warning",
        }
    }
}

/// One short line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub about: About,
    /// The line, masked.
    pub text: String,
}

/// The event in a few words.
pub fn event(event: &Event, veil: &Veil) -> String {
    match event {
        Event::CallArrived(arrival) => {
            let from = arrival.params.text("From").unwrap_or("nobody knows whom");
            let draining = if arrival.draining {
                ", while the engine stops"
            } else {
                ""
            };
            format!("a call from {}{draining}", veil.private(from))
        }
        Event::CarrierAsked { ticket, params } => {
            let what = asked(params, veil);
            let of = format!("{} {}", ticket.route.path(), ticket.n);
            if what.is_empty() {
                format!("the carrier asks ({of})")
            } else {
                format!("{what} ({of})")
            }
        }
        Event::StatusChanged { status, seconds, .. } => match seconds {
            Some(seconds) => format!("status {} after {seconds} s", status.word()),
            None => format!("status {}", status.word()),
        },
        Event::AsideAsked { round, .. } => format!("the other party asks (round {round})"),
        Event::StreamReported { report, error } => match error {
            Some(error) => format!("the carrier reports {report}: {}", veil.text(error)),
            None => format!("the carrier reports {report}"),
        },
        Event::StreamStarted { .. } => "the media stream starts".to_owned(),
        Event::TalkEnded { exit, .. } => format!("the conversation ends: {exit}"),
        Event::TurnTaken {
            role,
            text,
            interrupted,
            ..
        } => {
            let cut = if *interrupted { ", interrupted" } else { "" };
            format!("{role}: {}{cut}", veil.said(text.reveal()))
        }
        Event::Wished { action, .. } => format!("the model wants `{action}`"),
        Event::TalkSet { vars, .. } => {
            let names: Vec<&str> = vars.keys().map(String::as_str).collect();
            format!("the conversation finds out {}", names.join(", "))
        }
        Event::StreamClosed {
            frames_in, frames_out, ..
        } => format!("the media stream is gone ({frames_in} frames in, {frames_out} out)"),
        Event::TimerFired { timer, .. } => format!("the timer {} is due", timer.name()),
        Event::TaskEnded { key, result } => format!("{} {}", task_name(key.as_str()), ended(result, veil)),
        Event::DocumentFailed { .. } => "the document cannot be rendered".to_owned(),
        Event::TroubleStruck { .. } => "the store does not take it".to_owned(),
        Event::EngineRestarted => "the engine was started again".to_owned(),
        Event::EngineDraining => "the engine is about to stop".to_owned(),
    }
}

/// What came of the event.
pub fn lines(moment: &Moment, veil: &Veil) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |about, text: String| lines.push(Line { about, text });
    for document in &moment.documents {
        for text in told(document, veil) {
            line(About::Document, text);
        }
    }
    for effect in &moment.effects {
        if let Some((about, text)) = done(effect, moment.at, veil) {
            line(about, text);
        }
    }
    for (name, value) in &moment.set {
        let value = veil.value(value);
        line(About::Store, format!("{name} = {value}"));
    }
    lines
}

fn told(document: &Document, veil: &Veil) -> Vec<String> {
    let mut lines = match (&document.element, &document.verbs) {
        (Some(element), _) => verbs::lines(element, veil),
        (None, None) => return Vec::new(),
        (None, Some(_)) => vec!["a document that cannot be rendered".to_owned()],
    };
    if lines.is_empty() {
        lines.push("an empty document".to_owned());
    }
    if let Some(reason) = &document.redirect {
        lines.insert(0, format!("redirect to ({reason}):"));
    }
    lines
}

fn done(effect: &Effect, at: Time, veil: &Veil) -> Option<(About, String)> {
    Some(match effect {
        // Both are shown as documents.
        Effect::Answer(_) => return None,
        Effect::Perform(Task {
            kind: TaskKind::RedirectCall { .. },
            ..
        }) => return None,
        Effect::SetTimer(timer, due) => {
            let seconds = seconds(due.since(at));
            (About::Timer, format!("timer {} in {seconds} s", timer.name()))
        }
        Effect::ClearTimer(timer) => (About::Timer, format!("no timer {}", timer.name())),
        Effect::Perform(task) => (About::Task, ordered(&task.kind, veil)),
        Effect::CancelTask(key) => (About::Task, format!("call off: {}", task_name(key.as_str()))),
        Effect::Media(order) => (
            About::Media,
            match order {
                MediaOrder::Admit { agent, .. } => format!("the agent {agent} talks"),
                MediaOrder::Refuse { reason } => format!("the stream is refused: {reason}"),
                MediaOrder::Close => "close the stream".to_owned(),
                MediaOrder::Acted { result: Ok(_), .. } => "the wish is fulfilled".to_owned(),
                MediaOrder::Acted { result: Err(_), .. } => "the wish fails".to_owned(),
            },
        ),
        Effect::Write(row) => return stored(row, veil),
        Effect::Log(Log {
            word,
            detail,
            bad: true,
        }) => (About::Warning, format!("{word} {}", veil.text(detail))),
        Effect::Log(_) => return None,
    })
}

fn stored(row: &Row, veil: &Veil) -> Option<(About, String)> {
    Some(match row {
        Row::CallLog {
            end_reason: Some(reason),
            ..
        } => (About::Place, format!("the call is over: {reason}")),
        Row::CallLog { step: Some(step), .. } => (About::Place, format!("waits in {step}")),
        Row::CallLog {
            watchdog: Some(reason), ..
        } => (About::Store, format!("watchdog {reason}")),
        // The event says it.
        Row::CallLog { .. } | Row::Turn { .. } => return None,
        Row::Recording(recording) => {
            let length = recording
                .seconds
                .map_or_else(String::new, |seconds| format!(" of {seconds} s"));
            (About::Store, format!("recording{length} {}", recording.status))
        }
        Row::Interaction { kind, summary, .. } => (About::Store, format!("interaction {kind}: {}", veil.text(summary))),
        Row::Contact { name, fields, .. } => {
            let name = name.as_ref().map(|_| "name");
            let names: Vec<&str> = name.into_iter().chain(fields.keys().map(String::as_str)).collect();
            (About::Store, format!("contact {}", names.join(", ")))
        }
    })
}

fn ordered(kind: &TaskKind, veil: &Veil) -> String {
    match kind {
        TaskKind::RedirectCall { reason, .. } => format!("redirect the call: {reason}"),
        TaskKind::HangUpCall => "hang up through REST".to_owned(),
        TaskKind::AskStatus => "ask the carrier for the status".to_owned(),
        TaskKind::SendMessage {
            channel,
            to,
            template,
            body,
            ..
        } => {
            let to = veil.private(to.reveal());
            match template {
                Some(template) => format!("{channel} {template} to {to}"),
                None => format!("{channel} to {to}: {}", veil.text(body)),
            }
        }
        TaskKind::Transcribe { .. } => "transcribe the recording".to_owned(),
        TaskKind::Http { method, url, .. } => format!("{method} {}", verbs::address(url, veil)),
    }
}

/// What the caller or the carrier did, by the fields of its request.
fn asked(params: &Params, veil: &Veil) -> String {
    let mut parts = Vec::new();
    if let Some(keys) = params.text("Digits").filter(|keys| *keys != "hangup") {
        parts.push(format!("keys {}", veil.keys(keys)));
    }
    if let Some(speech) = params.text("SpeechResult") {
        parts.push(format!("the caller says {}", veil.said(speech)));
    }
    if params.text("RecordingSid").is_some() {
        let seconds = params.text("RecordingDuration").unwrap_or("some");
        parts.push(format!("a recording of {seconds} s"));
    }
    if let Some(status) = params.text("DialCallStatus") {
        parts.push(format!("the dial ends: {}", veil_word(status)));
    }
    if let Some(result) = params.text("QueueResult") {
        parts.push(format!("the queue ends: {}", veil_word(result)));
    }
    if params.text("CallStatus") == Some("completed") {
        parts.push("the caller has hung up".to_owned());
    }
    parts.join(", ")
}

/// A carrier's word is a word: whatever else stands there is not shown.
fn veil_word(word: &str) -> &str {
    if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
        word
    } else {
        "***"
    }
}

/// The middle of `CA…/send_message/3`.
fn task_name(key: &str) -> &str {
    match key.split('/').nth(1) {
        Some("send_message") => "the message",
        Some("http") => "the service",
        Some("redirect_call") => "the redirect",
        Some("transcribe") => "the transcription",
        Some("ask_status") => "the question for the status",
        Some("hang_up_call") => "hanging up",
        _ => "the task",
    }
}

fn ended(result: &TaskResult, veil: &Veil) -> String {
    match result {
        Ok(TaskOutput::Accepted) => "is accepted".to_owned(),
        Ok(TaskOutput::CallGone) => "finds the call over".to_owned(),
        Ok(TaskOutput::Status { status, .. }) => format!("is answered: {}", status.word()),
        Ok(TaskOutput::Sent { .. }) => "is sent".to_owned(),
        Ok(TaskOutput::Http { status, .. }) => format!("answers {status}"),
        Ok(TaskOutput::Transcript { text }) => format!("gives {}", veil.said(text)),
        Err(error) => format!("fails: {}", veil.text(error)),
    }
}

/// Milliseconds as seconds with one digit.
pub(super) fn seconds(millis: u64) -> String {
    format!("{}.{}", millis / 1000, millis % 1000 / 100)
}
