//! A service of speech recognition that speaks Deepgram's `v1/listen`, and its bad days. Its clock is the sound it is sent.

use super::tones;
use crate::listen::deepgram::results;
use engine::audio::mulaw;
use futures_util::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// What kind of day it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Good,
    /// The handshake is refused with this status.
    Refuses(u16),
    /// The handshake is never answered.
    Ignores,
    /// It never says a word.
    Deaf,
    /// It says something preliminary and then nothing any more.
    Stops,
    /// It says what is no message at all.
    Garbage,
    /// It closes the connection in the middle of every utterance.
    Leaves,
    /// It hears nothing but silence.
    Silence,
    /// Each of its messages comes so many milliseconds late.
    Late(usize),
}

/// How sound becomes words.
#[derive(Clone)]
pub enum Words {
    /// By the pitch of the sound: the line that has this number in it.
    ByPitch(Vec<String>),
    /// One line after the other; what follows within half a second belongs to the same line.
    InOrder(Vec<String>),
}

/// The running service.
pub struct Ears {
    pub url: String,
    targets: Arc<Mutex<Vec<(String, String)>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Ears {
    pub async fn start(day: Day, words: Words) -> Ears {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let targets = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&targets);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, day, words.clone(), Arc::clone(&keep)));
            }
        });
        Ears {
            url,
            targets,
            accepting,
        }
    }

    /// Path with query, and authorization, of each connection.
    pub fn connections(&self) -> Vec<(String, String)> {
        self.targets.lock().expect("no panic").clone()
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[expect(clippy::result_large_err, reason = "the handshake's own type")]
async fn serve(socket: TcpStream, day: Day, words: Words, keep: Arc<Mutex<Vec<(String, String)>>>) {
    if day == Day::Ignores {
        return std::future::pending().await;
    }
    let shake = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let authorization = request.headers().get("authorization").and_then(|key| key.to_str().ok());
        let seen = (request.uri().to_string(), authorization.unwrap_or_default().to_owned());
        keep.lock().expect("no panic").push(seen);
        match day {
            Day::Refuses(status) => {
                let mut answer =
                    ErrorResponse::new(Some("{\"err_code\":\"INVALID_AUTH\",\"err_msg\":\"no\"}".to_owned()));
                *answer.status_mut() = status.try_into().expect("a status");
                Err(answer)
            }
            _ => Ok(response),
        }
    };
    // Clients that go away are part of the tests.
    if let Ok(socket) = accept_hdr_async(socket, shake).await {
        let _gone = Recogniser::new(day, words).run(socket).await;
    }
}

/// Loud sound that is not settled yet.
struct Run {
    from: usize,
    to: usize,
    sound: Vec<i16>,
    hinted: bool,
}

struct Recogniser {
    day: Day,
    words: Words,
    /// How many utterances were settled, and where the last one ended.
    count: usize,
    ended: usize,
    /// Samples heard, and up to where everything is settled.
    at: usize,
    settled: usize,
    run: Option<Run>,
    /// Messages, and when they leave.
    out: VecDeque<(usize, String)>,
    /// Set when the connection is to be closed.
    leaves: bool,
}

impl Recogniser {
    fn new(day: Day, words: Words) -> Self {
        Self {
            day,
            words,
            count: 0,
            ended: 0,
            at: 0,
            settled: 0,
            run: None,
            out: VecDeque::new(),
            leaves: false,
        }
    }

    async fn run(mut self, mut socket: WebSocketStream<TcpStream>) -> Option<()> {
        loop {
            match socket.next().await?.ok()? {
                Message::Binary(sound) => sound.chunks(mulaw::FRAME).for_each(|frame| self.frame(frame)),
                Message::Text(text) if text.contains("Finalize") => self.settle(true),
                Message::Text(text) if text.contains("CloseStream") => return socket.close(None).await.ok(),
                _ => {}
            }
            while self.out.front().is_some_and(|(due, _)| *due <= self.at) {
                let (_, text) = self.out.pop_front()?;
                socket.send(Message::text(text)).await.ok()?;
            }
            if self.leaves {
                return None;
            }
        }
    }

    fn frame(&mut self, frame: &[u8]) {
        self.at += frame.len();
        let sound = mulaw::decode_all(frame);
        if sound.iter().any(|sample| sample.unsigned_abs() > 1500) {
            let (from, at) = (self.at - frame.len(), self.at);
            let run = self.run.get_or_insert_with(|| Run {
                from,
                to: at,
                sound: Vec::new(),
                hinted: false,
            });
            run.to = at;
            run.sound.extend(sound);
            if !run.hinted && run.sound.len() > 4000 {
                run.hinted = true;
                self.hint();
            }
        } else if self.run.as_ref().is_some_and(|run| self.at - run.to >= 2400) {
            self.settle(false);
        }
    }

    /// Half a second was heard.
    fn hint(&mut self) {
        match self.day {
            Day::Garbage => self.say("<html>502 Bad Gateway</html>".to_owned()),
            Day::Leaves => self.leaves = true,
            Day::Deaf | Day::Silence => {}
            _ => {
                let half = self.understand();
                let half: Vec<&str> = half.split(' ').collect();
                let half = half[..half.len().div_ceil(2)].join(" ");
                self.tell(&half, false, false);
            }
        }
    }

    /// An utterance is over, or the words so far are asked for.
    fn settle(&mut self, asked: bool) {
        let words = match (&self.run, self.day) {
            (_, Day::Deaf | Day::Stops | Day::Garbage | Day::Leaves) => return,
            (None, _) | (_, Day::Silence) => String::new(),
            // A click.
            (Some(run), _) if run.sound.len() < 1600 => String::new(),
            (Some(_), _) => self.understand(),
        };
        self.tell(&words, true, asked);
        if let Some(run) = &self.run {
            self.ended = run.to;
            self.count += usize::from(!words.is_empty());
        }
        self.settled = self.at;
        self.run = None;
    }

    fn understand(&self) -> String {
        let sound = self.run.as_ref().map_or(&[][..], |run| &run.sound);
        let line = match &self.words {
            Words::InOrder(lines) => {
                let goes_on = (self.run.as_ref()).is_some_and(|run| self.count > 0 && run.from < self.ended + 4000);
                if goes_on { None } else { lines.get(self.count) }
            }
            Words::ByPitch(lines) => {
                tones::heard(sound).and_then(|number| lines.iter().find(|line| tones::number(line) == number))
            }
        };
        line.cloned().unwrap_or_default()
    }

    fn tell(&mut self, text: &str, last: bool, asked: bool) {
        let seconds = |samples: usize| samples as f64 / 8000.0;
        // The words stand where they were said.
        let from = self.run.as_ref().map_or(self.settled, |run| run.from);
        self.say(results(seconds(from), seconds(self.at), text, last, asked));
    }

    fn say(&mut self, text: String) {
        let late = if let Day::Late(millis) = self.day {
            millis * 8
        } else {
            0
        };
        self.out.push_back((self.at + late, text));
    }
}
