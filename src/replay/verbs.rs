//! A TwiML document as short lines: `Play tts/greeting.mp3`, `Connect Stream`, `Record 30s`.

use super::veil::Veil;
use crate::twiml::Element;

/// One line for each verb, those inside another one indented.
pub fn lines(document: &Element, veil: &Veil) -> Vec<String> {
    let mut lines = Vec::new();
    for verb in &document.children {
        add(verb, 0, veil, &mut lines);
    }
    lines
}

fn add(verb: &Element, depth: usize, veil: &Veil, lines: &mut Vec<String>) {
    let mut line = format!("{}{}", "  ".repeat(depth), verb.name);
    for part in parts(verb, veil) {
        line.push(' ');
        line.push_str(&part);
    }
    // What a verb connects to is the verb's own matter; prompts within a gather are lines of their own.
    let inline = matches!(verb.name.as_str(), "Connect" | "Start" | "Dial");
    if inline {
        for child in &verb.children {
            line.push(' ');
            line.push_str(&child.name);
            for part in parts(child, veil) {
                line.push(' ');
                line.push_str(&part);
            }
        }
    }
    lines.push(line);
    if !inline {
        for child in verb.children.iter().filter(|child| child.name != "Parameter") {
            add(child, depth + 1, veil, lines);
        }
    }
}

/// What tells a verb from another of its kind.
fn parts(verb: &Element, veil: &Veil) -> Vec<String> {
    let with = |name: &str, unit: &str| {
        verb.attribute(name)
            .map(|value| format!("{}{unit}", veil_value(value, veil)))
    };
    let text = verb.words();
    let text = text.trim();
    let parts = match verb.name.as_str() {
        "Play" => vec![Some(address(text, veil))],
        "Say" => vec![with("voice", ""), Some(format!("“{}”", veil.text(text)))],
        "Record" => vec![with("maxLength", "s")],
        "Pause" => vec![Some(with("length", "s").unwrap_or_else(|| "1s".to_owned()))],
        "Gather" => vec![with("input", ""), with("numDigits", " digits"), with("timeout", "s")],
        "Redirect" => vec![Some(address(text, veil))],
        "Reject" => vec![with("reason", "")],
        "Number" | "Sip" | "Client" | "Conference" | "Queue" => vec![Some(veil.private(text))],
        "Dial" if !text.is_empty() && verb.children.is_empty() => vec![with("timeout", "s"), Some(veil.private(text))],
        "Dial" => vec![with("timeout", "s")],
        "Enqueue" => vec![Some(veil.text(text))],
        "Stream" | "Hangup" | "Connect" | "Start" | "Stop" | "Leave" => Vec::new(),
        _ if text.is_empty() => Vec::new(),
        _ => vec![Some(veil.text(text))],
    };
    parts.into_iter().flatten().collect()
}

/// A value of the engine's own making is short and plain; anything else is looked at word by word.
pub(super) fn veil_value(value: &str, veil: &Veil) -> String {
    let plain = value.len() <= 6 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        || ["dtmf", "speech", "dtmf speech", "true", "false"].contains(&value);
    match value {
        _ if plain => value.to_owned(),
        _ if value.contains("://") => address(value, veil),
        _ => veil.text(value),
    }
}

/// An address: of our own, the part that tells it; of others, host and path. What a query holds is nobody's business.
pub(super) fn address(url: &str, veil: &Veil) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    if let Some((_, path)) = bare.split_once("/static/") {
        return veil.text(path);
    }
    if let Some((_, route)) = url.split_once("/webhook/") {
        let visit = route.split('#').next().unwrap_or_default();
        return visit.replace("?n=", " ");
    }
    if veil.is_lifted() {
        url.to_owned()
    } else {
        veil.text(bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twiml::read;

    #[test]
    fn verbs_are_short() {
        let document = "<Response><Play>https://h/static/tts/greeting%20he.mp3</Play>\
            <Say voice=\"x\">Hi Dana</Say><Pause length=\"2\"/><Pause/>\
            <Gather input=\"dtmf\" numDigits=\"1\" timeout=\"5\"><Play>https://h/static/a.mp3</Play></Gather>\
            <Connect action=\"https://h/webhook/stream_ended\"><Stream url=\"wss://h/ws\">\
            <Parameter name=\"token\" value=\"secret\"/></Stream></Connect>\
            <Record maxLength=\"30\"/><Dial timeout=\"20\"><Number>+97231234567</Number></Dial>\
            <Redirect>https://h/webhook/next?n=3#rc=5</Redirect><Hangup/></Response>";
        let document = read(document).expect("a document");
        assert_eq!(
            lines(&document, &Veil::lifted()),
            [
                "Play tts/greeting%20he.mp3",
                "Say x “Hi Dana”",
                "Pause 2s",
                "Pause 1s",
                "Gather dtmf 1 digits 5s",
                "  Play a.mp3",
                "Connect Stream",
                "Record 30s",
                "Dial 20s Number +97231234567",
                "Redirect next 3",
                "Hangup",
            ]
        );
        let masked = lines(&document, &Veil::default()).join("\n");
        assert!(!masked.contains("Dana") && !masked.contains("9723123"), "{masked}");
        assert!(masked.contains("Dial 20s Number **********67"), "{masked}");
    }
}
