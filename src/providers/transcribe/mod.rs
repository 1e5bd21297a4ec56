//! Turning a recording into text. One file per way of doing it; [`transcriber`] is the registry.

mod command;
mod google;
mod openai;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::ProviderError;

pub use command::CommandConfig;
pub use google::{GOOGLE_BASE_URL, GoogleConfig};
pub use openai::OpenAiConfig;

/// Something that writes down what is said in a recording.
pub trait Transcriber: Send + Sync {
    /// `language` is a tag such as `he` or `he-IL`; without it the provider finds out by itself.
    ///
    /// A recording in which nothing is said gives an empty text, not an error. Repeating a request is safe.
    fn transcribe(&self, audio: Audio, language: Option<&str>) -> BoxFuture<'_, Result<Transcript, ProviderError>>;
}

/// A whole recording in a container such as WAV or MP3.
#[derive(Clone, PartialEq, Eq)]
pub struct Audio {
    pub bytes: Bytes,
    /// For instance `audio/wav`; parameters are ignored.
    pub mime: String,
}

impl fmt::Debug for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audio({}, {} bytes)", self.mime, self.bytes.len())
    }
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// Trimmed; empty for silence.
    pub text: String,
    /// The length of the sound in seconds, where the provider says so.
    pub seconds: Option<f64>,
}

/// Which transcriber, and how it is set up.
#[derive(Debug, Clone)]
pub enum TranscriberConfig {
    OpenAi(OpenAiConfig),
    Google(GoogleConfig),
    Command(CommandConfig),
}

/// Makes the configured transcriber. Nothing is contacted, started or checked before the first recording.
pub fn transcriber(config: TranscriberConfig) -> Arc<dyn Transcriber> {
    match config {
        TranscriberConfig::OpenAi(config) => Arc::new(openai::OpenAi::new(config)),
        TranscriberConfig::Google(config) => Arc::new(google::Google::new(config)),
        TranscriberConfig::Command(config) => Arc::new(command::Command::new(config)),
    }
}

/// The language of a tag as ISO 639-1 has it: `he` for `he-IL`, and for the withdrawn code `iw` as well.
fn language_code(tag: &str) -> Result<String, ProviderError> {
    let language = tag.split(['-', '_']).next().unwrap_or("").to_ascii_lowercase();
    if !(2..=3).contains(&language.len()) || !language.bytes().all(|b| b.is_ascii_lowercase()) {
        return Err(ProviderError::BadRequest {
            detail: "the language is not a tag such as `he` or `he-IL`".to_owned(),
        });
    }
    Ok(if language == "iw" { "he".to_owned() } else { language })
}

/// A file name for a sound; services and commands tell the container by its extension.
fn file_name(mime: &str) -> String {
    let essence = mime.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let extension = match essence.as_str() {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/ogg" | "audio/opus" | "application/ogg" => "ogg",
        "audio/webm" | "video/webm" => "webm",
        "audio/mp4" | "audio/m4a" | "audio/x-m4a" | "audio/aac" => "m4a",
        "audio/flac" | "audio/x-flac" => "flac",
        // The carrier's own format, under any of its names.
        _ => "wav",
    };
    format!("recording.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_reduced_to_their_code() {
        for (tag, code) in [
            ("he", "he"),
            ("he-IL", "he"),
            ("iw-IL", "he"),
            ("EN_us", "en"),
            ("yue", "yue"),
        ] {
            assert_eq!(language_code(tag), Ok(code.to_owned()), "{tag}");
        }
        for tag in ["", "-x", "hebrew", "h", "he;rm", "--model"] {
            assert!(language_code(tag).is_err(), "{tag}");
        }
    }

    #[test]
    fn file_names_follow_the_type() {
        assert_eq!(file_name("audio/x-wav"), "recording.wav");
        assert_eq!(file_name("Audio/MPEG"), "recording.mp3");
        assert_eq!(file_name("audio/ogg; codecs=opus"), "recording.ogg");
    }
}
