//! Puts a conversation together: the machine that takes turns, its sounds, and the providers that serve it.

use super::engine::Engine;
use super::flows::Version;
use super::staff::Serving;
use super::wishes::{Names, Wishes};
use crate::call::{self, Agent, CallId};
use crate::media::Crew;
use crate::pipeline;
use crate::talk::agent::{Conversation, Plan};
use crate::talk::live::LiveConversation;
use crate::talk::relay::{Answering, Relayed, TextTalk};
use crate::talk::script::Script;
use crate::talk::scripted::Scripted;
use crate::talk::{Clip, Talk};
use std::sync::Arc;

/// A conversation, as its socket carries it.
pub(super) enum Talker {
    Sound(Box<dyn Talk>),
    Text(Box<dyn TextTalk>),
}

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

/// The script for a caller who has heard nothing for so long.
fn after(script: &Arc<Script>, quiet: u64) -> Arc<Script> {
    match quiet {
        0 => Arc::clone(script),
        _ => Arc::new(Script {
            quiet_before: quiet,
            ..(**script).clone()
        }),
    }
}

/// The conversation of one call. Errors say why it cannot begin.
pub(super) fn conversation(
    engine: &Arc<Engine>,
    setting: &Setting<'_>,
    wanted: Wanted,
) -> Result<(Talker, Option<Crew>), String> {
    let &Setting {
        flow,
        agent,
        clips,
        call,
        stream_sid,
        by_text,
    } = setting;
    let providers = match &agent.talker {
        call::Talker::Scripted(script) if by_text => {
            let talk = Relayed::new(after(script, wanted.quiet), clips).map_err(|error| error.to_string())?;
            return Ok((Talker::Text(Box::new(talk)), None));
        }
        call::Talker::Scripted(script) => {
            let talk = Scripted::new(after(script, wanted.quiet), clips).map_err(|error| error.to_string())?;
            return Ok((Talker::Sound(Box::new(talk)), None));
        }
        call::Talker::Providers(providers) => providers,
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
    let crew = span.in_scope(|| pipeline::begin(&staff, &wanted.instructions));
    let plan = Arc::new(Plan {
        reply: wanted.reply,
        quiet_before: wanted.quiet,
        waits: serving.waits(&providers.plan.waits),
        ..(*providers.plan).clone()
    });
    let instructions = wanted.instructions;
    let talk = match (by_text, &providers.realtime) {
        (true, _) => Answering::new(plan, clips, instructions).map(|talk| Talker::Text(Box::new(talk))),
        (false, None) => Conversation::new(plan, clips, instructions).map(|talk| Talker::Sound(Box::new(talk))),
        (false, Some(_)) => LiveConversation::new(plan, clips).map(|talk| Talker::Sound(Box::new(talk))),
    };
    Ok((talk.map_err(|error| error.to_string())?, Some(crew)))
}
