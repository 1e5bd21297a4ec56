//! A stream of 16-bit sound at any usual rate, in pieces as the network brings them, into mu-law for the line.

use super::mulaw;
use super::sound::SoundError;
use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
    calculate_cutoff,
};
use std::fmt;

/// Brings mono PCM of 16 bits (little-endian) to mu-law at 8 kHz, with what a line cannot carry filtered away.
///
/// The pieces may be cut anywhere, within a sample too: the same sound gives the same bytes. What comes out lies
/// at most 11 ms behind what went in until `finish`; it begins where the sound began and is as long.
pub struct Resampler {
    rate: u32,
    /// Nothing at 8 kHz: there is nothing to do.
    filter: Option<Box<Filter>>,
    /// The first half of a sample that was cut in two.
    half: Option<u8>,
}

impl Resampler {
    /// For sound at this rate: 8, 11.025, 12, 16, 22.05, 24, 32, 44.1, 48 or 96 kHz, or another one that has a simple
    /// ratio to 8 kHz. Errors: `SoundError::Rate` for any other.
    pub fn new(rate: u32) -> Result<Self, SoundError> {
        Ok(Self {
            rate,
            filter: match rate {
                mulaw::RATE => None,
                _ => Some(Box::new(Filter::new(rate)?)),
            },
            half: None,
        })
    }

    /// The next piece of the sound; what is ready is added to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut bytes = bytes;
        if let (Some(low), Some((&high, rest))) = (self.half, bytes.split_first()) {
            self.half = None;
            self.sample([low, high], out);
            bytes = rest;
        }
        let (samples, half) = bytes.as_chunks::<2>();
        out.reserve(samples.len() * mulaw::RATE as usize / self.rate as usize + 1);
        for &sample in samples {
            self.sample(sample, out);
        }
        self.half = half.first().copied().or(self.half);
    }

    /// The sound is over: the rest of it is added to `out`, and another sound may follow. Half a sample is dropped.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(filter) = &mut self.filter {
            filter.finish(out);
        }
        self.reset();
    }

    /// The sound was given up: nothing of it will be heard in what follows.
    pub fn reset(&mut self) {
        self.half = None;
        if let Some(filter) = &mut self.filter {
            filter.reset();
        }
    }

    /// Samples per second of what goes in.
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    fn sample(&mut self, bytes: [u8; 2], out: &mut Vec<u8>) {
        let sample = i16::from_le_bytes(bytes);
        match &mut self.filter {
            None => out.push(mulaw::encode(sample)),
            Some(filter) => filter.push(sample, out),
        }
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler")
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// Length of the filter, in samples of the line: 6 ms to either side.
const LENGTH: usize = 96;
const WINDOW: WindowFunction = WindowFunction::Blackman;
/// Samples are filtered in blocks of 5 ms.
const BLOCKS_PER_SECOND: u32 = 200;
/// The filter is kept once for each place a sample of the line may have between two that came in.
const MOST_PLACES: u32 = 320;
const HIGHEST_RATE: u32 = 192_000;

struct Filter {
    rate: u32,
    sinc: Async<f32>,
    /// What came in and was not filtered yet; less than `input.capacity()`, which never grows.
    input: Vec<f32>,
    block: usize,
    output: Vec<f32>,
    /// Samples that come out before the sound does.
    lead: usize,
    came: u64,
    went: u64,
}

impl Filter {
    fn new(rate: u32) -> Result<Self, SoundError> {
        let places = mulaw::RATE / common_divisor(rate, mulaw::RATE);
        if !(mulaw::RATE..=HIGHEST_RATE).contains(&rate) || places > MOST_PLACES {
            return Err(SoundError::Rate(rate));
        }
        let ratio = f64::from(mulaw::RATE) / f64::from(rate);
        // Every sample of the line falls on one of the places: the nearest one is the right one, not an approximation.
        let parameters = SincInterpolationParameters::new((LENGTH as f64 / ratio).round() as usize, WINDOW)
            .f_cutoff(calculate_cutoff(LENGTH, WINDOW))
            .oversampling_factor(places as usize)
            .interpolation(SincInterpolationType::Nearest);
        let block = (rate / BLOCKS_PER_SECOND) as usize;
        let sinc = Async::new_sinc(ratio, 1.0, &parameters, block, 1, FixedAsync::Input)
            .expect("the ratio is positive, the block is not empty and there is a channel");
        Ok(Self {
            rate,
            input: Vec::with_capacity(block),
            block,
            output: vec![0.0; sinc.output_frames_max()],
            lead: sinc.output_delay(),
            sinc,
            came: 0,
            went: 0,
        })
    }

    fn push(&mut self, sample: i16, out: &mut Vec<u8>) {
        self.came += 1;
        self.input.push(f32::from(sample) / 32768.0);
        if self.input.len() == self.block {
            self.run(u64::MAX, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let due = (self.came * u64::from(mulaw::RATE)).div_ceil(u64::from(self.rate));
        while self.went < due {
            self.input.resize(self.block, 0.0);
            self.run(due, out);
        }
    }

    fn reset(&mut self) {
        self.sinc.reset();
        self.input.clear();
        self.lead = self.sinc.output_delay();
        self.came = 0;
        self.went = 0;
    }

    /// Filters one block; of what comes out, no more than up to the `due`th sample is kept.
    fn run(&mut self, due: u64, out: &mut Vec<u8>) {
        let frames = self.output.len();
        let input = InterleavedSlice::new(&self.input, 1, self.block).expect("the block is full");
        let mut output = InterleavedSlice::new_mut(&mut self.output, 1, frames).expect("one channel holds them all");
        let (_, made) = self
            .sinc
            .process_into_buffer(&input, &mut output, None)
            .expect("a full block comes in, and the most that may come out has room");
        self.input.clear();
        let dropped = self.lead.min(made);
        self.lead -= dropped;
        let kept = (made - dropped).min(usize::try_from(due - self.went).unwrap_or(usize::MAX));
        self.went += kept as u64;
        let codes = self.output[dropped..dropped + kept].iter();
        out.extend(codes.map(|&sample| mulaw::encode((sample * 32768.0).round() as i16)));
    }
}

const fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::level::rms_dbfs;
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    const RATES: [u32; 10] = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000];

    fn tone(rate: u32, hertz: f64, millis: u32) -> Vec<u8> {
        (0..rate * millis / 1000)
            .flat_map(|n| ((16384.0 * (TAU * hertz * f64::from(n) / f64::from(rate)).sin()) as i16).to_le_bytes())
            .collect()
    }

    fn whole(resampler: &mut Resampler, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        resampler.push(bytes, &mut out);
        resampler.finish(&mut out);
        out
    }

    /// Strength of one frequency, 1.0 being a sine of half scale, and how many samples late it is.
    fn strength(codes: &[u8], hertz: f64) -> (f64, f64) {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &code) in codes.iter().enumerate() {
            let angle = TAU * hertz * n as f64 / 8000.0;
            re += f64::from(mulaw::decode(code)) * angle.sin();
            im -= f64::from(mulaw::decode(code)) * angle.cos();
        }
        let late = im.atan2(re) / TAU * 8000.0 / hertz;
        (re.hypot(im) * 4.0 / 32768.0 / codes.len() as f64, late)
    }

    #[test]
    fn a_tone_stays_a_tone_of_its_level_place_and_length() {
        for rate in RATES {
            for hertz in [300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
                let line = whole(&mut Resampler::new(rate).unwrap(), &tone(rate, hertz, 500));
                assert_eq!(line.len(), 4000, "{rate}");
                let (strength, late) = strength(&line, hertz);
                assert!((0.97..1.03).contains(&strength), "{rate} {hertz}: {strength}");
                // Of a high tone the phase says less than one sample.
                let moved = hertz <= 1000.0 && !(-1.6..0.1).contains(&late);
                assert!(!moved, "{rate} {hertz}: {late} samples late");
                // What is not the tone: the coding's own noise, nothing else.
                let tone = |n: usize| 16384.0 * strength * (TAU * hertz * (n as f64 - late) / 8000.0).sin();
                let rest: Vec<i16> = (100..3900).map(|n| mulaw::decode(line[n]) - tone(n) as i16).collect();
                assert!(rms_dbfs(&rest) < -42.0, "{rate} {hertz}: {}", rms_dbfs(&rest));
            }
        }
    }

    #[test]
    fn what_the_line_cannot_carry_is_not_folded_back() {
        for rate in RATES {
            for hertz in [4300.0, 5000.0, 7000.0]
                .into_iter()
                .filter(|hertz| hertz * 2.0 < f64::from(rate))
            {
                let line = whole(&mut Resampler::new(rate).unwrap(), &tone(rate, hertz, 500));
                let level = rms_dbfs(&mulaw::decode_all(&line[100..3900]));
                assert!(level < -60.0, "{rate}: {hertz} Hz comes back at {level} dBFS");
            }
        }
    }

    #[test]
    fn nothing_of_an_abandoned_sound_is_heard_in_the_next() {
        for rate in RATES {
            let mut used = Resampler::new(rate).unwrap();
            used.push(&tone(rate, 700.0, 333)[..rate as usize / 2 + 1], &mut Vec::new());
            used.reset();
            let next = tone(rate, 440.0, 100);
            let expected = whole(&mut Resampler::new(rate).unwrap(), &next);
            assert_eq!(whole(&mut used, &next), expected, "{rate} after a reset");
            assert_eq!(whole(&mut used, &next), expected, "{rate} after an end");
        }
    }

    #[test]
    fn the_smallest_sounds_come_through_whole() {
        for rate in RATES {
            let mut resampler = Resampler::new(rate).unwrap();
            assert_eq!(whole(&mut resampler, &[]), [] as [u8; 0]);
            assert_eq!(whole(&mut resampler, &[1]), [] as [u8; 0]);
            assert_eq!(whole(&mut resampler, &[0, 0]), [mulaw::SILENCE]);
        }
    }

    #[test]
    fn a_rate_that_nothing_speaks_is_refused() {
        for rate in [0, 1, 4000, 7919, 16001, 384_000, u32::MAX] {
            assert_eq!(Resampler::new(rate).unwrap_err(), SoundError::Rate(rate));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_same_sound_in_any_pieces_gives_the_same_bytes(
            rate in proptest::sample::select(RATES.to_vec()),
            sound in proptest::collection::vec(any::<u8>(), 0..3000),
            cuts in proptest::collection::vec(0..300_usize, 0..40),
        ) {
            let mut resampler = Resampler::new(rate).unwrap();
            let expected = whole(&mut resampler, &sound);
            prop_assert_eq!(expected.len(), (sound.len() / 2 * 8000).div_ceil(rate as usize));
            let (mut out, mut rest) = (Vec::new(), &sound[..]);
            for cut in cuts {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                resampler.push(piece, &mut out);
                rest = later;
            }
            resampler.push(rest, &mut out);
            resampler.finish(&mut out);
            prop_assert_eq!(out, expected);
        }
    }
}
