//! Performs a task outside: each kind once, with what its result means.

use super::clock::stored;
use super::engine::Engine;
use crate::call::{CallId, CarrierStatus, TaskKind, TaskOutput, Time};
use crate::channels::http::{self, HttpBody, HttpCall, ReplyBody};
use crate::channels::twilio::{
    CallStatus, CarrierError, Channel, Content, Message, MessageQuery, Redirect, Sender, TWIML_LIMIT,
};
use crate::providers::transcribe::Audio;
use crate::store::Task;
use crate::twiml::{Links, Verb};
use serde_json::{Map, Value};
use std::time::Duration;

/// The largest answer of a service that is read, in bytes.
const LARGEST_REPLY: usize = 256 * 1024;

/// A try that did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Trying again changes nothing.
    Final(String),
    /// Worth another try; after this long where the other side said so.
    Again { error: String, after_ms: Option<u64> },
}

type Performed = Result<TaskOutput, Failure>;

/// Performs the task once.
pub(super) async fn perform(engine: &Engine, task: &Task, kind: TaskKind) -> Performed {
    let call = CallId(task.call.clone());
    match kind {
        TaskKind::RedirectCall { document, ticket, .. } => {
            if !engine.awaits_redirect(&call, &task.key).await {
                return Ok(TaskOutput::Accepted);
            }
            let again = task.attempts > 1 || task.claimed_before;
            let to = redirect(engine, &call, &document, ticket, again).await?;
            on_call(engine.carrier.redirect_call(call.as_str(), &to).await)
        }
        TaskKind::HangUpCall => on_call(engine.carrier.hang_up(call.as_str()).await),
        TaskKind::AskStatus => ask_status(engine, &call).await,
        TaskKind::SendMessage {
            channel,
            to,
            from,
            template,
            variables,
            body,
            ordered,
        } => {
            let message = Outgoing {
                channel: &channel,
                to: to.reveal(),
                from,
                template,
                variables,
                body,
                ordered,
            };
            send(engine, task, &call, message).await
        }
        TaskKind::Transcribe { url, language, .. } => transcribe(engine, &url, language.as_deref()).await,
        TaskKind::Http {
            method,
            url,
            headers,
            body,
            timeout_ms,
            ..
        } => {
            let Ok(method) = method.parse() else {
                return Err(Failure::Final(format!("no method `{method}`")));
            };
            let mut call = HttpCall::new(method, url);
            // Performed at least once: a service that must not do it twice knows the try by this key.
            call.headers = headers;
            call.headers.push(("Idempotency-Key".to_owned(), task.key.clone()));
            call.timeout = Duration::from_millis(timeout_ms);
            call.max_bytes = LARGEST_REPLY;
            if let Some(body) = body {
                call.body = HttpBody::Json(body);
            }
            match http::send(&call).await {
                Ok(reply) => Ok(TaskOutput::Http {
                    status: reply.status,
                    body: service_body(reply.body),
                }),
                Err(error) if error.is_retryable() => Err(again(&error)),
                Err(error) => Err(Failure::Final(error.to_string())),
            }
        }
    }
}

fn again(error: &impl ToString) -> Failure {
    Failure::Again {
        error: error.to_string(),
        after_ms: None,
    }
}

/// The new document: as TwiML, or, where that is too long for the API, as the URL that answers with it.
///
/// Each try makes the caller hear the document from its beginning, also one that only seemed to fail. A further try
/// gives the URL: the carrier's request for it shows that the redirect arrived, and ends the tries.
async fn redirect(
    engine: &Engine,
    call: &CallId,
    document: &[Verb],
    ticket: crate::call::Ticket,
    again: bool,
) -> Result<Redirect, Failure> {
    let (flow, origin) = engine
        .flow_of(call)
        .await
        .ok_or_else(|| Failure::Final("the call is not known".to_owned()))?;
    // A document that cannot be rendered would never arrive: the caller gets the apology, not silence.
    let twiml = engine.render(&flow, &origin, document).or_else(|error| {
        tracing::error!(call_sid = %call, %error, "RENDER_FAILED");
        engine.render(&flow, &origin, &flow.flow.apology)
    });
    let twiml = twiml.map_err(|error| Failure::Final(error.to_string()))?;
    if !again && twiml.chars().count() <= TWIML_LIMIT {
        return Ok(Redirect::Twiml(twiml));
    }
    let origin = engine.config.public_url.clone().unwrap_or(origin);
    let links = Links {
        origin,
        retries: engine.config.retries.clone(),
    };
    Ok(Redirect::Url(links.webhook(ticket.route.path(), u64::from(ticket.n))))
}

fn on_call(result: Result<(), CarrierError>) -> Performed {
    match result {
        Ok(()) => Ok(TaskOutput::Accepted),
        // The call ended in the meantime: that is the result, not a failure.
        // A 404 is no such proof: a wrong account or API URL gives it for every call.
        Err(CarrierError::CallNotInProgress) => Ok(TaskOutput::CallGone),
        Err(error) => Err(carrier(&error)),
    }
}

fn carrier(error: &CarrierError) -> Failure {
    if !error.is_retryable() {
        return Failure::Final(error.to_string());
    }
    let after = error
        .retry_after()
        .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    Failure::Again {
        error: error.to_string(),
        after_ms: after,
    }
}

async fn ask_status(engine: &Engine, call: &CallId) -> Performed {
    match engine.carrier.call_status(call.as_str()).await {
        Ok(known) => {
            let seconds = known
                .duration
                .map(|duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX));
            Ok(TaskOutput::Status {
                status: status(&known.status),
                seconds,
            })
        }
        Err(error) => Err(carrier(&error)),
    }
}

fn status(status: &CallStatus) -> CarrierStatus {
    match status {
        CallStatus::Queued => CarrierStatus::Queued,
        CallStatus::Ringing => CarrierStatus::Ringing,
        CallStatus::Completed => CarrierStatus::Completed,
        CallStatus::Busy => CarrierStatus::Busy,
        CallStatus::Failed => CarrierStatus::Failed,
        CallStatus::NoAnswer => CarrierStatus::NoAnswer,
        CallStatus::Canceled => CarrierStatus::Canceled,
        // A word that is new to us is no proof that nobody is on the line.
        CallStatus::InProgress | CallStatus::Other(_) => CarrierStatus::InProgress,
    }
}

struct Outgoing<'a> {
    channel: &'a str,
    to: &'a str,
    from: Option<String>,
    template: Option<String>,
    variables: Map<String, Value>,
    body: String,
    ordered: Time,
}

/// Sends a message once: a try that may have happened is looked up before it is repeated.
async fn send(engine: &Engine, task: &Task, call: &CallId, message: Outgoing<'_>) -> Performed {
    let channel = if message.channel == "sms" {
        Channel::Sms
    } else {
        Channel::Whatsapp
    };
    let configured = if channel == Channel::Whatsapp {
        engine.config.whatsapp_from.clone()
    } else {
        None
    };
    let called = engine.called_number(call).await;
    let from = message.from.or(configured).or(called).unwrap_or_default();
    if message.template.is_none() && channel == Channel::Whatsapp {
        within_window(engine, message.to, &from).await?;
    }
    let content_sid = message
        .template
        .as_ref()
        .and_then(|name| engine.config.content_sids.get(name))
        .cloned();
    if task.attempts > 1 || task.claimed_before {
        let since = jiff::Timestamp::from_millisecond(stored(message.ordered)).unwrap_or_default();
        let query = MessageQuery {
            channel,
            to: message.to.to_owned(),
            from: Some(from.clone()),
            since,
            body: content_sid.is_none().then(|| message.body.clone()),
        };
        let found = engine
            .carrier
            .find_message(&query)
            .await
            .map_err(|error| carrier(&error))?;
        let taken = engine.sent_already().await.map_err(|error| again(&error))?;
        if let Some(sid) = found.into_iter().find(|sid| !taken.contains(&sid.0)) {
            return Ok(TaskOutput::Sent { sid: sid.0 });
        }
    }
    let content = match content_sid {
        Some(content_sid) => {
            let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let variables = message
                .variables
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect();
            Content::Template { content_sid, variables }
        }
        None => Content::Free {
            body: message.body,
            media: Vec::new(),
        },
    };
    let status_callback = engine
        .origin_of(call)
        .await
        .map(|origin| format!("{origin}/webhook/message_status"));
    let outgoing = Message {
        channel,
        to: message.to.to_owned(),
        sender: Sender::Address(from),
        content,
        status_callback,
    };
    match engine.carrier.send_message(&outgoing).await {
        Ok(sid) => Ok(TaskOutput::Sent { sid: sid.0 }),
        Err(error) => Err(carrier(&error)),
    }
}

/// Free text reaches a person only within 24 hours of that person's own message; five minutes are kept as margin.
async fn within_window(engine: &Engine, to: &str, from: &str) -> Result<(), Failure> {
    const WINDOW_MS: i64 = (24 * 60 - 5) * 60 * 1000;
    let last = engine
        .store
        .last_inbound("whatsapp", to, from)
        .await
        .map_err(|error| again(&error))?;
    match last {
        Some(at) if stored(super::clock::now()) - at < WINDOW_MS => Ok(()),
        _ => Err(Failure::Final(
            "63016: the person has not written within 24 hours, so only a template may be sent".to_owned(),
        )),
    }
}

async fn transcribe(engine: &Engine, url: &str, language: Option<&str>) -> Performed {
    let Some(transcriber) = &engine.transcriber else {
        return Err(Failure::Final("no transcriber is configured".to_owned()));
    };
    let recording = match engine.carrier.fetch_recording(url).await {
        Ok(recording) => recording,
        Err(error) if error.is_retryable() => return Err(again(&error)),
        Err(error) => return Err(Failure::Final(error.to_string())),
    };
    let mime = recording.format.mime();
    let audio = Audio {
        bytes: recording.bytes,
        mime: mime.to_owned(),
    };
    match transcriber.transcribe(audio, language).await {
        Ok(transcript) => Ok(TaskOutput::Transcript { text: transcript.text }),
        Err(error) if error.is_retryable() => {
            let after = error
                .retry_after()
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            Err(Failure::Again {
                error: error.to_string(),
                after_ms: after,
            })
        }
        Err(error) => Err(Failure::Final(error.to_string())),
    }
}

fn service_body(body: ReplyBody) -> Value {
    match body {
        ReplyBody::Json(value) => value,
        ReplyBody::Text(text) => Value::from(text),
        ReplyBody::Empty => Value::Null,
    }
}
