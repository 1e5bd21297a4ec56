//! Sounds the network and its people make: tones, keys, hold music and speech-like noise, as mu-law at 8000 Hz.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::audio::mulaw;

/// How fast a synthetic voice speaks, in characters a second.
const SPEAKING_RATE: f64 = 14.0;

/// The beep before a recording: 1000 Hz for 300 ms.
#[must_use]
pub fn beep() -> Vec<u8> {
    tone(&[1000.0], Duration::from_millis(300))
}

/// One period of the European ringback tone: 425 Hz for a second, then four seconds of nothing (ITU-T E.180).
#[must_use]
pub fn ringback() -> Vec<u8> {
    let mut sound = tone(&[425.0], Duration::from_secs(1));
    sound.extend(silence(Duration::from_secs(4)));
    sound
}

/// Three seconds of busy tone: 425 Hz, half a second on and half a second off (ITU-T E.180).
#[must_use]
pub fn busy() -> Vec<u8> {
    let mut sound = Vec::new();
    for _ in 0..3 {
        sound.extend(tone(&[425.0], Duration::from_millis(500)));
        sound.extend(silence(Duration::from_millis(500)));
    }
    sound
}

/// A key press: 100 ms of its two tones (ITU-T Q.23) and 100 ms of nothing. Other characters are 200 ms of nothing.
#[must_use]
pub fn key(key: char) -> Vec<u8> {
    const ROWS: [(f64, &str); 4] = [(697.0, "123A"), (770.0, "456B"), (852.0, "789C"), (941.0, "*0#D")];
    const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
    let pair = ROWS.iter().find_map(|(row, keys)| {
        let column = keys.find(key)?;
        Some([*row, COLUMNS[column]])
    });
    let length = Duration::from_millis(100);
    let mut sound = pair.map_or_else(|| silence(length), |pair| tone(&pair, length));
    sound.extend(silence(length));
    sound
}

/// Eight seconds of plain hold music.
#[must_use]
pub fn hold_music() -> Vec<u8> {
    const NOTES: [f64; 8] = [262.0, 330.0, 392.0, 523.0, 440.0, 349.0, 294.0, 247.0];
    NOTES
        .iter()
        .flat_map(|note| tone(&[*note, note * 1.5], Duration::from_secs(1)))
        .collect()
}

/// How long `words` take to say: about 14 characters a second, at least 400 ms.
#[must_use]
pub fn speaking_time(words: &str) -> Duration {
    Duration::from_secs_f64((words.chars().count() as f64 / SPEAKING_RATE).max(0.4))
}

/// Speech-like noise: a voice of 140 Hz with its overtones and some breath, loud and soft four times a second.
///
/// It is no speech, but an energy gate takes it for some. `seed` varies it, so that two callers do not sound alike.
#[must_use]
pub fn speechlike(length: Duration, seed: u64) -> Vec<u8> {
    let mut noise = seed | 1;
    let pitch = 120.0 + (seed % 60) as f64;
    (0..samples(length))
        .map(|index| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let time = index as f64 / f64::from(mulaw::RATE);
            let voice: f64 = (1..12)
                .map(|n| (TAU * pitch * f64::from(n) * time).sin() / f64::from(n))
                .sum();
            let breath = (noise % 2000) as f64 / 1000.0 - 1.0;
            let syllable = 0.35 + 0.65 * (TAU * 2.0 * time).sin().abs();
            encode((voice * 0.22 + breath * 0.06) * syllable)
        })
        .collect()
}

/// Nothing, for so long.
#[must_use]
pub fn silence(length: Duration) -> Vec<u8> {
    vec![mulaw::SILENCE; samples(length)]
}

/// How many samples sound of this length has.
#[must_use]
pub fn samples(length: Duration) -> usize {
    (length.as_secs_f64() * f64::from(mulaw::RATE)) as usize
}

fn tone(frequencies: &[f64], length: Duration) -> Vec<u8> {
    (0..samples(length))
        .map(|index| {
            let time = index as f64 / f64::from(mulaw::RATE);
            let sum: f64 = frequencies.iter().map(|f| (TAU * f * time).sin()).sum();
            encode(sum * 0.3 / frequencies.len() as f64)
        })
        .collect()
}

fn encode(value: f64) -> u8 {
    mulaw::encode((value.clamp(-1.0, 1.0) * 32_000.0) as i16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::ear::audible;

    #[test]
    fn lengths_and_loudness() {
        assert_eq!(speaking_time("a sentence of 28 characters.").as_secs(), 2);
        let speech = speechlike(Duration::from_secs(1), 7);
        assert_eq!(speech.len(), 8000);
        assert!(speech.chunks(mulaw::FRAME).all(audible));
        assert!(!audible(&silence(Duration::from_secs(1))));
        assert!(audible(&beep()));
        assert_eq!(ringback().len(), 40_000);
        assert!(hold_music().chunks(800).all(audible));
    }

    #[test]
    fn every_key_has_its_own_tones_and_others_are_silent() {
        let keys: Vec<Vec<u8>> = "0123456789*#ABCD".chars().map(key).collect();
        for (index, one) in keys.iter().enumerate() {
            assert!(audible(&one[..800]));
            assert!(keys[..index].iter().all(|other| other != one));
        }
        assert!(!audible(&key('w')));
    }

    #[test]
    fn a_gate_takes_the_noise_for_speech() {
        use crate::audio::gate::{Gate, GateConfig};
        let mut gate = Gate::new(GateConfig::default());
        for frame in silence(Duration::from_secs(1)).chunks(mulaw::FRAME) {
            gate.push(frame);
        }
        let speech = speechlike(Duration::from_secs(2), 3);
        let voiced = speech
            .chunks(mulaw::FRAME)
            .filter(|frame| gate.push(frame).speaking)
            .count();
        assert!(voiced > 90, "{voiced} of 100 frames");
    }
}
