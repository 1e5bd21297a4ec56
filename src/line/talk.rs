//! Puts a conversation together: the machine that takes turns, its sounds, and the providers that serve it.

use super::engine::Engine;
use super::flows::Version;
use super::providers;
use super::wishes::{Names, Wishes};
use crate::audio::sound;
use crate::call::{self, Agent, CallId};
use crate::media::{Crew, Tape};
use crate::pipeline::{self, Named, Staff};
use crate::providers::speak::cache::Cached;
use crate::providers::{Service, listen, realtime, speak, think};
use crate::talk::agent::{Conversation, Plan};
use crate::talk::live::LiveConversation;
use crate::talk::relay::{Answering, Relayed, TextTalk};
use crate::talk::scripted::Scripted;
use crate::talk::{Clip, Facts, Stage, Talk};
use serde_json::{Map, Value};
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
            let talk = Relayed::new(Arc::clone(script), clips).map_err(|error| error.to_string())?;
            return Ok((Talker::Text(Box::new(talk)), None));
        }
        call::Talker::Scripted(script) => {
            let talk = Scripted::new(Arc::clone(script), clips).map_err(|error| error.to_string())?;
            return Ok((Talker::Sound(Box::new(talk)), None));
        }
        call::Talker::Providers(providers) => providers,
    };
    let mut staff = (*engine.staff(flow, agent, providers)?).clone();
    staff.doer = Some(Arc::new(Wishes {
        engine: Arc::clone(engine),
        call: call.clone(),
        names: Names::new(stream_sid),
    }));
    let crew = pipeline::begin(&staff, &wanted.instructions);
    let plan = Arc::new(Plan {
        reply: wanted.reply,
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

impl Engine {
    /// Who serves an agent: made once for a version of the flow, shared by its calls.
    fn staff(&self, flow: &Version, agent: &Agent, providers: &call::Providers) -> Result<Arc<Staff>, String> {
        if let Some(staff) = flow.staff(&agent.name) {
            return Ok(staff);
        }
        let directory = &self.providers;
        let services = |stage: Stage, spec: &Option<call::ServiceSpec>| {
            spec.as_ref()
                .map(|spec| directory.services(stage, spec))
                .unwrap_or_default()
        };
        let tools = providers.actions.iter().map(|action| think::Tool {
            name: action.name.clone(),
            description: action.description.clone(),
            parameters: action.parameters.clone(),
        });
        let voices = services(Stage::Speak, &providers.speak);
        let mut speak = providers::all(&voices, speak::speaker)?;
        self.warm(&voices, &speak, &providers.plan);
        for (named, service) in speak.iter_mut().zip(&voices) {
            let cached = Cached::new(Arc::clone(&named.provider), service, Arc::clone(&self.spoken));
            named.provider = Arc::new(cached);
        }
        let staff = Staff {
            listen: providers::all(&services(Stage::Listen, &providers.listen), listen::listener)?,
            think: providers::all(&services(Stage::Think, &providers.think), think::thinker)?,
            speak,
            live: providers::all(&services(Stage::Live, &providers.realtime), realtime::duplex)?,
            tools: tools.collect(),
            doer: None,
        };
        Ok(flow.keep_staff(&agent.name, staff))
    }

    /// Has the agent's fixed words spoken ahead, by its first voice.
    fn warm(&self, services: &[Service], voices: &[Named<dyn speak::Speaker>], plan: &Plan) {
        let (Some(service), Some(voice)) = (services.first(), voices.first()) else {
            return;
        };
        let texts: Vec<String> = plan.texts().map(str::to_owned).collect();
        let (cache, service, voice) = (Arc::clone(&self.spoken), service.clone(), Arc::clone(&voice.provider));
        tokio::spawn(async move {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            // Whoever needs them asks again and hears what is wrong.
            if let Err(error) = cache.prefetch(voice, &service, &texts).await {
                tracing::warn!(provider = service.name, %error, "the agent's fixed words are not prepared");
            }
        });
    }

    /// A recording of this call's conversation; none where it has one already, or the folder cannot be made.
    pub(super) fn tape(&self, call: &CallId) -> Option<Tape> {
        let folder = &self.config.recordings;
        if let Err(error) = std::fs::create_dir_all(folder) {
            tracing::error!(path = %folder.display(), %error, "there is no folder for recordings");
            return None;
        }
        // The id comes from the carrier; a file of its name must stay inside the folder.
        let name: String = call.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
        // A call may have several conversations.
        let names = (1..100).map(|n| {
            if n == 1 {
                format!("{name}.wav")
            } else {
                format!("{name}-{n}.wav")
            }
        });
        let path = names.map(|name| folder.join(name)).find(|path| !path.exists())?;
        let (tape, work) = Tape::create(path);
        tokio::spawn(work);
        Some(tape)
    }

    /// The sounds of an agent, decoded once per content and shared by all calls.
    pub(super) async fn clips(&self, flow: &Version, paths: &[String], texts: &[String]) -> Result<Vec<Clip>, String> {
        let mut clips = Vec::with_capacity(paths.len());
        for (path, text) in paths.iter().zip(texts) {
            let key = format!("{path}\0{text}\0{}", flow.flow.hash);
            let clip = match self.sockets.clip(&key) {
                Some(clip) => clip,
                None => {
                    let clip = Clip::new(self.decoded(path).await?, text.as_str());
                    self.sockets.keep_clip(key, clip.clone());
                    clip
                }
            };
            clips.push(clip);
        }
        Ok(clips)
    }

    async fn decoded(&self, path: &str) -> Result<Vec<u8>, String> {
        if path.is_empty() {
            // Words that the carrier speaks, where it does that.
            return Ok(Vec::new());
        }
        let roots = self.config.static_roots.iter();
        let file = roots.map(|root| root.join(path)).find(|file| file.is_file());
        let file = file.ok_or_else(|| format!("the sound `{path}` is not there"))?;
        let bytes = tokio::fs::read(&file)
            .await
            .map_err(|error| format!("the sound `{path}`: {error}"))?;
        match tokio::task::spawn_blocking(move || sound::decode(&bytes)).await {
            Ok(Ok(ulaw)) => Ok(ulaw),
            Ok(Err(error)) => Err(format!("the sound `{path}`: {error}")),
            Err(_) => Err(format!("the sound `{path}` cannot be decoded")),
        }
    }

    /// What a turn took, by name, with what it cost where prices are declared.
    pub(super) fn facts(&self, facts: Option<&Facts>) -> Map<String, Value> {
        let Some(facts) = facts else { return Map::new() };
        let Ok(Value::Object(mut named)) = serde_json::to_value(facts) else {
            return Map::new();
        };
        let prices = facts.provider.split(", ").filter_map(|name| self.providers.price(name));
        let usage = facts.usage.unwrap_or_default();
        let costs: Vec<f64> = prices
            .map(|price| {
                let tokens = f64::from(usage.prompt) * price.input + f64::from(usage.completion) * price.output;
                let characters = f64::from(facts.characters) * price.characters;
                (tokens + characters) / 1_000_000.0 + f64::from(facts.listened) / 60_000.0 * price.minute
            })
            .collect();
        if !costs.is_empty() {
            named.insert("cost".to_owned(), Value::from(costs.iter().sum::<f64>()));
        }
        named
    }
}
