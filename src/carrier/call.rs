//! One call from ringing to its report: places it, runs its documents and tells how it went.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use url::Url;

use super::account::{CallRecord, Message, Order, Recording};
use super::clock::Clock;
use super::courier::Courier;
use super::document::{self, Document};
use super::ear::{Ear, Span};
use super::errors::Code;
use super::exchange::{Exchange, Failure, Method, Params, Request};
use super::faults::Faults;
use super::front;
use super::http::Client;
use super::ids;
use super::leg::{Leg, Next};
use super::line::{Interrupt, Line, endless};
use super::network::Carrier;
use super::sounds;
use super::spec::CallSpec;
use super::status::Progress;
use super::stream;
use super::timeline::{Event, Happening, Timeline};
use super::verbs;
use super::voice::{Voice, VoiceError};
use crate::score::Label;
use crate::twiml::Setting;

/// Who or what ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The engine's document ended the call, or ran out.
    EngineHungUp,
    /// The engine ended it through REST.
    EndedByRest,
    /// The engine refused the call: `busy` or `no-answer`.
    Refused(&'static str),
    /// The caller hung up.
    CallerHungUp,
    /// It reached `max_length`.
    TooLong,
    /// No usable document could be had: the caller heard the carrier's own announcement.
    ApplicationError,
}

/// How a call went.
#[derive(Debug)]
pub struct CallReport {
    /// The call's sid.
    pub call_sid: String,
    /// Who or what ended it.
    pub outcome: Outcome,
    /// Everything that happened, in order.
    pub timeline: Vec<Event>,
    /// What was heard and said, with its silences.
    pub ear: Ear,
    /// What the caller said and meant, and when, on the ear's own time.
    pub labels: Vec<Label>,
    /// The longest time, while the call was up, in which neither side could be heard.
    pub longest_silence: Span,
    /// The carrier's error codes with what happened.
    pub errors: Vec<(Code, String)>,
    /// The messages the engine sent to this caller.
    pub messages: Vec<Message>,
    /// The call's recordings.
    pub recordings: Vec<Recording>,
    /// The requests to the engine, with their answers.
    pub requests: Vec<Exchange>,
}

/// Why a call cannot be placed.
#[derive(Debug)]
pub enum PlaceError {
    /// The voice webhook is no absolute http or https URL.
    BadUrl(String),
    /// The caller's script cannot be played.
    Caller(VoiceError),
}

impl std::fmt::Display for PlaceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BadUrl(url) => write!(f, "`{url}` is no absolute http or https URL"),
            Self::Caller(error) => write!(f, "the caller's script cannot be played: {error}"),
        }
    }
}

impl std::error::Error for PlaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::BadUrl(_) => None,
            Self::Caller(error) => Some(error),
        }
    }
}

/// Places a call and waits until it is over.
///
/// # Errors
/// [`PlaceError`]; everything that happens once the call exists is in the report instead.
pub async fn place(spec: CallSpec, net: &Carrier) -> Result<CallReport, PlaceError> {
    let voice_url = Url::parse(&spec.voice_url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| PlaceError::BadUrl(spec.voice_url.clone()))?;
    let account = net.account();
    let sid = ids::sid("CA");
    let clock = Clock::start(spec.pace);
    let timeline = Timeline::new(&sid, clock, spec.events.clone());
    let faults: Faults = spec.faults.iter().copied().collect::<Faults>().and(&account.faults);
    let seed = sid
        .bytes()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let voice = Voice::load(&spec.caller, spec.noise, seed).map_err(PlaceError::Caller)?;
    let (orders, inbox) = mpsc::channel(8);
    account.state().calls.insert(
        sid.clone(),
        CallRecord {
            from: spec.from.clone(),
            to: spec.to.clone(),
            status: "queued".to_owned(),
            started: jiff::Timestamp::now(),
            ended: None,
            orders,
            timeline: timeline.clone(),
            faults: faults.clone(),
        },
    );
    let mut fronts = spec.fronts.clone();
    fronts.extend(front::implied(&voice_url));
    let client = Client::new(net.http(), &account.token, faults.clone(), fronts, timeline.clone());
    let (courier, delivering) = Courier::start(client.clone(), timeline.clone(), &faults);
    let mut leg = Leg {
        line: Line::new(clock, voice, inbox, timeline.clone(), spec.max_length, &faults),
        account: account.clone(),
        rest: net.rest_url.as_str().into(),
        client: client.clone(),
        courier,
        timeline: timeline.clone(),
        faults,
        sid: sid.clone(),
        from: spec.from.clone(),
        to: spec.to.clone(),
        sip: spec.sip,
        status: "ringing".to_owned(),
        base: None,
        dials: spec.dials.iter().copied().collect::<VecDeque<_>>(),
        pay: spec.pay,
        queue: spec.dequeued_after,
        progress: Progress::new(spec.status_callback.clone(), spec.status_events.clone()),
    };
    let outcome = live(&mut leg, &spec).await;
    let (ear, labels) = bury(leg, outcome).await;
    // The courier's task only ends early by a panic, which the tests would show.
    let _delivered = delivering.await;
    tokio::time::sleep(spec.linger).await;
    timeline.close();
    let events = timeline.events();
    let state = account.state();
    Ok(CallReport {
        longest_silence: ear.longest_silence(),
        errors: events
            .iter()
            .filter_map(|event| match &event.what {
                Happening::Error(code, detail) => Some((*code, detail.clone())),
                _ => None,
            })
            .collect(),
        timeline: events,
        messages: state
            .messages
            .iter()
            .filter(|message| message.to.ends_with(&spec.from))
            .cloned()
            .collect(),
        recordings: state
            .recordings
            .values()
            .filter(|recording| recording.call == sid)
            .cloned()
            .collect(),
        requests: client.exchanges(),
        call_sid: sid,
        outcome,
        ear,
        labels,
    })
}

/// What the call does next.
enum Todo {
    Ask(Request, Option<String>),
    Run(Document),
}

async fn live(leg: &mut Leg, spec: &CallSpec) -> Outcome {
    leg.tell_status("initiated", Params::new());
    leg.tell_status("ringing", Params::new());
    let first = leg.request("voice", spec.voice_url.clone(), spec.voice_method, Params::new());
    let mut todo = Todo::Ask(first, spec.fallback_url.clone());
    loop {
        let interrupt = match turn(leg, todo).await {
            Ok(Turn::Ask(request)) => {
                todo = Todo::Ask(request, spec.fallback_url.clone());
                continue;
            }
            Ok(Turn::Over(outcome)) => return outcome,
            Err(interrupt) => interrupt,
        };
        todo = match interrupt {
            Interrupt::HungUp => return Outcome::CallerHungUp,
            Interrupt::TooLong => return Outcome::TooLong,
            Interrupt::Alarm => return Outcome::EngineHungUp,
            Interrupt::Ordered(Order::Complete) => return Outcome::EndedByRest,
            Interrupt::Ordered(Order::Fetch { url, method, fallback }) => {
                let request = leg.request("redirect by REST", url, method, Params::new());
                Todo::Ask(request, fallback.or_else(|| spec.fallback_url.clone()))
            }
            Interrupt::Ordered(Order::Document(text)) => match document::of_text(&text, None, Setting::LiveCall) {
                Ok(document) => Todo::Run(document),
                Err(problem) => {
                    leg.error(problem.code, problem.message);
                    return announce(leg).await;
                }
            },
        };
    }
}

/// How one document ended.
enum Turn {
    Ask(Request),
    Over(Outcome),
}

async fn turn(leg: &mut Leg, todo: Todo) -> Result<Turn, Interrupt> {
    let document = match todo {
        Todo::Run(document) => document,
        Todo::Ask(request, fallback) => match ask(leg, &request, fallback).await? {
            Ok(document) => document,
            Err(failure) => {
                leg.fail(&failure);
                return Ok(Turn::Over(announce(leg).await));
            }
        },
    };
    Ok(match verbs::execute(leg, document).await? {
        None | Some(Next::HangUp | Next::Leave | Next::Verb) => Turn::Over(Outcome::EngineHungUp),
        Some(Next::Fetch(request)) => Turn::Ask(request),
        Some(Next::Refuse(status)) => Turn::Over(Outcome::Refused(status)),
    })
}

/// Asks for a document and, where it cannot be had, for the fallback. Before the answer the caller hears it ring.
async fn ask(
    leg: &mut Leg,
    request: &Request,
    fallback: Option<String>,
) -> Result<Result<Document, Failure>, Interrupt> {
    let failure = match once(leg, request).await? {
        Ok(document) => return Ok(Ok(document)),
        Err(failure) => failure,
    };
    let Some(url) = fallback.filter(|url| *url != request.url) else {
        return Ok(Err(failure));
    };
    leg.fail(&failure);
    let mut params = request.params.clone();
    params.push(("ErrorCode".to_owned(), failure.code.to_string()));
    params.push(("ErrorUrl".to_owned(), request.url.clone()));
    let second = Request {
        purpose: "fallback".to_owned(),
        url,
        method: Method::Post,
        params,
    };
    once(leg, &second).await
}

async fn once(leg: &mut Leg, request: &Request) -> Result<Result<Document, Failure>, Interrupt> {
    if leg.line.is_up() {
        return leg.fetch(request, false).await;
    }
    let client = leg.client.clone();
    let reply = leg
        .meanwhile_hearing(client.send(request), &mut endless(&sounds::ringback()))
        .await?;
    Ok(reply.and_then(|reply| document::of_reply(&reply, true)))
}

/// The carrier's own words when an application fails, then the end of the call.
async fn announce(leg: &mut Leg) -> Outcome {
    leg.answer();
    // However the announcement ends, the call is over.
    let _ended = leg.line.play(&sounds::speechlike(Duration::from_secs(4), 3)).await;
    Outcome::ApplicationError
}

/// Ends the call: copies are stopped, the last status goes out, and what was heard is handed over.
async fn bury(mut leg: Leg, outcome: Outcome) -> (Ear, Vec<Label>) {
    for mut fork in std::mem::take(&mut leg.line.forks) {
        fork.stop(&leg.account.sid, &leg.sid).await;
        stream::tell(&leg, &fork.noun, &fork.writer.sid, "stream-stopped", None);
    }
    let status = match outcome {
        Outcome::Refused(status) => status,
        Outcome::CallerHungUp if !leg.line.is_up() => "no-answer",
        _ => "completed",
    };
    let seconds = leg.line.up_for().as_secs_f64().ceil() as u64;
    leg.tell_end(status, seconds);
    let Leg { line, .. } = leg;
    line.end()
}
