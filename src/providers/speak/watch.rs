//! The clock of whoever waits for sound: first, next and whole.

use crate::providers::Patience;
use std::time::Duration;
use tokio::time::Instant;

/// How long the head has been waited for; time in which nothing was read does not count.
pub(super) struct Watch {
    began: Instant,
    last: Instant,
    /// Some sound of the head came.
    pub(super) anything: bool,
    stopped: Option<Instant>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            last: now,
            anything: false,
            stopped: None,
        }
    }

    /// Another part is waited for from now on.
    pub(super) fn next(&mut self) {
        *self = Self {
            stopped: self.stopped.map(|_| Instant::now()),
            ..Self::new()
        };
    }

    pub(super) fn heard(&mut self) {
        self.anything = true;
        self.last = Instant::now();
    }

    pub(super) fn reading(&mut self, reading: bool) {
        match (reading, self.stopped) {
            (false, None) => self.stopped = Some(Instant::now()),
            (true, Some(since)) => {
                let pause = since.elapsed();
                self.began += pause;
                self.last += pause;
                self.stopped = None;
            }
            _ => {}
        }
    }

    /// When the wait is over, and the limit that ends it.
    pub(super) fn due(&self, patience: &Patience) -> Option<(Instant, Duration)> {
        let step = match self.anything {
            true => (self.last + patience.gap, patience.gap),
            false => (self.began + patience.first, patience.first),
        };
        let whole = (self.began + patience.whole, patience.whole);
        Some(if whole.0 < step.0 { whole } else { step })
    }
}
