//! The REST API on 127.0.0.1: calls, messages and recordings, with Basic auth and the carrier's error bodies.

mod calls;
mod messages;
mod recordings;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::account::Account;
use super::faults::{Fault, Faults};
use super::timeline::Happening;

/// The largest request body that is read, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// Answers requests until it is dropped.
pub(super) async fn serve(listener: TcpListener, account: Arc<Account>, http: reqwest::Client) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Without it answers may wait for an acknowledgement; failing to set it only costs time.
        let _best_effort = stream.set_nodelay(true);
        let (account, http) = (account.clone(), http.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| handle(request, account.clone(), http.clone()));
            // A connection that breaks is the client's to notice.
            let _broken = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// What a resource answers.
pub(super) struct Answer {
    status: u16,
    kind: &'static str,
    body: Bytes,
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            kind: "application/json;charset=utf-8",
            body: body.to_string().into(),
        }
    }

    fn wav(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            kind: "audio/x-wav",
            body: body.into(),
        }
    }

    fn error(status: u16, code: u32, message: &str) -> Self {
        Self::json(
            status,
            &json!({
                "code": code, "message": message, "status": status,
                "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            }),
        )
    }
}

/// A request, read and taken apart.
pub(super) struct Query {
    post: bool,
    path: String,
    /// Form fields of a POST, query fields of a GET.
    fields: Vec<(String, String)>,
    account: Arc<Account>,
    http: reqwest::Client,
}

impl Query {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn not_found(&self) -> Answer {
        Answer::error(
            404,
            20404,
            &format!("The requested resource {} was not found", self.path),
        )
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

async fn handle(
    request: Request<Incoming>,
    account: Arc<Account>,
    http: reqwest::Client,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Err(Dropped);
    };
    let body = body.to_bytes();
    let post = parts.method == hyper::Method::POST;
    let text = if post {
        &body[..]
    } else {
        parts.uri.query().unwrap_or_default().as_bytes()
    };
    let query = Query {
        post,
        path: parts.uri.path().to_owned(),
        fields: form_urlencoded::parse(text).into_owned().collect(),
        account: account.clone(),
        http,
    };
    let faults = faults_of(&query);
    let answer = match refuse(&faults) {
        Some(refused) => refused,
        None if !matches!(parts.method, hyper::Method::GET | hyper::Method::POST) => {
            Answer::error(405, 20004, "Method not allowed")
        }
        None if !authorized(parts.headers.get(header::AUTHORIZATION), &account) => {
            Answer::error(401, 20003, "Authenticate")
        }
        None => route(&query),
    };
    if let Some(call) = call_of(&query)
        && let Some(record) = account.state().calls.get(&call)
    {
        let line = format!("{} {}", parts.method, query.path);
        record.timeline.note(Happening::Rest(line, answer.status));
    }
    if let Some(delay) = faults.rest_delay() {
        tokio::time::sleep(delay).await;
    }
    if faults.has(Fault::ResetRest) {
        return Err(Dropped);
    }
    Ok(respond(answer, began))
}

fn respond(answer: Answer, began: Instant) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(answer.kind));
    if answer.status == 401 {
        headers.insert(
            header::WWW_AUTHENTICATE,
            header::HeaderValue::from_static("Basic realm=\"Twilio API\""),
        );
    }
    let pairs = [
        ("twilio-request-id", super::ids::sid("RQ")),
        (
            "twilio-request-duration",
            format!("{:.3}", began.elapsed().as_secs_f64()),
        ),
    ];
    for (name, value) in pairs {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

/// The faults in force: the carrier's, and those of the call that the path names.
fn faults_of(query: &Query) -> Faults {
    let state = query.account.state();
    let call = call_of(query).and_then(|sid| state.calls.get(&sid));
    call.map_or_else(|| query.account.faults.clone(), |record| record.faults.clone())
}

fn call_of(query: &Query) -> Option<String> {
    let (_, rest) = query.path.split_once("/Calls/")?;
    Some(rest.split(['/', '.']).next()?.to_owned())
}

/// What the faults in force answer in the resource's place, without carrying the request out.
fn refuse(faults: &Faults) -> Option<Answer> {
    [
        (Fault::FailRest, 500, 20500, "An internal server error has occurred"),
        (Fault::Rest401, 401, 20003, "Authenticate"),
        (Fault::Rest404, 404, 20404, "The requested resource was not found"),
        (Fault::Rest429, 429, 20429, "Too Many Requests"),
    ]
    .into_iter()
    .find(|(fault, ..)| faults.has(*fault))
    .map(|(_, status, code, message)| Answer::error(status, code, message))
}

fn authorized(header: Option<&header::HeaderValue>, account: &Account) -> bool {
    let expected = base64_simd::STANDARD.encode_to_string(format!("{}:{}", account.sid, account.token));
    header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .is_some_and(|given| given == expected)
}

fn route(query: &Query) -> Answer {
    let prefix = format!("/2010-04-01/Accounts/{}/", query.account.sid);
    let Some(rest) = query.path.strip_prefix(&prefix) else {
        return query.not_found();
    };
    let path: Vec<&str> = rest.split('/').collect();
    match path.as_slice() {
        ["Calls", name] => match (name.strip_suffix(".json"), query.post) {
            (Some(sid), true) => calls::update(query, sid),
            (Some(sid), false) => calls::read(query, sid),
            (None, _) => query.not_found(),
        },
        ["Messages.json"] if query.post => messages::create(query),
        ["Messages.json"] => messages::list(query),
        ["Messages", name] if !query.post => match name.strip_suffix(".json") {
            Some(sid) => messages::read(query, sid),
            None => query.not_found(),
        },
        ["Recordings", name] if !query.post => recordings::read(query, name),
        _ => query.not_found(),
    }
}
