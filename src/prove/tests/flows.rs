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
