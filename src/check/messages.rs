//! `whatsapp` and `sms`: addresses, texts and variables with which the carrier never sends a message.

use super::written::{self, Text, Written};
use crate::compile::Compiled;
use crate::flow::form::PhoneNumber;
use crate::flow::{Finding, Findings, Node, Place, Source, Template};

/// The longest text of a message, in characters (21617).
const LONGEST: usize = 1_600;
const PREFIX: &str = "whatsapp:";
const NEVER: &str = "the message would never be sent";

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    for message in written::all(compiled) {
        if !["whatsapp", "sms"].contains(&message.kind) {
            continue;
        }
        addresses(&message, findings);
        body(&message, findings);
        variables(&message, compiled, findings);
    }
}

fn addresses(message: &Written<'_>, findings: &mut Findings) {
    let (to, from) = (message.text("to"), message.text("from"));
    for (key, address) in [("to", &to), ("from", &from)] {
        let Some(address) = address.as_ref().filter(|address| !written::is_filled(address.text)) else {
            continue;
        };
        if let Some((fact, help)) = fault(message.kind, key, address.text) {
            let text = format!("`{key}` is `{}`: {fact}", address.text);
            findings.push(wrong_address(address.place.clone(), text).help(help));
        }
    }
    let Some(to) = to else { return };
    let plain: String = to.text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let bare = |text: &Text<'_>| text.text.trim().trim_start_matches(PREFIX).to_owned();
    match &from {
        Some(from) if bare(from) == bare(&to) => findings.push(
            wrong_address(to.place, "`to` and `from` are the same (63031, 21266)".to_owned())
                .related(from.place.clone(), "the sender")
                .help("write to the caller: `to: \"{{ call.from }}\"`"),
        ),
        None if plain == "{{call.to}}" => {
            let text = "this goes to the number that was called, which is also the sender (63031, 21266)";
            findings
                .push(wrong_address(to.place, text.to_owned()).help("write to the caller: `to: \"{{ call.from }}\"`"));
        }
        _ => {}
    }
}

/// What is wrong with an address that is written out, and what to write.
fn fault(kind: &str, key: &str, address: &str) -> Option<(&'static str, &'static str)> {
    let address = address.trim();
    let bare = address.strip_prefix(PREFIX);
    if kind == "sms" && bare.is_some() {
        return Some((
            "both sides of a text message are telephone numbers (21910)",
            "leave `whatsapp:` away, or use a `whatsapp` step",
        ));
    }
    // Text messages also have senders by name and short codes.
    if kind == "sms" && key == "from" {
        return None;
    }
    (!PhoneNumber::is_e164(bare.unwrap_or(address))).then_some((
        "not a number with its country code (21211)",
        "write for example `\"+972501234567\"`, or `\"{{ call.from }}\"` for the caller",
    ))
}

fn wrong_address(place: Place, message: String) -> Finding {
    Finding::error("message-address", place, message)
        .category("policy")
        .label("nobody can be reached like this")
        .consequence(NEVER)
}

fn body(message: &Written<'_>, findings: &mut Findings) {
    let Some(body) = message.text("body") else { return };
    let length = written::fixed_part(body.text).chars().count();
    let finding = if length > LONGEST {
        let text = format!("the text has {length} characters, the carrier takes {LONGEST} (21617)");
        Finding::error("message-body", body.place, text)
            .label("too long")
            .help("shorten it, or send it as several messages")
    } else if body.text.trim().is_empty() {
        Finding::error("message-body", body.place, "the message has no text (21602)")
            .label("empty")
            .help("write what the person is to read")
    } else {
        return;
    };
    findings.push(finding.category("policy").consequence(NEVER));
}

/// A template is filled with exactly its variables: one more is as wrong as one less.
fn variables(message: &Written<'_>, compiled: &Compiled, findings: &mut Findings) {
    let Some(name) = message.text("template") else { return };
    let path = format!("templates/whatsapp/{}.txt", name.text);
    let Some(text) = compiled.sources.get(&path) else {
        return;
    };
    let (Some(template), _) = Template::of_file(&Source::new(path.as_str(), text.as_str())) else {
        return;
    };
    if template.text().trim().is_empty() {
        findings.push(
            Finding::error(
                "message-body",
                name.place.clone(),
                format!("the text of `{}` is empty (21602)", name.text),
            )
            .category("policy")
            .label("nothing to send")
            .consequence(NEVER)
            .help(format!("write what the person is to read into `{path}`")),
        );
        return;
    }
    for given in message.body.key("with").and_then(Node::as_map).unwrap_or_default() {
        let key = given.key.text.as_str();
        if template
            .uses()
            .iter()
            .any(|one| one.path.first().is_some_and(|top| top == key))
        {
            continue;
        }
        findings.push(
            Finding::warning(
                "unused-template-variable",
                Place::new(&message.document.source, given.key.span),
                format!("the message template `{}` has no `{key}`", name.text),
            )
            .category("policy")
            .label("given and not used")
            .consequence("where the template has an id, the carrier refuses a wrong number of variables (63028)")
            .help(format!("remove `{key}`, or use `{{{{ {key} }}}}` in `{path}`")),
        );
    }
}
