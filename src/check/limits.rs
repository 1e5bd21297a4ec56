//! `limits.call` against what a step may take by itself, and whom a dial calls.

use super::written::{self, Written, lasting};
use crate::call::Flow;
use crate::compile::Compiled;
use crate::flow::{Duration, Finding, Findings};

/// The carrier's own limit of a dialled conversation, in milliseconds: 4 hours.
const DIAL_LIMIT: u64 = 14_400_000;
/// The longest message where none is written, in milliseconds.
const RECORD_MAX: u64 = 120_000;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    // That a call is over at once is told by itself.
    if flow.limits.call < super::reason::SHORTEST_CALL {
        return;
    }
    for step in written::all(compiled).iter().filter(|one| one.step.is_some()) {
        match step.kind {
            "dial" => {
                conversation(step, flow, findings);
                party(step, findings);
            }
            "record" => message(step, flow, findings),
            _ => {}
        }
    }
}

fn conversation(step: &Written<'_>, flow: &Flow, findings: &mut Findings) {
    let whole = lasting(flow.limits.call);
    let written = step.millis("limit");
    if written.unwrap_or(DIAL_LIMIT) <= flow.limits.call {
        return;
    }
    let finding = match written {
        Some(limit) => Finding::warning(
            "call-limit",
            step.place_of("limit"),
            format!(
                "the two may talk for {}, and the whole call ends after {whole}",
                lasting(limit)
            ),
        )
        .label("longer than `limits.call`")
        .help(format!(
            "write `limits: {{call: {}}}` or more at the head of the flow, or a shorter `limit`",
            roomy(limit)
        )),
        None => Finding::warning(
            "call-limit",
            step.place.clone(),
            format!("this conversation has no limit of its own, and the whole call ends after {whole}"),
        )
        .label("no `limit`")
        .help("write `limit: 10m` here, and a longer `limits: {call: …}` at the head of the flow"),
    };
    findings.push(
        finding
            .category("policy")
            .consequence("the engine hangs up on both in the middle of their conversation"),
    );
}

fn message(step: &Written<'_>, flow: &Flow, findings: &mut Findings) {
    let longest = step.millis("max").unwrap_or(RECORD_MAX);
    if longest <= flow.limits.call {
        return;
    }
    let whole = lasting(flow.limits.call);
    findings.push(
        Finding::warning(
            "call-limit",
            step.place_of("max"),
            format!(
                "a message may take {}, and the whole call ends after {whole}",
                lasting(longest)
            ),
        )
        .category("policy")
        .label("longer than `limits.call`")
        .consequence("the caller is cut off while speaking")
        .help(format!(
            "write `max: {whole}` or less, or a longer `limits: {{call: …}}`"
        )),
    );
}

/// The limit and a minute or more for what comes before it.
fn roomy(limit: u64) -> Duration {
    lasting(limit.saturating_add(60_000).div_ceil(300_000).saturating_mul(300_000))
}

fn party(step: &Written<'_>, findings: &mut Findings) {
    let Some(number) = step.text("number") else { return };
    let plain: String = number.text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let digits: String = plain.chars().filter(|letter| !"-().".contains(*letter)).collect();
    let finding = if plain == "{{call.to}}" {
        Finding::error("dial-number", number.place, "this dials the number that was called")
            .label("the flow calls itself")
            .consequence("a second call begins, which calls again, until the carrier refuses; the caller hears ringing")
            .help("write the number of a person or another line")
    } else if plain == "{{call.from}}" {
        Finding::error("dial-number", number.place, "this dials the caller")
            .label("the caller's line is in use by this very call")
            .consequence("the caller hears that the line is busy")
            .help("write the number of a person or another line")
    } else if (2..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("`{}` is an emergency or short number", number.text);
        Finding::error("dial-number", number.place, message)
            .label("cannot be dialled from a flow (13223)")
            .consequence("nobody answers, and the caller loses time")
            .help("tell the caller to dial it from the telephone, and write a full number here")
    } else {
        return;
    };
    findings.push(finding.category("policy"));
}
