//! A conversation as the explorer sees it: its exits, its wishes, and for how long nothing is heard in it.

use crate::call::{Agent, Talker};
use std::sync::Arc;

/// How long nothing is heard in a conversation, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    /// Whether the agent speaks first.
    pub greets: bool,
    /// While the caller says nothing.
    pub idle: u64,
    /// The exit where the caller goes on saying nothing.
    pub idle_exit: Arc<str>,
    /// Before an answer, where all is well.
    pub answer: u64,
    /// Before an answer at worst: then the conversation has failed.
    pub longest: u64,
}

/// The bounds of this agent's conversations; `reply` is the call machine's own bound for an answer.
pub(super) fn quiet(agent: &Agent, reply: u64) -> Quiet {
    match &agent.talker {
        Talker::Scripted(script) => {
            // Only keys, waited for one after another, take longer than the pause that ends a turn.
            let answer = script.end_of_turn.max(script.between_keys);
            Quiet {
                greets: script.greeting.is_some(),
                idle: script.idle.after,
                idle_exit: script.idle.exit.clone(),
                answer,
                longest: answer,
            }
        }
        Talker::Providers(providers) => {
            let plan = &providers.plan;
            Quiet {
                greets: plan.greeting.is_some() || providers.by_carrier,
                idle: plan.idle.after,
                idle_exit: plan.idle.exit.clone(),
                answer: plan.listen.silence,
                longest: reply,
            }
        }
    }
}
