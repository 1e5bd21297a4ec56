//! The network's weights as they are shipped, and as they are laid out for speed: read once, shared by all calls.

use super::UNITS;
use super::activation::sigmoid;
use super::layer::Layer;
use super::spectrum::{BINS, Spectrum};
use std::sync::LazyLock;

/// The file: `SILERO8K`, the count of numbers and their FNV-1a sum (both 32 bits), then the numbers; all little-endian.
/// Their order is that of `Network::read`, each tensor row-major as (outputs, inputs, taps).
static FILE: &[u8] = include_bytes!("weights.bin");
const HEADER: usize = 16;
const NUMBERS: usize = 219_009;

const _: () = assert!(
    FILE.len() == HEADER + 4 * NUMBERS,
    "the weights are not those this code was written for"
);

static NETWORK: LazyLock<Network> = LazyLock::new(Network::read);

/// Everything the network has learned: 0.8 MB.
pub struct Network {
    pub spectrum: Spectrum,
    /// Three taps each, one piece after the other: of 65 frequencies, of 128, and of 64 numbers.
    pub first: Layer<{ 3 * BINS }>,
    pub second: Layer<{ 3 * 128 }>,
    /// Of the three taps only the last two ever meet anything: there are two frames, and one output.
    pub third: Layer<{ 2 * 64 }>,
    /// And here only the middle one.
    pub fourth: Layer<64>,
    /// Inputs: the features, then the cell's last output. Outputs: let in, keep, new, show.
    pub cell: Layer<{ 2 * UNITS }>,
    last: [f32; UNITS],
    last_bias: f32,
}

/// The weights, read at the first use.
pub fn network() -> &'static Network {
    &NETWORK
}

impl Network {
    /// The probability of speech, from the cell's output.
    pub fn probability(&self, output: &[f32; UNITS]) -> f32 {
        let mut sums = [0.0; 8];
        for (output, last) in output.as_chunks::<8>().0.iter().zip(self.last.as_chunks::<8>().0) {
            for lane in 0..8 {
                sums[lane] += output[lane].max(0.0) * last[lane];
            }
        }
        sigmoid(sums.iter().sum::<f32>() + self.last_bias)
    }

    fn read() -> Self {
        let numbers: Vec<f32> = FILE[HEADER..]
            .as_chunks()
            .0
            .iter()
            .map(|&number| f32::from_le_bytes(number))
            .collect();
        let mut rest = numbers.as_slice();
        let mut take = |count: usize| {
            let (taken, after) = rest.split_at(count);
            rest = after;
            taken
        };
        let (first, first_bias) = (take(128 * BINS * 3), take(128));
        let (second, second_bias) = (take(64 * 128 * 3), take(64));
        let (third, third_bias) = (take(64 * 64 * 3), take(64));
        let (fourth, fourth_bias) = (take(128 * 64 * 3), take(128));
        let (of_features, of_output) = (take(4 * UNITS * UNITS), take(4 * UNITS * UNITS));
        let (features_bias, output_bias) = (take(4 * UNITS), take(4 * UNITS));
        let (last, last_bias) = (take(UNITS), take(1));
        Self {
            spectrum: Spectrum::new(),
            first: convolution(first, first_bias, BINS, 0),
            second: convolution(second, second_bias, 128, 0),
            third: convolution(third, third_bias, 64, 1),
            fourth: convolution(fourth, fourth_bias, 64, 1),
            cell: Layer::new(
                4 * UNITS,
                |output| features_bias[output] + output_bias[output],
                |output, input| match input.checked_sub(UNITS) {
                    None => of_features[output * UNITS + input],
                    Some(input) => of_output[output * UNITS + input],
                },
            ),
            last: std::array::from_fn(|unit| last[unit]),
            last_bias: last_bias[0],
        }
    }
}

/// A convolution of three taps over `width` numbers each, from its `skipped`th tap on.
fn convolution<const IN: usize>(weights: &[f32], bias: &[f32], width: usize, skipped: usize) -> Layer<IN> {
    Layer::new(
        bias.len(),
        |output| bias[output],
        |output, input| weights[(output * width + input % width) * 3 + input / width + skipped],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        assert_eq!(&FILE[..8], b"SILERO8K");
        let words = FILE[8..].as_chunks::<4>().0;
        let word = |at: usize| u32::from_le_bytes(words[at]);
        assert_eq!(word(0), NUMBERS as u32);
        let sum = words[2..].iter().fold(0x811C_9DC5_u32, |sum, &word| {
            (sum ^ u32::from_le_bytes(word)).wrapping_mul(0x0100_0193)
        });
        assert_eq!(word(1), sum);
    }
}
