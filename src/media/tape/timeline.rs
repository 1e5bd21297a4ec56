//! Two tracks on one timeline, from pieces that come late, in bursts, or not at all.

use crate::audio::mulaw::{FRAME, RATE, SILENCE};
use std::collections::VecDeque;

/// Samples in a millisecond.
const MS: u64 = RATE as u64 / 1000;
/// How far behind the newest piece the tracks are given out, in samples: a second. What is later than that is moved.
const BEHIND: u64 = 1000 * MS;
/// How far a caller's track may run ahead, in samples: a minute.
const AHEAD: usize = 60 * RATE as usize;
/// Over how many of the caller's pieces their lateness is watched: 0.8 s, longer than networks usually stall.
const WINDOW: u32 = 40;
/// For how long the first pieces are held to see where the caller's sound begins, in milliseconds, and how many at
/// most: what can pile up while a stream waits to be admitted.
const EARLY: (u64, usize) = (500, 300);
/// How late all pieces of a window are if sound is missing and not just delayed, in samples.
const MISSING: i64 = 40 * MS as i64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Agent,
}

/// At most 20 ms of one side. The caller's time is when it arrived, the agent's when it began to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    side: Side,
    at: u64,
    length: u8,
    sound: [u8; FRAME],
}

impl Piece {
    /// A piece; of longer sound only the beginning.
    pub(super) fn new(side: Side, at: u64, sound: &[u8]) -> Self {
        let length = sound.len().min(FRAME);
        let mut held = [SILENCE; FRAME];
        held[..length].copy_from_slice(&sound[..length]);
        Self {
            side,
            at,
            length: length as u8,
            sound: held,
        }
    }

    fn sound(&self) -> &[u8] {
        &self.sound[..usize::from(self.length)]
    }
}

/// Puts the pieces in their places. The caller's sound is continuous: it is laid end to end, since the times at which
/// it arrives only show how the network delays it; only when all of it has been late for a while was some lost.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Pieces held until it is known where the caller's sound begins.
    early: Vec<Piece>,
    settled: bool,
    /// By how much all times are moved, in samples: what had already come when the conversation's time began.
    shift: u64,
    /// The newest moment known, in samples.
    newest: u64,
    /// Samples given out.
    out: u64,
    caller: VecDeque<u8>,
    agent: VecDeque<u8>,
    /// The least lateness of the caller's pieces in this window, and how many there were.
    late: Option<i64>,
    seen: u32,
    lost: u64,
}

impl Timeline {
    pub(super) fn take(&mut self, piece: &Piece) {
        if self.settled {
            return self.place(piece);
        }
        self.early.push(*piece);
        let (millis, count) = EARLY;
        if self.early.len() >= count || piece.at >= self.early[0].at + millis {
            self.settle();
        }
    }

    /// Appends what is certain by now to `sound`: the caller's sample, the agent's, and so on.
    pub(super) fn due(&mut self, sound: &mut Vec<u8>) {
        self.give_out(self.newest.saturating_sub(BEHIND), sound);
    }

    /// Appends all the rest.
    pub(super) fn finish(&mut self, sound: &mut Vec<u8>) {
        if !self.settled {
            self.settle();
        }
        self.give_out(self.out + self.caller.len().max(self.agent.len()) as u64, sound);
    }

    /// Pieces that found no place.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Finds where the caller's sound begins: no piece can have arrived before it was complete.
    fn settle(&mut self) {
        self.settled = true;
        let mut length = 0;
        let mut begin: Option<i64> = None;
        for piece in self.early.iter().filter(|piece| piece.side == Side::Caller) {
            length += i64::from(piece.length);
            let latest = (piece.at * MS) as i64 - length;
            begin = Some(begin.map_or(latest, |begin| begin.min(latest)));
        }
        let begin = begin.unwrap_or(0);
        self.shift = (-begin).max(0) as u64;
        self.caller.resize(begin.clamp(0, AHEAD as i64) as usize, SILENCE);
        for piece in std::mem::take(&mut self.early) {
            self.place(&piece);
            // What piled up is late without anything missing.
            (self.seen, self.late) = (0, None);
        }
    }

    fn place(&mut self, piece: &Piece) {
        let at = piece.at * MS + self.shift;
        self.newest = self.newest.max(at);
        let (track, gap) = match piece.side {
            Side::Agent => {
                let end = self.out + self.agent.len() as u64;
                (&mut self.agent, at.saturating_sub(end))
            }
            Side::Caller => {
                let end = self.out + self.caller.len() as u64;
                let late = at as i64 - i64::from(piece.length) - end as i64;
                let least = self.late.map_or(late, |least| least.min(late));
                self.late = Some(least);
                self.seen += 1;
                let mut gap = 0;
                if self.seen == WINDOW {
                    (self.seen, self.late) = (0, None);
                    if least >= MISSING {
                        gap = least as u64;
                    }
                }
                (&mut self.caller, gap)
            }
        };
        if track.len() as u64 + gap > AHEAD as u64 {
            self.lost += 1;
            return;
        }
        track.resize(track.len() + gap as usize, SILENCE);
        track.extend(piece.sound());
    }

    /// What is not there by its time is silence.
    fn give_out(&mut self, until: u64, sound: &mut Vec<u8>) {
        let count = until.saturating_sub(self.out) as usize;
        sound.reserve(2 * count);
        for _ in 0..count {
            sound.push(self.caller.pop_front().unwrap_or(SILENCE));
            sound.push(self.agent.pop_front().unwrap_or(SILENCE));
        }
        self.out += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn caller(at: u64, code: u8) -> Piece {
        Piece::new(Side::Caller, at, &[code; FRAME])
    }

    /// Takes all, gives out as it goes, and parts the tracks.
    fn lay(pieces: impl IntoIterator<Item = Piece>) -> [Vec<u8>; 2] {
        let mut timeline = Timeline::default();
        let mut sound = Vec::new();
        for piece in pieces {
            timeline.take(&piece);
            timeline.due(&mut sound);
        }
        timeline.finish(&mut sound);
        assert_eq!(timeline.lost(), 0);
        let sides = sound.as_chunks::<2>().0;
        [0, 1].map(|side| sides.iter().map(|set| set[side]).collect())
    }

    fn first(track: &[u8], code: u8) -> Option<usize> {
        track.iter().position(|&sample| sample == code).map(|at| at / 8)
    }

    #[test]
    fn delays_of_the_network_are_not_heard() {
        // Half a second comes at once after a stall, in the middle of the call.
        let stalled = |frame: u64| {
            if (100..125).contains(&frame) {
                2500
            } else {
                20 * frame + 20
            }
        };
        let [track, _] = lay((0..300).map(|frame| caller(stalled(frame), frame as u8)));
        let whole: Vec<u8> = (0..300u64).flat_map(|frame| [frame as u8; FRAME]).collect();
        assert_eq!(track, whole);
    }

    #[test]
    fn sound_that_came_before_the_conversation_began_moves_the_rest() {
        // Two seconds had piled up; then it comes as it is spoken.
        let at = |frame: u64| (20 * frame + 20).saturating_sub(2000);
        let mut pieces: Vec<Piece> = (0..300).map(|frame| caller(at(frame), 1)).collect();
        pieces.insert(160, Piece::new(Side::Agent, 1000, &[7; FRAME]));
        let [track, agent] = lay(pieces);
        assert_eq!((track.len(), first(&track, 1)), (300 * FRAME, Some(0)));
        assert_eq!(first(&agent, 7), Some(3000));
    }

    #[test]
    fn what_is_lost_is_silence() {
        let at = |frame: u64| 20 * frame + 20 + if frame < 100 { 0 } else { 3000 };
        let [track, _] = lay((0..300).map(|frame| caller(at(frame), if frame < 200 { 1 } else { 2 })));
        assert_eq!(first(&track, 2), Some(200 * 20 + 3000));
        assert_eq!(track.iter().filter(|&&sample| sample != SILENCE).count(), 300 * FRAME);
    }

    #[test]
    fn a_caller_who_sends_nothing_holds_nothing_up() {
        let [track, agent] = lay((0..100).map(|frame| Piece::new(Side::Agent, 400 + 20 * frame, &[3; FRAME])));
        assert_eq!((first(&agent, 3), agent.len()), (Some(400), 19_200));
        assert!(track.iter().all(|&sample| sample == SILENCE));
        assert!(lay([]).concat().is_empty());
    }

    proptest! {
        #[test]
        fn each_side_is_where_it_was_heard(start in 0u64..400, gap in 0u64..5000, delays in proptest::collection::vec(0u64..30, 400)) {
            let callers = delays.iter().zip(0u64..).map(|(delay, frame)| caller(20 * frame + 20 + delay, 1));
            let spoken = |at: u64, code: u8| Piece::new(Side::Agent, at, &[code; FRAME]);
            let mut pieces: Vec<Piece> = callers.chain([spoken(start, 2), spoken(start + 20 + gap, 3)]).collect();
            pieces.sort_by_key(|piece| piece.at + if piece.side == Side::Agent { 20 } else { 0 });
            let [track, agent] = lay(pieces);
            prop_assert_eq!(track.iter().filter(|&&sample| sample == 1).count(), 400 * FRAME);
            let shift = first(&track, 1).unwrap() as u64;
            prop_assert!(shift <= 30, "{}", shift);
            prop_assert_eq!(first(&agent, 2), Some(start as usize));
            prop_assert_eq!(first(&agent, 3), Some((start + 20 + gap) as usize));
            prop_assert_eq!(track.len(), agent.len());
        }
    }
}
