//! AssemblyAI's `v3/ws`: turns with times for each word, and `ForceEndpoint` to end one at once.

use super::assembly::Key;
use super::dialect::{Access, Batch, Dialect, KeepAlive, Passage, Said, complaint, unreadable};
use super::stream::Streaming;
use super::{Kind, Listener};
use crate::providers::socket::socket_url;
use crate::providers::{ProviderError, Service};
use crate::talk::Verdict;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

pub(super) const KIND: Kind = Kind {
    name: "assemblyai",
    about: "AssemblyAI's streaming recognition",
    key_env: Some("ASSEMBLYAI_API_KEY"),
    make,
};

const BASE_URL: &str = "https://streaming.assemblyai.com";

fn make(service: &Service) -> Result<Arc<dyn Listener>, ProviderError> {
    let base = service.base_url.as_deref().unwrap_or(BASE_URL);
    let text = |text: &str| Some(text.to_owned());
    let defaults = [
        ("speech_model", service.model.clone()),
        ("sample_rate", text("8000")),
        ("encoding", text("pcm_mulaw")),
        ("format_turns", text("false")),
    ];
    let mut service = service.clone();
    // Lists are JSON in this protocol, not repeated parameters.
    for value in service.options.values_mut().filter(|value| value.is_array()) {
        *value = Value::String(value.to_string());
    }
    let formats = service.option("format_turns").is_some_and(|value| value == "true");
    let access = Access::new(&service, socket_url(base, "v3/ws")?, &defaults, "")?;
    Ok(Arc::new(Streaming::new(access, Universal { formats })))
}

struct Universal {
    /// Each turn comes a second time, formatted, and only that one counts.
    formats: bool,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Complaints have no type.
    error: Option<String>,
}

/// <https://www.assemblyai.com/docs/api-reference/streaming-api/streaming-api>
#[derive(Deserialize)]
struct Turn {
    turn_order: u32,
    transcript: String,
    #[serde(default)]
    end_of_turn: bool,
    #[serde(default)]
    turn_is_formatted: bool,
    #[serde(default)]
    words: Vec<Word>,
}

/// Times are milliseconds of the stream.
#[derive(Deserialize)]
struct Word {
    text: String,
    start: f64,
    end: f64,
}

impl Dialect for Universal {
    /// Messages of less than 50 ms or more than a second are refused.
    fn batch(&self) -> Batch {
        Batch {
            least: 400,
            usual: 480,
            most: 1600,
        }
    }

    fn finalize(&self) -> Option<&'static str> {
        Some(r#"{"type":"ForceEndpoint"}"#)
    }

    fn keep_alive(&self) -> KeepAlive {
        KeepAlive::Silence
    }

    fn goodbye(&self) -> &'static str {
        r#"{"type":"Terminate"}"#
    }

    fn is_chatty(&self) -> bool {
        false
    }

    fn read(&self, text: &str) -> Result<Vec<Said>, ProviderError> {
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        if let Some(error) = envelope.error {
            return Err(complaint("", &error));
        }
        match envelope.kind.as_deref() {
            Some("Begin") => Ok(vec![Said::Ready]),
            Some("Turn") => {
                let turn: Turn = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
                Ok(turn.said(self.formats))
            }
            _ => Ok(Vec::new()),
        }
    }
}

impl Turn {
    fn said(self, formats: bool) -> Vec<Said> {
        let turn = u64::from(self.turn_order);
        let ended = self.end_of_turn && (!formats || self.turn_is_formatted);
        let words: Vec<(f64, f64, String)> = self
            .words
            .into_iter()
            .map(|word| (word.start / 1000.0, word.end / 1000.0, word.text))
            .collect();
        // The transcript has no words that may still change.
        let text = match self.end_of_turn || words.is_empty() {
            true => self.transcript,
            false => words
                .iter()
                .map(|(_, _, text)| text.as_str())
                .collect::<Vec<_>>()
                .join(" "),
        };
        // Without words, all that is known of the time is that it is past.
        let bound = |time: Option<f64>| time.unwrap_or(f64::INFINITY);
        let mut said = vec![Said::Heard(Passage {
            key: Key::Turn(turn),
            start: bound(words.first().map(|word| word.0)),
            end: bound(words.last().map(|word| word.1)),
            text,
            words,
            last: ended,
        })];
        if ended {
            said.push(Said::Flushed);
            said.push(Said::Verdict {
                turn,
                verdict: Verdict::Complete,
            });
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorClass;

    fn turn(ended: bool, formatted: bool) -> String {
        format!(
            r#"{{"type":"Turn","turn_order":1,"transcript":"two","end_of_turn":{ended},"turn_is_formatted":{formatted},
            "end_of_turn_confidence":0.5,"words":[{{"text":"two","start":1000,"end":1200,"confidence":1,"word_is_final":true}},
            {{"text":"te","start":1250,"end":1400,"confidence":1,"word_is_final":false}}]}}"#
        )
    }

    #[test]
    fn words_that_may_change_are_text_until_the_end() {
        let plain = Universal { formats: false };
        let said = plain.read(&turn(false, false)).expect("a turn");
        assert!(
            matches!(&said[..], [Said::Heard(p)] if p.text == "two te" && !p.last && p.start == 1.0 && p.end == 1.4)
        );
        let said = plain.read(&turn(true, false)).expect("a turn");
        assert!(
            matches!(&said[..], [Said::Heard(p), Said::Flushed, Said::Verdict { turn: 1, .. }] if p.text == "two" && p.last)
        );
    }

    #[test]
    fn where_turns_are_formatted_only_the_second_form_ends_one() {
        let formats = Universal { formats: true };
        assert_eq!(formats.read(&turn(true, false)).expect("a turn").len(), 1);
        assert_eq!(formats.read(&turn(true, true)).expect("a turn").len(), 3);
    }

    #[test]
    fn complaints_have_no_type() {
        let plain = Universal { formats: false };
        let error = plain.read(r#"{"error":"Not authorized"}"#).expect_err("a complaint");
        assert_eq!(error.class(), ErrorClass::Auth);
        assert_eq!(
            plain.read(r#"{"type":"Begin","id":"x","expires_at":1}"#),
            Ok(vec![Said::Ready])
        );
        assert_eq!(plain.read(r#"{"type":"Termination"}"#), Ok(vec![]));
    }
}
