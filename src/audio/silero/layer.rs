//! One layer of the network: sums of weighted inputs, thirty-two at a time, over the inputs that are not zero.

/// Sums computed side by side: eight vectors of the narrowest machine, as many as fit its registers.
pub const LANES: usize = 32;

/// Weights for `IN` inputs, in blocks of `LANES` outputs.
pub struct Layer<const IN: usize> {
    blocks: Box<[Block<IN>]>,
}

struct Block<const IN: usize> {
    bias: [f32; LANES],
    weights: [[f32; LANES]; IN],
}

/// The inputs that are not zero, with their places.
pub struct Sparse<const IN: usize> {
    count: usize,
    inputs: [(u16, f32); IN],
}

impl<const IN: usize> Layer<IN> {
    /// A layer of `outputs` sums; the functions tell the bias of an output, and the weight of an input for it.
    pub fn new(outputs: usize, bias: impl Fn(usize) -> f32, weight: impl Fn(usize, usize) -> f32) -> Self {
        let block = |first: usize| Block {
            bias: std::array::from_fn(|lane| bias(first + lane)),
            weights: std::array::from_fn(|input| std::array::from_fn(|lane| weight(first + lane, input))),
        };
        Self {
            blocks: (0..outputs).step_by(LANES).map(block).collect(),
        }
    }

    /// The sums for each frame, nothing below zero.
    pub fn run<const OUT: usize, const FRAMES: usize>(
        &self,
        frames: &[Sparse<IN>; FRAMES],
        sums: &mut [[f32; OUT]; FRAMES],
    ) {
        self.run_linear(frames, sums);
        for sum in sums.as_flattened_mut() {
            *sum = sum.max(0.0);
        }
    }

    /// The sums for each frame.
    pub fn run_linear<const OUT: usize, const FRAMES: usize>(
        &self,
        frames: &[Sparse<IN>; FRAMES],
        sums: &mut [[f32; OUT]; FRAMES],
    ) {
        // Block by block, so that its weights are still near when the next frame needs them.
        for (index, block) in self.blocks.iter().enumerate() {
            for (frame, sums) in frames.iter().zip(sums.iter_mut()) {
                if let Some(sums) = sums.as_chunks_mut::<LANES>().0.get_mut(index) {
                    *sums = block.sums(frame.inputs());
                }
            }
        }
    }
}

impl<const IN: usize> Block<IN> {
    fn sums(&self, inputs: &[(u16, f32)]) -> [f32; LANES] {
        let mut sums = self.bias;
        for &(at, input) in inputs {
            add_scaled(&mut sums, &self.weights[usize::from(at)], input);
        }
        sums
    }
}

#[inline(always)]
fn add_scaled(sums: &mut [f32; LANES], weights: &[f32; LANES], input: f32) {
    // Not a `for`: without optimisation its iterator costs four times what the sum does.
    let mut lane = 0;
    while lane < LANES {
        sums[lane] += weights[lane] * input;
        lane += 1;
    }
}

impl<const IN: usize> Sparse<IN> {
    /// No input yet: all are zero.
    pub fn new() -> Self {
        Self {
            count: 0,
            inputs: [(0, 0.0); IN],
        }
    }

    /// One frame after the other, as the taps of a convolution see them; `None` is the padding before the first frame.
    pub fn of_frames<const WIDTH: usize, const TAPS: usize>(
        frames: &[[f32; WIDTH]],
        taps: [Option<usize>; TAPS],
    ) -> Self {
        let mut sparse = Self::new();
        for (tap, frame) in taps.into_iter().enumerate() {
            if let Some(frame) = frame.and_then(|frame| frames.get(frame)) {
                sparse.extend(tap * WIDTH, frame);
            }
        }
        sparse
    }

    /// Adds the inputs from this place on. Places must be below `IN`, and each may come once.
    pub fn extend(&mut self, first: usize, values: &[f32]) {
        for (offset, &value) in values.iter().enumerate() {
            // Written in any case and counted only where it is not zero: no branch to guess.
            if let Some(slot) = self.inputs.get_mut(self.count) {
                *slot = ((first + offset) as u16, value);
                self.count += usize::from(value != 0.0);
            }
        }
    }

    fn inputs(&self) -> &[(u16, f32)] {
        &self.inputs[..self.count]
    }
}
