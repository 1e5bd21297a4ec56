//! Google's speech synthesis (`text:synthesize`): one request for each piece, the next one under way while one is given out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, poll_fn};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use url::Url;

use super::{Kind, Say, Speaker, Spoken};
use crate::audio::{mulaw, sound, wav};
use crate::providers::endpoint::endpoint;
use crate::providers::google::{Access, recognition_language, rest};
use crate::providers::{ProviderError, Service};

/// Where Google itself answers.
const BASE: &str = "https://texttospeech.googleapis.com/v1";
/// The largest answer that is read: more than ten minutes of speech.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;
/// So many pieces are asked for at the same time.
const AT_ONCE: usize = 2;

/// Its entry in the registry.
pub(super) const KIND: Kind = Kind {
    name: "google",
    about: "Google Cloud Text-to-Speech",
    key_env: Some("GCP_CREDENTIALS_JSON"),
    make: |service| Ok(Arc::new(Google::new(service)?)),
};

struct Google {
    url: Url,
    access: Access,
    service: Service,
    voice: Value,
    audio: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    audio_content: String,
}

impl Google {
    fn new(service: &Service) -> Result<Self, ProviderError> {
        Ok(Self {
            url: endpoint(service.base_url.as_deref().unwrap_or(BASE), "text:synthesize")?,
            access: Access::of(service)?,
            voice: voice(service),
            audio: audio(service)?,
            service: service.clone(),
        })
    }

    /// The sound of some words. A request that the network failed is sent once more.
    async fn synthesize(self: Arc<Self>, text: Arc<str>) -> Result<Bytes, ProviderError> {
        let body = json!({"input": {"text": &*text}, "voice": self.voice, "audioConfig": self.audio});
        let ask = || {
            let limit = self.service.patience.first;
            rest::post::<Answer>(
                &self.access,
                &self.url,
                &self.service.headers,
                &body,
                limit,
                ANSWER_LIMIT,
            )
        };
        let answer = match ask().await {
            Err(ProviderError::Transient { .. }) => ask().await?,
            answer => answer?,
        };
        line_sound(&answer.audio_content)
    }

    async fn run(
        self: Arc<Self>,
        mut orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> Result<(), ProviderError> {
        let mut pieces: VecDeque<Piece> = VecDeque::new();
        let mut ready: VecDeque<Spoken> = VecDeque::new();
        loop {
            // What nobody has taken yet counts as well, so that little was made in vain when the caller interrupts.
            let at_once = AT_ONCE - usize::from(!ready.is_empty());
            for piece in pieces.iter_mut().take(at_once) {
                piece.begin(&self);
            }
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Say::Piece { generation, piece, text }) => pieces.push_back(Piece {
                        generation,
                        piece,
                        work: Work::Waiting(text),
                    }),
                    Some(Say::Finish { .. }) => {}
                    Some(Say::Cancel { generation }) => {
                        pieces.retain(|piece| piece.generation > generation);
                        ready.retain(|word| generation_of(word) > generation);
                    }
                    None => return Ok(()),
                },
                permit = spoken.reserve(), if !ready.is_empty() => {
                    let Ok(permit) = permit else { return Ok(()) };
                    if let Some(word) = ready.pop_front() {
                        permit.send(word);
                    }
                }
                () = progress(&mut pieces), if !pieces.is_empty() => {
                    let Some(Piece { generation, piece, work: Work::Done(result) }) = pieces.pop_front() else { continue };
                    match result {
                        Ok(ulaw) => {
                            if !ulaw.is_empty() {
                                ready.push_back(Spoken::Sound { generation, piece, ulaw });
                            }
                            ready.push_back(Spoken::Done { generation, piece });
                        }
                        // The words are at fault; others can still be spoken.
                        Err(error @ ProviderError::BadRequest { .. }) => {
                            ready.push_back(Spoken::Failed { generation, piece, error });
                        }
                        Err(error) => {
                            // What is complete counts, so that nobody says it again.
                            for word in ready {
                                if spoken.send(word).await.is_err() {
                                    return Ok(());
                                }
                            }
                            return Err(error);
                        }
                    }
                }
            }
        }
    }
}

impl Speaker for Google {
    fn speak(
        self: Arc<Self>,
        orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        self.run(orders, spoken).boxed()
    }
}

struct Piece {
    generation: u32,
    piece: u32,
    work: Work,
}

enum Work {
    Waiting(Arc<str>),
    Asked(BoxFuture<'static, Result<Bytes, ProviderError>>),
    Done(Result<Bytes, ProviderError>),
}

impl Piece {
    fn begin(&mut self, google: &Arc<Google>) {
        if let Work::Waiting(text) = &self.work {
            self.work = match text.chars().any(char::is_alphanumeric) {
                true => Work::Asked(Arc::clone(google).synthesize(Arc::clone(text)).boxed()),
                // Signs alone make no sound.
                false => Work::Done(Ok(Bytes::new())),
            };
        }
    }
}

/// Works on all pieces that were asked for, until the first one is done. Safe to cancel.
async fn progress(pieces: &mut VecDeque<Piece>) {
    poll_fn(|context| {
        for piece in pieces.iter_mut() {
            if let Work::Asked(request) = &mut piece.work
                && let Poll::Ready(result) = request.poll_unpin(context)
            {
                piece.work = Work::Done(result);
            }
        }
        match pieces.front() {
            Some(Piece {
                work: Work::Done(_), ..
            }) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await
}

fn generation_of(word: &Spoken) -> u32 {
    match word {
        Spoken::Sound { generation, .. } | Spoken::Done { generation, .. } | Spoken::Failed { generation, .. } => {
            *generation
        }
    }
}

/// A voice's name begins with its language: `he-IL-Wavenet-A`.
fn voice(service: &Service) -> Value {
    let name = service.voice.as_deref().or(service.model.as_deref());
    let language = name.and_then(|name| {
        let (language, rest) = name.split_once('-')?;
        let (region, _) = rest.split_once('-')?;
        Some(format!("{language}-{region}"))
    });
    let language = language.unwrap_or_else(|| recognition_language(service.language.as_deref()).replace("iw-", "he-"));
    match name {
        Some(name) => json!({"languageCode": language, "name": name}),
        None => json!({"languageCode": language}),
    }
}

/// Options: `speaking_rate` (0.25 to 4), `pitch` (semitones), `volume_gain_db`, `effects` (a list of profiles, such as
/// `telephony-class-application`).
fn audio(service: &Service) -> Result<Value, ProviderError> {
    let mut audio = Map::new();
    audio.insert("audioEncoding".to_owned(), json!("MULAW"));
    audio.insert("sampleRateHertz".to_owned(), json!(mulaw::RATE));
    for (option, field) in [
        ("speaking_rate", "speakingRate"),
        ("pitch", "pitch"),
        ("volume_gain_db", "volumeGainDb"),
    ] {
        if let Some(value) = service.option(option) {
            let number: f64 = value.parse().map_err(|_| ProviderError::BadRequest {
                detail: format!("the option `{option}` is not a number"),
            })?;
            audio.insert(field.to_owned(), json!(number));
        }
    }
    if let Some(effects) = service.options.get("effects") {
        audio.insert("effectsProfileId".to_owned(), effects.clone());
    }
    Ok(audio.into())
}

/// What came, as mu-law: the service puts a WAV header before it.
fn line_sound(base64: &str) -> Result<Bytes, ProviderError> {
    let bad = |detail: &str| ProviderError::Protocol {
        detail: detail.to_owned(),
    };
    let bytes = base64_simd::STANDARD
        .decode_to_vec(base64)
        .or_else(|_| base64_simd::STANDARD_NO_PAD.decode_to_vec(base64))
        .map_err(|_| bad("the sound is not base64"))?;
    let sound = match wav::is_wav(&bytes) {
        true => sound::decode(&bytes).map_err(|error| bad(&error.to_string()))?,
        false => bytes,
    };
    if sound.is_empty() {
        return Err(bad("an answer without sound"));
    }
    Ok(sound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_a_voice_is_in_its_name() {
        let cases = [
            (
                Some("he-IL-Wavenet-A"),
                Some("en"),
                json!({"languageCode": "he-IL", "name": "he-IL-Wavenet-A"}),
            ),
            (
                Some("special"),
                Some("he"),
                json!({"languageCode": "he-IL", "name": "special"}),
            ),
            (None, Some("de"), json!({"languageCode": "de-DE"})),
            (None, None, json!({"languageCode": "en-US"})),
        ];
        for (name, language, expected) in cases {
            let service = Service {
                voice: name.map(str::to_owned),
                language: language.map(str::to_owned),
                ..Service::default()
            };
            assert_eq!(voice(&service), expected);
        }
    }

    #[test]
    fn sound_is_taken_with_and_without_a_header() {
        let ulaw: Vec<u8> = (0..=255).filter(|&code| code != 0x7F).collect();
        let base64 = base64_simd::STANDARD;
        assert_eq!(
            line_sound(&base64.encode_to_string(&ulaw)),
            Ok(Bytes::from(ulaw.clone()))
        );
        let mut file = wav::header(8000, 1, Some(ulaw.len())).to_vec();
        (file[20], file[32], file[34]) = (7, 1, 8);
        file.extend(&ulaw);
        assert_eq!(line_sound(&base64.encode_to_string(&file)), Ok(Bytes::from(ulaw)));
        for junk in ["", "***", "UklGRgAAAABXQVZF"] {
            assert!(
                matches!(line_sound(junk), Err(ProviderError::Protocol { .. })),
                "{junk}"
            );
        }
    }
}
