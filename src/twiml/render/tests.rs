//! Every bundled template, with little and with everything; and what no template may do.

use super::*;
use crate::twiml::{Element, Problem, Setting, check, check_messages, read};
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

/// The bundled templates, read once for all cases of a property.
static BUNDLED: LazyLock<Templates> = LazyLock::new(Templates::bundled);

fn links() -> Links {
    Links {
        origin: "https://line.example".into(),
        retries: Some("rc=5&rp=all".into()),
    }
}

fn verb(template: &str, with: serde_json::Value, children: Vec<Verb>) -> Verb {
    let serde_json::Value::Object(with) = with else {
        panic!("variables are an object")
    };
    Verb {
        template: template.into(),
        with,
        children,
    }
}

/// The document without its frame.
#[track_caller]
fn body(verb: Verb) -> String {
    let document = Templates::bundled().render(&[verb], &links()).expect("renders");
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>";
    let body = document
        .strip_prefix(start)
        .and_then(|rest| rest.strip_suffix("</Response>"));
    body.expect("framed").to_owned()
}

fn number() -> Verb {
    Verb::new("number").with("number", "+972312345678")
}

fn dial(noun: Verb) -> Verb {
    Verb::new("dial").with("route", "dial").child(noun)
}

/// Each template as little as it takes, and with all its variables. Nouns stand in their verbs.
fn examples() -> Vec<(&'static str, Verb)> {
    let full = |template: &'static str, with: serde_json::Value| (template, verb(template, with, Vec::new()));
    let noun = |template: &'static str, with: serde_json::Value| (template, dial(verb(template, with, Vec::new())));
    let prompt = verb(
        "prompt",
        json!({"of": "payment-card-number", "attempt": [1, 2], "card_type": ["visa", "amex"], "error_type": "timeout"}),
        vec![Verb::new("say").with("text", "The card number, please.")],
    );
    vec![
        full("play", json!({"asset": "tts/greeting_he.mp3"})),
        full("play", json!({"asset": "https://cdn.example/a.mp3", "loop": 0})),
        full("play", json!({"digits": "1w2#", "loop": 2})),
        full("say", json!({"text": "Hello"})),
        full(
            "say",
            json!({"text": "שלום", "voice": "Google.he-IL-Wavenet-A", "language": "he-IL", "loop": 2}),
        ),
        full("pause", json!({})),
        full("pause", json!({"seconds": 3})),
        full("gather", json!({"route": "gather"})),
        (
            "gather",
            verb(
                "gather",
                json!({"route": "gather", "n": 2, "input": ["dtmf", "speech"], "timeout": 5, "finish_on_key": "",
                    "num_digits": 4, "language": "he-IL", "hints": ["yes", "no"], "speech_model": "phone_call",
                    "speech_timeout": 2, "barge_in": false}),
                vec![Verb::new("play").with("asset", "a.mp3"), Verb::new("pause")],
            ),
        ),
        full("record", json!({"route": "handle_recording"})),
        full(
            "record",
            json!({"route": "handle_recording", "n": 3, "max": 30, "silence": 4, "beep": false, "finish_on_key": "#",
                "trim": "do-not-trim", "recording_status": "recording_status"}),
        ),
        full("stream", json!({"route": "stream_ended", "path": "/ws/twilio-media"})),
        full(
            "stream",
            json!({"route": "stream_ended", "n": 2, "path": "/ws/twilio-media", "parameters": {"call_sid": "CA1"},
                "status": "events", "name": "main"}),
        ),
        full(
            "stream_to",
            json!({"route": "stream_ended", "url": "wss://media.example/in"}),
        ),
        full(
            "stream_to",
            json!({"route": "stream_ended", "n": 2, "url": "wss://media.example/in", "parameters": {"a": "b"},
                "status": "events", "name": "other"}),
        ),
        full("fork", json!({"path": "/ws/tap"})),
        full(
            "fork",
            json!({"url": "wss://media.example/tap", "path": "/unused", "name": "tap", "track": "both_tracks",
                "parameters": {"a": "b"}, "status": "events"}),
        ),
        full("stop_fork", json!({"name": "tap"})),
        full("relay", json!({"route": "relay_ended", "path": "/ws/relay"})),
        full(
            "relay",
            json!({"route": "relay_ended", "n": 2, "url": "wss://relay.example/in", "path": "/unused", "welcome": "Hi",
                "welcome_interruptible": "any", "language": "en-US", "voice": "x", "tts_provider": "Google",
                "tts_language": "en-US", "transcription_provider": "Deepgram", "transcription_language": "en-US",
                "speech_model": "nova", "interruptible": "speech", "dtmf_detection": true,
                "partial_prompts": true, "hints": ["a", "b"],
                "parameters": {"a": "b"}}),
        ),
        ("dial", dial(number())),
        (
            "dial",
            verb(
                "dial",
                json!({"route": "dial", "n": 2, "timeout": 20, "time_limit": 600, "caller_id": "+15551234567",
                    "record": "record-from-answer-dual", "recording_status": "recording_status",
                    "hangup_on_star": true, "answer_on_bridge": true, "sequential": true, "ring_tone": "il"}),
                vec![number(), Verb::new("client").with("identity", "ann")],
            ),
        ),
        noun(
            "number",
            json!({"number": "+972312345678", "send_digits": "ww1", "whisper": "whisper", "status": "dial_status",
                "events": ["ringing", "answered"], "machine_detection": "Enable"}),
        ),
        noun("sip", json!({"address": "sip:a@b.example"})),
        noun(
            "sip",
            json!({"address": "sip:a@b.example", "username": "u", "password": "p", "whisper": "whisper",
                "status": "dial_status", "events": "completed"}),
        ),
        noun(
            "client",
            json!({"identity": "ann", "parameters": {"a": "b"}, "whisper": "whisper", "status": "dial_status",
                "events": "completed"}),
        ),
        noun("queue", json!({"name": "support"})),
        noun("queue", json!({"name": "support", "whisper": "whisper"})),
        noun("conference", json!({"name": "room"})),
        noun("conference", json!({"name": "room", "silence": true})),
        noun(
            "conference",
            json!({"name": "room", "muted": true, "beep": "onEnter", "start_on_enter": false, "end_on_exit": true,
                "wait": "hold", "silence": true, "max_participants": 5, "record": "record-from-start",
                "recording_status": "recording_status", "coach": "CA1", "label": "ann", "status": "room",
                "events": ["start", "end"]}),
        ),
        full("enqueue", json!({"route": "queue_left", "name": "support"})),
        full(
            "enqueue",
            json!({"route": "queue_left", "n": 2, "name": "unused", "wait": "hold", "silence": true, "max_size": 10,
                "workflow": "WW1", "task": "{\"a\":1}"}),
        ),
        full(
            "refer",
            json!({"route": "referred", "n": 2, "address": "sip:a@b.example"}),
        ),
        full("pay", json!({"route": "paid"})),
        (
            "pay",
            verb(
                "pay",
                json!({"route": "paid", "n": 2, "amount": "20.45", "currency": "ils", "description": "d",
                    "connector": "Default", "method": "credit-card", "token_type": "one-time", "postal_code": false,
                    "security_code": true, "valid_card_types": ["visa", "amex"],
                    "bank_account_type": "consumer-checking", "max_attempts": 2, "timeout": 5, "language": "en-US",
                    "status": "pay_status", "parameters": {"a": "b"}}),
                vec![prompt.clone()],
            ),
        ),
        ("prompt", Verb::new("pay").with("route", "paid").child(prompt)),
        full("reject", json!({})),
        full("reject", json!({"reason": "busy"})),
        full("hangup", json!({})),
        full("redirect", json!({"route": "next", "n": 2})),
        full(
            "redirect",
            json!({"url": "https://other.example/next", "route": "unused"}),
        ),
        full("leave", json!({})),
    ]
}

#[test]
fn every_bundled_template_passes_the_check() {
    let templates = Templates::bundled();
    for links in [
        links(),
        Links::new("http://127.0.0.1:8080"),
        Links::new("https://line.example:8443/below/"),
    ] {
        for (name, verb) in examples() {
            let document = templates
                .render(&[verb], &links)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let root = read(&document).unwrap_or_else(|problem| panic!("{name}: {problem}: {document}"));
            let setting = if name == "leave" {
                Setting::QueueWait
            } else {
                Setting::FirstDocument
            };
            let problems: Vec<Problem> = check(&root, setting)
                .into_iter()
                // A payment's result never travels in the open, so a local run without TLS cannot take one.
                .filter(|problem| !(problem.code == 64016 && links.origin.starts_with("http:")))
                .collect();
            assert_eq!(problems, [], "{name}: {document}");
        }
    }
}

#[test]
fn the_examples_set_every_variable_of_every_template() {
    fn collect(verb: &Verb, set: &mut BTreeMap<String, Vec<String>>) {
        let variables = set.entry(verb.template.clone()).or_default();
        variables.extend(verb.with.keys().cloned());
        variables.push("inner".to_owned());
        verb.children.iter().for_each(|child| collect(child, set));
    }
    let mut set = BTreeMap::new();
    for (_, verb) in examples().into_iter().chain([("message", message())]) {
        collect(&verb, &mut set);
    }
    let templates = Templates::bundled();
    for name in templates.names() {
        for variable in templates.declared(name).expect("listed") {
            assert!(
                set.get(name)
                    .is_some_and(|set| set.iter().any(|known| known == variable)),
                "{name}: {variable}"
            );
        }
    }
}

#[test]
fn the_head_of_each_template_lists_its_variables_and_no_other() {
    let templates = Templates::bundled();
    for (name, text) in bundled::TEMPLATES {
        let head = text
            .strip_prefix("{# ")
            .and_then(|rest| rest.split_once(" #}"))
            .expect("a head")
            .0;
        let listed: Vec<&str> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let used = templates.declared(name).expect("bundled");
        for variable in &used {
            assert!(listed.contains(variable), "{name} does not list {variable}");
        }
        // A line that goes on from the one before begins far to the right.
        assert_eq!(listed.len(), used.len(), "{name} lists {listed:?} and uses {used:?}");
    }
}

fn message() -> Verb {
    verb(
        "message",
        json!({"text": "שלום", "media": ["https://a.example/x.jpg", "docs/b.pdf"], "to": "whatsapp:+972512345678",
            "from": "whatsapp:+972312345678", "status": "whatsapp/status"}),
        Vec::new(),
    )
}

#[test]
fn messages_are_rendered_apart_from_calls() {
    let templates = Templates::bundled();
    let short = Verb::new("message").with("text", "hello");
    let picture = Verb::new("message").with("media", "x.jpg");
    for verbs in [
        vec![short.clone()],
        vec![picture],
        vec![message(), Verb::new("redirect").with("route", "next")],
    ] {
        let document = templates.render_messages(&verbs, &links()).expect("renders");
        assert_eq!(check_messages(&read(&document).expect("well-formed")), [], "{document}");
    }
    let error = templates
        .render_messages(&[short, Verb::new("hangup")], &links())
        .expect_err("a verb of a call");
    assert_eq!(
        error,
        RenderError::NotAMessage {
            template: "hangup".into()
        }
    );
}

#[test]
fn the_receptionist_begins_as_the_contract_says() {
    let verbs = [
        Verb::new("play").with("asset", "tts/greeting_he.mp3"),
        Verb::new("stream")
            .with("route", "stream_ended")
            .with("path", "/ws/twilio-media")
            .with("parameters", json!({"call_sid": "CA1", "token": "t"})),
    ];
    let document = Templates::bundled()
        .render(&verbs, &Links::new("https://line.example"))
        .expect("renders");
    assert_eq!(
        document,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Play>https://line.example/static/tts/greeting_he.mp3</Play>\
         <Connect action=\"https://line.example/webhook/stream_ended\">\
         <Stream url=\"wss://line.example/ws/twilio-media\" statusCallback=\"https://line.example/webhook/stream_status\">\
         <Parameter name=\"call_sid\" value=\"CA1\"/><Parameter name=\"token\" value=\"t\"/></Stream></Connect></Response>"
    );
}

#[test]
fn documents_are_compact_and_values_are_written_as_the_carrier_reads_them() {
    let record = json!({"route": "r", "max": 30, "silence": 4, "beep": false, "n": 2});
    assert_eq!(
        body(verb("record", record, Vec::new())),
        "<Record action=\"https://line.example/webhook/r?n=2#rc=5&amp;rp=all\" maxLength=\"30\" timeout=\"4\" playBeep=\"false\"/>"
    );
    let gather = json!({"route": "g", "input": ["dtmf", "speech"], "hints": ["a b", "c"], "finish_on_key": ""});
    assert_eq!(
        body(verb(
            "gather",
            gather,
            vec![Verb::new("say").with("text", " two  words ")]
        )),
        "<Gather action=\"https://line.example/webhook/g#rc=5&amp;rp=all\" actionOnEmptyResult=\"true\" \
         input=\"dtmf speech\" finishOnKey=\"\" hints=\"a b,c\"><Say> two  words </Say></Gather>"
    );
    let absent = Verb::new("pause").with("seconds", None::<u32>);
    assert_eq!(body(absent), "<Pause/>");
}

#[test]
fn an_error_names_the_template_the_line_and_the_variable() {
    let templates = Templates::bundled();
    for (verb, expected) in [
        (
            Verb::new("say"),
            "the template `say`, line 6, needs `text`, which is not set",
        ),
        (Verb::new("plya"), "there is no template `plya`; did you mean `play`?"),
        (
            Verb::new("play").with("asset", ""),
            "the template `play` fails at line 5: an address is made of text",
        ),
        (
            Verb::new("play"),
            "the template `play`, line 5, needs `asset`, which is not set",
        ),
        (
            Verb::new("say").with("text", json!(["a"])),
            "a sequence cannot be printed",
        ),
        (
            Verb::new("gather").with("route", "g").child(Verb::new("say")),
            "the template `say`, line 6, needs `text`",
        ),
    ] {
        let error = templates.render(&[verb], &links()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_author_may_replace_a_template_and_add_one() {
    let templates = Templates::bundled()
        .overridden(
            "say",
            "<Say voice=\"Google.he-IL-Wavenet-B\" language=\"he-IL\">{{ text | trim }}</Say>",
        )
        .and_then(|templates| templates.overridden("pause@long", "<Pause length=\"{{ seconds | default(9) }}\"/>"))
        .and_then(|templates| templates.overridden("echo", "{% set tone = tones[0] %}<Play digits=\"{{ tone }}\"/>"))
        .expect("loads");
    let verbs = [
        Verb::new("say").with("text", " שלום & "),
        Verb::new("pause@long"),
        Verb::new("pause"),
        Verb::new("echo").with("tones", json!(["1", "2"])),
    ];
    let document = templates.render(&verbs, &links()).expect("renders");
    assert!(document.contains("language=\"he-IL\">שלום &amp;</Say><Pause length=\"9\"/><Pause/><Play digits=\"1\"/>"));
    assert_eq!(templates.declared("say"), Some(vec!["text"]));
    assert_eq!(templates.declared("echo"), Some(vec!["tones"]));
    assert_eq!(templates.declared("pause@long"), Some(vec!["seconds"]));
    assert_eq!(templates.declared("nothing"), None);
    // A replaced template may be replaced again, with what the bundled one is given.
    assert!(
        templates
            .overridden("say", "<Say loop=\"{{ loop }}\">{{ text }}</Say>")
            .is_ok()
    );
}

#[test]
fn a_template_that_escapes_its_place_is_refused() {
    for (name, text, expected) in [
        ("say", "<Say>{{ text | safe }}</Say>", "line 1, uses the filter `safe`"),
        ("say", "<Say>\n{{ text | e }}</Say>", "line 2, uses the filter `e`"),
        (
            "say",
            "{% autoescape false %}<Say>{{ text }}</Say>{% endautoescape %}",
            "{% autoescape %}",
        ),
        ("say", "{% set x %}<b>{% endset %}{{ x }}", "{% set %} with a body"),
        ("say", "{% filter upper %}x{% endfilter %}", "{% filter %}"),
        ("say", "{% include 'play' %}", "{% include %}"),
        ("say", "{% macro m() %}{% endmacro %}", "{% macro %}"),
        (
            "say",
            "<Say>{{ tetx }}</Say>",
            "uses `tetx`, which it is not given; did you mean `text`?",
        ),
        ("say@one", "<Say>{{ tetx[0:2] }}</Say>", "uses `tetx`"),
        (
            "say",
            "<Say>{{ text | uper }}</Say>",
            "the filter `uper`, which does not exist; did you mean `upper`?",
        ),
        (
            "say",
            "<Say>{% if text is strnig %}x{% endif %}</Say>",
            "the test `strnig`",
        ),
        (
            "say",
            "<Say>{{ fiel(text) }}</Say>",
            "the function `fiel`, which does not exist; did you mean `file`?",
        ),
        (
            "say",
            "<Say>{{ text.upper() }}</Say>",
            "a call of anything but a function",
        ),
        ("say", "<Say>\n{{ text </Say>", "cannot be read, line 2"),
        ("say", "{% if text %}", "cannot be read"),
    ] {
        let error = Templates::bundled().overridden(name, text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn an_authors_template_is_stopped_before_it_reaches_the_carrier() {
    let links = links();
    let templates = |text| Templates::bundled().overridden("mine", text).expect("loads");
    let open = templates("<Say>")
        .render(&[Verb::new("mine")], &links)
        .expect_err("not XML");
    assert!(open.to_string().contains("mine cannot be sent"), "{open}");
    let endless = "{% for a in x %}{% for b in x %}{% for c in x %}{{ c }}{% endfor %}{% endfor %}{% endfor %}";
    let many = Verb::new("mine").with("x", vec![1; 200]);
    let endless = templates(endless).render(&[many], &links).expect_err("out of fuel");
    assert!(endless.to_string().contains("fuel"), "{endless}");
    let name = templates("<Say{{ attr('a b', 1) }}>x</Say>")
        .render(&[Verb::new("mine")], &links)
        .expect_err("a name");
    assert!(name.to_string().contains("`a b` is no name"), "{name}");
    // Nothing in the context marks text as safe, not even what the template engine itself holds for markup.
    let mine = Verb::new("mine").with("x", "<b>");
    let printed = templates("<Say>{{ inner ~ x }}{{ [x] | join }}</Say>")
        .render(&[mine], &links)
        .expect("renders");
    assert!(printed.contains("<Say>&lt;b&gt;&lt;b&gt;</Say>"), "{printed}");
}

#[test]
fn a_document_that_the_carrier_would_cut_is_not_sent() {
    let long = Verb::new("say").with("text", "a".repeat(70_000));
    let error = Templates::bundled().render(&[long], &links()).expect_err("too long");
    assert!(matches!(error, RenderError::TooLong { bytes: 70_001.. }), "{error}");
}

#[test]
fn numbers_and_booleans_are_written_as_the_carrier_spells_them() {
    let pause = |seconds: serde_json::Value| body(Verb::new("pause").with("seconds", seconds));
    for (value, expected) in [
        (json!(20), "20"),
        (json!(20.0), "20"),
        (json!(true), "true"),
        (json!("x"), "x"),
    ] {
        assert_eq!(pause(value), format!("<Pause length=\"{expected}\"/>"));
    }
}

#[test]
fn verbs_are_stored_and_read_back() {
    let verb = dial(number());
    let text = serde_json::to_string(&verb).expect("writes");
    assert_eq!(
        text,
        r#"{"template":"dial","with":{"route":"dial"},"children":[{"template":"number","with":{"number":"+972312345678"}}]}"#
    );
    assert_eq!(serde_json::from_str::<Verb>(&text).expect("reads"), verb);
}

/// The texts and the attribute values of a document, in order.
fn strings(element: &Element, found: &mut Vec<String>) {
    found.extend(element.attributes.iter().map(|(_, value)| value.clone()));
    found.push(element.text.clone());
    element.children.iter().for_each(|child| strings(child, found));
}

fn names(element: &Element) -> String {
    let inside: String = element.children.iter().map(names).collect();
    format!("<{}>{inside}</>", element.name)
}

/// Text with what breaks XML, and with what it does not allow.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[<>&\"'\\]!\\[\\-;/ =a-z\u{0}-\u{1f}\u{fffe}\u{ffff}א-ת]{0,30}",
        Just("]]></Say><Hangup/><!--".to_owned()),
        Just("{{ text }}{% raw %}".to_owned()),
        Just("&amp;&#10;\r\n\t".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_value_changes_the_structure_and_each_is_read_back(text in hostile()) {
        let templates = &*BUNDLED;
        let legal: String = text.chars().filter(|&letter| markup::is_legal(letter) || "\t\n\r".contains(letter)).collect();
        // Templates where a text goes through as it is, into an element, an attribute, and an element far inside.
        let say = Verb::new("say").with("text", text.as_str()).with("voice", text.as_str());
        let gather = Verb::new("gather").with("route", "r").with("hints", text.as_str()).child(say.clone());
        let stream = Verb::new("stream").with("route", "r").with("path", "p").with("parameters", json!({"k": text}));
        for verb in [say, gather, stream] {
            let document = templates.render(std::slice::from_ref(&verb), &links()).expect("renders");
            let root = read(&document).map_err(|problem| TestCaseError::fail(format!("{problem}: {document}")))?;
            let plain = templates.render(&[blank(&verb, "x")], &links()).expect("renders");
            prop_assert_eq!(names(&root), names(&read(&plain).expect("well-formed")));
            let mut found = Vec::new();
            strings(&root, &mut found);
            prop_assert!(found.contains(&legal), "{:?} in {}", legal, document);
        }
    }

    #[test]
    fn every_variable_of_every_template_takes_any_text(text in hostile(), which in 0usize..64) {
        let templates = &*BUNDLED;
        let examples = examples();
        let (name, example) = &examples[which % examples.len()];
        let verb = blank(example, &text);
        // A text may be no address and no list, but then the template says so; it never breaks the document.
        match templates.render(&[verb], &links()) {
            Ok(document) => prop_assert!(read(&document).is_ok(), "{}: {}", name, document),
            Err(error) => prop_assert!(matches!(error, RenderError::Failed { .. }), "{}: {}", name, error),
        }
    }

    #[test]
    fn any_template_at_all_is_loaded_or_refused(text in "[<>{}%#a-z |().'\\[\\]:,=-]{0,60}", name in "[a-z@]{0,8}") {
        if let Ok(templates) = BUNDLED.clone().overridden(&name, &text)
            && let Ok(document) = templates.render(&[Verb::new(name)], &links())
        {
            prop_assert!(read(&document).is_ok());
        }
    }
}

/// The verb with `text` in the place of every text variable but those that address the engine itself.
fn blank(verb: &Verb, text: &str) -> Verb {
    let text_of = |value: &serde_json::Value| match value {
        serde_json::Value::String(_) => json!(text),
        serde_json::Value::Object(map) => map.keys().map(|key| (key.clone(), json!(text))).collect(),
        other => other.clone(),
    };
    let with = verb.with.iter().map(|(name, value)| {
        let fixed = ["route", "path"].contains(&name.as_str());
        (name.clone(), if fixed { value.clone() } else { text_of(value) })
    });
    Verb {
        template: verb.template.clone(),
        with: with.collect(),
        children: verb.children.iter().map(|child| blank(child, text)).collect(),
    }
}
