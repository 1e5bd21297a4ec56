//! The sounds of conversations: prompts that are decoded once, and recordings of both sides.

use super::engine::Engine;
use super::flows::Version;
use crate::audio::sound;
use crate::call::CallId;
use crate::media::Tape;
use crate::talk::Clip;
use std::io;
use std::path::{Path, PathBuf};

/// So many conversations of one call are recorded.
const MOST: u32 = 100;

impl Engine {
    /// The sounds of an agent, decoded once for a version of the flow and shared by its calls.
    pub(super) async fn clips(&self, flow: &Version, paths: &[String], texts: &[String]) -> Result<Vec<Clip>, String> {
        let mut clips = Vec::with_capacity(paths.len());
        for (path, text) in paths.iter().zip(texts) {
            let key = format!("{path}\0{text}");
            let clip = match flow.clip(&key) {
                Some(clip) => clip,
                None => {
                    let clip = Clip::new(self.decoded(path).await?, text.as_str());
                    flow.keep_clip(key, clip.clone());
                    clip
                }
            };
            clips.push(clip);
        }
        Ok(clips)
    }

    async fn decoded(&self, path: &str) -> Result<Vec<u8>, String> {
        if path.is_empty() {
            // Words that the carrier speaks, where it does that.
            return Ok(Vec::new());
        }
        let files: Vec<PathBuf> = self.config.static_roots.iter().map(|root| root.join(path)).collect();
        let read = tokio::task::spawn_blocking(move || {
            let file = files.into_iter().find(|file| file.is_file());
            let bytes = std::fs::read(file.ok_or("it is not there")?).map_err(|error| error.to_string())?;
            sound::decode(&bytes).map_err(|error| error.to_string())
        });
        let decoded = read.await.unwrap_or_else(|_| Err("it cannot be decoded".to_owned()));
        decoded.map_err(|error| format!("the sound `{path}`: {error}"))
    }

    /// A recording of this call's next conversation; none where there is no room for it.
    pub(super) async fn tape(&self, call: &CallId) -> Option<Tape> {
        let folder = self.config.recordings.clone();
        // The id comes from the carrier; a file of its name must stay inside the folder.
        let name: String = call.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
        let free = tokio::task::spawn_blocking(move || {
            private_folder(&folder)?;
            let names = (1..=MOST).map(|n| match n {
                1 => format!("{name}.wav"),
                n => format!("{name}-{n}.wav"),
            });
            Ok::<_, io::Error>(names.map(|name| folder.join(name)).find(|path| !path.exists()))
        });
        match free.await {
            Ok(Ok(path)) => {
                let (tape, work) = Tape::create(path?);
                self.tapes.spawn(work);
                Some(tape)
            }
            Ok(Err(error)) => {
                tracing::error!(path = %self.config.recordings.display(), %error, "there is no folder for recordings");
                None
            }
            Err(_) => None,
        }
    }
}

/// Recordings are nobody else's business.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
