//! Silero's voice activity network, its branch for 8 kHz, in plain arithmetic: how likely is it that these 32 ms hold
//! speech? The weights are the original's (`LICENSE.txt`, `scripts/vad-weights.py`) and shared by all calls.
//!
//! A window runs through a short Fourier transform (`spectrum`), four convolutions (`layer`), a recurrent cell
//! and one sum. No allocation. Half of what goes into each layer is zero, and zeros are not multiplied.

mod activation;
mod layer;
mod spectrum;
mod weights;

use super::mulaw;
use activation::{sigmoid_all, tanh_all};
use layer::Sparse;
use weights::network;

/// New samples in a window: 32 ms.
pub const STEP: usize = 256;
/// Samples of the window before that are heard again.
pub const CONTEXT: usize = 32;
/// What the network hears at once.
pub const WINDOW: usize = CONTEXT + STEP;
/// Milliseconds in one step.
pub const STEP_MS: u32 = (STEP as u32 * 1000) / mulaw::RATE;

/// Numbers the recurrent cell keeps, twice.
const UNITS: usize = 128;

/// What the network remembers of one call: 1 KiB.
#[derive(Debug, Clone)]
pub struct Silero {
    output: [f32; UNITS],
    cell: [f32; UNITS],
}

impl Silero {
    /// A network that has heard nothing yet.
    pub const fn new() -> Self {
        Self {
            output: [0.0; UNITS],
            cell: [0.0; UNITS],
        }
    }

    /// The probability, 0 to 1, that this window of mu-law holds speech. Its first `CONTEXT` samples are the last of
    /// the window before it, silence (`mulaw::SILENCE`) where there was none.
    pub fn hear(&mut self, window: &[u8; WINDOW]) -> f32 {
        let network = network();
        let mut frames = [[0.0; 128]; 4];
        network
            .first
            .run(&spectrum::neighbours(&network.spectrum, window), &mut frames);
        let mut halves = [[0.0; 64]; 2];
        let inputs =
            [[None, Some(0), Some(1)], [Some(1), Some(2), Some(3)]].map(|taps| Sparse::of_frames(&frames, taps));
        network.second.run(&inputs, &mut halves);
        // From here on one frame is left, and the taps that would only meet padding are never looked at.
        let mut whole = [[0.0; 64]];
        network
            .third
            .run(&[Sparse::of_frames(&halves, [Some(0), Some(1)])], &mut whole);
        let mut features = [[0.0; UNITS]];
        network
            .fourth
            .run(&[Sparse::of_frames(&whole, [Some(0)])], &mut features);
        self.remember(&features[0]);
        network.probability(&self.output)
    }

    /// One step of the recurrent cell (long short-term memory): which of the old is kept, what is new, what is shown.
    fn remember(&mut self, features: &[f32; UNITS]) {
        let mut sums = [[0.0; 4 * UNITS]];
        let inputs = Sparse::of_frames(&[*features, self.output], [Some(0), Some(1)]);
        network().cell.run_linear(&[inputs], &mut sums);
        let [let_in, keep, new, show] = sums[0].as_chunks_mut::<UNITS>().0 else {
            return; // Never: four times as many numbers make four parts.
        };
        sigmoid_all(let_in);
        sigmoid_all(keep);
        tanh_all(new);
        sigmoid_all(show);
        for unit in 0..UNITS {
            self.cell[unit] = keep[unit] * self.cell[unit] + let_in[unit] * new[unit];
        }
        self.output = self.cell;
        tanh_all(&mut self.output);
        for (output, &show) in self.output.iter_mut().zip(show.iter()) {
            *output *= show;
        }
    }
}

impl Default for Silero {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest_difference(codes: &[u8], expected: &[u8]) -> f32 {
        let mut silero = Silero::new();
        let mut window = [mulaw::SILENCE; WINDOW];
        let steps = codes.as_chunks::<STEP>().0;
        let expected = expected.as_chunks::<4>().0;
        assert_eq!(steps.len(), expected.len());
        let mut largest = 0.0_f32;
        for (step, &expected) in steps.iter().zip(expected) {
            window.copy_within(STEP.., 0);
            window[CONTEXT..].copy_from_slice(step);
            largest = largest.max((silero.hear(&window) - f32::from_le_bytes(expected)).abs());
        }
        largest
    }

    macro_rules! fixture {
        ($name:literal) => {
            (
                include_bytes!(concat!("../../../tests/fixtures/vad/", $name, ".ulaw")),
                include_bytes!(concat!("../../../tests/fixtures/vad/", $name, ".f32")),
            )
        };
    }

    #[test]
    fn every_window_is_judged_as_the_original_judges_it() {
        let (speech, noisy, bursts) = (fixture!("speech"), fixture!("noisy"), fixture!("bursts"));
        for (name, codes, expected) in [
            ("speech", &speech.0[..], &speech.1[..]),
            ("noisy", &noisy.0[..], &noisy.1[..]),
            ("bursts", &bursts.0[..], &bursts.1[..]),
        ] {
            let difference = largest_difference(codes, expected);
            println!("{name}: {difference:e}");
            assert!(difference <= 1e-5, "{name}: {difference}");
        }
    }

    #[test]
    fn any_sound_for_any_time_leaves_a_probability() {
        let mut silero = Silero::new();
        let mut state = 1_u32;
        for _ in 0..200 {
            let window = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Only the loudest codes of both signs.
                ((state >> 16) & 0x80) as u8
            });
            assert!((0.0..=1.0).contains(&silero.hear(&window)));
        }
    }
}
