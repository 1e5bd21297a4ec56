//! What a call's sound costs: `cargo bench --bench audio`. A caller brings 50 frames and 31 windows a second, so that
//! 20 µs a frame or 32 µs a window are a thousandth of a processor.

use divan::{Bencher, black_box};
use engine::audio::gate::Gate;
use engine::audio::mulaw::{self, FRAME};
use engine::audio::resample::Resampler;
use engine::audio::silero::{CONTEXT, STEP, Silero, WINDOW};
use engine::audio::vad::{Kind, Vad, VadConfig};

/// Human speech with pauses, 7 s.
static SPEECH: &[u8] = include_bytes!("../tests/fixtures/vad/speech.ulaw");

fn main() {
    divan::main();
}

/// The network on one window of 32 ms after another.
#[divan::bench]
fn silero_window(bencher: Bencher) {
    let (mut silero, mut window) = (Silero::new(), [mulaw::SILENCE; WINDOW]);
    let mut steps = SPEECH.as_chunks::<STEP>().0.iter().cycle();
    bencher.bench_local(|| {
        window.copy_within(STEP.., 0);
        window[CONTEXT..].copy_from_slice(steps.next().expect("there is speech"));
        silero.hear(black_box(&window))
    });
}

/// The network on one window each of many calls in turn: their states are not near when they are needed.
#[divan::bench]
fn silero_window_of_a_thousand_calls(bencher: Bencher) {
    let mut calls = vec![(Silero::new(), [mulaw::SILENCE; WINDOW]); 1000];
    let mut steps = SPEECH.as_chunks::<STEP>().0.iter().cycle();
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 1) % calls.len();
        let (silero, window) = &mut calls[next];
        window.copy_within(STEP.., 0);
        window[CONTEXT..].copy_from_slice(steps.next().expect("there is speech"));
        silero.hear(black_box(window))
    });
}

/// All that voice activity costs per frame of 20 ms: a caller who speaks with pauses, and one who is silent.
#[divan::bench(args = ["gate, speech", "network, speech", "network, silence"])]
fn frame(bencher: Bencher, who: &str) {
    let mut vad = match who {
        "gate, speech" => Vad::Energy(Gate::default()),
        _ => Vad::new(VadConfig {
            kind: Kind::Silero,
            ..VadConfig::default()
        }),
    };
    let silence = [mulaw::SILENCE; 50 * FRAME];
    let sound = if who.ends_with("silence") { &silence[..] } else { SPEECH };
    let mut frames = sound.as_chunks::<FRAME>().0.iter().cycle();
    // A sample is a whole second, or it would be a lottery which frames complete a window.
    bencher
        .counter(divan::counter::ItemsCount::new(50_u32))
        .bench_local(|| {
            for _ in 0..50 {
                black_box(vad.push(frames.next().expect("there is sound")));
            }
        });
}

/// Twenty milliseconds of a voice on their way to the line.
#[divan::bench(args = [8000, 16_000, 22_050, 24_000, 44_100, 48_000])]
fn resample(bencher: Bencher, rate: u32) {
    let mut resampler = Resampler::new(rate).expect("a usual rate");
    let piece: Vec<u8> = (0..rate / 50 * 2).map(|n| (n * 37) as u8).collect();
    let mut out = Vec::new();
    bencher.bench_local(|| {
        out.clear();
        resampler.push(black_box(&piece), &mut out);
        out.len()
    });
}

/// A resampler from nothing, as each new voice needs one.
#[divan::bench(args = [22_050, 24_000, 48_000])]
fn resampler_new(rate: u32) -> Resampler {
    Resampler::new(black_box(rate)).expect("a usual rate")
}
