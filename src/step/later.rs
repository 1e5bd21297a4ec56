//! Kinds of the language that this version does not run. A flow that uses one is refused, never silent at call time.

use super::{Kind, ReadKind, Stands};
use crate::flow::Finding;
use serde_json::{Value, json};

pub(super) const REPLY: Kind = later("reply", "answers a message (not in this version)", |node, cx, _| {
    refuse("reply", node, cx)
});
pub(super) const ASK: Kind = later(
    "ask",
    "asks by message and waits (not in this version)",
    |node, cx, _| refuse("ask", node, cx),
);
pub(super) const PAYMENT_LINK: Kind = later(
    "payment_link",
    "creates a payment link (not in this version)",
    |node, cx, _| refuse("payment_link", node, cx),
);

const fn later(name: &'static str, about: &'static str, read: ReadKind) -> Kind {
    Kind {
        name,
        about,
        place: Stands::InMessages,
        read,
        schema,
    }
}

fn schema() -> Value {
    json!({"description": "Not in this version: `engine validate` refuses it."})
}

fn refuse(
    name: &str,
    node: &crate::flow::Node,
    cx: &mut crate::flow::Reader,
) -> Option<Box<dyn crate::call::StepKind>> {
    cx.report(
        Finding::error(
            "not-available-yet",
            cx.place(node.span),
            format!("`{name}` is not available in this version"),
        )
        .label("cannot run")
        .help("remove the step, or send a message with `whatsapp` or `sms`"),
    );
    None
}
