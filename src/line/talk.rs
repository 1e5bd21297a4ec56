//! Puts a conversation together: the machine that takes turns, its sounds, and the providers that serve it.

use super::engine::Engine;
use super::flows::Version;
use super::staff::Serving;
use super::wishes::{Names, Wishes};
use crate::call::{Agent, CallId, Conversing, Opening};
use crate::media::Crew;
use crate::pipeline;
use crate::talk::Clip;
use std::sync::Arc;

/// The conversation that the call machine has admitted.
pub(super) struct Wanted {
    /// Who talks.
    pub agent: String,
    /// What that one is told, with this call's data.
    pub instructions: String,
    /// The longest time without a sound while an answer is due, in milliseconds.
    pub reply: u64,
    /// How long nothing has been heard, in milliseconds.
    pub quiet: u64,
    /// About how long the carrier speaks before the agent is heard, in milliseconds.
    pub welcome: u64,
    /// Whether the sound of both sides is kept.
    pub record: bool,
}

/// Where a conversation takes place.
pub(super) struct Setting<'a> {
    pub flow: &'a Version,
    pub agent: &'a Agent,
    pub clips: &'a [Clip],
    pub call: &'a CallId,
    pub stream_sid: &'a str,
    /// The carrier listens and speaks.
    pub by_text: bool,
}

/// The conversation of one call. Errors say why it cannot begin.
pub(super) fn conversation(
    engine: &Arc<Engine>,
    setting: &Setting<'_>,
    wanted: Wanted,
) -> Result<(Conversing, Option<Crew>), String> {
    let &Setting {
        flow,
        agent,
        clips,
        call,
        stream_sid,
        by_text,
    } = setting;
    let mut opening = Opening {
        instructions: wanted.instructions,
        reply: wanted.reply,
        quiet: wanted.quiet,
        welcome: wanted.welcome,
        by_text,
        waits: None,
        activity: None,
    };
    let Some(providers) = agent.providers() else {
        return Ok((agent.talker(clips, opening)?, None));
    };
    let serving: Arc<Serving> = flow.serving(&agent.name, || engine.serving(providers))?;
    let mut staff = serving.staff.clone();
    staff.doer = Some(Arc::new(Wishes {
        engine: Arc::clone(engine),
        call: call.clone(),
        names: Names::new(stream_sid),
    }));
    // What its providers log is known to be of this call.
    let span = tracing::info_span!("talk", call_sid = %call);
    let crew = span.in_scope(|| pipeline::begin(&staff, &opening.instructions));
    opening.waits = Some(serving.waits(&providers.plan.waits));
    Ok((agent.talker(clips, opening)?, Some(crew)))
}
