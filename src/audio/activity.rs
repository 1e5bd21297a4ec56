//! Is the caller speaking, since when, and how long ago was the last of it: what every judge of single moments is
//! turned into. Short sounds are left out and short pauses bridged.

/// What is known after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Whether the caller is speaking: a sound that lasted long enough and whose hangover has not passed.
    pub speaking: bool,
    /// From the first to the last loud frame of the present sound, in ms; 0 between sounds.
    pub speech: u32,
    /// Since the last loud frame of any sound, clicks left out, in ms. Counts from the start where nobody spoke yet.
    /// Stands still while a sound begins that may be a click or a word: who waits for the end of a pause must not find
    /// it while the next word is being said. What was a click counts as silence afterwards.
    pub silence: u32,
}

/// Follows the sounds of one call.
#[derive(Debug, Clone)]
pub struct Tracker {
    hangover: u32,
    shortest: u32,
    sound: Option<Sound>,
    silence: u32,
}

/// First loud frame's age and last loud frame's age of the present sound.
#[derive(Debug, Clone, Copy)]
struct Sound {
    length: u32,
    since_loud: u32,
}

impl Tracker {
    /// A pause of less than `hangover` ms does not end a sound; one shorter than `shortest` ms is not speech.
    pub const fn new(hangover: u32, shortest: u32) -> Self {
        Self {
            hangover,
            shortest,
            sound: None,
            silence: 0,
        }
    }

    /// The next `millis` of the call, and whether they are loud.
    pub fn push(&mut self, millis: u32, loud: bool) {
        self.silence = self.silence.saturating_add(millis);
        self.sound = match (self.sound, loud) {
            (None, false) => None,
            (None, true) => Some(Sound {
                length: millis,
                since_loud: 0,
            }),
            (Some(sound), true) => Some(Sound {
                length: sound.length.saturating_add(sound.since_loud).saturating_add(millis),
                since_loud: 0,
            }),
            (Some(sound), false) => {
                let since_loud = sound.since_loud.saturating_add(millis);
                (since_loud < self.hangover).then_some(Sound { since_loud, ..sound })
            }
        };
        if let Some(sound) = self.sound
            && sound.length >= self.shortest
        {
            self.silence = sound.since_loud;
        }
    }

    /// What is known now.
    pub fn activity(&self) -> Activity {
        let speech = self.sound.map_or(0, |sound| sound.length);
        Activity {
            speaking: speech > 0 && speech >= self.shortest,
            speech,
            silence: self.silence.saturating_sub(self.undecided()),
        }
    }

    /// How long a sound has been going on that is too short yet to be speech; 0 where there is none.
    fn undecided(&self) -> u32 {
        match self.sound {
            Some(Sound { length, since_loud }) if length < self.shortest && since_loud < self.hangover / 2 => {
                length.saturating_add(since_loud)
            }
            _ => 0,
        }
    }

    /// Whether a sound, long enough or not, is going on or its hangover has not passed.
    pub const fn in_sound(&self) -> bool {
        self.sound.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The silences after each of so many windows of 32 ms.
    fn silences(tracker: &mut Tracker, windows: &[(usize, bool)]) -> Vec<u32> {
        let each = windows
            .iter()
            .flat_map(|&(count, loud)| std::iter::repeat_n(loud, count));
        each.map(|loud| {
            tracker.push(32, loud);
            tracker.activity().silence
        })
        .collect()
    }

    #[test]
    fn a_pause_stands_still_while_the_next_word_begins() {
        let mut tracker = Tracker::new(120, 100);
        assert_eq!(silences(&mut tracker, &[(10, true), (14, false)]).last(), Some(&448));
        assert_eq!(silences(&mut tracker, &[(4, true)]), [448, 448, 448, 0]);
        assert!(tracker.activity().speaking);
    }

    #[test]
    fn a_click_was_silence_all_along() {
        let mut tracker = Tracker::new(120, 100);
        silences(&mut tracker, &[(10, true), (14, false)]);
        assert_eq!(
            silences(&mut tracker, &[(1, true), (4, false)]),
            [448, 448, 544, 576, 608]
        );
        assert!(!tracker.activity().speaking);
    }
}
