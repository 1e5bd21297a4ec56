//! A two-way media stream on its way: the playback queue with its marks, and what the engine may say.

use std::collections::VecDeque;

use super::ear::{Frame, SILENT};
use super::exchange::{Method, Params, Request};
use super::faults::{Fault, Faults};
use super::leg::Leg;
use super::socket::{Ending, Incoming, Socket};
use super::timeline::Happening;
use super::wire::{self, Said, Track, Writer};
use crate::audio::mulaw;
use crate::twiml::Element;

/// Sound that may wait to be played: 10 minutes (31931 beyond).
const QUEUE_LIMIT: usize = 10 * 60 * 8000;

/// One bidirectional stream.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) socket: Socket,
    pub(crate) writer: Writer,
    queue: VecDeque<u8>,
    /// Samples ever queued; a mark is due when as many have left the queue.
    queued: u64,
    marks: VecDeque<(u64, String)>,
    never_echo: bool,
    complained: Vec<u32>,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) echoed: u64,
    pub(crate) clears: u64,
}

impl Session {
    pub(crate) fn new(socket: Socket, writer: Writer, faults: &Faults) -> Self {
        Self {
            socket,
            writer,
            queue: VecDeque::new(),
            queued: 0,
            marks: VecDeque::new(),
            never_echo: faults.has(Fault::NeverEchoMarks),
            complained: Vec::new(),
            sent: 0,
            received: 0,
            echoed: 0,
            clears: 0,
        }
    }

    /// Takes in everything that has arrived. Returns how the engine ended the stream, once it has.
    pub(crate) fn receive(&mut self, leg: &Leg) -> Option<Ending> {
        while let Some(message) = self.socket.take() {
            match message {
                Incoming::Ended(ending) => return Some(ending),
                Incoming::Binary => self.complain(leg, 31950, "a binary message"),
                Incoming::Text(text) => match wire::read(&text, &self.writer.sid) {
                    Ok(said) => self.obey(leg, said),
                    Err(error) => self.complain(leg, 31951, &error),
                },
            }
        }
        None
    }

    /// The next 20 ms the caller hears.
    pub(crate) fn play(&mut self) -> Frame {
        let mut frame = SILENT;
        for sample in &mut frame {
            match self.queue.pop_front() {
                Some(code) => *sample = code,
                None => break,
            }
        }
        frame
    }

    /// Echoes the marks whose sound has been heard.
    pub(crate) fn echo(&mut self) {
        let heard = self.queued - self.queue.len() as u64;
        while self.marks.front().is_some_and(|(due, _)| *due <= heard)
            && let Some((_, name)) = self.marks.pop_front()
        {
            if !self.never_echo {
                let text = self.writer.mark(&name);
                self.socket.send(text);
                self.echoed += 1;
            }
        }
    }

    /// Sends what the caller said in the last 20 ms.
    pub(crate) fn send(&mut self, leg: &Leg, millis: u128, said: &Frame) {
        let text = self.writer.media(Track::Inbound, millis, said);
        if self.socket.send(text) {
            self.sent += 1;
        } else {
            self.complain(leg, 31930, "caller sound was dropped");
        }
    }

    fn obey(&mut self, leg: &Leg, said: Said) {
        match said {
            Said::Media(sound) => {
                self.received += 1;
                if self.queue.len() + sound.len() > QUEUE_LIMIT {
                    self.complain(leg, 31931, "10 minutes are queued");
                    return;
                }
                self.queued += sound.len() as u64;
                self.queue.extend(sound);
            }
            Said::Mark(name) => {
                self.marks.push_back((self.queued, name));
                self.echo();
            }
            Said::Clear => {
                self.clears += 1;
                self.queue.clear();
                self.echo();
            }
        }
    }

    /// Raises a code once per stream.
    fn complain(&mut self, leg: &Leg, code: u32, detail: &str) {
        if !self.complained.contains(&code) {
            self.complained.push(code);
            leg.error(code, detail);
        }
    }

    /// The line of the report about this stream.
    pub(crate) fn summary(&self, why: &str) -> Happening {
        Happening::StreamEnded {
            sid: self.writer.sid.clone(),
            why: why.to_owned(),
            sent: self.sent,
            received: self.received,
            marks: self.echoed,
            clears: self.clears,
        }
    }

    /// Milliseconds of sound the caller has not heard yet.
    pub(crate) fn unheard_millis(&self) -> u64 {
        mulaw::millis(self.queue.len())
    }
}

/// The `<Parameter>`s of a noun.
pub(crate) fn parameters(noun: &Element) -> Params {
    noun.children
        .iter()
        .filter(|child| child.name == "Parameter")
        .map(|child| {
            let text = |name| child.attribute(name).unwrap_or_default().to_owned();
            (text("name"), text("value"))
        })
        .collect()
}

/// Tells the engine about a stream's own events where the noun asks for it.
pub(crate) fn tell(leg: &Leg, noun: &Element, sid: &str, event: &str, error: Option<&str>) {
    let Some(callback) = noun.attribute("statusCallback").filter(|url| !url.is_empty()) else {
        return;
    };
    let mut params: Params = [
        ("AccountSid", leg.account.sid.as_str()),
        ("CallSid", &leg.sid),
        ("StreamSid", sid),
        ("StreamName", noun.attribute("name").unwrap_or(sid)),
        ("StreamEvent", event),
        ("Timestamp", &jiff::Timestamp::now().to_string()),
    ]
    .iter()
    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
    .collect();
    if let Some(error) = error {
        params.push(("StreamError".to_owned(), error.to_owned()));
    }
    match leg.resolve(callback) {
        Ok(url) => leg.courier.send(Request {
            purpose: format!("status {event}"),
            url,
            method: Method::read(noun.attribute("statusCallbackMethod")),
            params,
        }),
        Err(failure) => leg.fail(&failure),
    }
}
