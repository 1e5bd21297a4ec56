//! Tests of the wire messages: the carrier's own wording, its variations, and what strangers send.

use super::*;
use proptest::prelude::*;

const START: &str = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1",
    "accountSid":"AC1","callSid":"CA1","tracks":["inbound"],"customParameters":PARAMETERS,
    "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#;

fn started(parameters: &str) -> Start {
    let message = START.replace("PARAMETERS", parameters);
    match parse(&message) {
        Ok(Incoming::Start(start)) => start,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_media_message_is_read_without_copying() {
    let message = r#"{"event":"media","sequenceNumber":"3","streamSid":"MZ1",
        "media":{"track":"inbound","chunk":2,"timestamp":"25","payload":"f3//"}}"#;
    let Ok(Incoming::Media {
        payload: Cow::Borrowed(payload),
    }) = parse(message)
    else {
        panic!("copied")
    };
    let mut bytes = vec![9];
    assert!(sound(payload, &mut bytes));
    assert_eq!(bytes, [0x7F, 0x7F, 0xFF]);
}

#[test]
fn escapes_are_undone() {
    let message = r#"{"event":"me\u0064ia","media":{"payload":"f3\/\/"}}"#;
    assert_eq!(
        parse(message),
        Ok(Incoming::Media {
            payload: Cow::Borrowed("f3//")
        })
    );
    let message = r#"{"event":"mark","mark":{"name":"a\"b\u00e9"}}"#;
    assert_eq!(
        parse(message),
        Ok(Incoming::Mark {
            name: Cow::Borrowed("a\"b\u{e9}")
        })
    );
}

#[test]
fn the_other_events_and_their_variations() {
    let cases = [
        (
            r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#,
            Ok(Incoming::Connected),
        ),
        (
            r#"{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"1"}}"#,
            Ok(Incoming::Digit('1')),
        ),
        (r#"{"event":"dtmf","dtmf":{"digit":7}}"#, Ok(Incoming::Digit('7'))),
        (r#"{"event":"dtmf","dtmf":{"digit":""}}"#, Err(WireError::Incomplete)),
        (
            r#"{"event":"mark","mark":{"name":5}}"#,
            Ok(Incoming::Mark { name: "5".into() }),
        ),
        (r#"{"event":"mark"}"#, Err(WireError::Incomplete)),
        (r#"{"event":"stop","stop":{"callSid":"CA1"}}"#, Ok(Incoming::Stop)),
        (
            r#"{"event":"media","media":{"track":"outbound","payload":"//8="}}"#,
            Ok(Incoming::Other),
        ),
        (
            r#"{"event":"media","media":{"payload":null}}"#,
            Err(WireError::Incomplete),
        ),
        (r#"{"event":"media","media":[]}"#, Err(WireError::Junk)),
        (r#"{"event":"applause","volume":11}"#, Ok(Incoming::Other)),
        (r#"{"event":["media"]}"#, Err(WireError::Junk)),
        ("[]", Err(WireError::Junk)),
        ("", Err(WireError::Junk)),
        ("hello", Err(WireError::Junk)),
    ];
    for (message, expected) in cases {
        assert_eq!(parse(message), expected, "{message}");
    }
}

#[test]
fn the_call_is_found_wherever_it_is_named() {
    let cases = [
        ("{}", "CA1"),
        ("null", "CA1"),
        ("7", "CA1"),
        (r#"{"call_sid":""}"#, "CA1"),
        (r#"{"CALL_SID":"CAx"}"#, "CAx"),
        (r#"{"CALL_SID":"CAx","CallSid":"CAy"}"#, "CAy"),
        (r#"{"CALL_SID":"CAx","CallSid":"CAy","call_sid":"CAz"}"#, "CAz"),
        (r#""{\"call_sid\":\"CAs\",\"token\":\"t\"}""#, "CAs"),
        (r#""not json""#, "CA1"),
    ];
    for (parameters, expected) in cases {
        let start = started(parameters);
        assert_eq!(
            (&*start.call_sid, &*start.stream_sid),
            (expected, "MZ1"),
            "{parameters}"
        );
    }
}

#[test]
fn parameters_are_kept_as_text() {
    let start = started(r#"{"token":"t0k","n":5,"none":null}"#);
    assert_eq!(start.token.as_deref(), Some("t0k"));
    let mut parameters = start.parameters;
    parameters.sort();
    let expected = [("n", "5"), ("none", ""), ("token", "t0k")];
    assert_eq!(
        parameters,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(started("{}").token, None);
    assert_eq!(started(r#"{"token":""}"#).token, None);
}

#[test]
fn a_start_without_its_stream_or_call_is_refused() {
    assert_eq!(
        parse(r#"{"event":"start","start":{"callSid":"CA1"}}"#),
        Err(WireError::NoStream)
    );
    assert_eq!(parse(r#"{"event":"start","streamSid":"MZ1"}"#), Err(WireError::NoCall));
    let outer = parse(r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1"}}"#);
    assert!(matches!(outer, Ok(Incoming::Start(start)) if start.stream_sid == "MZ1"));
}

#[test]
fn messages_out_hold_exactly_the_allowed_fields() {
    let mut out = Outgoing::new("MZ1");
    assert_eq!(
        out.media(&[0x7F, 0x7F, 0xFF]).as_str(),
        r#"{"event":"media","streamSid":"MZ1","media":{"payload":"f3//"}}"#
    );
    assert_eq!(
        out.mark("g1p2").as_str(),
        r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"g1p2"}}"#
    );
    assert_eq!(out.clear().as_str(), r#"{"event":"clear","streamSid":"MZ1"}"#);
}

#[test]
fn the_buffer_is_used_again_once_a_message_is_gone() {
    let mut out = Outgoing::new("MZ1");
    let rooms: std::collections::HashSet<_> = (0..10_000).map(|_| out.media(&[0; 160]).as_ptr() as usize).collect();
    // Without reuse ten thousand messages would lie at about as many places.
    assert!(rooms.len() <= 8 * 1024 / 200, "{} places", rooms.len());
}

#[test]
fn only_an_offered_subprotocol_is_answered() {
    assert_eq!(subprotocol("audio.twilio.com"), Some(SUBPROTOCOL));
    assert_eq!(subprotocol("chat, audio.twilio.com ,x"), Some(SUBPROTOCOL));
    for other in ["", "audio", "audio.twilio.com.evil", "chat"] {
        assert_eq!(subprotocol(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = parse(&text);
        let mut bytes = Vec::new();
        let read = sound(&text, &mut bytes);
        prop_assert!(read || bytes.is_empty());
    }

    #[test]
    fn nothing_that_looks_like_an_event_makes_it_panic(
        event in "(connected|start|media|dtmf|mark|stop|x)",
        key in "(start|media|dtmf|mark|stop|streamSid)",
        inner in "(streamSid|callSid|customParameters|payload|track|digit|name)",
        value in r#"("[^"\\]{0,10}"|-?[0-9]{1,25}|null|true|\{\}|\[\]|"\\u12)"#,
    ) {
        let _ = parse(&format!(r#"{{"event":"{event}","{key}":{{"{inner}":{value}}}}}"#));
        let _ = parse(&format!(r#"{{"event":"{event}","{key}":{value}}}"#));
    }

    #[test]
    fn sound_and_names_survive_the_wire(
        frame in proptest::collection::vec(any::<u8>(), 0..2000),
        name in ".{0,20}",
        sid in ".{1,20}",
    ) {
        let mut out = Outgoing::new(&sid);
        let message = out.media(&frame);
        let Ok(Incoming::Media { payload }) = parse(&message) else { panic!("{message}") };
        let mut bytes = Vec::new();
        prop_assert!(sound(&payload, &mut bytes));
        prop_assert_eq!(bytes, frame);
        let message = out.mark(&name);
        let parsed: serde_json::Value = serde_json::from_str(&message).unwrap();
        prop_assert_eq!(&parsed["streamSid"], &sid);
        prop_assert_eq!(parse(&message), Ok(Incoming::Mark { name: name.into() }));
    }

    #[test]
    fn every_cut_of_a_message_is_refused_without_harm(at in 0usize..300) {
        let message = START.replace("PARAMETERS", "{}");
        if let Some(cut) = message.get(..at.min(message.len() - 1)) {
            prop_assert_eq!(parse(cut), Err(WireError::Junk));
        }
    }
}
