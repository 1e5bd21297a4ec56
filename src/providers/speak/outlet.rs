//! What is ready to be given out: bounded, in order, and emptied at once of what nobody wants any more.

use super::Spoken;
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// This many bytes wait for whoever takes them; then no more is read from the service. Eight seconds of sound.
const ROOM: usize = 64 * 1024;

pub(super) struct Outlet {
    spoken: mpsc::Sender<Spoken>,
    ready: VecDeque<Spoken>,
    bytes: usize,
    cancelled: Option<u32>,
}

impl Outlet {
    pub(super) fn new(spoken: mpsc::Sender<Spoken>) -> Self {
        Self {
            spoken,
            ready: VecDeque::new(),
            bytes: 0,
            cancelled: None,
        }
    }

    /// Puts something behind what waits already, unless it is not wanted.
    pub(super) fn push(&mut self, spoken: Spoken) {
        if self.wants(spoken.generation()) {
            self.bytes += spoken.bytes();
            self.ready.push_back(spoken);
        }
    }

    /// Forgets this answer and those before it, from now on.
    pub(super) fn cancel(&mut self, generation: u32) {
        self.cancelled = self.cancelled.max(Some(generation));
        self.ready.retain(|spoken| spoken.generation() > generation);
        self.bytes = self.ready.iter().map(Spoken::bytes).sum();
    }

    /// Whether anything of this answer is still wanted.
    pub(super) fn wants(&self, generation: u32) -> bool {
        self.cancelled.is_none_or(|cancelled| generation > cancelled)
    }

    /// Whether more should be fetched.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < ROOM
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Gives out the first of what waits. `false`: nobody takes it any more. Ends at once where nothing waits, so ask
    /// [`Outlet::is_empty`] before. Safe to cancel.
    pub(super) async fn give(&mut self) -> bool {
        let Ok(permit) = self.spoken.reserve().await else {
            return false;
        };
        if let Some(first) = self.ready.pop_front() {
            self.bytes -= first.bytes();
            permit.send(first);
        }
        true
    }
}

impl Spoken {
    pub(super) fn generation(&self) -> u32 {
        match *self {
            Self::Sound { generation, .. } | Self::Done { generation, .. } | Self::Failed { generation, .. } => {
                generation
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Sound { ulaw, .. } => ulaw.len(),
            Self::Done { .. } | Self::Failed { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn sound(generation: u32) -> Spoken {
        Spoken::Sound {
            generation,
            piece: 0,
            ulaw: Bytes::from(vec![0; ROOM / 2]),
        }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_ordered_and_cancelled() {
        let (sender, mut taken) = mpsc::channel(8);
        let mut outlet = Outlet::new(sender);
        assert!(outlet.is_empty() && outlet.has_room());
        for generation in [1, 2, 3] {
            outlet.push(sound(generation));
        }
        assert!(!outlet.has_room());
        outlet.cancel(2);
        outlet.push(sound(1));
        assert!(outlet.has_room() && !outlet.wants(2) && outlet.wants(3));
        assert!(outlet.give().await);
        assert_eq!(taken.recv().await, Some(sound(3)));
        assert!(outlet.is_empty());
        drop(taken);
        assert!(!outlet.give().await);
    }
}
