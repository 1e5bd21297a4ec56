//! Times that contradict each other: watchdogs longer than the silence that is allowed, and waits that outlast them.

use super::written::{self, Written, lasting, millis_in};
use crate::call::Flow;
use crate::compile::Compiled;
use crate::flow::{Document, Finding, Findings, Node, Place};

/// The watchdog where none is written, in milliseconds.
const START: u64 = 6_000;
const MEDIA: u64 = 6_000;
const REPLY: u64 = 8_000;
/// `converse` gives up so long before the silence that is allowed is over, in milliseconds.
const FALLBACK: u64 = 1_000;
/// How long an action may take where nothing is written, and a try of an `http` step, in milliseconds.
const ACTION: u64 = 8_000;
const TRY: u64 = 5_000;
/// How long words of an action's own bridge, at least, in milliseconds.
const WORDS: u64 = 2_000;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    for step in written::all(compiled).iter().filter(|one| one.kind == "converse") {
        watchdog(step, flow, findings);
        let Some(name) = step.text_or_short("agent") else {
            continue;
        };
        let reply = step
            .body
            .key("watchdog")
            .and_then(|watchdog| millis_in(watchdog, "reply"));
        let reply = reply
            .unwrap_or(REPLY)
            .min(flow.limits.silence.saturating_sub(FALLBACK))
            .max(FALLBACK);
        if let Some((document, agent)) = agent(compiled, name.text) {
            let wait = Wait { document, agent, reply };
            wait.actions(findings);
            wait.fallbacks(findings);
        }
    }
}

fn watchdog(step: &Written<'_>, flow: &Flow, findings: &mut Findings) {
    let silence = flow.limits.silence;
    let written = step.body.key("watchdog");
    let value = |key: &str| written.and_then(|watchdog| millis_in(watchdog, key));
    let place = |key: &str| {
        let node = written.and_then(|watchdog| watchdog.key(key));
        node.map_or_else(|| step.place.clone(), |node| step.at(node))
    };
    for (key, default, what) in [
        ("start", START, "until the stream has started"),
        ("media", MEDIA, "without a sound of the caller's line"),
    ] {
        let limit = value(key).unwrap_or(default);
        if limit > silence {
            let (limit, silence) = (lasting(limit), lasting(silence));
            findings.push(
                Finding::warning(
                    "watchdog-too-long",
                    place(key),
                    format!("`watchdog.{key}` waits {limit} {what}, and `limits.silence` is {silence}"),
                )
                .category("policy")
                .label("longer than the silence that is allowed")
                .consequence(format!("a caller whose stream fails hears nothing for {limit}"))
                .help(format!(
                    "write `{key}: {silence}` or less, or a longer `limits: {{silence: …}}`"
                )),
            );
        }
    }
    let longest = silence.saturating_sub(FALLBACK);
    if let Some(reply) = value("reply").filter(|reply| *reply > longest) {
        findings.push(
            Finding::warning(
                "watchdog-too-long",
                place("reply"),
                format!(
                    "`watchdog.reply` is {}, and the engine gives up after {} already",
                    lasting(reply),
                    lasting(longest)
                ),
            )
            .category("policy")
            .label("a second below `limits.silence` counts")
            .help(format!(
                "write `reply: {}` or less, or a longer `limits: {{silence: …}}`",
                lasting(longest)
            )),
        );
    }
}

/// The agent of that name, as it is written.
fn agent<'a>(compiled: &'a Compiled, name: &str) -> Option<(&'a Document, &'a Node)> {
    compiled.documents.iter().find_map(|document| {
        let agent = document.root.as_ref()?.key("agents")?.key(name)?;
        Some((document, agent))
    })
}

struct Wait<'a> {
    document: &'a Document,
    agent: &'a Node,
    /// After so long without a sound the conversation is given up.
    reply: u64,
}

impl Wait<'_> {
    fn at(&self, node: &Node) -> Place {
        Place::new(&self.document.source, node.span)
    }

    /// What an agent does while nobody speaks.
    fn actions(&self, findings: &mut Findings) {
        // A model that speaks by itself bridges the wait with words of its own.
        if self.agent.key("realtime").is_some() {
            return;
        }
        let filler = self.agent.key("filler");
        let speaks = |node: &Node| node.key("play").is_some() || node.key("say").is_some();
        let again = filler
            .filter(|filler| speaks(filler))
            .map(|filler| millis_in(filler, "again").unwrap_or(7_000));
        for action in self.agent.key("actions").and_then(Node::as_map).unwrap_or_default() {
            let Some(work) = action.value.key("do") else { continue };
            let longest = longest(&action.value, work);
            let bridged = match again {
                Some(again) if again <= self.reply => continue,
                Some(_) => self.reply.saturating_add(WORDS),
                None if action.value.key("say").is_some() => self.reply.saturating_add(WORDS),
                None => self.reply,
            };
            if longest < bridged {
                continue;
            }
            let (longest, reply) = (lasting(longest), lasting(self.reply));
            let finding = Finding::warning(
                "slow-action",
                Place::new(&self.document.source, action.key.span),
                format!(
                    "`{}` may take {longest}, and after {reply} of silence the conversation is given up",
                    action.key.text
                ),
            )
            .category("policy")
            .label("nobody says anything meanwhile")
            .consequence("the caller hears nothing, and then the fallback");
            findings.push(match filler.filter(|_| again.is_some()) {
                Some(filler) => finding
                    .related(self.at(filler), "comes again too late")
                    .help(format!("write `again: {reply}` or less in `filler`, or a shorter `timeout`")),
                None => finding.help("give the agent a `filler`, such as `filler: {say: \"One moment, please.\"}`, or the action a shorter `timeout`"),
            });
        }
    }

    /// A second provider helps only where there is time left to ask it.
    fn fallbacks(&self, findings: &mut Findings) {
        for part in ["think", "speak"] {
            let Some(node) = self.agent.key(part).filter(|node| node.key("fallback").is_some()) else {
                continue;
            };
            let Some(timeout) = node
                .key("timeout")
                .filter(|_| millis_in(node, "timeout").is_some_and(|timeout| timeout >= self.reply))
            else {
                continue;
            };
            findings.push(
                Finding::warning(
                    "fallback-too-late",
                    self.at(timeout),
                    format!(
                        "`{part}` waits for its first provider until the conversation is given up, after {}",
                        lasting(self.reply)
                    ),
                )
                .category("policy")
                .label("no time is left for `fallback`")
                .consequence("a provider that stalls costs the caller the conversation")
                .help(format!(
                    "write about half of it: `timeout: {}`",
                    lasting((self.reply / 2).max(500))
                )),
            );
        }
    }
}

/// How long what an action does can take, in milliseconds.
fn longest(action: &Node, work: &Node) -> u64 {
    let allowed = millis_in(action, "timeout").unwrap_or(ACTION);
    let own = match work.as_map().and_then(|entries| entries.first()) {
        Some(entry) if entry.key.text == "http" => {
            let retries = entry.value.key("retries").and_then(Node::scalar);
            let retries = retries
                .and_then(|retries| retries.text.parse::<u64>().ok())
                .unwrap_or(0);
            let one = millis_in(&entry.value, "timeout").unwrap_or(TRY);
            one.saturating_mul(retries.saturating_add(1))
        }
        // These write to the engine's own store.
        Some(entry) if ["contact", "interaction", "set"].contains(&entry.key.text.as_str()) => 0,
        _ => u64::MAX,
    };
    allowed.min(own)
}
