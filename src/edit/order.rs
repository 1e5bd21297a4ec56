//! The order of keys: that of the forms' definitions, found beside the properties in their schemas.

use crate::flow::form::KEY_ORDER;
use serde_json::Value as Json;

/// The forms that the value at one place of a document may have.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms<'a>(Vec<&'a Json>);

impl<'a> Forms<'a> {
    /// Those of a document's root.
    pub fn of(schema: Option<&'a Json>) -> Self {
        let mut forms = Self::default();
        if let Some(schema) = schema {
            forms.add(schema);
        }
        forms
    }

    fn add(&mut self, schema: &'a Json) {
        match schema.get("anyOf").and_then(Json::as_array) {
            Some(either) => either.iter().for_each(|one| self.add(one)),
            None => self.0.push(schema),
        }
    }

    /// Those of the value under a key.
    pub fn key(&self, key: &str) -> Self {
        let mut below = Self::default();
        for form in &self.0 {
            let named = form.get("properties").and_then(|properties| properties.get(key));
            let any = form.get("additionalProperties").filter(|any| any.is_object());
            if let Some(schema) = named.or(any) {
                below.add(schema);
            }
        }
        below
    }

    /// Those of a list's items.
    pub fn item(&self) -> Self {
        let mut below = Self::default();
        for items in self.0.iter().filter_map(|form| form.get("items")) {
            below.add(items);
        }
        below
    }

    /// The order of a map with these keys, as indices; none where its keys are the author's own names.
    ///
    /// A key that no form knows stays behind the key that it was written after.
    pub fn order(&self, keys: &[&str]) -> Option<Vec<usize>> {
        let known = |form: &&'a Json| -> Option<Vec<&'a str>> {
            let order = form.get(KEY_ORDER)?.as_array()?;
            Some(order.iter().filter_map(Json::as_str).collect())
        };
        let forms = self.0.iter().filter_map(known);
        let fits = |order: &Vec<&str>| keys.iter().filter(|key| order.contains(key)).count();
        // The first of the best ones.
        let order = forms.rev().max_by_key(fits)?;
        let mut rank = 0;
        let mut ranked: Vec<(usize, usize)> = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            rank = order.iter().position(|known| known == key).unwrap_or(rank);
            ranked.push((rank, index));
        }
        ranked.sort_unstable();
        Some(ranked.into_iter().map(|(_, index)| index).collect())
    }
}
