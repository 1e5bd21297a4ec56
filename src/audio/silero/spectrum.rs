//! The network's ear: how strong is each of 65 frequencies, from 0 to 4 kHz, in four overlapping pieces of a window.
//! A Fourier transform of 128 points under a Hann window; the four pieces are transformed side by side.

use super::super::mulaw;
use super::WINDOW;
use super::layer::Sparse;
use std::f64::consts::TAU;

/// Samples in one piece, and from one piece to the next.
const PIECE: usize = 128;
const HOP: usize = 64;
/// Pieces of one window.
const PIECES: usize = 4;
/// Frequencies told apart.
pub const BINS: usize = PIECE / 2 + 1;
/// The even samples are taken as real and the odd as imaginary: half a transform is enough for real sound.
const HALF: usize = PIECE / 2;
/// Samples mirrored at a window's end, so that the last piece is full.
const MIRRORED: usize = 32;

/// One number of each piece.
type Side = [f32; PIECES];

/// What the transform needs to know beforehand.
pub struct Spectrum {
    /// The Hann window.
    hann: [f32; PIECE],
    /// `e^(-2 pi i k / 128)`: cosine and negative sine.
    turns: [(f32, f32); HALF + 1],
    /// Where each number of the half transform comes from: its place with the bits reversed.
    reversed: [u8; HALF],
}

impl Spectrum {
    pub fn new() -> Self {
        let angle = |k: usize| TAU * k as f64 / PIECE as f64;
        Self {
            hann: std::array::from_fn(|n| (0.5 - 0.5 * angle(n).cos()) as f32),
            turns: std::array::from_fn(|k| (angle(k).cos() as f32, -angle(k).sin() as f32)),
            reversed: std::array::from_fn(|n| (n as u8).reverse_bits() >> (8 - HALF.trailing_zeros())),
        }
    }

    /// The strength of each frequency in each piece of a window.
    pub fn magnitudes(&self, window: &[u8; WINDOW]) -> [[f32; BINS]; PIECES] {
        let (real, imaginary) = self.half_transform(&samples(window));
        let mut magnitudes = [[0.0; BINS]; PIECES];
        for bin in 0..BINS {
            let (a, b) = (bin % HALF, (HALF - bin) % HALF);
            let (cos, sin) = self.turns[bin];
            for piece in 0..PIECES {
                // The transforms of the even and of the odd samples, told apart by their symmetry.
                let even = (
                    real[a][piece] + real[b][piece],
                    imaginary[a][piece] - imaginary[b][piece],
                );
                let odd = (
                    imaginary[a][piece] + imaginary[b][piece],
                    real[b][piece] - real[a][piece],
                );
                let re = even.0 + odd.0 * cos - odd.1 * sin;
                let im = even.1 + odd.0 * sin + odd.1 * cos;
                magnitudes[piece][bin] = 0.5 * (re * re + im * im).sqrt();
            }
        }
        magnitudes
    }

    /// The complex transform of 64 points: even samples real, odd samples imaginary.
    fn half_transform(&self, samples: &[f32; WINDOW + MIRRORED]) -> ([Side; HALF], [Side; HALF]) {
        let mut real = [[0.0; PIECES]; HALF];
        let mut imaginary = [[0.0; PIECES]; HALF];
        for (to, &from) in self.reversed.iter().enumerate() {
            let from = 2 * usize::from(from);
            for piece in 0..PIECES {
                real[to][piece] = samples[piece * HOP + from] * self.hann[from];
                imaginary[to][piece] = samples[piece * HOP + from + 1] * self.hann[from + 1];
            }
        }
        let mut reach = 1;
        while reach < HALF {
            for start in (0..HALF).step_by(2 * reach) {
                for offset in 0..reach {
                    let (cos, sin) = self.turns[offset * (HALF / reach)];
                    let (low, high) = (start + offset, start + offset + reach);
                    for piece in 0..PIECES {
                        let re = real[high][piece] * cos - imaginary[high][piece] * sin;
                        let im = real[high][piece] * sin + imaginary[high][piece] * cos;
                        real[high][piece] = real[low][piece] - re;
                        imaginary[high][piece] = imaginary[low][piece] - im;
                        real[low][piece] += re;
                        imaginary[low][piece] += im;
                    }
                }
            }
            reach *= 2;
        }
        (real, imaginary)
    }
}

/// What the first layer hears at each piece: the piece before it, itself and the one after.
pub fn neighbours(spectrum: &Spectrum, window: &[u8; WINDOW]) -> [Sparse<{ 3 * BINS }>; PIECES] {
    let pieces = spectrum.magnitudes(window);
    std::array::from_fn(|at| Sparse::of_frames(&pieces, [at.checked_sub(1), Some(at), Some(at + 1)]))
}

/// Samples between -1 and 1, the last of them mirrored around the end (which itself is not repeated).
fn samples(window: &[u8; WINDOW]) -> [f32; WINDOW + MIRRORED] {
    std::array::from_fn(|at| {
        let at = if at < WINDOW { at } else { 2 * WINDOW - 2 - at };
        f32::from(mulaw::decode(window[at])) / 32768.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform by its definition.
    fn slowly(piece: &[f32], bin: usize) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in piece.iter().enumerate() {
            let weighted = f64::from(sample) * (0.5 - 0.5 * (TAU * n as f64 / 128.0).cos());
            let angle = TAU * (bin * n) as f64 / 128.0;
            re += weighted * angle.cos();
            im -= weighted * angle.sin();
        }
        re.hypot(im)
    }

    #[test]
    fn the_fast_transform_is_the_transform() {
        let mut state = 7_u32;
        let window: [u8; WINDOW] = std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let samples = samples(&window);
        assert_eq!(samples[WINDOW], samples[WINDOW - 2]);
        assert_eq!(samples[WINDOW + MIRRORED - 1], samples[WINDOW - 1 - MIRRORED]);
        let magnitudes = Spectrum::new().magnitudes(&window);
        for (piece, magnitudes) in magnitudes.iter().enumerate() {
            for (bin, &magnitude) in magnitudes.iter().enumerate() {
                let expected = slowly(&samples[piece * HOP..piece * HOP + PIECE], bin);
                assert!(
                    (f64::from(magnitude) - expected).abs() < 1e-5,
                    "{piece} {bin}: {magnitude} {expected}"
                );
            }
        }
    }
}
