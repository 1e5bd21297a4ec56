//! Puts an agent's conversation together: the machine that takes turns, as the engine and as a test begin it.

use super::agent::{Agent, Talker};
use crate::audio::vad::VadConfig;
use crate::talk::agent::{Conversation, Plan, Waits};
use crate::talk::live::LiveConversation;
use crate::talk::relay::{Answering, Relayed, TextTalk};
use crate::talk::script::Script;
use crate::talk::scripted::Scripted;
use crate::talk::{Clip, Talk};
use std::sync::Arc;

/// A conversation, as its socket carries it.
pub enum Conversing {
    /// By sound.
    Sound(Box<dyn Talk>),
    /// By text: the carrier listens and speaks.
    Text(Box<dyn TextTalk>),
}

impl std::fmt::Debug for Conversing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sound(_) => "Conversing::Sound",
            Self::Text(_) => "Conversing::Text",
        })
    }
}

/// How a conversation begins.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// What the agent is told, with this call's data.
    pub instructions: String,
    /// The longest time without a sound while an answer is due, in milliseconds.
    pub reply: u64,
    /// How long nothing has been heard, in milliseconds.
    pub quiet: u64,
    /// About how long the carrier speaks before the agent is heard, in milliseconds.
    pub welcome: u64,
    /// Whether the carrier listens and speaks.
    pub by_text: bool,
    /// How long providers are waited for, where that is not the plan's own.
    pub waits: Option<Waits>,
    /// How speech is told from noise, where that is not the plan's own.
    pub activity: Option<VadConfig>,
}

impl Agent {
    /// The conversation of one call.
    ///
    /// # Errors
    /// Why it cannot begin: the agent does not fit its sounds.
    pub fn talker(&self, clips: &[Clip], opening: Opening) -> Result<Conversing, String> {
        let providers = match &self.talker {
            Talker::Scripted(script) => {
                let script = after(script, &opening);
                return if opening.by_text {
                    let talk = Relayed::new(script, clips).map_err(|error| error.to_string())?;
                    Ok(Conversing::Text(Box::new(talk)))
                } else {
                    let talk = Scripted::new(script, clips).map_err(|error| error.to_string())?;
                    Ok(Conversing::Sound(Box::new(talk)))
                };
            }
            Talker::Providers(providers) => providers,
        };
        let mut plan = Plan {
            reply: opening.reply,
            quiet_before: opening.quiet,
            welcome: opening.welcome,
            ..(*providers.plan).clone()
        };
        if let Some(waits) = opening.waits {
            plan.waits = waits;
        }
        if let Some(activity) = opening.activity {
            plan.listen.activity = activity;
        }
        let plan = Arc::new(plan);
        let talk = match (opening.by_text, &providers.realtime) {
            (true, _) => Answering::new(plan, clips, opening.instructions).map(|talk| Conversing::Text(Box::new(talk))),
            (false, None) => {
                Conversation::new(plan, clips, opening.instructions).map(|talk| Conversing::Sound(Box::new(talk)))
            }
            (false, Some(_)) => LiveConversation::new(plan, clips).map(|talk| Conversing::Sound(Box::new(talk))),
        };
        talk.map_err(|error| error.to_string())
    }
}

/// The script for a caller who has heard nothing for so long, and hears the carrier first.
fn after(script: &Arc<Script>, opening: &Opening) -> Arc<Script> {
    match (opening.quiet, opening.welcome) {
        (0, 0) => Arc::clone(script),
        (quiet_before, welcome) => Arc::new(Script {
            quiet_before,
            welcome,
            ..(**script).clone()
        }),
    }
}
