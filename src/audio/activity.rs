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
            silence: self.silence,
        }
    }

    /// Whether a sound, long enough or not, is going on or its hangover has not passed.
    pub const fn in_sound(&self) -> bool {
        self.sound.is_some()
    }
}
