//! Sound files as the line needs them: whatever a prompt was saved as, out comes mu-law at 8 kHz.

use super::mulaw;
use super::wav::{self, WavError};
use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use std::fmt;
use std::time::Duration;

/// Why a sound file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoundError {
    /// Neither WAV nor MP3.
    Unknown,
    /// A WAV file with a fault.
    Wav(WavError),
    /// It looked like MP3, and nothing in it could be decoded.
    Mp3,
    /// The file is sound and holds none of it.
    Empty,
    /// Samples per second outside of what any recorder writes (1 000 to 384 000).
    Rate(u32),
}

impl fmt::Display for SoundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => write!(f, "the file is neither WAV nor MP3"),
            Self::Wav(error) => error.fmt(f),
            Self::Mp3 => write!(f, "the MP3 file holds nothing that can be decoded"),
            Self::Empty => write!(f, "the sound file is empty"),
            Self::Rate(rate) => write!(f, "a rate of {rate} Hz is not one that can be played"),
        }
    }
}

impl std::error::Error for SoundError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Wav(error) => Some(error),
            _ => None,
        }
    }
}

impl From<WavError> for SoundError {
    fn from(error: WavError) -> Self {
        Self::Wav(error)
    }
}

/// Decodes a WAV or MP3 file, told apart by its content, into mu-law at 8 kHz mono.
pub fn decode(bytes: &[u8]) -> Result<Vec<u8>, SoundError> {
    let (rate, samples) = decode_mono(bytes)?;
    Ok(to_line(&samples, rate)?
        .iter()
        .map(|&sample| mulaw::encode(to_i16(sample)))
        .collect())
}

/// Decodes a WAV or MP3 file into its own rate and mono samples between -1 and 1.
pub fn decode_mono(bytes: &[u8]) -> Result<(u32, Vec<f32>), SoundError> {
    let (rate, samples) = if wav::is_wav(bytes) {
        let wav = wav::read(bytes)?;
        (wav.rate, wav.mono())
    } else if nanomp3::detect(bytes) {
        mp3(bytes)?
    } else {
        return Err(SoundError::Unknown);
    };
    if samples.is_empty() {
        return Err(SoundError::Empty);
    }
    Ok((rate, samples))
}

/// Brings mono samples to 8 kHz, with everything above 4 kHz filtered away and without a shift in time.
pub fn to_line(samples: &[f32], rate: u32) -> Result<Vec<f32>, SoundError> {
    resample(samples, rate, mulaw::RATE)
}

/// Brings mono samples from one rate to another. Errors: a rate outside of 1 000 to 384 000 Hz.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, SoundError> {
    for rate in [from, to] {
        if !(LOWEST_RATE..=HIGHEST_RATE).contains(&rate) {
            return Err(SoundError::Rate(rate));
        }
    }
    if from == to || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let mut resampler = Fft::<f32>::new(from as usize, to as usize, CHUNK, 1, FixedSync::Both)
        .expect("both rates and the chunk are above zero");
    let input = InterleavedSlice::new(samples, 1, samples.len()).expect("one channel holds every sample");
    let output = resampler
        .process_all(&input, samples.len(), None)
        .expect("the output is sized by the resampler itself");
    Ok(output.take_data())
}

/// How long mu-law sound lasts.
pub fn duration(ulaw: &[u8]) -> Duration {
    Duration::from_micros(ulaw.len() as u64 * 1_000_000 / u64::from(mulaw::RATE))
}

const LOWEST_RATE: u32 = 1_000;
const HIGHEST_RATE: u32 = 384_000;
/// Input samples per step of the resampler: long enough for a steep filter.
const CHUNK: usize = 1024;

fn mp3(bytes: &[u8]) -> Result<(u32, Vec<f32>), SoundError> {
    let decoded = nanomp3::decode_all::<f32>(bytes);
    let Some(channels) = decoded.channels else {
        return Err(SoundError::Mp3);
    };
    let samples = match channels {
        nanomp3::Channels::Mono => decoded.samples,
        nanomp3::Channels::Stereo => decoded
            .samples
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[left, right]| (left + right) / 2.0)
            .collect(),
    };
    Ok((decoded.sample_rate, samples))
}

fn to_i16(sample: f32) -> i16 {
    (sample * 32768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::super::level::{rms_dbfs, silences};
    use super::*;
    use std::f64::consts::TAU;

    const TONE_MP3: &[u8] = include_bytes!("../../tests/fixtures/tone_440hz_24k.mp3");

    fn tone(rate: u32, hertz: f64, millis: u32) -> Vec<f32> {
        (0..rate * millis / 1000)
            .map(|n| (0.5 * (TAU * hertz * f64::from(n) / f64::from(rate)).sin()) as f32)
            .collect()
    }

    /// Strength of one frequency in 8 kHz sound, 1.0 being a sine of half scale.
    fn strength(samples: &[f32], hertz: f64) -> f64 {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (n, &sample) in samples.iter().enumerate() {
            let angle = TAU * hertz * n as f64 / f64::from(mulaw::RATE);
            real += f64::from(sample) * angle.cos();
            imaginary += f64::from(sample) * angle.sin();
        }
        real.hypot(imaginary) * 4.0 / samples.len() as f64
    }

    #[test]
    fn every_common_rate_keeps_the_tone_and_its_length() {
        for rate in [6000, 8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000, 7919] {
            let line = to_line(&tone(rate, 440.0, 500), rate).unwrap();
            assert!((line.len() as i64 - 4000).abs() <= 1, "{rate}: {}", line.len());
            let strength = strength(&line, 440.0);
            assert!((0.95..1.05).contains(&strength), "{rate}: {strength}");
        }
    }

    #[test]
    fn what_the_line_cannot_carry_is_filtered_and_not_folded_back() {
        let line = to_line(&tone(24000, 5000.0, 500), 24000).unwrap();
        assert!(strength(&line, 3000.0) < 0.01, "5 kHz would come back as 3 kHz");
        assert!(strength(&line, 5000.0) < 0.01);
    }

    #[test]
    fn resampling_does_not_move_the_sound() {
        let mut click = vec![0.0; 24000];
        click[12000] = 1.0;
        let line = to_line(&click, 24000).unwrap();
        let loudest = (0..line.len()).max_by(|&a, &b| line[a].total_cmp(&line[b])).unwrap();
        assert_eq!(loudest, 4000);
    }

    #[test]
    fn an_mp3_is_decoded_at_its_place_and_level() {
        let line = mulaw::decode_all(&decode(TONE_MP3).unwrap());
        // Made without a gapless tag, as speech services do: the encoder's own delay stays at the start.
        assert!((8000..8800).contains(&line.len()), "{} samples", line.len());
        let quiet = silences(&line, -45.0, 100);
        assert_eq!(quiet.len(), 2, "{quiet:?}");
        assert!((250..330).contains(&quiet[0].to), "{quiet:?}");
        assert!((quiet[1].from - quiet[0].to).abs_diff(500) <= 20, "{quiet:?}");
        let middle = &line[3000..6000];
        assert!((rms_dbfs(middle) + 9.2).abs() < 1.0, "{}", rms_dbfs(middle));
    }

    #[test]
    fn a_wav_of_two_channels_is_mixed() {
        let left: Vec<i16> = tone(16000, 440.0, 300).iter().map(|s| (s * 32767.0) as i16).collect();
        let sound = decode(&wav::write_stereo(16000, &left, &[])).unwrap();
        assert_eq!(duration(&sound), Duration::from_millis(300));
        assert!((rms_dbfs(&mulaw::decode_all(&sound)) + 15.05).abs() < 0.3);
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(decode(b""), Err(SoundError::Unknown));
        assert_eq!(decode(b"<html>not found</html>"), Err(SoundError::Unknown));
        assert_eq!(decode(&wav::write_mono(8000, &[])), Err(SoundError::Empty));
        assert_eq!(decode(b"RIFF\0\0\0\0WAVE"), Err(SoundError::Wav(WavError::NoFormat)));
        assert_eq!(
            decode(b"ID3\x04\0\0\0\0\0\0 and then nothing of use"),
            Err(SoundError::Mp3)
        );
        assert_eq!(
            decode(&wav::write_mono(4_000_000, &[1])),
            Err(SoundError::Rate(4_000_000))
        );
    }

    #[test]
    fn a_file_cut_short_plays_as_far_as_it_goes() {
        let cut = decode(&TONE_MP3[..TONE_MP3.len() / 2]).unwrap();
        assert!(cut.len() > 2000 && cut.len() < 6000, "{}", cut.len());
    }
}
