//! Prompts: the sound of a `<Say>`, `<Play>` or `<Pause>`, alone or inside a `<Gather>`.

use std::process::Stdio;
use std::time::Duration;

use super::document;
use super::exchange::Failure;
use super::http::Client;
use super::leg::{Leg, seconds};
use super::line::Interrupt;
use super::sounds;
use super::timeline::Happening;
use crate::audio::sound;
use crate::twiml::Element;

/// How often a prompt with `loop="0"` is repeated at most.
const LOOP_LIMIT: u32 = 1000;
/// The longest text of a basic voice, in characters (13521).
const TEXT_LIMIT: usize = 4096;

/// Sound to play, so many times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) sound: Vec<u8>,
    pub(crate) times: u32,
}

/// Prepares the sound of a prompt. A prompt that cannot be had is noted and comes out empty.
pub(crate) async fn prepare(leg: &mut Leg, verb: &Element) -> Result<Prompt, Interrupt> {
    let times = match verb.attribute("loop").and_then(|text| text.trim().parse().ok()) {
        Some(0) => LOOP_LIMIT,
        Some(times) => LOOP_LIMIT.min(times),
        None => 1,
    };
    let sound = match verb.name.as_str() {
        "Say" => say(leg, verb).await?,
        "Play" => match verb.attribute("digits") {
            Some(digits) => play_digits(leg, digits),
            None => play(leg, &verb.text).await?,
        },
        "Pause" => sounds::silence(seconds(verb, "length", 1)),
        _ => Vec::new(),
    };
    let heard = match verb.name.as_str() {
        "Say" => Some((verb.words().split_whitespace().collect::<Vec<_>>().join(" "), true)),
        "Play" => Some(match verb.attribute("digits") {
            Some(digits) => (format!("keys {digits}"), false),
            None => (verb.text.trim().to_owned(), false),
        }),
        _ => None,
    };
    if let Some((what, spoken)) = heard.filter(|_| !sound.is_empty()) {
        leg.timeline.note(Happening::Hears { what, spoken });
    }
    Ok(Prompt { sound, times })
}

async fn say(leg: &mut Leg, verb: &Element) -> Result<Vec<u8>, Interrupt> {
    let words = verb.words();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        leg.error(13520, "the text is empty");
        return Ok(Vec::new());
    }
    if words.chars().count() > TEXT_LIMIT {
        leg.error(13521, format!("{} characters", words.chars().count()));
        return Ok(Vec::new());
    }
    let language = verb.attribute("language").unwrap_or("en-US").to_owned();
    leg.meanwhile(speak(&words, &language)).await
}

/// Speaks with `espeak-ng` where it is installed and knows the language, else with speech-like noise of a fitting length.
pub(crate) async fn speak(words: &str, language: &str) -> Vec<u8> {
    if let Some(sound) = synthesize(words, language).await {
        return sound;
    }
    let seed = words
        .bytes()
        .fold(17_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    sounds::speechlike(sounds::speaking_time(words), seed)
}

async fn synthesize(words: &str, language: &str) -> Option<Vec<u8>> {
    let voice = language.split('-').next().unwrap_or("en").to_ascii_lowercase();
    let output = tokio::process::Command::new("espeak-ng")
        .args(["--stdout", "-v", &voice, "--"])
        .arg(words)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(5), output).await.ok()?.ok()?;
    if !output.status.success() {
        return None;
    }
    sound::decode(&output.stdout).ok()
}

pub(crate) fn play_digits(leg: &Leg, digits: &str) -> Vec<u8> {
    let mut sound = Vec::new();
    for digit in digits.chars() {
        match digit {
            'w' => sound.extend(sounds::silence(Duration::from_millis(500))),
            'W' => sound.extend(sounds::silence(Duration::from_secs(1))),
            '0'..='9' | '*' | '#' | 'A'..='D' => sound.extend(sounds::key(digit)),
            other => leg.error(13430, format!("`{other}` is no key")),
        }
    }
    sound
}

async fn play(leg: &mut Leg, text: &str) -> Result<Vec<u8>, Interrupt> {
    let url = match leg.resolve(text) {
        Ok(url) => url,
        Err(failure) => {
            leg.fail(&failure);
            return Ok(Vec::new());
        }
    };
    let client = leg.client.clone();
    match leg.meanwhile(fetch(&client, &url)).await? {
        Ok(sound) => Ok(sound),
        Err(failure) => {
            leg.fail(&failure);
            Ok(Vec::new())
        }
    }
}

/// Fetches the sound at an absolute address.
///
/// # Errors
/// What the carrier makes of it: 11200, 12300, 13420, or that of the request.
pub(crate) async fn fetch(client: &Client, url: &str) -> Result<Vec<u8>, Failure> {
    let failed = |code, detail: String| Failure::new(code, url, detail);
    let reply = client.media(url).await?;
    if reply.status != 200 {
        return Err(failed(11200, format!("answered {}", reply.status)));
    }
    let Some(kind) = reply.content_type else {
        return Err(failed(11200, "has no Content-Type".to_owned()));
    };
    let bare = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !document::is_sound(&bare) {
        return Err(failed(12300, format!("is `{bare}`")));
    }
    if bare == "audio/ulaw" {
        return Ok(reply.body.to_vec());
    }
    // Decoding minutes of MP3 takes long enough to hold up other calls on this thread.
    let decoded = tokio::task::spawn_blocking(move || sound::decode(&reply.body)).await;
    match decoded {
        Ok(Ok(sound)) => Ok(sound),
        Ok(Err(error)) => Err(failed(13420, error.to_string())),
        Err(error) => Err(failed(13420, error.to_string())),
    }
}
