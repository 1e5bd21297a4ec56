//! The energy gate: is the caller speaking? Twenty milliseconds of mu-law at a time, against a noise floor that
//! follows the line. No allocation; about two table look-ups per sample.

pub use super::activity::Activity;
use super::activity::Tracker;
use super::floor::Floor;
use super::level::ulaw_dbfs;
use super::mulaw;

/// How the gate tells speech from the line's own noise. Levels are dBFS, times milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateConfig {
    /// How far above the noise floor speech must be.
    pub margin_db: f32,
    /// Nothing quieter than this is speech, however quiet the line.
    pub least_dbfs: f32,
    /// The floor never rises above this, so that a long loud sentence cannot become "noise".
    pub highest_floor_dbfs: f32,
    /// Less than this between two sounds is a pause within a word, not an end.
    pub hangover: u32,
    /// A sound shorter than this is a click, not speech.
    pub shortest: u32,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            margin_db: 12.0,
            least_dbfs: -45.0,
            highest_floor_dbfs: -30.0,
            hangover: 120,
            shortest: 60,
        }
    }
}

/// What a line is taken for until it is known.
const FIRST_FLOOR_DBFS: f32 = -55.0;

/// The gate of one call.
#[derive(Debug, Clone)]
pub struct Gate {
    config: GateConfig,
    floor: Floor,
    tracker: Tracker,
}

impl Gate {
    /// A gate that has heard nothing yet.
    pub fn new(config: GateConfig) -> Self {
        Self {
            config,
            floor: Floor::new(FIRST_FLOOR_DBFS),
            tracker: Tracker::new(config.hangover, config.shortest),
        }
    }

    /// Hears one frame of mu-law: 20 ms by custom, any length in truth. An empty one changes nothing.
    pub fn push(&mut self, frame: &[u8]) -> Activity {
        let millis = mulaw::millis(frame.len()).min(u64::from(u32::MAX)) as u32;
        if millis > 0 {
            let level = ulaw_dbfs(frame);
            let loud = level >= self.threshold_dbfs();
            self.floor.learn(level);
            self.tracker.push(millis, loud);
        }
        self.tracker.activity()
    }

    /// The level from which a frame counts as speech now.
    pub fn threshold_dbfs(&self) -> f32 {
        (self.floor.dbfs().min(self.config.highest_floor_dbfs) + self.config.margin_db).max(self.config.least_dbfs)
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(GateConfig::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// White noise of about the given peak, the same on every run.
    fn noise(peak: i32, millis: usize, seed: u32) -> Vec<u8> {
        let mut state = seed | 1;
        (0..millis * 8)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                mulaw::encode(((state >> 16) as i32 % (2 * peak + 1) - peak) as i16)
            })
            .collect()
    }

    fn run(gate: &mut Gate, sound: &[u8]) -> Vec<Activity> {
        sound.chunks(mulaw::FRAME).map(|frame| gate.push(frame)).collect()
    }

    #[test]
    fn a_word_is_heard_from_its_start_to_its_end() {
        let mut gate = Gate::default();
        assert!(
            run(&mut gate, &noise(20, 1000, 1))
                .iter()
                .all(|activity| !activity.speaking)
        );
        let word = run(&mut gate, &noise(6000, 400, 2));
        assert_eq!(
            word[0],
            Activity {
                speaking: false,
                speech: 20,
                silence: 1000
            }
        );
        assert_eq!(
            word[2],
            Activity {
                speaking: true,
                speech: 60,
                silence: 0
            }
        );
        assert_eq!(
            word[19],
            Activity {
                speaking: true,
                speech: 400,
                silence: 0
            }
        );
        let after = run(&mut gate, &noise(20, 600, 3));
        assert_eq!(
            after[4],
            Activity {
                speaking: true,
                speech: 400,
                silence: 100
            }
        );
        assert_eq!(
            after[5],
            Activity {
                speaking: false,
                speech: 0,
                silence: 120
            }
        );
        assert_eq!(after[29].silence, 600);
    }

    #[test]
    fn a_pause_within_a_word_does_not_end_it() {
        let mut gate = Gate::default();
        run(&mut gate, &noise(6000, 200, 1));
        run(&mut gate, &noise(20, 80, 2));
        let again = run(&mut gate, &noise(6000, 20, 3));
        assert_eq!(
            again[0],
            Activity {
                speaking: true,
                speech: 300,
                silence: 0
            }
        );
    }

    #[test]
    fn a_click_is_not_speech_and_does_not_end_a_silence() {
        let mut gate = Gate::default();
        run(&mut gate, &noise(20, 500, 1));
        run(&mut gate, &noise(20000, 40, 2));
        let after = run(&mut gate, &noise(20, 200, 3));
        assert!(after.iter().all(|activity| !activity.speaking));
        assert_eq!(after[9].silence, 740);
    }

    #[test]
    fn a_noisy_line_becomes_the_floor_and_speech_still_stands_out() {
        let mut gate = Gate::default();
        run(&mut gate, &noise(900, 4000, 1));
        assert!(
            run(&mut gate, &noise(900, 1000, 2))
                .iter()
                .all(|activity| !activity.speaking)
        );
        assert!(
            run(&mut gate, &noise(12000, 200, 3))
                .last()
                .is_some_and(|activity| activity.speaking)
        );
    }

    #[test]
    fn a_long_loud_sentence_never_becomes_noise() {
        let mut gate = Gate::default();
        let long = run(&mut gate, &noise(12000, 20_000, 1));
        assert!(long[5..].iter().all(|activity| activity.speaking));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_keep_the_times_honest(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..200)) {
            let mut gate = Gate::default();
            let mut total = 0;
            for piece in &pieces {
                let activity = gate.push(piece);
                total += mulaw::millis(piece.len());
                prop_assert!(u64::from(activity.silence) <= total);
                prop_assert!(u64::from(activity.speech) <= total);
                prop_assert!(!activity.speaking || activity.speech >= 60);
                prop_assert!(activity.speaking || activity.silence > 0 || activity.speech > 0 || total == 0);
            }
        }
    }
}
