//! Voice activity: is the caller speaking? Asked of Silero's network, which knows speech from noise, or of the energy
//! gate, which only knows loud from quiet.

use super::activity::{Activity, Tracker};
use super::floor::Floor;
use super::gate::{Gate, GateConfig};
use super::level::{LOWEST_DBFS, ulaw_dbfs};
use super::mulaw;
use super::silero::{CONTEXT, STEP, STEP_MS, Silero, WINDOW};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// The network: tells speech from noise and music; 0.04 % of a processor for a caller who never stops.
    #[default]
    Silero,
    /// The gate: tells loud from quiet, for next to nothing.
    Energy,
}

/// How speech is told from everything else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VadConfig {
    /// Who is asked.
    pub kind: Kind,
    /// From this probability on, 0 to 1, a sound is speech; it stays speech until 0.15 below. For the network only.
    pub threshold: f32,
    /// A sound shorter than this is not speech, in ms.
    pub shortest: u32,
    /// Less than this between two sounds is a pause within a word, not an end, in ms.
    pub hangover: u32,
}

impl Default for VadConfig {
    fn default() -> Self {
        Self {
            kind: Kind::Silero,
            threshold: 0.5,
            shortest: 100,
            hangover: 120,
        }
    }
}

/// The voice activity of one call.
#[derive(Debug, Clone)]
pub enum Vad {
    /// By energy.
    Energy(Gate),
    /// By the network; 1.5 KB.
    Neural(Box<Neural>),
}

impl Vad {
    /// One that has heard nothing yet.
    pub fn new(config: VadConfig) -> Self {
        match config.kind {
            Kind::Silero => Self::Neural(Box::new(Neural::new(config))),
            Kind::Energy => Self::Energy(Gate::new(GateConfig {
                shortest: config.shortest,
                hangover: config.hangover,
                ..GateConfig::default()
            })),
        }
    }

    /// Hears one frame of mu-law: 20 ms by custom, any length in truth. An empty one changes nothing.
    pub fn push(&mut self, frame: &[u8]) -> Activity {
        match self {
            Self::Energy(gate) => gate.push(frame),
            Self::Neural(neural) => neural.push(frame),
        }
    }
}

impl Default for Vad {
    fn default() -> Self {
        Self::new(VadConfig::default())
    }
}

/// How far the probability must fall below the threshold before speech is over.
const HYSTERESIS: f32 = 0.15;
/// A window whose loudest part is less than this above the line's noise holds nothing new, in dB ...
const NOTHING_DB: f32 = 4.0;
/// ... and one below this level (dBFS) holds nothing at all: 35 dB below a usual voice.
const NOTHING_DBFS: f32 = -60.0;
/// The parts of a window that are looked at one by one: 8 ms.
const PART: usize = 64;
/// The network is spared only while it is this sure of silence ...
const SURE: f32 = 0.1;
/// ... and asked at least once in so many windows (256 ms), so that what it remembers stays true.
const AT_LEAST_ONCE_IN: u32 = 8;

/// The network with what it needs around it: windows cut from frames, and a look at the level that spares it silence.
#[derive(Debug, Clone)]
pub struct Neural {
    threshold: f32,
    silero: Silero,
    /// The end of the window before, then the window that is being filled.
    window: [u8; WINDOW],
    filled: usize,
    probability: f32,
    /// Whether the last window was speech.
    speech: bool,
    floor: Floor,
    spared: u32,
    tracker: Tracker,
}

impl Neural {
    /// One that has heard nothing yet.
    pub fn new(config: VadConfig) -> Self {
        Self {
            threshold: config.threshold,
            silero: Silero::new(),
            window: [mulaw::SILENCE; WINDOW],
            filled: CONTEXT,
            probability: 0.0,
            speech: false,
            floor: Floor::new(LOWEST_DBFS),
            spared: 0,
            tracker: Tracker::new(config.hangover, config.shortest),
        }
    }

    /// Hears a piece of mu-law of any length. Every 32 ms something new is known; until then what was heard last is
    /// taken to go on.
    pub fn push(&mut self, mut frame: &[u8]) -> Activity {
        while !frame.is_empty() {
            let (now, later) = frame.split_at(frame.len().min(WINDOW - self.filled));
            self.window[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            if self.filled == WINDOW {
                self.judge();
                self.window.copy_within(STEP.., 0);
                self.filled = CONTEXT;
            }
            frame = later;
        }
        let mut activity = self.tracker.activity();
        if !self.speech {
            let unheard = (self.filled - CONTEXT) as u32 * 1000 / mulaw::RATE;
            activity.silence = activity.silence.saturating_add(unheard);
        }
        activity
    }

    /// What the network last said, 0 to 1.
    pub const fn probability(&self) -> f32 {
        self.probability
    }

    fn judge(&mut self) {
        if self.nothing_new() && self.spared + 1 < AT_LEAST_ONCE_IN {
            self.spared += 1;
        } else {
            self.spared = 0;
            self.probability = self.silero.hear(&self.window);
        }
        let least = if self.speech {
            // A very low threshold keeps some room below it, or speech would never end.
            (self.threshold - HYSTERESIS).max(self.threshold / 2.0)
        } else {
            self.threshold
        };
        self.speech = self.probability >= least;
        self.tracker.push(STEP_MS, self.speech);
    }

    /// Whether the line is as quiet as it was when the network last heard nobody.
    fn nothing_new(&mut self) -> bool {
        let parts = self.window[CONTEXT..].as_chunks::<PART>().0;
        let loudest = parts.iter().map(|part| ulaw_dbfs(part)).fold(LOWEST_DBFS, f32::max);
        let nothing = (self.floor.dbfs() + NOTHING_DB).max(NOTHING_DBFS);
        self.floor.learn(loudest);
        loudest < nothing && self.probability < SURE && !self.tracker.in_sound()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPEECH: &[u8] = include_bytes!("../../tests/fixtures/vad/speech.ulaw");
    const NOISY: &[u8] = include_bytes!("../../tests/fixtures/vad/noisy.ulaw");
    const BURSTS: &[u8] = include_bytes!("../../tests/fixtures/vad/bursts.ulaw");
    const TURNS: &str = include_str!("../../tests/fixtures/vad/turns.txt");

    /// From when to when somebody speaks in the fixtures, in ms.
    fn turns() -> Vec<(usize, usize)> {
        let number = |text: &str| text.parse().unwrap();
        let turn = |line: &str| line.split_once(' ').map(|(from, to)| (number(from), number(to)));
        TURNS.lines().map(|line| turn(line).unwrap()).collect()
    }

    fn by(kind: Kind) -> Vad {
        Vad::new(VadConfig {
            kind,
            ..VadConfig::default()
        })
    }

    /// What is known at the end of each 20 ms.
    fn run(vad: &mut Vad, sound: &[u8]) -> Vec<Activity> {
        sound.chunks(mulaw::FRAME).map(|frame| vad.push(frame)).collect()
    }

    #[test]
    fn speech_is_heard_from_its_start_to_its_end() {
        for (sound, late) in [(SPEECH, 130), (NOISY, 200)] {
            let heard = run(&mut Vad::default(), sound);
            let at = |millis: usize| heard[millis / 20 - 1];
            assert!(!at(turns()[0].0).speaking);
            for (from, to) in turns() {
                let start = (from / 20..to / 20).find(|&frame| heard[frame].speaking).unwrap() * 20 + 20;
                assert!(start - from <= 140 + late, "speech at {from} heard at {start}");
                assert!(at(start + 20).speech >= 100);
                assert!(
                    (start..to).step_by(20).all(|now| at(now).silence < 300),
                    "no end within {from}..{to}"
                );
                // Half a second of silence is half a second since the end of the speech.
                let end = (to..to + 600 + late)
                    .step_by(20)
                    .find(|&now| at(now / 20 * 20).silence >= 500)
                    .unwrap();
                assert!(
                    (to + 440..=to + 500 + late).contains(&end),
                    "speech until {to} over at {end}"
                );
                assert!(!at(end).speaking);
            }
        }
    }

    #[test]
    fn loud_noise_is_speech_to_the_gate_alone() {
        assert!(
            run(&mut by(Kind::Energy), BURSTS)
                .iter()
                .any(|activity| activity.speaking)
        );
        let heard = run(&mut by(Kind::Silero), BURSTS);
        assert!(heard.iter().all(|activity| !activity.speaking));
        assert_eq!(heard.last().unwrap().silence, 4000);
    }

    #[test]
    fn noise_under_the_voice_hides_the_turns_from_the_gate_alone() {
        let ended = |kind| {
            let heard = run(&mut by(kind), NOISY);
            let over = |&(_, to): &(usize, usize)| (to / 20..(to + 590) / 20).any(|frame| heard[frame].silence >= 480);
            turns().iter().filter(|turn| over(turn)).count()
        };
        let early = |kind| {
            let heard = run(&mut by(kind), NOISY);
            let cut = |&(from, to): &(usize, usize)| (from / 20 + 15..to / 20).any(|frame| heard[frame].silence >= 480);
            turns().iter().filter(|turn| cut(turn)).count()
        };
        assert_eq!((ended(Kind::Silero), early(Kind::Silero)), (3, 0));
        assert!(ended(Kind::Energy) < 3 || early(Kind::Energy) > 0);
    }

    #[test]
    fn a_silent_line_asks_the_network_once_in_eight_and_misses_nothing() {
        let mut neural = Neural::new(VadConfig::default());
        let mut asked = 0;
        for _ in 0..250 {
            neural.push(&[mulaw::SILENCE; STEP]);
            asked += u32::from(neural.spared == 0);
        }
        assert!(asked <= 250 / AT_LEAST_ONCE_IN + 3, "{asked}");
        let (from, _) = turns()[0];
        let mut heard = 0;
        for frame in SPEECH[from * 8..].chunks(mulaw::FRAME) {
            heard += 20;
            if neural.push(frame).speaking {
                break;
            }
        }
        assert!(heard <= 240, "{heard}");
    }

    #[test]
    fn sparing_the_network_changes_no_judgement() {
        for (sound, expected) in [
            (SPEECH, &include_bytes!("../../tests/fixtures/vad/speech.f32")[..]),
            (NOISY, &include_bytes!("../../tests/fixtures/vad/noisy.f32")[..]),
        ] {
            let mut neural = Neural::new(VadConfig::default());
            let (mut spared, mut differing) = (0, 0);
            for (step, &exact) in sound.as_chunks::<STEP>().0.iter().zip(expected.as_chunks::<4>().0) {
                neural.push(step);
                spared += usize::from(neural.spared > 0);
                differing += usize::from((neural.probability() >= 0.5) != (f32::from_le_bytes(exact) >= 0.5));
            }
            println!("{spared} spared, {differing} differing");
            assert!(spared >= 15, "{spared}");
            assert!(differing <= 4, "{differing} of {}", sound.len() / STEP);
        }
    }

    #[test]
    fn every_threshold_lets_speech_end() {
        for threshold in [0.05, 0.1, 0.3, 0.9] {
            let mut vad = Vad::new(VadConfig {
                threshold,
                ..VadConfig::default()
            });
            let heard = run(&mut vad, SPEECH);
            assert!(heard.iter().any(|activity| activity.speaking), "{threshold}");
            assert!(!heard.last().unwrap().speaking, "{threshold}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_bytes_in_any_pieces_keep_the_times_honest(
            from in 0..SPEECH.len(),
            noise in proptest::collection::vec(any::<u8>(), 0..400),
            pieces in proptest::collection::vec(0..500_usize, 0..60),
        ) {
            let mut sound = SPEECH[from..].to_vec();
            sound.extend(noise);
            let (mut vad, mut total, mut rest) = (Vad::default(), 0, &sound[..]);
            for piece in pieces {
                let (now, later) = rest.split_at(piece.min(rest.len()));
                rest = later;
                let activity = vad.push(now);
                total += now.len();
                prop_assert!(activity.silence as usize * 8 <= total);
                prop_assert!(activity.speech as usize * 8 <= total);
                prop_assert!(!activity.speaking || activity.speech >= 100);
                prop_assert_eq!(vad.push(&[]), activity);
            }
            // How the sound was cut changes nothing.
            let mut once = Vad::default();
            prop_assert_eq!(once.push(&sound[..total]), vad.push(&[]));
        }
    }
}
