//! Voices as tones: each number has a pitch of its own, so that sound alone tells whose words these are.

use engine::audio::mulaw;
use std::f64::consts::TAU;

/// The pitch of number 0, in hertz, and the distance to the next.
const LOWEST: f64 = 300.0;
const STEP: f64 = 20.0;
/// How long a character is spoken, in milliseconds, and the shortest words.
const CHARACTER: usize = 45;
const SHORTEST: usize = 700;

/// The first number in a text; 0 without.
pub fn number(text: &str) -> usize {
    let digits = text.chars().skip_while(|c| !c.is_ascii_digit());
    let digits: String = digits.take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// How long these words are spoken, in milliseconds.
pub fn length(text: &str) -> usize {
    (text.chars().count() * CHARACTER).max(SHORTEST)
}

/// These words, in samples of this rate.
pub fn spoken(text: &str, rate: usize) -> Vec<i16> {
    tone(LOWEST + STEP * number(text) as f64, rate, length(text))
}

/// A tone, a quarter of full scale.
pub fn tone(hertz: f64, rate: usize, millis: usize) -> Vec<i16> {
    let angle = TAU * hertz / rate as f64;
    (0..rate * millis / 1000)
        .map(|at| ((angle * at as f64).sin() * 8000.0) as i16)
        .collect()
}

/// Mu-law at 8 kHz of these words.
pub fn line(text: &str) -> Vec<u8> {
    mulaw::encode_all(&spoken(text, 8000))
}

/// The number that is spoken in this sound at 8 kHz; none where it is too short to tell. Gaps do not matter.
pub fn heard(sound: &[i16]) -> Option<usize> {
    let frames: Vec<&[i16]> = sound.chunks(160).collect();
    let is_loud = |frame: &&[i16]| frame.iter().any(|sample| sample.unsigned_abs() > 1500);
    // Five loud frames in a row at a time, of which the first and the last may be cut.
    let fives = frames.windows(5).step_by(3).filter(|five| five.iter().all(is_loud));
    let mut pitches: Vec<f64> = fives.filter_map(|five| pitch(&five[1..4].concat())).collect();
    pitches.sort_by(f64::total_cmp);
    let number = (pitches.get(pitches.len() / 2)? - LOWEST) / STEP;
    (number > -0.5).then(|| number.round() as usize)
}

fn pitch(sound: &[i16]) -> Option<f64> {
    // Where it rises through zero, between two samples.
    let crossings = sound
        .windows(2)
        .enumerate()
        .filter(|(_, two)| two[0] < 0 && two[1] >= 0);
    let rising: Vec<f64> = crossings
        .map(|(at, two)| at as f64 + f64::from(-two[0]) / (f64::from(two[1]) - f64::from(two[0])))
        .collect();
    let (first, last) = (rising.first()?, rising.last()?);
    (rising.len() > 5).then(|| (rising.len() - 1) as f64 * 8000.0 / (last - first))
}
