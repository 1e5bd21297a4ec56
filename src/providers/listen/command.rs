//! Utterances written down by a program on this machine.

use super::utterance::{Scribe, SoFar, Utterances};
use super::{Kind, Listener};
use crate::providers::transcribe::{Audio, CommandConfig, Transcriber, TranscriberConfig, transcriber};
use crate::providers::{ProviderError, Service};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "command",
    about: "a program on this machine that writes down a WAV file: `{file}` among its arguments",
    key_env: None,
    make,
};

fn make(service: &Service) -> Result<Arc<dyn Listener>, ProviderError> {
    let mut arguments = service.run.iter().skip(1);
    if !arguments.any(|argument| argument.contains("{file}")) {
        return Err(ProviderError::BadRequest {
            detail: "the command of speech recognition has no `{file}` among its arguments".to_owned(),
        });
    }
    let command = transcriber(TranscriberConfig::Command(CommandConfig {
        argv: service.run.clone(),
        timeout: service.patience.whole,
        max_output: 64 * 1024,
    }));
    Ok(Arc::new(Utterances::new(Command {
        command,
        language: service.language.clone(),
        patience: service.patience.first / 2,
    })))
}

struct Command {
    command: Arc<dyn Transcriber>,
    language: Option<String>,
    patience: Duration,
}

impl Scribe for Command {
    fn write<'a>(&'a self, wav: Bytes, _so_far: SoFar<'a>) -> BoxFuture<'a, Result<String, ProviderError>> {
        async move {
            let mime = "audio/wav".to_owned();
            let audio = Audio { bytes: wav, mime };
            let written = self.command.transcribe(audio, self.language.as_deref()).await?;
            Ok(written.text)
        }
        .boxed()
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
