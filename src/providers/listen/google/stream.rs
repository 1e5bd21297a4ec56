//! The streams that are open at the moment: sound goes in, answers and ends come out. Dropping them ends them.

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::future::poll_fn;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use crate::providers::ProviderError;
use crate::providers::google::grpc::{Protobuf, fault};
use crate::providers::google::speech::{
    STREAMING_RECOGNIZE, StreamingRecognitionConfig, StreamingRecognizeRequest, StreamingRecognizeResponse,
    StreamingRequest,
};
use crate::providers::google::{Access, Pass};

/// The most sound in one message: a second. The service refuses messages above 25 KB.
const MOST: usize = 8000;
/// How many messages may wait for the service to take them: five seconds of live sound and a replay.
const WAITING: usize = 64;

/// What became of a stream.
pub(super) enum Event {
    Answer(StreamingRecognizeResponse),
    /// The service closed it in order.
    Ended,
    /// `renewed`: its token was refused, and there will be a new one.
    Failed {
        error: ProviderError,
        renewed: bool,
    },
}

/// All streams of one conversation, on one connection.
pub(super) struct Streams {
    channel: Channel,
    access: Arc<Access>,
    host: Option<Arc<str>>,
    headers: MetadataMap,
    open: Vec<Open>,
}

struct Open {
    id: u32,
    /// Gone where all sound was given.
    sound: Option<mpsc::Sender<Bytes>>,
    events: BoxStream<'static, Event>,
    model: Arc<str>,
    /// Set where its sound is not taken.
    stuck: bool,
}

impl Streams {
    pub(super) fn new(channel: Channel, access: Arc<Access>, host: Option<&str>, headers: MetadataMap) -> Self {
        Self {
            channel,
            access,
            host: host.map(Arc::from),
            headers,
            open: Vec::new(),
        }
    }

    /// Begins a stream. Its sound may follow at once.
    pub(super) fn open(&mut self, id: u32, config: StreamingRecognitionConfig) {
        let (sound, taken) = mpsc::channel(WAITING);
        let call = Call {
            channel: self.channel.clone(),
            access: Arc::clone(&self.access),
            host: self.host.clone(),
            headers: self.headers.clone(),
        };
        let model = config.config.as_ref().map_or("", |config| config.model.as_str()).into();
        self.open.push(Open {
            id,
            sound: Some(sound),
            model,
            events: call.events(config, taken),
            stuck: false,
        });
    }

    /// Gives sound to a stream, in pieces that the service takes.
    pub(super) fn sound(&mut self, id: u32, mut sound: Bytes) {
        let Some(open) = self.open.iter_mut().find(|open| open.id == id) else {
            return;
        };
        while let (false, Some(sender)) = (sound.is_empty(), &open.sound) {
            let piece = sound.split_to(sound.len().min(MOST));
            match sender.try_send(piece) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => open.stuck = true,
                // Its end comes as an event.
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }

    /// No more sound comes: the service is to say its last words.
    pub(super) fn finish(&mut self, id: u32) {
        if let Some(open) = self.open.iter_mut().find(|open| open.id == id) {
            open.sound = None;
        }
    }

    /// Nobody wants to know of this stream any more.
    pub(super) fn drop(&mut self, id: u32) {
        self.open.retain(|open| open.id != id);
    }

    /// The next thing that happens on any stream, with its number and the model it was opened with; never, where none is open.
    /// Safe to cancel.
    pub(super) async fn next(&mut self) -> (u32, Arc<str>, Event) {
        poll_fn(|context| {
            for index in 0..self.open.len() {
                let open = &mut self.open[index];
                let event = match open.stuck {
                    true => Event::Failed {
                        error: ProviderError::Transient {
                            detail: "the service takes no more sound".to_owned(),
                        },
                        renewed: false,
                    },
                    false => match open.events.poll_next_unpin(context) {
                        Poll::Ready(Some(event)) => event,
                        Poll::Ready(None) => Event::Ended,
                        Poll::Pending => continue,
                    },
                };
                let (id, model) = (open.id, Arc::clone(&open.model));
                if !matches!(event, Event::Answer(_)) {
                    self.open.remove(index);
                }
                return Poll::Ready((id, model, event));
            }
            Poll::Pending
        })
        .await
    }
}

/// Headers of the configuration as gRPC takes them. Errors: one that cannot be sent.
pub(super) fn metadata(headers: &[(String, String)]) -> Result<MetadataMap, ProviderError> {
    let mut map = MetadataMap::new();
    for (name, value) in headers {
        let pair = MetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes()).ok();
        let pair = pair.zip(MetadataValue::try_from(value.as_str()).ok());
        let (name, value) = pair.ok_or_else(|| ProviderError::BadRequest {
            detail: format!("the header `{name}` cannot be sent"),
        })?;
        map.insert(name, value);
    }
    Ok(map)
}

struct Call {
    channel: Channel,
    access: Arc<Access>,
    host: Option<Arc<str>>,
    headers: MetadataMap,
}

enum State {
    Before(Box<Call>, StreamingRecognitionConfig, mpsc::Receiver<Bytes>),
    Under(Arc<Access>, Option<Pass>, Streaming<StreamingRecognizeResponse>),
    Over,
}

impl Call {
    fn events(self, config: StreamingRecognitionConfig, sound: mpsc::Receiver<Bytes>) -> BoxStream<'static, Event> {
        let state = State::Before(Box::new(self), config, sound);
        stream::unfold(state, |mut state| async move {
            loop {
                state = match state {
                    State::Over => return None,
                    State::Before(call, config, sound) => {
                        let access = Arc::clone(&call.access);
                        let pass = match access.pass(call.host.as_deref()).await {
                            Ok(pass) => pass,
                            Err(error) => return Some((Event::Failed { error, renewed: false }, State::Over)),
                        };
                        match call.begin(pass.as_ref(), config, sound).await {
                            Ok(answers) => State::Under(access, pass, answers),
                            Err(status) => return Some((failed(&access, pass.as_ref(), &status).await, State::Over)),
                        }
                    }
                    State::Under(access, pass, mut answers) => match answers.message().await {
                        Ok(Some(answer)) => {
                            let refusal = answer.error.as_ref().filter(|error| error.code != 0);
                            let Some(refusal) = refusal else {
                                return Some((Event::Answer(answer), State::Under(access, pass, answers)));
                            };
                            let status = Status::new(refusal.code.into(), refusal.message.as_str());
                            return Some((failed(&access, pass.as_ref(), &status).await, State::Over));
                        }
                        Ok(None) => return Some((Event::Ended, State::Over)),
                        Err(status) => return Some((failed(&access, pass.as_ref(), &status).await, State::Over)),
                    },
                };
            }
        })
        .boxed()
    }

    /// The service's headers may come with its first answer only, so sound flows before this is done.
    async fn begin(
        self,
        pass: Option<&Pass>,
        config: StreamingRecognitionConfig,
        mut sound: mpsc::Receiver<Bytes>,
    ) -> Result<Streaming<StreamingRecognizeResponse>, Status> {
        let message = |request| StreamingRecognizeRequest { request: Some(request) };
        let first = message(StreamingRequest::Config(config));
        let rest = stream::poll_fn(move |context| sound.poll_recv(context));
        let messages = stream::iter([first]).chain(rest.map(move |sound| message(StreamingRequest::Sound(sound))));
        let mut request = Request::new(messages);
        *request.metadata_mut() = self.headers;
        if let Some(pass) = pass {
            let name = MetadataKey::from_bytes(pass.name.as_str().as_bytes()).map_err(|_| unsendable())?;
            let mut value = MetadataValue::try_from(pass.value.as_bytes()).map_err(|_| unsendable())?;
            value.set_sensitive(true);
            request.metadata_mut().insert(name, value);
        }
        let mut client = tonic::client::Grpc::new(self.channel);
        client
            .ready()
            .await
            .map_err(|_| Status::unavailable("Google cannot be reached"))?;
        let path = PathAndQuery::from_static(STREAMING_RECOGNIZE);
        let answer = client.streaming(request, path, Protobuf::default()).await?;
        Ok(answer.into_inner())
    }
}

fn unsendable() -> Status {
    Status::unauthenticated("the key has characters that no header may have")
}

async fn failed(access: &Access, pass: Option<&Pass>, status: &Status) -> Event {
    let renewed = status.code() == tonic::Code::Unauthenticated && access.refused(pass).await;
    Event::Failed {
        error: fault(status),
        renewed,
    }
}
