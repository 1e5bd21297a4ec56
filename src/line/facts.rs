//! What a turn took and cost, as it is stored.

use super::engine::Engine;
use crate::talk::{Facts, Role, Turn};
use serde_json::{Map, Value};

impl Engine {
    /// What a turn took, by name, with what it cost where prices are declared.
    pub(super) fn facts(&self, turn: &Turn) -> Map<String, Value> {
        let Some(facts) = turn.facts.as_deref() else {
            return Map::new();
        };
        let Ok(Value::Object(mut named)) = serde_json::to_value(facts) else {
            return Map::new();
        };
        if let Some(cost) = self.cost(turn.role, facts) {
            named.insert("cost".to_owned(), Value::from(cost));
        }
        named
    }

    /// An estimate: each provider is paid for its own stage. None where no price is declared.
    fn cost(&self, role: Role, facts: &Facts) -> Option<f64> {
        let names: Vec<&str> = facts.provider.split(", ").collect();
        let (first, last) = (names.first()?, names.last()?);
        let price = |name: &str| self.providers.price(name);
        if price(first).is_none() && price(last).is_none() {
            return None;
        }
        let cost = match role {
            Role::Caller => f64::from(facts.listened) / 60_000.0 * price(first)?.minute,
            Role::Agent => {
                let usage = facts.usage.unwrap_or_default();
                let (thinks, speaks) = (price(first).unwrap_or_default(), price(last).unwrap_or_default());
                let tokens = f64::from(usage.prompt) * thinks.input + f64::from(usage.completion) * thinks.output;
                (tokens + f64::from(facts.characters) * speaks.characters) / 1_000_000.0
            }
        };
        Some(cost)
    }
}
