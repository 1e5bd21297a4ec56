//! A program on this machine that speaks, such as espeak-ng: words in as an argument or on stdin, WAV or raw PCM out.

use super::decode::Decoder;
use super::requests::{Requests, Sound, Source};
use super::{Kind, Speaker};
use crate::audio::resample::Resampler;
use crate::audio::stream::StreamFormat;
use crate::channels::redact::clean;
use crate::providers::{ProviderError, Service};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio_util::task::AbortOnDropHandle;

pub(super) const KIND: Kind = Kind {
    name: "command",
    about: "a program on this machine, such as espeak-ng",
    key_env: None,
    make,
};

/// Arguments longer than 128 KiB cannot be handed over; this is far below it in any script.
const LIMIT: usize = 4000;
/// Of raw sound, where the options say nothing.
const RATE: u32 = 22_050;
/// How much of what the program complains about is kept.
const COMPLAINT: usize = 2048;

struct Command {
    service: Service,
    format: StreamFormat,
}

/// `run` is the program and its arguments; no shell reads them. `{text}`, `{voice}` and `{language}` are filled in; without `{text}`
/// the words are written to its input. Options: `sample_rate` of raw sound (22050), `encoding` of it: `pcm` or `mulaw`.
fn make(service: &Service) -> Result<Arc<dyn Speaker>, ProviderError> {
    let bad = |detail: String| ProviderError::BadRequest { detail };
    if service.run.is_empty() {
        return Err(bad("no command is configured".to_owned()));
    }
    let rate = match service.option("sample_rate") {
        None => RATE,
        Some(rate) => rate
            .parse()
            .map_err(|_| bad(format!("`sample_rate` is a number such as 22050, not `{rate}`")))?,
    };
    let format = match service.option("encoding").as_deref() {
        None | Some("pcm") => StreamFormat::Pcm16(rate),
        Some("mulaw") => StreamFormat::MuLaw,
        Some(other) => return Err(bad(format!("`encoding` is `pcm` or `mulaw`, not `{other}`"))),
    };
    Resampler::new(rate).map_err(|error| bad(format!("`sample_rate`: {error}")))?;
    Ok(Arc::new(Requests(Command {
        service: service.clone(),
        format,
    })))
}

impl Source for Command {
    fn limit(&self) -> usize {
        LIMIT
    }

    fn service(&self) -> &Service {
        &self.service
    }

    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Box<dyn Sound>, ProviderError>> {
        async move { self.start(text) }.boxed()
    }
}

impl Command {
    fn start(&self, text: &str) -> Result<Box<dyn Sound>, ProviderError> {
        let Some((program, arguments)) = self.service.run.split_first() else {
            return Err(ProviderError::BadRequest {
                detail: "no command is configured".to_owned(),
            });
        };
        let on_stdin = !arguments.iter().any(|argument| argument.contains("{text}"));
        // A NUL would end the argument.
        let text = text.replace('\0', " ");
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments.iter().map(|argument| self.fill(argument, &text)))
            .stdin(if on_stdin { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own, so that a cancellation also reaches what a wrapper script has started.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            kind @ (io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => ProviderError::BadRequest {
                detail: format!("the command `{program}` cannot be started: {kind}"),
            },
            kind => ProviderError::Transient {
                detail: format!("the command `{program}` cannot be started: {kind}"),
            },
        })?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let stderr = child.stderr.take().expect("stderr was asked to be a pipe");
        let stdin = child.stdin.take();
        let writing = tokio::spawn(async move {
            if let Some(mut stdin) = stdin {
                // A program that stops reading says why by how it ends.
                let _unread = stdin.write_all(text.as_bytes()).await;
                let _unread = stdin.write_all(b"\n").await;
            }
        });
        Ok(Box::new(Running {
            child,
            stdout,
            decoder: Decoder::new(self.format),
            ended: false,
            complaint: AbortOnDropHandle::new(tokio::spawn(complaint(stderr))),
            _writing: AbortOnDropHandle::new(writing),
        }))
    }

    fn fill(&self, argument: &str, text: &str) -> String {
        // The words go in last, so that nothing in them is taken for a placeholder; a leading dash would make them an option.
        let words = match argument {
            "{text}" => text.trim_start_matches(['-', ' ']),
            _ => text,
        };
        argument
            .replace("{language}", self.service.language.as_deref().unwrap_or("en"))
            .replace("{voice}", self.service.voice.as_deref().unwrap_or(""))
            .replace("{text}", words)
    }
}

/// A started program. Dropping it before its end kills its group.
struct Running {
    child: Child,
    stdout: ChildStdout,
    decoder: Decoder,
    ended: bool,
    complaint: AbortOnDropHandle<String>,
    _writing: AbortOnDropHandle<()>,
}

impl Sound for Running {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, ProviderError>> {
        async move {
            if self.ended {
                return Ok(None);
            }
            let mut bytes = vec![0; 8192];
            let read = self
                .stdout
                .read(&mut bytes)
                .await
                .map_err(|error| ProviderError::Transient {
                    detail: format!("the command's output broke: {}", error.kind()),
                })?;
            let mut out = Vec::new();
            if read > 0 {
                self.decoder.push(&bytes[..read], &mut out)?;
                return Ok(Some(out.into()));
            }
            self.end().await?;
            self.decoder.finish(&mut out)?;
            Ok(Some(out.into()))
        }
        .boxed()
    }
}

impl Running {
    /// Its output is over: how the program ended decides whether that was all.
    async fn end(&mut self) -> Result<(), ProviderError> {
        let status = self.child.wait().await.map_err(|error| ProviderError::Transient {
            detail: format!("the command's end was not seen: {}", error.kind()),
        })?;
        self.ended = true;
        if status.success() {
            return Ok(());
        }
        let how = match status.code() {
            Some(code) => format!("exit code {code}"),
            None => "ended by a signal".to_owned(),
        };
        let complaint = (&mut self.complaint).await.unwrap_or_default();
        Err(ProviderError::Transient {
            detail: match complaint.is_empty() {
                true => how,
                false => format!("{how}: {complaint}"),
            },
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // The child has not been waited for, so its number cannot belong to anyone else yet.
        #[cfg(unix)]
        if let Some(group) = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            // A group that is already gone is what was wanted.
            let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// The beginning of what was written, cleaned; reading goes on to the end so that the program is never held up.
async fn complaint(mut from: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut bytes = [0; 1024];
    // A broken stderr only shortens the complaint.
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        kept.extend(bytes[..read].iter().take(COMPLAINT - kept.len()));
    }
    clean(&String::from_utf8_lossy(&kept))
}
