//! One line of a flow, and what is said of it. Every way in which a check can speak is here, and the nearest silence.

use super::checked;
use crate::audio::about::{About, NoSound, about};
use crate::audio::wav;
use crate::call::Asset;
use crate::compile::{Files, ProviderNames};
use crate::flow::Severity;

/// One flow, and two templates.
struct One(String);

impl Files for One {
    fn text(&self, path: &str) -> Option<String> {
        match path {
            "t.yaml" => Some(self.0.clone()),
            "templates/gone.xml" => Some("<Hangup/>".to_owned()),
            "templates/whatsapp/hi.txt" => Some("Hello {{ name }}".to_owned()),
            _ => None,
        }
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let millis = self.heard(path)?.ok().map(|about| about.millis);
        Some((Asset { millis }, path.to_owned()))
    }

    fn heard(&self, path: &str) -> Option<Result<About, NoSound>> {
        let sound = wav::write_mono(8_000, &[8_000; 8_000]);
        Some(about(&match path {
            "a.wav" | "a.ogg" | "a" => sound,
            "a.gsm" => b"\xd0\x11\x00\x01".to_vec(),
            "empty.mp3" | "empty.gsm" => Vec::new(),
            "coded.wav" => [&sound[..20], &[0x11, 0], &sound[22..]].concat(),
            _ => return None,
        }))
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let names: &[&str] = if folder == "templates" { &["gone.xml"] } else { &[] };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn providers(&self) -> ProviderNames {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ProviderNames {
            listen: names(&["ear"]),
            think: names(&["mind", "spare"]),
            speak: names(&["voice", "prompts"]),
            realtime: Vec::new(),
        }
    }
}

/// What is said of a flow with this head, these steps and this end, each finding as `E id: message` or `W …`.
fn said(head: &str, steps: &str, end: &str) -> Vec<String> {
    let flow = format!("flow: t\nlocale: en-US\nstart: {{call: a}}\n{head}steps:\n{steps}  z: {{hangup: {{}}}}\n{end}");
    let found = checked("t.yaml", &One(flow)).findings.sorted();
    let one = |finding: crate::flow::Finding| {
        let weight = if finding.severity == Severity::Error { "E" } else { "W" };
        format!("{weight} {}: {}", finding.id, finding.message)
    };
    found.into_iter().map(one).collect()
}

/// Compares what is said of each step `a` with the beginning of what is expected; an empty one expects silence.
fn steps(cases: &[(&str, &str)]) {
    for (step, expected) in cases {
        let said = said("", &format!("  a: {step}\n"), "");
        compare(step, &said, expected);
    }
}

fn compare(case: &str, said: &[String], expected: &str) {
    if expected.is_empty() {
        assert!(said.is_empty(), "{case}: {said:#?}");
    } else {
        assert!(said.len() == 1 && said[0].starts_with(expected), "{case}: {said:#?}");
    }
}

#[test]
fn sounds() {
    steps(&[
        ("{play: a.wav, next: z}", ""),
        ("{play: a.gsm, next: z}", ""),
        (
            "{play: a.ogg, next: z}",
            "E sound-unplayable: the carrier plays no `.ogg`",
        ),
        ("{play: a, next: z}", "E sound-unplayable: `static/a` has no ending"),
        (
            "{play: empty.mp3, next: z}",
            "E sound-unplayable: `static/empty.mp3` cannot be played: the file is empty",
        ),
        ("{play: empty.gsm, next: z}", "E sound-unplayable"),
        ("{play: coded.wav, next: z}", "W sound-unplayable"),
        (
            "{play: 'http://10.0.0.7/a.wav', next: z}",
            "W private-url: the carrier cannot reach `10.0.0.7`",
        ),
        ("{play: 'https://crm/a.wav', next: z}", "W private-url"),
    ]);
}

#[test]
fn words() {
    let long = "x".repeat(4_100);
    let filled = |text: &str, more: &str| format!("{{say: {{text: '{text}{{{{ vars.x }}}}'{more}}}, next: z}}");
    for (step, expected) in [
        (filled(&long, ""), "E? 13521"),
        (filled("שלום ", ", language: en-US"), "13511"),
        (filled("hello ", ", voice: Google.de-DE-Wavenet-A"), "13512"),
        (filled("hello ", ", language: en"), "13512"),
        (filled("hello ", ""), ""),
        (filled("", ""), ""),
        (
            "{say: 'wait <break time=\"1s\"/> now', next: z}".to_owned(),
            "`<break>` stands in a text",
        ),
        ("{say: 'a < b and b > c', next: z}".to_owned(), ""),
    ] {
        let before = "  a: {set: {x: '1'}, next: b}\n";
        let said = said("", &format!("{before}{}\n", step.replacen('{', "  b: {", 1)), "");
        let expected = expected.trim_start_matches("E? ");
        match expected {
            "" => assert!(said.is_empty(), "{step}: {said:#?}"),
            expected => assert!(said.len() == 1 && said[0].contains(expected), "{step}: {said:#?}"),
        }
    }
}

#[test]
fn a_third_prompt_is_read_as_well() {
    let gather = "{gather: {prompt: a.wav, retry: [a.wav, {say: שלום}]}, on: {matched: z, no_input: z, no_match: z}}";
    steps(&[(gather, "E twiml: the carrier would report 13511")]);
}

#[test]
fn verbs_that_nobody_hears() {
    steps(&[(
        "{twiml: gone, next: z}",
        "W twiml-advice: `<Hangup>` is never reached: `<Hangup>`",
    )]);
    let closed = "  a: {choose: {open: 'call.from == \"1\"'}, on: {open: z, else: b}}\n  b: {reject: {}}\n";
    assert_eq!(said("", closed, ""), Vec::<String>::new());
}

#[test]
fn keys() {
    let gather =
        |body: &str| format!("{{gather: {{prompt: a.wav, {body}}}, on: {{one: z, two: z, no_input: z, no_match: z}}}}");
    for (body, expected) in [
        (
            "keys: 1, choices: {one: '1', two: ['2', '22']}",
            "W unanswerable-choice: no caller can answer `22`",
        ),
        (
            "choices: {one: '1', two: '#'}",
            "E unanswerable-choice: no caller can answer `#`",
        ),
        ("finish: '', choices: {one: '1', two: '#'}", ""),
        (
            "choices: {one: '1', two: sales}",
            "E unanswerable-choice: no caller can answer `sales`",
        ),
        ("speech: {}, choices: {one: '1', two: sales}", ""),
        (
            "choices: {one: '1', two: '1'}",
            "W unanswerable-choice: `1` means `one` already",
        ),
        ("choices: {one: 1, two: 12}", ""),
    ] {
        steps(&[(&gather(body), expected)]);
    }
}

#[test]
fn limits() {
    let dial = |body: &str| {
        format!("{{dial: {{{body}}}, on: {{completed: z, busy: z, no_answer: z, failed: z, canceled: z}}}}")
    };
    for (body, expected) in [
        ("client: ann, limit: 15m", ""),
        ("client: ann, limit: 16m", "W call-limit: the two may talk for 16m"),
        ("client: ann", "W call-limit: this conversation has no limit of its own"),
        (
            "number: '{{ call.from }}', limit: 5m",
            "E dial-number: this dials the caller",
        ),
        (
            "number: '0501234567', limit: 5m",
            "W twiml: the carrier would report 13223",
        ),
    ] {
        steps(&[(&dial(body), expected)]);
    }
    let emergency = said("", &format!("  a: {}\n", dial("number: '100', limit: 5m")), "");
    assert!(
        emergency.iter().any(|one| one.starts_with("E dial-number: `100`")),
        "{emergency:#?}"
    );
    let message = "  a: {record: {prompt: a.wav, max: 20m}, next: z}\n";
    compare("record", &said("", message, ""), "W call-limit: a message may take 20m");
    compare("record", &said("limits: {call: 30m}\n", message, ""), "");
}

#[test]
fn recordings() {
    let on = "on: {completed: z, busy: z, no_answer: z, failed: z, canceled: z}";
    let dial = format!("{{dial: {{client: ann, limit: 5m, record: true}}, {on}}}");
    steps(&[(&dial, "W unannounced-recording: this conversation")]);
    let greeted = format!("  a: {{play: a.wav, next: b}}\n  b: {dial}\n");
    compare("greeted", &said("", &greeted, ""), "");
    for (steps, expected) in [
        (
            "  a: {play: a.wav, next: b}\n  b: {record: {beep: false}, next: z}\n",
            "",
        ),
        ("  a: {record: {}, next: z}\n", ""),
        (
            "  a: {pause: 1s, next: b}\n  b: {record: {beep: false}, next: z}\n",
            "W unannounced-recording: this recording",
        ),
        (
            "  a: {record: {prompt: a.wav}, next: b}\n  b: {play: a.wav, next: c}\n  c: {sms: {to: '{{ call.from }}', body: hi}, on: {sent: z, failed: z}}\n",
            "W lost-after-hangup: `c` is done only",
        ),
        (
            "  a: {record: {prompt: a.wav}, on: {recorded: z, empty: c}}\n  c: {sms: {to: '{{ call.from }}', body: hi}, on: {sent: z, failed: z}}\n",
            "",
        ),
    ] {
        compare(steps, &said("", steps, ""), expected);
    }
}

#[test]
fn messages() {
    let long = "x".repeat(1_601);
    for (item, expected) in [
        ("sms: {to: '+972501234567', body: hi}", ""),
        (
            "sms: {to: '0501234567', body: hi}",
            "E message-address: `to` is `0501234567`",
        ),
        ("sms: {to: 'whatsapp:+972501234567', body: hi}", "E message-address"),
        (
            "sms: {to: '+972501234567', from: '+972501234567', body: hi}",
            "E message-address: `to` and `from`",
        ),
        ("sms: {to: '+972501234567', from: ACME, body: hi}", ""),
        (
            "sms: {to: '{{ call.to }}', body: hi}",
            "E message-address: this goes to the number that was called",
        ),
        (
            &format!("sms: {{to: '+972501234567', body: '{long}'}}"),
            "E message-body: the text has 1601",
        ),
        ("whatsapp: {to: '+972501234567', template: hi, with: {name: a}}", ""),
        (
            "whatsapp: {to: 'whatsapp:+972501234567', template: hi, with: {name: a}}",
            "",
        ),
        (
            "whatsapp: {to: '972501234567', template: hi, with: {name: a}}",
            "E message-address",
        ),
        (
            "whatsapp: {to: '+972501234567', template: hi, with: {name: a, nam: b}}",
            "W unused-template-variable",
        ),
    ] {
        let said = said(
            "",
            "  a: {play: a.wav, next: z}\n",
            &format!("after_call:\n  - {item}\n"),
        );
        compare(item, &said, expected);
    }
}

#[test]
fn addresses() {
    let http = |url: &str| format!("{{http: '{url}', on: {{ok: z, failed: z}}}}");
    for (url, expected) in [
        ("https://api.example.com/{{ call.from }}", ""),
        ("{{ vars.x }}/a", ""),
        ("http://crm:8080/a", ""),
        ("http://192.168.1.7/a", ""),
        (
            "http://api.example.com/{{ call.from }}",
            "W unencrypted-url: what is sent to `api.example.com`",
        ),
        ("/lines", "E service-url: `/lines`"),
        ("https://", "E service-url"),
        ("ftp://example.com/a", "E service-url"),
        (
            "https://ann:hunter22@example.com/a",
            "W secret-in-plain-text: the password in this address",
        ),
    ] {
        let before = "  a: {set: {x: '1'}, next: b}\n".to_owned();
        let said = said("", &format!("{before}  b: {}\n", http(url)), "");
        compare(url, &said, expected);
    }
    let stream = "{stream: 'wss://127.0.0.1/a', on: {ended: z, no_stream_start: z, no_media: z, failed: z}}";
    steps(&[(stream, "W private-url: the carrier cannot reach `127.0.0.1`")]);
}

#[test]
fn secrets_in_headers() {
    let http = |value: &str| {
        format!(
            "{{http: {{url: 'https://example.com/', headers: {{Authorization: '{value}'}}}}, on: {{ok: z, failed: z}}}}"
        )
    };
    steps(&[
        (
            &http("Bearer abcdef123456"),
            "W secret-in-plain-text: the value of `Authorization`",
        ),
        (&http("Bearer {{ call.sid }}"), ""),
    ]);
}

#[test]
fn waits() {
    let converse = |watchdog: &str| {
        format!(
            "  a: {{converse: {{agent: b{watchdog}}}, on: {{completed: z, no_stream_start: z, no_media: z, no_reply: z, failed: z}}}}\n"
        )
    };
    let agent = |think: &str, rest: &str| {
        format!(
            "agents:\n  b:\n    instructions: Be brief.\n    listen: ear\n    think: {{provider: mind{think}}}\n    speak: voice\n{rest}"
        )
    };
    let action = |text: &str| format!("    actions:\n      look: {{description: Looks., {text}}}\n");
    let quick = "do: {http: {url: 'https://example.com/', timeout: 3s, retries: 1}}";
    let slow = "do: {http: {url: 'https://example.com/', timeout: 7s}}";
    for (watchdog, think, rest, expected) in [
        ("", "", String::new(), ""),
        (
            ", watchdog: {media: 9s}",
            "",
            String::new(),
            "W watchdog-too-long: `watchdog.media` waits 9s",
        ),
        (
            ", watchdog: {reply: 8s}",
            "",
            String::new(),
            "W watchdog-too-long: `watchdog.reply` is 8s",
        ),
        ("", ", timeout: 7s", String::new(), ""),
        (
            "",
            ", timeout: 7s, fallback: spare",
            String::new(),
            "W fallback-too-late",
        ),
        ("", ", timeout: 6s, fallback: spare", String::new(), ""),
        ("", "", action(quick), ""),
        ("", "", action(slow), "W slow-action: `look` may take 7s"),
        (
            ", watchdog: {reply: 5s}",
            "",
            action(quick),
            "W slow-action: `look` may take 6s",
        ),
        ("", "", action(&format!("say: One moment., {slow}")), ""),
        ("", "", action("do: {interaction: {kind: a, summary: b}}"), ""),
        (
            "",
            "",
            format!("    filler: {{say: Hm., again: 5s}}\n{}", action(slow)),
            "",
        ),
        (
            ", watchdog: {reply: 4s}",
            "",
            format!("    filler: {{say: Hm., again: 6s}}\n{}", action(slow)),
            "W slow-action",
        ),
    ] {
        let case = format!("{watchdog} {think} {rest}");
        compare(&case, &said("", &converse(watchdog), &agent(think, &rest)), expected);
    }
}
