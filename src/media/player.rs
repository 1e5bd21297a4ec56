//! What is to be said next: the queued clips cut into frames on the playout clock, a mark after each.

use crate::audio::clock::PlayoutClock;
use crate::audio::mulaw::{FRAME, SILENCE};
use crate::talk::playback::MARK_GRACE;
use crate::talk::{Clip, Play};
use std::collections::VecDeque;
use std::sync::Arc;

/// The next thing to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Frame([u8; FRAME]),
    Mark(Play),
}

pub(super) struct Player {
    clips: Arc<[Clip]>,
    queue: VecDeque<Queued>,
    clock: PlayoutClock,
    /// The last mark sent, and until when it is waited for.
    awaited: Option<(Play, u64)>,
}

struct Queued {
    clip: usize,
    play: Play,
    sent: usize,
}

impl Player {
    pub(super) fn new(clips: Arc<[Clip]>) -> Self {
        Self {
            clips,
            queue: VecDeque::new(),
            clock: PlayoutClock::default(),
            awaited: None,
        }
    }

    /// Queues a clip; its length in ms. One that does not exist is passed over with its mark, so nothing waits for it.
    pub(super) fn play(&mut self, clip: usize, play: Play) -> u64 {
        self.queue.push_back(Queued { clip, play, sent: 0 });
        self.clips.get(clip).map_or(0, Clip::millis)
    }

    pub(super) fn clear(&mut self, now: u64) {
        self.queue.clear();
        self.clock.cleared(now);
        self.awaited = None;
    }

    pub(super) fn played(&mut self, play: Play) {
        if self.awaited.is_some_and(|(awaited, _)| awaited == play) {
            self.awaited = None;
        }
    }

    /// What may be sent at `now`, one thing at a time.
    pub(super) fn next(&mut self, now: u64) -> Option<Item> {
        let front = self.queue.front_mut()?;
        let sound = self.clips.get(front.clip).map_or(&[][..], |clip| &clip.ulaw);
        let rest = &sound[front.sent.min(sound.len())..];
        if rest.is_empty() {
            let play = front.play;
            self.queue.pop_front();
            self.awaited = Some((play, now + self.clock.unheard(now) + MARK_GRACE));
            return Some(Item::Mark(play));
        }
        if self.clock.due(now) == 0 {
            return None;
        }
        let mut frame = [SILENCE; FRAME];
        let length = rest.len().min(FRAME);
        frame[..length].copy_from_slice(&rest[..length]);
        front.sent += length;
        self.clock.sent(now, 1);
        Some(Item::Frame(frame))
    }

    /// When there is something to send again.
    pub(super) fn next_due(&self) -> Option<u64> {
        (!self.queue.is_empty()).then(|| self.clock.next_due())
    }

    /// Whether all was sent, and heard as far as can be known.
    pub(super) fn is_done(&self, now: u64) -> bool {
        self.queue.is_empty() && self.awaited.is_none_or(|(_, until)| now >= until)
    }

    /// When a mark that was not returned is given up.
    pub(super) fn gives_up(&self) -> Option<u64> {
        self.awaited.map(|(_, until)| until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Play = Play {
        generation: 1,
        number: 0,
    };
    const SECOND: Play = Play {
        generation: 1,
        number: 1,
    };

    fn player() -> Player {
        Player::new(vec![Clip::new(vec![1; 400], "a"), Clip::new(vec![2; 160 * 20], "b")].into())
    }

    #[test]
    fn clips_follow_each_other_with_a_mark_after_each_and_no_partial_frame() {
        let mut player = player();
        assert_eq!((player.play(0, FIRST), player.play(1, SECOND)), (50, 400));
        let items: Vec<Item> = std::iter::from_fn(|| player.next(0)).collect();
        assert_eq!(items.len(), 11, "ten frames of lead, and the mark between them");
        let Item::Frame(last) = &items[2] else {
            panic!("{:?}", items[2])
        };
        assert_eq!((last[79], last[80]), (1, SILENCE));
        assert_eq!(items[3], Item::Mark(FIRST));
        assert_eq!(player.next_due(), Some(20));
        let mut now = 0;
        while !player.queue.is_empty() {
            now += 20;
            while player.next(now).is_some() {}
        }
        assert_eq!(now, 260, "23 frames, ten of them ahead");
        assert!(!player.is_done(now));
        player.played(FIRST);
        assert!(!player.is_done(now));
        assert!(player.is_done(460 + MARK_GRACE));
        player.played(SECOND);
        assert!(player.is_done(now));
    }

    #[test]
    fn a_clear_forgets_everything_and_a_clip_that_is_missing_is_only_a_mark() {
        let mut player = player();
        player.play(1, FIRST);
        while player.next(0).is_some() {}
        player.clear(50);
        assert!(player.is_done(50));
        player.play(7, SECOND);
        assert_eq!(player.next(60), Some(Item::Mark(SECOND)));
        assert_eq!(player.gives_up(), Some(60 + MARK_GRACE));
    }
}
