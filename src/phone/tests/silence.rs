//! Silences, counted to the millisecond: between sounds, across a hang-up, while a message is recorded.

use super::world::World;
use crate::call::{TaskOutput, Time};
use crate::phone::{Ear, Move, START, Silence, Timing};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn at(millis: u64) -> Time {
    START.plus(millis)
}

fn silence(from: u64, to: u64) -> Silence {
    Silence {
        from: at(from),
        to: at(to),
    }
}

#[test]
fn silence_is_counted_between_sounds_from_the_moment_of_the_answer() {
    let mut ear = Ear::default();
    ear.listen(at(5_000));
    assert_eq!(ear.longest().millis(), 0, "it rings");
    ear.answered(at(5_000));
    ear.sound(at(5_400), at(7_400));
    assert_eq!(ear.longest(), silence(5_000, 5_400));
    ear.sound(at(7_801), at(9_000));
    assert_eq!(ear.longest(), silence(7_400, 7_801));
    ear.sound(at(9_400), at(9_500));
    assert_eq!(ear.longest(), silence(7_400, 7_801), "the longest stays");
    assert_eq!((ear.quiet(at(9_000)), ear.quiet(at(9_750))), (0, 250));
}

#[test]
fn a_sound_within_another_shortens_nothing() {
    let mut ear = Ear::default();
    ear.answered(at(0));
    ear.sound(at(0), at(4_000));
    ear.sound(at(1_000), at(2_000));
    ear.listen(at(4_300));
    assert_eq!(ear.longest(), silence(4_000, 4_300));
}

#[test]
fn what_is_cut_off_is_heard_no_longer() {
    let mut ear = Ear::default();
    ear.answered(at(0));
    ear.sound(at(0), at(10_000));
    ear.interrupt(at(3_000));
    ear.listen(at(3_700));
    assert_eq!(ear.longest(), silence(3_000, 3_700));
}

#[test]
fn after_the_call_nothing_counts() {
    let mut ear = Ear::default();
    ear.answered(at(0));
    ear.over(at(1_200));
    ear.listen(at(90_000));
    ear.interrupt(at(95_000));
    ear.listen(at(99_000));
    assert_eq!(ear.longest(), silence(0, 1_200));
    assert_eq!(ear.quiet(at(99_000)), 0);
}

#[test]
fn the_longest_is_forgotten_and_the_one_that_lasts_is_not() {
    let mut ear = Ear::default();
    ear.answered(at(0));
    ear.listen(at(900));
    ear.forget();
    assert_eq!((ear.longest().millis(), ear.quiet(at(900))), (0, 900));
    ear.set_quiet(at(2_000), 300);
    ear.listen(at(2_001));
    assert_eq!(ear.longest(), silence(1_700, 2_001));
}

#[test]
fn a_pause_in_a_document_is_silence() {
    let world = World::new(
        "flow: t\nlocale: en-US\nstart: {call: a}\notherwise: c\nsteps:\n  a: {play: tts/a.mp3, next: b}\n  \
         b: {pause: 3s, next: c}\n  c: {play: tts/c.mp3, next: bye}\n  bye: {hangup: {}}\n",
    );
    let phone = world.plays(&[Move::Pass, Move::Pass, Move::Pass]);
    assert_eq!(phone.ear.longest(), silence(2_000, 5_000));
}

#[test]
fn a_caller_who_hangs_up_ends_the_silence() {
    let world = World::new(
        "flow: t\nlocale: en-US\nstart: {call: a}\notherwise: bye\nsteps:\n  a: {play: tts/a.mp3, next: b}\n  \
         b: {pause: 9s, next: bye}\n  bye: {hangup: {}}\nafter_call:\n  - http: {url: 'https://api.example/x'}\n",
    );
    // In the middle of a sound: there was none.
    let mut phone = world.rings();
    phone.now = at(1_500);
    assert!(phone.make(&Move::HangsUp, None));
    assert_eq!(phone.ear.longest().millis(), 0);
    // In a pause: up to there, and what follows the call takes nobody's time.
    let mut phone = world.plays(&[Move::Pass]);
    phone.now = at(4_321);
    assert!(phone.make(&Move::HangsUp, None));
    phone.now = at(60_000);
    let done = Move::TaskEnds {
        task: 0,
        result: Ok(TaskOutput::Http {
            status: 200,
            body: serde_json::json!({}),
        }),
        timing: Timing::Early,
    };
    assert!(phone.make(&done, None));
    phone.ear.listen(phone.now);
    assert_eq!(phone.ear.longest(), silence(2_000, 4_321));
    assert!(phone.call.is_finished());
}

#[test]
fn the_tone_before_a_recording_is_a_sound_and_so_is_the_message() {
    let record = |beep: bool| format!("{{record: {{prompt: tts/p.mp3, silence: 4s, beep: {beep}}}, next: fine}}");
    let world = World::step(&record(true));
    assert_eq!(
        world.plays(&[Move::Pass, Move::Pass]).ear.longest(),
        silence(2_300, 6_300)
    );
    let world = World::step(&record(false));
    assert_eq!(
        world.plays(&[Move::Pass, Move::Pass]).ear.longest(),
        silence(2_000, 6_000)
    );
    let mut phone = world.plays(&[Move::Pass]);
    phone.now = phone.now.plus(1_111);
    assert!(phone.make(&Move::LeavesMessage(10), None));
    // 1.111 s until the caller speaks, ten seconds of message, and the silence that ends it.
    assert_eq!(phone.ear.longest(), silence(13_111, 17_111));
}

#[derive(Clone, Debug)]
enum Heard {
    Sound(u32, u32),
    Listen(u32),
    Interrupt(u32),
}

fn anything() -> impl Strategy<Value = Vec<Heard>> {
    let one = prop_oneof![
        (0u32..3_000, 0u32..3_000).prop_map(|(after, long)| Heard::Sound(after, long)),
        (0u32..3_000).prop_map(Heard::Listen),
        (0u32..3_000).prop_map(Heard::Interrupt),
    ];
    prop::collection::vec(one, 0..30)
}

/// A mark for each millisecond in which something is heard, and where a silence is cut though nothing lasts.
#[derive(Default)]
struct Tape {
    marks: Vec<bool>,
    cuts: BTreeSet<usize>,
}

impl Tape {
    fn sound(&mut self, from: usize, long: usize) {
        self.cuts.insert(from);
        self.marks.resize(self.marks.len().max(from + long), false);
        self.marks[from..from + long].fill(true);
    }

    fn interrupt(&mut self, at: usize) {
        self.cuts.insert(at);
        self.marks.truncate(at);
    }

    /// The longest silence up to a moment, and the one that lasts then.
    fn silences(&self, now: usize) -> (u64, u64) {
        let (mut longest, mut lasts) = (0, 0);
        for at in 0..now {
            if self.cuts.contains(&at) {
                lasts = 0;
            }
            let sounds = self.marks.get(at).copied().unwrap_or(false);
            lasts = if sounds { 0 } else { lasts + 1 };
            longest = longest.max(lasts);
        }
        (longest, if self.cuts.contains(&now) { 0 } else { lasts })
    }
}

proptest! {
    #[test]
    fn the_ear_counts_as_a_tape_would(heard in anything()) {
        let mut ear = Ear::default();
        ear.answered(at(0));
        let mut tape = Tape::default();
        let mut now = 0u32;
        for one in heard {
            match one {
                Heard::Sound(after, long) => {
                    now += after;
                    ear.sound(at(now.into()), at((now + long).into()));
                    tape.sound(now as usize, long as usize);
                }
                Heard::Listen(after) => {
                    now += after;
                    ear.listen(at(now.into()));
                }
                Heard::Interrupt(after) => {
                    now += after;
                    ear.interrupt(at(now.into()));
                    tape.interrupt(now as usize);
                }
            }
        }
        ear.listen(at(now.into()));
        prop_assert_eq!((ear.longest().millis(), ear.quiet(at(now.into()))), tape.silences(now as usize));
    }
}
