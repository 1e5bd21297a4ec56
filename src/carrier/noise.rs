//! Noise on the caller's line: hiss or rumble under everything the microphone carries.

use std::fmt;
use std::str::FromStr;

use super::ear::{Frame, audible};
use crate::audio::level::rms_dbfs;
use crate::audio::mulaw;

/// Noise under the caller's voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// How it is spread over the frequencies.
    pub colour: Colour,
    /// How far it lies below the caller's speech, in dB.
    pub below: f32,
}

/// How noise is spread over the frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// As much of each: hiss.
    White,
    /// Less of the high ones: a street, a crowd far away.
    Pink,
}

/// A text that names no noise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoiseError(String);

impl fmt::Display for NoiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no noise; write how far it is below the speech, such as `15db` or `pink:15db`, between -10 and 60",
            self.0
        )
    }
}

impl std::error::Error for NoiseError {}

impl FromStr for Noise {
    type Err = NoiseError;

    /// Reads `15db`, `white:15db` or `pink:15db`.
    fn from_str(text: &str) -> Result<Self, NoiseError> {
        let wrong = || NoiseError(text.to_owned());
        let (colour, level) = match text.trim().split_once(':') {
            None => (Colour::White, text.trim()),
            Some(("white", level)) => (Colour::White, level),
            Some(("pink", level)) => (Colour::Pink, level),
            Some(_) => return Err(wrong()),
        };
        let number = level.to_ascii_lowercase();
        let number = number.strip_suffix("db").unwrap_or(&number).trim();
        let below: f32 = number.parse().map_err(|_| wrong())?;
        if !(-10.0..=60.0).contains(&below) {
            return Err(wrong());
        }
        Ok(Self { colour, below })
    }
}

/// What speech is taken to be like where the caller has none (dBFS).
const USUAL_SPEECH: f32 = -20.0;
/// Noise of so many samples is played over and over: two seconds.
const LENGTH: usize = 16_000;

/// Noise on its way, for one call.
#[derive(Debug)]
pub(crate) struct Hiss {
    samples: Vec<i16>,
    at: usize,
}

impl Hiss {
    /// Noise as far below `speech` as wanted; `seed` varies it.
    pub(crate) fn new<'a>(noise: Noise, speech: impl Iterator<Item = &'a [u8]>, seed: u64) -> Self {
        let spoken: Vec<i16> = speech
            .flat_map(|sound| sound.chunks(mulaw::FRAME))
            .filter(|frame| audible(frame))
            .flat_map(mulaw::decode_all)
            .collect();
        let speech = if spoken.is_empty() {
            USUAL_SPEECH
        } else {
            rms_dbfs(&spoken)
        };
        let wanted = 32768.0 * 10f64.powf(f64::from(speech - noise.below) / 20.0);
        let raw = match noise.colour {
            Colour::White => white(seed),
            Colour::Pink => pink(&white(seed)),
        };
        let power: f64 = raw.iter().map(|sample| sample * sample).sum();
        let gain = wanted / (power / LENGTH as f64).sqrt().max(f64::EPSILON);
        Self {
            // A cast of a number out of range gives the nearest sample.
            samples: raw.iter().map(|sample| (sample * gain) as i16).collect(),
            at: 0,
        }
    }

    /// Adds the next 20 ms of it.
    pub(crate) fn add(&mut self, frame: &mut Frame) {
        for code in frame {
            let sample = mulaw::decode(*code).saturating_add(self.samples[self.at]);
            *code = mulaw::encode(sample);
            self.at = (self.at + 1) % LENGTH;
        }
    }
}

fn white(seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    (0..LENGTH)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// Minus 3 dB per octave: a sum of slow and fast followers of the same noise, an octave or two apart each.
fn pink(white: &[f64]) -> Vec<f64> {
    const FOLLOWERS: [f64; 6] = [0.5, 0.2, 0.08, 0.03, 0.012, 0.005];
    let mut followers = [0.0; FOLLOWERS.len()];
    white
        .iter()
        .map(|sample| {
            let pairs = followers.iter_mut().zip(FOLLOWERS);
            pairs
                .map(|(follower, speed)| {
                    *follower += (sample - *follower) * speed;
                    *follower / speed.sqrt()
                })
                .sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::ear::SILENT;
    use super::super::sounds::speechlike;
    use super::*;
    use std::time::Duration;

    fn track(noise: &str) -> Vec<i16> {
        let speech = speechlike(Duration::from_secs(1), 3);
        let mut hiss = Hiss::new(noise.parse().unwrap(), [speech.as_slice()].into_iter(), 5);
        (0..200)
            .flat_map(|_| {
                let mut frame = SILENT;
                hiss.add(&mut frame);
                mulaw::decode_all(&frame)
            })
            .collect()
    }

    #[test]
    fn the_noise_lies_as_far_below_the_speech_as_wanted() {
        let speech = rms_dbfs(&mulaw::decode_all(&speechlike(Duration::from_secs(1), 3)));
        for (noise, below) in [("15db", 15.0), ("pink:15dB", 15.0), ("white:30", 30.0)] {
            let level = rms_dbfs(&track(noise));
            assert!((speech - level - below).abs() < 0.5, "{noise}: {level} below {speech}");
        }
    }

    #[test]
    fn pink_noise_has_less_of_the_high_frequencies() {
        let bright = |noise: &str| {
            let samples = track(noise);
            let steps: Vec<i16> = samples.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
            rms_dbfs(&steps) - rms_dbfs(&samples)
        };
        assert!(bright("20db") > bright("pink:20db") + 3.0);
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for text in ["", "loud", "brown:15db", "99db", "nan"] {
            let error = text.parse::<Noise>().expect_err(text).to_string();
            assert!(error.contains("`pink:15db`"), "{error}");
        }
    }
}
