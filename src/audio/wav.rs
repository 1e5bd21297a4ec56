//! WAV files: a reader that takes what telephony and speech tools really write, and a writer of 16-bit PCM.

use super::mulaw;
use std::fmt;

/// A decoded file: interleaved samples between -1 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Wav {
    /// Samples per second and channel.
    pub rate: u32,
    /// At least 1.
    pub channels: u16,
    /// Interleaved; always whole sets of `channels` samples.
    pub samples: Vec<f32>,
}

impl Wav {
    /// All channels mixed into one.
    pub fn mono(self) -> Vec<f32> {
        if self.channels == 1 {
            return self.samples;
        }
        let channels = usize::from(self.channels);
        self.samples
            .chunks_exact(channels)
            .map(|set| set.iter().sum::<f32>() / channels as f32)
            .collect()
    }
}

/// Why a file is not a WAV file that can be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WavError {
    /// It does not begin with `RIFF....WAVE`.
    NotWav,
    /// There is no complete `fmt ` chunk before the sound.
    NoFormat,
    /// There is no `data` chunk.
    NoData,
    /// The `fmt ` chunk names a coding that is not read here: its format tag and bits per sample.
    Coding { tag: u16, bits: u16 },
    /// The `fmt ` chunk contradicts itself: no channels or no rate.
    Shape { channels: u16, rate: u32 },
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWav => write!(f, "the file does not begin with a WAV header"),
            Self::NoFormat => write!(f, "the WAV file has no complete `fmt ` chunk before its sound"),
            Self::NoData => write!(f, "the WAV file has no `data` chunk"),
            Self::Coding { tag, bits } => {
                write!(
                    f,
                    "the WAV file uses coding {tag:#06x} with {bits} bits, which is not supported"
                )
            }
            Self::Shape { channels, rate } => {
                write!(f, "the WAV file claims {channels} channels at {rate} Hz")
            }
        }
    }
}

impl std::error::Error for WavError {}

/// Reads a WAV file: PCM of 8, 16, 24 and 32 bits, float of 32 and 64, mu-law, A-law, plain or extensible.
///
/// Sizes are taken as upper limits only, since a program that writes to a pipe cannot know them: the sound ends
/// where the bytes end. Odd chunks before the sound are skipped.
pub fn read(bytes: &[u8]) -> Result<Wav, WavError> {
    if !is_wav(bytes) {
        return Err(WavError::NotWav);
    }
    let mut rest = &bytes[12..];
    let mut format = None;
    while let Some((id, size, body)) = chunk(rest) {
        let held = &body[..body.len().min(size)];
        match &id {
            b"fmt " => format = Some(Format::read(held)?),
            b"data" => return Ok(format.ok_or(WavError::NoFormat)?.decode(held)),
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body.get(size.saturating_add(size & 1)..).unwrap_or_default();
    }
    Err(if format.is_some() {
        WavError::NoData
    } else {
        WavError::NoFormat
    })
}

/// Whether the bytes begin as a WAV file does.
pub fn is_wav(bytes: &[u8]) -> bool {
    bytes.len() >= 12 && matches!(&bytes[..4], b"RIFF" | b"RF64") && &bytes[8..12] == b"WAVE"
}

/// A whole mono file of 16-bit PCM.
pub fn write_mono(rate: u32, samples: &[i16]) -> Vec<u8> {
    let mut file = header(rate, 1, Some(samples.len() * 2)).to_vec();
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// A whole stereo file of 16-bit PCM; the shorter side is filled with silence.
pub fn write_stereo(rate: u32, left: &[i16], right: &[i16]) -> Vec<u8> {
    let mut file = header(rate, 2, Some(left.len().max(right.len()) * 4)).to_vec();
    append_stereo(&mut file, left, right);
    file
}

/// Appends the bytes of one more stereo piece, for a file that grows as the call goes on; the shorter side is
/// filled with silence.
pub fn append_stereo(file: &mut Vec<u8>, left: &[i16], right: &[i16]) {
    let sets = left.len().max(right.len());
    file.reserve(sets * 4);
    for index in 0..sets {
        for side in [left, right] {
            file.extend(side.get(index).copied().unwrap_or(0).to_le_bytes());
        }
    }
}

/// The 44 bytes before 16-bit PCM. Without `data_bytes` (still growing) the largest sizes are written, which
/// players take for "until the file ends"; write the header again with the true size when it is known.
pub fn header(rate: u32, channels: u16, data_bytes: Option<usize>) -> [u8; 44] {
    let data = data_bytes.map_or(u32::MAX - 36, |bytes| bytes.min((u32::MAX - 36) as usize) as u32);
    let block = channels.saturating_mul(2);
    let mut header = [0; 44];
    header[0..4].copy_from_slice(b"RIFF");
    header[4..8].copy_from_slice(&(data + 36).to_le_bytes());
    header[8..16].copy_from_slice(b"WAVEfmt ");
    header[16..20].copy_from_slice(&16u32.to_le_bytes());
    header[20..22].copy_from_slice(&PCM.to_le_bytes());
    header[22..24].copy_from_slice(&channels.to_le_bytes());
    header[24..28].copy_from_slice(&rate.to_le_bytes());
    header[28..32].copy_from_slice(&rate.saturating_mul(u32::from(block)).to_le_bytes());
    header[32..34].copy_from_slice(&block.to_le_bytes());
    header[34..36].copy_from_slice(&16u16.to_le_bytes());
    header[36..40].copy_from_slice(b"data");
    header[40..44].copy_from_slice(&data.to_le_bytes());
    header
}

// Format tags of the `fmt ` chunk (mmreg.h).
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
/// The true tag stands in the first two bytes of a GUID further on.
const EXTENSIBLE: u16 = 0xFFFE;

/// What the `fmt ` chunk says.
#[derive(Clone, Copy)]
pub(super) struct Format {
    pub coding: Coding,
    /// At least 1.
    pub channels: u16,
    /// Above 0.
    pub rate: u32,
    tag: u16,
    bits: u16,
}

/// How samples are written.
#[derive(Clone, Copy)]
pub(super) enum Coding {
    Pcm8,
    Pcm16,
    Pcm24,
    Pcm32,
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

impl Format {
    pub fn read(body: &[u8]) -> Result<Self, WavError> {
        let short = |at: usize| match body.get(at..at + 2) {
            Some(&[low, high]) => Ok(u16::from_le_bytes([low, high])),
            _ => Err(WavError::NoFormat),
        };
        let rate = u32::from(short(4)?) | u32::from(short(6)?) << 16;
        let (channels, bits) = (short(2)?, short(14)?);
        let tag = match short(0)? {
            EXTENSIBLE => short(24)?,
            plain => plain,
        };
        let coding = match (tag, bits) {
            (PCM, 8) => Coding::Pcm8,
            (PCM, 16) => Coding::Pcm16,
            (PCM, 24) => Coding::Pcm24,
            (PCM, 32) => Coding::Pcm32,
            (FLOAT, 32) => Coding::Float32,
            (FLOAT, 64) => Coding::Float64,
            // Some writers leave the bits of the G.711 codings at 0 or state those of the decoded sound.
            (A_LAW, _) => Coding::ALaw,
            (MU_LAW, _) => Coding::MuLaw,
            _ => return Err(WavError::Coding { tag, bits }),
        };
        if channels == 0 || rate == 0 {
            return Err(WavError::Shape { channels, rate });
        }
        Ok(Self {
            coding,
            channels,
            rate,
            tag,
            bits,
        })
    }

    /// The error for a coding that is known but not wanted.
    pub const fn unwanted(&self) -> WavError {
        WavError::Coding {
            tag: self.tag,
            bits: self.bits,
        }
    }

    fn decode(self, data: &[u8]) -> Wav {
        let mut samples: Vec<f32> = match self.coding {
            Coding::Pcm8 => data.iter().map(|&byte| (f32::from(byte) - 128.0) / 128.0).collect(),
            Coding::Pcm16 => words(data, |word: [u8; 2]| f32::from(i16::from_le_bytes(word)) / 32768.0),
            Coding::Pcm24 => words(data, |[low, middle, high]: [u8; 3]| {
                i32::from_le_bytes([0, low, middle, high]) as f32 / 2_147_483_648.0
            }),
            Coding::Pcm32 => words(data, |word| i32::from_le_bytes(word) as f32 / 2_147_483_648.0),
            Coding::Float32 => words(data, |word| finite(f32::from_le_bytes(word))),
            Coding::Float64 => words(data, |word| finite(f64::from_le_bytes(word) as f32)),
            Coding::ALaw => data.iter().map(|&code| f32::from(a_law(code)) / 32768.0).collect(),
            Coding::MuLaw => data
                .iter()
                .map(|&code| f32::from(mulaw::decode(code)) / 32768.0)
                .collect(),
        };
        samples.truncate(samples.len() - samples.len() % usize::from(self.channels));
        Wav {
            rate: self.rate,
            channels: self.channels,
            samples,
        }
    }
}

/// The id, claimed size and whatever follows of the next chunk.
pub(super) fn chunk(bytes: &[u8]) -> Option<([u8; 4], usize, &[u8])> {
    let (head, body) = bytes.split_first_chunk::<8>()?;
    let [a, b, c, d, sizes @ ..] = *head;
    Some(([a, b, c, d], u32::from_le_bytes(sizes) as usize, body))
}

fn words<const N: usize>(data: &[u8], sample: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|&word| sample(word)).collect()
}

/// Floats may hold anything; what is no number is silence, and what is out of range is clipped.
fn finite(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(-1.0, 1.0) }
}

/// G.711 A-law to 16-bit PCM.
fn a_law(code: u8) -> i16 {
    let bits = code ^ 0x55;
    let segment = (bits >> 4) & 0x07;
    let within = i16::from(bits & 0x0F) << 4;
    let magnitude = match segment {
        0 => within + 8,
        _ => (within + 0x108) << (segment - 1),
    };
    if bits & 0x80 != 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file with the given `fmt ` body and data, sizes as claimed.
    fn file(format: &[u8], claimed: u32, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\xff\xff\xff\xffWAVELIST\x03\0\0\0abc\0fmt ".to_vec();
        file.extend((format.len() as u32).to_le_bytes());
        file.extend(format);
        file.extend(b"data");
        file.extend(claimed.to_le_bytes());
        file.extend(data);
        file
    }

    fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let block = channels * bits / 8;
        let mut body = tag.to_le_bytes().to_vec();
        body.extend(channels.to_le_bytes());
        body.extend(rate.to_le_bytes());
        body.extend((rate * u32::from(block)).to_le_bytes());
        body.extend(block.to_le_bytes());
        body.extend(bits.to_le_bytes());
        body
    }

    #[test]
    fn every_coding_gives_the_same_sound() {
        let half = 0.5f32;
        let cases: [(u16, u16, Vec<u8>); 8] = [
            (PCM, 8, vec![192, 64]),
            (
                PCM,
                16,
                [16384i16, -16384].iter().flat_map(|s| s.to_le_bytes()).collect(),
            ),
            (PCM, 24, vec![0, 0, 0x40, 0, 0, 0xC0]),
            (
                PCM,
                32,
                [1i32 << 30, -(1 << 30)].iter().flat_map(|s| s.to_le_bytes()).collect(),
            ),
            (FLOAT, 32, [half, -half].iter().flat_map(|s| s.to_le_bytes()).collect()),
            (FLOAT, 64, [0.5f64, -0.5].iter().flat_map(|s| s.to_le_bytes()).collect()),
            (MU_LAW, 8, vec![mulaw::encode(16384), mulaw::encode(-16384)]),
            (A_LAW, 8, vec![0xA5, 0x25]),
        ];
        for (tag, bits, data) in cases {
            let wav = read(&file(&format(tag, 1, 8000, bits), data.len() as u32, &data)).unwrap();
            assert_eq!(
                (wav.rate, wav.channels, wav.samples.len()),
                (8000, 1, 2),
                "{tag}/{bits}"
            );
            for (sample, expected) in wav.samples.iter().zip([half, -half]) {
                assert!((sample - expected).abs() < 0.02, "{tag}/{bits}: {sample}");
            }
        }
    }

    #[test]
    fn the_extensible_form_is_read_through_to_its_true_coding() {
        let mut extended = format(EXTENSIBLE, 1, 16000, 16);
        extended.extend(22u16.to_le_bytes());
        extended.extend([16, 0, 0, 0, 0, 0]);
        extended.extend(PCM.to_le_bytes());
        extended.extend([0; 14]);
        let wav = read(&file(&extended, 2, &100i16.to_le_bytes())).unwrap();
        assert_eq!((wav.rate, wav.samples.len()), (16000, 1));
    }

    #[test]
    fn sizes_written_to_a_pipe_are_not_believed() {
        for claimed in [0x7FFF_F000, u32::MAX] {
            let wav = read(&file(&format(PCM, 2, 22050, 16), claimed, &[1; 11])).unwrap();
            assert_eq!(wav.samples.len(), 4, "two whole stereo sets of the eleven bytes");
            assert_eq!(wav.mono().len(), 2);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (left, right) = ([1i16, -2, 3], [30000i16]);
        let wav = read(&write_stereo(8000, &left, &right)).unwrap();
        let samples: Vec<i16> = wav.samples.iter().map(|s| (s * 32768.0) as i16).collect();
        assert_eq!(samples, [1, 30000, -2, 0, 3, 0]);
        assert_eq!(read(&write_mono(8000, &left)).unwrap().samples.len(), 3);

        let mut growing = header(8000, 2, None).to_vec();
        append_stereo(&mut growing, &left, &[]);
        append_stereo(&mut growing, &[], &right);
        assert_eq!(read(&growing).unwrap().samples.len(), 8);
    }

    #[test]
    fn each_fault_is_named() {
        let data = [0; 4];
        assert_eq!(read(b"ID3"), Err(WavError::NotWav));
        assert_eq!(read(b"RIFF\0\0\0\0WAVE"), Err(WavError::NoFormat));
        assert_eq!(
            read(&file(&format(PCM, 1, 8000, 16)[..10], 4, &data)),
            Err(WavError::NoFormat)
        );
        assert_eq!(
            read(&file(&format(2, 1, 8000, 4), 4, &data)),
            Err(WavError::Coding { tag: 2, bits: 4 })
        );
        assert_eq!(
            read(&file(&format(PCM, 0, 8000, 16), 4, &data)),
            Err(WavError::Shape {
                channels: 0,
                rate: 8000
            })
        );
        let whole = write_mono(8000, &[]);
        assert_eq!(read(&whole[..36]), Err(WavError::NoData));
        assert!(read(&whole).unwrap().samples.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_can_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), framed: bool) {
            if framed && bytes.len() >= 44 {
                let front = header(8000, 1, None);
                bytes[..20].copy_from_slice(&front[..20]);
            }
            if let Ok(wav) = read(&bytes) {
                prop_assert!(wav.samples.iter().all(|sample| (-1.0..=1.0).contains(sample)));
                prop_assert_eq!(wav.samples.len() % usize::from(wav.channels), 0);
            }
        }

        #[test]
        fn sixteen_bits_come_back_as_they_were(samples in proptest::collection::vec(any::<i16>(), 0..300)) {
            let wav = read(&write_mono(16000, &samples)).unwrap();
            let back: Vec<i16> = wav.mono().iter().map(|sample| (sample * 32768.0) as i16).collect();
            prop_assert_eq!(back, samples);
        }
    }
}
