//! `dial`: the caller is connected with somebody else.

use super::{Kind, Sound, Stands, outcomes};
use crate::call::{Back, Cx, Next, Outcome, Params, RecordWish, Route, StepError, StepKind, Touches, WaitOn};
use crate::flow::{Duration, Finding, FromYaml, Template, form};
use crate::twiml::Verb;
use serde_json::json;

form! {
    /// Asks the called party whether to take the call.
    pub struct Screen {
        /// What the called party hears.
        prompt: Sound,
        /// The key that takes the call.
        accept: String = "1".to_owned(),
        /// How long to wait for it.
        timeout: Duration = Duration::from_millis(8_000),
    }
}

form! {
    /// Connects the caller with a number, a SIP address, a client, a queue or a conference.
    pub struct Dial {
        /// A telephone number, such as `+972312345678`.
        number: Option<Template>,
        /// A SIP address, `sip:…`.
        sip: Option<Template>,
        /// A client's identity.
        client: Option<Template>,
        /// The queue whose first caller is connected.
        queue: Option<Template>,
        /// A conference room.
        conference: Option<Template>,
        /// How long it rings.
        timeout: Duration = Duration::from_millis(30_000),
        /// The longest conversation.
        limit: Duration = Duration::from_millis(14_400_000),
        /// The number that the called party sees.
        caller_id: Option<Template>,
        /// Whether the conversation is recorded.
        record: bool = false,
        /// What the called party hears before the two are connected.
        whisper: Option<Sound>,
        /// The called party takes the call with a key.
        screen: Option<Screen>,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "dial",
    about: "connects the caller with a number, SIP address, client, queue or conference",
    place: Stands::InCall,
    read: |node, cx, _| {
        let dial = Dial::from_yaml(node, cx)?;
        let parties = dial.parties();
        if parties.len() != 1 {
            let message = if parties.is_empty() {
                "`dial` needs somebody to call"
            } else {
                "`dial` calls one party"
            };
            cx.report(
                Finding::error("missing-key", cx.place(node.span), message)
                    .label("one of `number`, `sip`, `client`, `queue`, `conference`")
                    .help("write `dial: {number: \"+972312345678\", timeout: 20s}`"),
            );
            return None;
        }
        Some(Box::new(dial))
    },
    schema: Dial::schema,
};

impl StepKind for Dial {
    fn name(&self) -> &'static str {
        "dial"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["completed", "busy", "no_answer", "failed", "canceled"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let Some((noun, party)) = self.parties().into_iter().next() else {
            return Err(StepError::Unexpected);
        };
        let party = cx.text(party)?;
        let ticket = cx.ticket(Route::Next);
        let timeout = self.timeout.as_secs_ceil().max(1);
        let limit = self.limit.as_secs_ceil().max(1);
        let mut verb = Verb::new("dial")
            .with("route", ticket.route.path())
            .with("n", ticket.n)
            .with("timeout", timeout)
            .with("time_limit", limit);
        if let Some(caller_id) = &self.caller_id {
            verb = verb.with("caller_id", cx.text(caller_id)?);
        }
        if self.record {
            verb = verb.with("record", "record-from-answer-dual");
        }
        let key = party_variable(noun);
        if self.record {
            // Its recording is not the message that an earlier step asked for.
            cx.expect_recording(RecordWish {
                transcribe: false,
                language: None,
            });
        }
        let mut child = Verb::new(noun).with(key, party);
        if self.whisper.is_some() || self.screen.is_some() {
            child = child.with("whisper", "aside");
        }
        cx.verb(verb.child(child), 0);
        Ok(cx.wait(
            ticket,
            timeout.saturating_add(limit).saturating_mul(1000),
            WaitOn::Action,
        ))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Asked(params) = back else {
            return Err(StepError::Unexpected);
        };
        let status = params.text("DialCallStatus").unwrap_or("failed");
        let bridged = params.text("DialBridged") == Some("true");
        cx.set_result(json!({
            "status": status,
            "seconds": params.number("DialCallDuration").unwrap_or(0),
            "bridged": bridged,
        }));
        // A called party that declines a screened call answered without being connected.
        let declined = self.screen.is_some() && params.has("DialBridged") && !bridged;
        Ok(Next::go(match status {
            "completed" | "answered" if declined => "no_answer",
            "completed" | "answered" => "completed",
            "busy" => "busy",
            "no-answer" => "no_answer",
            "canceled" => "canceled",
            _ => "failed",
        }))
    }

    /// The called party: hears the whisper, or is asked; pressing another key or none hangs up on that leg only.
    fn aside(&self, cx: &mut Cx<'_>, params: &Params) -> Result<(), StepError> {
        let Some(screen) = &self.screen else {
            return self.whisper.as_ref().map_or(Ok(()), |whisper| whisper.write(cx));
        };
        match params.text("Digits") {
            Some(key) if key == screen.accept => {
                if let Some(whisper) = &self.whisper {
                    whisper.write(cx)?;
                }
            }
            Some(_) => cx.verb(Verb::new("hangup"), 0),
            None if params.has("Digits") => cx.verb(Verb::new("hangup"), 0),
            None => {
                let (prompt, millis) = screen.prompt.verb(cx)?;
                let verb = Verb::new("gather")
                    .with("route", "aside")
                    .with("input", "dtmf")
                    .with("num_digits", 1)
                    .with("timeout", screen.timeout.as_secs_ceil().max(1));
                cx.verb(verb.child(prompt), millis);
            }
        }
        Ok(())
    }

    fn touches(&self) -> Touches<'_> {
        let mut touches = Touches::default();
        touches
            .templates
            .extend(self.parties().into_iter().map(|(_, party)| party));
        touches.templates.extend(&self.caller_id);
        for sound in self
            .whisper
            .iter()
            .chain(self.screen.iter().map(|screen| &screen.prompt))
        {
            sound.touch(&mut touches);
        }
        touches
    }
}

impl Dial {
    fn parties(&self) -> Vec<(&'static str, &Template)> {
        [
            ("number", &self.number),
            ("sip", &self.sip),
            ("client", &self.client),
            ("queue", &self.queue),
            ("conference", &self.conference),
        ]
        .into_iter()
        .filter_map(|(noun, party)| Some((noun, party.as_ref()?)))
        .collect()
    }
}

/// The variable that holds the party in the noun's template.
fn party_variable(noun: &str) -> &'static str {
    match noun {
        "number" => "number",
        "sip" => "address",
        "client" => "identity",
        _ => "name",
    }
}
