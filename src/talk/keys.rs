//! Keys that belong to no turn yet: gathered until they are complete, and kept while the caller may not interrupt.

use super::script::Rule;

/// The keys pressed since the last turn.
#[derive(Debug)]
pub(super) struct Keys {
    /// As pressed, without the closing key; that one alone stands for itself.
    pub(super) typed: String,
    /// When the last one was pressed.
    pub(super) last: u64,
    closed: bool,
    closing: char,
}

/// Keys of one turn; more are not listened to.
const MOST: usize = 64;

impl Default for Keys {
    fn default() -> Self {
        Self::ended_by('#')
    }
}

impl Keys {
    /// No keys yet; this one closes the turn.
    pub(super) fn ended_by(closing: char) -> Self {
        Self {
            typed: String::new(),
            last: 0,
            closed: false,
            closing,
        }
    }

    /// Takes one more, unless the caller has closed the turn.
    pub(super) fn press(&mut self, now: u64, key: char) {
        self.last = now;
        if self.closed || self.typed.len() >= MOST {
            return;
        }
        self.closed = key == self.closing;
        if !self.closed || self.typed.is_empty() {
            self.typed.push(key);
        }
    }

    /// Whether any was pressed.
    pub(super) fn any(&self) -> bool {
        !self.typed.is_empty()
    }

    /// Closed, or exactly what a rule waits for where no other rule waits for more.
    pub(super) fn are_complete(&self, rules: &[Rule]) -> bool {
        let typed = &self.typed;
        let mut waited_for = rules.iter().filter_map(|rule| rule.when.digits.as_ref());
        self.closed
            || waited_for.clone().any(|digits| digits == typed)
                && !waited_for.any(|digits| digits.len() > typed.len() && digits.starts_with(typed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Answer, Match};
    use super::*;

    #[test]
    fn keys_are_complete_when_closed_or_when_nothing_longer_is_waited_for() {
        let rule = |digits: &str| Rule {
            when: Match {
                digits: Some(digits.to_owned()),
                ..Match::default()
            },
            answer: Answer::default(),
        };
        let rules = [rule("1"), rule("12"), rule("3")];
        let cases = [
            ("1", "1", false),
            ("12", "12", true),
            ("3", "3", true),
            ("4", "4", false),
        ];
        let closed = [
            ("1#", "1", true),
            ("#", "#", true),
            ("4#5", "4", true),
            ("4*", "4*", false),
        ];
        for (pressed, typed, complete) in cases.into_iter().chain(closed) {
            let mut keys = Keys::default();
            assert!(!keys.any());
            pressed.chars().for_each(|key| keys.press(7, key));
            assert_eq!(
                (&*keys.typed, keys.are_complete(&rules)),
                (typed, complete),
                "{pressed}"
            );
            assert!(keys.any() && keys.last == 7);
        }
    }

    #[test]
    fn nobody_can_press_keys_for_ever() {
        let mut keys = Keys::default();
        (0..1000).for_each(|now| keys.press(now, '5'));
        assert_eq!(keys.typed.len(), MOST);
    }
}
