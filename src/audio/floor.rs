//! The noise of the line itself: the quietest of the last seconds.

/// Levels in one block of the memory, and blocks in it.
const BLOCK: u32 = 10;
const BLOCKS: usize = 15;

/// Follows the level of a line's own noise over the last 150 levels: three seconds, at 20 ms each.
#[derive(Debug, Clone)]
pub struct Floor {
    /// The quietest level of each of the last blocks; the floor is the quietest of them.
    quietest: [f32; BLOCKS],
    block: usize,
    in_block: u32,
    quietest_now: f32,
}

impl Floor {
    /// A floor that takes the line for this loud (dBFS) until it is known.
    pub const fn new(first_dbfs: f32) -> Self {
        Self {
            quietest: [first_dbfs; BLOCKS],
            block: 0,
            in_block: 0,
            quietest_now: 0.0,
        }
    }

    /// One more level, in dBFS.
    pub fn learn(&mut self, level: f32) {
        self.quietest_now = self.quietest_now.min(level);
        self.in_block += 1;
        if self.in_block == BLOCK {
            self.quietest[self.block] = self.quietest_now;
            self.block = (self.block + 1) % BLOCKS;
            self.in_block = 0;
            self.quietest_now = 0.0;
        }
    }

    /// The floor, in dBFS.
    pub fn dbfs(&self) -> f32 {
        self.quietest.iter().copied().fold(f32::INFINITY, f32::min)
    }
}
