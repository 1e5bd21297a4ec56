//! The media stream's messages: those the carrier writes, and the strict reading of those it takes.

use serde_json::{Map, Value, json};

/// Builds the messages of one stream and counts them.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) sid: String,
    sequence: u64,
    chunks: [u64; 2],
}

/// Whose sound a media message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    Inbound,
    Outbound,
}

impl Track {
    fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// The first message of every stream.
pub(crate) fn connected() -> String {
    json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}).to_string()
}

impl Writer {
    pub(crate) fn new(sid: String) -> Self {
        Self {
            sid,
            sequence: 0,
            chunks: [0; 2],
        }
    }

    pub(crate) fn start(
        &mut self,
        account: &str,
        call: &str,
        tracks: &[Track],
        parameters: &[(String, String)],
    ) -> String {
        let tracks: Vec<&str> = tracks.iter().map(|track| track.name()).collect();
        let parameters: Map<String, Value> = parameters
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        self.message(
            "start",
            json!({
                "streamSid": self.sid, "accountSid": account, "callSid": call, "tracks": tracks,
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters,
            }),
        )
    }

    /// `millis` is the time since the stream started.
    pub(crate) fn media(&mut self, track: Track, millis: u128, sound: &[u8]) -> String {
        let chunk = &mut self.chunks[usize::from(track == Track::Outbound)];
        *chunk += 1;
        let media = json!({
            "track": track.name(), "chunk": chunk.to_string(), "timestamp": millis.to_string(),
            "payload": base64_simd::STANDARD.encode_to_string(sound),
        });
        self.message("media", media)
    }

    pub(crate) fn dtmf(&mut self, digit: char) -> String {
        self.message("dtmf", json!({"track": "inbound_track", "digit": digit.to_string()}))
    }

    pub(crate) fn mark(&mut self, name: &str) -> String {
        self.message("mark", json!({ "name": name }))
    }

    pub(crate) fn stop(&mut self, account: &str, call: &str) -> String {
        self.message("stop", json!({"accountSid": account, "callSid": call}))
    }

    fn message(&mut self, event: &str, content: Value) -> String {
        self.sequence += 1;
        json!({
            "event": event, "sequenceNumber": self.sequence.to_string(), "streamSid": self.sid, event: content,
        })
        .to_string()
    }
}

/// A message from the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Media(Vec<u8>),
    Mark(String),
    Clear,
}

/// Reads a message as strictly as the carrier: exactly the documented fields, and this stream's sid.
///
/// # Errors
/// What is wrong with it, in words (31951).
pub(crate) fn read(text: &str, sid: &str) -> Result<Said, String> {
    let Ok(Value::Object(message)) = serde_json::from_str(text) else {
        return Err("not a JSON object".to_owned());
    };
    let event = message.get("event").and_then(Value::as_str).ok_or("no `event`")?;
    let content = match event {
        "media" => Some(("media", "payload")),
        "mark" => Some(("mark", "name")),
        "clear" => None,
        other => return Err(format!("unknown event `{other}`")),
    };
    let known = |key: &str| key == "event" || key == "streamSid" || content.is_some_and(|(name, _)| key == name);
    if let Some(extra) = message.keys().find(|key| !known(key)) {
        return Err(format!("`{event}` has the extra field `{extra}`"));
    }
    match message.get("streamSid").and_then(Value::as_str) {
        None => return Err(format!("`{event}` has no `streamSid`")),
        Some(given) if given != sid => return Err(format!("`{given}` is not this stream")),
        Some(_) => {}
    }
    let Some((name, field)) = content else {
        return Ok(Said::Clear);
    };
    let inner = message
        .get(name)
        .and_then(Value::as_object)
        .ok_or_else(|| format!("`{event}` has no `{name}`"))?;
    if let Some(extra) = inner.keys().find(|key| *key != field) {
        return Err(format!("`{name}` has the extra field `{extra}`"));
    }
    let value = inner
        .get(field)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("`{name}` has no `{field}`"))?;
    if name == "mark" {
        return Ok(Said::Mark(value.to_owned()));
    }
    base64_simd::STANDARD
        .decode_to_vec(value)
        .map(Said::Media)
        .map_err(|_| "the payload is no base64".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_strings_and_counted() {
        let mut writer = Writer::new("MZ1".to_owned());
        let start: Value =
            serde_json::from_str(&writer.start("AC1", "CA1", &[Track::Inbound], &[("a".to_owned(), "b".to_owned())]))
                .expect("JSON");
        assert_eq!(start["sequenceNumber"], "1");
        assert_eq!(start["start"]["customParameters"]["a"], "b");
        assert_eq!(start["start"]["mediaFormat"]["sampleRate"], 8000);
        writer.dtmf('5');
        let media: Value = serde_json::from_str(&writer.media(Track::Inbound, 25, &[0xff; 160])).expect("JSON");
        assert_eq!(media["sequenceNumber"], "3");
        assert_eq!(media["media"]["chunk"], "1");
        assert_eq!(media["media"]["timestamp"], "25");
        assert_eq!(media["media"]["payload"].as_str().map(str::len), Some(216));
    }

    #[test]
    fn only_the_documented_fields_are_taken() {
        let ok = [
            (
                r#"{"event":"media","streamSid":"MZ1","media":{"payload":"/w=="}}"#,
                Said::Media(vec![255]),
            ),
            (
                r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}"#,
                Said::Mark("a".to_owned()),
            ),
            (r#"{"event":"clear","streamSid":"MZ1"}"#, Said::Clear),
        ];
        for (text, said) in ok {
            assert_eq!(read(text, "MZ1"), Ok(said));
        }
        for (text, part) in [
            ("x", "JSON"),
            ("[]", "JSON"),
            ("{}", "no `event`"),
            (r#"{"event":"media","media":{"payload":"/w=="}}"#, "no `streamSid`"),
            (r#"{"event":"clear","streamSid":"MZ2"}"#, "not this stream"),
            (
                r#"{"event":"media","streamSid":"MZ1","media":{"payload":"/w==","track":"outbound"}}"#,
                "extra field `track`",
            ),
            (
                r#"{"event":"clear","streamSid":"MZ1","sequenceNumber":"1"}"#,
                "extra field `sequenceNumber`",
            ),
            (r#"{"event":"mark","streamSid":"MZ1","mark":{}}"#, "no `name`"),
            (
                r#"{"event":"media","streamSid":"MZ1","media":{"payload":"?"}}"#,
                "base64",
            ),
            (r#"{"event":"stop","streamSid":"MZ1"}"#, "unknown event"),
        ] {
            let error = read(text, "MZ1").expect_err(text);
            assert!(error.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_a_server_sends_panics(text in ".*") {
            let _either = read(&text, "MZ1");
        }

        #[test]
        fn any_sound_survives_the_wire(sound in proptest::collection::vec(any::<u8>(), 0..400)) {
            let payload = base64_simd::STANDARD.encode_to_string(&sound);
            let text = json!({"event": "media", "streamSid": "MZ1", "media": {"payload": payload}}).to_string();
            prop_assert_eq!(read(&text, "MZ1"), Ok(Said::Media(sound)));
        }
    }
}
