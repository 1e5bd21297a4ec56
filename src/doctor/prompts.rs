//! Every sound that the flow names, fetched as the carrier fetches it: there, of a type it plays, and really sound.

use super::case::Case;
use super::outcome::Outcome;
use super::web::{Answer, Ask, short};
use crate::audio::{mulaw, sound};
use crate::carrier::is_sound;
use crate::twiml::Links;
use reqwest::header::{CACHE_CONTROL, ETAG, LAST_MODIFIED};
use std::collections::BTreeSet;

/// A sound larger than this keeps a caller waiting while it is fetched, in bytes.
const LARGE: usize = 4 * 1024 * 1024;

/// A sound that is as it should be.
struct Sound {
    millis: u64,
    bytes: usize,
    is_cached: bool,
}

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    if let Some(why) = case.unreachable() {
        return vec![Outcome::skipped("prompt", why)];
    }
    let addresses = addresses(case);
    if addresses.is_empty() {
        let why = match (&case.flow, case.found.facts.is_some()) {
            (Some(_), _) | (_, true) => "the flow names no sounds",
            _ => "nobody says which sounds there are; name the flow with `--flow`, or set TWILIO_AUTH_TOKEN",
        };
        return vec![Outcome::skipped("prompt", why)];
    }
    let mut outcomes = Vec::new();
    let mut sounds = Vec::new();
    for address in &addresses {
        match fetch(case, address).await {
            Ok(sound) => sounds.push(sound),
            Err(outcome) => outcomes.push(*outcome),
        }
    }
    if !sounds.is_empty() {
        outcomes.insert(0, sum(&sounds));
    }
    outcomes
}

/// What the deployment says it names and what the flow at hand names, each once.
fn addresses(case: &Case) -> BTreeSet<String> {
    let target = case.target();
    let mut addresses = BTreeSet::new();
    for flow in case.running() {
        let sounds = flow["sounds"].as_array().into_iter().flatten();
        addresses.extend(sounds.filter_map(|sound| Some(target.reachable(sound.as_str()?))));
    }
    let links = Links::new(target.base.clone());
    let flow = case.flow.as_ref().and_then(|(_, compiled)| compiled.flow.as_ref());
    addresses.extend(
        flow.iter()
            .flat_map(|flow| flow.assets.keys())
            .map(|path| links.asset(path)),
    );
    addresses
}

async fn fetch(case: &Case, address: &str) -> Result<Sound, Box<Outcome>> {
    let name = short(address.strip_prefix(&case.target().base).unwrap_or(address));
    let fail = |seen: String, code: u32, help: &str| {
        Box::new(
            Outcome::fail("prompt", format!("`{name}` {seen}"))
                .code(code)
                .help(help),
        )
    };
    let lax = case.found.is_untrusted;
    let answer = match case.web.ask(Ask::get(address).lax(lax)).await {
        Ok(answer) => answer,
        Err(silence) => {
            let help = "the caller hears nothing: let the proxy pass `/static/` to the engine";
            return Err(fail(format!("does not come: {}", silence.why), silence.code, help));
        }
    };
    if answer.status == 404 {
        let help = "put the file under `static/` of the deployment, or let the proxy pass `/static/`";
        return Err(fail(format!("gives {}", answer.sketch()), 11200, help));
    }
    if answer.status != 200 {
        return Err(fail(format!("gives {}", answer.sketch()), 11200, answer.help()));
    }
    let Some(kind) = answer.kind() else {
        return Err(fail(
            "has no `Content-Type`".to_owned(),
            11200,
            "serve it as `audio/mpeg` or `audio/wav`",
        ));
    };
    if !is_sound(&kind) {
        let help = match kind.as_str() {
            "text/html" => "a page stands in the sound's place: let the proxy pass `/static/` to the engine",
            _ => "serve it as `audio/mpeg` or `audio/wav`",
        };
        return Err(fail(format!("is `{}`, no sound", short(&kind)), 12300, help));
    }
    if answer.body.is_empty() {
        return Err(fail("is empty".to_owned(), 13420, "deploy the file again"));
    }
    heard(&kind, answer)
        .await
        .map_err(|seen| fail(seen, 13420, "make the file anew, as MP3 or WAV"))
}

/// Decodes it. Errors: why it cannot be played.
async fn heard(kind: &str, answer: Answer) -> Result<Sound, String> {
    let bytes = answer.body.len();
    let is_cached = [ETAG, LAST_MODIFIED, CACHE_CONTROL]
        .iter()
        .any(|name| answer.headers.contains_key(name));
    let millis = match kind {
        "audio/ulaw" => mulaw::millis(bytes),
        // Types that the carrier plays and nobody here decodes.
        "audio/aiff" | "audio/x-aifc" | "audio/x-aiff" | "audio/gsm" | "audio/x-gsm" => 0,
        _ => {
            let decoded = tokio::task::spawn_blocking(move || sound::decode_mono(&answer.body)).await;
            let (rate, samples) = decoded
                .map_err(|error| error.to_string())?
                .map_err(|error| format!("cannot be played: {error}"))?;
            samples.len() as u64 * 1000 / u64::from(rate.max(1))
        }
    };
    Ok(Sound {
        millis,
        bytes,
        is_cached,
    })
}

fn sum(sounds: &[Sound]) -> Outcome {
    let seconds = sounds.iter().map(|sound| sound.millis).sum::<u64>() as f64 / 1000.0;
    let bytes: usize = sounds.iter().map(|sound| sound.bytes).sum();
    let count = match sounds.len() {
        1 => "1 sound".to_owned(),
        count => format!("{count} sounds"),
    };
    let seen = format!("{count}, {seconds:.1} s, {} kB", bytes.div_ceil(1000));
    if let Some(large) = sounds
        .iter()
        .map(|sound| sound.bytes)
        .filter(|bytes| *bytes > LARGE)
        .max()
    {
        return Outcome::warn("prompt", format!("{seen}; the largest has {} kB", large.div_ceil(1000)))
            .help("save it as MP3, or at 8000 Hz: the caller waits while it is fetched");
    }
    if sounds.iter().any(|sound| !sound.is_cached) {
        return Outcome::warn("prompt", format!("{seen}; nothing says how long they may be kept"))
            .help("let the proxy pass `ETag` and `Last-Modified`: else the carrier fetches each sound for each call");
    }
    Outcome::ok("prompt", seen)
}
