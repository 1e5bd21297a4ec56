//! A story as a scenario file: what the caller does, what goes wrong, and what must come of it.

use super::stand_in::{self, WORD};
use super::story::{Happening, Story, What};
use super::thoughts::Thought;
use super::veil::Veil;
use crate::call::EndReason;
use crate::trial::PAYMENTS;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// A service that takes longer was slow, in milliseconds; any other is as quick as the usual one.
const SLOW: u64 = 1_500;

/// Writes a story as a scenario for the flow at `flow`, relative to the file. What cannot be said in a scenario is
/// told in comments, so that nobody takes the scenario for more than it is. `at` is when the call came in, as a scenario
/// writes it.
pub fn scenario(story: &Story, name: &str, flow: &str, at: Option<&str>, veil: &Veil) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "scenario: {}", quoted(name));
    let _ = writeln!(text, "flow: {}", quoted(flow));
    if veil.is_lifted() {
        for (key, number) in [("from", &story.from), ("to", &story.to)] {
            if let Some(number) = number {
                let _ = writeln!(text, "{key}: {}", quoted(number));
            }
        }
    }
    if let Some(at) = at {
        let _ = writeln!(text, "at: {}", quoted(at));
    }
    if let Some(contact) = story.contact.as_ref().map(|contact| stand_in::value(contact, veil))
        && contact.as_object().is_some_and(|fields| !fields.is_empty())
    {
        let _ = writeln!(text, "contact: {}", flowing(&contact));
    }
    let steps = caller(story, veil);
    if !steps.is_empty() {
        let _ = writeln!(text, "caller: {}", quoted(&steps.join("; ")));
    }
    list(&mut text, "faults", faults(story));
    list(&mut text, "dials", dials(story));
    let said = |find: fn(&What) -> Option<&str>| story.happenings.iter().find_map(move |one| find(&one.what));
    for (key, word) in [
        ("queue", said(queue)),
        ("payment", said(payment)),
        ("refer", said(referred)),
    ] {
        if let Some(word) = word {
            let _ = writeln!(text, "{key}: {}", quoted(word));
        }
    }
    services(&mut text, story, veil);
    model(&mut text, story, veil);
    for line in remarks(story) {
        let _ = writeln!(text, "# {line}");
    }
    expect(&mut text, story);
    text
}

fn expect(text: &mut String, story: &Story) {
    let came = &story.came;
    text.push_str("expect:\n");
    let left = story.happenings.iter().any(|happening| happening.what == What::HungUp);
    let sure = came.heard.len() - if left { came.in_latest.min(came.heard.len()) } else { 0 };
    let mut heard = came.heard[..sure].to_vec();
    heard.dedup();
    list(text, "  hears", heard);
    list(text, "  steps", came.steps.clone());
    // An end that was found out later is one of the carrier's reports, not of the call.
    if let Some(ended) = came.ended.filter(|ended| *ended != EndReason::Lost) {
        let _ = writeln!(text, "  ends: {}", ended.word());
    }
    let refused = story.happenings.iter().filter(|one| one.what == What::MessageRefused);
    let _ = writeln!(text, "  recordings: {}", came.recordings);
    let _ = writeln!(
        text,
        "  messages: {}",
        came.messages.len().saturating_sub(refused.count())
    );
}

/// What services answered, where it was not the usual: each name with its answers, call after call.
fn services(text: &mut String, story: &Story, veil: &Veil) {
    let mut named: Vec<(String, Vec<Value>)> = Vec::new();
    for reply in &story.replies {
        let name = reply.service.pattern(veil);
        let mut answer = Map::new();
        match &reply.answer {
            Some((status, body)) => {
                if *status != 200 {
                    answer.insert("status".to_owned(), json!(status));
                }
                let body = stand_in::value(body, veil);
                let says_nothing = body.is_null() || body.as_object().is_some_and(Map::is_empty);
                if !says_nothing {
                    answer.insert("body".to_owned(), body);
                }
            }
            None => _ = answer.insert("fails".to_owned(), json!(true)),
        }
        if reply.after >= SLOW {
            answer.insert("slow".to_owned(), json!(seconds(reply.after)));
        }
        if answer.is_empty() {
            answer.insert("status".to_owned(), json!(200));
        }
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, answers)) => answers.push(in_short(answer)),
            None => named.push((name, vec![in_short(answer)])),
        }
    }
    if !named.is_empty() {
        text.push_str("services:\n");
    }
    for (name, mut answers) in named {
        answers.dedup();
        let answers = match answers.as_slice() {
            [only] => flowing(only),
            _ => flowing(&Value::Array(answers)),
        };
        let _ = writeln!(text, "  {}: {answers}", quoted(&name));
    }
}

/// An answer with one thing to say of it has a shorter form.
fn in_short(answer: Map<String, Value>) -> Value {
    match (answer.len(), answer.get("status"), answer.get("fails")) {
        (1, Some(status), _) => status.clone(),
        (1, _, Some(_)) => json!("fails"),
        _ => Value::Object(answer),
    }
}

/// What models answered, turn by turn.
fn model(text: &mut String, story: &Story, veil: &Veil) {
    let thoughts = &story.thoughts;
    if !thoughts.answers.is_empty() {
        text.push_str("model:\n");
    }
    for (turn, thought) in thoughts.answers.iter().enumerate() {
        let _ = writeln!(text, "  - {}", flowing(&answer(turn, thought, veil)));
    }
    if let Some(stage) = thoughts.failing {
        let _ = writeln!(text, "providers: {{{stage}: fails}}");
    }
}

fn answer(turn: usize, thought: &Thought, veil: &Veil) -> Value {
    // The caller must have something to interrupt.
    let least = if thought.interrupted { 20 } else { 2 };
    let say = thought
        .say
        .as_ref()
        .map(|said| stand_in::reply(said, turn, least, veil));
    let mut answer = Map::new();
    if let Some((name, arguments)) = &thought.action {
        answer.insert("action".to_owned(), json!(name));
        let arguments = stand_in::value(arguments, veil);
        if arguments.as_object().is_some_and(|fields| !fields.is_empty()) {
            answer.insert("with".to_owned(), arguments);
        }
    }
    if thought.fails {
        answer.insert("fails".to_owned(), json!(true));
    }
    match say {
        Some(say) if answer.is_empty() => return Value::String(say),
        Some(say) => _ = answer.insert("say".to_owned(), json!(say)),
        None => {}
    }
    Value::Object(answer)
}

/// A value on one line, as YAML has it.
fn flowing(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(values) => format!("[{}]", values.iter().map(flowing).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{}: {}", quoted(name), flowing(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A time as a scenario writes it, to the tenth of a second.
fn seconds(millis: u64) -> String {
    let millis = millis.max(100).div_ceil(100) * 100;
    match millis % 1000 {
        0 => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
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
    // The caller cuts the agent off, and what is said comes next.
    let mut cuts = None;
    for Happening { ms, what, .. } in &story.happenings {
        match what {
            What::Pressed(keys) => {
                // A code that was typed is private; its length is what a flow looks at.
                let keys = if veil.is_lifted() || keys.len() <= 2 {
                    keys.clone()
                } else {
                    stand_in::keys(keys)
                };
                steps.push(cuts.take().map_or_else(|| "wait prompt".to_owned(), speaking));
                steps.push(format!("keys {keys}"));
            }
            What::Said(words) => {
                steps.push("wait prompt".to_owned());
                steps.push(format!("speak {}", said(words, veil)));
            }
            What::Told(words) => {
                steps.push(match cuts.take() {
                    Some(after) => format!("interrupt after {}", seconds(after)),
                    None => "wait turn".to_owned(),
                });
                steps.push(format!("speak {}", said(words, veil)));
            }
            What::Interrupted(after) => {
                cuts = Some((*after).clamp(500, 5_000));
                continue;
            }
            What::Recorded(seconds) if *seconds > 0 => {
                steps.push("wait verb Record".to_owned());
                steps.push("wait 1s".to_owned());
                steps.push(format!("speak {}", vec![WORD; 3 * *seconds as usize].join(" ")));
            }
            What::HungUp => {
                steps.push(format!("wait {}s", (ms.saturating_sub(last) / 1000).max(1)));
                steps.push("hangup".to_owned());
                return steps;
            }
            _ => {
                cuts = None;
                continue;
            }
        }
        last = *ms;
    }
    steps
}

fn speaking(after: u64) -> String {
    format!("wait speaking {}", seconds(after))
}

fn said(words: &str, veil: &Veil) -> String {
    // A semicolon or a line's end would end the caller's sentence.
    let text = veil.stand_ins(words, WORD).replace([';', '\n', '\r'], ",");
    let text = text.trim();
    if text.is_empty() {
        WORD.to_owned()
    } else {
        text.to_owned()
    }
}

fn faults(story: &Story) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    let mut stopped = false;
    for happening in &story.happenings {
        let at = |before: u64| seconds(happening.ms.saturating_sub(before));
        let fault = match &happening.what {
            What::Restarted => {
                stopped = true;
                format!("restart={}", at(0))
            }
            What::Drained => {
                stopped = true;
                format!("drain={}", at(0))
            }
            What::StoreFailed if happening.ms < REQUEST => "store-fails".to_owned(),
            // It is told after the request that met it.
            What::StoreFailed => format!("store-fails={}", at(REQUEST)),
            // The stream of an engine that stops breaks with it.
            What::StreamDropped(_) | What::StreamRefused if stopped => continue,
            What::StreamRefused => "refuse-stream".to_owned(),
            What::StreamNeverStarted => "never-stream".to_owned(),
            What::StreamWithoutMedia => "no-media".to_owned(),
            What::StreamDropped(ms) => format!("drop-stream={}", seconds(*ms)),
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

/// A request is answered within this time, in milliseconds.
const REQUEST: u64 = 200;

fn queue(what: &What) -> Option<&str> {
    let What::Queued(word) = what else { return None };
    Some(match word.as_str() {
        "bridged" | "bridging-in-process" | "redirected-from-bridged" => "bridged",
        "leave" | "redirected" => "leave",
        "queue-full" => "queue-full",
        // Callers who hang up in a queue have done so in the script.
        "hangup" => return None,
        _ => "error",
    })
}

fn payment(what: &What) -> Option<&str> {
    match what {
        What::Paid(word) if PAYMENTS.contains(&word.as_str()) => Some(word),
        What::Paid(_) => Some("internal-error"),
        _ => None,
    }
}

fn referred(what: &What) -> Option<&str> {
    match what {
        What::Referred(true) => Some("taken"),
        What::Referred(false) => Some("refused"),
        _ => None,
    }
}

fn dials(story: &Story) -> Vec<String> {
    let how = |happening: &Happening| match &happening.what {
        What::Dialled(status) => Some(match status.as_str() {
            "busy" => "busy".to_owned(),
            "no-answer" => "no-answer".to_owned(),
            "failed" => "failed".to_owned(),
            "canceled" => "canceled".to_owned(),
            _ => "answer".to_owned(),
        }),
        _ => None,
    };
    story.happenings.iter().filter_map(how).collect()
}

/// What the form has no words for.
fn remarks(story: &Story) -> Vec<String> {
    let mut remarks = Vec::new();
    let unrenderable = story.happenings.iter().filter(|one| one.what == What::Unrenderable);
    match unrenderable.count() {
        0 => {}
        _ => remarks.push("a document could not be rendered with this call's data".to_owned()),
    }
    let came = &story.came;
    if let Some(why) = came.watchdog {
        remarks.push(format!("the watchdog acted: {}", why.word()));
    }
    if came.ended == Some(EndReason::Lost) {
        remarks.push("the carrier never reported the call's end".to_owned());
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::services::{Reply, Service};
    use crate::replay::story::Came;
    use crate::replay::thoughts::Thoughts;

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
            ..Story::default()
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
            faults: [\"drop-stream=3400ms\"]\ndials: [busy]\n";
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

    #[test]
    fn what_others_answered_stands_in_as_few_words_as_it_can() {
        let reply = |name: &str, answer, after| Reply {
            service: Service::Named(name.to_owned()),
            answer,
            after,
        };
        let story = Story {
            from: Some("+972501234567".to_owned()),
            contact: Some(json!({"name": "Dana", "phone": "+972501234567"})),
            happenings: [
                What::Interrupted(1_234),
                What::Told("Wait a moment".to_owned()),
                What::Queued("system-error".to_owned()),
                What::Paid("success".to_owned()),
                What::Referred(false),
                What::Restarted,
                What::StreamDropped(1),
            ]
            .into_iter()
            .zip((1_u64..).map(|at| at * 1_000))
            .map(|(what, ms)| Happening { ms, step: None, what })
            .collect(),
            replies: vec![
                reply("lookup", Some((404, json!({}))), 100),
                reply("lookup", Some((200, json!({"name": "Dana", "age": 47}))), 2_000),
                reply("crm", None, 0),
                reply("ping", Some((200, json!({}))), 0),
            ],
            thoughts: Thoughts {
                answers: vec![
                    Thought {
                        action: Some(("save".to_owned(), json!({"name": "Dana"}))),
                        ..Thought::default()
                    },
                    Thought {
                        say: Some("Thank you Dana.".to_owned()),
                        ..Thought::default()
                    },
                    Thought {
                        fails: true,
                        ..Thought::default()
                    },
                ],
                failing: Some("speak"),
            },
            ..Story::default()
        };
        let text = scenario(&story, "x", "x", None, &Veil::knowing(&["name"]));
        let want = "scenario: x\nflow: x\ncontact: {name: word}\n\
            caller: \"interrupt after 1300ms; speak word word word\"\nfaults: [\"restart=6s\"]\n\
            queue: error\npayment: success\nrefer: refused\n\
            services:\n  lookup: [404, {body: {name: word}, slow: 2s}]\n  crm: fails\n  ping: 200\n\
            model:\n  - {action: save, with: {name: word}}\n  - \"story story story\"\n  - {fails: true}\n\
            providers: {speak: fails}\nexpect:\n  recordings: 0\n  messages: 0\n";
        assert_eq!(text, want.replace("slow: 2s", "slow: \"2s\""));
        let read = crate::trial::read("x.yaml", &text);
        assert!(read.findings.is_empty(), "{:?}", read.findings);
        let revealed = scenario(&story, "x", "x", None, &Veil::lifted());
        for told in ["from: \"+972501234567\"", "name: Dana", "Thank you Dana.", "age: 47"] {
            assert!(revealed.contains(told), "{revealed}");
        }
    }
}
