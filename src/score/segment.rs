//! Who made sound when: 20 ms frames become segments of speech, by level on the engine's side and against the line's
//! own noise on the caller's.

use crate::audio::level::rms_dbfs;
use crate::audio::mulaw;
use serde::Serialize;

/// A stretch of time in milliseconds from the start of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// Its first millisecond.
    pub from_ms: u64,
    /// The millisecond after its last.
    pub to_ms: u64,
}

impl Segment {
    /// Its length in milliseconds.
    #[must_use]
    pub const fn millis(&self) -> u64 {
        self.to_ms.saturating_sub(self.from_ms)
    }

    /// Whether the moment lies in it.
    #[must_use]
    pub const fn holds(&self, at: u64) -> bool {
        self.from_ms <= at && at < self.to_ms
    }
}

/// The engine's track is clean: what is louder than this is heard (dBFS).
const ENGINE_DBFS: f32 = -50.0;
/// Shorter pauses belong to the engine's speech (ms).
const ENGINE_PAUSE: u64 = 300;
/// The engine's shortest sound; less is a click (ms).
const ENGINE_SHORTEST: u64 = 40;

/// How far above the floor the caller's speech is (dB), and the least level it has however quiet the line is (dBFS).
const CALLER_MARGIN: f32 = 9.0;
const CALLER_LEAST: f32 = -45.0;
/// The floor is never taken to be louder, so that a long sentence is no noise (dBFS).
const HIGHEST_FLOOR: f32 = -30.0;
/// Stops and weak consonants within words (ms).
const CALLER_PAUSE: u64 = 200;
/// A key's tone lasts 100 ms; what is shorter than this is no speech (ms).
const CALLER_SHORTEST: u64 = 140;

/// The floor is the level that a tenth of the frames around stays below, 15 s before and after.
const FLOOR_REACH: usize = 750;
const FLOOR_SHARE: usize = 10;
/// The floor is looked at anew every so many frames: half a second.
const FLOOR_STEP: usize = 25;

/// The engine's speech.
pub(super) fn of_engine(samples: &[i16]) -> Vec<Segment> {
    let loud = levels(samples).into_iter().map(|level| level > ENGINE_DBFS);
    segments(loud, samples.len(), ENGINE_PAUSE, ENGINE_SHORTEST)
}

/// The caller's sounds, with the line's noise left out.
pub(super) fn of_caller(samples: &[i16]) -> Vec<Segment> {
    let levels = levels(samples);
    let floors = floors(&levels);
    let loud = levels
        .iter()
        .enumerate()
        .map(|(index, level)| *level >= (floors[index / FLOOR_STEP] + CALLER_MARGIN).max(CALLER_LEAST));
    segments(loud, samples.len(), CALLER_PAUSE, CALLER_SHORTEST)
}

fn levels(samples: &[i16]) -> Vec<f32> {
    samples.chunks(mulaw::FRAME).map(rms_dbfs).collect()
}

/// The noise floor around each half second.
fn floors(levels: &[f32]) -> Vec<f32> {
    (0..levels.len())
        .step_by(FLOOR_STEP)
        .map(|at| {
            let around = &levels[at.saturating_sub(FLOOR_REACH)..levels.len().min(at + FLOOR_REACH)];
            let mut sorted = around.to_vec();
            let (_, floor, _) = sorted.select_nth_unstable_by(around.len() / FLOOR_SHARE, f32::total_cmp);
            floor.min(HIGHEST_FLOOR)
        })
        .collect()
}

/// Loud frames as segments: pauses below `pause` are bridged, then what is shorter than `shortest` is dropped.
fn segments(loud: impl Iterator<Item = bool>, samples: usize, pause: u64, shortest: u64) -> Vec<Segment> {
    let length = samples as u64 * 1000 / u64::from(mulaw::RATE);
    let mut found: Vec<Segment> = Vec::new();
    for (index, _) in loud.enumerate().filter(|(_, loud)| *loud) {
        let from_ms = index as u64 * mulaw::FRAME_MS;
        let to_ms = (from_ms + mulaw::FRAME_MS).min(length);
        match found.last_mut() {
            Some(last) if from_ms - last.to_ms < pause => last.to_ms = to_ms,
            _ => found.push(Segment { from_ms, to_ms }),
        }
    }
    found.retain(|segment| segment.millis() >= shortest);
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{noise, voice};
    use super::*;

    fn near(segment: Segment, from: u64, to: u64) {
        assert!(
            segment.from_ms.abs_diff(from) <= 60 && segment.to_ms.abs_diff(to) <= 60,
            "{segment:?} is not {from}..{to}"
        );
    }

    fn track(length: u64, speech: &[(u64, u64)]) -> Vec<i16> {
        let mut samples = vec![0; length as usize * 8];
        for (from, to) in speech {
            for at in from * 8..to * 8 {
                samples[at as usize] = voice(at);
            }
        }
        samples
    }

    #[test]
    fn pauses_below_300_ms_belong_to_the_engines_speech() {
        let found = of_engine(&track(5000, &[(500, 1000), (1260, 2000), (2300, 3000), (4000, 4020)]));
        assert_eq!(found.len(), 2, "{found:?}");
        near(found[0], 500, 2000);
        near(found[1], 2300, 3000);
    }

    #[test]
    fn keys_and_clicks_are_no_speech() {
        assert_eq!(of_caller(&track(3000, &[(500, 600), (1500, 1530)])), []);
        assert_eq!(of_caller(&track(3000, &[(500, 700)])).len(), 1);
    }

    #[test]
    fn the_callers_speech_is_found_in_noise() {
        let speech = [(2000, 3500), (6000, 6400), (9000, 14_000)];
        let mut samples = track(20_000, &speech);
        // The voice is at about -17 dBFS, the noise 15 dB below it.
        for (at, sample) in samples.iter_mut().enumerate() {
            *sample = sample.saturating_add(noise(at as u64, 1400));
        }
        let found = of_caller(&samples);
        assert_eq!(found.len(), 3, "{found:?}");
        for (segment, (from, to)) in found.iter().zip(speech) {
            near(*segment, from, to);
        }
    }

    #[test]
    fn nothing_but_noise_is_nobody_speaking() {
        for peak in [0, 3, 300, 1000] {
            let samples: Vec<i16> = (0..80_000).map(|at| noise(at, peak)).collect();
            assert_eq!(of_caller(&samples), [], "{peak}");
        }
    }
}
