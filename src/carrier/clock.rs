//! The call's clock: carrier time since the call was placed, at the pace the call is played.

use std::time::{Duration, Instant};

/// Reads carrier time. Copies show the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    pace: f64,
}

impl Clock {
    /// A clock that starts now. At a `pace` of 2 carrier time runs twice as fast as real time.
    #[must_use]
    pub fn start(pace: f64) -> Self {
        let pace = if pace.is_finite() && pace > 0.0 { pace } else { 1.0 };
        Self {
            started: Instant::now(),
            pace,
        }
    }

    /// Carrier time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.started.elapsed().mul_f64(self.pace)
    }

    /// How long `time` of carrier time takes in real time.
    #[must_use]
    pub fn real(&self, time: Duration) -> Duration {
        time.div_f64(self.pace)
    }
}
