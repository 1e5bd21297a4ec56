//! What a caller says, frame by frame, and at which of these frames the agent has to act: its own ear is asked beforehand.

use engine::audio::vad::{Vad, VadConfig};
use tokio_tungstenite::tungstenite::Utf8Bytes;

const SPEECH: &[u8] = include_bytes!("../../tests/fixtures/vad/speech.ulaw");
const TURNS: &str = include_str!("../../tests/fixtures/vad/turns.txt");
/// Bytes of a frame of 20 ms, and milliseconds of it.
const FRAME: usize = 160;
const MS: usize = 20;
/// What is left around a spoken turn, in milliseconds.
const BEFORE: usize = 100;
const AFTER: usize = 160;
/// Between two turns: the answer is heard for two seconds, then interrupted.
const GAP: usize = 2800;
/// Between two where the caller never stops for long.
const BREATH: usize = 300;
/// What a plan says unless told otherwise: how long an answer is spoken over until it is paused, until it is given up, and the
/// silence that ends a turn.
const PAUSE: u32 = 200;
const CONFIRM: u32 = 500;
pub const SILENCE: u32 = 500;

/// The sound of a whole call.
pub struct Track {
    /// As the carrier words it.
    pub frames: Vec<Utf8Bytes>,
    pub turns: Vec<Turn>,
}

/// One turn of the caller, by the numbers of frames.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// The last that holds speech, by the label of the recording.
    pub last: usize,
    /// The first at which it has been spoken over an answer long enough to pause it, and to end it.
    pub pause: Option<usize>,
    pub confirm: Option<usize>,
    /// The first at which it has been silent long enough.
    pub close: usize,
}

impl Track {
    /// Turns of one to two seconds, each answered, each answer interrupted by the next turn.
    pub fn conversation(seconds: usize) -> Self {
        Self::new(seconds, GAP)
    }

    /// A caller who talks all the time.
    pub fn monologue(seconds: usize) -> Self {
        Self::new(seconds, BREATH)
    }

    fn new(seconds: usize, gap: usize) -> Self {
        let labels: Vec<(usize, usize)> = TURNS
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)))
            .collect();
        let part = |from: usize, to: usize| SPEECH[from / MS * FRAME..to.div_ceil(MS) * FRAME].chunks(FRAME);
        let quiet = || part(0, labels[0].0 - BEFORE).cycle();
        let mut sound: Vec<&[u8]> = quiet().take(1000 / MS).collect();
        let mut ends = Vec::new();
        for (from, to) in labels.iter().cycle() {
            let start = sound.len();
            sound.extend(part(from - BEFORE, to + AFTER));
            ends.push(start + (to - (from - BEFORE)) / MS - 1);
            sound.extend(quiet().take(gap / MS));
            if sound.len() >= seconds * 1000 / MS {
                break;
            }
        }
        Self {
            turns: turns(&sound, &ends),
            frames: sound.into_iter().map(worded).collect(),
        }
    }
}

/// Hears the sound as the agent will.
fn turns(sound: &[&[u8]], ends: &[usize]) -> Vec<Turn> {
    let mut vad = Vad::new(VadConfig::default());
    let mut turns = Vec::new();
    let (mut open, mut before): (Option<Turn>, u32) = (None, 0);
    for (number, frame) in sound.iter().enumerate() {
        let heard = vad.push(frame);
        if heard.speaking && (heard.silence == 0 || heard.silence < before) {
            let turn = open.get_or_insert(Turn {
                last: 0,
                pause: None,
                confirm: None,
                close: 0,
            });
            if heard.speech >= PAUSE {
                turn.pause.get_or_insert(number);
            }
            if heard.speech >= CONFIRM {
                turn.confirm.get_or_insert(number);
            }
        } else if heard.silence >= SILENCE
            && let Some(turn) = open.take()
        {
            let last = ends.iter().copied().filter(|end| *end <= number).max();
            turns.push(Turn {
                last: last.unwrap_or(0),
                close: number,
                ..turn
            });
        }
        before = heard.silence;
    }
    turns
}

fn worded(frame: &[u8]) -> Utf8Bytes {
    let payload = base64_simd::STANDARD.encode_to_string(frame);
    format!(
        r#"{{"event":"media","sequenceNumber":"926","media":{{"track":"inbound","chunk":"925","timestamp":"18553","payload":"{payload}"}},"streamSid":"MZ1"}}"#
    )
    .into()
}

/// Speech for the agent's voice, in base64: a first lump of a quarter of a second, then longer ones; three seconds in all.
pub fn voice() -> Vec<String> {
    let sound = &SPEECH[560 * 8..3560 * 8];
    let (first, rest) = sound.split_at(250 * 8);
    std::iter::once(first)
        .chain(rest.chunks(500 * 8))
        .map(|lump| base64_simd::STANDARD.encode_to_string(lump))
        .collect()
}
