//! `converse`: an agent talks with the caller over the media stream.

use super::{Kind, Stands};
use crate::call::{Cx, Next, Outcome, Route, StepError, StepKind, Stream, StreamPhase, Touches, WaitOn};
use crate::flow::{Duration, FromYaml, Located, form};
use crate::twiml::Verb;
use serde_json::json;

form! {
    /// When to take a call off a conversation that does not work.
    pub struct Limits {
        /// The stream must have started by then, counted from when the caller reaches it.
        start: Duration = Duration::from_millis(6_000),
        /// The longest time without a frame of the caller.
        media: Duration = Duration::from_millis(6_000),
        /// The longest time until an answer is heard.
        reply: Duration = Duration::from_millis(8_000),
    }
}

form! {
    /// Lets an agent talk with the caller.
    pub struct Form shorthand agent {
        /// One of the flow's `agents`.
        agent: Located<String>,
        /// When to give up on the stream.
        watchdog: Option<Limits>,
        /// Keeps the sound of both sides, under `recordings/`.
        record: bool = false,
    }
}

/// So long it takes, about, until the step that follows a failed conversation is heard.
const FALLBACK_MS: u64 = 1_000;

pub(super) const KIND: Kind = Kind {
    name: "converse",
    about: "lets an agent talk with the caller over the media stream",
    place: Stands::InCall,
    read: |node, cx, known| {
        let form = Form::from_yaml(node, cx)?;
        let exits = known.exits(&form.agent.value).unwrap_or_default();
        Some(Box::new(Converse { form, exits }))
    },
    schema: Form::schema,
};

#[derive(Debug)]
struct Converse {
    form: Form,
    exits: Vec<String>,
}

impl StepKind for Converse {
    fn name(&self) -> &'static str {
        "converse"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        super::relay::conversation_outcomes(&self.exits)
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let ticket = cx.ticket(Route::StreamEnded);
        let token = cx.token(ticket);
        let parameters = json!({"call_sid": cx.facts().id.as_str(), "token": token});
        cx.verb(
            Verb::new("stream")
                .with("route", ticket.route.path())
                .with("n", ticket.n)
                .with("path", "/ws/twilio-media")
                .with("parameters", parameters),
            0,
        );
        let (start, media, reply) = self.form.watchdog.as_ref().map_or((6_000, 6_000, 8_000), |limits| {
            (
                limits.start.as_millis(),
                limits.media.as_millis(),
                limits.reply.as_millis(),
            )
        });
        let agent = Some(self.form.agent.value.clone());
        let stream = Stream {
            token,
            agent,
            start,
            media,
            reply: reply.min(cx.silence().saturating_sub(FALLBACK_MS)).max(FALLBACK_MS),
            record: self.form.record,
            welcome: 0,
            phase: StreamPhase::Pending,
        };
        Ok(cx.wait(ticket, start, WaitOn::Stream(stream)))
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            agents: vec![&self.form.agent],
            ..Touches::default()
        }
    }
}
