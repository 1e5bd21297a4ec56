//! What the caller hears, what is never heard, and for how long nothing is; what is said in conversations.

use super::fits::{is_heard, is_turn, listed, shown};
use super::{Judge, seconds};
use crate::trial::form::{Expect, TurnForm};
use crate::trial::outcome::Heard;

impl Judge<'_> {
    pub(super) fn hears(&mut self, expect: &Expect) {
        let mut from = 0;
        let mut latest = self.played.began;
        for wanted in &expect.hears {
            let rest = self.played.heard.get(from..).unwrap_or_default();
            match rest.iter().position(|heard| is_heard(&wanted.value, heard)) {
                Some(at) => {
                    latest = rest.get(at).map_or(latest, |heard| heard.at);
                    from += at + 1;
                }
                None => {
                    let came = match rest.len() {
                        0 => "nothing was heard after that".to_owned(),
                        _ => format!("heard was {}", listed(rest.iter().map(shown))),
                    };
                    let earlier = self
                        .played
                        .heard
                        .iter()
                        .take(from)
                        .any(|heard| is_heard(&wanted.value, heard));
                    let order = if earlier {
                        " (it was heard before its place)"
                    } else {
                        ""
                    };
                    let expected = format!("the caller hears `{}`", wanted.value);
                    self.miss(&wanted.place, expected, format!("{came}{order}"), Some(latest));
                    break;
                }
            }
        }
        for unwanted in &expect.not_hears {
            let is = |heard: &&Heard| is_heard(&unwanted.value, heard) || heard.what.contains(unwanted.value.as_str());
            let heard = self.played.heard.iter().find(is);
            if let Some(heard) = heard {
                let at = heard.at;
                let came = format!("it was heard after {}", seconds(at.since(self.played.began)));
                let expected = format!("the caller never hears `{}`", unwanted.value);
                self.miss(&unwanted.place, expected, came, Some(at));
            }
        }
    }

    pub(super) fn silence(&mut self, expect: &Expect) {
        let Some(most) = &expect.silence else { return };
        let silence = self.played.silence;
        if silence.millis() > most.value.as_millis() {
            self.miss(
                &most.place,
                format!("no silence over {}", seconds(most.value.as_millis())),
                format!("{} of silence", seconds(silence.millis())),
                Some(silence.from),
            );
        }
    }

    pub(super) fn turns(&mut self, expect: &Expect) {
        let mut from = 0;
        for wanted in &expect.turns {
            let rest = self.played.turns.get(from..).unwrap_or_default();
            match rest.iter().position(|(_, who, text)| is_turn(&wanted.value, who, text)) {
                Some(at) => from += at + 1,
                None => {
                    let turns = self.played.turns.iter();
                    let came = format!(
                        "the turns were {}",
                        listed(turns.map(|(_, who, text)| format!("{who}: “{text}”")))
                    );
                    let TurnForm { caller, agent } = &wanted.value;
                    let who = |who: &str, text: &Option<String>| text.as_ref().map(|text| format!("{who}: “{text}”"));
                    let parts: Vec<String> = [who("caller", caller), who("agent", agent)]
                        .into_iter()
                        .flatten()
                        .collect();
                    return self.miss(&wanted.place, format!("a turn with {}", parts.join(", ")), came, None);
                }
            }
        }
    }
}
