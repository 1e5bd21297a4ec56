//! `<Gather>`: prompts and listens for keys and speech at once.

use std::time::Duration;

use super::super::ear::SILENT;
use super::super::leg::{Leg, Next, flag, seconds};
use super::super::line::{BEAT, Interrupt, frame};
use super::super::prompt;
use crate::audio::mulaw;
use crate::twiml::Element;

/// Pause after which `speechTimeout="auto"` takes an utterance for finished; the carrier's own is not published.
const AUTO: Duration = Duration::from_secs(1);

/// What ends the listening.
struct Rules {
    barge_in: bool,
    keys: bool,
    speech: bool,
    finish: Option<char>,
    digits: usize,
    timeout: Duration,
    speech_timeout: Duration,
}

/// Plays the nested prompts until there is input, then collects it.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    let rules = Rules::read(verb);
    leg.line.keys.clear();
    leg.line.words.clear();
    prompts(leg, verb, &rules).await?;
    let (digits, finished_on, words) = listen(leg, &rules).await?;
    let nothing = digits.is_empty() && words.is_none();
    if nothing && !flag(verb, "actionOnEmptyResult", false) {
        return Ok(Next::Verb);
    }
    let mut result = vec![
        ("msg".to_owned(), "Gather End".to_owned()),
        (
            "FinishedOnKey".to_owned(),
            finished_on.map(String::from).unwrap_or_default(),
        ),
    ];
    match words {
        Some(words) => {
            result.push(("SpeechResult".to_owned(), words));
            result.push(("Confidence".to_owned(), "0.9".to_owned()));
        }
        None if rules.speech && nothing => result.push(("SpeechResult".to_owned(), String::new())),
        None => {}
    }
    if rules.keys && (nothing || !digits.is_empty()) {
        result.push(("Digits".to_owned(), digits));
    }
    Ok(leg.action(verb, true, result))
}

impl Rules {
    fn read(verb: &Element) -> Self {
        let input = verb.attribute("input").unwrap_or("dtmf");
        let timeout = seconds(verb, "timeout", 5);
        Self {
            barge_in: flag(verb, "bargeIn", true),
            keys: input.contains("dtmf"),
            speech: input.contains("speech"),
            finish: verb.attribute("finishOnKey").unwrap_or("#").chars().next(),
            digits: verb
                .attribute("numDigits")
                .and_then(|text| text.parse().ok())
                .unwrap_or(usize::MAX),
            timeout,
            speech_timeout: match verb.attribute("speechTimeout") {
                Some("auto") => AUTO,
                _ => seconds(verb, "speechTimeout", timeout.as_secs()),
            },
        }
    }
}

async fn prompts(leg: &mut Leg, verb: &Element, rules: &Rules) -> Result<(), Interrupt> {
    for child in &verb.children {
        let prompt = prompt::prepare(leg, child).await?;
        let passes = if prompt.sound.is_empty() { 0 } else { prompt.times };
        for part in (0..passes).flat_map(|_| prompt.sound.chunks(mulaw::FRAME)) {
            let beat = leg.line.beat(&frame(part)).await?;
            let pressed = rules.keys && !leg.line.keys.is_empty();
            let spoke = rules.speech && (beat.speaking || !leg.line.words.is_empty());
            if rules.barge_in && (pressed || spoke) {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn listen(leg: &mut Leg, rules: &Rules) -> Result<(String, Option<char>, Option<String>), Interrupt> {
    let mut digits = String::new();
    let mut words: Option<String> = None;
    let mut idle = Duration::ZERO;
    loop {
        while let Some(key) = leg.line.keys.pop_front() {
            if !rules.keys {
                continue;
            }
            // Keys end the recognition of speech.
            words = None;
            if rules.finish == Some(key) {
                return Ok((digits, Some(key), None));
            }
            digits.push(key);
            idle = Duration::ZERO;
            if digits.len() >= rules.digits {
                return Ok((digits, None, None));
            }
        }
        while let Some(said) = leg.line.words.pop_front() {
            if rules.speech && digits.is_empty() && !said.is_empty() {
                words = Some(words.map_or(said.clone(), |before| format!("{before} {said}")));
            }
            idle = Duration::ZERO;
        }
        let patience = if words.is_some() {
            rules.speech_timeout
        } else {
            rules.timeout
        };
        if idle >= patience {
            return Ok((digits, None, words));
        }
        let beat = leg.line.beat(&SILENT).await?;
        idle = if rules.speech && beat.speaking {
            Duration::ZERO
        } else {
            idle + BEAT
        };
    }
}
