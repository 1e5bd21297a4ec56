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
            self.threshold - HYSTERESIS
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
