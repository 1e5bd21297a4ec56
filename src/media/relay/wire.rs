//! The messages of a text session, as the carrier words them (Twilio ConversationRelay).

use super::super::wire::{self, Start, Text, WireError};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;

/// One message from the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// The session and the call it belongs to. Comes first.
    Setup(Start),
    /// The caller's words; those of an utterance that goes on until `last`.
    Prompt { words: Cow<'a, str>, last: bool },
    /// The caller cut in, after these words of the answer and this many milliseconds of it.
    Interrupt { heard: Cow<'a, str>, ms: Option<u64> },
    /// The caller pressed a key.
    Digit(char),
    /// The carrier did not like something; the session goes on.
    Error { description: Cow<'a, str> },
    /// A message this engine does not know. Newer carriers may send more of them.
    Other,
}

/// Reads one text message. Errors: not of the known shape, or without what it is about.
pub fn parse(message: &str) -> Result<Incoming<'_>, WireError> {
    let envelope: Envelope<'_> = serde_json::from_str(message).map_err(|_| WireError::Junk)?;
    let text = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
    match &*envelope.kind.0 {
        "setup" => {
            wire::start_of(text(envelope.session), text(envelope.call), envelope.parameters).map(Incoming::Setup)
        }
        "prompt" => Ok(Incoming::Prompt {
            words: envelope.prompt.ok_or(WireError::Incomplete)?.0,
            // A carrier that does not say so sends whole utterances only.
            last: envelope.last.unwrap_or(true),
        }),
        "interrupt" => Ok(Incoming::Interrupt {
            heard: envelope.utterance.map(|text| text.0).unwrap_or_default(),
            ms: envelope.duration.and_then(|text| text.0.parse().ok()),
        }),
        "dtmf" => envelope
            .digit
            .and_then(|digit| digit.0.chars().next())
            .map(Incoming::Digit)
            .ok_or(WireError::Incomplete),
        "error" => Ok(Incoming::Error {
            description: envelope.description.map(|text| text.0).unwrap_or_default(),
        }),
        _ => Ok(Incoming::Other),
    }
}

/// Words to speak, whole.
pub fn text(words: &str, interruptible: bool) -> String {
    json!({"type": "text", "token": words, "last": true, "interruptible": interruptible}).to_string()
}

/// Words to speak as part of an answer that goes on until `last`. The carrier puts them together as they are, so that
/// each part brings its own space.
pub fn part(words: &str, last: bool, interruptible: bool) -> String {
    let space = if last || words.is_empty() { "" } else { " " };
    json!({"type": "text", "token": format!("{words}{space}"), "last": last, "interruptible": interruptible})
        .to_string()
}

/// A sound to play after what is queued.
pub fn play(source: &str, interruptible: bool) -> String {
    json!({
        "type": "play", "source": source, "loop": 1, "preemptible": false, "interruptible": interruptible,
    })
    .to_string()
}

/// The end of the session: the carrier goes on with the call, and passes `exit` along where there is one.
pub fn end(exit: Option<&str>) -> String {
    match exit {
        // By custom JSON in a string; the flow itself goes by what was stored.
        Some(exit) => json!({"type": "end", "handoffData": json!({"exit": exit}).to_string()}),
        None => json!({"type": "end"}),
    }
    .to_string()
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, rename = "sessionId")]
    session: Option<Text<'a>>,
    #[serde(borrow, rename = "callSid")]
    call: Option<Text<'a>>,
    #[serde(default, rename = "customParameters")]
    parameters: serde_json::Value,
    #[serde(borrow, rename = "voicePrompt")]
    prompt: Option<Text<'a>>,
    last: Option<bool>,
    #[serde(borrow, rename = "utteranceUntilInterrupt")]
    utterance: Option<Text<'a>>,
    #[serde(borrow, rename = "durationUntilInterruptMs")]
    duration: Option<Text<'a>>,
    #[serde(borrow)]
    digit: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn each_message_is_read() {
        let prompt = |words: &'static str, last| Incoming::Prompt {
            words: words.into(),
            last,
        };
        let interrupt = |heard: &'static str, ms| Incoming::Interrupt {
            heard: heard.into(),
            ms,
        };
        let cases = [
            (
                r#"{"type":"prompt","voicePrompt":"hello","lang":"en-US","last":true}"#,
                prompt("hello", true),
            ),
            (
                r#"{"type":"prompt","voicePrompt":"a \"b\"","last":false}"#,
                prompt("a \"b\"", false),
            ),
            (r#"{"type":"prompt","voicePrompt":"whole"}"#, prompt("whole", true)),
            (
                r#"{"type":"interrupt","utteranceUntilInterrupt":"one two","durationUntilInterruptMs":"460"}"#,
                interrupt("one two", Some(460)),
            ),
            (
                r#"{"type":"interrupt","durationUntilInterruptMs":460}"#,
                interrupt("", Some(460)),
            ),
            (
                r#"{"type":"interrupt","durationUntilInterruptMs":"soon"}"#,
                interrupt("", None),
            ),
            (r#"{"type":"dtmf","digit":"5"}"#, Incoming::Digit('5')),
            (
                r#"{"type":"error","description":"no"}"#,
                Incoming::Error {
                    description: "no".into(),
                },
            ),
            (r#"{"type":"info","name":"x"}"#, Incoming::Other),
        ];
        for (message, expected) in cases {
            assert_eq!(parse(message), Ok(expected), "{message}");
        }
    }

    #[test]
    fn a_setup_names_the_session_and_the_call() {
        let setup = |message: &str| match parse(message) {
            Ok(Incoming::Setup(start)) => Ok((start.stream_sid, start.call_sid, start.token)),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        };
        let own =
            r#"{"type":"setup","sessionId":"VX1","callSid":"CA9","customParameters":{"call_sid":"CA1","token":"t"}}"#;
        assert_eq!(setup(own), Ok(("VX1".into(), "CA1".into(), Some("t".into()))));
        let bare = r#"{"type":"setup","sessionId":"VX1","callSid":"CA9"}"#;
        assert_eq!(setup(bare), Ok(("VX1".into(), "CA9".into(), None)));
        assert_eq!(setup(r#"{"type":"setup","callSid":"CA9"}"#), Err(WireError::NoStream));
        assert_eq!(setup(r#"{"type":"setup","sessionId":"VX1"}"#), Err(WireError::NoCall));
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for message in ["", "[]", "{}", r#"{"event":"media"}"#, r#"{"type":{}}"#] {
            assert_eq!(parse(message), Err(WireError::Junk), "{message}");
        }
        for message in [r#"{"type":"prompt"}"#, r#"{"type":"dtmf","digit":""}"#] {
            assert_eq!(parse(message), Err(WireError::Incomplete), "{message}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_panics(text in ".{0,200}") {
            let _either = parse(&text);
        }

        #[test]
        fn words_survive(words in ".{0,80}", last: bool) {
            let message = json!({"type": "prompt", "voicePrompt": words, "last": last}).to_string();
            prop_assert_eq!(parse(&message), Ok(Incoming::Prompt { words: (&*words).into(), last }));
            let spoken: Value = serde_json::from_str(&text(&words, last)).expect("JSON");
            prop_assert_eq!(spoken["token"].as_str(), Some(&*words));
            let parted: Value = serde_json::from_str(&part(&words, last, true)).expect("JSON");
            let token = parted["token"].as_str().expect("text");
            prop_assert_eq!(token.strip_suffix(' ').filter(|_| !last && !words.is_empty()).unwrap_or(token), &*words);
            prop_assert_eq!(&parted["last"], &json!(last));
            let ended: Value = serde_json::from_str(&end(Some(&words))).expect("JSON");
            let handoff = ended["handoffData"].as_str().expect("text");
            prop_assert_eq!(&serde_json::from_str::<Value>(handoff).expect("JSON")["exit"], &words);
        }
    }
}
