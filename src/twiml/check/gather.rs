//! `<Gather>`: speech and keys together have limits of their own. And `<Play>`, which differs inside one.

use super::{ADVICE, SCHEMA_WARNING, Setting, address};
use crate::twiml::{Element, Problem};

/// The most hints, and the longest of them.
const HINTS: (usize, usize) = (500, 100);
/// Models by name; beside them, any of Deepgram's.
const MODELS: [&str; 9] = [
    "default",
    "numbers_and_commands",
    "phone_call",
    "experimental_conversations",
    "experimental_utterances",
    "googlev2_long",
    "googlev2_short",
    "googlev2_telephony",
    "googlev2_telephony_short",
];

pub(super) fn check(element: &Element, setting: Setting, problems: &mut Vec<Problem>) {
    let mut report = |code: u32, name: &str, message: String, help: &str| {
        problems.push(Problem::new(code, element.attribute_range(name), message, help));
    };
    if let Some(hints) = element.attribute("hints") {
        let (most, longest) = HINTS;
        let count = hints.split(',').count();
        if count > most {
            report(
                13330,
                "hints",
                format!("`hints` has {count} entries, the carrier takes {most}"),
                "keep the likeliest",
            );
        }
        if let Some(hint) = hints
            .split(',')
            .map(str::trim)
            .find(|hint| hint.chars().count() > longest)
        {
            let message = format!(
                "a hint has {} characters, the carrier takes {longest}",
                hint.chars().count()
            );
            report(
                13330,
                "hints",
                message,
                "write words and short phrases with commas between them",
            );
        }
    }
    let model = element.attribute("speechModel");
    if let Some(name) = model
        && !MODELS.contains(&name)
        && !name.starts_with("deepgram_")
    {
        let help = super::suggestion(name, MODELS.into_iter(), "write `deepgram_…` or one of");
        report(13334, "speechModel", format!("`speechModel` is `{name}`"), &help);
    }
    match element.attribute("speechTimeout") {
        Some("auto") if model.is_some_and(|model| model != "default") => report(
            13335,
            "speechTimeout",
            format!(
                "`speechTimeout` is `auto` with the model `{}`",
                model.unwrap_or_default()
            ),
            "write the seconds of silence that end the speech",
        ),
        Some(value) if value != "auto" && !value.parse::<u32>().is_ok_and(|seconds| seconds > 0) => {
            report(
                13327,
                "speechTimeout",
                format!("`speechTimeout` is `{value}`"),
                "write whole seconds, or `auto`",
            );
        }
        _ => {}
    }
    if model.is_some_and(|model| model.starts_with("googlev2_")) && element.attribute("language") == Some("he-IL") {
        report(
            ADVICE,
            "language",
            "this recogniser calls Hebrew `iw-IL`".to_owned(),
            "write `language=\"iw-IL\"`",
        );
    }
    if element.attribute("actionOnEmptyResult") == Some("true") && element.attribute("action").is_none() {
        let message = "`actionOnEmptyResult` without an `action` asks for this document again and again".to_owned();
        report(
            13338,
            "actionOnEmptyResult",
            message,
            "write the `action` that takes the result",
        );
    }
    if setting.is_inline() && element.attribute("action").is_none() {
        let message = "`<Gather>` has no `action`, and this document has no address to go back to".to_owned();
        report(ADVICE, "action", message, "write an absolute `action`");
    }
}

pub(super) fn check_play(around: &str, element: &Element, setting: Setting, problems: &mut Vec<Problem>) {
    let digits = element.attribute("digits");
    let value = element.text.trim();
    if around == "Gather" && digits.is_some() {
        let help = "play the tones before the `<Gather>`";
        let message = "`<Play digits>` cannot stand in `<Gather>`";
        problems.push(Problem::new(13320, element.attribute_range("digits"), message, help));
    }
    match (value.is_empty(), digits) {
        (true, None) => {
            let help = "write the address of a sound file, or `digits`";
            let message = "`<Play>` has nothing to play";
            problems.push(Problem::new(11100, element.range.clone(), message, help));
        }
        (false, Some(_)) => {
            let help = "use one `<Play>` for the tones and another for the file";
            let message = "`<Play>` has both an address and `digits`: the address is ignored";
            problems.push(Problem::new(SCHEMA_WARNING, element.range.clone(), message, help));
        }
        (false, None) => address::check_text(element, value, setting, problems),
        (true, Some(_)) => {}
    }
}
