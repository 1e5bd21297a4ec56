//! Deepgram's `v2/listen` (Flux): whole turns that grow, and the service's own opinion of each pause.

use super::assembly::Key;
use super::deepgram::{BASE_URL, told};
use super::dialect::{Access, Batch, Dialect, KeepAlive, Passage, Said, unreadable};
use super::stream::Streaming;
use super::{Kind, Listener};
use crate::providers::socket::socket_url;
use crate::providers::{ProviderError, Service};
use crate::talk::Verdict;
use serde::Deserialize;
use std::sync::Arc;

pub(super) const KIND: Kind = Kind {
    name: "deepgram_flux",
    about: "Deepgram's conversational recognition (Flux), which judges the end of a turn",
    key_env: Some("DEEPGRAM_API_KEY"),
    make,
};

fn make(service: &Service) -> Result<Arc<dyn Listener>, ProviderError> {
    let base = service.base_url.as_deref().unwrap_or(BASE_URL);
    let text = |text: &str| Some(text.to_owned());
    let language = service.language_code();
    let english = language.is_none_or(|code| code.eq_ignore_ascii_case("en"));
    let model = if english {
        "flux-general-en"
    } else {
        "flux-general-multi"
    };
    let defaults = [
        ("model", service.model.clone().or(text(model))),
        ("language_hint", language.filter(|_| !english).map(str::to_owned)),
        ("encoding", text("mulaw")),
        ("sample_rate", text("8000")),
    ];
    let access = Access::new(service, socket_url(base, "v2/listen")?, &defaults, "Token ")?;
    Ok(Arc::new(Streaming::new(access, Flux)))
}

struct Flux;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// <https://developers.deepgram.com/reference/speech-to-text/listen-flux>
#[derive(Deserialize)]
struct TurnInfo {
    event: String,
    turn_index: u32,
    transcript: String,
    #[serde(default)]
    audio_window_start: f64,
    #[serde(default)]
    audio_window_end: f64,
}

impl Dialect for Flux {
    fn batch(&self) -> Batch {
        Batch {
            least: 1,
            usual: 480,
            most: 1600,
        }
    }

    /// The service settles turns by itself alone. Its updates come several times a second, and one that reaches the pause
    /// answers a flush.
    fn finalize(&self) -> Option<&'static str> {
        None
    }

    fn keep_alive(&self) -> KeepAlive {
        KeepAlive::Silence
    }

    fn goodbye(&self) -> &'static str {
        r#"{"type":"CloseStream"}"#
    }

    fn is_chatty(&self) -> bool {
        false
    }

    fn read(&self, text: &str) -> Result<Vec<Said>, ProviderError> {
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        match envelope.kind.as_deref() {
            Some("Connected") => Ok(vec![Said::Ready]),
            Some("TurnInfo") => {
                let turn: TurnInfo = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
                Ok(turn.said())
            }
            Some("Error") => Err(told(text)?),
            _ => Ok(Vec::new()),
        }
    }
}

impl TurnInfo {
    fn said(self) -> Vec<Said> {
        let turn = u64::from(self.turn_index);
        let verdict = match self.event.as_str() {
            "EagerEndOfTurn" => Some(Verdict::Likely),
            "EndOfTurn" => Some(Verdict::Complete),
            "TurnResumed" => Some(Verdict::GoesOn),
            _ => None,
        };
        let mut said = vec![
            Said::Heard(Passage {
                key: Key::Turn(turn),
                start: self.audio_window_start,
                end: self.audio_window_end,
                text: self.transcript,
                words: Vec::new(),
                last: verdict == Some(Verdict::Complete),
            }),
            Said::Settled {
                until: self.audio_window_end,
            },
        ];
        if matches!(verdict, Some(Verdict::Likely | Verdict::Complete)) {
            // What it judges as a pause is a pause, even where its window ends before ours.
            said.push(Said::Flushed);
        }
        said.extend(verdict.map(|verdict| Said::Verdict { turn, verdict }));
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorClass;

    fn info(event: &str) -> String {
        format!(
            r#"{{"type":"TurnInfo","request_id":"r","sequence_id":4,"event":"{event}","turn_index":2,"transcript":"two teas",
            "words":[{{"word":"two","confidence":0.9}}],"end_of_turn_confidence":0.8,
            "audio_window_start":1.0,"audio_window_end":2.5}}"#
        )
    }

    #[test]
    fn each_event_has_its_verdict() {
        for (event, verdict, last) in [
            ("StartOfTurn", None, false),
            ("Update", None, false),
            ("EagerEndOfTurn", Some(Verdict::Likely), false),
            ("TurnResumed", Some(Verdict::GoesOn), false),
            ("EndOfTurn", Some(Verdict::Complete), true),
            ("Brandnew", None, false),
        ] {
            let said = Flux.read(&info(event)).expect("a message");
            let Some(Said::Heard(passage)) = said.first() else {
                panic!("{said:?}");
            };
            assert_eq!((passage.text.as_str(), passage.last), ("two teas", last), "{event}");
            let judged = said.iter().find_map(|said| match said {
                Said::Verdict { turn: 2, verdict } => Some(*verdict),
                _ => None,
            });
            assert_eq!(judged, verdict, "{event}");
        }
    }

    #[test]
    fn complaints_and_junk_are_errors() {
        let error = Flux.read(r#"{"type":"Error","code":"INTERNAL_SERVER_ERROR","description":"x"}"#);
        assert_eq!(error.expect_err("a complaint").class(), ErrorClass::Transient);
        let error = Flux.read(r#"{"type":"TurnInfo","event":"Update"}"#);
        assert_eq!(error.expect_err("no turn").class(), ErrorClass::Protocol);
        assert_eq!(Flux.read(r#"{"type":"ConfigureSuccess"}"#), Ok(vec![]));
    }
}
