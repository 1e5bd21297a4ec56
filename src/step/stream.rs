//! `stream`: the call's raw media goes to another endpoint, both ways or as a one-way copy.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, Route, StepError, StepKind, Stream as Waiting, StreamPhase, Touches, WaitOn};
use crate::flow::{Duration, FromYaml, Located, Template, form, words};
use crate::twiml::Verb;
use serde_json::{Map, Value};

words! {
    /// Which side a copy carries.
    pub enum Track {
        /// What the caller says.
        Inbound = "inbound_track",
        /// What the caller hears.
        Outbound = "outbound_track",
        /// Both.
        Both = "both_tracks",
    }
}

form! {
    /// Connects the call's raw media to another WebSocket endpoint. With `copy: true` it only listens in and the call
    /// goes on at once.
    pub struct Stream shorthand url {
        /// The endpoint, `wss://…`, without a query.
        url: Template,
        /// Only a copy: the call goes on while the endpoint listens.
        copy: bool = false,
        /// What a copy carries.
        track: Track = Track::Inbound,
        /// A name, unique in the call.
        name: Option<String>,
        /// Values that the endpoint gets in `start`.
        parameters: Vec<(Located<String>, Template)> = Vec::new(),
        /// The endpoint must have answered by then.
        start: Duration = Duration::from_millis(6_000),
    }
}

pub(super) const KIND: Kind = Kind {
    name: "stream",
    about: "connects the call's raw media to another endpoint, or copies it there",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Stream::from_yaml(node, cx)?)),
    schema: Stream::schema,
};

impl StepKind for Stream {
    fn name(&self) -> &'static str {
        "stream"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        if self.copy {
            outcomes(&["ended"])
        } else {
            outcomes(&["ended", "no_stream_start", "no_media", "failed"])
        }
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let url = cx.text(&self.url)?;
        let mut parameters = Map::new();
        for (name, value) in &self.parameters {
            parameters.insert(name.value.clone(), Value::from(cx.text(value)?));
        }
        if self.copy {
            let verb = Verb::new("fork").with("url", url).with("track", self.track.as_str());
            cx.verb(verb.with("name", self.name.clone()).with("parameters", parameters), 0);
            return Ok(Next::go("ended"));
        }
        let ticket = cx.ticket(Route::StreamEnded);
        let verb = Verb::new("stream_to")
            .with("route", ticket.route.path())
            .with("n", ticket.n)
            .with("url", url);
        cx.verb(verb.with("name", self.name.clone()).with("parameters", parameters), 0);
        let start = self.start.as_millis();
        let stream = Waiting {
            token: String::new(),
            agent: None,
            start,
            media: 0,
            reply: 8_000,
            record: false,
            welcome: 0,
            phase: StreamPhase::Pending,
        };
        Ok(cx.wait(ticket, start, WaitOn::Stream(stream)))
    }

    fn touches(&self) -> Touches<'_> {
        let mut templates = vec![&self.url];
        templates.extend(self.parameters.iter().map(|(_, value)| value));
        Touches {
            templates,
            ..Touches::default()
        }
    }
}
