//! What a sound file holds, as far as a caller would notice: its length, how loud it gets, and when it begins to be heard.

use super::level::{LOWEST_DBFS, rms_dbfs, silences};
use super::mulaw;
use super::sound::{self, SoundError};
use super::wav;
use std::fmt;

/// The container, told by the content and not by the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RIFF WAVE.
    Wav,
    /// MPEG audio.
    Mp3,
}

impl Format {
    /// The word for it, which is also the usual ending of such a file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
        }
    }
}

/// A sound file that was decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// What it is.
    pub format: Format,
    /// Samples per second and channel in the file.
    pub rate: u32,
    /// How long it plays, in milliseconds.
    pub millis: u64,
    /// How long nothing is heard at its beginning, in milliseconds: all of it where it is silent.
    pub lead: u64,
    /// The loudest tenth of a second on the line, in dBFS.
    pub loudest: f32,
}

/// Speech on a telephone lies 25 dB above this; below it a caller hears nothing.
const SILENT_DBFS: f32 = -45.0;
/// So long a beginning without sound is noticed, in milliseconds.
const LATE_MS: u64 = 1_000;

impl About {
    /// Whether nothing can be heard in it, or nearly so.
    pub fn is_silent(&self) -> bool {
        self.loudest < SILENT_DBFS
    }

    /// Whether a caller notices that it begins with silence.
    pub fn begins_late(&self) -> bool {
        self.lead >= LATE_MS
    }

    /// The silence that a caller notices before anything is heard, in milliseconds: all of it where it is silent.
    pub fn quiet_lead(&self) -> u64 {
        if self.is_silent() {
            self.millis
        } else if self.begins_late() {
            self.lead
        } else {
            0
        }
    }
}

/// Why a file is no sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoSound {
    /// It has no bytes.
    Empty,
    /// It is a page or another text: usually an error page that was saved under the sound's name.
    Text,
    /// It cannot be decoded.
    Undecodable(SoundError),
}

impl fmt::Display for NoSound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::Text => f.write_str("the file holds text and no sound"),
            Self::Undecodable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NoSound {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Undecodable(error) => Some(error),
            _ => None,
        }
    }
}

/// Decodes a sound file and listens to it.
///
/// # Errors
/// Where it holds no sound that can be decoded.
pub fn about(bytes: &[u8]) -> Result<About, NoSound> {
    if bytes.is_empty() {
        return Err(NoSound::Empty);
    }
    let format = if wav::is_wav(bytes) { Format::Wav } else { Format::Mp3 };
    let (rate, samples) = sound::decode_mono(bytes).map_err(|error| match error {
        SoundError::Unknown | SoundError::Mp3 if is_text(bytes) => NoSound::Text,
        error => NoSound::Undecodable(error),
    })?;
    let line = sound::to_line(&samples, rate).map_err(NoSound::Undecodable)?;
    let line: Vec<i16> = line.iter().map(|&sample| (sample * 32768.0).round() as i16).collect();
    let millis = mulaw::millis(line.len());
    let lead = silences(&line, AUDIBLE_DBFS, 1)
        .first()
        .filter(|silence| silence.from == 0)
        .map_or(0, |silence| silence.to.min(millis));
    let tenth = mulaw::RATE as usize / 10;
    let loudest = line.chunks(tenth).map(rms_dbfs).fold(LOWEST_DBFS, f32::max);
    Ok(About {
        format,
        rate,
        millis,
        lead,
        loudest,
    })
}

/// What is not louder than this is not heard as the beginning of anything: room noise of a decent recording lies below.
const AUDIBLE_DBFS: f32 = -50.0;

/// Whether the beginning reads as text: no byte of it is a control character.
fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(256)];
    let readable = |byte: &u8| *byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r');
    head.iter().all(readable) && std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(millis: usize, peak: f64) -> Vec<i16> {
        let wave = |n: usize| (std::f64::consts::TAU * 440.0 * n as f64 / 8000.0).sin() * peak;
        (0..millis * 8).map(|n| wave(n) as i16).collect()
    }

    #[test]
    fn a_sound_is_described_as_a_caller_hears_it() {
        let mut samples = vec![0; 12_000];
        samples.extend(tone(1_000, 8_000.0));
        let heard = about(&wav::write_mono(8000, &samples)).unwrap();
        assert_eq!((heard.format, heard.rate, heard.millis), (Format::Wav, 8000, 2_500));
        assert!((1_480..=1_510).contains(&heard.lead), "{}", heard.lead);
        assert!((heard.loudest + 15.3).abs() < 0.5, "{}", heard.loudest);
    }

    #[test]
    fn silence_leads_all_the_way() {
        let heard = about(&wav::write_mono(8000, &[0; 8_000])).unwrap();
        assert_eq!((heard.lead, heard.millis), (1_000, 1_000));
        assert!(heard.loudest <= -90.0);
        let whisper = about(&wav::write_mono(8000, &tone(1_000, 60.0))).unwrap();
        assert!(whisper.loudest < -50.0, "{}", whisper.loudest);
    }

    #[test]
    fn an_mp3_begins_where_it_is_heard() {
        let heard = about(include_bytes!("../../tests/fixtures/tone_440hz_24k.mp3")).unwrap();
        assert_eq!((heard.format, heard.rate), (Format::Mp3, 22_050));
        assert!((200..340).contains(&heard.lead), "{}", heard.lead);
    }

    #[test]
    fn what_is_no_sound_is_told_apart() {
        assert_eq!(about(b""), Err(NoSound::Empty));
        assert_eq!(about(b"<!doctype html>\n<html>404</html>"), Err(NoSound::Text));
        assert_eq!(about("{\"error\": \"אין\"}".as_bytes()), Err(NoSound::Text));
        let noise = about(b"OggS\0\x02\0\0\0\0");
        assert_eq!(noise, Err(NoSound::Undecodable(SoundError::Unknown)));
        assert!(matches!(
            about(b"RIFF\0\0\0\0WAVE"),
            Err(NoSound::Undecodable(SoundError::Wav(_)))
        ));
    }
}
