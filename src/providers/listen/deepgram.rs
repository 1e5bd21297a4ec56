//! Deepgram's `v1/listen` (Nova): segments of text with times, settled one after the other, and `Finalize` to settle at once.

use super::assembly::Key;
use super::dialect::{Access, Batch, Dialect, KeepAlive, Passage, Said, complaint, unreadable};
use super::stream::Streaming;
use super::{Kind, Listener};
use crate::providers::socket::socket_url;
use crate::providers::{ProviderError, Service};
use serde::Deserialize;
use std::sync::Arc;

pub(super) const KIND: Kind = Kind {
    name: "deepgram",
    about: "Deepgram's streaming recognition (Nova)",
    key_env: Some("DEEPGRAM_API_KEY"),
    make,
};

/// Deepgram's own address, for both of its protocols.
pub(super) const BASE_URL: &str = "https://api.deepgram.com";

/// In seconds: so much of the sound before a `Finalize` may be missing from the times in its answer.
const SLACK: f64 = 0.25;

fn make(service: &Service) -> Result<Arc<dyn Listener>, ProviderError> {
    let base = service.base_url.as_deref().unwrap_or(BASE_URL);
    let text = |text: &str| Some(text.to_owned());
    let defaults = [
        ("model", service.model.clone().or(text("nova-3"))),
        ("language", service.language.clone()),
        ("encoding", text("mulaw")),
        ("sample_rate", text("8000")),
        ("channels", text("1")),
        ("interim_results", text("true")),
        ("endpointing", text("300")),
        ("smart_format", text("true")),
    ];
    let access = Access::new(service, socket_url(base, "v1/listen")?, &defaults, "Token ")?;
    let interims = service.option("interim_results").is_none_or(|value| value != "false");
    Ok(Arc::new(Streaming::new(access, Nova { interims })))
}

struct Nova {
    interims: bool,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// <https://developers.deepgram.com/reference/speech-to-text/listen-streaming>
#[derive(Deserialize)]
struct Results {
    start: f64,
    duration: f64,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    from_finalize: bool,
    channel: Channel,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize, Default)]
struct Alternative {
    transcript: String,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Word {
    word: String,
    punctuated_word: Option<String>,
    start: f64,
    end: f64,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default, alias = "err_code", alias = "variant")]
    code: String,
    #[serde(default, alias = "err_msg", alias = "message")]
    description: String,
}

impl Dialect for Nova {
    fn batch(&self) -> Batch {
        Batch {
            least: 1,
            usual: 320,
            most: 1600,
        }
    }

    fn finalize(&self) -> Option<&'static str> {
        Some(r#"{"type":"Finalize"}"#)
    }

    fn keep_alive(&self) -> KeepAlive {
        KeepAlive::Text(r#"{"type":"KeepAlive"}"#)
    }

    fn goodbye(&self) -> &'static str {
        r#"{"type":"CloseStream"}"#
    }

    fn is_chatty(&self) -> bool {
        self.interims
    }

    fn read(&self, text: &str) -> Result<Vec<Said>, ProviderError> {
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        match envelope.kind.as_deref() {
            Some("Results") => {
                let results: Results = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
                Ok(results.said())
            }
            Some("Error") => Err(told(text)?),
            _ => Ok(Vec::new()),
        }
    }
}

impl Results {
    fn said(self) -> Vec<Said> {
        let end = self.start + self.duration;
        let best = self.channel.alternatives.into_iter().next().unwrap_or_default();
        let words = best.words.into_iter().map(|word| {
            let text = word.punctuated_word.unwrap_or(word.word);
            (word.start, word.end, text)
        });
        let heard = Said::Heard(Passage {
            key: Key::Time,
            start: self.start,
            end,
            text: best.transcript,
            words: words.collect(),
            last: self.is_final,
        });
        match (self.is_final, self.from_finalize) {
            (false, false) => vec![heard],
            (_, false) => vec![heard, Said::Settled { until: end }],
            (_, true) => vec![heard, Said::Settled { until: end + SLACK }],
        }
    }
}

/// What an error message of either protocol complains of.
pub(super) fn told(text: &str) -> Result<ProviderError, ProviderError> {
    let told: Complaint = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    Ok(complaint(&told.code, &told.description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorClass;

    const NOVA: Nova = Nova { interims: true };

    #[test]
    fn a_final_that_was_asked_for_settles_what_was_sent_before() {
        let said = NOVA.read(
            r#"{"type":"Results","channel_index":[0,1],"duration":1.5,"start":2.0,"is_final":true,"speech_final":true,
            "from_finalize":true,"channel":{"alternatives":[{"transcript":"Hi there.","confidence":0.9,"words":[
            {"word":"hi","start":2.1,"end":2.4,"confidence":1,"punctuated_word":"Hi"},
            {"word":"there","start":2.5,"end":3.0,"confidence":1}]}]},"metadata":{"x":1}}"#,
        );
        let words = vec![(2.1, 2.4, "Hi".to_owned()), (2.5, 3.0, "there".to_owned())];
        let passage = Passage {
            key: Key::Time,
            start: 2.0,
            end: 3.5,
            text: "Hi there.".to_owned(),
            words,
            last: true,
        };
        assert_eq!(
            said,
            Ok(vec![Said::Heard(passage), Said::Settled { until: 3.5 + SLACK }])
        );
    }

    #[test]
    fn other_messages_are_passed_over_and_junk_is_an_error() {
        for text in [
            r#"{"type":"Metadata","duration":3}"#,
            r#"{"type":"UtteranceEnd","last_word_end":1}"#,
            r#"{"type":"New"}"#,
            "{}",
        ] {
            assert_eq!(NOVA.read(text), Ok(vec![]), "{text}");
        }
        for text in ["", "hello", "[1]", r#"{"type":"Results"}"#, r#"{"type":3}"#] {
            let error = NOVA.read(text).expect_err(text);
            assert_eq!(error.class(), ErrorClass::Protocol, "{text}");
        }
        let error = NOVA
            .read(r#"{"type":"Error","err_code":"INVALID_AUTH","err_msg":"no"}"#)
            .expect_err("a complaint");
        assert_eq!(error.class(), ErrorClass::Auth);
    }
}
