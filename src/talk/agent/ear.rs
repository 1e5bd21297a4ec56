//! How the agent tells that the caller is speaking.

use crate::audio::gate::Activity;
use crate::audio::vad::{Vad, VadConfig};

/// Voice activity of one call.
#[derive(Debug)]
pub(super) struct Ear(Vad);

impl Ear {
    pub(super) fn new(config: VadConfig) -> Self {
        Self(Vad::new(config))
    }

    /// Hears one frame of mu-law.
    pub(super) fn push(&mut self, frame: &[u8]) -> Activity {
        self.0.push(frame)
    }
}
