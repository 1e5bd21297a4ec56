//! The two curves of the recurrent cell, for many numbers at once: written so that they are computed several at a time.

/// `1 / (1 + e^-x)` of each.
pub fn sigmoid_all<const N: usize>(values: &mut [f32; N]) {
    for value in values {
        *value = sigmoid(*value);
    }
}

/// The hyperbolic tangent of each; off by at most 2e-7.
pub fn tanh_all<const N: usize>(values: &mut [f32; N]) {
    for value in values {
        *value = 2.0 * sigmoid(2.0 * *value) - 1.0;
    }
}

/// `1 / (1 + e^-x)`; off by at most 1e-7.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Added and taken away again, this rounds a small number to the nearest whole one: 1.5 * 2^23.
const ROUND: f32 = 12_582_912.0;

/// `e^x` by halving the distance to a power of two (the fraction's series needs six terms); held within e^-87 to e^87,
/// so that it is always finite. The standard library's is as exact, but goes one by one.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts: the first has few digits, so that its product with a whole number is exact.
    let rest = (x - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    let series = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5
                        + rest
                            * (1.666_666_6e-1 + rest * (4.166_579_6e-2 + rest * (8.333_452e-3 + rest * 1.398_2e-3)))));
    // The low bits of `shifted` are the whole number; 127 is the exponent of one.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    series * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_curves_are_the_true_ones() {
        for step in -40_000..=40_000 {
            let x = step as f32 / 1000.0;
            let exact = f64::from(x);
            let sigmoid = 1.0 / (1.0 + (-exact).exp());
            let mut both = [x];
            sigmoid_all(&mut both);
            assert!((f64::from(both[0]) - sigmoid).abs() < 2e-7, "{x}: {}", both[0]);
            both = [x];
            tanh_all(&mut both);
            assert!((f64::from(both[0]) - exact.tanh()).abs() < 4e-7, "{x}: {}", both[0]);
        }
    }

    #[test]
    fn no_number_is_too_large() {
        let mut ends = [f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY, 0.0];
        sigmoid_all(&mut ends);
        assert!(ends[0] > 0.999 && ends[1] < 0.001 && ends[2] > 0.999 && ends[3] < 0.001 && ends[4] == 0.5);
    }
}
