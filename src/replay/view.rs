//! A replay for people, in two columns; for a screen reader or `grep`, one line at a time; and as JSON.

use super::apart::{Row, details, matters, rows};
use super::compare::{Beat, Stop};
use super::faithful::Fault;
use super::lines::{Line, event, seconds};
use super::side::{Excerpt, Side};
use super::veil::Veil;
use crate::call::Time;
use serde_json::{Value, json};
use std::fmt::Write;

/// Everything that there is to tell.
#[derive(Debug)]
pub struct Report<'a> {
    /// The call's id.
    pub call: &'a str,
    /// Facts of the call, masked: caller, start, end.
    pub head: Vec<(&'static str, String)>,
    /// The flow that it was made with.
    pub then: &'a Side,
    /// Another one.
    pub now: Option<&'a Side>,
    /// What happened.
    pub beats: &'a [Beat],
    /// The first beat that differs.
    pub first: Option<usize>,
    /// Where the recording stops meaning anything to the other flow.
    pub stop: Option<&'a Stop>,
    /// Where the other flow waits when the recording is over.
    pub still_waits: Option<&'a str>,
    /// What the store and the replay do not agree on.
    pub faults: &'a [Fault],
    /// What may be shown.
    pub veil: &'a Veil,
}

/// The width of a page, in characters.
const WIDTH: usize = 100;
/// The width of the column of times.
const TIMES: usize = 9;
/// The width of each of the two columns.
const COLUMN: usize = (WIDTH - TIMES - 3) / 2;

/// Two columns, where lines that both have are given once.
pub fn human(report: &Report<'_>) -> String {
    let mut page = head(report);
    if let Some(now) = report.now {
        page.push('\n');
        columns(
            &mut page,
            "",
            &format!("then: {}", named(report.then)),
            &format!("now: {}", named(now)),
        );
    }
    page.push('\n');
    for (at, beat) in report.beats.iter().enumerate() {
        if report.first == Some(at) {
            let _ = writeln!(page, "{:─<WIDTH$}", "───────── from here on they differ ");
        }
        beat_in_columns(&mut page, report, beat);
    }
    page.push('\n');
    page.push_str(&verdict(report));
    page
}

/// One line for each thing, with its time and whose it is.
pub fn plain(report: &Report<'_>) -> String {
    let mut page = head(report);
    for beat in report.beats {
        let time = time(report, beat.at);
        let mut line = |whose: &str, text: &str| {
            let _ = writeln!(page, "{time} {whose}{text}");
        };
        let (whose, what) = heading(report, beat);
        line(whose, &what);
        for row in rows(beat.then.as_ref(), beat.now.as_ref(), report.veil) {
            match row {
                Row::Both(both) if matters(&both) => line("", &format!("  {}", both.text)),
                Row::Both(_) => {}
                Row::Apart(then, now) => {
                    for (label, side) in [(THEN, then), (NOW, now)] {
                        let label = if report.now.is_some() { label } else { "" };
                        if let Some(side) = side.filter(|side| report.now.is_some() && !beat.same || matters(side)) {
                            line(label, &format!("  {}", side.text));
                        }
                    }
                }
            }
        }
    }
    page.push_str(&verdict(report));
    page
}

/// The same as one JSON object.
pub fn json(report: &Report<'_>) -> Value {
    let lines = |moment: &Option<super::Moment>| {
        moment.as_ref().map(|moment| {
            let told = super::lines::lines(moment, report.veil);
            let told: Vec<Value> = told
                .iter()
                .map(|line| json!({"about": line.about.word(), "text": line.text}))
                .collect();
            json!({
                "event": event(&moment.event, report.veil),
                "lines": told,
                "waits": moment.waits.as_ref().map(|waits| waits.name.clone()),
            })
        })
    };
    let beats: Vec<Value> = report
        .beats
        .iter()
        .map(|beat| {
            json!({
                "ms": beat.at.since(begin(report)),
                "event": beat.seq,
                "same": beat.same,
                "then": lines(&beat.then),
                "now": lines(&beat.now),
            })
        })
        .collect();
    let version = |side: &Side| json!({"flow": side.name(), "file": side.path, "version": side.version()});
    let excerpt = |excerpt: &Excerpt| {
        json!({
            "step": excerpt.step,
            "file": excerpt.file,
            "line": excerpt.line,
            "text": veiled(excerpt, report.veil),
        })
    };
    let difference = report.first.map(|at| {
        let beat = &report.beats[at];
        let places = report.now.map(|now| beat.parting(report.then, now));
        let (then, now) = places.unwrap_or_default();
        json!({
            "beat": at,
            "ms": beat.at.since(begin(report)),
            "event": beat.seq,
            "what": heading(report, beat).1,
            "details": hidden(report, beat),
            "then": then.as_ref().map(excerpt),
            "now": now.as_ref().map(excerpt),
        })
    });
    let head: serde_json::Map<String, Value> = report
        .head
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.clone())))
        .collect();
    json!({
        "format_version": "1.0",
        "call": report.call,
        "facts": head,
        "then": version(report.then),
        "now": report.now.map(version),
        "same": report.first.is_none() && report.faults.is_empty(),
        "difference": difference,
        "stop": report.stop.map(|stop| json!({"ms": stop.at.since(begin(report)), "why": stop.why})),
        "still_waits": report.still_waits,
        "faults": report.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "beats": beats,
    })
}

const THEN: &str = "then: ";
const NOW: &str = "now:  ";

fn head(report: &Report<'_>) -> String {
    let mut page = format!("call {}\n", report.call);
    for (name, value) in &report.head {
        let _ = writeln!(page, "  {name:<8}{value}");
    }
    let _ = writeln!(page, "  flow    {}", named(report.then));
    if let Some(now) = report.now {
        let _ = writeln!(page, "  edited  {}", named(now));
    }
    page
}

fn named(side: &Side) -> String {
    format!("{} ({})", side.path, side.version())
}

fn begin(report: &Report<'_>) -> Time {
    report.beats.first().map_or(Time(0), |beat| beat.at)
}

fn time(report: &Report<'_>, at: Time) -> String {
    format!("{:>7}s", format!("+{}", seconds(at.since(begin(report)))))
}

/// Whose event a beat is, and what it was.
fn heading(report: &Report<'_>, beat: &Beat) -> (&'static str, String) {
    let told = |moment: &super::Moment| event(&moment.event, report.veil);
    match (&beat.then, &beat.now) {
        (Some(then), Some(_)) => ("", told(then)),
        (Some(then), None) if report.now.is_none() => ("", told(then)),
        (Some(then), None) => (THEN, told(then)),
        (None, Some(now)) => (NOW, told(now)),
        (None, None) => ("", String::new()),
    }
}

fn beat_in_columns(page: &mut String, report: &Report<'_>, beat: &Beat) {
    let time = time(report, beat.at);
    let (whose, what) = heading(report, beat);
    match whose {
        THEN => columns(page, &time, &what, ""),
        NOW => columns(page, &time, "", &what),
        _ => full(page, &time, &what),
    }
    for row in rows(beat.then.as_ref(), beat.now.as_ref(), report.veil) {
        let text = |line: &Line| format!("  {}", line.text);
        match row {
            Row::Both(line) if matters(&line) => full(page, "", &text(&line)),
            Row::Both(_) => {}
            Row::Apart(Some(line), None) if report.now.is_none() => {
                if matters(&line) {
                    full(page, "", &text(&line));
                }
            }
            Row::Apart(then, now) => {
                // A timer is shown where both have it, at another time.
                let alone = then.is_none() || now.is_none();
                let shown = |line: &Option<Line>| {
                    line.as_ref()
                        .filter(|line| !alone || matters(line))
                        .map(&text)
                        .unwrap_or_default()
                };
                let (then, now) = (shown(&then), shown(&now));
                if !(then.is_empty() && now.is_empty()) {
                    columns(page, "", &then, &now);
                }
            }
        }
    }
}

fn full(page: &mut String, time: &str, text: &str) {
    for (number, line) in wrapped(text, WIDTH - TIMES).into_iter().enumerate() {
        let time = if number == 0 { time } else { "" };
        push(page, &format!("{time:<TIMES$}{line}"));
    }
}

fn columns(page: &mut String, time: &str, then: &str, now: &str) {
    let (left, right) = (wrapped(then, COLUMN), wrapped(now, COLUMN));
    for number in 0..left.len().max(right.len()) {
        let time = if number == 0 { time } else { "" };
        let part = |lines: &[String]| lines.get(number).cloned().unwrap_or_default();
        push(
            page,
            &format!("{time:<TIMES$}{:<COLUMN$} │ {}", part(&left), part(&right)),
        );
    }
}

fn push(page: &mut String, line: &str) {
    page.push_str(line.trim_end());
    page.push('\n');
}

/// Lines of at most so many characters; those that continue are indented as the first.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let margin: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut lines = vec![margin.clone()];
    for word in text.split_whitespace() {
        for piece in pieces(word, width - margin.len() - 2) {
            let line = lines.last_mut().expect("there is always a line");
            let empty = line.trim().is_empty();
            if empty || line.chars().count() + 1 + piece.chars().count() <= width {
                if !empty {
                    line.push(' ');
                }
                line.push_str(&piece);
            } else {
                lines.push(format!("{margin}  {piece}"));
            }
        }
    }
    lines
}

fn pieces(word: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    characters
        .chunks(width.max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}

/// What it comes to.
fn verdict(report: &Report<'_>) -> String {
    let mut text = String::new();
    for fault in report.faults {
        let _ = writeln!(text, "bug: {fault}");
    }
    if !report.faults.is_empty() {
        text.push_str("with its own flow the call does not come to what was stored of it: that is a fault of the engine, please report it\n");
    }
    let Some(first) = report.first else {
        let what = match (report.now, report.faults.is_empty()) {
            (Some(_), _) => "same: the edited flow does everything as the recorded one did\n",
            (None, true) => "same: run again, the call does everything as it did\n",
            (None, false) => "",
        };
        text.push_str(what);
        return text;
    };
    let beat = &report.beats[first];
    let (_, what) = heading(report, beat);
    let number = beat.seq.map_or_else(String::new, |seq| format!(", event {seq}"));
    let _ = writeln!(
        text,
        "first difference at {}{number}: {what}",
        time(report, beat.at).trim_start()
    );
    for row in rows(beat.then.as_ref(), beat.now.as_ref(), report.veil) {
        if let Row::Apart(then, now) = row {
            for (label, line) in [(THEN, then), (NOW, now)] {
                if let Some(line) = line {
                    let _ = writeln!(text, "  {label}{}", line.text.trim());
                }
            }
        }
    }
    if beat.then.is_none() || beat.now.is_none() {
        let _ = writeln!(text, "  this happens to one of the two only");
    }
    for detail in hidden(report, beat) {
        let _ = writeln!(text, "  {detail}");
    }
    if let Some(now) = report.now {
        let (then, now) = beat.parting(report.then, now);
        for (label, excerpt) in [("then", then), ("now", now)] {
            let Some(excerpt) = excerpt else { continue };
            let _ = writeln!(text, "  {label}, {}:{}", excerpt.file, excerpt.line);
            for line in veiled(&excerpt, report.veil) {
                let _ = writeln!(text, "    | {line}");
            }
        }
    }
    if let Some(stop) = report.stop {
        let _ = writeln!(
            text,
            "from {} on the recorded carrier answers something that the edited flow did not ask: {}",
            time(report, stop.at).trim_start(),
            stop.why
        );
    }
    if let Some(step) = report.still_waits {
        let _ = writeln!(text, "the recording ends, and the edited flow still waits in `{step}`");
    }
    text
}

fn hidden(report: &Report<'_>, beat: &Beat) -> Vec<String> {
    match (&beat.then, &beat.now) {
        (Some(then), Some(now)) => details(then, now, report.veil),
        _ => Vec::new(),
    }
}

fn veiled(excerpt: &Excerpt, veil: &Veil) -> Vec<String> {
    excerpt.text.iter().map(|line| veil.authors(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_no_wider_than_it_may_be() {
        let mut page = String::new();
        let long = "a sentence that goes on and on until nobody can remember how it began, and then some more of it";
        columns(&mut page, "  +12.3s", long, &"x".repeat(130));
        full(&mut page, "  +12.3s", &format!("    {long} {long}"));
        assert!(page.lines().all(|line| line.chars().count() <= WIDTH), "{page}");
        assert!(page.lines().count() > 5);
        let kept: String = page.chars().filter(|c| *c == 'x').collect();
        assert_eq!(kept.len(), 130);
    }
}
