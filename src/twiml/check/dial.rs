//! `<Dial>` and its nouns, and `<Enqueue>`: whom they reach, and what may not stand together.

use super::{ADVICE, SCHEMA_WARNING, number};
use crate::twiml::{Element, Problem};

/// How many parties ring at once (not verified with the carrier).
const PARTIES: usize = 10;
/// The longest name of a queue (errors E), in characters.
const QUEUE_NAME: usize = 63;
/// The longest `callReason`, in characters.
const REASON: usize = 50;

pub(super) fn check(element: &Element, problems: &mut Vec<Problem>) {
    let nouns = &element.children;
    let value = element.text.trim();
    if nouns.is_empty() && !number::is_number(value) {
        let message = if value.is_empty() {
            "`<Dial>` dials nobody".to_owned()
        } else {
            format!("`<Dial>` dials `{value}`")
        };
        problems.push(Problem::new(13223, element.range.clone(), message, number::HELP));
    } else if !nouns.is_empty() && !value.is_empty() {
        let message = format!("`<Dial>` has nouns, so its text `{value}` is ignored");
        problems.push(Problem::new(
            SCHEMA_WARNING,
            element.range.clone(),
            message,
            "put the number into a `<Number>`",
        ));
    }
    if let Some(conference) = element.child("Conference")
        && nouns.len() > 1
    {
        let message = "`<Conference>` cannot stand beside another noun";
        problems.push(Problem::new(
            13000,
            conference.range.clone(),
            message,
            "use one `<Dial>` for the conference alone",
        ));
    }
    let parties = nouns
        .iter()
        .filter(|noun| ["Number", "Client", "Sip"].contains(&noun.name.as_str()))
        .count();
    if parties > PARTIES && element.attribute("sequential") != Some("true") {
        let message = format!("`<Dial>` rings {parties} parties at once, the carrier takes {PARTIES}");
        problems.push(Problem::new(
            ADVICE,
            element.range.clone(),
            message,
            "write `sequential=\"true\"` or use a queue",
        ));
    }
    if let Some(caller) = element.attribute("callerId") {
        // SIP and client legs take any name.
        let named = nouns.iter().all(|noun| ["Sip", "Client"].contains(&noun.name.as_str())) && !nouns.is_empty();
        let prefixed = ["client:", "sip:", "whatsapp:"]
            .iter()
            .any(|prefix| caller.starts_with(prefix));
        if caller.is_empty() || !(named || prefixed || number::is_number(caller)) {
            let message = format!("`callerId` is `{caller}`");
            let help = "write a number of yours with its country code, or leave it away to show the caller's";
            problems.push(Problem::new(13214, element.attribute_range("callerId"), message, help));
        }
    }
    if let Some(reason) = element
        .attribute("callReason")
        .filter(|reason| reason.chars().count() > REASON)
    {
        let message = format!(
            "`callReason` has {} characters, the carrier takes {REASON}",
            reason.chars().count()
        );
        problems.push(Problem::new(
            SCHEMA_WARNING,
            element.attribute_range("callReason"),
            message,
            "shorten it",
        ));
    }
}

pub(super) fn check_conference(element: &Element, problems: &mut Vec<Problem>) {
    if element.text.trim().is_empty() {
        let message = "`<Conference>` has no name";
        problems.push(Problem::new(
            13237,
            element.range.clone(),
            message,
            "write its name as text",
        ));
    }
}

pub(super) fn check_sip(element: &Element, problems: &mut Vec<Problem>) {
    let address = element.text.trim();
    // A `<Sip>` may leave its address to `<Uri>` elements.
    if address.is_empty() && element.child("Uri").is_some() {
        return;
    }
    let rest = address.strip_prefix("sip:").or_else(|| address.strip_prefix("sips:"));
    let host = rest.map(|rest| rest.split_once('@').map_or(rest, |(_, host)| host));
    let usable = host.is_some_and(|host| host.starts_with(|letter: char| letter.is_alphanumeric() || letter == '['));
    if !usable || address.contains(char::is_whitespace) {
        let message = format!("`<{}>` has the address `{address}`", element.name);
        problems.push(Problem::new(
            13243,
            element.range.clone(),
            message,
            "write `sip:user@host`",
        ));
    }
}

pub(super) fn check_enqueue(element: &Element, problems: &mut Vec<Problem>) {
    let name = element.text.trim();
    if name.is_empty() && element.attribute("workflowSid").is_none() {
        let message = "`<Enqueue>` names no queue";
        problems.push(Problem::new(
            14204,
            element.range.clone(),
            message,
            "write the queue's name as text",
        ));
    }
    let length = name.chars().count();
    if length > QUEUE_NAME {
        let message = format!("the queue's name has {length} characters, the carrier takes {QUEUE_NAME}");
        problems.push(Problem::new(14205, element.range.clone(), message, "shorten it"));
    }
}
