//! The carrier's webhooks become events.

use super::apply::{Applied, Unapplied};
use super::engine::{Engine, random_hex};
use crate::call::{Arrival, CallId, CarrierStatus, Event, Params, Route, Ticket};
use crate::server::{Answer, Hook, MessageHook, VoiceReply, VoiceRequest};
use serde_json::Value;

impl Engine {
    pub(super) async fn voice_webhook(&self, hook: Hook, request: VoiceRequest) -> VoiceReply {
        let n = request.n;
        let origin = request.origin;
        let params: Params = request.params.into_iter().collect();
        let Some(id) = params.text("CallSid").map(|id| CallId(id.to_owned())) else {
            tracing::warn!(path = hook.path(), "a webhook without CallSid");
            return self.nobody(hook);
        };
        let event = match hook {
            Hook::IncomingCall => return self.incoming(&id, params, origin).await,
            Hook::StreamEnded => asked(Route::StreamEnded, n, params),
            Hook::HandleRecording => asked(Route::HandleRecording, n, params),
            Hook::Next => asked(Route::Next, n, params),
            Hook::Aside => return self.aside(params, n).await,
            Hook::StreamStatus => Event::StreamReported {
                report: params.text("StreamEvent").unwrap_or_default().to_owned(),
                error: params.text("StreamError").map(str::to_owned),
            },
            Hook::CallStatus => match params.text("CallStatus").and_then(CarrierStatus::parse) {
                Some(status) => Event::StatusChanged {
                    status,
                    sequence: params.number("SequenceNumber"),
                    seconds: params.number("CallDuration"),
                },
                None => {
                    tracing::warn!(call_sid = %id, "a status callback without a known CallStatus");
                    return VoiceReply::Empty;
                }
            },
        };
        let applied = self.apply(&id, event).await;
        self.reply(&id, hook, applied)
    }

    async fn incoming(&self, id: &CallId, params: Params, origin: String) -> VoiceReply {
        let number = params.text("To").unwrap_or_default();
        let Some(flow) = self.flows.for_number(number) else {
            tracing::error!(call_sid = %id, "no flow takes this call");
            return VoiceReply::Twiml(self.safe_document.clone());
        };
        let contact = match params.text("From") {
            Some(phone) => self.contact_of(phone).await,
            None => None,
        };
        let origin = self.config.public_url.clone().unwrap_or(origin);
        let draining = self.draining.is_cancelled();
        let arrival = Arrival {
            params,
            origin,
            seed: random_hex::<16>(),
            contact,
            draining,
        };
        let applied = self.arrive(id, &flow, arrival).await;
        VoiceReply::Twiml(applied.twiml.unwrap_or_else(|| self.safe_document.clone()))
    }

    /// What is known of the caller. Not knowing it never keeps a call from being answered.
    async fn contact_of(&self, phone: &str) -> Option<Value> {
        let contact = match self.store.contact(phone).await {
            Ok(contact) => contact?,
            Err(error) => {
                tracing::error!(%error, "STORE_FAILED");
                return None;
            }
        };
        let mut fields = contact.fields;
        if let Some(name) = contact.name {
            fields.insert("name".to_owned(), Value::from(name));
        }
        Some(Value::Object(fields))
    }

    /// Somebody beside a call asks: the called party of a dial, a queue's wait. `call` names the call itself.
    async fn aside(&self, params: Params, round: u32) -> VoiceReply {
        let parent = params
            .text("call")
            .or_else(|| params.text("ParentCallSid"))
            .or_else(|| params.text("CallSid"));
        let Some(id) = parent.map(|id| CallId(id.to_owned())) else {
            return self.nobody(Hook::Aside);
        };
        let applied = self.apply(&id, Event::AsideAsked { params, round }).await;
        self.reply(&id, Hook::Aside, applied)
    }

    /// Conversations by messages are not in this version: what people write is noted, so that the 24-hour window is known.
    pub(super) async fn message_webhook(&self, hook: MessageHook, request: VoiceRequest) -> VoiceReply {
        if hook == MessageHook::WhatsApp {
            let bare = |name: &str| {
                request
                    .param(name)
                    .unwrap_or_default()
                    .trim_start_matches("whatsapp:")
                    .to_owned()
            };
            let (sender, recipient) = (bare("From"), bare("To"));
            let at = super::clock::stored(super::clock::now());
            if let Err(error) = self.store.note_inbound("whatsapp", &sender, &recipient, at).await {
                tracing::error!(%error, "STORE_FAILED");
            }
        } else {
            let status = request.param("MessageStatus").unwrap_or("unknown");
            let sid = request.param("MessageSid").unwrap_or_default();
            match request.param("ErrorCode") {
                Some(code) => tracing::warn!(sid, status, code, "MESSAGE_STATUS"),
                None => tracing::info!(sid, status, "MESSAGE_STATUS"),
            }
        }
        VoiceReply::Empty
    }

    fn reply(&self, id: &CallId, hook: Hook, applied: Result<Applied, Unapplied>) -> VoiceReply {
        match applied {
            Ok(applied) => match (hook.answer(), applied.twiml) {
                (Answer::Nothing, _) | (_, None) => VoiceReply::Empty,
                (_, Some(twiml)) => VoiceReply::Twiml(twiml),
            },
            Err(Unapplied::Unknown) => {
                tracing::warn!(call_sid = %id, path = hook.path(), "a webhook for a call that nobody knows");
                self.nobody(hook)
            }
            Err(Unapplied::NoFlow) => {
                tracing::error!(call_sid = %id, "the call's flow version cannot be found");
                self.sorry(hook)
            }
            Err(Unapplied::Store(error)) => {
                tracing::error!(call_sid = %id, %error, help = error.help(), "STORE_FAILED");
                self.sorry(hook)
            }
        }
    }

    /// The answer to a request of no call: nothing, or the end where the carrier wants a document.
    fn nobody(&self, hook: Hook) -> VoiceReply {
        match hook.answer() {
            Answer::Document => VoiceReply::Twiml(self.safe_document.clone()),
            Answer::DocumentOrNothing | Answer::Nothing => VoiceReply::Empty,
        }
    }

    /// The answer where somebody is on the line and nothing is known: a sentence, never silence.
    fn sorry(&self, hook: Hook) -> VoiceReply {
        match hook.answer() {
            Answer::Document | Answer::DocumentOrNothing => VoiceReply::Twiml(self.safe_document.clone()),
            Answer::Nothing => VoiceReply::Empty,
        }
    }
}

fn asked(route: Route, n: u32, params: Params) -> Event {
    Event::CarrierAsked {
        ticket: Ticket { route, n: n.max(1) },
        params,
    }
}
