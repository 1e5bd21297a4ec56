//! A speech-to-speech model that speaks OpenAI's Realtime protocol: it hears tones as lines, and answers in tones.

use super::tones;
use crate::realtime::server::{Peer, Server};
use base64_simd::STANDARD;
use engine::audio::mulaw;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// What kind of day it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Good,
    Refuses,
    /// It takes the connection and never says a word.
    Mute,
    /// It says what is no event.
    Garbage,
    /// It never answers the caller, though it hears them.
    Speechless,
    /// It leaves in the middle of its first answer to the caller.
    Leaves,
}

/// What it does about a line of the caller.
#[derive(Debug, Clone)]
pub enum Act {
    Say(String),
    /// Wishes this action with these arguments.
    Wish(&'static str, &'static str),
}

/// What it was told besides sound.
type Told = Arc<Mutex<Vec<Value>>>;

/// The running service.
pub struct Live {
    pub url: String,
    told: Told,
    serving: tokio::task::JoinHandle<()>,
}

impl Live {
    /// `answer` is given the caller's line, or what came of a wish.
    pub async fn start(day: Day, lines: &[&str], answer: impl Fn(&str) -> Act + Send + Sync + 'static) -> Live {
        let server = Server::start().await;
        let url = server.url();
        let told = Told::default();
        let keep = Arc::clone(&told);
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let answer: Arc<dyn Fn(&str) -> Act + Send + Sync> = Arc::new(answer);
        let serving = tokio::spawn(async move {
            loop {
                if day == Day::Refuses {
                    server.refuse("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").await;
                    continue;
                }
                let peer = server.accept(usize::MAX).await;
                let session = Session {
                    day,
                    peer,
                    told: Arc::clone(&keep),
                    lines: lines.clone(),
                    answer: Arc::clone(&answer),
                    sound: Vec::new(),
                    quiet: 0,
                    is_speaking: false,
                    count: 0,
                };
                tokio::spawn(session.run());
            }
        });
        Live { url, told, serving }
    }

    /// Its messages of this type.
    pub fn told(&self, kind: &str) -> Vec<Value> {
        let mut told = self.told.lock().expect("no panic").clone();
        told.retain(|message| message["type"] == kind);
        told
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Session {
    day: Day,
    peer: Peer,
    told: Told,
    lines: Vec<String>,
    answer: Arc<dyn Fn(&str) -> Act + Send + Sync>,
    /// Loud sound of the present utterance, and the samples of silence behind it.
    sound: Vec<i16>,
    quiet: usize,
    is_speaking: bool,
    /// Responses so far.
    count: usize,
}

impl Session {
    async fn run(mut self) -> Option<()> {
        match self.day {
            Day::Mute => {}
            Day::Garbage => self.send(json!("<html>")).await?,
            _ => self.send(json!({"type": "session.created", "session": {}})).await?,
        }
        loop {
            // The call is over at some time.
            let message = self.peer.next().await?;
            match message["type"].as_str().unwrap_or_default() {
                "input_audio_buffer.append" => {
                    let sound = STANDARD.decode_to_vec(message["audio"].as_str()?).ok()?;
                    for frame in sound.chunks(mulaw::FRAME) {
                        self.frame(&mulaw::decode_all(frame)).await?;
                    }
                    continue;
                }
                "session.update" if self.day != Day::Mute => {
                    self.send(json!({"type": "session.updated", "session": {}})).await?;
                }
                "response.create" => {
                    let said = message["response"]["instructions"].as_str().unwrap_or_default();
                    if said.contains("Hello 0") {
                        self.say("Hello 0, how can I help?").await?;
                    } else if self.day != Day::Speechless {
                        let results = self.told.lock().expect("no panic").clone();
                        let result = results
                            .iter()
                            .rev()
                            .find_map(|message| message["item"]["output"].as_str());
                        let act = (self.answer)(result.unwrap_or_default());
                        self.act(act).await?;
                    }
                }
                _ => {}
            }
            self.told.lock().expect("no panic").push(message);
        }
    }

    /// Twenty milliseconds of the caller: its own detection of turns.
    async fn frame(&mut self, frame: &[i16]) -> Option<()> {
        if frame.iter().any(|sample| sample.unsigned_abs() > 1500) {
            self.sound.extend_from_slice(frame);
            self.quiet = 0;
            if !self.is_speaking && self.sound.len() >= 1600 {
                self.is_speaking = true;
                self.send(json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "u"}))
                    .await?;
            }
            return Some(());
        }
        self.quiet += frame.len();
        if !self.is_speaking || self.quiet < 4000 {
            return Some(());
        }
        self.is_speaking = false;
        let number = tones::heard(&std::mem::take(&mut self.sound));
        let line = self.lines.iter().find(|line| number == Some(tones::number(line)));
        let line = line.cloned().unwrap_or_default();
        let item = format!("u{}", self.count);
        self.send(json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 0, "item_id": item}))
            .await?;
        self.send(json!({
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": item, "content_index": 0, "transcript": line,
        }))
        .await?;
        if self.day == Day::Speechless {
            return Some(());
        }
        let act = (self.answer)(&line);
        self.act(act).await
    }

    async fn act(&mut self, act: Act) -> Option<()> {
        match act {
            Act::Say(text) => self.say(&text).await,
            Act::Wish(name, arguments) => {
                self.count += 1;
                let (response, item) = (format!("r{}", self.count), format!("f{}", self.count));
                self.send(json!({"type": "response.created", "response": {"id": response}}))
                    .await?;
                self.send(json!({
                    "type": "response.output_item.added", "response_id": response,
                    "item": {"id": item, "type": "function_call", "name": name},
                }))
                .await?;
                self.send(json!({
                    "type": "response.function_call_arguments.done", "response_id": response, "item_id": item,
                    "call_id": format!("w{}", self.count), "name": name, "arguments": arguments,
                }))
                .await?;
                self.done(&response).await
            }
        }
    }

    /// Answers with this, all at once: much faster than it is heard.
    async fn say(&mut self, text: &str) -> Option<()> {
        self.count += 1;
        let (response, item) = (format!("r{}", self.count), format!("a{}", self.count));
        self.send(json!({"type": "response.created", "response": {"id": response}}))
            .await?;
        let sound = tones::line(text);
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let lumps: Vec<&[u8]> = sound.chunks(sound.len().div_ceil(words.len())).collect();
        for (at, (word, lump)) in words.iter().zip(&lumps).enumerate() {
            if self.day == Day::Leaves && self.count > 1 && at == lumps.len() / 2 {
                return None;
            }
            self.send(json!({
                "type": "response.output_audio_transcript.delta", "response_id": response, "item_id": item,
                "content_index": 0, "delta": word,
            }))
            .await?;
            self.send(json!({
                "type": "response.output_audio.delta", "response_id": response, "item_id": item,
                "content_index": 0, "delta": STANDARD.encode_to_string(lump),
            }))
            .await?;
        }
        self.done(&response).await
    }

    async fn done(&mut self, response: &str) -> Option<()> {
        let usage = json!({"input_tokens": 100, "output_tokens": 10});
        self.send(json!({
            "type": "response.done",
            "response": {"id": response, "status": "completed", "usage": usage, "output": []},
        }))
        .await
    }

    async fn send(&mut self, event: Value) -> Option<()> {
        (!self.peer.is_left(event).await).then_some(())
    }
}
