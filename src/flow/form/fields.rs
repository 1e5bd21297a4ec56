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

    /// Reports the keys that were missing and those that nobody took. True where everything could be used.
    pub fn finish(self, cx: &mut Reader) -> bool {
        let mut good = self.good;
        let owner = cx.subject();
        let mut meant = Vec::new();
        let unknown: Vec<&Field<'_>> = self.fields.iter().filter(|field| !field.taken).collect();
        for field in &unknown {
            good = false;
            // Only a key that is not there yet can be what was meant.
            let free: Vec<&str> = self
                .asked
                .iter()
                .copied()
                .filter(|asked| !self.fields.iter().any(|other| other.key == *asked))
                .collect();
            let nearest = suggest::nearest(field.key, free.iter().copied());
            meant.extend(nearest);
            let mut finding = Finding::error(
                "unknown-key",
                cx.place(field.key_span),
                format!("{owner} has no key `{}`", field.key),
            )
            .label("not known here")
            .nearest_word(field.key, nearest);
            if self.asked.is_empty() {
                finding = finding.help(format!("{owner} takes no keys"));
            } else {
                let known = suggest::listed(field.key, self.asked.iter().copied());
                finding = finding.help(format!("known here: {known}"));
            }
            cx.report(finding);
        }
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
