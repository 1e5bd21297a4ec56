//! Whether two moments are the same to whoever is on the line and to whoever reads the tables.

use super::run::{Document, Moment};
use crate::call::Effect;
use crate::twiml::Element;

/// Documents count as the carrier reads them; log lines do not count.
pub(super) fn same(then: &Moment, now: &Moment) -> bool {
    let name = |moment: &Moment| moment.waits.as_ref().map(|waits| (waits.name.clone(), waits.on));
    then.documents.len() == now.documents.len()
        && then
            .documents
            .iter()
            .zip(&now.documents)
            .all(|(then, now)| same_document(then, now))
        && name(then) == name(now)
        && then.set == now.set
        && counted(then).eq(counted(now))
}

fn counted(moment: &Moment) -> impl Iterator<Item = &Effect> {
    moment.effects.iter().filter(|effect| !matches!(effect, Effect::Log(_)))
}

fn same_document(then: &Document, now: &Document) -> bool {
    then.redirect == now.redirect
        && match (&then.element, &now.element) {
            (Some(then), Some(now)) => same_element(then, now),
            (None, None) => then.verbs == now.verbs,
            _ => false,
        }
}

/// The same verbs with the same attributes, in whatever order those are written.
pub(super) fn same_element(then: &Element, now: &Element) -> bool {
    then.name == now.name
        && then.text.trim() == now.text.trim()
        && attributes(then) == attributes(now)
        && then.children.len() == now.children.len()
        && then
            .children
            .iter()
            .zip(&now.children)
            .all(|(then, now)| same_element(then, now))
}

fn attributes(element: &Element) -> Vec<&(String, String)> {
    let mut attributes: Vec<_> = element.attributes.iter().collect();
    attributes.sort();
    attributes
}

/// Attributes that differ between two documents of the same verbs: verb, attribute, and both values.
pub(super) fn attributes_apart(then: &Element, now: &Element) -> Vec<(String, String, Option<String>, Option<String>)> {
    let mut apart = Vec::new();
    // Of two verbs that are not of one kind, nothing more needs to be said.
    if then.name != now.name {
        return apart;
    }
    let mut names: Vec<&str> = attributes(then)
        .iter()
        .chain(&attributes(now))
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (old, new) = (then.attribute(name), now.attribute(name));
        if old != new {
            let owned = |value: Option<&str>| value.map(str::to_owned);
            apart.push((then.name.clone(), name.to_owned(), owned(old), owned(new)));
        }
    }
    for (then, now) in then.children.iter().zip(&now.children) {
        apart.extend(attributes_apart(then, now));
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twiml::read;

    #[test]
    fn documents_are_compared_as_verbs() {
        let element = |inner: &str| read(&format!("<Response>{inner}</Response>")).expect("a document");
        let gather = element("<Gather timeout=\"5\" numDigits=\"1\"><Play>a</Play></Gather>");
        let written_otherwise = element("<Gather numDigits='1'   timeout='5'>\n  <Play> a </Play>\n</Gather>");
        assert!(same_element(&gather, &written_otherwise));
        let longer = element("<Gather timeout=\"8\" numDigits=\"1\"><Play>a</Play></Gather>");
        assert!(!same_element(&gather, &longer));
        let apart = attributes_apart(&gather, &longer);
        let five = (
            "Gather".to_owned(),
            "timeout".to_owned(),
            Some("5".to_owned()),
            Some("8".to_owned()),
        );
        assert_eq!(apart, [five]);
        for other in [
            "<Gather timeout=\"5\" numDigits=\"1\"><Play>b</Play></Gather>",
            "<Hangup/>",
            "",
        ] {
            assert!(!same_element(&gather, &element(other)), "{other}");
        }
    }
}
