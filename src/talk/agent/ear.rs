//! How the agent tells that the caller is speaking.

use crate::audio::gate::{Activity, Gate, GateConfig};

/// Voice activity of one call.
#[derive(Debug)]
pub(super) enum Ear {
    /// By loudness above the line's noise.
    Gate(Gate),
}

impl Ear {
    pub(super) fn new(config: GateConfig) -> Self {
        Self::Gate(Gate::new(config))
    }

    /// Hears one frame of mu-law.
    pub(super) fn push(&mut self, frame: &[u8]) -> Activity {
        match self {
            Self::Gate(gate) => gate.push(frame),
        }
    }
}
