//! One conversation in Realtime's terms: events of the service become signals, orders become messages. No socket, no clock.

mod book;

use crate::providers::ProviderError;
use crate::providers::think::fault::error_of;
use crate::talk::{ActionCall, LiveOrder, LiveSignal, Usage};
use base64_simd::STANDARD_NO_PAD;
use book::{Book, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Errors that tell of a race which the service has won; nothing is lost by them.
const HARMLESS: [&str; 3] = [
    "response_cancel_not_active",
    "conversation_already_has_active_response",
    "input_audio_buffer_commit_empty",
];

/// What the service owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The session.
    Ready,
    /// Nothing: it listens.
    Nothing,
    /// The first part of an answer.
    Answer,
    /// The rest of one.
    More,
}

/// The state of a conversation.
pub(super) struct Dialogue {
    stage: Stage,
    book: Book,
    /// The `response.create` that was sent last.
    asked: Option<Asked>,
    /// An answer to be asked for as soon as the one that is under way is done: two at once are refused.
    next: Option<Wanted>,
    number: u64,
    out: Vec<String>,
}

#[derive(PartialEq)]
enum Stage {
    /// Waits for the service's greeting; holds what is sent then.
    Greeting(Value),
    /// Waits for the session to be confirmed.
    Confirming,
    Ready,
}

/// An answer that was asked for.
struct Asked {
    event: String,
    wanted: Wanted,
    /// The service has begun one since.
    begun: bool,
    cancelled: bool,
}

/// An answer that is wanted: with instructions of its own, or not.
type Wanted = Option<Arc<str>>;

impl Dialogue {
    /// A conversation whose session is set up by this message.
    pub fn new(update: Value) -> Self {
        Self {
            stage: Stage::Greeting(update),
            book: Book::default(),
            asked: None,
            next: None,
            number: 0,
            out: Vec::new(),
        }
    }

    /// Takes an event of the service and appends what it tells. Errors: the session is of no use any more.
    pub fn event(&mut self, text: &str, told: &mut Vec<LiveSignal>) -> Result<(), ProviderError> {
        let event: Value = serde_json::from_str(text).map_err(|_| ProviderError::Protocol {
            detail: "an event that is not JSON".to_owned(),
        })?;
        match word(&event, "/type") {
            "session.created" => self.greeted(),
            "session.updated" if self.stage == Stage::Confirming => {
                self.stage = Stage::Ready;
                told.push(LiveSignal::Ready);
            }
            "error" => return self.error(event.get("error").unwrap_or(&Value::Null)),
            "input_audio_buffer.speech_started" => told.push(LiveSignal::SpeechStarted),
            "input_audio_buffer.speech_stopped" => told.push(LiveSignal::SpeechStopped),
            "response.created" => {
                self.response(word(&event, "/response/id"), told);
            }
            "response.output_audio.delta" | "response.audio.delta" => self.sound(&event, told)?,
            "response.output_audio_transcript.delta"
            | "response.audio_transcript.delta"
            | "response.output_text.delta"
            | "response.text.delta" => self.words(&event, told),
            "conversation.item.input_audio_transcription.delta" => {
                let text = self.book.caller_said(word(&event, "/item_id"), word(&event, "/delta"));
                told.push(LiveSignal::Caller { text, last: false });
            }
            "conversation.item.input_audio_transcription.completed" => {
                self.book.caller_done(word(&event, "/item_id"));
                let text = word(&event, "/transcript").trim().to_owned();
                told.push(LiveSignal::Caller { text, last: true });
            }
            "conversation.item.input_audio_transcription.failed" => {
                // Words that were told already stay what was said; without any, nobody knows.
                if let Some(text) = self.book.caller_done(word(&event, "/item_id")) {
                    told.push(LiveSignal::Caller { text, last: true });
                }
            }
            "response.output_item.added" => self.book.named(word(&event, "/item/id"), word(&event, "/item/name")),
            "response.function_call_arguments.done" => self.wish(&event, told),
            "response.done" => return self.done(&event, told),
            // Bookkeeping of the service's, and whatever will be added.
            _ => {}
        }
        Ok(())
    }

    /// Takes an order.
    pub fn order(&mut self, order: LiveOrder) {
        match order {
            LiveOrder::Respond { instructions } => self.want(instructions),
            LiveOrder::Cancel => self.cancel(),
            LiveOrder::Truncate { item, heard } => self.truncate(&item, heard),
            LiveOrder::Result { id, text, respond } => {
                // Another session's wish means nothing to this one.
                if self.book.is_wish(&id) {
                    let item = json!({"type": "function_call_output", "call_id": &*id, "output": &*text});
                    self.send(json!({"type": "conversation.item.create", "item": item}));
                }
                if respond {
                    self.want(None);
                }
            }
            LiveOrder::Typed { text } => {
                let content = json!([{"type": "input_text", "text": &*text}]);
                let item = json!({"type": "message", "role": "user", "content": content});
                self.send(json!({"type": "conversation.item.create", "item": item}));
            }
        }
    }

    /// What is to be sent, in order.
    pub fn messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out)
    }

    pub fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    pub fn waiting(&self) -> Waiting {
        if !self.is_ready() {
            return Waiting::Ready;
        }
        match self.book.open() {
            // An answer that was cancelled before it began is owed only where another waits for its end.
            [] if self.is_asked() && (!self.is_cancelled() || self.next.is_some()) => Waiting::Answer,
            [] => Waiting::Nothing,
            open if open.iter().any(|response| response.begun) => Waiting::More,
            _ => Waiting::Answer,
        }
    }

    fn greeted(&mut self) {
        if let Stage::Greeting(update) = &mut self.stage {
            let update = std::mem::take(update);
            self.stage = Stage::Confirming;
            self.send(update);
        }
    }

    /// The response of this id, which begins with whatever is heard of it first; none once it is done or cancelled.
    fn response(&mut self, id: &str, told: &mut Vec<LiveSignal>) -> Option<&mut Response> {
        if self.book.begin(id) {
            let asked = self.asked.as_mut().filter(|asked| !asked.begun);
            let cancelled = asked.is_some_and(|asked| {
                asked.begun = true;
                asked.cancelled
            });
            match self.book.response(id) {
                Some(response) if cancelled => response.cancelled = true,
                Some(response) => told.push(LiveSignal::Responding {
                    response: Arc::clone(&response.id),
                }),
                None => {}
            }
        }
        self.book.response(id).filter(|response| !response.cancelled)
    }

    fn sound(&mut self, event: &Value, told: &mut Vec<LiveSignal>) -> Result<(), ProviderError> {
        let Some(response) = self.response(word(event, "/response_id"), told) else {
            return Ok(());
        };
        response.begun = true;
        let response = Arc::clone(&response.id);
        let delta = word(event, "/delta").trim_end_matches('=');
        let ulaw = STANDARD_NO_PAD
            .decode_to_vec(delta)
            .map_err(|_| ProviderError::Protocol {
                detail: "sound that is not base64".to_owned(),
            })?;
        if let Some(item) = self.book.heard(word(event, "/item_id"), ulaw.len())
            && !ulaw.is_empty()
        {
            let ulaw = ulaw.into();
            told.push(LiveSignal::Sound { response, item, ulaw });
        }
        Ok(())
    }

    fn words(&mut self, event: &Value, told: &mut Vec<LiveSignal>) {
        let Some(response) = self.response(word(event, "/response_id"), told) else {
            return;
        };
        response.begun = true;
        let text = word(event, "/delta").to_owned();
        if let Some(item) = self.book.heard(word(event, "/item_id"), 0)
            && !text.is_empty()
        {
            told.push(LiveSignal::Words { item, text });
        }
    }

    /// A wish, by its own event or among what a response put out; each is told once.
    fn wish(&mut self, event: &Value, told: &mut Vec<LiveSignal>) {
        let Some(response) = self.response(word(event, "/response_id"), told) else {
            return;
        };
        response.begun = true;
        let response = Arc::clone(&response.id);
        let name = match word(event, "/name") {
            "" => self.book.name(word(event, "/item_id")).unwrap_or_default(),
            name => name.to_owned(),
        };
        // The beta protocol names it elsewhere; without a name it is told when the response is done.
        let id = word(event, "/call_id");
        if name.is_empty() || id.is_empty() || !self.book.wished(id) {
            return;
        }
        let arguments = match word(event, "/arguments") {
            "" => "{}",
            arguments => arguments,
        };
        let call = ActionCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        };
        told.push(LiveSignal::Wish { response, call });
    }

    fn done(&mut self, event: &Value, told: &mut Vec<LiveSignal>) -> Result<(), ProviderError> {
        let id = word(event, "/response/id");
        // Told before the response is closed, for a wish that only stands here.
        let complete = word(event, "/response/status") == "completed";
        let output = event.pointer("/response/output").and_then(Value::as_array);
        for item in output.into_iter().flatten().filter(|_| complete) {
            if word(item, "/type") == "function_call" {
                let mut item = item.clone();
                item["response_id"] = id.into();
                self.wish(&item, told);
            }
        }
        let Some(response) = self.book.end(id) else {
            return Ok(());
        };
        told.push(LiveSignal::Done {
            response: response.id,
            usage: usage(event.pointer("/response/usage").unwrap_or(&Value::Null)),
            complete: complete && !response.cancelled,
        });
        if word(event, "/response/status") == "failed" {
            let error = event.pointer("/response/status_details/error");
            return Err(error_of(error.unwrap_or(&Value::Null)));
        }
        self.go_on();
        Ok(())
    }

    fn error(&mut self, error: &Value) -> Result<(), ProviderError> {
        let code = word(error, "/code");
        let typed = error_of(error);
        let ours = self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.event == word(error, "/event_id"));
        if code == "conversation_already_has_active_response" && ours {
            // The service began an answer by itself in the same moment; what was asked for comes after it.
            let asked = self.asked.take().filter(|asked| !asked.cancelled);
            if let Some(asked) = asked.filter(|_| !self.book.open().is_empty()) {
                self.next.get_or_insert(asked.wanted);
            }
        }
        let bad_request = matches!(typed, ProviderError::BadRequest { .. });
        if self.is_ready() && (HARMLESS.contains(&code) || (bad_request && !ours)) {
            tracing::debug!(error = %typed, "the speech-to-speech service objects to a message, which changes nothing");
            return Ok(());
        }
        Err(typed)
    }

    /// Asks for an answer, now or when the one under way is done.
    fn want(&mut self, wanted: Wanted) {
        let before = self.next.take().flatten();
        self.next = Some(wanted.or(before));
        self.go_on();
    }

    fn go_on(&mut self) {
        if !self.book.open().is_empty() || self.is_asked() {
            return;
        }
        let Some(wanted) = self.next.take() else { return };
        self.number += 1;
        let event = format!("ask_{}", self.number);
        let mut create = json!({"type": "response.create", "event_id": event});
        if let Some(instructions) = &wanted {
            create["response"] = json!({"instructions": &**instructions});
        }
        self.send(create);
        self.asked = Some(Asked {
            event,
            wanted,
            begun: false,
            cancelled: false,
        });
    }

    /// Whether an answer was asked for that has not begun.
    fn is_asked(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| !asked.begun)
    }

    fn is_cancelled(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.cancelled)
    }

    fn cancel(&mut self) {
        self.next = None;
        let mut any = self.book.cancel();
        if let Some(asked) = self.asked.as_mut().filter(|asked| !asked.begun && !asked.cancelled) {
            asked.cancelled = true;
            any = true;
        }
        if any {
            self.send(json!({"type": "response.cancel"}));
        }
    }

    fn truncate(&mut self, item: &str, heard: u64) {
        // What was never received cannot have been heard, and the service refuses to cut where nothing is.
        let Some(received) = self.book.cut(item) else { return };
        let message = match heard.min(received) {
            0 => json!({"type": "conversation.item.delete", "item_id": item}),
            heard => json!({
                "type": "conversation.item.truncate",
                "item_id": item,
                "content_index": 0,
                "audio_end_ms": heard,
            }),
        };
        self.send(message);
    }

    fn send(&mut self, message: Value) {
        self.out.push(message.to_string());
    }
}

/// The text at a JSON pointer; empty where there is none.
fn word<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or("")
}

fn usage(usage: &Value) -> Usage {
    let number = |place: &str| {
        let number = usage.pointer(place).and_then(Value::as_u64)?;
        Some(u32::try_from(number).unwrap_or(u32::MAX))
    };
    Usage {
        prompt: number("/input_tokens").unwrap_or(0),
        cached: number("/input_token_details/cached_tokens").unwrap_or(0),
        completion: number("/output_tokens").unwrap_or(0),
        estimated: number("/input_tokens").is_none(),
    }
}

#[cfg(test)]
mod tests;
