//! A story as a scenario file: what the caller does, what goes wrong, and what must come of it.

use super::story::{Happening, Story, What};
use super::veil::Veil;
use std::fmt::Write;

/// Words stand in for what the caller said: as many as there were, those of the flow's own kept.
const STAND_IN: &str = "word";

/// Writes a story as a scenario for the flow at `flow`, relative to the file. What cannot be said in a scenario is
/// told in comments, so that nobody takes the scenario for more than it is. `at` is when the call came in, as a scenario
/// writes it.
pub fn scenario(story: &Story, name: &str, flow: &str, at: Option<&str>, veil: &Veil) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "scenario: {}", quoted(name));
    let _ = writeln!(text, "flow: {}", quoted(flow));
    if let Some(at) = at {
        let _ = writeln!(text, "at: {}", quoted(at));
    }
    let steps = caller(story, veil);
    if !steps.is_empty() {
        let _ = writeln!(text, "caller: {}", quoted(&steps.join("; ")));
    }
    list(&mut text, "faults", faults(story));
    list(&mut text, "dials", dials(story));
    for line in remarks(story, veil) {
        let _ = writeln!(text, "# {line}");
    }
    let came = &story.came;
    text.push_str("expect:\n");
    let left = story.happenings.iter().any(|happening| happening.what == What::HungUp);
    let sure = came.heard.len() - if left { came.in_latest.min(came.heard.len()) } else { 0 };
    let mut heard = came.heard[..sure].to_vec();
    heard.dedup();
    list(&mut text, "  hears", heard);
    let _ = writeln!(text, "  recordings: {}", came.recordings);
    let _ = writeln!(text, "  messages: {}", came.messages.len());
    text
}

fn list(text: &mut String, key: &str, values: Vec<String>) {
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        let _ = writeln!(text, "{key}: [{}]", values.join(", "));
    }
}

/// A YAML string: in quotes unless it is plainly a word or a path.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain) && !RESERVED.contains(&text) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// Words that some YAML reads as something else.
const RESERVED: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];

/// The caller's script. Each thing is done when the prompt before it is over, as it was in the call.
fn caller(story: &Story, veil: &Veil) -> Vec<String> {
    let mut steps = Vec::new();
    let mut last = 0;
    for Happening { ms, what, .. } in &story.happenings {
        match what {
            What::Pressed(keys) => {
                // A code that was typed is private; its length is what a flow looks at.
                let keys = if veil.is_lifted() || keys.len() <= 2 {
                    keys.clone()
                } else {
                    stand_in_keys(keys)
                };
                steps.push("wait prompt".to_owned());
                steps.push(format!("keys {keys}"));
            }
            What::Said(words) => {
                steps.push("wait prompt".to_owned());
                steps.push(format!("speak {}", said(words, veil)));
            }
            What::Interrupted(_) => steps.push(format!("interrupt after 1s; speak {STAND_IN}")),
            What::Recorded(seconds) if *seconds > 0 => {
                steps.push("wait verb Record".to_owned());
                steps.push("wait 1s".to_owned());
                steps.push(format!("speak {}", vec![STAND_IN; 3 * *seconds as usize].join(" ")));
            }
            What::HungUp => {
                steps.push(format!("wait {}s", (ms.saturating_sub(last) / 1000).max(1)));
                steps.push("hangup".to_owned());
                return steps;
            }
            _ => continue,
        }
        last = *ms;
    }
    steps
}

fn said(words: &str, veil: &Veil) -> String {
    // A semicolon or a line's end would end the caller's sentence.
    let text = veil.stand_ins(words, STAND_IN).replace([';', '\n', '\r'], ",");
    let text = text.trim();
    if text.is_empty() {
        STAND_IN.to_owned()
    } else {
        text.to_owned()
    }
}

/// As many keys, counted up, with those that are no digits where they were.
fn stand_in_keys(keys: &str) -> String {
    let stand_in = |(at, key): (usize, char)| match key {
        '0'..='9' => char::from_digit(u32::try_from((at + 1) % 10).unwrap_or(0), 10).unwrap_or('0'),
        key => key,
    };
    keys.chars().enumerate().map(stand_in).collect()
}

fn faults(story: &Story) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    for happening in &story.happenings {
        let fault = match &happening.what {
            What::StreamNeverStarted => "never-stream".to_owned(),
            What::StreamWithoutMedia => "no-media".to_owned(),
            What::StreamDropped(ms) => format!("drop-stream={}s", (ms / 1000).max(1)),
            What::RestFailed => "fail-rest".to_owned(),
            What::Repeated => "repeat-webhooks".to_owned(),
            _ => continue,
        };
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}

fn dials(story: &Story) -> Vec<String> {
    let how = |happening: &Happening| match &happening.what {
        What::Dialled(status) => Some(match status.as_str() {
            "busy" => "busy".to_owned(),
            "no-answer" => "no-answer".to_owned(),
            "failed" | "canceled" => "failed".to_owned(),
            _ => "answer".to_owned(),
        }),
        _ => None,
    };
    story.happenings.iter().filter_map(how).collect()
}

/// What the form has no words for.
fn remarks(story: &Story, veil: &Veil) -> Vec<String> {
    let mut remarks = Vec::new();
    for happening in &story.happenings {
        remarks.extend(match &happening.what {
            What::Answered {
                method, url, status, ..
            } => Some(format!(
                "a service answered {status}: {method} {}",
                super::verbs::address(url, veil)
            )),
            What::ServiceFailed { method, url } => Some(format!(
                "a service did not answer: {method} {}",
                super::verbs::address(url, veil)
            )),
            What::Messaged {
                channel,
                accepted: false,
            } => Some(format!("the {channel} message was refused")),
            What::Restarted => Some("the engine was started again during the call".to_owned()),
            What::Queued(result) => Some(format!("the queue ended: {result}")),
            _ => None,
        });
    }
    let came = &story.came;
    if let Some(ended) = came.ended {
        let watchdog = came
            .watchdog
            .map_or_else(String::new, |why| format!(", after the watchdog's {}", why.word()));
        remarks.push(format!("the call ended: {}{watchdog}", ended.word()));
    }
    remarks.push(format!("it came through {}", came.steps.join(", ")));
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::story::Came;

    fn told(happenings: Vec<What>) -> Story {
        let happenings = happenings.into_iter().zip((0_u64..).step_by(2_000));
        Story {
            happenings: happenings
                .map(|(what, ms)| Happening { ms, step: None, what })
                .collect(),
            came: Came {
                heard: vec!["tts/a.mp3".to_owned(), "tts/b.mp3".to_owned()],
                in_latest: 1,
                ..Came::default()
            },
        }
    }

    #[test]
    fn a_story_becomes_a_scenario_without_anybodys_words() {
        let story = told(vec![
            What::Pressed("1".to_owned()),
            What::Pressed("4711#".to_owned()),
            What::Said("I am Dana; yes".to_owned()),
            What::Dialled("busy".to_owned()),
            What::StreamDropped(3_400),
            What::HungUp,
        ]);
        let text = scenario(&story, "no number: none", "../flows/main.yaml", None, &Veil::default());
        let want = "scenario: \"no number: none\"\nflow: \"../flows/main.yaml\"\n\
            caller: \"wait prompt; keys 1; wait prompt; keys 1234#; wait prompt; speak word word word, word; wait 6s; hangup\"\n\
            faults: [\"drop-stream=3s\"]\ndials: [busy]\n";
        assert!(text.starts_with(want), "{text}");
        assert!(text.contains("  hears: [tts/a.mp3]\n  recordings: 0\n"), "{text}");
        assert!(!text.contains("Dana") && !text.contains("4711"), "{text}");
        let revealed = scenario(&story, "x", "x", Some("2026-11-22T10:30:00Z"), &Veil::lifted());
        assert!(
            revealed.contains("keys 4711#; wait prompt; speak I am Dana, yes"),
            "{revealed}"
        );
        assert!(revealed.contains("\nat: \"2026-11-22T10:30:00Z\"\n"), "{revealed}");
    }
}
