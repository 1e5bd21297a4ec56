//! What a step says, plays, calls or runs, in a few words.

use super::text::short;
use crate::call::{StepKind, Touches};
use crate::flow::{Node, Place};

/// The longest text that is shown, in characters.
const LONGEST: usize = 48;

/// The first thing that the step refers to, in the order of the file; else what its YAML says in one word.
pub(super) fn detail(kind: &dyn StepKind, written: Option<&Node>) -> Option<String> {
    if let Some(end) = kind.ends() {
        return Some(short(&end.value, LONGEST));
    }
    let own = written.and_then(|step| step.key(kind.name()));
    match kind.name() {
        // What is asked of a condition stands at its outcomes; what is set matters, not to what.
        "choose" => None,
        "set" => Some(short(&kind.touches().sets.join(", "), LONGEST)).filter(|text| !text.is_empty()),
        "run" | "twiml" => {
            let named = own.and_then(|own| {
                own.scalar()
                    .or_else(|| own.key("flow").or(own.key("template"))?.scalar())
            });
            named.map(|named| short(&named.text, LONGEST))
        }
        "say" => {
            let touches = kind.touches();
            touches
                .templates
                .first()
                .map(|text| format!("“{}”", short(text.text(), LONGEST)))
        }
        "sms" | "whatsapp" => message(&kind.touches()),
        _ => first(&kind.touches()).or_else(|| {
            let word = own.and_then(|own| own.scalar().or_else(|| own.key("digits")?.scalar()));
            word.map(|word| short(&word.text, LONGEST))
        }),
    }
}

/// A message is known by its template or its text, not by whom it goes to.
fn message(touches: &Touches<'_>) -> Option<String> {
    if let Some(named) = touches.messages.first() {
        return Some(short(&named.value, LONGEST));
    }
    let mut texts = touches.templates.iter().map(|template| short(template.text(), LONGEST));
    texts.find_map(|text| quoted(&text))
}

/// What people say, in quotes; none for a number, an address or a single value.
fn quoted(text: &str) -> Option<String> {
    let value = text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1;
    (text.contains(' ') && !text.contains("://") && !value).then(|| format!("“{text}”"))
}

/// The first of all that it refers to: files and names as they are, what is said in quotes.
fn first(touches: &Touches<'_>) -> Option<String> {
    let mut found: Vec<(&Place, String)> = Vec::new();
    let names = touches.assets.iter().chain(&touches.agents);
    found.extend(names.map(|name| (&name.place, short(&name.value, LONGEST))));
    found.extend(touches.templates.iter().map(|template| {
        let text = short(template.text(), LONGEST);
        (template.place(), quoted(&text).unwrap_or(text))
    }));
    // Texts of other files stand after those of the flow's own.
    let own = found.first().map(|(place, _)| place.source().name().to_owned());
    found.sort_by_key(|(place, _)| (Some(place.source().name()) != own.as_deref(), place.span().start));
    found.into_iter().map(|(_, text)| text).find(|text| !text.is_empty())
}
