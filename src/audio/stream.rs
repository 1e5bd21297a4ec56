//! Sound that arrives in pieces and may or may not begin with a WAV header: the header is taken off and told.

use super::mulaw;
use super::resample::Resampler;
use super::sound::SoundError;
use super::wav::{self, Coding, WavError};

/// How the samples of a stream are written; always one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFormat {
    /// PCM of 16 bits, little-endian, at this many samples per second.
    Pcm16(u32),
    /// Mu-law at 8 kHz.
    MuLaw,
}

/// Takes the WAV header off a stream, if there is one. Sizes in it are upper limits, and those that a program writes
/// when it cannot know them (0, or more than is ever sent) are none.
#[derive(Debug, Clone)]
pub struct WavStream {
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    /// What came of the header.
    Header(Vec<u8>),
    /// In the sound: what the header said, and how many bytes of it are still to come.
    Sound(Option<StreamFormat>, u64),
}

/// A header longer than this is not one: speech services write 44 to 100 bytes.
const LONGEST_HEADER: usize = 64 * 1024;

impl WavStream {
    /// A stream of which nothing has come.
    pub const fn new() -> Self {
        Self {
            state: State::Header(Vec::new()),
        }
    }

    /// The next piece of the stream; what of it is sound is added to `sound`.
    ///
    /// Errors: the header has a fault, or tells of a format other than those of `StreamFormat`.
    pub fn push(&mut self, bytes: &[u8], sound: &mut Vec<u8>) -> Result<(), WavError> {
        match &mut self.state {
            State::Sound(_, left) => {
                let held = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= held as u64;
                sound.extend_from_slice(&bytes[..held]);
                Ok(())
            }
            State::Header(header) => {
                header.extend_from_slice(bytes);
                let Some((format, start, left)) = look(header)? else {
                    return Ok(());
                };
                let whole = std::mem::take(header);
                self.state = State::Sound(format, left);
                self.push(&whole[start..], sound)
            }
        }
    }

    /// The stream is over: what could still have become a header, and was none, is added to `sound`.
    ///
    /// Errors: it ended within its header.
    pub fn finish(&mut self, sound: &mut Vec<u8>) -> Result<(), WavError> {
        if let State::Header(header) = &mut self.state {
            if wav::is_wav(header) {
                return Err(WavError::NoData);
            }
            sound.append(header);
        }
        Ok(())
    }

    /// What the header said; nothing while it is incomplete, and where there is none.
    pub const fn format(&self) -> Option<StreamFormat> {
        match self.state {
            State::Sound(format, _) => format,
            State::Header(_) => None,
        }
    }

    /// Whether the sound, with or without a header before it, has begun.
    pub const fn begun(&self) -> bool {
        matches!(self.state, State::Sound(..))
    }
}

impl Default for WavStream {
    fn default() -> Self {
        Self::new()
    }
}

/// Any such stream, brought to mu-law at 8 kHz: in its own format if it tells one, else in the one that was agreed.
#[derive(Debug)]
pub struct LineStream {
    agreed: StreamFormat,
    wav: WavStream,
    sound: Vec<u8>,
    /// Known once the sound has begun; nothing for mu-law.
    resampler: Option<Resampler>,
}

impl LineStream {
    /// A stream that is in this format unless it says otherwise.
    pub const fn new(agreed: StreamFormat) -> Self {
        Self {
            agreed,
            wav: WavStream::new(),
            sound: Vec::new(),
            resampler: None,
        }
    }

    /// The next piece; what is ready for the line is added to `line`.
    ///
    /// Errors: a faulty header, or a format or rate that cannot be played.
    pub fn push(&mut self, bytes: &[u8], line: &mut Vec<u8>) -> Result<(), SoundError> {
        self.wav.push(bytes, &mut self.sound)?;
        if self.wav.begun() {
            self.convert(line)?;
        }
        Ok(())
    }

    /// The stream is over: the rest of it is added to `line`.
    ///
    /// Errors: as above, or it ended within its header.
    pub fn finish(&mut self, line: &mut Vec<u8>) -> Result<(), SoundError> {
        self.wav.finish(&mut self.sound)?;
        self.convert(line)?;
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(line);
        }
        Ok(())
    }

    fn convert(&mut self, line: &mut Vec<u8>) -> Result<(), SoundError> {
        match self.wav.format().unwrap_or(self.agreed) {
            StreamFormat::MuLaw => line.append(&mut self.sound),
            StreamFormat::Pcm16(rate) => {
                let resampler = match &mut self.resampler {
                    Some(resampler) => resampler,
                    none => none.insert(Resampler::new(rate)?),
                };
                resampler.push(&self.sound, line);
                self.sound.clear();
            }
        }
        Ok(())
    }
}

/// What a header says, where the sound begins and how long it may be: nothing while more is needed to know.
fn look(header: &[u8]) -> Result<Option<(Option<StreamFormat>, usize, u64)>, WavError> {
    let known = header.len().min(4);
    if header[..known] != b"RIFF"[..known] || (header.len() >= 12 && !wav::is_wav(header)) {
        return Ok(Some((None, 0, u64::MAX)));
    }
    let mut at = 12;
    let mut format = None;
    while at <= LONGEST_HEADER
        && let Some((id, size, body)) = header.get(at..).and_then(wav::chunk)
    {
        match &id {
            b"data" => {
                let format = format.ok_or(WavError::NoFormat)?;
                let limit = if size == 0 { u64::MAX } else { size as u64 };
                return Ok(Some((Some(format), at + 8, limit)));
            }
            b"fmt " if size <= LONGEST_HEADER => match body.get(..size) {
                Some(body) => format = Some(stream_format(wav::Format::read(body)?)?),
                None => break,
            },
            _ => {}
        }
        // Chunks are padded to an even length.
        at = at.saturating_add(8).saturating_add(size).saturating_add(size & 1);
    }
    if at > LONGEST_HEADER {
        return Err(WavError::NoData);
    }
    Ok(None)
}

fn stream_format(format: wav::Format) -> Result<StreamFormat, WavError> {
    match (format.coding, format.channels, format.rate) {
        (Coding::Pcm16, 1, rate) => Ok(StreamFormat::Pcm16(rate)),
        (Coding::MuLaw, 1, mulaw::RATE) => Ok(StreamFormat::MuLaw),
        (Coding::Pcm16 | Coding::MuLaw, channels, rate) => Err(WavError::Shape { channels, rate }),
        _ => Err(format.unwanted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header as tools write it, with chunks before the sound.
    fn header(tag: u16, channels: u16, rate: u32, bits: u16, size: u32) -> Vec<u8> {
        let mut header = b"RIFF\xff\xff\xff\xffWAVEJUNK\x03\0\0\0odd\0fmt \x12\0\0\0".to_vec();
        for field in [tag, channels, rate as u16, (rate >> 16) as u16, 0, 0, 0, bits, 0] {
            header.extend(field.to_le_bytes());
        }
        header.extend(b"LIST\x02\0\0\0xydata");
        header.extend(size.to_le_bytes());
        header
    }

    fn read(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, Option<StreamFormat>), WavError> {
        let (mut stream, mut sound) = (WavStream::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            stream.push(piece, &mut sound)?;
        }
        stream.finish(&mut sound)?;
        Ok((sound, stream.format()))
    }

    #[test]
    fn a_header_is_taken_off_and_told() {
        let cases = [
            (1, 24_000, 16, StreamFormat::Pcm16(24_000)),
            (1, 8000, 16, StreamFormat::Pcm16(8000)),
            (7, 8000, 8, StreamFormat::MuLaw),
            (7, 8000, 0, StreamFormat::MuLaw),
        ];
        for (tag, rate, bits, format) in cases {
            // True, unknown, and as espeak, ffmpeg and cloud services write it to a pipe.
            for size in [6, 0, 0x7FFF_F000, u32::MAX, u32::MAX - 36] {
                for piece in [1, 7, 1000] {
                    let mut bytes = header(tag, 1, rate, bits, size);
                    bytes.extend(b"sounds");
                    assert_eq!(read(&bytes, piece), Ok((b"sounds".to_vec(), Some(format))));
                }
            }
        }
        let own = wav::write_mono(16_000, &[1, -2]);
        assert_eq!(
            read(&own, 5),
            Ok((vec![1, 0, 0xFE, 0xFF], Some(StreamFormat::Pcm16(16_000))))
        );
    }

    #[test]
    fn what_follows_the_sound_is_not_sound() {
        let mut bytes = header(1, 1, 8000, 16, 4);
        bytes.extend(b"yes!LIST\x04\0\0\0nope");
        for piece in [1, 3, 1000] {
            assert_eq!(read(&bytes, piece).unwrap().0, b"yes!");
        }
    }

    #[test]
    fn a_stream_without_a_header_is_all_sound() {
        for bytes in [
            &b""[..],
            b"R",
            b"RIFF",
            b"RIFFxxxxWAV",
            b"RIFFxxxxAVI LIST",
            b"RIFe",
            b"\xff\xff\xff\xff\xff",
        ] {
            for piece in [1, 3, 1000] {
                assert_eq!(read(bytes, piece), Ok((bytes.to_vec(), None)));
            }
        }
    }

    #[test]
    fn each_fault_is_named() {
        let cases = [
            (
                header(1, 2, 8000, 16, 0),
                WavError::Shape {
                    channels: 2,
                    rate: 8000,
                },
            ),
            (
                header(7, 1, 16_000, 8, 0),
                WavError::Shape {
                    channels: 1,
                    rate: 16_000,
                },
            ),
            (header(3, 1, 8000, 32, 0), WavError::Coding { tag: 3, bits: 32 }),
            (b"RIFF\0\0\0\0WAVEdata\0\0\0\0".to_vec(), WavError::NoFormat),
            (header(1, 1, 8000, 16, 0)[..50].to_vec(), WavError::NoData),
            (
                [&b"RIFF\0\0\0\0WAVEhuge\xff\xff\xff\x7f"[..], &[0; 70_000]].concat(),
                WavError::NoData,
            ),
        ];
        for (bytes, error) in cases {
            assert_eq!(read(&bytes, 11), Err(error));
        }
    }

    #[test]
    fn a_stream_is_played_as_its_header_says_or_as_agreed() {
        let samples: Vec<i16> = (0..2400).map(|n| ((n % 50) * 300 - 7500) as i16).collect();
        let raw: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let line = |agreed, bytes: &[u8]| {
            let (mut stream, mut line) = (LineStream::new(agreed), Vec::new());
            for piece in bytes.chunks(77) {
                stream.push(piece, &mut line).unwrap();
            }
            stream.finish(&mut line).unwrap();
            line
        };
        let expected = line(StreamFormat::Pcm16(24_000), &raw);
        assert_eq!(expected.len(), 800);
        assert_eq!(line(StreamFormat::MuLaw, &wav::write_mono(24_000, &samples)), expected);
        assert_eq!(line(StreamFormat::MuLaw, &raw), raw);
        assert_eq!(
            line(
                StreamFormat::Pcm16(16_000),
                &[header(7, 1, 8000, 8, 0), b"mu-law".to_vec()].concat()
            ),
            b"mu-law"
        );
        let mut odd = LineStream::new(StreamFormat::Pcm16(7919));
        assert_eq!(odd.push(b"sound", &mut Vec::new()), Err(SoundError::Rate(7919)));
    }

    proptest! {
        #[test]
        fn no_bytes_can_make_it_panic_or_depend_on_the_pieces(
            tail in proptest::collection::vec(any::<u8>(), 0..300),
            start in 0..4_usize,
            piece in 1..40_usize,
        ) {
            let starts = [vec![], b"RIFF\0\0\0\0WAVE".to_vec(), b"RIFF\0\0\0\0WAVEfmt ".to_vec(), header(1, 1, 8000, 16, 9)];
            let bytes = [starts[start].clone(), tail].concat();
            prop_assert_eq!(read(&bytes, piece), read(&bytes, 1));
        }
    }
}
