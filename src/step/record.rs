//! `record`: the caller leaves a message.

use super::{Kind, Sound, Stands, outcomes};
use crate::call::{Back, Cx, Next, Outcome, RecordWish, Route, StepError, StepKind, Touches, WaitOn};
use crate::flow::{Duration, FromYaml, form};
use crate::twiml::Verb;
use serde_json::json;

form! {
    /// Lets the caller leave a message. `step.seconds`, `step.url` and `step.sid` are its facts afterwards.
    pub struct Record {
        /// What the caller hears first.
        prompt: Option<Sound>,
        /// Silence that ends the message.
        silence: Duration = Duration::from_millis(5_000),
        /// The longest message.
        max: Duration = Duration::from_millis(120_000),
        /// Whether a beep says when to speak.
        beep: bool = true,
        /// Keys that end the message.
        finish: Option<String>,
        /// Whether the message is turned into text, in the background.
        transcribe: bool = false,
        /// The message's language for that, such as `he`. Default: the flow's locale.
        language: Option<String>,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "record",
    about: "lets the caller leave a message, with optional transcription",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Record::from_yaml(node, cx)?)),
    schema: Record::schema,
};

impl StepKind for Record {
    fn name(&self) -> &'static str {
        "record"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["recorded", "empty"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        if let Some(prompt) = &self.prompt {
            prompt.write(cx)?;
        }
        let language = self
            .language
            .clone()
            .or_else(|| cx.locale().split('-').next().map(str::to_owned));
        cx.expect_recording(RecordWish {
            transcribe: self.transcribe,
            language,
        });
        let ticket = cx.ticket(Route::HandleRecording);
        let max = self.max.as_secs_ceil().max(2);
        let mut verb = Verb::new("record")
            .with("route", ticket.route.path())
            .with("n", ticket.n)
            .with("silence", self.silence.as_secs_ceil())
            .with("max", max)
            .with("beep", self.beep);
        if let Some(finish) = &self.finish {
            verb = verb.with("finish_on_key", finish.clone());
        }
        cx.verb(verb, 0);
        // Where nothing was said the carrier asks for no action and goes on to the next verb: it asks there.
        cx.verb(
            Verb::new("redirect")
                .with("route", ticket.route.path())
                .with("n", ticket.n),
            0,
        );
        Ok(cx.wait(ticket, max.saturating_mul(1000), WaitOn::Action))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Asked(params) = back else {
            return Err(StepError::Unexpected);
        };
        let Some(sid) = params.text("RecordingSid").or_else(|| params.text("RecordingUrl")) else {
            cx.set_result(json!({"seconds": 0, "sid": "", "url": ""}));
            return Ok(Next::go("empty"));
        };
        cx.set_result(json!({
            "sid": sid,
            "url": params.text("RecordingUrl").unwrap_or_default(),
            "seconds": params.number("RecordingDuration").unwrap_or(0),
        }));
        Ok(Next::go("recorded"))
    }

    fn touches(&self) -> Touches<'_> {
        let mut touches = Touches::default();
        if let Some(prompt) = &self.prompt {
            prompt.touch(&mut touches);
        }
        touches
    }
}
