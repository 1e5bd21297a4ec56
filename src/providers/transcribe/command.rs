//! Transcription by a program on this machine: the recording goes in as a file, the text comes out on stdout.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use super::{Audio, Transcriber, Transcript, file_name, language_code};
use crate::channels::redact::clean;
use crate::providers::ProviderError;

/// How much of what the program complains about is kept for the error.
const STDERR_TAIL: usize = 2 * 1024;

/// The program and its bounds.
#[derive(Debug, Clone)]
pub struct CommandConfig {
    /// The program and its arguments; no shell reads them. `{file}` becomes the path of the recording and must occur;
    /// `{language}` becomes the language's two or three letters, or `auto` where none is known.
    pub argv: Vec<String>,
    /// After this the program and what it started are killed.
    pub timeout: Duration,
    /// The most text that is taken, in bytes; more is an error.
    pub max_output: usize,
}

impl Default for CommandConfig {
    fn default() -> Self {
        CommandConfig {
            argv: Vec::new(),
            timeout: Duration::from_secs(300),
            max_output: 1024 * 1024,
        }
    }
}

pub(super) struct Command {
    config: CommandConfig,
}

impl Command {
    pub fn new(config: CommandConfig) -> Self {
        Command { config }
    }

    async fn run(&self, audio: Audio, language: Option<String>) -> Result<Transcript, ProviderError> {
        let language = language.as_deref().unwrap_or("auto");
        let Some((program, arguments)) = self.config.argv.split_first() else {
            return Err(bad("no transcription command is configured".to_owned()));
        };
        if !arguments.iter().any(|argument| argument.contains("{file}")) {
            return Err(bad(
                "the transcription command has no `{file}` among its arguments".to_owned()
            ));
        }
        let file = TemporaryFile::write(&audio)
            .await
            .map_err(|error| ProviderError::Transient {
                detail: format!("the recording cannot be written to a temporary file: {}", error.kind()),
            })?;
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments.iter().map(|argument| fill(argument, file.path(), language)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own, so that the time limit also reaches what a wrapper script has started.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                bad(format!("the command `{program}` cannot be started: {}", error.kind()))
            }
            kind => ProviderError::Transient {
                detail: format!("the command `{program}` cannot be started: {kind}"),
            },
        })?;
        let mut running = Running::new(child);
        match tokio::time::timeout(self.config.timeout, self.finish(&mut running)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(ProviderError::Timeout {
                limit: self.config.timeout,
            }),
        }
    }

    /// Reads both outputs side by side (a full pipe would stop the program) and judges how it ended.
    async fn finish(&self, running: &mut Running) -> Result<Transcript, ProviderError> {
        let stdout = running.child.stdout.take().expect("stdout was asked to be a pipe");
        let stderr = running.child.stderr.take().expect("stderr was asked to be a pipe");
        let limit = self.config.max_output;
        let (text, complaint) = tokio::try_join!(read_bounded(stdout, limit), async { Ok(read_tail(stderr).await) })?;
        let status = running.child.wait().await.map_err(|error| ProviderError::Transient {
            detail: format!("the command's end was not seen: {}", error.kind()),
        })?;
        running.ended = true;
        if !status.success() {
            let how = match status.code() {
                Some(code) => format!("exit code {code}"),
                None => "ended by a signal".to_owned(),
            };
            return Err(ProviderError::Transient {
                detail: if complaint.is_empty() {
                    how
                } else {
                    format!("{how}: {complaint}")
                },
            });
        }
        let text = String::from_utf8(text).map_err(|_| ProviderError::Protocol {
            detail: "the command's output is not UTF-8".to_owned(),
        })?;
        Ok(Transcript {
            text: text.trim().to_owned(),
            seconds: None,
        })
    }
}

impl Transcriber for Command {
    fn transcribe(&self, audio: Audio, language: Option<&str>) -> BoxFuture<'_, Result<Transcript, ProviderError>> {
        let language = language.map(language_code).transpose();
        async move { self.run(audio, language?).await }.boxed()
    }
}

/// A started program. Dropping it before its end, at a time limit or when nobody waits any more, kills its group.
struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    fn new(child: Child) -> Self {
        Running { child, ended: false }
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

/// The recording as a file that only this user can read, removed when dropped.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    async fn write(audio: &Audio) -> io::Result<TemporaryFile> {
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("engine-{:032x}-{}", u128::from_be_bytes(random), file_name(&audio.mime));
        let path = std::env::temp_dir().join(name);
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let mut opened = options.open(&path).await?;
        let file = TemporaryFile(path);
        opened.write_all(&audio.bytes).await?;
        opened.flush().await?;
        Ok(file)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a temporary recording could not be removed");
        }
    }
}

fn fill(argument: &str, file: &Path, language: &str) -> String {
    // The path is made of our own characters below the system's temporary folder; it goes in last so that nothing
    // in it is taken for a placeholder.
    argument
        .replace("{language}", language)
        .replace("{file}", &file.to_string_lossy())
}

async fn read_bounded(mut from: impl AsyncRead + Unpin, limit: usize) -> Result<Vec<u8>, ProviderError> {
    let mut text = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    (&mut from)
        .take(most)
        .read_to_end(&mut text)
        .await
        .map_err(|error| ProviderError::Transient {
            detail: format!("the command's output broke: {}", error.kind()),
        })?;
    if text.len() > limit {
        return Err(ProviderError::Protocol {
            detail: format!("the command wrote more than {limit} bytes"),
        });
    }
    Ok(text)
}

/// The last part of what was written, cleaned; reading goes on to the end so that the program is never held up.
async fn read_tail(mut from: impl AsyncRead + Unpin) -> String {
    let mut tail: Vec<u8> = Vec::new();
    let mut chunk = [0u8; 4096];
    // A broken stderr only shortens the complaint.
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..read]);
        let excess = tail.len().saturating_sub(STDERR_TAIL);
        tail.drain(..excess);
    }
    let text = String::from_utf8_lossy(&tail);
    // The reason stands at the end, and `clean` keeps the beginning of what it is given.
    let characters = text.chars().count();
    let last: String = text.chars().skip(characters.saturating_sub(280)).collect();
    clean(&last)
}

fn bad(detail: String) -> ProviderError {
    ProviderError::BadRequest { detail }
}
