//! Every step kind: the document it writes, each outcome, wrong answers, retries and limits.

use super::phone::Phone;
use crate::call::{CarrierStatus, EndReason};

/// A flow of one step under test; every place it can lead to says its own name.
pub fn flow(step: &str) -> String {
    format!("flow: t\nlocale: en-US\nstart: {{call: it}}\notherwise: other\nsteps:\n  it:\n{step}\n  other: {{say: other, next: bye}}\n  fine: {{say: fine, next: bye}}\n  bye: {{hangup: {{}}}}\n")
}

#[test]
fn sounds_go_out_together_with_what_follows() {
    Phone::rings(&flow("    play: tts/a.mp3\n    next: fine"))
        .hears("play tts/a.mp3")
        .hears("say fine")
        .hears("hangup")
        .hears_no_more()
        .status(CarrierStatus::InProgress)
        .hangs_up(3)
        .is_over(EndReason::HungUp);
}
