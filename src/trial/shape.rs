//! Documents by their structure: whether the verbs that are expected are there, and a small tree of what differs.

use super::form::VerbForm;
use crate::twiml::Element;

/// What differs: lines of a tree, those that are expected and missing after `-`, those that came after `+`. None where
/// everything that is expected is there in its order.
pub(super) fn difference(expected: &[&VerbForm], came: &[Element]) -> Option<String> {
    let mut rest = came.iter();
    let mut lines = Vec::new();
    let mut missing = false;
    for verb in expected {
        let mut ahead = rest.clone();
        if let Some(at) = ahead.position(|element| fits(verb, element)) {
            for passed in rest.by_ref().take(at) {
                lines.push(format!("  {}", open(passed)));
            }
            rest.next();
            lines.push(format!("  {}", written(verb)));
            continue;
        }
        missing = true;
        lines.push(format!("- {}", written(verb)));
        // The one of the same name is what was meant.
        let mut ahead = rest.clone();
        if let Some(at) = ahead.position(|element| element.name == verb.name) {
            for passed in rest.by_ref().take(at) {
                lines.push(format!("  {}", open(passed)));
            }
            if let Some(other) = rest.next() {
                lines.push(format!("+ {}", open(other)));
                lines.extend(other.children.iter().map(|child| format!("+   {}", open(child))));
            }
        }
    }
    lines.extend(rest.map(|element| format!("  {}", open(element))));
    missing.then(|| lines.join("\n"))
}

fn fits(verb: &VerbForm, element: &Element) -> bool {
    verb.name == element.name
        && verb
            .attributes
            .iter()
            .all(|(name, value)| element.attribute(name) == Some(value.as_str()))
        && verb
            .text
            .as_ref()
            .is_none_or(|text| element.words().contains(text.as_str()) || element.text.contains(text.as_str()))
        && {
            let children: Vec<&VerbForm> = verb.children.iter().collect();
            difference(&children, &element.children).is_none()
        }
}

fn written(verb: &VerbForm) -> String {
    let mut text = format!("<{}", verb.name);
    for (name, value) in &verb.attributes {
        text.push_str(&format!(" {name}=\"{value}\""));
    }
    text.push('>');
    text.push_str(verb.text.as_deref().unwrap_or_default());
    for child in &verb.children {
        text.push_str(&format!("\n    {}", written(child)));
    }
    text
}

/// Addresses of the engine's own hooks say nothing that a test could expect.
fn open(element: &Element) -> String {
    let mut text = format!("<{}", element.name);
    for (name, value) in &element.attributes {
        text.push_str(&format!(" {name}=\"{value}\""));
    }
    text.push('>');
    text.push_str(element.text.trim());
    text
}
