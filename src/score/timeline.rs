//! The two tracks of a call side by side: the caller left, the engine right, as 16-bit samples at 8 kHz.

use crate::audio::mulaw;
use crate::audio::sound::{self, SoundError};
use crate::audio::wav::{self, WavError};
use std::fmt;

/// A call's sound. Both tracks begin together and are equally long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    caller: Vec<i16>,
    engine: Vec<i16>,
}

/// Why a recording cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimelineError {
    /// It is no WAV file that can be read.
    Wav(WavError),
    /// It does not have exactly two channels: so many it has.
    Channels(u16),
    /// Its rate cannot be brought to 8 kHz.
    Sound(SoundError),
}

impl fmt::Display for TimelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wav(error) => error.fmt(f),
            Self::Channels(number) => write!(
                f,
                "the recording has {number} channel{}; two are needed, the caller left and the engine right",
                if *number == 1 { "" } else { "s" }
            ),
            Self::Sound(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TimelineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Wav(error) => Some(error),
            Self::Channels(_) => None,
            Self::Sound(error) => Some(error),
        }
    }
}

impl Timeline {
    /// From samples at 8 kHz; the shorter track is filled up with silence.
    #[must_use]
    pub fn from_samples(mut caller: Vec<i16>, mut engine: Vec<i16>) -> Self {
        let length = caller.len().max(engine.len());
        caller.resize(length, 0);
        engine.resize(length, 0);
        Self { caller, engine }
    }

    /// From mu-law at 8 kHz; the shorter track is filled up with silence.
    #[must_use]
    pub fn from_mulaw(caller: &[u8], engine: &[u8]) -> Self {
        Self::from_samples(mulaw::decode_all(caller), mulaw::decode_all(engine))
    }

    /// From a stereo WAV file of any coding and rate that the engine reads.
    ///
    /// # Errors
    /// [`TimelineError`] where the file is none, or is not stereo.
    pub fn from_wav(bytes: &[u8]) -> Result<Self, TimelineError> {
        let wav = wav::read(bytes).map_err(TimelineError::Wav)?;
        if wav.channels != 2 {
            return Err(TimelineError::Channels(wav.channels));
        }
        let track = |side: usize| {
            let samples: Vec<f32> = wav.samples.iter().skip(side).step_by(2).copied().collect();
            let line = sound::to_line(&samples, wav.rate).map_err(TimelineError::Sound)?;
            Ok(line.iter().map(|sample| (sample * 32768.0).round() as i16).collect())
        };
        Ok(Self::from_samples(track(0)?, track(1)?))
    }

    /// What the caller said.
    #[must_use]
    pub fn caller(&self) -> &[i16] {
        &self.caller
    }

    /// What the engine said.
    #[must_use]
    pub fn engine(&self) -> &[i16] {
        &self.engine
    }

    /// How long the call is, in milliseconds.
    #[must_use]
    pub fn length_ms(&self) -> u64 {
        self.caller.len() as u64 * 1000 / u64::from(mulaw::RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tracks_come_out_of_a_file_as_they_went_in() {
        let (caller, engine) = (vec![1i16, -2, 30_000], vec![7i16, 8]);
        let timeline = Timeline::from_wav(&wav::write_stereo(8000, &caller, &engine)).unwrap();
        assert_eq!(timeline, Timeline::from_samples(caller, engine));
        assert_eq!(timeline.engine(), [7, 8, 0]);

        let wide = wav::write_stereo(16_000, &[5; 16_000], &[]);
        assert_eq!(Timeline::from_wav(&wide).unwrap().length_ms(), 1000);
        assert_eq!(Timeline::from_mulaw(&[mulaw::SILENCE; 160], &[]).length_ms(), 20);
    }

    #[test]
    fn each_fault_is_named() {
        let mono = Timeline::from_wav(&wav::write_mono(8000, &[1])).unwrap_err();
        assert_eq!(mono, TimelineError::Channels(1));
        assert!(mono.to_string().contains("1 channel; two are needed"), "{mono}");
        assert_eq!(
            Timeline::from_wav(b"nonsense"),
            Err(TimelineError::Wav(WavError::NotWav))
        );
        let fast = Timeline::from_wav(&wav::write_stereo(900_000, &[1], &[1]));
        assert_eq!(fast, Err(TimelineError::Sound(SoundError::Rate(900_000))));
    }
}
