//! Transcription of whole recordings by Google (`speech:recognize`), which takes a minute at most: longer ones go in parts.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Audio, Transcriber, Transcript};
use crate::audio::{level, mulaw, sound};
use crate::providers::ProviderError;
use crate::providers::endpoint::endpoint;
use crate::providers::google::{Access, recognition_language, rest};

/// Where Google's own service answers.
pub const GOOGLE_BASE_URL: &str = "https://speech.googleapis.com/v1";

/// The model for sound of telephones.
const MODEL: &str = "telephony";
/// The largest answer that is read.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;
/// So many parts of a recording are asked for at the same time.
const AT_ONCE: usize = 2;
const RATE: usize = mulaw::RATE as usize;
/// The longest part, some way below the minute that the service takes.
const LONGEST: usize = 55 * RATE;
/// The quietest place for a cut is looked for from here on.
const SHORTEST: usize = 40 * RATE;
/// How long a place is listened to when looking for the quietest: 200 ms.
const PLACE: usize = RATE / 5;

/// How to reach the service.
#[derive(Debug, Clone)]
pub struct GoogleConfig {
    /// Up to and including the version.
    pub base_url: String,
    /// An API key, or the JSON text of a service account's key.
    pub key: Option<SecretString>,
    /// Without one, that for telephones is used where the language has it.
    pub model: Option<String>,
    /// The language of recordings whose own is not known; the service cannot find out by itself.
    pub language: String,
    /// Names and words that the recording may hold.
    pub phrases: Vec<String>,
    /// From decoding to the last part's answer.
    pub timeout: Duration,
}

impl Default for GoogleConfig {
    fn default() -> Self {
        GoogleConfig {
            base_url: GOOGLE_BASE_URL.to_owned(),
            key: None,
            model: None,
            language: "en-US".to_owned(),
            phrases: Vec::new(),
            timeout: Duration::from_secs(300),
        }
    }
}

pub(super) struct Google {
    config: GoogleConfig,
    /// Making a transcriber fails for nobody; an unusable key fails the first recording.
    access: Result<Access, ProviderError>,
    /// The service does not have [`MODEL`] in the language of the recordings.
    no_model: AtomicBool,
}

/// Nothing in it is mandatory: a recording without words gets `{}`.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    #[serde(default)]
    transcript: String,
}

impl Google {
    pub(super) fn new(config: GoogleConfig) -> Self {
        Google {
            access: Access::new(config.key.as_ref()),
            config,
            no_model: AtomicBool::new(false),
        }
    }

    async fn recording(&self, audio: Audio, language: String) -> Result<Transcript, ProviderError> {
        let access = self.access.as_ref().map_err(Clone::clone)?;
        let url = endpoint(&self.config.base_url, "speech:recognize")?;
        // Decoding an hour takes a second or two.
        let decoded = tokio::task::spawn_blocking(move || decode(&audio.bytes)).await;
        let samples = decoded.map_err(|_| ProviderError::Transient {
            detail: "decoding the recording was stopped".to_owned(),
        })??;
        let samples = &samples;
        let (url, language) = (&url, language.as_str());
        let asked = parts(samples)
            .into_iter()
            .map(|part| self.part(access, url, &samples[part], language));
        let texts: Vec<String> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let words: Vec<&str> = texts.iter().flat_map(|text| text.split_whitespace()).collect();
        Ok(Transcript {
            text: words.join(" "),
            seconds: Some(samples.len() as f64 / RATE as f64),
        })
    }

    async fn part(&self, access: &Access, url: &Url, samples: &[i16], language: &str) -> Result<String, ProviderError> {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let content = base64_simd::STANDARD.encode_to_string(bytes);
        loop {
            let model = match &self.config.model {
                Some(model) => Some(model.as_str()),
                None if self.no_model.load(Ordering::Relaxed) => None,
                None => Some(MODEL),
            };
            let body = self.body(&content, language, model);
            let limit = self.config.timeout;
            match rest::post::<Answer>(access, url, &[], &body, limit, ANSWER_LIMIT).await {
                // Not every language has every model; which ones do changes, so it is found out.
                Err(ProviderError::BadRequest { detail })
                    if self.config.model.is_none() && model.is_some() && detail.contains("model") =>
                {
                    self.no_model.store(true, Ordering::Relaxed);
                }
                answer => {
                    let best = answer?
                        .results
                        .into_iter()
                        .filter_map(|part| part.alternatives.into_iter().next());
                    return Ok(best.map(|best| best.transcript).collect::<Vec<String>>().join(" "));
                }
            }
        }
    }

    fn body(&self, content: &str, language: &str, model: Option<&str>) -> Value {
        let mut config = json!({
            "encoding": "LINEAR16",
            "sampleRateHertz": RATE,
            "languageCode": language,
            "enableAutomaticPunctuation": true,
        });
        if let Some(model) = model {
            config["model"] = json!(model);
        }
        if !self.config.phrases.is_empty() {
            config["speechContexts"] = json!([{"phrases": self.config.phrases}]);
        }
        json!({"config": config, "audio": {"content": content}})
    }
}

impl Transcriber for Google {
    fn transcribe(&self, audio: Audio, language: Option<&str>) -> BoxFuture<'_, Result<Transcript, ProviderError>> {
        // The check is the same for all services; this one wants the region as well.
        let checked = language.map(super::language_code).transpose();
        let language = recognition_language(language.or(Some(&self.config.language)));
        let limit = self.config.timeout;
        async move {
            checked?;
            match tokio::time::timeout(limit, self.recording(audio, language)).await {
                Ok(result) => result,
                Err(_) => Err(ProviderError::Timeout { limit }),
            }
        }
        .boxed()
    }
}

/// A file as it sounds on the line, in 16 bits.
fn decode(bytes: &[u8]) -> Result<Vec<i16>, ProviderError> {
    let bad = |error: sound::SoundError| ProviderError::BadRequest {
        detail: format!("the recording cannot be read: {error}"),
    };
    let (rate, samples) = match sound::decode_mono(bytes) {
        Err(sound::SoundError::Empty) => return Ok(Vec::new()),
        decoded => decoded.map_err(bad)?,
    };
    let samples = sound::to_line(&samples, rate).map_err(bad)?;
    Ok(samples
        .iter()
        .map(|&sample| (sample * 32768.0).round() as i16)
        .collect())
}

/// Parts of at most [`LONGEST`], cut where it is quietest, so that few words are cut in two.
fn parts(samples: &[i16]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = 0;
    while samples.len() - from > LONGEST {
        let places = (from + SHORTEST..from + LONGEST - PLACE).step_by(PLACE / 2);
        let loudness = |&place: &usize| level::rms_dbfs(&samples[place..place + PLACE]);
        let quietest = places.min_by(|a, b| loudness(a).total_cmp(&loudness(b)));
        let cut = quietest.map_or(from + LONGEST, |place| place + PLACE / 2);
        parts.push(from..cut);
        from = cut;
    }
    if from < samples.len() {
        parts.push(from..samples.len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_recording_is_cut_in_its_pauses() {
        let mut samples: Vec<i16> = (0..130 * RATE).map(|n| if n % 7 < 3 { 9000 } else { -9000 }).collect();
        for pause in [43, 85, 95] {
            samples[pause * RATE..pause * RATE + RATE / 2].fill(1);
        }
        let parts = parts(&samples);
        assert_eq!(parts.len(), 3);
        for (part, pause) in parts.iter().zip([43, 85]) {
            let inside = pause * RATE..pause * RATE + RATE / 2;
            assert!(inside.contains(&part.end), "{parts:?}");
        }
        assert!(super::parts(&samples[..LONGEST]).len() == 1 && super::parts(&[]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn nothing_is_lost_and_no_part_is_too_long(seconds in 0usize..200, extra in 0usize..RATE, seed in any::<u16>()) {
            let samples: Vec<i16> = (0..seconds * RATE + extra).map(|n| ((n as u32).wrapping_mul(u32::from(seed)) >> 7) as i16).collect();
            let mut at = 0;
            for part in parts(&samples) {
                prop_assert_eq!(part.start, at);
                prop_assert!(!part.is_empty() && part.len() <= LONGEST);
                at = part.end;
            }
            prop_assert_eq!(at, samples.len());
        }
    }
}
