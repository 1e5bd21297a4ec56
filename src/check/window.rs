//! WhatsApp's 24 hours: free text reaches only people who wrote a short while ago.

use crate::compile::Compiled;
use crate::flow::{Finding, Findings};

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    let in_calls = flow.steps.iter().map(|step| (&step.kind, &step.place));
    let after = flow.after_call.iter().map(|item| (&item.kind, &item.place));
    for (kind, place) in in_calls.chain(after) {
        if kind.name() == "whatsapp" && kind.touches().messages.is_empty() {
            findings.push(
                Finding::warning(
                    "whatsapp-window",
                    place.clone(),
                    "free text goes to somebody who may never have written",
                )
                .category("policy")
                .label("no `template`")
                .consequence("the message would be accepted and never delivered (63016)")
                .help("use `template:` with a text under `templates/whatsapp/`"),
            );
        }
    }
}
