//! Documents that answer a message.

use super::{ADVICE, Setting, address};
use crate::twiml::{Element, Problem};

/// The most messages that answer one.
const REPLIES: usize = 10;

pub(super) fn check(root: &Element, problems: &mut Vec<Problem>) {
    let replies: Vec<&Element> = root.children.iter().filter(|child| child.name == "Message").collect();
    if let Some(first) = replies.get(REPLIES) {
        let message = format!("{} messages answer one, the carrier sends {REPLIES}", replies.len());
        problems.push(Problem::new(14109, first.range.clone(), message, "join their texts"));
    }
    for message in replies {
        let body = message.child("Body");
        let words = body.map_or(message.text.trim(), |body| body.text.trim());
        if words.is_empty() && message.child("Media").is_none() {
            let help = "write the text, or a `<Media>`";
            problems.push(Problem::new(
                14103,
                message.range.clone(),
                "`<Message>` has neither text nor media",
                help,
            ));
        }
        if body.is_some() && !message.text.trim().is_empty() {
            let help = "put all of it into the `<Body>`";
            problems.push(Problem::new(
                ADVICE,
                message.range.clone(),
                "`<Message>` has text beside its `<Body>`",
                help,
            ));
        }
        for media in message.children.iter().filter(|child| child.name == "Media") {
            address::check_text(media, media.text.trim(), Setting::Webhook, problems);
        }
        for name in ["to", "from"] {
            if let Some(party) = message.attribute(name).filter(|party| !is_address(party)) {
                let code = if name == "to" { 14101 } else { 14102 };
                let help = "write a number with its country code, such as `+972512345678` or `whatsapp:+972512345678`";
                let fact = format!("`{name}` is `{party}`");
                problems.push(Problem::new(code, message.attribute_range(name), fact, help));
            }
        }
    }
    let last = root.children.iter().position(|child| child.name == "Redirect");
    for redirect in root.children.iter().filter(|child| child.name == "Redirect") {
        address::check_redirect(redirect, Setting::Webhook, problems);
    }
    if let Some(lost) = last.and_then(|last| root.children.get(last + 1)) {
        let message = format!("`<{}>` is never reached: `<Redirect>` does not come back", lost.name);
        problems.push(Problem::new(ADVICE, lost.range.clone(), message, "remove it"));
    }
}

/// A number, a short code, a sender's name, or one of another channel (`whatsapp:+…`, `messenger:…`).
fn is_address(party: &str) -> bool {
    match party.split_once(':') {
        Some(("whatsapp", number)) => super::number::is_number(number) && number.starts_with('+'),
        Some((channel, rest)) => !channel.is_empty() && !rest.is_empty(),
        None if party.bytes().all(|byte| byte.is_ascii_digit()) => {
            (3..=8).contains(&party.len()) || super::number::is_number(party)
        }
        None => super::number::is_number(party) || is_sender_name(party),
    }
}

/// Up to eleven letters, digits and spaces, with a letter among them.
fn is_sender_name(party: &str) -> bool {
    party.len() <= 11
        && party.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        && party.bytes().any(|byte| byte.is_ascii_alphabetic())
}
