//! What the carrier is to speak, where its document cannot be shown: texts with data that only a call has, and later prompts.

use super::written::{self, Written};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Node};
use crate::twiml::{Links, Setting, Severity, Verb, examine};

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    locale(compiled, findings);
    for step in written::all(compiled) {
        for speech in speeches(&step) {
            speech.check(&flow.locale, compiled, findings);
        }
    }
}

/// The flow's language goes to the carrier and to providers, which know languages by their codes alone.
fn locale(compiled: &Compiled, findings: &mut Findings) {
    let Some(locale) = compiled.draft.locale.as_ref() else {
        return;
    };
    let mut parts = locale.value.split('-');
    let language = parts.next().unwrap_or_default();
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let region = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if (2..=3).contains(&language.len()) && letters(language) && parts.all(region) {
        return;
    }
    findings.push(
        Finding::error(
            "unknown-value",
            locale.place.clone(),
            format!("`{}` is no code of a language", locale.value),
        )
        .label("not as `en-US`")
        .consequence("nothing could be spoken or understood in this language")
        .help("write the language and the country, such as `en-US`, `he-IL` or `de-DE`"),
    );
}

struct Speech<'a> {
    step: &'a Written<'a>,
    text: &'a Node,
    voice: Option<&'a str>,
    language: Option<&'a str>,
}

/// Every map of a step that says something, the step itself where it is a `say`.
fn speeches<'a>(step: &'a Written<'a>) -> Vec<Speech<'a>> {
    let speech = |node: &'a Node, text: &'a Node| {
        let word = |key: &str| Some(node.key(key)?.scalar()?.text.as_str());
        let (voice, language) = (word("voice"), word("language"));
        Speech {
            step,
            text,
            voice,
            language,
        }
    };
    if step.kind == "say" {
        let text = step.body.key("text").unwrap_or(step.body);
        return vec![speech(step.body, text)];
    }
    let mut found = Vec::new();
    if ["gather", "record", "dial", "enqueue"].contains(&step.kind) {
        let mut open = vec![step.body];
        while let Some(node) = open.pop() {
            found.extend(node.key("say").map(|text| speech(node, text)));
            open.extend(node.as_seq().unwrap_or_default());
            open.extend(node.as_map().unwrap_or_default().iter().map(|entry| &entry.value));
        }
    }
    found
}

impl Speech<'_> {
    fn check(&self, locale: &str, compiled: &Compiled, findings: &mut Findings) {
        let Some(text) = self.text.scalar().map(|scalar| scalar.text.as_str()) else {
            return;
        };
        let mut fixed = written::fixed_part(text);
        if let Some(tag) = markup(&fixed) {
            findings.push(
                Finding::warning(
                    "twiml-advice",
                    self.step.at(self.text),
                    format!("`<{tag}>` stands in a text, which is sent as plain words"),
                )
                .category("policy")
                .label("no markup here")
                .consequence("the caller hears the mark read aloud, or nothing of it")
                .help("divide the text with `pause` steps, or write a `twiml` step with a template of your own"),
            );
        }
        if fixed.trim().is_empty() && written::is_filled(text) {
            return;
        }
        if written::is_filled(text) {
            // Something stands where it is filled in.
            fixed.push('0');
        }
        let language = self.language.unwrap_or(locale);
        let voice = self
            .voice
            .map(str::to_owned)
            .or_else(|| crate::step::default_voice(language));
        let verb = Verb::new("say")
            .with("text", fixed)
            .with("language", language)
            .with("voice", voice);
        let links = Links {
            origin: "https://voice.example.com".to_owned(),
            retries: None,
        };
        let Ok(twiml) = compiled.templates.render(&[verb], &links) else {
            return;
        };
        for problem in examine(&twiml, Setting::Webhook).1 {
            let reported = format!("the carrier would report {}:", problem.code);
            let message = format!("{reported} {}", problem.message);
            let known = findings.iter().any(|one| {
                let of_step = self.step.step.is_some_and(|step| one.place.span() == step.place.span());
                one.id == "twiml" && (one.message == message || of_step && one.message.starts_with(&reported))
            });
            if problem.code == 0 || known {
                continue;
            }
            let place = self.step.at(self.text);
            let finding = match problem.severity {
                Severity::Error => Finding::error("twiml", place, message),
                Severity::Warning => Finding::warning("twiml", place, message),
            };
            findings.push(finding.category("policy").label("these words").help(problem.help));
        }
    }
}

/// The first element of speech markup in a text.
fn markup(text: &str) -> Option<&'static str> {
    const TAGS: [&str; 9] = [
        "speak",
        "break",
        "prosody",
        "emphasis",
        "say-as",
        "phoneme",
        "sub",
        "lang",
        "amazon:effect",
    ];
    let opens = |tag: &str| {
        text.match_indices('<').any(|(at, _)| {
            let rest = text[at + 1..].strip_prefix(tag);
            rest.is_some_and(|rest| rest.starts_with([' ', '/', '>']))
        })
    };
    TAGS.into_iter().find(|tag| opens(tag))
}
