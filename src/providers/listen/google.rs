//! Google's streaming recognition (v1, gRPC). It has no order to finish: a stream that is closed on our side gives its last words,
//! and the next one is open already.

mod hearing;
mod part;
mod ring;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use url::Url;

use self::hearing::{Act, Hearing, Limits};
use self::stream::{Event, Streams};
use super::{Hear, Heard, Kind, Listener};
use crate::audio::mulaw;
use crate::providers::endpoint::endpoint;
use crate::providers::google::speech::{self, RecognitionConfig, SpeechContext, StreamingRecognitionConfig};
use crate::providers::google::{Access, grpc, recognition_language};
use crate::providers::{ProviderError, Service};

/// Where Google itself answers; regions have their own, such as `https://eu-speech.googleapis.com`.
const BASE: &str = "https://speech.googleapis.com";
/// The model for sound of telephones.
const MODEL: &str = "telephony";

/// Its entry in the registry.
pub(super) const KIND: Kind = Kind {
    name: "google",
    about: "Google Cloud Speech-to-Text v1, streaming",
    key_env: Some("GCP_CREDENTIALS_JSON"),
    make: |service| Ok(Arc::new(Google::new(service)?)),
};

struct Google {
    base: Url,
    access: Arc<Access>,
    service: Service,
    config: StreamingRecognitionConfig,
    limits: Limits,
    /// No model was asked for by name, so another than ours is as good.
    any_model: bool,
    /// The service does not have [`MODEL`] in this language.
    no_model: AtomicBool,
}

impl Google {
    fn new(service: &Service) -> Result<Self, ProviderError> {
        let base = endpoint(service.base_url.as_deref().unwrap_or(BASE), "")?;
        Ok(Self {
            base,
            access: Arc::new(Access::of(service)?),
            config: config(service),
            limits: Limits::of(service),
            any_model: service.model.is_none(),
            no_model: AtomicBool::new(false),
            service: service.clone(),
        })
    }

    /// The first message of every stream.
    fn config(&self) -> StreamingRecognitionConfig {
        let mut config = self.config.clone();
        if let Some(config) = config.config.as_mut().filter(|_| self.no_model.load(Ordering::Relaxed)) {
            config.model.clear();
        }
        config
    }

    /// Whether a stream failed for its model alone. Not every language has every model; which ones do changes, so it is found out.
    fn lacks_model(&self, error: &ProviderError, asked_for: &str) -> bool {
        let lacks = matches!(error, ProviderError::BadRequest { detail } if detail.contains("model"));
        let lacks = lacks && self.any_model && !asked_for.is_empty();
        if lacks {
            self.no_model.store(true, Ordering::Relaxed);
        }
        lacks
    }

    async fn run(
        self: Arc<Self>,
        mut orders: mpsc::Receiver<Hear>,
        heard: mpsc::Sender<Heard>,
    ) -> Result<(), ProviderError> {
        // A key that is no good is found now, and not at the caller's first words.
        let (channel, _pass) = tokio::try_join!(
            grpc::connect(&self.base, &self.service.patience),
            self.access.pass(self.base.host_str())
        )?;
        let headers = stream::metadata(&self.service.headers)?;
        let mut streams = Streams::new(channel, Arc::clone(&self.access), self.base.host_str(), headers);
        let mut acts = Vec::new();
        let mut hearing = Hearing::new(self.limits, Instant::now(), &mut acts);
        if heard.send(Heard::Ready).await.is_err() {
            return Ok(());
        }
        loop {
            for act in acts.drain(..) {
                match act {
                    Act::Open(stream) => streams.open(stream, self.config()),
                    Act::Sound(stream, sound) => streams.sound(stream, sound),
                    Act::Finish(stream) => streams.finish(stream),
                    Act::Drop(stream) => streams.drop(stream),
                    Act::Tell(word) => {
                        if heard.send(word).await.is_err() {
                            return Ok(());
                        }
                    }
                }
            }
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => hearing.order(Instant::now(), order, &mut acts),
                    None => return Ok(()),
                },
                (stream, model, event) = streams.next() => match event {
                    Event::Answer(answer) => hearing.answer(Instant::now(), stream, answer, &mut acts),
                    Event::Ended => hearing.ended(Instant::now(), stream, None, &mut acts)?,
                    Event::Failed { error, .. } if self.lacks_model(&error, &model) => {
                        hearing.again(Instant::now(), stream, &mut acts);
                    }
                    Event::Failed { error, renewed } if renewed || mends(&error) => {
                        hearing.ended(Instant::now(), stream, Some(error), &mut acts)?;
                    }
                    Event::Failed { error, .. } => return Err(error),
                },
                () = sleep_until(hearing.deadline()) => hearing.tick(Instant::now(), &mut acts)?,
            }
        }
    }
}

impl Listener for Google {
    fn listen(
        self: Arc<Self>,
        orders: mpsc::Receiver<Hear>,
        heard: mpsc::Sender<Heard>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        self.run(orders, heard).boxed()
    }
}

/// Whether the same may succeed with another stream.
fn mends(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Transient { .. } | ProviderError::Protocol { .. })
}

/// Options: `interim_results`, `automatic_punctuation`, `profanity_filter`, `enhanced` (true or false), `phrases` (a list of words that
/// may come), `boost` (their weight), `alternative_languages` (a list of tags).
fn config(service: &Service) -> StreamingRecognitionConfig {
    let flag = |name: &str, otherwise: bool| service.option(name).map_or(otherwise, |value| value == "true");
    let list = |name: &str| -> Vec<String> {
        let values = service.options.get(name).and_then(|value| value.as_array());
        values
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    let phrases = list("phrases");
    let boost = service
        .option("boost")
        .and_then(|boost| boost.parse().ok())
        .unwrap_or(0.0);
    let contexts = match phrases.is_empty() {
        true => Vec::new(),
        false => vec![SpeechContext { phrases, boost }],
    };
    let others = list("alternative_languages");
    StreamingRecognitionConfig {
        config: Some(RecognitionConfig {
            encoding: speech::MULAW,
            sample_rate_hertz: mulaw::RATE as i32,
            language_code: recognition_language(service.language.as_deref()),
            profanity_filter: flag("profanity_filter", false),
            speech_contexts: contexts,
            enable_automatic_punctuation: flag("automatic_punctuation", true),
            model: service.model.clone().unwrap_or_else(|| MODEL.to_owned()),
            use_enhanced: flag("enhanced", false),
            alternative_language_codes: others.iter().map(|tag| recognition_language(Some(tag))).collect(),
        }),
        interim_results: flag("interim_results", true),
        enable_voice_activity_events: true,
    }
}

impl Limits {
    /// Options: `flush_wait_ms`, `stream_seconds`.
    fn of(service: &Service) -> Self {
        let number = |name: &str| service.option(name).and_then(|value| value.parse::<u64>().ok());
        let defaults = Self::default();
        let age = number("stream_seconds").map_or(defaults.age, |seconds| Duration::from_secs(seconds.clamp(1, 250)));
        Self {
            flush: number("flush_wait_ms").map_or(defaults.flush, Duration::from_millis),
            stall: service.patience.first,
            age,
            ..defaults
        }
    }
}
