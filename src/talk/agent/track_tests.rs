//! Tests of what was heard, and in which order sound leaves.

use super::*;

fn sound(millis: usize) -> Bytes {
    vec![0x10; millis * 8].into()
}

fn flow(track: &mut Track, now: u64, plays: &mut u32) -> Vec<Output> {
    let mut out = Vec::new();
    track.flow(now, plays, &mut out);
    out
}

fn play(number: u32) -> Play {
    Play { generation: 1, number }
}

#[test]
fn marks_follow_every_half_second_and_each_piece() {
    let (mut track, mut plays) = (Track::new(0, false), 7);
    track.add_voice(0, 1, 0, "one two three four".into(), false);
    track.sound(10, 1, 0, &sound(1200));
    track.spoken(10, 1, 0, true);
    let out = flow(&mut track, 10, &mut plays);
    let shape: Vec<_> = out
        .iter()
        .map(|output| match output {
            Output::Sound { ulaw } => ulaw.len() / 8,
            Output::Mark { play } => play.number as usize,
            _ => panic!("{output:?}"),
        })
        .collect();
    assert_eq!(shape, [500, 7, 500, 8, 200, 9]);
    assert!(track.is_sent());
    assert_eq!(track.heard_by(), Some(10 + 1200 + MARK_GRACE));
    track.played(1300, play(9));
    assert_eq!((track.heard_ms(1300), track.heard_by()), (1200, Some(1300)));
}

#[test]
fn pieces_leave_in_their_order() {
    let (mut track, mut plays) = (Track::new(0, false), 0);
    track.add_voice(0, 1, 0, "first".into(), false);
    track.add_voice(0, 1, 1, "second".into(), false);
    assert!(track.sound(10, 1, 1, &sound(100)));
    track.spoken(10, 1, 1, true);
    assert_eq!(flow(&mut track, 10, &mut plays), []);
    assert_eq!(track.waits_since(), Some(0), "the first piece is owed");
    assert!(track.sound(20, 1, 0, &sound(60)));
    assert!(!track.sound(20, 2, 0, &sound(60)), "another answer's");
    track.spoken(20, 1, 0, true);
    assert!(!track.sound(20, 1, 0, &sound(60)), "it was complete");
    assert_eq!(flow(&mut track, 20, &mut plays).len(), 4);
    assert_eq!(track.heard_text(80, |_| true), "first");
    assert_eq!(track.heard_text(180, |_| true), "first second");
}

#[test]
fn a_piece_that_was_cut_short_claims_only_the_words_that_had_their_time() {
    let heard = |whole| {
        let (mut track, mut plays) = (Track::new(0, false), 0);
        track.add_voice(0, 1, 0, "one two three four five six seven eight".into(), false);
        track.sound(10, 1, 0, &sound(700));
        track.spoken(10, 1, 0, whole);
        flow(&mut track, 10, &mut plays);
        track.heard_text(2000, |_| true)
    };
    assert_eq!(heard(true), "one two three four five six seven eight");
    assert_eq!(heard(false), "one two");
}

#[test]
fn a_pause_stops_the_clock_and_swept_marks_do_not_count() {
    let (mut track, mut plays) = (Track::new(0, false), 0);
    track.add_voice(0, 1, 0, "one two three four".into(), false);
    track.sound(0, 1, 0, &sound(2000));
    track.spoken(0, 1, 0, true);
    flow(&mut track, 0, &mut plays);
    track.played(510, play(0));
    track.pause(700);
    for number in 1..4 {
        track.played(710, play(number));
    }
    assert_eq!(track.heard_ms(5000), 690);
    assert_eq!(
        (track.heard_text(5000, |_| true).as_str(), track.heard_by()),
        ("one", None)
    );
    track.resume(6000);
    assert_eq!(track.heard_ms(6300), 990);
    track.played(7400, play(3));
    assert_eq!(track.heard_by(), Some(7400));
}

#[test]
fn time_without_sound_is_not_time_of_hearing() {
    let (mut track, mut plays) = (Track::new(0, false), 0);
    track.add_voice(0, 1, 0, "first".into(), false);
    track.add_voice(0, 1, 1, "second piece".into(), false);
    track.sound(0, 1, 0, &sound(100));
    track.spoken(0, 1, 0, true);
    flow(&mut track, 0, &mut plays);
    track.sound(3000, 1, 1, &sound(1000));
    track.spoken(3000, 1, 1, true);
    flow(&mut track, 3000, &mut plays);
    assert_eq!(track.heard_ms(3400), 500);
    assert_eq!(track.heard_text(3400, |_| true), "first");
    assert_eq!(track.heard_text(3500, |_| true), "first second");
}

#[test]
fn of_a_piece_that_is_not_complete_no_more_is_claimed_than_slow_speech_allows() {
    let (mut track, mut plays) = (Track::new(0, false), 0);
    track.add_voice(0, 1, 0, "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd".into(), false);
    track.sound(0, 1, 0, &sound(400));
    flow(&mut track, 0, &mut plays);
    assert_eq!(track.heard_text(400, |_| true), "");
    track.spoken(400, 1, 0, true);
    assert_eq!(
        track.heard_text(400, |_| true),
        "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd"
    );
}

#[test]
fn nothing_leaves_a_shut_track_and_a_cut_one_ends() {
    let (mut track, mut plays) = (Track::new(0, true), 0);
    track.add_voice(0, 1, 0, "first".into(), false);
    track.add_voice(0, 1, 1, "second".into(), false);
    track.sound(0, 1, 0, &sound(100));
    assert_eq!(flow(&mut track, 0, &mut plays), []);
    track.open();
    assert_eq!(flow(&mut track, 50, &mut plays).len(), 1);
    track.cut();
    assert_eq!(flow(&mut track, 60, &mut plays).len(), 1, "its mark");
    assert!(track.is_sent());
    assert_eq!(track.text(|_| true), "first");
}

#[test]
fn an_aside_goes_before_a_voice_that_is_not_heard_yet_and_an_endless_voice_ends() {
    let (mut track, mut plays) = (Track::new(0, false), 0);
    track.add_voice(0, 1, 0, "words".into(), false);
    track.add_clip(1, 3, "one moment".into(), 500, true);
    let out = flow(&mut track, 0, &mut plays);
    assert_eq!(out, [Output::Play { clip: 3, play: play(0) }]);
    let taken = (0..1000).take_while(|_| track.sound(5, 1, 0, &sound(100))).count();
    assert_eq!(taken, 120);
}

#[test]
fn of_a_piece_that_was_given_up_not_all_its_words_were_heard() {
    let (mut track, mut plays) = (Track::new(0, false), 0);
    track.add_voice(0, 1, 0, "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd".into(), false);
    track.sound(0, 1, 0, &sound(800));
    flow(&mut track, 0, &mut plays);
    track.cut();
    flow(&mut track, 0, &mut plays);
    assert!(track.is_sent());
    assert_eq!(track.heard_text(9000, |_| true), "aaaaaaaaa");
}
