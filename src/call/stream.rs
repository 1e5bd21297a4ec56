//! Media streams: admission, the watchdog's two reasons, and how a stream came to its end.

use super::agent::Talker;
use super::cx::Draft;
use super::effect::{Effect, MediaOrder, Row};
use super::ids::{Outcome, Time, Timer};
use super::machine::Machine;
use super::pii::Pii;
use super::state::{Live, Phase, Stream, StreamPhase, WaitOn, Watchdog};
use super::timer::ASK_AGAIN_MS;
use super::walk::From;
use serde_json::{Map, Value};

/// How long after a stream's end the carrier may take to ask for what follows, in milliseconds.
const AFTERMATH_MS: u64 = 4_000;

/// The least time for the first frame of a stream that started late, in milliseconds: frames come every 20 ms.
const FIRST_FRAME_MS: u64 = 1_500;

impl Machine<'_> {
    /// A socket is admitted once, with the token of the wait that the call is at.
    pub(super) fn stream_started(&mut self, stream_sid: &str, token: Option<&str>) {
        let now = self.now;
        let due = self.call.timers.get(&Timer::StreamStart).copied();
        let verdict = match self.stream() {
            Some(stream) if stream.phase != StreamPhase::Pending => Err("the stream has already begun"),
            Some(stream) if token != Some(stream.token.as_str()) => Err("the token is not this call's"),
            Some(stream) => match stream.agent.clone() {
                Some(agent) => {
                    stream.phase = StreamPhase::Running {
                        stream_sid: stream_sid.to_owned(),
                    };
                    Ok((agent, stream.clone()))
                }
                None => Err("the call streams to another endpoint"),
            },
            None => Err("the call expects no stream"),
        };
        match verdict {
            Ok((agent, stream)) => {
                // The carrier came to the verb `start` before the timer is due; since then nothing has been heard.
                let quiet = due.map_or(0, |due| stream.start.saturating_sub(due.since(now)));
                let media = stream.media.saturating_sub(quiet).max(stream.media.min(FIRST_FRAME_MS));
                self.effect(Effect::ClearTimer(Timer::StreamStart));
                self.effect(Effect::ClearTimer(Timer::Guard));
                self.effect(Effect::SetTimer(Timer::StreamMedia, now.plus(media)));
                let instructions = self.instructions(&agent);
                self.effect(Effect::Media(MediaOrder::Admit {
                    agent,
                    instructions,
                    reply: stream.reply,
                    quiet,
                    welcome: stream.welcome,
                    record: stream.record,
                }));
            }
            Err(reason) => {
                self.warn("WS_REFUSED", reason);
                self.effect(Effect::Media(MediaOrder::Refuse { reason }));
            }
        }
    }

    /// The agent's instructions with this call's data. What cannot be filled in is not said: the agent begins all the same.
    fn instructions(&mut self, agent: &str) -> String {
        let Some(agent) = self.flow.agents.get(agent) else {
            return String::new();
        };
        let Talker::Providers(providers) = &agent.talker else {
            return String::new();
        };
        let Some(template) = &providers.instructions else {
            return String::new();
        };
        let mut draft = Draft::default();
        // A stranger has no name: what is not known is left out.
        let filled = self.cx(&mut draft, 1).text(template);
        filled.unwrap_or_else(|error| {
            self.warn("INSTRUCTIONS_FAILED", format!("{}: {error}", agent.name));
            without_places(template.text())
        })
    }

    pub(super) fn talk_ended(&mut self, stream_sid: &str, exit: &str, why: &str) {
        if !self.runs(stream_sid) {
            // A conversation that the call has left behind still holds the caller, unless another one runs.
            if self.running_stream().is_none() {
                self.effect(Effect::Media(MediaOrder::Close));
            }
            return;
        }
        if !why.is_empty() {
            self.log("TALK_ENDED", why);
        }
        self.decide(exit);
        self.effect(Effect::Media(MediaOrder::Close));
    }

    /// Values count at once, so that they are kept though the caller hangs up in the next moment.
    pub(super) fn talk_set(&mut self, stream_sid: &str, vars: &Map<String, Value>) {
        if self.runs(stream_sid) {
            for (name, value) in vars {
                self.call.vars.insert(name.clone(), value.clone());
            }
        }
    }

    pub(super) fn turn_taken(
        &mut self,
        role: &str,
        text: &Pii<String>,
        (started, ended): (Time, Time),
        interrupted: bool,
        facts: &Map<String, Value>,
    ) {
        self.call.turns += 1;
        let n = self.call.turns;
        self.effect(Effect::Write(Row::Turn {
            n,
            role: role.to_owned(),
            text: text.clone(),
            started,
            ended,
            interrupted,
            facts: facts.clone(),
        }));
    }

    pub(super) fn stream_closed(&mut self, stream_sid: &str, reason: &str, frames_in: u64) {
        if !self.runs(stream_sid) {
            return;
        }
        self.log("STREAM_CLOSED", reason);
        // A socket that closed without a single frame never worked: that is the watchdog's second case.
        self.decide(if frames_in == 0 {
            Watchdog::NoMedia.word()
        } else {
            "failed"
        });
    }

    /// Reports are unsigned; they count only for streams to other endpoints, of which nothing else is heard.
    pub(super) fn stream_reported(&mut self, report: &str, error: Option<&str>) {
        if let Some(error) = error {
            self.warn("STREAM_ERROR", error);
        }
        let Some(stream) = self.stream().filter(|stream| stream.agent.is_none()) else {
            return;
        };
        match (report, &stream.phase) {
            ("stream-started", StreamPhase::Pending) => {
                stream.phase = StreamPhase::Running {
                    stream_sid: String::new(),
                };
                self.effect(Effect::ClearTimer(Timer::StreamStart));
                // Nothing of the caller comes this way: where the report of the call's end is lost, only asking finds out.
                self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(ASK_AGAIN_MS)));
            }
            ("stream-error", StreamPhase::Pending | StreamPhase::Running { .. }) => self.decide("failed"),
            // The carrier should ask at once; where it does not, the guard takes the caller on.
            ("stream-stopped", StreamPhase::Running { .. }) => self.decide("ended"),
            _ => {}
        }
    }

    /// The stream should have started by now.
    pub(super) fn stream_start_due(&mut self) {
        if self.stream().is_some_and(|stream| stream.phase == StreamPhase::Pending) {
            self.cut_over(Watchdog::NoStreamStart);
        }
    }

    /// The caller should have been heard by now; `last_frame` is when that last was so.
    pub(super) fn stream_media_due(&mut self, last_frame: Option<Time>) {
        let now = self.now;
        let Some(stream) = self.running_stream() else { return };
        let next = last_frame
            .map(|heard| heard.plus(stream.media))
            .filter(|due| *due > now);
        match next {
            Some(due) => self.effect(Effect::SetTimer(Timer::StreamMedia, due)),
            None => self.cut_over(Watchdog::NoMedia),
        }
    }

    /// What the stream's end means for the flow, now that the carrier asks.
    pub(super) fn stream_outcome(&mut self, stream: &Stream) -> Outcome {
        match &stream.phase {
            StreamPhase::Decided { outcome } => outcome.clone(),
            StreamPhase::Pending => {
                self.note_watchdog(Watchdog::NoStreamStart);
                self.warn("WATCHDOG", Watchdog::NoStreamStart.word());
                Outcome::from(Watchdog::NoStreamStart.word())
            }
            StreamPhase::Running { .. } if stream.agent.is_none() => Outcome::from("ended"),
            StreamPhase::Running { .. } => Outcome::from("failed"),
        }
    }

    /// The stream that the call waits for.
    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.call.phase {
            Phase::Live(live) => match &mut live.wait.on {
                WaitOn::Stream(stream) => Some(stream),
                _ => None,
            },
            Phase::Ended { .. } => None,
        }
    }

    /// The stream with an agent that is running.
    pub(super) fn running_stream(&mut self) -> Option<&mut Stream> {
        self.stream()
            .filter(|stream| stream.agent.is_some() && matches!(stream.phase, StreamPhase::Running { .. }))
    }

    /// The carrier should ask for what follows at once; where it does not, the guard redirects the call.
    pub(super) fn expect_request_soon(&mut self) {
        self.effect(Effect::ClearTimer(Timer::StreamMedia));
        self.effect(Effect::ClearTimer(Timer::StreamStart));
        self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(AFTERMATH_MS)));
    }

    fn runs(&mut self, stream_sid: &str) -> bool {
        self.stream().is_some_and(|stream| stream.is(stream_sid))
    }

    fn decide(&mut self, outcome: &str) {
        let Some(step) = self.call.live().map(|live| live.step) else {
            return;
        };
        let outcome = self.known_outcome(step, outcome);
        if outcome.as_str() == Watchdog::NoMedia.word() {
            self.note_watchdog(Watchdog::NoMedia);
            self.warn("WATCHDOG", Watchdog::NoMedia.word());
        }
        if let Some(stream) = self.stream() {
            stream.phase = StreamPhase::Decided { outcome };
            self.expect_request_soon();
        }
    }

    /// The watchdog takes the call off the stream, through the REST API.
    fn cut_over(&mut self, reason: Watchdog) {
        let Phase::Live(Live { step, wait }) = &self.call.phase else {
            return;
        };
        let (step, ticket) = (*step, wait.ticket);
        self.note_watchdog(reason);
        self.warn("WATCHDOG_REDIRECT", reason.word());
        let document = self.walk(From::Outcome(step, Outcome::from(reason.word())));
        self.redirect(ticket, document, reason.word());
    }

    fn note_watchdog(&mut self, reason: Watchdog) {
        self.call.watchdog = Some(reason);
        self.effect(Effect::Write(Row::CallLog {
            status: None,
            ended: None,
            seconds: None,
            end_reason: None,
            watchdog: Some(reason.word().to_owned()),
            step: None,
        }));
    }
}

/// A template's text without the places that are filled in: better no name than a pair of braces.
fn without_places(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest
        .find("{{")
        .into_iter()
        .chain(rest.find("{%"))
        .chain(rest.find("{#"))
        .min()
    {
        plain.push_str(&rest[..start]);
        let close = match &rest[start..start + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        rest = rest[start..].find(close).map_or("", |end| &rest[start + end + 2..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::without_places;

    #[test]
    fn places_are_left_out() {
        let cases = [
            ("You talk with {{ contact.name }}.", "You talk with ."),
            ("{% if x %}a{% endif %}{# c #}b", "ab"),
            ("open {{ end", "open "),
            ("plain { text }", "plain { text }"),
        ];
        for (text, plain) in cases {
            assert_eq!(without_places(text), plain);
        }
    }
}
