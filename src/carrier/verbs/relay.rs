//! `<Connect><ConversationRelay>`: the carrier speaks and recognises, and exchanges text with the engine.

use serde_json::{Map, Value, json};

use super::super::exchange::Params;
use super::super::faults::Fault;
use super::super::ids;
use super::super::leg::{Leg, flag};
use super::super::line::Interrupt;
use super::super::relay::{self, Ask, Cuts, Playout};
use super::super::socket::{self, Ending, Incoming, Socket};
use super::super::stream;
use super::super::timeline::Happening;
use super::connect;
use crate::twiml::Element;

/// So many beats of speech cut an answer off: 200 ms.
const BARGE_IN: u64 = 10;
/// Beats between two partial prompts: 400 ms, in which one word is said.
const PER_WORD: u64 = 20;

/// How a session ended without the call's doing.
enum Ended {
    /// The engine said so, with what it passes on.
    Engine(String),
    /// It failed: the code and what happened.
    Failed(u32, String),
}

/// Runs the conversation. Returns the `action` parameters, and why the verb does not go on.
pub(super) async fn run(leg: &mut Leg, noun: &Element) -> (Params, Result<(), Interrupt>) {
    let session = ids::sid("VX");
    let began = leg.line.now();
    let ended = hold(leg, noun, &session).await;
    let seconds = leg.line.now().saturating_sub(began).as_secs().to_string();
    let mut facts = Params::new();
    let mut put = |name: &str, value: &str| facts.push((name.to_owned(), value.to_owned()));
    put("SessionId", &session);
    put("SessionDuration", &seconds);
    match &ended {
        Ok(Ended::Engine(handoff)) => {
            put("SessionStatus", "ended");
            put("HandoffData", handoff);
        }
        Ok(Ended::Failed(code, detail)) => {
            leg.error(*code, detail.clone());
            put("SessionStatus", "failed");
            put("ErrorCode", &code.to_string());
            put("ErrorMessage", detail);
        }
        Err(_) => put("SessionStatus", "completed"),
    }
    (facts, ended.map(|_| ()))
}

async fn hold(leg: &mut Leg, noun: &Element, session: &str) -> Result<Ended, Interrupt> {
    let url = noun.attribute("url").unwrap_or_default().to_owned();
    let (client, faults) = (leg.client.clone(), leg.faults.clone());
    if faults.has(Fault::NeverStream) {
        leg.timeline
            .note(Happening::Fault("the session never connects".to_owned()));
        connect::nothing(leg).await?;
    }
    let socket = match leg.meanwhile(socket::open(&url, &client, &faults)).await? {
        Ok(socket) => socket,
        Err((code, detail)) => return Ok(Ended::Failed(code, format!("{url}: {detail}"))),
    };
    leg.timeline.note(Happening::StreamStarted(session.to_owned(), url));
    let mut talk = Talk::new(noun, socket);
    if !faults.has(Fault::NoStart) {
        talk.set_up(leg, noun, session);
    }
    let ended = talk.converse(leg).await;
    let why = match &ended {
        Ok(Ended::Engine(_)) => "the engine ended it",
        Ok(Ended::Failed(..)) => "the connection ended",
        Err(Interrupt::HungUp) => "the caller hung up",
        Err(_) => "the call moved on",
    };
    let unheard = match talk.playout.unheard_millis() {
        0 => String::new(),
        millis => format!(", {millis} ms unheard"),
    };
    leg.timeline.note(Happening::StreamEnded {
        sid: session.to_owned(),
        why: format!("{why}{unheard}"),
        sent: talk.sent,
        received: talk.received,
        marks: 0,
        clears: talk.interrupts,
    });
    if !faults.has(Fault::AbruptClose) && !matches!(ended, Ok(Ended::Failed(..))) {
        // The call does not wait for the close to be answered.
        tokio::spawn(talk.socket.close());
    }
    ended
}

/// A conversation by text.
struct Talk {
    socket: Socket,
    playout: Playout,
    /// What of an utterance has come so far.
    tokens: String,
    speak: String,
    hear: String,
    cuts: Cuts,
    keys: bool,
    partials: bool,
    /// Beats of speech in the caller's utterance, and words of it that were sent.
    spoken: u64,
    told: usize,
    sent: u64,
    received: u64,
    interrupts: u64,
}

impl Talk {
    fn new(noun: &Element, socket: Socket) -> Self {
        let language = noun.attribute("language").unwrap_or("en-US");
        let in_language = |name| noun.attribute(name).unwrap_or(language).to_owned();
        let mut playout = Playout::default();
        let speak = in_language("ttsLanguage");
        if let Some(welcome) = noun.attribute("welcomeGreeting").filter(|text| !text.is_empty()) {
            let cuts = Cuts::of(noun.attribute("welcomeGreetingInterruptible"));
            playout.say(welcome, &speak, cuts, false);
        }
        Self {
            socket,
            playout,
            tokens: String::new(),
            speak,
            hear: in_language("transcriptionLanguage"),
            cuts: Cuts::of(noun.attribute("interruptible")),
            keys: flag(noun, "dtmfDetection", false),
            partials: flag(noun, "partialPrompts", false),
            spoken: 0,
            told: 0,
            sent: 0,
            received: 0,
            interrupts: 0,
        }
    }

    fn set_up(&mut self, leg: &Leg, noun: &Element, session: &str) {
        if leg.faults.has(Fault::ExtraEvent) {
            self.send(&json!({"type": "novelty", "novelty": {"a": 1}}));
        }
        let parameters: Map<String, Value> = stream::parameters(noun)
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)))
            .collect();
        self.send(&json!({
            "type": "setup", "sessionId": session, "accountSid": leg.account.sid, "parentCallSid": "",
            "callSid": leg.sid, "from": leg.from, "to": leg.to, "forwardedFrom": "", "callType": "PSTN",
            "callerName": "", "direction": "inbound", "callStatus": "IN-PROGRESS", "customParameters": parameters,
        }));
    }

    async fn converse(&mut self, leg: &mut Leg) -> Result<Ended, Interrupt> {
        let drop = leg.faults.stream_drop();
        let began = leg.line.now();
        leg.line.keys.clear();
        leg.line.words.clear();
        loop {
            while let Some(message) = self.socket.take() {
                if let Some(ended) = self.take(leg, message) {
                    return Ok(ended);
                }
            }
            if drop.is_some_and(|drop| leg.line.now().saturating_sub(began) >= drop) {
                leg.timeline
                    .note(Happening::Fault("the session's connection breaks".to_owned()));
                return Ok(Ended::Failed(64105, "the network broke the connection".to_owned()));
            }
            let frame = self.playout.next(leg);
            leg.line.beat(&frame).await?;
            self.listen(leg);
        }
    }

    fn take(&mut self, leg: &Leg, message: Incoming) -> Option<Ended> {
        let text = match message {
            Incoming::Ended(ending) => {
                return Some(match ending {
                    Ending::Normal => Ended::Engine(String::new()),
                    other => Ended::Failed(64105, format!("the engine's side: {other:?}")),
                });
            }
            Incoming::Binary => {
                leg.error(31950, "a binary message");
                return None;
            }
            Incoming::Text(text) => text,
        };
        self.received += 1;
        match relay::read(&text) {
            Ok(Ask::Say { token, last, manner }) => {
                self.tokens.push_str(&token);
                if last {
                    let words = std::mem::take(&mut self.tokens);
                    let cuts = self.cuts.with(manner.interruptible);
                    if !words.trim().is_empty() {
                        self.playout.say(&words, &self.speak, cuts, manner.preemptible);
                    }
                }
            }
            Ok(Ask::Play { source, times, manner }) => {
                let cuts = self.cuts.with(manner.interruptible);
                self.playout.play(leg, &source, cuts, manner.preemptible, times);
            }
            Ok(Ask::Keys(keys)) => self.playout.keys(leg, &keys),
            Ok(Ask::Language { speak, hear }) => {
                self.speak = speak.unwrap_or_else(|| std::mem::take(&mut self.speak));
                self.hear = hear.unwrap_or_else(|| std::mem::take(&mut self.hear));
            }
            Ok(Ask::End(handoff)) => return Some(Ended::Engine(handoff)),
            Err(error) => {
                leg.error(31951, error.clone());
                self.send(&json!({"type": "error", "description": error}));
            }
        }
        None
    }

    /// What the caller did in the last beat.
    fn listen(&mut self, leg: &mut Leg) {
        let may = |cuts: Option<Cuts>, which: fn(Cuts) -> bool| cuts.is_some_and(which);
        while let Some(key) = leg.line.keys.pop_front() {
            if !self.keys {
                continue;
            }
            if may(self.playout.cuts(), |cuts| cuts.keys) {
                self.interrupt();
            }
            self.send(&json!({"type": "dtmf", "digit": key.to_string()}));
        }
        if let Some(saying) = leg.line.saying().map(str::to_owned) {
            self.spoken += 1;
            if self.spoken >= BARGE_IN && may(self.playout.cuts(), |cuts| cuts.speech) {
                self.interrupt();
            }
            self.tell_partly(&saying);
        }
        while let Some(words) = leg.line.words.pop_front() {
            (self.spoken, self.told) = (0, 0);
            // What is said over something that cannot be cut off is not reported, and noise is no words.
            let cuts = self.playout.cuts();
            if words.is_empty() || cuts.is_some_and(|cuts| !cuts.speech) {
                continue;
            }
            if cuts.is_some() {
                self.interrupt();
            }
            self.prompt(&words, true);
        }
    }

    /// Sends as many words as there was time for, where the document asks for that.
    fn tell_partly(&mut self, saying: &str) {
        let words: Vec<&str> = saying.split_whitespace().collect();
        let so_far = usize::try_from(self.spoken / PER_WORD).unwrap_or(usize::MAX);
        if self.partials && so_far > self.told && so_far < words.len() && self.playout.cuts().is_none() {
            self.told = so_far;
            self.prompt(&words[..so_far].join(" "), false);
        }
    }

    fn prompt(&mut self, words: &str, last: bool) {
        let lang = self.hear.clone();
        self.send(&json!({"type": "prompt", "voicePrompt": words, "lang": lang, "last": last}));
    }

    fn interrupt(&mut self) {
        if let Some(cut) = self.playout.cut() {
            self.interrupts += 1;
            self.send(&json!({
                "type": "interrupt", "utteranceUntilInterrupt": cut.heard,
                "durationUntilInterruptMs": cut.ms.to_string(),
            }));
        }
    }

    fn send(&mut self, message: &Value) {
        self.sent += 1;
        // A server that reads too slowly for text has been lost; the reading side tells.
        let _sent = self.socket.send(message.to_string());
    }
}
