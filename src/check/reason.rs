//! Numbers that are allowed and that no caller can live with: too short to act in, too long to wait for, too often.

use super::written::{self, Written, lasting};
use crate::compile::Compiled;
use crate::flow::{Document, Duration, Finding, Findings, Node, Place};

/// What is bounded: lengths of time in milliseconds, or how often something is done.
enum Reason {
    AtLeast(u64),
    AtMost(u64),
    Times(u64, u64),
}

/// The keys that lead to a number, what is within reason, and what a caller would notice otherwise.
type Rule = (&'static [&'static str], Reason, &'static str);

/// Below this a call is over before anything has been said, in milliseconds. Then nothing else is told of its length.
pub(super) const SHORTEST_CALL: u64 = 30_000;
/// How long a try of an `http` step takes at most where nothing is written, in milliseconds.
const TRY: u64 = 5_000;
/// A step that waits gives up so long before the silence that is allowed is over, in milliseconds.
const HOLD: u64 = 1_000;

const OF_FLOW: &[Rule] = &[
    (
        &["limits", "call"],
        Reason::AtLeast(SHORTEST_CALL),
        "the engine hangs up before anything has been said",
    ),
    (
        &["limits", "silence"],
        Reason::AtMost(30_000),
        "a caller may be left in silence for so long, and nobody waits so long",
    ),
];

const OF_STEP: &[(&str, &[Rule])] = &[
    ("play", &[(&["times"], Reason::Times(1, 30), ON_AND_ON)]),
    ("say", &[(&["times"], Reason::Times(1, 30), ON_AND_ON)]),
    (
        "gather",
        &[
            (
                &["timeout"],
                Reason::AtLeast(1_000),
                "nobody can press a key so quickly",
            ),
            (
                &["tries"],
                Reason::Times(0, 10),
                "the caller hears the same question over and over",
            ),
        ],
    ),
    (
        "record",
        &[
            (
                &["silence"],
                Reason::AtLeast(1_000),
                "the message ends at the caller's first breath",
            ),
            (
                &["max"],
                Reason::AtLeast(5_000),
                "the caller is cut off in the first sentence",
            ),
        ],
    ),
    (
        "dial",
        &[
            (&["timeout"], Reason::AtLeast(5_000), "nobody can answer so quickly"),
            (
                &["limit"],
                Reason::AtLeast(30_000),
                "the two are cut off in their first sentences",
            ),
            (
                &["screen", "timeout"],
                Reason::AtLeast(2_000),
                "nobody can press a key so quickly",
            ),
        ],
    ),
    (
        "converse",
        &[
            (&["watchdog", "start"], Reason::AtLeast(1_000), WATCHDOG),
            (&["watchdog", "media"], Reason::AtLeast(1_000), WATCHDOG),
            (&["watchdog", "reply"], Reason::AtLeast(1_000), WATCHDOG),
        ],
    ),
    ("relay", &[(&["start"], Reason::AtLeast(1_000), WATCHDOG)]),
    ("stream", &[(&["start"], Reason::AtLeast(1_000), WATCHDOG)]),
    (
        "http",
        &[(
            &["timeout"],
            Reason::AtLeast(100),
            "the service is given up before it can answer",
        )],
    ),
];

const OF_AGENT: &[Rule] = &[
    (
        &["idle", "after"],
        Reason::AtLeast(2_000),
        "the caller is asked whether anybody is there while still thinking",
    ),
    (
        &["idle", "times"],
        Reason::Times(0, 10),
        "a line that somebody forgot to hang up stays open and is asked again and again",
    ),
    (
        &["barge_in", "after"],
        Reason::AtMost(3_000),
        "the caller speaks, and the agent goes on speaking",
    ),
    (&["think", "timeout"], Reason::AtLeast(300), GIVEN_UP),
    (&["speak", "timeout"], Reason::AtLeast(200), GIVEN_UP),
    (&["realtime", "timeout"], Reason::AtLeast(300), GIVEN_UP),
    (
        &["longest"],
        Reason::AtLeast(10_000),
        "the conversation is over before the caller has said anything",
    ),
];

const ON_AND_ON: &str = "the caller hears the same until the call's limit, and the flow never goes on";
const WATCHDOG: &str = "conversations that would have worked are given up, and the caller goes to the fallback";
const GIVEN_UP: &str = "the provider is given up before it can answer, and the caller gets the fallback";

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    // The limits of a flow that others run are not those of a call.
    if let Some((document, root)) = compiled
        .documents
        .iter()
        .find_map(|one| Some((one, one.root.as_ref()?)))
    {
        judge(document, root, OF_FLOW, findings);
    }
    for step in written::all(compiled) {
        let rules = OF_STEP.iter().find(|(kind, _)| *kind == step.kind);
        if let Some((_, rules)) = rules {
            judge(step.document, step.body, rules, findings);
        }
        if step.kind == "http" {
            service(&step, flow.limits.silence, findings);
        }
    }
    for document in &compiled.documents {
        let agents = document.root.as_ref().and_then(|root| root.key("agents"));
        for agent in agents.and_then(Node::as_map).unwrap_or_default() {
            judge(document, &agent.value, OF_AGENT, findings);
        }
    }
}

/// What a service is asked: for how long, and what its answers can be.
fn service(step: &Written<'_>, silence: u64, findings: &mut Findings) {
    for status in step.body.key("statuses").and_then(Node::as_map).unwrap_or_default() {
        let known = |number: u16| (100..600).contains(&number);
        let text = status.value.scalar().map_or("", |scalar| scalar.text.as_str());
        if text.parse().is_ok_and(known) {
            continue;
        }
        findings.push(
            Finding::warning(
                "out-of-reason",
                step.at(&status.value),
                format!("no service answers with the status {text}"),
            )
            .category("policy")
            .label("not between 100 and 599")
            .consequence(format!(
                "`{}` never happens; such an answer is `failed`",
                status.key.text
            ))
            .help("write the status of HTTP, such as 404"),
        );
    }
    // After a call nobody waits.
    if step.step.is_none() {
        return;
    }
    let tries = step.number("retries").unwrap_or(0).saturating_add(1);
    let whole = step.millis("timeout").unwrap_or(TRY).saturating_mul(tries);
    let longest = silence.saturating_sub(HOLD);
    if whole <= longest {
        return;
    }
    let place = if step.body.key("timeout").is_some() {
        "timeout"
    } else {
        "retries"
    };
    findings.push(
        Finding::warning(
            "out-of-reason",
            step.place_of(place),
            format!(
                "this may take {}, and the caller waits for {}",
                lasting(whole),
                lasting(longest)
            ),
        )
        .category("policy")
        .label("longer than `limits.silence` lets a caller wait")
        .consequence(format!(
            "after {} the step has `failed`, whatever the service would have answered",
            lasting(longest)
        ))
        .help("write a shorter `timeout` or fewer `retries`: each try takes up to `timeout`"),
    );
}

fn judge(document: &Document, body: &Node, rules: &[Rule], findings: &mut Findings) {
    for (keys, reason, consequence) in rules {
        let node = keys.iter().try_fold(body, |node, key| node.key(key));
        let (Some(node), Some(key)) = (node, keys.last()) else {
            continue;
        };
        let Some(text) = node.scalar().map(|scalar| scalar.text.as_str()) else {
            continue;
        };
        let length = || Duration::parse(text).map(Duration::as_millis);
        let (message, label, help) = match reason {
            Reason::AtLeast(least) => match length() {
                Some(length) if length < *least => (
                    format!("`{key}` is only {text}"),
                    "too short to act in",
                    format!("write `{key}: {}` or more", lasting(*least)),
                ),
                _ => continue,
            },
            Reason::AtMost(most) => match length() {
                Some(length) if length > *most => (
                    format!("`{key}` is {text}"),
                    "longer than any caller waits",
                    format!("write `{key}: {}` or less", lasting(*most)),
                ),
                _ => continue,
            },
            Reason::Times(least, most) => match text.parse::<u64>() {
                Ok(times) if times < *least || times > *most => (
                    format!("`{key}` is {times}"),
                    if times < *least {
                        "0 means without end"
                    } else {
                        "oftener than any caller bears"
                    },
                    format!(
                        "write for example `{key}: {}`, at most {most}",
                        most.div_euclid(3).max(1)
                    ),
                ),
                _ => continue,
            },
        };
        findings.push(
            Finding::warning("out-of-reason", Place::new(&document.source, node.span), message)
                .category("policy")
                .label(label)
                .consequence(*consequence)
                .help(help),
        );
    }
}
