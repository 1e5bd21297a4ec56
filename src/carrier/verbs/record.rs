//! `<Record>`: a beep, then the caller's sound until silence, a key, the longest time or a hang-up.

use std::time::Duration;

use super::super::ear::{SILENT, audible};
use super::super::leg::{Leg, Next, flag, seconds};
use super::super::line::{BEAT, Interrupt};
use super::super::sounds;
use crate::audio::mulaw;
use crate::twiml::Element;

/// Records and asks for the `action`; where nothing was said, the next verb follows.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    if flag(verb, "playBeep", true) {
        leg.line.play(&sounds::beep()).await?;
    }
    leg.line.keys.clear();
    let mut sound = Vec::new();
    let outcome = listen(leg, verb, &mut sound).await;
    if verb.attribute("trim") != Some("do-not-trim") {
        trim(&mut sound);
    }
    match outcome {
        Ok(key) => {
            let Some(mut facts) = leg.keep_recording(verb, "RecordVerb", &sound) else {
                return Ok(Next::Verb);
            };
            facts.extend(key.map(|key| ("Digits".to_owned(), key.to_string())));
            Ok(leg.action(verb, true, facts))
        }
        Err(Interrupt::HungUp) => {
            if let Some(mut facts) = leg.keep_recording(verb, "RecordVerb", &sound) {
                facts.push(("Digits".to_owned(), "hangup".to_owned()));
                leg.last_action(verb, true, facts);
            }
            Err(Interrupt::HungUp)
        }
        Err(other) => Err(other),
    }
}

/// The key that ended it, if one did.
async fn listen(leg: &mut Leg, verb: &Element, sound: &mut Vec<u8>) -> Result<Option<char>, Interrupt> {
    let patience = seconds(verb, "timeout", 5);
    let longest = seconds(verb, "maxLength", 3600);
    let finish = verb.attribute("finishOnKey").unwrap_or("1234567890*#").to_owned();
    let (mut length, mut quiet) = (Duration::ZERO, Duration::ZERO);
    while length < longest && (patience.is_zero() || quiet < patience) {
        let beat = leg.line.beat(&SILENT).await?;
        if let Some(key) = leg.line.keys.pop_front().filter(|key| finish.contains(*key)) {
            return Ok(Some(key));
        }
        sound.extend_from_slice(&beat.said);
        length += BEAT;
        quiet = if audible(&beat.said) {
            Duration::ZERO
        } else {
            quiet + BEAT
        };
    }
    Ok(None)
}

/// Cuts the silence at both ends.
fn trim(sound: &mut Vec<u8>) {
    let mut frames = sound.chunks(mulaw::FRAME);
    let first = frames.position(audible).unwrap_or(0);
    let last = sound.chunks(mulaw::FRAME).rposition(audible).map_or(0, |last| last + 1);
    sound.truncate(last * mulaw::FRAME);
    sound.drain(..(first * mulaw::FRAME).min(sound.len()));
}
