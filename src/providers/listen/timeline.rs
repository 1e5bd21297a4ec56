//! Where things lie in the call: each utterance's begin and end, and a service's own clock beside ours.

use crate::audio::mulaw::RATE;

/// Samples in so many milliseconds.
pub(super) const fn samples(millis: u64) -> u64 {
    millis * RATE as u64 / 1000
}

/// The stretch whose words are wanted now. Places are samples from the start of listening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    /// None between two utterances.
    pub utterance: Option<u32>,
    /// Words that end before are somebody else's.
    pub begin: u64,
    /// Words whose middle lies before were said in an earlier utterance.
    pub floor: u64,
}

impl Span {
    /// Whether what was said from one place to another belongs here. A voice is noticed a little after it began, so a
    /// word may reach out of its utterance in front, but never into the one before.
    pub(super) fn holds(&self, start: u64, end: u64) -> bool {
        end > self.begin && start.midpoint(end) >= self.floor
    }
}

/// Utterances in the call, and the place at which the service's clock stood at zero.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    zero: u64,
    ended: u64,
    open: Option<(u32, u64)>,
}

impl Timeline {
    /// The service counts from this place on.
    pub(super) fn connected(&mut self, zero: u64) {
        self.zero = zero;
    }

    /// An utterance began at `begin`; one that is still open ended there.
    pub(super) fn begin(&mut self, utterance: u32, begin: u64) {
        if self.open.is_some() {
            self.ended = begin;
        }
        self.open = Some((utterance, begin));
    }

    /// The utterance ended; false where it was not the open one.
    pub(super) fn end(&mut self, utterance: u32, end: u64) -> bool {
        let open = self.is_open(utterance);
        if open {
            self.open = None;
            self.ended = end;
        }
        open
    }

    pub(super) fn is_open(&self, utterance: u32) -> bool {
        self.open.is_some_and(|(number, _)| number == utterance)
    }

    /// Where the open utterance began.
    pub(super) fn begun(&self) -> Option<u64> {
        self.open.map(|(_, begin)| begin)
    }

    pub(super) fn span(&self) -> Span {
        match self.open {
            // A begin before the last end is what the caller's voice says; the end was only an order.
            Some((number, begin)) => Span {
                utterance: Some(number),
                begin,
                floor: begin.min(self.ended),
            },
            None => Span {
                utterance: None,
                begin: self.ended,
                floor: self.ended,
            },
        }
    }

    /// The place of a moment on the service's clock. Nonsense becomes the nearest place there is.
    pub(super) fn place(&self, seconds: f64) -> u64 {
        // The cast saturates, and what is no number becomes zero.
        self.zero.saturating_add((seconds * f64::from(RATE)).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_words_stay_where_they_were_said_and_early_ones_come_in() {
        let mut line = Timeline::default();
        line.begin(1, samples(1000));
        assert_eq!(line.span().utterance, Some(1));
        assert!(line.span().holds(samples(900), samples(1300)), "noticed late");
        assert!(!line.span().holds(samples(500), samples(1000)), "before it began");
        assert!(line.end(1, samples(3000)) && !line.end(1, samples(3100)));
        assert!(
            !line.span().holds(samples(2800), samples(3100)),
            "most of it was said before the end"
        );
        line.begin(2, samples(4000));
        assert!(!line.span().holds(samples(2500), samples(2900)));
        assert!(line.span().holds(samples(3700), samples(4100)));
    }

    #[test]
    fn a_voice_that_began_before_the_end_was_ordered_keeps_its_first_word() {
        let mut line = Timeline::default();
        line.begin(1, 0);
        line.end(1, samples(2000));
        line.begin(2, samples(1850));
        assert!(line.span().holds(samples(1860), samples(2050)));
        assert!(!line.span().holds(samples(1400), samples(1860)));
    }

    #[test]
    fn the_services_clock_begins_anew_with_each_connection() {
        let mut line = Timeline::default();
        assert_eq!(line.place(1.5), 12_000);
        line.connected(samples(7000));
        assert_eq!(line.place(0.25), samples(7250));
        assert_eq!(line.place(-3.0), samples(7000));
        assert_eq!(line.place(f64::NAN), samples(7000));
        assert_eq!(line.place(f64::INFINITY), u64::MAX);
    }
}
