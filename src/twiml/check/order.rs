//! The order of verbs: what is never reached, what comes too late, and what does not belong into such a document.

use super::{ADVICE, SCHEMA_WARNING, Setting};
use crate::twiml::{Element, Problem};

pub(super) fn check(root: &Element, setting: Setting, problems: &mut Vec<Problem>) {
    let verbs = &root.children;
    if let Some((allowed, code)) = setting.verbs() {
        for verb in verbs.iter().filter(|verb| !allowed.contains(&verb.name.as_str())) {
            let message = format!("`<{}>` cannot be used in this document", verb.name);
            let help = format!("write only {}", super::listed(allowed.iter().copied()));
            // 13201 speaks of dialling; the carrier merely skips any other verb there.
            let dials = setting != Setting::Whisper || verb.name == "Dial";
            let code = if dials { code } else { SCHEMA_WARNING };
            problems.push(Problem::new(code, verb.range.clone(), message, help));
        }
    }
    for (index, verb) in verbs.iter().enumerate() {
        if verb.name == "Reject" && (index > 0 || setting != Setting::FirstDocument) {
            let message = "`<Reject>` comes too late: the call is answered already";
            let help = "refuse with the first verb of the first document, or use `<Hangup/>`";
            problems.push(Problem::new(ADVICE, verb.range.clone(), message, help));
        }
    }
    if setting == Setting::FirstDocument
        && let Some(leave) = root.child("Leave")
    {
        let message = "`<Leave>` has no effect: this caller waits in no queue";
        let help = "write it into the document that `waitUrl` of `<Enqueue>` gives";
        problems.push(Problem::new(ADVICE, leave.range.clone(), message, help));
    }
    if let Some(lost) = unreachable(verbs) {
        let message = format!(
            "`<{}>` is never reached: `<{}>` does not come back",
            lost.1.name, lost.0.name
        );
        let help = "remove it, or let the address in `action` answer with it";
        problems.push(Problem::new(ADVICE, lost.1.range.clone(), message, help));
    }
}

/// The first verb that takes the call away for good, and the one after it.
fn unreachable(verbs: &[Element]) -> Option<(&Element, &Element)> {
    let last = verbs.iter().position(leaves)?;
    Some((verbs.get(last)?, verbs.get(last + 1)?))
}

fn leaves(verb: &Element) -> bool {
    match verb.name.as_str() {
        "Hangup" | "Reject" | "Redirect" | "Echo" => true,
        "Dial" | "Enqueue" | "Connect" | "Refer" | "Pay" => verb.attribute("action").is_some(),
        // Without the attribute, a caller who stays silent goes on to the next verb.
        "Gather" => verb.attribute("actionOnEmptyResult") == Some("true"),
        _ => false,
    }
}
