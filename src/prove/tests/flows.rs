//! Flows whose proof depends on what the virtual telephone does: right ones are proven, quiet ones are not.

use super::super::{Proof, proven};
use crate::line::Disk;
use std::path::Path;

/// A flow with these steps besides `bye` and `hang`, and what else it has.
pub(super) fn flow(steps: &str, more: &str) -> String {
    format!(
        "flow: a\nversion: 1\nlocale: en-US\nlimits: {{call: 10m, silence: 8s}}\notherwise: bye\nstart: {{call: begin}}\n\
         steps:\n{steps}\
         \x20 bye: {{say: Goodbye to you, next: hang}}\n\
         \x20 hang: {{hangup: {{}}}}\n\
         {more}"
    )
}

/// A project with the bundled sounds and templates, and this flow.
pub(super) fn project(flow: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::os::unix::fs::symlink(here.join("templates"), folder.path().join("templates")).expect("a link");
    for part in ["static", "flows"] {
        std::fs::create_dir(folder.path().join(part)).expect("a folder");
    }
    for sounds in std::fs::read_dir(here.join("static")).expect("sounds") {
        let sounds = sounds.expect("a file");
        let link = folder.path().join("static").join(sounds.file_name());
        std::os::unix::fs::symlink(sounds.path(), link).expect("a link");
    }
    std::fs::write(folder.path().join("flows/a.yaml"), flow).expect("it is written");
    folder
}

/// The ids of the errors, and the proof.
fn judged_in(folder: &Path) -> (Vec<&'static str>, Proof) {
    let (compiled, proof) = proven("flows/a.yaml", &Disk::new(folder));
    let proof = proof.unwrap_or_else(|| panic!("it is not tried: {:?}", compiled.findings));
    (compiled.findings.iter().map(|finding| finding.id).collect(), proof)
}

fn judged(flow: &str) -> (Vec<&'static str>, Proof) {
    judged_in(project(flow).path())
}

fn assert_right(flow: &str) -> Proof {
    let (ids, proof) = judged(flow);
    assert!(proof.holds(), "{proof}: {ids:?}\n{flow}");
    proof
}

#[test]
fn a_stream_to_another_endpoint_is_never_given_up_by_everybody() {
    assert_right(&flow(
        "  begin: {stream: {url: 'wss://b.example/x'}, on: {ended: bye, no_stream_start: bye, failed: bye}}\n",
        "",
    ));
}

const HELPER: &str = "agents:\n  helper:\n    listen: {provider: energy, end_of_turn: 500ms}\n    \
    think: {provider: scripted, answers: [{turn: 1, play: tts/answer_he.mp3}], otherwise: {exit: completed}}\n    \
    speak: {provider: prompts}\n    \
    idle: {after: 5s, play: tts/still_there_he.mp3, times: 1, then: no_reply}\n";

#[test]
fn a_conversation_may_be_tried_again() {
    let talk = |no_media: &str, again: &str| {
        format!(
            "  begin:\n    converse: {{agent: helper, watchdog: {{start: 5s, media: 5s}}}}\n    \
             on: {{completed: bye, no_stream_start: again, no_media: {no_media}, no_reply: bye, failed: {no_media}}}\n{again}"
        )
    };
    let say = "  again: {say: One moment please, next: begin}\n";
    let choose = "  again: {choose: {late: call.seconds > 300}, on: {late: bye, else: mark}}\n  \
                  mark: {say: One moment please, next: begin}\n";
    for (no_media, again) in [("again", say), ("bye", say), ("bye", choose)] {
        let (ids, _) = judged(&flow(&talk(no_media, again), HELPER));
        assert!(!ids.contains(&"engine-fault"), "{no_media}: {ids:?}");
    }
}

/// A sound file of so many seconds in which nothing can be heard.
fn silent(folder: &Path, name: &str, seconds: usize) {
    let bytes = crate::audio::wav::write_mono(8000, &vec![0; seconds * 8000]);
    std::fs::write(folder.join("static").join(name), bytes).expect("it is written");
}

#[test]
fn what_cannot_be_heard_counts_as_silence() {
    let tones = |digits: &str| flow(&format!("  begin: {{play: {{digits: {digits}}}, next: bye}}\n"), "");
    let (ids, proof) = judged(&tones(&"w".repeat(20)));
    assert!(ids.contains(&"silence-too-long"), "{ids:?}");
    assert_eq!(proof.silence.millis, 10_000, "{proof}");
    // Each tone is heard, and the longest pause between two of them counts.
    let proof = assert_right(&tones("1WWww2Www3"));
    assert_eq!(proof.silence.millis, 3_000, "{proof}");

    for (steps, id) in [
        ("  begin: {play: quiet.wav, next: bye}\n", "silence-too-long"),
        (
            "  begin: {enqueue: {queue: q, wait: [quiet.wav]}, on: {bridged: bye, left: bye, full: bye, failed: bye}}\n",
            "silent-queue",
        ),
    ] {
        let folder = project(&flow(steps, ""));
        silent(folder.path(), "quiet.wav", 20);
        let (ids, _) = judged_in(folder.path());
        assert!(ids.contains(&id), "{steps}: {ids:?}");
    }
}

/// A relay whose welcome takes about ten seconds to say.
fn welcoming(idle: u8) -> String {
    let welcome = "Hello and welcome. Please tell us in your own words what you are looking for. ".repeat(2);
    flow(
        &format!(
            "  begin:\n    relay: {{agent: guide, welcome: \"{welcome}\"}}\n    on: {{completed: bye, no_reply: bye}}\n"
        ),
        &format!(
            "agents:\n  guide:\n    instructions: Be brief.\n    listen: carrier\n    \
             think: {{provider: openai, model: gpt-4o-mini}}\n    speak: {{provider: carrier}}\n    \
             idle: {{after: {idle}s, say: Are you still there?, times: 2, then: no_reply}}\n"
        ),
    )
}

#[test]
fn the_wait_after_a_relays_welcome_counts_whole() {
    let (ids, proof) = judged(&welcoming(12));
    assert!(ids.contains(&"silence-too-long"), "{ids:?}");
    assert_eq!(proof.silence.millis, 12_000, "{proof}");
    assert_right(&welcoming(7));
}

#[test]
fn a_message_and_the_silences_around_it_are_no_longer_than_the_recording() {
    let record = |silence: u8, max: u8| {
        let steps = format!("  begin: {{record: {{silence: {silence}s, max: {max}s}}, next: bye}}\n");
        judged(&flow(&steps, "")).1.silence.millis
    };
    assert_eq!(record(5, 30), 5_000);
    // A message of one second leaves nine; none at all is over with the recording.
    assert_eq!(record(20, 10), 10_000);
    assert_eq!(record(9, 10), 9_000);
}

#[test]
fn a_redirect_that_takes_long_is_counted() {
    let talk = |start: u8| {
        let steps = format!(
            "  begin:\n    converse: {{agent: helper, watchdog: {{start: {start}s, media: 5s}}}}\n    \
             on: {{completed: bye, no_stream_start: bye, no_media: bye, no_reply: bye, failed: bye}}\n"
        );
        assert_right(&flow(&steps, HELPER))
    };
    for start in [4, 6] {
        let proof = talk(start);
        let slow = u64::from(start) * 1_000 + 5_000;
        assert!(proof.silence_of_two.millis >= slow, "{start}: {proof}");
    }
}

#[test]
fn numbers_of_an_authors_own_document_may_be_as_large_as_they_like() {
    let largest = u64::MAX;
    let document = format!(
        "<Gather input=\"speech\" speechTimeout=\"{largest}\" timeout=\"5\"><Pause length=\"{largest}\"/>\
         <Pause length=\"{largest}\"/></Gather><Record timeout=\"{largest}\" maxLength=\"{largest}\"/>"
    );
    let folder = project(&flow("  begin: {twiml: huge, next: bye}\n", ""));
    let templates = folder.path().join("templates");
    std::fs::remove_file(&templates).expect("the link");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"), &templates);
    std::fs::write(templates.join("huge.xml"), document).expect("it is written");
    let (ids, proof) = judged_in(folder.path());
    assert!(proof.complete, "{proof}");
    assert!(ids.contains(&"silence-too-long"), "{ids:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it is copied");
        }
    }
}
