//! The names that templates and conditions can use, and whether they are provided.

use crate::flow::{Finding, Findings, Use, nearest};
use std::collections::BTreeSet;

/// What is provided under each of the top names.
#[derive(Clone, Debug)]
pub struct Names {
    /// Variables that some step sets.
    pub vars: BTreeSet<String>,
}

/// The fields of `call`.
const CALL: [&str; 14] = [
    "sid",
    "flow",
    "from",
    "to",
    "direction",
    "country",
    "city",
    "caller_name",
    "status",
    "started",
    "seconds",
    "recordings",
    "watchdog",
    "end_reason",
];

const TOP: [&str; 5] = ["call", "vars", "contact", "step", "now"];

/// The names that a flow with these variables provides.
pub fn names(vars: BTreeSet<String>) -> Names {
    Names { vars }
}

impl Names {
    /// Reports a use of something that nothing provides.
    pub(super) fn check(&self, one: &Use, findings: &mut Findings) {
        let place = one.place.clone();
        let mut path = one.path.iter().map(String::as_str);
        let Some(top) = path.next() else { return };
        let field = path.next();
        let (missing, near, list): (String, Option<String>, String) = match (top, field) {
            ("call", Some(field)) if !CALL.contains(&field) => (
                format!("call.{field}"),
                nearest(field, CALL).map(|near| format!("call.{near}")),
                CALL.map(|name| format!("call.{name}")).join(", "),
            ),
            ("vars", Some(field)) if !one.optional && !self.vars.contains(field) => (
                format!("vars.{field}"),
                nearest(field, self.vars.iter().map(String::as_str)).map(|near| format!("vars.{near}")),
                self.vars
                    .iter()
                    .map(|name| format!("vars.{name}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            (top, _) if !TOP.contains(&top) => (top.to_owned(), nearest(top, TOP).map(str::to_owned), TOP.join(", ")),
            _ => return,
        };
        let finding = Finding::error("undeclared-variable", place, format!("nothing provides `{missing}`"))
            .label(if list.is_empty() {
                "no step sets any variable".to_owned()
            } else {
                format!("available: {list}")
            })
            .consequence("the step would fail and the caller be sent to the fallback");
        findings.push(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("set it in a step before, or write `{missing} | default('')`")),
        });
    }
}
