//! A call leg as the verbs see it: its line, its identity and the ways to reach the engine.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::account::{Account, Recording};
use super::courier::Courier;
use super::document::{self, Document};
use super::ear::Frame;
use super::errors::Code;
use super::exchange::{Failure, Method, Params, Request};
use super::faults::{Fault, Faults};
use super::http::Client;
use super::ids;
use super::line::{Interrupt, Line};
use super::spec::{DialOutcome, PayOutcome};
use super::status::Progress;
use super::timeline::{Happening, Timeline};
use crate::audio::mulaw;
use crate::audio::{level, wav};
use crate::twiml::Element;

/// Recordings quieter than this hold only silence (dBFS).
const SILENT_BELOW: f32 = -50.0;

/// Recordings with fewer samples than this, half a second, are too short to be kept; the carrier's own limit is not published.
const SHORTEST: usize = 4000;

/// Everything a verb works with.
pub(crate) struct Leg {
    pub(crate) line: Line,
    pub(crate) account: Arc<Account>,
    /// The REST server's address, without a slash at its end.
    pub(crate) rest: Arc<str>,
    pub(crate) client: Client,
    pub(crate) courier: Courier,
    pub(crate) timeline: Timeline,
    pub(crate) faults: Faults,
    pub(crate) sid: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) sip: bool,
    pub(crate) status: String,
    /// The address of the current document; none where REST put it in.
    pub(crate) base: Option<Url>,
    pub(crate) dials: VecDeque<DialOutcome>,
    pub(crate) pay: PayOutcome,
    pub(crate) queue: Duration,
    pub(crate) progress: Progress,
}

/// What follows a verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// The verb behind it.
    Verb,
    /// A document that the engine is asked for.
    Fetch(Request),
    /// Nothing: the call ends.
    HangUp,
    /// The call ends without having been answered, with this status.
    Refuse(&'static str),
    /// The caller leaves the queue.
    Leave,
}

impl Leg {
    /// The parameters of every request about this call.
    pub(crate) fn params(&self) -> Params {
        let country = |number: &str| {
            if number.starts_with("+972") { "IL" } else { "US" }
        };
        let mut params: Params = Vec::with_capacity(24);
        let mut put = |name: &str, value: &str| params.push((name.to_owned(), value.to_owned()));
        put("CallSid", &self.sid);
        put("AccountSid", &self.account.sid);
        put("From", &self.from);
        put("To", &self.to);
        put("Caller", &self.from);
        put("Called", &self.to);
        put("CallStatus", &self.status);
        put("ApiVersion", "2010-04-01");
        put("Direction", "inbound");
        for (side, number) in [
            ("From", &self.from),
            ("Caller", &self.from),
            ("To", &self.to),
            ("Called", &self.to),
        ] {
            put(&format!("{side}City"), "");
            put(&format!("{side}State"), "");
            put(&format!("{side}Zip"), "");
            put(&format!("{side}Country"), country(number));
        }
        params
    }

    /// A request for the document behind `url`, with `extra` on top of what every request carries.
    pub(crate) fn request(&self, purpose: &str, url: String, method: Method, extra: Params) -> Request {
        let mut params = self.params();
        params.extend(extra);
        Request {
            purpose: purpose.to_owned(),
            url,
            method,
            params,
        }
    }

    /// The address that an attribute or a text names, relative to the current document.
    ///
    /// # Errors
    /// 15004 for a relative address in a document put in by REST, 11100 for no address at all.
    pub(crate) fn resolve(&self, text: &str) -> Result<String, Failure> {
        let text = text.trim();
        if let Ok(url) = Url::parse(text) {
            return Ok(if url.has_host() { text.to_owned() } else { url.into() });
        }
        match &self.base {
            Some(base) => base
                .join(text)
                .map(String::from)
                .map_err(|error| Failure::new(11100, text, error.to_string())),
            None => Err(Failure::new(
                15004,
                text,
                "a relative address in a document put in by REST",
            )),
        }
    }

    /// What follows a verb with an `action`: its document, the current one where the attribute is missing and
    /// `required`, or the next verb.
    pub(crate) fn action(&self, verb: &Element, required: bool, extra: Params) -> Next {
        let url = match verb.attribute("action").filter(|action| !action.is_empty()) {
            Some(action) => self.resolve(action),
            None if required => match &self.base {
                Some(base) => Ok(base.to_string()),
                None => Err(Failure::new(11100, "", "an action is needed here")),
            },
            None => return Next::Verb,
        };
        match url {
            Ok(url) => {
                let method = Method::read(verb.attribute("method"));
                Next::Fetch(self.request(&format!("action {}", verb.name), url, method, extra))
            }
            Err(failure) => {
                self.fail(&failure);
                Next::HangUp
            }
        }
    }

    /// Tells the engine how a verb ended though the caller is gone and nothing can follow.
    pub(crate) fn last_action(&mut self, verb: &Element, required: bool, extra: Params) {
        self.status = "completed".to_owned();
        if let Next::Fetch(request) = self.action(verb, required, extra) {
            self.courier.send(request);
        }
    }

    /// Asks the engine for a document; the caller hears nothing meanwhile.
    pub(crate) async fn fetch(
        &mut self,
        request: &Request,
        first: bool,
    ) -> Result<Result<Document, Failure>, Interrupt> {
        let client = self.client.clone();
        let reply = self.line.meanwhile(client.send(request)).await?;
        Ok(reply.and_then(|reply| document::of_reply(&reply, first)))
    }

    /// Waits for `work` while the line stays open and silent.
    pub(crate) async fn meanwhile<F: Future>(&mut self, work: F) -> Result<F::Output, Interrupt> {
        self.line.meanwhile(work).await
    }

    /// Waits for `work` while the caller hears `sound`.
    pub(crate) async fn meanwhile_hearing<F: Future>(
        &mut self,
        work: F,
        sound: &mut (dyn Iterator<Item = Frame> + Send),
    ) -> Result<F::Output, Interrupt> {
        self.line.meanwhile_hearing(work, sound).await
    }

    /// Answers the call if it still rings.
    pub(crate) fn answer(&mut self) {
        if self.line.is_up() {
            return;
        }
        self.line.answer();
        "in-progress".clone_into(&mut self.status);
        self.tell_status("in-progress", Params::new());
    }

    /// Notes an error of the carrier's.
    pub(crate) fn error(&self, code: Code, detail: impl Into<String>) {
        self.timeline.error(code, detail);
    }

    /// Notes a failed request.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.error(failure.code, format!("{} {}", failure.url, failure.detail));
    }

    /// Keeps a recording and tells the engine of it where the verb asks for that. Returns its `action` parameters,
    /// or nothing where there is nothing worth keeping.
    pub(crate) fn keep_recording(&mut self, verb: &Element, source: &'static str, sound: &[u8]) -> Option<Params> {
        let samples = mulaw::decode_all(sound);
        let started = jiff::Timestamp::now();
        let sid = ids::sid("RE");
        let url = format!(
            "{}/2010-04-01/Accounts/{}/Recordings/{sid}",
            self.rest, self.account.sid
        );
        let absent = if samples
            .chunks(mulaw::FRAME)
            .all(|frame| level::rms_dbfs(frame) < SILENT_BELOW)
        {
            Some(16102)
        } else if sound.len() < SHORTEST {
            Some(16101)
        } else {
            None
        };
        if let Some(code) = absent {
            self.error(code, format!("{} ms", sound.len() / 8));
            self.tell_recording(
                verb,
                "absent",
                &sid,
                &url,
                vec![("ErrorCode".to_owned(), code.to_string())],
                source,
            );
            return None;
        }
        let seconds = (sound.len() as u64).div_ceil(u64::from(mulaw::RATE)).max(1);
        let recording = Recording {
            sid: sid.clone(),
            call: self.sid.clone(),
            seconds,
            source,
            wav: wav::write_mono(mulaw::RATE, &samples),
            completed: !self.faults.has(Fault::NoRecording),
            made: started,
        };
        self.account.state().recordings.insert(sid.clone(), recording);
        self.timeline.note(Happening::Recording(sid.clone(), seconds));
        let facts = vec![
            ("RecordingUrl".to_owned(), url.clone()),
            ("RecordingSid".to_owned(), sid.clone()),
            ("RecordingDuration".to_owned(), seconds.to_string()),
        ];
        if !self.faults.has(Fault::NoRecording) {
            let duration = vec![("RecordingDuration".to_owned(), seconds.to_string())];
            self.tell_recording(verb, "completed", &sid, &url, duration, source);
        }
        Some(facts)
    }

    fn tell_recording(&self, verb: &Element, status: &str, sid: &str, url: &str, extra: Params, source: &str) {
        let Some(callback) = verb.attribute("recordingStatusCallback").filter(|url| !url.is_empty()) else {
            return;
        };
        let wanted = verb.attribute("recordingStatusCallbackEvent").unwrap_or("completed");
        if !wanted.split_whitespace().any(|event| event == status) {
            return;
        }
        let mut params: Params = [
            ("AccountSid", self.account.sid.as_str()),
            ("CallSid", &self.sid),
            ("RecordingSid", sid),
            ("RecordingUrl", url),
            ("RecordingStatus", status),
            ("RecordingChannels", "1"),
            ("RecordingSource", source),
            ("RecordingTrack", "inbound"),
        ]
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
        params.extend(extra);
        match self.resolve(callback) {
            Ok(url) => self.courier.send(Request {
                purpose: "status of recording".to_owned(),
                url,
                method: Method::read(verb.attribute("recordingStatusCallbackMethod")),
                params,
            }),
            Err(failure) => self.fail(&failure),
        }
    }
}

/// An attribute in whole seconds.
pub(crate) fn seconds(verb: &Element, name: &str, default: u64) -> Duration {
    let value = verb.attribute(name).and_then(|text| text.trim().parse().ok());
    Duration::from_secs(value.unwrap_or(default))
}

/// A `true` or `false` attribute.
pub(crate) fn flag(verb: &Element, name: &str, default: bool) -> bool {
    match verb.attribute(name) {
        Some("true") => true,
        Some("false") => false,
        _ => default,
    }
}
