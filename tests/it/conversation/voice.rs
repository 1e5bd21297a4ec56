//! A voice that speaks the protocol of `audio/speech`: PCM at 24 kHz, streamed, in tones.

use super::tones;
use crate::speak::server::{Asked, HttpServer, Reply, Step};
use serde_json::Value;

/// What is to be spoken.
pub fn input(request: &Asked) -> String {
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    body["input"].as_str().expect("a text").to_owned()
}

/// A voice that answers each text so.
pub async fn voice(speak: impl Fn(&str) -> Reply + Send + Sync + 'static) -> HttpServer {
    HttpServer::answering(move |request| speak(&input(request))).await
}

/// A voice on a good day.
pub async fn good() -> HttpServer {
    voice(speaks).await
}

/// A voice that speaks the greeting as it should, and everything else so.
pub async fn after_greeting(speak: impl Fn(&str) -> Reply + Send + Sync + 'static) -> HttpServer {
    voice(move |text| if is_fixed(text) { speaks(text) } else { speak(text) }).await
}

/// Words that are always the same, which the engine has spoken ahead.
pub fn is_fixed(text: &str) -> bool {
    text.starts_with("Hello 0") || text.starts_with("Still there")
}

/// Speaks it.
pub fn speaks(text: &str) -> Reply {
    Reply::sound(lumps(&tones::spoken(text, 24_000)))
}

/// PCM in lumps of a tenth of a second.
pub fn lumps(samples: &[i16]) -> Vec<Step> {
    samples.chunks(2400).map(|lump| Step::Send(bytes(lump))).collect()
}

/// PCM.
pub fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}
