//! `relay`: the carrier does the speech, the agent works with text (ConversationRelay).

use super::{Kind, Stands};
use crate::call::{Cx, Next, Outcome, Route, StepError, StepKind, Stream, StreamPhase, Touches, WaitOn};
use crate::flow::{Duration, FromYaml, Located, Template, form};
use crate::twiml::Verb;
use serde_json::json;

form! {
    /// Lets an agent talk with the caller while the carrier recognises and speaks.
    pub struct Form shorthand agent {
        /// One of the flow's `agents`.
        agent: Located<String>,
        /// What the carrier says first.
        welcome: Option<Template>,
        /// The language, such as `he-IL`. Default: the flow's locale.
        language: Option<String>,
        /// The carrier's voice.
        voice: Option<String>,
        /// Who speaks: `Google`, `Amazon` or `ElevenLabs`.
        speaker: Option<String>,
        /// Who recognises: `Google` or `Deepgram`.
        recogniser: Option<String>,
        /// The session must have started by then.
        start: Duration = Duration::from_millis(6_000),
        /// The longest time without a sign of the carrier.
        quiet: Duration = Duration::from_millis(60_000),
    }
}

pub(super) const KIND: Kind = Kind {
    name: "relay",
    about: "lets an agent talk by text while the carrier recognises and speaks",
    place: Stands::InCall,
    read: |node, cx, known| {
        let form = Form::from_yaml(node, cx)?;
        let exits = known.exits(&form.agent.value).unwrap_or_default();
        Some(Box::new(Relay { form, exits }))
    },
    schema: Form::schema,
};

/// The outcomes every conversation has, beside its agent's exits.
const COMMON: [&str; 5] = ["completed", "no_stream_start", "no_media", "no_reply", "failed"];

#[derive(Debug)]
struct Relay {
    form: Form,
    exits: Vec<String>,
}

impl StepKind for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        conversation_outcomes(&self.exits)
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let welcome = self.form.welcome.as_ref().map(|welcome| cx.text(welcome)).transpose()?;
        let said = welcome.as_deref().filter(|words| !words.trim().is_empty());
        let greets = said.map_or(0, |words| cx.speech_millis(words));
        let ticket = cx.ticket(Route::StreamEnded);
        let token = cx.token(ticket);
        let language = self.form.language.clone().unwrap_or_else(|| cx.locale().to_owned());
        cx.verb(
            Verb::new("relay")
                .with("route", ticket.route.path())
                .with("n", ticket.n)
                .with("path", "/ws/twilio-relay")
                .with("welcome", welcome)
                .with("language", language)
                .with("voice", self.form.voice.clone())
                .with("tts_provider", self.form.speaker.clone())
                .with("transcription_provider", self.form.recogniser.clone())
                .with("dtmf_detection", true)
                // Without them a caller who talks for long looks like one who says nothing.
                .with("partial_prompts", true)
                .with(
                    "parameters",
                    json!({"call_sid": cx.facts().id.as_str(), "token": token}),
                ),
            0,
        );
        let start = self.form.start.as_millis();
        let agent = Some(self.form.agent.value.clone());
        let media = self.form.quiet.as_millis();
        let stream = Stream {
            token,
            agent,
            start,
            media,
            reply: 8_000,
            welcome: greets,
            record: false,
            phase: StreamPhase::Pending,
        };
        Ok(cx.wait(ticket, start, WaitOn::Stream(stream)))
    }

    fn touches(&self) -> Touches<'_> {
        let templates = self.form.welcome.iter().collect();
        Touches {
            agents: vec![&self.form.agent],
            templates,
            ..Touches::default()
        }
    }
}

/// The outcomes of a conversation: the common ones, and each exit that its agent declares.
pub(super) fn conversation_outcomes(exits: &[String]) -> Vec<Outcome> {
    let mut all = super::outcomes(&COMMON);
    for exit in exits {
        if !COMMON.contains(&exit.as_str()) {
            all.push(Outcome(exit.clone()));
        }
    }
    all
}
