//! A real voice for the caller: the script's words are spoken by a text-to-speech service before the call begins.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde_json::json;
use url::Url;

use super::ear::audible;
use crate::audio::mulaw;
use crate::audio::sound::{self, SoundError};
use crate::channels::client::{self, ClientError, http_client};
use crate::phone::script::{Script, Speech, Step};

/// From asking for one sentence to its last byte.
const LIMIT: Duration = Duration::from_secs(30);
/// Ten minutes of 24 kHz sound.
const LARGEST: usize = 30 * 1024 * 1024;
/// Frames that are left at each edge, for what is softer than the threshold.
const EDGE: usize = 2;

/// Why the caller has no voice.
#[derive(Debug)]
pub enum SynthesisError {
    /// The base is no http or https URL.
    BadUrl(String),
    /// No HTTP client can be had on this machine.
    Client(ClientError),
    /// The service cannot be reached, or broke off.
    Unreachable(Url),
    /// It answered with this status and these words.
    Refused(Url, u16, String),
    /// What it sent is no sound.
    NotSound(Url, SoundError),
}

impl fmt::Display for SynthesisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl(url) => write!(
                f,
                "`{url}` is no base of a speech service; write for example `http://127.0.0.1:8090/v1`"
            ),
            Self::Client(error) => error.fmt(f),
            Self::Unreachable(url) => write!(
                f,
                "`{url}` does not answer; `scripts/local-speech/run` starts a speech service on this machine"
            ),
            Self::Refused(url, status, words) => write!(f, "`{url}` answered {status}: {words}"),
            Self::NotSound(url, error) => write!(f, "`{url}` sent no sound: {error}"),
        }
    }
}

impl std::error::Error for SynthesisError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Client(error) => Some(error),
            Self::NotSound(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Replaces the words of a script by sound, from `{base}/audio/speech` of a service that speaks OpenAI's protocol.
/// The same words are asked for once.
///
/// # Errors
/// [`SynthesisError`]; nothing of the script is usable then.
pub async fn voiced(script: &Script, base: &str) -> Result<Script, SynthesisError> {
    let url = Url::parse(&format!("{}/audio/speech", base.trim().trim_end_matches('/')))
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| SynthesisError::BadUrl(base.to_owned()))?;
    let mut known: HashMap<String, Vec<u8>> = HashMap::new();
    let mut script = script.clone();
    for step in &mut script.steps {
        let (Step::Speak(speech) | Step::Backchannel(speech)) = step else {
            continue;
        };
        let Speech::Words(words) = speech else { continue };
        let mulaw = match known.get(words) {
            Some(sound) => sound.clone(),
            None => known.entry(words.clone()).or_insert(speak(&url, words).await?).clone(),
        };
        *speech = Speech::Sound {
            mulaw,
            words: std::mem::take(words),
        };
    }
    Ok(script)
}

async fn speak(url: &Url, words: &str) -> Result<Vec<u8>, SynthesisError> {
    let unreachable = || SynthesisError::Unreachable(url.clone());
    let client = http_client().map_err(SynthesisError::Client)?;
    let order = json!({"model": "tts-1", "voice": "alloy", "input": words, "response_format": "wav"});
    let answer = client
        .post(url.clone())
        .json(&order)
        .timeout(LIMIT)
        .send()
        .await
        .map_err(|_| unreachable())?;
    let status = answer.status();
    let body = client::read_limited(answer, LARGEST).await.map_err(|_| unreachable())?;
    if !status.is_success() {
        let words: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        return Err(SynthesisError::Refused(url.clone(), status.as_u16(), words));
    }
    let mulaw = sound::decode(&body).map_err(|error| SynthesisError::NotSound(url.clone(), error))?;
    Ok(trimmed(&mulaw).to_vec())
}

/// Without the quiet edges that services leave around speech: what a script waits for is counted from the voice itself.
fn trimmed(mulaw: &[u8]) -> &[u8] {
    let frames = || mulaw.chunks(mulaw::FRAME);
    let first = frames().position(audible).unwrap_or(0).saturating_sub(EDGE);
    let end = frames().rposition(audible).map_or(usize::MAX, |last| last + 1 + EDGE);
    &mulaw[first * mulaw::FRAME..mulaw.len().min(end.saturating_mul(mulaw::FRAME))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wav;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A speech service that gives every request the same answer, and the requests it got.
    async fn service(answer: Vec<u8>) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1/", listener.local_addr().unwrap());
        let (asked, requests) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let mut length = 0;
                while !request[..length].ends_with(b"}") {
                    length += socket.read(&mut request[length..]).await.unwrap();
                }
                asked
                    .send(String::from_utf8_lossy(&request[..length]).into_owned())
                    .unwrap();
                socket.write_all(&answer).await.unwrap();
            }
        });
        (base, requests)
    }

    fn reply(status: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn words_become_sound_and_everything_else_stays() {
        let (base, mut requests) = service(reply("200 OK", &wav::write_mono(24_000, &[9000; 24_000]))).await;
        let script: Script = "wait 1s; speak Hello there; backchannel mm-hm; speak 2s; speak Hello there"
            .parse()
            .unwrap();
        let voiced = voiced(&script, &base).await.unwrap();
        let sound = |step: &Step| match step {
            Step::Speak(Speech::Sound { mulaw, words }) | Step::Backchannel(Speech::Sound { mulaw, words }) => {
                Some((mulaw.len(), words.clone()))
            }
            _ => None,
        };
        let sounds: Vec<_> = voiced.steps.iter().map(sound).collect();
        let hello = Some((8000, "Hello there".to_owned()));
        assert_eq!(
            sounds,
            [None, hello.clone(), Some((8000, "mm-hm".to_owned())), None, hello]
        );
        assert_eq!(voiced.steps[3], script.steps[3]);
        let first = requests.recv().await.unwrap();
        assert!(first.starts_with("POST /v1/audio/speech "), "{first}");
        assert!(first.contains(r#""input":"Hello there""#) && first.contains(r#""response_format":"wav""#));
        assert!(requests.recv().await.unwrap().contains("mm-hm"));
        assert!(requests.try_recv().is_err(), "the same words are asked for once");
    }

    #[test]
    fn the_quiet_edges_of_a_voice_are_left_out() {
        let (quiet, loud) = ([mulaw::SILENCE; 1600], [0; 800]);
        let sound = [quiet.as_slice(), &loud, &quiet, &loud, &quiet].concat();
        assert_eq!(trimmed(&sound).len(), 3200 + 4 * mulaw::FRAME);
        assert_eq!(trimmed(&loud), loud);
        assert_eq!(trimmed(&quiet[..50]), [mulaw::SILENCE; 50]);
        assert_eq!(trimmed(&[]), [0; 0]);
    }

    #[tokio::test]
    async fn each_fault_is_named() {
        let script: Script = "speak Hello".parse().unwrap();
        let failed = async |base: &str| voiced(&script, base).await.expect_err(base).to_string();
        assert!(failed("nowhere").await.contains("no base of a speech service"));
        assert!(failed("http://127.0.0.1:1/v1").await.contains("does not answer"));
        let (base, _requests) = service(reply("503 Busy", b"later")).await;
        assert!(failed(&base).await.contains("answered 503: later"));
        let (base, _requests) = service(reply("200 OK", b"<html>")).await;
        assert!(failed(&base).await.contains("sent no sound"));
    }
}
