//! `<Record>` and `<Pay>`: where their results go, and how long they may be.

use super::{ADVICE, Setting};
use crate::twiml::{Element, Problem};

/// The longest recording that the carrier transcribes, in seconds.
const TRANSCRIPTION_LIMIT: u32 = 120;

pub(super) fn check(element: &Element, setting: Setting, problems: &mut Vec<Problem>) {
    if element.attribute("action").is_none() {
        let help = "write the `action` that takes the recording";
        let problem = match setting {
            Setting::LiveCall => Problem::new(
                11100,
                element.range.clone(),
                "`<Record>` on a live call has no `action`",
                help,
            ),
            _ => Problem::new(
                ADVICE,
                element.range.clone(),
                "`<Record>` has no `action`: the carrier asks for this document again, and records again",
                help,
            ),
        };
        problems.push(problem);
    }
    let transcribed =
        element.attribute("transcribe") == Some("true") || element.attribute("transcribeCallback").is_some();
    let seconds = element
        .attribute("maxLength")
        .and_then(|length| length.parse::<u32>().ok());
    if let Some(seconds) = seconds.filter(|&seconds| transcribed && seconds > TRANSCRIPTION_LIMIT) {
        problems.push(Problem::new(
            13615,
            element.attribute_range("maxLength"),
            format!("`maxLength` is {seconds} and the carrier transcribes at most {TRANSCRIPTION_LIMIT} seconds"),
            format!("write `maxLength=\"{TRANSCRIPTION_LIMIT}\"` or transcribe elsewhere"),
        ));
    }
}

pub(super) fn check_pay(element: &Element, problems: &mut Vec<Problem>) {
    if let Some(action) = element
        .attribute("action")
        .filter(|action| action.starts_with("http://"))
    {
        problems.push(Problem::new(
            64016,
            element.attribute_range("action"),
            format!("`action` of `<Pay>` is not https: `{action}`"),
            "begin with `https://`: payment data never travels in the open",
        ));
    }
    let hebrew = |language: &&str| {
        language
            .split('-')
            .next()
            .is_some_and(|tag| ["he", "iw"].contains(&tag))
    };
    if let Some(language) = element.attribute("language").filter(hebrew) {
        problems.push(Problem::new(
            ADVICE,
            element.attribute_range("language"),
            format!("`<Pay>` has no prompts in `{language}`"),
            "play prompts of your own with `<Prompt>`, or choose a language that the carrier has",
        ));
    }
}
