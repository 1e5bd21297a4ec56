//! What `<Say>` speaks: its text, its length, and a voice that knows the language.

use super::ADVICE;
use crate::twiml::voices::{is_hebrew, locale_of, same_locale, text_limit};
use crate::twiml::{Element, Problem};

/// The voices that read plain text only.
const BASIC: [&str; 3] = ["man", "woman", "alice"];
const PICK: &str = "write `voice=\"Google.he-IL-Wavenet-A\" language=\"he-IL\"`: only Google's `he-IL` voices, \
                    `Standard` and `Wavenet`, `A` to `D`, speak Hebrew";

pub(super) fn check(around: &str, element: &Element, problems: &mut Vec<Problem>) {
    let words = element.words();
    let voice = element.attribute("voice");
    let markup = element
        .children
        .iter()
        .any(|child| ["break", "say-as", "sub"].contains(&child.name.as_str()));
    if words.trim().is_empty() && !markup {
        let help = "write the words, or leave the `<Say>` away";
        problems.push(Problem::new(13520, element.range.clone(), "`<Say>` has no text", help).grave());
        return;
    }
    let (length, limit) = (words.chars().count(), text_limit(voice));
    if length > limit {
        problems.push(Problem::new(
            13521,
            element.range.clone(),
            format!("`<Say>` has {length} characters, its voice takes {limit}"),
            "divide the text among several `<Say>`",
        ));
    }
    if voice.is_some_and(|voice| BASIC.contains(&voice)) && !element.children.is_empty() {
        let help = "choose a voice of Polly or Google, or remove the markup";
        let fact = format!("the voice `{}` reads no speech markup", voice.unwrap_or_default());
        problems.push(Problem::new(13520, element.range.clone(), fact, help));
    }
    language(around, element, &words, problems);
}

fn language(around: &str, element: &Element, words: &str, problems: &mut Vec<Problem>) {
    let voice = element.attribute("voice");
    let language = element.attribute("language");
    // The code for a voice differs inside a `<Gather>`.
    let voice_code = if around == "Gather" { 13321 } else { 13511 };
    let hebrew = language.is_some_and(|language| same_locale("he-IL", language)) || is_hebrew(words);
    match (voice, voice.and_then(locale_of)) {
        (None, _) if hebrew => problems.push(
            Problem::new(
                voice_code,
                element.range.clone(),
                "this `<Say>` is Hebrew and names no voice: the default voice does not speak it",
                PICK,
            )
            .grave(),
        ),
        (Some(voice), spoken) if hebrew && spoken != Some("he-IL") => problems.push(
            Problem::new(
                voice_code,
                element.attribute_range("voice"),
                format!("the voice `{voice}` does not speak Hebrew"),
                PICK,
            )
            .grave(),
        ),
        (Some(voice), Some(spoken)) => match language {
            Some(language) if !same_locale(spoken, language) => problems.push(Problem::new(
                13512,
                element.attribute_range("language"),
                format!("`language` is `{language}` and the voice `{voice}` speaks `{spoken}`"),
                format!("write `language=\"{spoken}\"`, or choose a voice of `{language}`"),
            )),
            None if spoken == "he-IL" => problems.push(Problem::new(
                ADVICE,
                element.attribute_range("voice"),
                "a Hebrew voice without `language`",
                "write `language=\"he-IL\"` as well",
            )),
            _ => {}
        },
        _ => {}
    }
}

/// Speech markup whose values can be read wrong.
pub(super) fn check_markup(element: &Element, problems: &mut Vec<Problem>) {
    if let Some(rate) = element.attribute("rate") {
        let named = ["x-slow", "slow", "medium", "fast", "x-fast", "default"].contains(&rate);
        let percent = rate
            .strip_suffix('%')
            .is_some_and(|number| number.parse::<u16>().is_ok_and(|number| number > 0));
        if !named && !percent {
            problems.push(Problem::new(
                13513,
                element.attribute_range("rate"),
                format!("`rate` is `{rate}`"),
                "write `x-slow`, `slow`, `medium`, `fast`, `x-fast`, or a percentage such as `90%`",
            ));
        }
    }
    if element.name == "break"
        && let Some(time) = element.attribute("time")
    {
        let number = time.strip_suffix("ms").or_else(|| time.strip_suffix('s'));
        if !number.is_some_and(|number| number.parse::<f32>().is_ok_and(|number| number >= 0.0)) {
            let help = "write a time such as `500ms` or `2s`";
            problems.push(Problem::new(
                13520,
                element.attribute_range("time"),
                format!("`time` is `{time}`"),
                help,
            ));
        }
    }
}
