//! A conversation as the explorer sees it: its exits, its wishes, and for how long nothing is heard in it.

use crate::call::{Agent, Providers, Talker};
use crate::talk::Stage;
use crate::talk::agent::{FIRST_SOUND, TAKING_OVER};
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
    /// While the caller says nothing, and the voice that is to speak to them then does not come: the conversation has
    /// failed. None where no voice is needed for that.
    pub mute: Option<u64>,
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
                mute: None,
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
                mute: voice(agent, providers, reply).map(|late| plan.idle.after.saturating_add(late)),
                answer: turn(providers),
                longest: reply,
            }
        }
    }
}

/// The silence that ends a turn at most: half a sentence is waited for longer, and so are further keys.
fn turn(providers: &Providers) -> u64 {
    let plan = &providers.plan;
    // The carrier, or the model itself, tells when a turn is over.
    if providers.by_carrier || providers.realtime.is_some() {
        return plan.listen.silence;
    }
    let speech = if plan.transcribes { plan.listen.hard } else { 0 };
    speech.max(plan.listen.silence).max(plan.keys.between)
}

/// How late the words for a silent caller can come until they are given up; none where there are none, or a sound.
fn voice(agent: &Agent, providers: &Providers, reply: u64) -> Option<u64> {
    let plan = &providers.plan;
    let line = plan.idle.line.as_ref().filter(|_| plan.idle.times > 0)?;
    let has_sound = |clip: usize| agent.clips.get(clip).is_some_and(|path| !path.is_empty());
    if providers.by_carrier || line.clip.is_some_and(has_sound) {
        return None;
    }
    let waits = &plan.waits;
    if providers.realtime.is_some() {
        return Some(waits.first_token.saturating_add(waits.first_audio).min(reply));
    }
    // Whoever takes over is given as long as is usual.
    let spec = providers.spec(Stage::Speak)?;
    let first = spec.timeout.unwrap_or(FIRST_SOUND);
    let second = spec.fallback.as_ref().map_or(0, |_| FIRST_SOUND);
    let all = first.saturating_add(second).saturating_add(TAKING_OVER);
    Some(all.max(waits.first_audio).min(reply))
}
