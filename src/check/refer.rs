//! `refer`: the carrier hands over calls that came by SIP, and ends every other.

use crate::compile::Compiled;
use crate::flow::{Condition, Finding, Findings};

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    let whens = flow
        .steps
        .iter()
        .filter_map(|step| step.when.as_ref().map(|(when, _)| when));
    let conditions = flow.steps.iter().flat_map(|step| step.kind.touches().conditions);
    if whens.chain(conditions).any(asks_where_from) {
        return;
    }
    for step in flow.steps.iter().filter(|step| step.kind.name() == "refer") {
        findings.push(
            Finding::warning(
                "refer-without-sip",
                step.place.clone(),
                "calls are handed over here that may not have come by SIP",
            )
            .category("policy")
            .label("works on SIP calls only")
            .consequence("the carrier ends any other call here (13801), and no outcome of the step is taken")
            .help("lead other calls to a `dial` before: `choose: {sip: \"'sip:' in call.from\"}`"),
        );
    }
}

/// Whether it can tell a SIP address from a telephone number.
fn asks_where_from(condition: &Condition) -> bool {
    let mut uses = condition.uses().iter();
    uses.any(|one| matches!(one.path.as_slice(), [top, name, ..] if top == "call" && name == "from"))
}
