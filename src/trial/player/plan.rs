//! What the carrier does next by itself: a dialled party answers, a stream opens, a queue is over.

use super::Player;
use crate::call::Time;
use crate::phone::{DialEnd, Doing, Move, Timing};
use crate::trial::faults::Fault;

/// How long the carrier takes to open a stream, in milliseconds.
const CONNECTS: u64 = 200;
/// How long it rings until somebody answers, and how long they talk, as with `engine simulate`.
const RINGS: u64 = 2_000;
const TALKS: u64 = 5_000;
/// The first tone of ringing (ITU-T E.180: a second of tone, four of nothing).
const TONE: u64 = 1_000;
/// How long a queue, a payment and a transfer take.
const WAITS: u64 = 10_000;
const PAYS: u64 = 4_000;

impl Player<'_> {
    /// What the carrier does next by itself, and when.
    pub(super) fn plan(&mut self) {
        let doing = self.phone.leg.doing().clone();
        if self.planned_for.as_ref() == Some(&doing) {
            return;
        }
        let now = self.phone.now.0;
        let has = |fault: Fault| self.faults.contains(&fault);
        let planned = match &doing {
            Doing::Dialling { .. } => {
                let how = self.dials.pop_front();
                match how.as_deref() {
                    Some("busy") => Some((1_000, Move::Dialled(DialEnd::Busy))),
                    Some("failed") => Some((1_000, Move::Dialled(DialEnd::Failed))),
                    Some("canceled") => Some((1_000, Move::Dialled(DialEnd::Canceled))),
                    Some("no-answer") => None,
                    _ => Some((RINGS, Move::Dialled(DialEnd::Talked(TALKS)))),
                }
            }
            Doing::Connecting if has(Fault::NeverStream) => None,
            Doing::Connecting if has(Fault::RefuseStream) => Some((CONNECTS, Move::StreamRefused)),
            Doing::Connecting => Some((CONNECTS, Move::StreamStarts(Timing::Early))),
            Doing::Streaming { .. } => self.faults.iter().find_map(|fault| match fault {
                Fault::DropStream(after) => Some((*after, Move::StreamBreaks { heard: true })),
                _ => None,
            }),
            Doing::StreamingAway => Some((WAITS, Move::StreamBreaks { heard: true })),
            Doing::Queueing => Some((WAITS, Move::Queued(self.queue))),
            Doing::Paying => Some((PAYS, Move::Paid(self.payment))),
            Doing::Referring if !self.sip => Some((0, Move::NotReferable)),
            Doing::Referring => Some((RINGS, Move::Referred(self.referred))),
            _ => None,
        };
        if let (Some((after, _)), Doing::Queueing | Doing::Paying | Doing::Referring | Doing::StreamingAway) =
            (&planned, &doing)
            && *after > 0
        {
            // Music, the carrier's own dialogue, ringing, somebody else's sound.
            self.phone.ear.sound(self.phone.now, Time(now.saturating_add(*after)));
        }
        if matches!(doing, Doing::Dialling { .. }) {
            // It rings: a second of tone comes first.
            let heard = planned.as_ref().map_or(TONE, |(after, _)| TONE.min(*after));
            self.phone.ear.sound(self.phone.now, Time(now.saturating_add(heard)));
        }
        self.planned = planned.map(|(after, next)| (now.saturating_add(after), next));
        self.planned_for = Some(doing);
    }
}
