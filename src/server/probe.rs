//! The probe: what `engine doctor` asks of a running engine, through everything that stands before it.
//!
//! It lies among the webhooks, so that a proxy treats it like them, and is verified as they are; but it begins no call
//! and writes nothing. What the engine knows of itself it tells only to those who hold the auth token.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64_simd::STANDARD;
use bytes::Buf;
use futures_util::Stream;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use warp::reply::Response;

use super::form::{BODY_LIMIT, read_limited};
use super::line::Answer;
use super::origin::{Origins, origins};
use super::shared::Shared;
use super::verify;
use super::webhooks::{self, Incoming};
use super::{answers, health};

/// Where the probe answers, without a slash at the end.
pub const PROBE: &str = "/webhook/doctor";

/// The header with the [`proof`] that the asker holds the auth token, whatever URL it signed.
pub const PROOF: &str = "x-engine-proof";

/// What a refused request is told; the same for webhooks.
pub const REFUSED: &str = "the request is not signed by the account";

/// The proof for a nonce: base64(HMAC-SHA256(auth token, a text that is no URL, the nonce)). Unlike a signature it says
/// nothing of the URL, so that a deployment which signs another one can still say which.
pub fn proof(token: &str, nonce: &str) -> String {
    STANDARD.encode_to_string(proven(token, nonce).finalize().into_bytes())
}

/// Answers one request for the probe. Parameters: `Nonce`; `Answer=document` for a flow's first document in place of the
/// facts, and `To` for the number whose flow is meant.
pub(super) async fn answer<S, B>(shared: &Arc<Shared>, incoming: &Incoming, body: S) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let refused = || answers::text(StatusCode::FORBIDDEN, REFUSED);
    let unsure = |reason: &str| webhooks::safe(shared, &incoming.path, Answer::Document, reason);
    if !matches!(incoming.method, Method::POST | Method::GET) {
        return unsure("the method is neither POST nor GET");
    }
    let body = match read_limited(body, BODY_LIMIT).await {
        Ok(body) => body,
        Err(fault) => return unsure(&fault.to_string()),
    };
    let form = webhooks::form_of(incoming, &body);
    let config = &shared.config;
    let peer = incoming.peer.map(|peer| peer.0.ip());
    let at = origins(
        config.public_base.as_ref(),
        &config.trusted_proxies,
        peer,
        &incoming.headers,
    );
    let signed = webhooks::signed_body(incoming, form.as_deref(), &body);
    let (matched, checked) = verify::matched(config, &at.signed, &incoming.target(), &incoming.headers, signed);
    let request = webhooks::request(incoming, form.unwrap_or_default(), at.public.clone());
    let is_proven = is_proven(shared, incoming, request.param("Nonce").unwrap_or_default());
    if matched.is_none() {
        tracing::info!(checked = verify::loggable(&checked), "PROBE_UNSIGNED");
        if !is_proven {
            return match config.verify_signatures {
                true => refused(),
                false => answers::json(StatusCode::OK, &json!({"probe": 1, "verifies_signatures": false})),
            };
        }
        if config.verify_signatures {
            let url = url(shared, &at, None, &checked, incoming);
            let facts = json!({"probe": 1, "verifies_signatures": true, "url": url});
            return answers::json(StatusCode::FORBIDDEN, &facts);
        }
    }
    let flows = shared.line.running(&at.public);
    if request.param("Answer") == Some("document") {
        let to = request.param("To").unwrap_or_default();
        let of_number = flows.iter().find(|flow| flow.numbers.iter().any(|number| number == to));
        return match of_number.or(flows.first()).map(|flow| &flow.document) {
            Some(Ok(document)) => answers::twiml(document.clone()),
            Some(Err(error)) => unsure(error),
            None => unsure("no flow is loaded"),
        };
    }
    let flows: Vec<Value> = flows
        .iter()
        .map(|flow| {
            json!({
                "name": flow.name, "file": flow.file, "hash": flow.hash, "numbers": flow.numbers, "sounds": flow.sounds,
            })
        })
        .collect();
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let facts = json!({
        "probe": 1,
        "engine": health::about(shared),
        "verifies_signatures": config.verify_signatures,
        "enforces_stream_signature": config.enforce_ws_signature,
        "url": url(shared, &at, matched.as_deref(), &checked, incoming),
        "clock_ms": u64::try_from(clock.as_millis()).unwrap_or(u64::MAX),
        "flows": flows,
    });
    answers::json(StatusCode::OK, &facts)
}

/// How the request's URL looks from here.
fn url(shared: &Shared, at: &Origins, matched: Option<&str>, checked: &[String], incoming: &Incoming) -> Value {
    let header = |name: &str| incoming.headers.get(name).and_then(|value| value.to_str().ok());
    json!({
        "public": at.public,
        "is_configured": shared.config.public_base.is_some(),
        "matched": matched,
        "checked": checked,
        "host": header("host"),
        "forwarded_host": header("x-forwarded-host"),
        "forwarded_proto": header("x-forwarded-proto"),
    })
}

fn is_proven(shared: &Shared, incoming: &Incoming, nonce: &str) -> bool {
    let Some(token) = &shared.config.auth_token else {
        return false;
    };
    let given = incoming.headers.get(PROOF).and_then(|value| value.to_str().ok());
    let given = given.and_then(|text| STANDARD.decode_to_vec(text).ok());
    given.is_some_and(|given| proven(token.expose_secret(), nonce).verify_slice(&given).is_ok())
}

fn proven(token: &str, nonce: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(b"engine doctor\n");
    mac.update(nonce.as_bytes());
    mac
}
