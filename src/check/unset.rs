//! Follow-ups run however a call ended: also where the caller left before any step set what they use.

use crate::compile::Compiled;
use crate::flow::{Finding, Findings};
use std::collections::BTreeSet;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    let mut set = BTreeSet::new();
    for item in &flow.after_call {
        let touches = item.kind.touches();
        // A condition of the item's own is taken to ask for what the item needs.
        let uses = touches.templates.iter().filter(|_| item.when.is_none());
        for one in uses.flat_map(|template| template.uses()) {
            let [top, name, ..] = one.path.as_slice() else { continue };
            if top != "vars" || one.optional || set.contains(name) {
                continue;
            }
            findings.push(
                Finding::warning(
                    "unset-after-call",
                    one.place.clone(),
                    format!("`vars.{name}` may never have been set when the call ends"),
                )
                .category("graph")
                .label("a caller can leave before any step sets it")
                .consequence("the follow-up would not be done")
                .help(format!("write `vars.{name} | default('')`, or give the item a `when`")),
            );
        }
        set.extend(touches.sets);
    }
}
