//! What must hold for anything that strangers send, whatever the bytes: checked by `cargo test` and by `fuzz/`.

use std::fmt::Write as _;

use engine::call::Asset;
use engine::check::checked;
use engine::compile::{Compiled, Files};
use engine::media::wire::{self, Incoming};
use engine::report::{Format, Report, Summary};
use engine::server::form_pairs;
use engine::twiml::{Setting, examine};

/// A webhook's body: decoding never fails, and what was decoded survives being sent again.
pub fn form(bytes: &[u8]) {
    let pairs = form_pairs(bytes);
    let mut again = String::new();
    for (name, value) in &pairs {
        if !again.is_empty() {
            again.push('&');
        }
        let name = form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
        let value = form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
        write!(again, "{name}={value}").expect("a string takes any text");
    }
    assert_eq!(form_pairs(again.as_bytes()), pairs, "the form `{again}`");
}

/// A text message on a media stream: what is said to be there is there, and sound is as long as its base64 says.
pub fn media_message(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match wire::parse(text) {
        Ok(Incoming::Start(start)) => {
            assert!(!start.stream_sid.is_empty(), "a start without its stream");
            assert!(!start.call_sid.is_empty(), "a start without its call");
            // What is sent on that stream names it, whatever its name is made of.
            let sent = wire::Outgoing::new(&start.stream_sid).clear();
            let sent: serde_json::Value = serde_json::from_str(&sent).expect("what is sent is JSON");
            assert_eq!(sent["streamSid"], start.stream_sid.as_str());
        }
        Ok(Incoming::Media { payload }) => {
            let mut sound = vec![0; 3];
            let good = wire::sound(&payload, &mut sound);
            assert!(good || sound.is_empty(), "sound from what is no base64");
            assert!(sound.len() <= payload.len() / 4 * 3 + 2, "more sound than base64");
        }
        Ok(Incoming::Mark { name }) => {
            let sent = wire::Outgoing::new("MZ0").mark(&name);
            match wire::parse(&sent) {
                Ok(Incoming::Mark { name: back }) => assert_eq!(back, name),
                other => panic!("a mark was read back as {other:?}"),
            }
        }
        Ok(Incoming::Connected | Incoming::Digit(_) | Incoming::Stop | Incoming::Other) | Err(_) => {}
    }
}

/// A flow's YAML: it runs where nothing is wrong with it and only there, and every finding can be shown in every format.
pub fn yaml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let compiled = checked(FLOW, &One(text));
    assert_eq!(
        compiled.flow.is_some(),
        !compiled.findings.has_errors(),
        "a flow without an error runs, and no other"
    );
    shown(compiled);
}

/// A flow's YAML in its canonical form: that is a fixed point, and holds the same findings.
pub fn fmt(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let schema = engine::compile::schema();
    let Ok(once) = engine::edit::format(FLOW, &text, Some(&schema)) else {
        return;
    };
    let again = engine::edit::format(FLOW, &once, Some(&schema));
    assert_eq!(again.as_deref(), Ok(once.as_str()), "formatted twice");
    let found = |text: String| {
        let findings = checked(FLOW, &One(text)).findings;
        let mut found: Vec<_> = findings.into_iter().map(|one| (one.id, one.path, one.label)).collect();
        found.sort();
        found
    };
    let before = found(text);
    // Of two kinds in one step the first is taken, and the canonical form has an order of its own.
    if before.iter().any(|(id, ..)| *id == "two-kinds") {
        return;
    }
    assert_eq!(before, found(once), "findings before and after");
}

/// A document for the carrier: every problem points into it, between characters.
pub fn twiml(bytes: &[u8]) {
    let Ok(xml) = std::str::from_utf8(bytes) else { return };
    for setting in [
        Setting::Webhook,
        Setting::FirstDocument,
        Setting::Inline,
        Setting::LiveCall,
        Setting::ConferenceWait,
        Setting::QueueWait,
        Setting::Whisper,
    ] {
        let (root, problems) = examine(xml, setting);
        assert!(
            root.is_some() || !problems.is_empty(),
            "a document that cannot be read has a problem"
        );
        for problem in problems {
            assert!(
                xml.get(problem.range.clone()).is_some(),
                "{problem} points at bytes {:?} of {}",
                problem.range,
                xml.len()
            );
        }
    }
}

/// Where the only flow is.
const FLOW: &str = "flows/fuzzed.yaml";

/// A project with one flow file and one sound.
struct One(String);

impl Files for One {
    fn text(&self, path: &str) -> Option<String> {
        (path == FLOW).then(|| self.0.clone())
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        (path == "hello.wav").then(|| {
            (
                Asset {
                    millis: Some(1000),
                    lead: 0,
                },
                "mark".to_owned(),
            )
        })
    }

    fn providers(&self) -> engine::compile::ProviderNames {
        engine::line::declared("")
    }

    fn list(&self, folder: &str) -> Vec<String> {
        if folder == "flows" {
            vec!["fuzzed.yaml".to_owned()]
        } else {
            Vec::new()
        }
    }
}

fn shown(compiled: Compiled) {
    let findings = compiled.findings.into_vec();
    let summary = Summary::of(1, &findings, compiled.suppressed.len());
    for format in Format::ALL {
        let report = Report {
            colour: true,
            allowed: &compiled.suppressed,
            ..Report::new(&findings, &summary)
        };
        let text = format.render(&report);
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "the {format} report ends within a line"
        );
    }
}
