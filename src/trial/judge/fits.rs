//! Whether something that came is what was wanted, and how it is named in a message.

use crate::trial::Request;
use crate::trial::form::{InteractionForm, MessageForm, RequestForm, TurnForm};
use crate::trial::outcome::{Heard, Message};
use crate::trial::services::is_in;
use serde_json::Value;

/// Whether this is what was heard: a file by the end of its path, words by a part of them.
pub(super) fn is_heard(wanted: &str, heard: &Heard) -> bool {
    if heard.spoken {
        folded(&heard.what).contains(&folded(wanted))
    } else {
        heard.what == wanted || heard.what.ends_with(wanted)
    }
}

pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

pub(super) fn shown(heard: &Heard) -> String {
    if heard.spoken {
        format!("“{}”", heard.what)
    } else {
        heard.what.clone()
    }
}

pub(super) fn is_sent(form: &MessageForm, sent: &Message) -> bool {
    let is = |wanted: &Option<String>, came: &str| wanted.as_ref().is_none_or(|wanted| wanted == came);
    is(&form.channel, &sent.channel)
        && is(&form.to, &sent.to)
        && is(&form.template, sent.template.as_deref().unwrap_or_default())
        && form
            .body
            .as_ref()
            .is_none_or(|part| folded(&sent.body).contains(&folded(part)))
}

pub(super) fn message(sent: &Message) -> String {
    let template = sent
        .template
        .as_ref()
        .map_or_else(String::new, |name| format!(", template {name}"));
    format!("{} to {}{template}: “{}”", sent.channel, sent.to, sent.body)
}

pub(super) fn message_form(form: &MessageForm) -> String {
    let part = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
    let parts = [
        part("channel", &form.channel),
        part("to", &form.to),
        part("template", &form.template),
        part("body", &form.body),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn is_kept(form: &InteractionForm, (kind, summary, data): (&str, &str, &Value)) -> bool {
    form.kind.as_ref().is_none_or(|wanted| wanted == kind)
        && form
            .summary
            .as_ref()
            .is_none_or(|part| folded(summary).contains(&folded(part)))
        && form
            .data
            .iter()
            .all(|(name, wanted)| data.get(&name.value).is_some_and(|came| same(wanted, came)))
}

pub(super) fn is_asked(form: &RequestForm, request: &Request) -> bool {
    (form.to == request.name || is_in(&form.to, &request.url))
        && form
            .method
            .as_ref()
            .is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
        && form
            .body
            .iter()
            .all(|(name, wanted)| request.body.get(&name.value).is_some_and(|came| same(wanted, came)))
}

pub(super) fn is_turn(form: &TurnForm, who: &str, text: &str) -> bool {
    let part = match who {
        "caller" => &form.caller,
        _ => &form.agent,
    };
    part.as_ref().is_some_and(|part| folded(text).contains(&folded(part)))
}

/// Whether a value is the one that is wanted; of a map only what is written.
pub(super) fn same(wanted: &Value, came: &Value) -> bool {
    match (wanted, came) {
        (Value::Object(wanted), Value::Object(came)) => wanted
            .iter()
            .all(|(name, wanted)| came.get(name).is_some_and(|came| same(wanted, came))),
        (Value::Number(one), Value::String(other)) | (Value::String(other), Value::Number(one)) => {
            &one.to_string() == other
        }
        (wanted, came) => wanted == came,
    }
}

pub(super) fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.len() {
        0 => "nothing".to_owned(),
        _ => items.join(", "),
    }
}

pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
