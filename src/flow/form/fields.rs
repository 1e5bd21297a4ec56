//! A map whose keys are taken one by one; what nobody took is a finding.

use super::super::finding::Finding;
use super::super::source::{Place, Span};
use super::super::suggest;
use super::super::yaml::{Node, Value};
use super::{FromYaml, Reader};

/// A view of a map that hands out each value once. [`Fields::finish`] reports every key that was not asked for.
pub struct Fields<'n> {
    fields: Vec<Field<'n>>,
    asked: Vec<&'static str>,
    missing: Vec<(&'static str, &'static str)>,
    good: bool,
    place: Place,
}

struct Field<'n> {
    key: &'n str,
    key_span: Span,
    value: &'n Node,
    taken: bool,
}

impl<'n> Fields<'n> {
    /// Opens a map. Nothing at all counts as an empty map; with a shorthand, any other value stands for that key's
    /// value. None, and a finding, where the value is no map.
    pub fn open<T: FromYaml>(node: &'n Node, shorthand: Option<&'static str>, cx: &mut Reader) -> Option<Self> {
        let fields = match (&node.value, shorthand) {
            (Value::Map(entries), _) => entries
                .iter()
                .map(|entry| Field {
                    key: &entry.key.text,
                    key_span: entry.key.span,
                    value: &entry.value,
                    taken: false,
                })
                .collect(),
            (Value::Null, _) => Vec::new(),
            (_, Some(key)) => vec![Field {
                key,
                key_span: node.span,
                value: node,
                taken: false,
            }],
            _ => {
                cx.wrong_type::<T>(node);
                return None;
            }
        };
        let place = match cx.key() {
            Some(_) => cx.key_place(),
            None => cx.place(fields.first().map_or(node.span, |field: &Field<'_>| field.key_span)),
        };
        Some(Self {
            fields,
            asked: Vec::new(),
            missing: Vec::new(),
            good: true,
            place,
        })
    }

    /// A value that must be there, unless its type says what its absence means. None where it is missing or wrong.
    pub fn required<T: FromYaml>(&mut self, key: &'static str, cx: &mut Reader) -> Option<T> {
        match self.take(key) {
            Some((value, span)) => self.read(key, span, value, cx),
            None => {
                let absent = T::absent();
                if absent.is_none() {
                    self.missing.push((key, T::expected()));
                }
                absent
            }
        }
    }

    /// A value that may be left out. The outer option is none where it is there and wrong.
    pub fn optional<T: FromYaml>(&mut self, key: &'static str, cx: &mut Reader) -> Option<Option<T>> {
        match self.take(key) {
            Some((value, span)) => self.read(key, span, value, cx).map(Some),
            None => Some(None),
        }
    }

    /// A value that may be left out, and what stands for it then. None where it is there and wrong.
    pub fn or<T: FromYaml>(&mut self, key: &'static str, default: impl FnOnce() -> T, cx: &mut Reader) -> Option<T> {
        self.optional(key, cx).map(|value| value.unwrap_or_else(default))
    }

    /// The node under a key and the key's bytes, for whoever reads it by hand.
    pub fn take(&mut self, key: &'static str) -> Option<(&'n Node, Span)> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let field = self.fields.iter_mut().find(|field| field.key == key && !field.taken)?;
        field.taken = true;
        Some((field.value, field.key_span))
    }

    /// The next key that nobody took, its bytes and its node; for maps of which some keys are free names.
    pub fn take_any(&mut self) -> Option<(&'n str, Span, &'n Node)> {
        let field = self.fields.iter_mut().find(|field| !field.taken)?;
        field.taken = true;
        Some((field.key, field.key_span, field.value))
    }

    /// The keys that nobody took yet.
    pub fn left(&self) -> Vec<&'n str> {
        self.fields
            .iter()
            .filter(|field| !field.taken)
            .map(|field| field.key)
            .collect()
    }

    /// Names keys that are known though they were not asked for, so that they are offered and not refused.
    pub fn also_known(&mut self, keys: &[&'static str]) {
        for key in keys {
            let _ = self.take(key);
        }
    }

    /// What to point at when the map as a whole is meant: its key, or its first key where it is the document.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Keys that look like none of those that are known: told together, for they tend to be misplaced together.
    fn report_strangers(&self, strangers: &[&Field<'_>], owner: &str, cx: &mut Reader) {
        let Some((first, others)) = strangers.split_first() else {
            return;
        };
        let mut message = format!("{owner} has no key `{}`", first.key);
        for other in others {
            message.push_str(&format!(", nor `{}`", other.key));
        }
        let mut finding = Finding::error("unknown-key", cx.place(first.key_span), message).label("not known here");
        for other in others {
            finding = finding.related(cx.place(other.key_span), "nor here");
        }
        cx.report(if self.asked.is_empty() {
            finding.help(format!("{owner} takes no keys"))
        } else {
            let known = suggest::listed(first.key, self.asked.iter().copied());
            finding.help(format!("known here: {known}"))
        });
    }

    /// Reports the keys that were missing and those that nobody took. True where everything could be used.
    pub fn finish(self, cx: &mut Reader) -> bool {
        let mut good = self.good;
        let owner = cx.subject();
        let mut meant = Vec::new();
        let unknown: Vec<&Field<'_>> = self.fields.iter().filter(|field| !field.taken).collect();
        let mut strangers: Vec<&Field<'_>> = Vec::new();
        for field in unknown {
            good = false;
            // Only a key that is not there yet can be what was meant.
            let free: Vec<&str> = self
                .asked
                .iter()
                .copied()
                .filter(|asked| !self.fields.iter().any(|other| other.key == *asked))
                .collect();
            let Some(nearest) = suggest::nearest(field.key, free.iter().copied()) else {
                strangers.push(field);
                continue;
            };
            meant.push(nearest);
            let finding = Finding::error(
                "unknown-key",
                cx.place(field.key_span),
                format!("{owner} has no key `{}`", field.key),
            );
            let known = suggest::listed(field.key, self.asked.iter().copied());
            cx.report(
                finding
                    .label("not known here")
                    .nearest_word(field.key, Some(nearest))
                    .help(format!("known here: {known}")),
            );
        }
        self.report_strangers(&strangers, &owner, cx);
        for (key, example) in self.missing {
            good = false;
            // A misspelt key says already what is missing.
            if !cx.complete() || meant.contains(&key) {
                continue;
            }
            let finding = Finding::error(
                "missing-key",
                self.place.clone(),
                format!("{owner} needs the key `{key}`"),
            )
            .label(format!("`{key}` is missing"))
            .help(format!("add `{key}: {example}`"));
            cx.report(finding);
        }
        good
    }

    fn read<T: FromYaml>(&mut self, key: &str, span: Span, value: &Node, cx: &mut Reader) -> Option<T> {
        // A shorthand's value stands under its owner's key, not under one of its own.
        let read = if span == value.span {
            T::from_yaml(value, cx)
        } else {
            cx.within(key, span, |cx| T::from_yaml(value, cx))
        };
        self.good &= read.is_some();
        read
    }
}
