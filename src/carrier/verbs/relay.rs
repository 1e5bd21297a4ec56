//! `<Connect><ConversationRelay>`: text instead of sound. The essentials only: setup, prompts, keys, spoken text and the end.

use serde_json::{Map, Value, json};

use super::super::ear::SILENT;
use super::super::exchange::Params;
use super::super::ids;
use super::super::leg::{Leg, flag};
use super::super::line::{Interrupt, frame};
use super::super::prompt;
use super::super::socket::{self, Incoming};
use super::super::stream;
use crate::audio::mulaw;
use crate::twiml::Element;

/// What the engine asks for.
enum Ask {
    Speak(String),
    End(String),
    Nothing,
}

/// Runs the conversation. Returns the `action` parameters.
pub(super) async fn run(leg: &mut Leg, noun: &Element) -> Result<Params, Interrupt> {
    let session = ids::sid("VX");
    let began = leg.line.now();
    let ended = converse(leg, noun, &session).await?;
    let seconds = leg.line.now().saturating_sub(began).as_secs();
    let mut facts = vec![
        ("SessionId".to_owned(), session),
        ("SessionDuration".to_owned(), seconds.to_string()),
    ];
    match ended {
        Ok(handoff) => {
            facts.push(("SessionStatus".to_owned(), "ended".to_owned()));
            facts.push(("HandoffData".to_owned(), handoff));
        }
        Err((code, detail)) => {
            leg.error(code, detail.clone());
            facts.push(("SessionStatus".to_owned(), "failed".to_owned()));
            facts.push(("ErrorCode".to_owned(), code.to_string()));
            facts.push(("ErrorMessage".to_owned(), detail));
        }
    }
    Ok(facts)
}

async fn converse(leg: &mut Leg, noun: &Element, session: &str) -> Result<Result<String, (u32, String)>, Interrupt> {
    let language = noun.attribute("language").unwrap_or("en-US").to_owned();
    let (client, faults) = (leg.client.clone(), leg.faults.clone());
    let url = noun.attribute("url").unwrap_or_default().to_owned();
    let mut socket = match leg.meanwhile(socket::open(&url, &client, &faults)).await? {
        Ok(socket) => socket,
        Err(error) => return Ok(Err(error)),
    };
    let parameters: Map<String, Value> = stream::parameters(noun)
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)))
        .collect();
    let setup = json!({
        "type": "setup", "sessionId": session, "accountSid": leg.account.sid, "parentCallSid": "",
        "callSid": leg.sid, "from": leg.from, "to": leg.to, "forwardedFrom": "", "callType": "PSTN",
        "callerName": "", "direction": "inbound", "callStatus": "IN-PROGRESS", "customParameters": parameters,
    });
    socket.send(setup.to_string());
    let mut text = noun.attribute("welcomeGreeting").unwrap_or_default().to_owned();
    let keys = flag(noun, "dtmfDetection", false);
    let mut sound: Vec<u8> = Vec::new();
    loop {
        if !text.is_empty() {
            sound.extend(leg.meanwhile(prompt::speak(&text, &language)).await?);
            text.clear();
        }
        let rest = sound.split_off(mulaw::FRAME.min(sound.len()));
        let heard = if sound.is_empty() { SILENT } else { frame(&sound) };
        sound = rest;
        leg.line.beat(&heard).await?;
        while let Some(key) = leg.line.keys.pop_front() {
            if keys {
                socket.send(json!({"type": "dtmf", "digit": key.to_string()}).to_string());
            }
        }
        while let Some(words) = leg.line.words.pop_front() {
            sound.clear();
            let prompt = json!({"type": "prompt", "voicePrompt": words, "lang": language, "last": true});
            socket.send(prompt.to_string());
        }
        match socket.take() {
            None => {}
            Some(Incoming::Ended(ending)) => {
                return Ok(ending
                    .code()
                    .map_or(Ok(String::new()), |code| Err((64105, format!("{code}: {ending:?}")))));
            }
            Some(Incoming::Binary) => leg.error(31950, "a binary message"),
            Some(Incoming::Text(message)) => match read(leg, &message) {
                Ask::Speak(words) => text = words,
                Ask::End(handoff) => {
                    leg.meanwhile(socket.close()).await?;
                    return Ok(Ok(handoff));
                }
                Ask::Nothing => {}
            },
        }
    }
}

fn read(leg: &Leg, message: &str) -> Ask {
    let value: Value = serde_json::from_str(message).unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match value.get("type").and_then(Value::as_str) {
        Some("text") => Ask::Speak(text("token")),
        Some("end") => Ask::End(text("handoffData")),
        other => {
            let kind = other.unwrap_or("a message without a type");
            leg.error(31951, format!("`{kind}` is not played by this carrier"));
            Ask::Nothing
        }
    }
}
