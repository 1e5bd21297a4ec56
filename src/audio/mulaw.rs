//! G.711 mu-law, the only sound a telephone carrier speaks: 8000 samples a second, one byte each.

/// Samples (and bytes) per second on the line.
pub const RATE: u32 = 8000;
/// Bytes in one 20 ms frame.
pub const FRAME: usize = 160;
/// Milliseconds in one frame.
pub const FRAME_MS: u64 = 20;
/// The code of a sample of exactly zero.
pub const SILENCE: u8 = 0xFF;

/// The mu-law code of one 16-bit sample.
#[inline]
pub const fn encode(sample: i16) -> u8 {
    ENCODE[sample as u16 as usize]
}

/// The 16-bit sample of one mu-law code, between -32124 and 32124.
#[inline]
pub const fn decode(code: u8) -> i16 {
    DECODE[code as usize]
}

/// Encodes a whole piece of sound.
pub fn encode_all(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&sample| encode(sample)).collect()
}

/// Decodes a whole piece of sound.
pub fn decode_all(codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|&code| decode(code)).collect()
}

/// Decodes into a buffer the caller keeps; returns how many samples were written (the shorter of both lengths).
pub fn decode_into(codes: &[u8], samples: &mut [i16]) -> usize {
    for (sample, &code) in samples.iter_mut().zip(codes) {
        *sample = decode(code);
    }
    codes.len().min(samples.len())
}

/// How long `bytes` bytes of mu-law last, in milliseconds, rounded up so that a wait for them is never short.
pub const fn millis(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(RATE as u64 / 1000)
}

/// Added to every magnitude so that the eight segments begin at powers of two (G.711).
const BIAS: i32 = 0x84;
/// The largest magnitude that still fits the top segment after the bias.
const CLIP: i32 = 32635;

static ENCODE: [u8; 1 << 16] = encode_table();
static DECODE: [i16; 256] = decode_table();

const fn encode_table() -> [u8; 1 << 16] {
    let mut table = [0; 1 << 16];
    let mut index = 0;
    while index < table.len() {
        table[index] = compress(index as u16 as i16);
        index += 1;
    }
    table
}

const fn decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        table[index] = expand(index as u8);
        index += 1;
    }
    table
}

/// Sign, three bits of segment, four bits within it, all inverted on the wire.
const fn compress(sample: i16) -> u8 {
    let wide = sample as i32;
    let sign = if wide < 0 { 0x80 } else { 0 };
    let magnitude = if wide < 0 { -wide } else { wide };
    let biased = if magnitude > CLIP { CLIP } else { magnitude } + BIAS;
    // `biased` is between 132 and 32767: its highest bit is 7..=14 and names the segment.
    let segment = 24 - biased.leading_zeros() as i32;
    let within = (biased >> (segment + 3)) & 0x0F;
    !(sign | (segment << 4) | within) as u8
}

const fn expand(code: u8) -> i16 {
    let bits = !code as i32;
    let segment = (bits >> 4) & 0x07;
    let magnitude = ((((bits & 0x0F) << 3) + BIAS) << segment) - BIAS;
    (if bits & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        for code in 0..=u8::MAX {
            // 0x7F is the second zero, "minus nothing"; it comes back as the first.
            let expected = if code == 0x7F { SILENCE } else { code };
            assert_eq!(encode(decode(code)), expected, "code {code:#04x}");
        }
    }

    #[test]
    fn every_sample_lands_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let back = i32::from(decode(encode(sample)));
            let magnitude = i32::from(sample).abs().min(CLIP);
            let segment = 24 - (magnitude + BIAS).leading_zeros() as i32;
            let half_step = 4 << segment;
            let error = (back.abs() - magnitude).abs();
            assert!(error <= half_step, "{sample} came back as {back}");
            assert!(
                back == 0 || (back < 0) == (sample < 0),
                "{sample} changed its sign to {back}"
            );
        }
    }

    #[test]
    fn louder_is_never_encoded_as_quieter() {
        let mut last = i32::MIN;
        for sample in i16::MIN..=i16::MAX {
            let value = i32::from(decode(encode(sample)));
            assert!(value >= last, "{sample}");
            last = value;
        }
    }

    #[test]
    fn known_codes_of_the_recommendation() {
        assert_eq!(encode(0), SILENCE);
        assert_eq!(decode(SILENCE), 0);
        assert_eq!(decode(0x7F), 0);
        assert_eq!(decode(0x00), -32124);
        assert_eq!(decode(0x80), 32124);
        assert_eq!(encode(i16::MAX), 0x80);
        assert_eq!(encode(i16::MIN), 0x00);
        assert_eq!(decode(0xFE), 8);
    }

    #[test]
    fn slices_and_times() {
        let samples = [0, 1000, -1000, 32000];
        let codes = encode_all(&samples);
        let mut buffer = [1; 3];
        assert_eq!(decode_into(&codes, &mut buffer), 3);
        assert_eq!(decode_all(&codes)[..3], buffer);
        assert_eq!([millis(0), millis(1), millis(FRAME), millis(8000)], [0, 1, 20, 1000]);
    }
}
