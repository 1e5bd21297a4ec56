//! Tests of the player alone, against a carrier that plays what it is sent, in real time and in order.

use super::*;
use proptest::prelude::*;

const FIRST: Play = Play {
    generation: 1,
    number: 0,
};
const SECOND: Play = Play {
    generation: 1,
    number: 1,
};

fn player() -> Player {
    let clips = vec![Clip::new(vec![1; 400], "a"), Clip::new(vec![2; 160 * 20], "b")];
    Player::new(clips.into(), None)
}

fn sound(code: u8, bytes: usize) -> Bytes {
    vec![code; bytes].into()
}

/// Everything that may be sent now.
fn burst(player: &mut Player, now: u64) -> Vec<Item> {
    std::iter::from_fn(|| player.next(now)).collect()
}

fn frames(items: &[Item]) -> Vec<u8> {
    let frame = |item: &Item| match item {
        Item::Frame(frame) => frame.to_vec(),
        Item::Mark(_) => Vec::new(),
    };
    items.iter().flat_map(frame).collect()
}

#[test]
fn clips_follow_each_other_with_a_mark_after_each_and_no_partial_frame() {
    let mut player = player();
    assert_eq!((player.play(0, FIRST), player.play(1, SECOND)), (50, 400));
    let items = burst(&mut player, 0);
    assert_eq!(items.len(), 11, "ten frames of lead, and the mark between them");
    let Item::Frame(last) = &items[2] else {
        panic!("{:?}", items[2])
    };
    assert_eq!((last[79], last[80]), (1, SILENCE));
    let mark = |play| Mark { play, epoch: 0 };
    assert_eq!(items[3], Item::Mark(mark(FIRST)));
    assert_eq!(player.next_due(), Some(20));
    let mut now = 0;
    while player.next_due().is_some() {
        now += 20;
        burst(&mut player, now);
    }
    assert_eq!(now, 260, "23 frames, ten of them ahead");
    assert!(!player.is_done(now));
    assert_eq!(
        (player.heard(mark(FIRST)), player.heard(mark(FIRST))),
        (Some(FIRST), None)
    );
    assert!(!player.is_done(now));
    assert!(player.is_done(460 + MARK_GRACE));
    assert_eq!(player.heard(mark(SECOND)), Some(SECOND));
    assert!(player.is_done(now));
}

#[test]
fn a_clear_forgets_everything_and_a_clip_that_is_missing_is_only_a_mark() {
    let mut player = player();
    player.play(1, FIRST);
    burst(&mut player, 0);
    player.clear(50);
    assert!(player.is_done(50));
    player.play(7, SECOND);
    assert_eq!(player.next(60), Some(Item::Mark(Mark { play: SECOND, epoch: 1 })));
    assert_eq!(player.gives_up(), Some(60 + MARK_GRACE));
}

#[test]
fn lumps_of_any_size_are_one_stream() {
    let mut player = player();
    for lump in [100, 7, 1, 500] {
        player.sound(sound(5, lump));
    }
    player.mark(FIRST);
    player.sound(sound(6, 192));
    let items = burst(&mut player, 0);
    let mut whole = vec![5; 608];
    whole.extend([6; 192]);
    assert_eq!(frames(&items), whole);
    assert!(
        matches!(items[4], Item::Mark(_)),
        "after the frame in which its sound ends"
    );
}

#[test]
fn an_end_that_fills_no_frame_waits_for_more_but_not_for_ever() {
    let mut player = player();
    player.sound(sound(5, 1700));
    player.mark(FIRST);
    assert_eq!(burst(&mut player, 0).len(), 10);
    assert_eq!(
        player.next_due(),
        Some(160),
        "forty milliseconds before the carrier has nothing left"
    );
    assert_eq!(burst(&mut player, 159), []);
    let items = burst(&mut player, 160);
    let Item::Frame(frame) = &items[0] else {
        panic!("{items:?}")
    };
    assert_eq!((frame[99], frame[100], items.len()), (5, SILENCE, 2));

    // Where more comes in time, there is no silence.
    let mut player = self::player();
    player.sound(sound(5, 1700));
    burst(&mut player, 0);
    player.sound(sound(5, 60));
    assert_eq!(frames(&burst(&mut player, 20)), [5; 160]);
    assert!(
        !player.is_done(2219) && player.is_done(2220),
        "it has no mark and should go on"
    );
}

#[test]
fn a_pause_takes_back_what_was_not_heard_with_its_marks() {
    let mut player = player();
    player.sound((0..1600).map(|at| (at / 8) as u8).collect::<Vec<u8>>().into());
    player.mark(FIRST);
    player.sound(sound(250, 160));
    player.mark(SECOND);
    assert_eq!(burst(&mut player, 1000).len(), 11);
    assert!(player.pause(1123));
    assert!(!player.pause(1124), "once is enough");
    assert_eq!((player.next(2000), player.next_due()), (None, None));
    let swept = Mark { play: FIRST, epoch: 0 };
    assert_eq!(player.heard(swept), None, "the clear returns it, unheard");
    player.resume();
    let mut items = burst(&mut player, 2000);
    items.extend(burst(&mut player, 2060));
    let again: Vec<u8> = (123 * 8..1600).map(|at| (at / 8) as u8).chain([250; 160]).collect();
    assert_eq!(frames(&items)[..again.len()], again);
    let marks: Vec<&Item> = items.iter().filter(|item| matches!(item, Item::Mark(_))).collect();
    let mark = |play| Item::Mark(Mark { play, epoch: 1 });
    assert_eq!(marks, [&mark(FIRST), &mark(SECOND)]);
}

#[test]
fn a_paused_conversation_does_not_keep_a_session_for_ever() {
    let mut player = player();
    player.sound(sound(5, 1600));
    burst(&mut player, 0);
    player.pause(100);
    assert!(!player.is_done(100 + PAUSE_LIMIT - 1));
    assert!(player.is_done(100 + PAUSE_LIMIT));
    assert_eq!(player.gives_up(), Some(100 + PAUSE_LIMIT));
}

#[test]
fn a_later_mark_covers_the_earlier_ones() {
    let mut player = player();
    player.mark(FIRST);
    player.mark(SECOND);
    burst(&mut player, 0);
    let mark = Mark { play: SECOND, epoch: 0 };
    let heard: Vec<Play> = std::iter::from_fn(|| player.heard(mark)).collect();
    assert_eq!(heard, [FIRST, SECOND]);
}

#[test]
fn no_more_than_ten_minutes_wait() {
    let mut player = player();
    for _ in 0..600 {
        player.sound(sound(5, 8000));
    }
    assert_eq!(player.dropped(), 0);
    player.sound(sound(6, 8000));
    player.mark(FIRST);
    assert_eq!(player.dropped(), 1020);
    // As the queue is sent there is room again.
    let mut now = 0;
    while now < 1000 {
        burst(&mut player, now);
        now += 20;
    }
    player.sound(sound(6, 8000));
    assert_eq!(player.dropped(), 1020);
    player.clear(now);
    for _ in 0..40_000 {
        player.sound(sound(5, 1));
    }
    assert_eq!(player.queue.len(), 30_000, "the smallest count as frames");
}

/// A carrier that plays what it is sent from the moment it has it.
#[derive(Default)]
struct Carrier {
    /// Each millisecond of sound, and when it begins to be heard.
    sound: Vec<(u64, [u8; 8])>,
    free_at: u64,
    /// Marks and the time at which they come back.
    marks: Vec<(u64, Mark)>,
}

impl Carrier {
    fn send(&mut self, now: u64, item: Item) {
        self.free_at = self.free_at.max(now);
        match item {
            Item::Mark(mark) => self.marks.push((self.free_at, mark)),
            Item::Frame(frame) => {
                for &piece in frame.as_chunks::<8>().0 {
                    self.sound.push((self.free_at, piece));
                    self.free_at += 1;
                }
            }
        }
    }

    fn clear(&mut self, now: u64) {
        self.sound.retain(|&(at, _)| at < now);
        self.free_at = self.free_at.min(now);
        for (at, _) in &mut self.marks {
            *at = (*at).min(now);
        }
    }

    fn heard(&self, now: u64) -> Vec<u8> {
        let heard = self.sound.iter().filter(|&&(at, _)| at < now);
        heard
            .flat_map(|&(_, piece)| piece)
            .filter(|&code| code != SILENCE)
            .collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Lump(usize),
    Clip,
    Mark,
    Pause,
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3000).prop_map(Step::Lump),
        1 => Just(Step::Clip),
        2 => Just(Step::Mark),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
    ]
}

proptest! {
    #[test]
    fn all_is_heard_once_and_in_order_whatever_interrupts_it(steps in proptest::collection::vec((step(), 0u64..150), 1..40)) {
        let mut player = player();
        let mut carrier = Carrier::default();
        let (mut said, mut number, mut now) = (Vec::new(), 0, 0);
        // What had been said before each mark.
        let mut due = Vec::new();
        let mut played = Vec::new();
        let last = [(Step::Mark, 0), (Step::Resume, 60_000)];
        for (step, wait) in steps.into_iter().chain(last) {
            let next = |number: &mut u32| { *number += 1; Play { generation: 1, number: *number - 1 } };
            match step {
                Step::Lump(bytes) => {
                    // Different bytes, so that neither a loss nor a repetition can be missed.
                    let lump: Vec<u8> = (said.len()..said.len() + bytes).map(|at| (at % 251) as u8).collect();
                    said.extend(&lump);
                    player.sound(lump.into());
                }
                Step::Clip => {
                    said.extend([1; 400]);
                    player.play(0, next(&mut number));
                    due.push(said.len());
                }
                Step::Mark => {
                    player.mark(next(&mut number));
                    due.push(said.len());
                }
                Step::Pause => {
                    if player.pause(now) {
                        carrier.clear(now);
                    }
                }
                Step::Resume => player.resume(),
            }
            let until = now + wait;
            while now <= until {
                while let Some(item) = player.next(now) {
                    carrier.send(now, item);
                }
                prop_assert!(carrier.free_at <= now + 200, "further ahead than the lead");
                let (back, pending) = std::mem::take(&mut carrier.marks).into_iter().partition(|&(at, _)| at <= now);
                carrier.marks = pending;
                let back: Vec<(u64, Mark)> = back;
                for (_, mark) in back {
                    while let Some(play) = player.heard(mark) {
                        prop_assert!(carrier.heard(now).len() >= due[play.number as usize], "{:?} was not heard", play);
                        played.push(play.number);
                    }
                }
                // The wakes that the player asks for are enough.
                now = match player.next_due() {
                    Some(due) if due <= until => due.max(now + 1),
                    _ if carrier.marks.is_empty() => until + 1,
                    _ => carrier.marks.iter().map(|&(at, _)| at).min().map_or(until + 1, |at| at.max(now + 1)),
                }.min(until + 1);
            }
            now = until;
        }
        prop_assert_eq!(carrier.heard(now), said);
        prop_assert_eq!(played, (0..number).collect::<Vec<u32>>());
        prop_assert!(player.is_done(now));
    }
}
