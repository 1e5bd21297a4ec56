//! A text session on its way (ConversationRelay): what the engine asks for, what is heard of it, and how the caller
//! cuts in.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::sync::oneshot;

use super::ear::{Frame, SILENT};
use super::exchange::Failure;
use super::leg::Leg;
use super::line::frame;
use super::prompt;
use crate::audio::mulaw;

/// How often a sound with `loop` 0 is repeated at most.
const LOOP_LIMIT: u64 = 1000;

/// What the engine asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Speak these words; those of one utterance may come in parts, until `last`.
    Say { token: String, last: bool, manner: Manner },
    /// Play what is at this address, so many times.
    Play { source: String, times: u64, manner: Manner },
    /// Play these keys.
    Keys(String),
    /// Speak and recognise in these languages from now on.
    Language {
        speak: Option<String>,
        hear: Option<String>,
    },
    /// The session is over; this is passed on with the call.
    End(String),
}

/// How something is to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Manner {
    /// Whether the caller may cut it off; where it is not said, the document's attribute counts.
    pub(crate) interruptible: Option<bool>,
    /// Whether what follows cuts it off.
    pub(crate) preemptible: bool,
}

/// Reads a message of the engine's.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn read(message: &str) -> Result<Ask, String> {
    let value: Value = serde_json::from_str(message).map_err(|_| "not a JSON object".to_owned())?;
    let kind = value.get("type").and_then(Value::as_str).ok_or("no `type`")?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let needed = |name: &str| text(name).ok_or_else(|| format!("`{kind}` has no `{name}`"));
    let flag = |name: &str| value.get(name).and_then(Value::as_bool);
    let manner = Manner {
        interruptible: flag("interruptible"),
        preemptible: flag("preemptible").unwrap_or(false),
    };
    match kind {
        "text" => Ok(Ask::Say {
            token: needed("token")?,
            last: flag("last").unwrap_or(false),
            manner,
        }),
        "play" => Ok(Ask::Play {
            source: needed("source")?,
            times: match value.get("loop").and_then(Value::as_u64) {
                Some(0) => LOOP_LIMIT,
                Some(times) => times.min(LOOP_LIMIT),
                None => 1,
            },
            manner,
        }),
        "sendDigits" => Ok(Ask::Keys(needed("digits")?)),
        "language" => Ok(Ask::Language {
            speak: text("ttsLanguage"),
            hear: text("transcriptionLanguage"),
        }),
        "end" => Ok(Ask::End(text("handoffData").unwrap_or_default())),
        other => Err(format!("unknown type `{other}`")),
    }
}

/// What may cut an answer off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cuts {
    pub(crate) speech: bool,
    pub(crate) keys: bool,
}

impl Cuts {
    /// As the attribute says; `any` where it is missing.
    pub(crate) fn of(attribute: Option<&str>) -> Self {
        let (speech, keys) = match attribute {
            Some("none" | "false") => (false, false),
            Some("dtmf") => (false, true),
            Some("speech") => (true, false),
            _ => (true, true),
        };
        Self { speech, keys }
    }

    /// The same, but for one message that says something of its own.
    pub(crate) fn with(self, own: Option<bool>) -> Self {
        match own {
            None => self,
            Some(true) if self.speech || self.keys => self,
            Some(may) => Self { speech: may, keys: may },
        }
    }
}

/// What was heard of an answer when it was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) heard: String,
    pub(crate) ms: u64,
}

/// What is to be heard, in order.
#[derive(Debug, Default)]
pub(crate) struct Playout {
    queue: VecDeque<Item>,
}

#[derive(Debug)]
struct Item {
    sound: Sound,
    words: String,
    cuts: Cuts,
    preemptible: bool,
    times: u64,
    /// Samples heard of the current repetition.
    heard: usize,
}

#[derive(Debug)]
enum Sound {
    /// Being fetched or spoken.
    Coming(oneshot::Receiver<Result<Vec<u8>, Failure>>),
    Here(Vec<u8>),
}

impl Playout {
    /// Queues words to be spoken.
    pub(crate) fn say(&mut self, words: &str, language: &str, cuts: Cuts, preemptible: bool) {
        let (text, language) = (words.to_owned(), language.to_owned());
        let work = async move { Ok(prompt::speak(&text, &language).await) };
        self.push(work, words, cuts, preemptible, 1);
    }

    /// Queues what is at an absolute address.
    pub(crate) fn play(&mut self, leg: &Leg, source: &str, cuts: Cuts, preemptible: bool, times: u64) {
        let (client, url) = (leg.client.clone(), source.to_owned());
        let work = async move { prompt::fetch(&client, &url).await };
        self.push(work, "", cuts, preemptible, times);
    }

    /// Queues the tones of keys.
    pub(crate) fn keys(&mut self, leg: &Leg, keys: &str) {
        let sound = prompt::play_digits(leg, keys);
        self.push(async { Ok(sound) }, "", Cuts::of(Some("none")), false, 1);
    }

    fn push<F>(&mut self, work: F, words: &str, cuts: Cuts, preemptible: bool, times: u64)
    where
        F: Future<Output = Result<Vec<u8>, Failure>> + Send + 'static,
    {
        let (done, coming) = oneshot::channel();
        tokio::spawn(async move {
            // Nobody waits for what was cut off before it came.
            let _gone = done.send(work.await);
        });
        self.queue.retain(|item| !item.preemptible);
        self.queue.push_back(Item {
            sound: Sound::Coming(coming),
            words: words.to_owned(),
            cuts,
            preemptible,
            times,
            heard: 0,
        });
    }

    /// The next 20 ms the caller hears.
    pub(crate) fn next(&mut self, leg: &Leg) -> Frame {
        while let Some(item) = self.queue.front_mut() {
            if let Sound::Coming(coming) = &mut item.sound {
                match coming.try_recv() {
                    Err(oneshot::error::TryRecvError::Empty) => return SILENT,
                    Ok(Ok(sound)) => item.sound = Sound::Here(sound),
                    Ok(Err(failure)) => {
                        leg.fail(&failure);
                        self.queue.pop_front();
                        continue;
                    }
                    Err(oneshot::error::TryRecvError::Closed) => {
                        self.queue.pop_front();
                        continue;
                    }
                }
            }
            let Sound::Here(sound) = &item.sound else {
                return SILENT;
            };
            let rest = sound.get(item.heard..).unwrap_or_default();
            if rest.is_empty() {
                item.times = item.times.saturating_sub(1);
                item.heard = 0;
                if item.times == 0 || sound.is_empty() {
                    self.queue.pop_front();
                }
                continue;
            }
            let part = &rest[..mulaw::FRAME.min(rest.len())];
            item.heard += part.len();
            return frame(part);
        }
        SILENT
    }

    /// What may cut off what is being heard; nothing where nothing is.
    pub(crate) fn cuts(&self) -> Option<Cuts> {
        self.queue.front().filter(|item| item.heard > 0).map(|item| item.cuts)
    }

    /// Stops everything, and tells how much of it was heard.
    pub(crate) fn cut(&mut self) -> Option<Cut> {
        let cut = self.queue.front().map(|item| {
            let all = match &item.sound {
                Sound::Here(sound) => sound.len().max(1),
                Sound::Coming(_) => 1,
            };
            let words: Vec<&str> = item.words.split_whitespace().collect();
            let heard = words.len() * item.heard.min(all) / all;
            Cut {
                heard: words[..heard].join(" "),
                ms: mulaw::millis(item.heard),
            }
        });
        self.queue.clear();
        cut
    }

    /// Milliseconds of sound that is here and that the caller has not heard yet.
    pub(crate) fn unheard_millis(&self) -> u64 {
        let left = |item: &Item| match &item.sound {
            Sound::Here(sound) => sound.len().saturating_sub(item.heard),
            Sound::Coming(_) => 0,
        };
        mulaw::millis(self.queue.iter().map(left).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_asks_for_is_read() {
        let manner = |interruptible, preemptible| Manner {
            interruptible,
            preemptible,
        };
        let cases = [
            (
                r#"{"type":"text","token":"hi","last":true,"interruptible":false}"#,
                Ask::Say {
                    token: "hi".to_owned(),
                    last: true,
                    manner: manner(Some(false), false),
                },
            ),
            (
                r#"{"type":"play","source":"http://h/a","loop":0,"preemptible":true}"#,
                Ask::Play {
                    source: "http://h/a".to_owned(),
                    times: LOOP_LIMIT,
                    manner: manner(None, true),
                },
            ),
            (r#"{"type":"sendDigits","digits":"1w2"}"#, Ask::Keys("1w2".to_owned())),
            (r#"{"type":"end"}"#, Ask::End(String::new())),
            (r#"{"type":"end","handoffData":"x"}"#, Ask::End("x".to_owned())),
            (
                r#"{"type":"language","ttsLanguage":"he-IL"}"#,
                Ask::Language {
                    speak: Some("he-IL".to_owned()),
                    hear: None,
                },
            ),
        ];
        for (message, ask) in cases {
            assert_eq!(read(message), Ok(ask));
        }
        for (message, part) in [
            ("x", "JSON"),
            ("{}", "no `type`"),
            (r#"{"type":"text"}"#, "no `token`"),
            (r#"{"type":"play"}"#, "no `source`"),
            (r#"{"type":"media"}"#, "unknown type"),
        ] {
            let error = read(message).expect_err(message);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_message_says_more_of_itself_than_the_document() {
        let cuts = |speech, keys| Cuts { speech, keys };
        let cases = [
            (None, None, cuts(true, true)),
            (Some("dtmf"), None, cuts(false, true)),
            (Some("speech"), Some(true), cuts(true, false)),
            (Some("none"), Some(true), cuts(true, true)),
            (Some("any"), Some(false), cuts(false, false)),
        ];
        for (attribute, own, expected) in cases {
            assert_eq!(Cuts::of(attribute).with(own), expected, "{attribute:?} {own:?}");
        }
    }

    #[test]
    fn as_many_words_are_heard_as_there_was_time_for() {
        let mut playout = Playout::default();
        playout.queue.push_back(Item {
            sound: Sound::Here(vec![0; 1600]),
            words: "one two three four".to_owned(),
            cuts: Cuts::of(None),
            preemptible: false,
            times: 1,
            heard: 880,
        });
        assert_eq!((playout.cuts(), playout.unheard_millis()), (Some(Cuts::of(None)), 90));
        let cut = playout.cut().expect("something was heard");
        assert_eq!((cut.heard.as_str(), cut.ms), ("one two", 110));
        assert_eq!((playout.cut(), playout.cuts()), (None, None));
    }
}
