//! One answer on its way to the caller's ear: how much of it was heard, and how long to wait for the rest.

use super::Play;
use std::sync::Arc;

/// How long past its expected end a clip's mark is waited for, in milliseconds.
pub const MARK_GRACE: u64 = 2000;

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The words.
    pub text: Arc<str>,
    /// How long the sound lasts, in milliseconds.
    pub millis: u64,
}

/// Follows the clips of one answer, from the marks that come back and from the time that passes between them.
#[derive(Debug, Clone)]
pub struct Playback {
    generation: u32,
    first: u32,
    pieces: Vec<Piece>,
    /// How many pieces were heard to their end.
    heard: usize,
    /// When the piece after those began to be heard.
    since: u64,
    started: u64,
}

impl Playback {
    /// An answer whose sound is sent from `now` on; its clips are numbered from `first`.
    pub fn new(now: u64, generation: u32, first: u32, pieces: Vec<Piece>) -> Self {
        Self {
            generation,
            first,
            pieces,
            heard: 0,
            since: now,
            started: now,
        }
    }

    /// A mark came back. Those of other answers, and those that came before, change nothing.
    pub fn played(&mut self, now: u64, play: Play) {
        let Some(index) = play.number.checked_sub(self.first).map(|index| index as usize) else {
            return;
        };
        if play.generation == self.generation && index < self.pieces.len() && index >= self.heard {
            self.heard = index + 1;
            self.since = now;
        }
    }

    /// Whether everything was heard, or should have been so long ago that its marks are lost.
    pub fn is_over(&self, now: u64) -> bool {
        self.heard == self.pieces.len() || now >= self.deadline()
    }

    /// When the wait for the marks ends.
    pub fn deadline(&self) -> u64 {
        let rest: u64 = self.pieces[self.heard..].iter().map(|piece| piece.millis).sum();
        self.since.saturating_add(rest).saturating_add(MARK_GRACE)
    }

    /// When the answer began.
    pub const fn started(&self) -> u64 {
        self.started
    }

    /// The words that were heard by `now`: whole pieces as marked, and of the rest as much as the time allows,
    /// never half a word.
    pub fn heard_text(&self, now: u64) -> String {
        let (marked, rest) = self.pieces.split_at(self.heard);
        let mut words: Vec<&str> = marked.iter().flat_map(|piece| piece.text.split_whitespace()).collect();
        let mut left = now.saturating_sub(self.since);
        for piece in rest {
            let all: Vec<&str> = piece.text.split_whitespace().collect();
            if left < piece.millis {
                let count = all.len() as u64 * left / piece.millis;
                words.extend(&all[..count as usize]);
                break;
            }
            left -= piece.millis;
            words.extend(all);
        }
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Playback {
        let piece = |text: &str, millis| Piece {
            text: text.into(),
            millis,
        };
        Playback::new(
            1000,
            3,
            7,
            vec![piece("one two three four", 2000), piece("five  six", 1000)],
        )
    }

    const FIRST: Play = Play {
        generation: 3,
        number: 7,
    };
    const SECOND: Play = Play {
        generation: 3,
        number: 8,
    };

    #[test]
    fn only_what_had_time_to_be_heard_counts() {
        let cases = [
            (1000, ""),
            (1499, ""),
            (1500, "one"),
            (2999, "one two three"),
            (3500, "one two three four five"),
        ];
        for (now, expected) in cases {
            assert_eq!(answer().heard_text(now), expected, "at {now}");
        }
        assert_eq!(answer().heard_text(9000), "one two three four five six");
    }

    #[test]
    fn a_mark_is_better_than_the_clock() {
        let mut late = answer();
        late.played(3600, FIRST);
        assert_eq!(
            late.heard_text(3700),
            "one two three four",
            "the second piece began late"
        );
        assert!(!late.is_over(3700));
        late.played(4600, SECOND);
        assert!(late.is_over(4600));
        assert_eq!(late.heard_text(4600), "one two three four five six");
    }

    #[test]
    fn marks_of_others_and_repeated_ones_change_nothing() {
        let mut playback = answer();
        for play in [
            Play {
                generation: 2,
                number: 7,
            },
            Play {
                generation: 3,
                number: 6,
            },
            Play {
                generation: 3,
                number: 9,
            },
        ] {
            playback.played(1100, play);
        }
        assert_eq!(playback.heard_text(1100), "");
        playback.played(3000, SECOND);
        playback.played(3001, FIRST);
        assert!(playback.is_over(3001), "a later mark covers the earlier one");
    }

    #[test]
    fn a_mark_that_never_comes_is_not_waited_for_for_ever() {
        let playback = answer();
        assert!(!playback.is_over(5999));
        assert_eq!(playback.deadline(), 6000);
        assert!(playback.is_over(6000));
    }
}
