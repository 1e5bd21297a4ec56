//! Turns in their right order. The caller's words may come after the answer to them; the answer's turn is told after
//! them all the same, unless they take too long.

use crate::talk::{Facts, Output, Role, Turn};
use std::collections::VecDeque;

/// Turns that are complete but for the words of some of them.
#[derive(Debug, Default)]
pub(super) struct Turns {
    held: VecDeque<Held>,
    /// Turns that were told without their words, since the last one.
    lost: u32,
}

#[derive(Debug)]
enum Held {
    /// What the caller said; its words may be missing.
    Said(Said),
    Told(Turn),
}

/// A turn of the caller whose words are awaited.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) started: u64,
    /// Their last sound.
    pub(super) ended: u64,
    /// The words so far.
    pub(super) text: String,
    pub(super) facts: Facts,
    /// Until when they are waited for; without end while nothing waits behind them.
    pub(super) until: Option<u64>,
}

impl Turns {
    /// The caller has spoken.
    pub(super) fn said(&mut self, now: u64, patience: u64, said: Said) {
        self.hurry(now, patience);
        self.lost = 0;
        self.held.push_back(Held::Said(said));
    }

    /// A turn that is complete; it is told once those before it are.
    pub(super) fn tell(&mut self, now: u64, patience: u64, turn: Turn, out: &mut Vec<Output>) {
        self.hurry(now, patience);
        self.held.push_back(Held::Told(turn));
        self.release(now, out);
    }

    /// Words of the oldest turn that has none; whether there is such a turn.
    pub(super) fn words(&mut self, now: u64, text: &str, last: bool, out: &mut Vec<Output>) -> bool {
        let Some((at, said)) = self.held.iter_mut().enumerate().find_map(|(at, held)| match held {
            Held::Said(said) => Some((at, said)),
            Held::Told(_) => None,
        }) else {
            // Words of a turn that was told already are not told again.
            let is_late = last && self.lost > 0;
            self.lost -= u32::from(is_late);
            return is_late;
        };
        if !text.is_empty() {
            said.text = text.to_owned();
        }
        if last {
            let late = now.saturating_sub(said.ended).try_into().unwrap_or(u32::MAX);
            said.facts.transcript = Some(late);
            let turn = said.turn();
            self.held[at] = Held::Told(turn);
            self.release(now, out);
        }
        true
    }

    /// Tells what need not wait any more.
    pub(super) fn release(&mut self, now: u64, out: &mut Vec<Output>) {
        while let Some(front) = self.held.front() {
            if matches!(front, Held::Said(said) if said.until.is_none_or(|until| until > now)) {
                return;
            }
            self.lost += u32::from(matches!(front, Held::Said(_)));
            out.extend(self.held.pop_front().map(Held::output));
        }
    }

    /// Tells everything; what words are missing will not come.
    pub(super) fn flush(&mut self, out: &mut Vec<Output>) {
        out.extend(self.held.drain(..).map(Held::output));
    }

    /// When words that others wait behind are given up.
    pub(super) fn due(&self) -> Option<u64> {
        match self.held.front() {
            Some(Held::Said(said)) => said.until,
            _ => None,
        }
    }

    /// From now on something waits for the words of all turns before it.
    fn hurry(&mut self, now: u64, patience: u64) {
        for held in &mut self.held {
            if let Held::Said(said) = held {
                said.until.get_or_insert(now.saturating_add(patience));
            }
        }
    }
}

impl Held {
    fn output(self) -> Output {
        Output::Turn(match self {
            Self::Said(mut said) => said.turn(),
            Self::Told(turn) => turn,
        })
    }
}

impl Said {
    fn turn(&mut self) -> Turn {
        Turn {
            role: Role::Caller,
            text: std::mem::take(&mut self.text),
            started: self.started,
            ended: self.ended,
            interrupted: false,
            facts: Some(Box::new(std::mem::take(&mut self.facts))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(started: u64) -> Said {
        Said {
            started,
            ended: started + 100,
            text: String::new(),
            facts: Facts::default(),
            until: None,
        }
    }

    fn agent(text: &str) -> Turn {
        Turn {
            role: Role::Agent,
            text: text.to_owned(),
            started: 0,
            ended: 0,
            interrupted: false,
            facts: None,
        }
    }

    fn texts(out: &[Output]) -> Vec<&str> {
        let text = |output: &'_ Output| match output {
            Output::Turn(turn) => Some(turn.text.len()),
            _ => None,
        };
        assert!(out.iter().all(|output| text(output).is_some()));
        out.iter()
            .filter_map(|output| match output {
                Output::Turn(turn) => Some(&*turn.text),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn an_answer_is_told_after_the_words_it_answers() {
        let (mut turns, mut out) = (Turns::default(), Vec::new());
        turns.said(1000, 2000, said(500));
        assert_eq!(turns.due(), None, "nobody waits for the words");
        turns.tell(4000, 2000, agent("answer"), &mut out);
        assert_eq!((out.len(), turns.due()), (0, Some(6000)));
        assert!(turns.words(4100, "half", false, &mut out) && turns.words(4200, "whole", true, &mut out));
        assert_eq!(texts(&out), ["whole", "answer"]);
        assert!(!turns.words(4300, "again", true, &mut out) && turns.due().is_none());
    }

    #[test]
    fn words_that_never_come_hold_nothing_up_for_ever() {
        let (mut turns, mut out) = (Turns::default(), Vec::new());
        turns.said(1000, 2000, said(500));
        turns.tell(4000, 2000, agent("one"), &mut out);
        turns.said(4100, 2000, said(4050));
        turns.release(5999, &mut out);
        assert!(out.is_empty());
        turns.release(6000, &mut out);
        assert_eq!(texts(&out), ["", "one"]);
        assert_eq!(turns.due(), None, "nothing waits behind the second");
        turns.flush(&mut out);
        assert_eq!(texts(&out), ["", "one", ""]);
    }

    #[test]
    fn words_of_a_later_turn_wait_for_those_before() {
        let (mut turns, mut out) = (Turns::default(), Vec::new());
        turns.said(1000, 2000, said(500));
        turns.said(2000, 2000, said(1500));
        assert_eq!(turns.due(), Some(4000));
        turns.words(2100, "first", true, &mut out);
        turns.words(2200, "second", true, &mut out);
        assert_eq!(texts(&out), ["first", "second"]);
    }
}
