//! The messages of a media stream, as the carrier words them (Twilio Media Streams): reading without copying,
//! writing into one reused buffer with exactly the fields that are allowed (31951 answers any other).

use base64_simd::{AsOut, STANDARD, STANDARD_NO_PAD};
use bytes::{BufMut, BytesMut};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use std::borrow::Cow;
use std::fmt;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The only subprotocol that a carrier offers for a media stream.
pub const SUBPROTOCOL: &str = "audio.twilio.com";
/// The longest message that is read, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// The subprotocol to answer with: only what was offered, since an answer that was not makes the carrier hang up.
/// `offered` is the value of `Sec-WebSocket-Protocol`, a list with commas.
pub fn subprotocol(offered: &str) -> Option<&'static str> {
    offered
        .split(',')
        .any(|name| name.trim() == SUBPROTOCOL)
        .then_some(SUBPROTOCOL)
}

/// One message from the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// The first message; says nothing of use.
    Connected,
    /// The stream and the call it belongs to.
    Start(Start),
    /// Sound from the caller, still in base64.
    Media { payload: Cow<'a, str> },
    /// The caller pressed a key.
    Digit(char),
    /// A mark of ours was passed, or swept away by a `clear`.
    Mark { name: Cow<'a, str> },
    /// The stream is over.
    Stop,
    /// An event this engine does not know, or sound that is not the caller's. Newer carriers may send more of them.
    Other,
}

/// What the carrier says when a stream begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// The call, from the custom parameters if they name one, else from the carrier. Never empty.
    pub call_sid: String,
    /// The stream; everything sent back must carry it. Never empty.
    pub stream_sid: String,
    /// The custom parameter `token`, which proves that the engine itself put this stream into a document.
    pub token: Option<String>,
    /// All custom parameters as text.
    pub parameters: Vec<(String, String)>,
}

/// Why a message cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// Not a JSON object of the known shape.
    Junk,
    /// A `start` that names no stream.
    NoStream,
    /// A `start` that names no call.
    NoCall,
    /// A `media`, `dtmf` or `mark` without what it is about.
    Incomplete,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Junk => "the message is not a media stream event",
            Self::NoStream => "the start event has no `streamSid`",
            Self::NoCall => "the start event has no `callSid`",
            Self::Incomplete => "the event has no payload, digit or mark name",
        })
    }
}

impl std::error::Error for WireError {}

/// Reads one text message. Nothing is copied unless the JSON holds escapes; `start` alone is owned.
pub fn parse(message: &str) -> Result<Incoming<'_>, WireError> {
    let envelope: Envelope<'_> = serde_json::from_str(message).map_err(|_| WireError::Junk)?;
    match &*envelope.event.0 {
        "media" => {
            let media = envelope.media.ok_or(WireError::Incomplete)?;
            if media.track.is_some_and(|track| track.0.starts_with("outbound")) {
                return Ok(Incoming::Other);
            }
            media
                .payload
                .map(|payload| Incoming::Media { payload: payload.0 })
                .ok_or(WireError::Incomplete)
        }
        "mark" => envelope
            .mark
            .and_then(|mark| mark.name)
            .map(|name| Incoming::Mark { name: name.0 })
            .ok_or(WireError::Incomplete),
        "dtmf" => envelope
            .dtmf
            .and_then(|dtmf| dtmf.digit)
            .and_then(|digit| digit.0.chars().next())
            .map(Incoming::Digit)
            .ok_or(WireError::Incomplete),
        "start" => start(envelope.start.unwrap_or_default(), envelope.stream_sid).map(Incoming::Start),
        "connected" => Ok(Incoming::Connected),
        "stop" => Ok(Incoming::Stop),
        _ => Ok(Incoming::Other),
    }
}

/// Decodes a payload into `sound`, which is emptied first. False, with nothing in it, where it is no base64.
pub fn sound(payload: &str, sound: &mut Vec<u8>) -> bool {
    sound.clear();
    let payload = payload.as_bytes();
    if STANDARD.decode_append(payload, sound).is_ok() {
        return true;
    }
    sound.clear();
    let unpadded = STANDARD_NO_PAD.decode_append(payload, sound).is_ok();
    if !unpadded {
        sound.clear();
    }
    unpadded
}

/// Builds the messages to the carrier for one stream. One buffer serves all of them: as soon as a message has been
/// written to the socket its room is used again.
#[derive(Debug)]
pub struct Outgoing {
    stream: String,
    buffer: BytesMut,
}

impl Outgoing {
    /// Messages for the stream with this sid, the one from `start`.
    pub fn new(stream_sid: &str) -> Self {
        Self {
            stream: quoted(stream_sid),
            buffer: BytesMut::with_capacity(8 * 1024),
        }
    }

    /// Sound for the caller: raw mu-law, 160 bytes by custom.
    pub fn media(&mut self, frame: &[u8]) -> Utf8Bytes {
        self.open("media");
        self.buffer.put_slice(br#","media":{"payload":""#);
        let mut text = [0; 4 * PIECE / 3];
        for piece in frame.chunks(PIECE) {
            self.buffer
                .put_slice(STANDARD.encode(piece, text.as_mut_slice().as_out()));
        }
        self.finish(br#""}}"#)
    }

    /// A mark, which comes back when all sound before it was played or swept away.
    pub fn mark(&mut self, name: &str) -> Utf8Bytes {
        self.open("mark");
        self.buffer.put_slice(br#","mark":{"name":"#);
        self.buffer.put_slice(quoted(name).as_bytes());
        self.finish(b"}}")
    }

    /// Stops whatever is playing, and empties the carrier's queue.
    pub fn clear(&mut self) -> Utf8Bytes {
        self.open("clear");
        self.finish(b"}")
    }

    fn open(&mut self, event: &str) {
        self.buffer.put_slice(br#"{"event":""#);
        self.buffer.put_slice(event.as_bytes());
        self.buffer.put_slice(br#"","streamSid":"#);
        self.buffer.put_slice(self.stream.as_bytes());
    }

    fn finish(&mut self, end: &[u8]) -> Utf8Bytes {
        self.buffer.put_slice(end);
        Utf8Bytes::try_from(self.buffer.split().freeze()).expect("every part written above is UTF-8")
    }
}

/// Bytes that are put into base64 at once: a multiple of three, so that only the last piece is padded.
const PIECE: usize = 240;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow, rename = "streamSid")]
    stream_sid: Option<Text<'a>>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
    #[serde(borrow)]
    dtmf: Option<Dtmf<'a>>,
    #[serde(borrow)]
    start: Option<StartBody<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Dtmf<'a> {
    #[serde(borrow)]
    digit: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
struct StartBody<'a> {
    #[serde(borrow, rename = "streamSid")]
    stream_sid: Option<Text<'a>>,
    #[serde(borrow, rename = "callSid")]
    call_sid: Option<Text<'a>>,
    #[serde(default, rename = "customParameters")]
    parameters: serde_json::Value,
}

/// Text, borrowed where it holds no escapes; a number or a boolean in its place is taken as its text.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl<'de> Visitor<'de> for Scalar {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a number")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// The names under which a document may pass the call along, in the order in which they are believed.
const CALL_PARAMETERS: [&str; 3] = ["call_sid", "CallSid", "CALL_SID"];

fn start(body: StartBody<'_>, envelope_sid: Option<Text<'_>>) -> Result<Start, WireError> {
    let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
    let stream_sid = owned(body.stream_sid)
        .filter(|sid| !sid.is_empty())
        .or_else(|| owned(envelope_sid));
    start_of(stream_sid, owned(body.call_sid), body.parameters)
}

/// What a first message says: the stream or session, the call, and the document's own parameters.
pub(super) fn start_of(
    stream_sid: Option<String>,
    call_sid: Option<String>,
    parameters: serde_json::Value,
) -> Result<Start, WireError> {
    let parameters = self::parameters(parameters);
    let named = |name: &str| {
        parameters
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.clone())
    };
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let stream_sid = filled(stream_sid).ok_or(WireError::NoStream)?;
    let call_sid = CALL_PARAMETERS
        .iter()
        .find_map(|name| named(name))
        .or_else(|| filled(call_sid))
        .ok_or(WireError::NoCall)?;
    Ok(Start {
        call_sid,
        stream_sid,
        token: named("token"),
        parameters,
    })
}

/// Custom parameters come as an object or as an object written into a string; anything else counts as none.
fn parameters(value: serde_json::Value) -> Vec<(String, String)> {
    use serde_json::Value;
    let object = match value {
        Value::Object(object) => object,
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(object)) => object,
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let text = |value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    object.into_iter().map(|(name, value)| (name, text(value))).collect()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
