//! `<Dial>`: rings somebody else; who answers and how is the script's to say.

use std::time::Duration;

use super::super::ear::SILENT;
use super::super::exchange::{Method, Params, Request};
use super::super::ids;
use super::super::leg::{Leg, Next, flag, seconds};
use super::super::line::{Interrupt, beats, endless, frame};
use super::super::sounds;
use super::super::spec::DialOutcome;
use crate::audio::mulaw;
use crate::twiml::Element;

/// Rings, connects and talks as scripted, then asks for the `action` where there is one.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    let outcome = leg.dials.pop_front().unwrap_or_default();
    let child = ids::sid("CA");
    let mut sound = Vec::new();
    let talked = call(leg, verb, outcome, &child, &mut sound).await;
    let status = match (&talked, outcome) {
        (Ok(Some(_)), _) => "completed",
        (Ok(None), DialOutcome::Busy) => "busy",
        (Ok(None), DialOutcome::Failed) => "failed",
        (Ok(None), _) => "no-answer",
        (Err(_), _) => "completed",
    };
    let mut result: Params = vec![
        ("DialCallStatus".to_owned(), status.to_owned()),
        ("DialCallSid".to_owned(), child.clone()),
        ("DialBridged".to_owned(), (status == "completed").to_string()),
    ];
    if let Ok(Some(talked)) = &talked {
        result.push(("DialCallDuration".to_owned(), talked.as_secs().to_string()));
    }
    if verb
        .attribute("record")
        .is_some_and(|record| record.starts_with("record") || record == "true")
        && let Some(facts) = leg.keep_recording(verb, "DialVerb", &sound)
    {
        result.extend(facts);
    }
    tell(leg, verb, &child, "completed", status);
    match talked {
        Ok(_) => Ok(leg.action(verb, false, result)),
        Err(Interrupt::HungUp) => {
            leg.last_action(verb, false, result);
            Err(Interrupt::HungUp)
        }
        Err(other) => Err(other),
    }
}

/// How long the two talked; `None` where nobody answered.
async fn call(
    leg: &mut Leg,
    verb: &Element,
    outcome: DialOutcome,
    child: &str,
    sound: &mut Vec<u8>,
) -> Result<Option<Duration>, Interrupt> {
    tell(leg, verb, child, "initiated", "initiated");
    tell(leg, verb, child, "ringing", "ringing");
    let patience = seconds(verb, "timeout", 30);
    let (rings, talk) = match outcome {
        DialOutcome::Answered { after, talk } => (after, talk),
        DialOutcome::Busy | DialOutcome::Failed => (Duration::from_secs(1), Duration::ZERO),
        DialOutcome::NoAnswer => (patience, Duration::ZERO),
    };
    let mut ringback = endless(&sounds::ringback());
    for _ in 0..beats(rings.min(patience)) {
        leg.line.beat(&ringback.next().unwrap_or(SILENT)).await?;
    }
    if talk.is_zero() || rings > patience {
        if outcome == DialOutcome::Busy {
            leg.line.play(&sounds::busy()).await?;
        }
        return Ok(None);
    }
    leg.answer();
    tell(leg, verb, child, "answered", "in-progress");
    let talk = talk.min(seconds(verb, "timeLimit", 14_400));
    let star = flag(verb, "hangupOnStar", false);
    let voice = sounds::speechlike(talk, 11);
    leg.line.keys.clear();
    for (beat, part) in voice.chunks(mulaw::FRAME).enumerate() {
        let said = leg.line.beat(&frame(part)).await?.said;
        sound.extend_from_slice(&said);
        if star && leg.line.keys.contains(&'*') {
            return Ok(Some(Duration::from_millis(beat as u64 * mulaw::FRAME_MS)));
        }
    }
    Ok(Some(talk))
}

/// Tells the engine about the other leg where a noun asks for it.
fn tell(leg: &Leg, verb: &Element, child: &str, event: &str, status: &str) {
    for noun in &verb.children {
        let Some(callback) = noun.attribute("statusCallback").filter(|url| !url.is_empty()) else {
            continue;
        };
        if !matches!(noun.name.as_str(), "Number" | "Sip" | "Client" | "WhatsApp") {
            continue;
        }
        let wanted = noun.attribute("statusCallbackEvent").unwrap_or("completed");
        if !wanted.split_whitespace().any(|wanted| wanted == event) {
            continue;
        }
        let mut params = leg.params();
        for (name, value) in &mut params {
            match name.as_str() {
                "CallSid" => child.clone_into(value),
                "CallStatus" => status.clone_into(value),
                "Direction" => "outbound-dial".clone_into(value),
                "To" | "Called" => noun.text.trim().clone_into(value),
                _ => {}
            }
        }
        let number = match event {
            "initiated" => "0",
            "ringing" => "1",
            "answered" => "2",
            _ => "3",
        };
        for (name, value) in [
            ("ParentCallSid", leg.sid.as_str()),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", number),
        ] {
            params.push((name.to_owned(), value.to_owned()));
        }
        match leg.resolve(callback) {
            Ok(url) => leg.courier.send(Request {
                purpose: format!("status of dial {status}"),
                url,
                method: Method::read(noun.attribute("statusCallbackMethod")),
                params,
            }),
            Err(failure) => leg.fail(&failure),
        }
    }
}
