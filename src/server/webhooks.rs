//! The carrier's webhooks: whatever arrives below `/webhook/`, an answer that the carrier accepts goes back.
//!
//! The carrier never gets 3xx, 404, 405, 426 or 501 here, nor a 5xx: it would play an error announcement over the
//! call. What cannot be answered properly (unknown path, odd method, unreadable body, no call named, a line that
//! panics or is late) gets the safe answer and a loud log line: 204 for status callbacks and messages, else the safe
//! document. An unknown path gets the document too; as a status callback's answer it is ignored. Only a wrong
//! signature is refused with 403.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use warp::reply::Response;

use super::counts::raise;
use super::form::{BODY_LIMIT, form_pairs, read_limited};
use super::line::{Answer, Hook, MessageHook, VoiceReply, VoiceRequest};
use super::origin::{Peer, origins};
use super::shared::Shared;
use super::signature::{SignedBody, names_body_hash};
use super::verify::{self, Verdict};
use super::{answers, probe};

/// A longer document is refused by the carrier (11750), in bytes.
const DOCUMENT_LIMIT: usize = 64 * 1024;

/// The head of a request as it came in.
#[derive(Debug)]
pub(super) struct Incoming {
    pub method: Method,
    /// The raw path, never decoded: it is signed as it is.
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub peer: Option<Peer>,
}

#[derive(Debug, Clone, Copy)]
enum Webhook {
    Voice(Hook),
    Message(MessageHook),
}

impl Incoming {
    /// The raw path and query.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// True for every path of the webhook family, doubled slashes included.
pub(super) fn is_webhook(path: &str) -> bool {
    segments(path).next() == Some("webhook")
}

/// The path without empty segments: slashes at the end or doubled do not matter.
pub(super) fn tidy(path: &str) -> String {
    segments(path).fold(String::new(), |tidy, segment| tidy + "/" + segment)
}

/// True for what no webhook may answer, whoever answered it.
pub(super) fn forbids(status: StatusCode) -> bool {
    status.is_redirection() || matches!(status.as_u16(), 404 | 405 | 426 | 501)
}

/// Answers one request below `/webhook/`.
pub(super) async fn answer<S, B>(shared: Arc<Shared>, incoming: Incoming, body: S) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let path = tidy(&incoming.path);
    if path == probe::PROBE {
        return probe::answer(&shared, &incoming, body).await;
    }
    let Some(webhook) = Webhook::at(&path) else {
        return safe(&shared, &incoming.path, Answer::Document, "no webhook has this path");
    };
    let unsure = |reason: &str| safe(&shared, &incoming.path, webhook.answer(), reason);
    if !matches!(incoming.method, Method::POST | Method::GET) {
        return unsure("the method is neither POST nor GET");
    }
    let body = match read_limited(body, BODY_LIMIT).await {
        Ok(body) => body,
        Err(fault) => return unsure(&fault.to_string()),
    };
    let form = form_of(&incoming, &body);
    let peer = incoming.peer.map(|peer| peer.0.ip());
    let config = &shared.config;
    let at = origins(
        config.public_base.as_ref(),
        &config.trusted_proxies,
        peer,
        &incoming.headers,
    );
    if webhook.signed() {
        let signed = signed_body(&incoming, form.as_deref(), &body);
        let verdict = verify::webhook(config, &at.signed, &incoming.target(), &incoming.headers, signed);
        if let Verdict::Refuse { reason, checked } = verdict {
            raise(&shared.counts.webhook_refused);
            tracing::warn!(path = incoming.path, reason, checked, "SIGNATURE_REFUSED");
            return answers::text(StatusCode::FORBIDDEN, probe::REFUSED);
        }
    }
    if form.is_none() && !body.is_empty() {
        tracing::warn!(path = incoming.path, "the body is no form and is not read");
    }
    let request = request(&incoming, form.unwrap_or_default(), at.public);
    if webhook.names(&request).is_none() {
        return unsure("it names no call or message");
    }
    match ask(&shared, webhook, request).await {
        Ok(reply) => shape(&shared, &incoming.path, webhook.answer(), reply),
        Err(reason) => unsure(reason),
    }
}

/// The answer where there is no proper one.
pub(super) fn safe(shared: &Shared, path: &str, answer: Answer, reason: &str) -> Response {
    raise(&shared.counts.safe_answers);
    tracing::error!(path, reason, "SAFE_ANSWER: a webhook could not be answered properly");
    match answer {
        Answer::Nothing => answers::nothing(),
        Answer::Document | Answer::DocumentOrNothing => answers::twiml(shared.config.safe_document.clone()),
    }
}

impl Webhook {
    fn at(path: &str) -> Option<Self> {
        let voice = Hook::ALL
            .into_iter()
            .find(|hook| hook.path() == path)
            .map(Webhook::Voice);
        let message = || {
            MessageHook::ALL
                .into_iter()
                .find(|hook| hook.path() == path)
                .map(Webhook::Message)
        };
        voice.or_else(message)
    }

    fn answer(self) -> Answer {
        match self {
            Webhook::Voice(hook) => hook.answer(),
            Webhook::Message(hook) => hook.answer(),
        }
    }

    fn signed(self) -> bool {
        match self {
            Webhook::Voice(hook) => hook.signed(),
            Webhook::Message(_) => true,
        }
    }

    /// What the request is about: the call's or the message's identity.
    fn names(self, request: &VoiceRequest) -> Option<&str> {
        let keys: &[&str] = match self {
            Webhook::Voice(_) => &["CallSid"],
            Webhook::Message(_) => &["MessageSid", "SmsSid"],
        };
        keys.iter()
            .find_map(|key| request.param(key))
            .filter(|value| !value.trim().is_empty())
    }
}

/// Asks the line in a task of its own: neither a carrier that hangs up nor a deadline stops what it began.
async fn ask(shared: &Arc<Shared>, webhook: Webhook, request: VoiceRequest) -> Result<VoiceReply, &'static str> {
    let line = Arc::clone(&shared.line);
    let answering = shared.open.spawn(async move {
        match webhook {
            Webhook::Voice(hook) => line.voice(hook, request).await,
            Webhook::Message(hook) => line.message(hook, request).await,
        }
    });
    match tokio::time::timeout(shared.config.answer_within, answering).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(_)) => {
            raise(&shared.counts.panics);
            Err("the line panicked")
        }
        Err(_) => Err("the line took too long"),
    }
}

/// Makes the line's reply one that the carrier accepts here.
fn shape(shared: &Shared, path: &str, answer: Answer, reply: VoiceReply) -> Response {
    match (answer, reply) {
        (Answer::Nothing, _) | (Answer::DocumentOrNothing, VoiceReply::Empty) => answers::nothing(),
        (Answer::Document, VoiceReply::Empty) => safe(shared, path, answer, "the line has no document"),
        (_, VoiceReply::Twiml(document)) if document.len() > DOCUMENT_LIMIT => {
            safe(shared, path, answer, "the document is longer than 64 kB")
        }
        (_, VoiceReply::Twiml(document)) => answers::twiml(document),
    }
}

/// What of the body the signature covers.
pub(super) fn signed_body<'a>(
    incoming: &Incoming,
    form: Option<&'a [(String, String)]>,
    body: &'a [u8],
) -> SignedBody<'a> {
    match form {
        Some(form) => SignedBody::Form(form),
        None if incoming.query.is_some() && names_body_hash(&incoming.target()) => SignedBody::Raw(body),
        None => SignedBody::Nothing,
    }
}

/// The body's parameters, if it is a form or, with a POST, does not say what it is.
pub(super) fn form_of(incoming: &Incoming, body: &Bytes) -> Option<Vec<(String, String)>> {
    if incoming.method != Method::POST {
        return None;
    }
    match incoming.headers.get(CONTENT_TYPE) {
        None => Some(form_pairs(body)),
        Some(value) => {
            let essence = value
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default()
                .trim();
            essence
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
                .then(|| form_pairs(body))
        }
    }
}

/// The request as the line sees it.
pub(super) fn request(incoming: &Incoming, mut params: Vec<(String, String)>, origin: String) -> VoiceRequest {
    let query = form_pairs(incoming.query.as_deref().unwrap_or_default().as_bytes());
    let n = query
        .iter()
        .find(|(key, _)| key == "n")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(1);
    params.extend(query.into_iter().filter(|(key, _)| key != "n"));
    let token = incoming
        .headers
        .get("i-twilio-idempotency-token")
        .and_then(|value| value.to_str().ok());
    VoiceRequest {
        params,
        n,
        idempotency_token: token.map(str::to_owned),
        origin,
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}
