//! Loudness, and the silences in a piece of sound: the measure of what a caller had to sit through.

use super::mulaw::{self, RATE};

/// Full scale of a 16-bit sample, the zero of the decibel scale used here (dBFS, by power).
const FULL_SCALE: f64 = 32768.0;
/// What silence is called where the logarithm has no answer.
pub const LOWEST_DBFS: f32 = -100.0;
/// Length of the windows in which silence is looked for.
const WINDOW_MS: u64 = 10;

/// A stretch in which nothing louder than the threshold was heard, in milliseconds from the start of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// First silent millisecond.
    pub from: u64,
    /// The millisecond at which sound begins again, or the end.
    pub to: u64,
}

impl Silence {
    /// Its length in milliseconds.
    pub const fn millis(&self) -> u64 {
        self.to - self.from
    }
}

/// Root mean square of the samples in dBFS: 0 is a square wave at full scale, -3 a sine; `LOWEST_DBFS` is silence.
pub fn rms_dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return LOWEST_DBFS;
    }
    let power: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample) * f64::from(sample))
        .sum();
    power_dbfs(power / samples.len() as f64)
}

/// The same of mu-law.
pub fn ulaw_dbfs(codes: &[u8]) -> f32 {
    if codes.is_empty() {
        return LOWEST_DBFS;
    }
    let square = |&code: &u8| {
        let sample = i64::from(mulaw::decode(code));
        sample * sample
    };
    power_dbfs(codes.iter().map(square).sum::<i64>() as f64 / codes.len() as f64)
}

/// The silences of at least `min` milliseconds in 8 kHz mono sound, those at its start and end included.
pub fn silences(samples: &[i16], threshold_dbfs: f32, min: u64) -> Vec<Silence> {
    let window = (u64::from(RATE) * WINDOW_MS / 1000) as usize;
    let total = samples.len() as u64 * 1000 / u64::from(RATE);
    let mut found = Vec::new();
    let mut since = None;
    for (index, part) in samples.chunks(window).enumerate() {
        let at = index as u64 * WINDOW_MS;
        if rms_dbfs(part) <= threshold_dbfs {
            since.get_or_insert(at);
        } else if let Some(from) = since.take() {
            found.push(Silence { from, to: at });
        }
    }
    if let Some(from) = since {
        found.push(Silence {
            from,
            to: total.max(from),
        });
    }
    found.retain(|silence| silence.millis() >= min);
    found
}

/// The length of the longest silence in milliseconds; 0 where there is none.
pub fn longest_silence(samples: &[i16], threshold_dbfs: f32) -> u64 {
    silences(samples, threshold_dbfs, 1)
        .iter()
        .map(Silence::millis)
        .max()
        .unwrap_or(0)
}

/// Mean square of 16-bit samples as dBFS.
pub(super) fn power_dbfs(mean_square: f64) -> f32 {
    if mean_square <= 0.0 {
        return LOWEST_DBFS;
    }
    ((10.0 * (mean_square / (FULL_SCALE * FULL_SCALE)).log10()) as f32).max(LOWEST_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(amplitude: f64, millis: usize) -> Vec<i16> {
        (0..millis * 8)
            .map(|n| (amplitude * (n as f64 * 0.345).sin()) as i16)
            .collect()
    }

    #[test]
    fn levels_of_known_sounds() {
        assert_eq!(rms_dbfs(&[]), LOWEST_DBFS);
        assert_eq!(rms_dbfs(&[0; 100]), LOWEST_DBFS);
        assert!(rms_dbfs(&[i16::MIN; 100]).abs() < 0.001);
        assert!((rms_dbfs(&sine(32767.0, 500)) + 3.01).abs() < 0.05);
        assert!((rms_dbfs(&sine(3276.7, 500)) + 23.01).abs() < 0.05);
    }

    #[test]
    fn silences_are_found_at_the_start_between_and_at_the_end() {
        let mut sound = vec![0; 300 * 8];
        sound.extend(sine(8000.0, 500));
        sound.extend(vec![3; 1000 * 8]);
        sound.extend(sine(8000.0, 200));
        sound.extend(vec![0; 50 * 8]);
        let all = silences(&sound, -50.0, 1);
        assert_eq!(
            all,
            [
                Silence { from: 0, to: 300 },
                Silence { from: 800, to: 1800 },
                Silence { from: 2000, to: 2050 }
            ]
        );
        assert_eq!(silences(&sound, -50.0, 100).len(), 2);
        assert_eq!(longest_silence(&sound, -50.0), 1000);
        assert_eq!(longest_silence(&sine(8000.0, 100), -50.0), 0);
    }
}
