//! `gather`: answers that nobody can give, and prompts that nobody hears.

use super::written::{self, Text, Written};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Node};

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    for step in written::all(compiled) {
        if step.kind == "gather" {
            // That no key can be pressed at all is told by the carrier's grammar.
            if step.number("keys") != Some(0) {
                choices(&step, findings);
            }
            retries(&step, findings);
        }
    }
}

fn choices(step: &Written<'_>, findings: &mut Findings) {
    let asked = Asked {
        keys: step.number("keys"),
        finish: step.text("finish").map_or("#", |finish| finish.text),
        speech: step.body.key("speech").is_some(),
    };
    let mut taken: Vec<(Text<'_>, &str)> = Vec::new();
    for choice in step.body.key("choices").and_then(Node::as_map).unwrap_or_default() {
        let name = choice.key.text.as_str();
        let answers: Vec<Text<'_>> = match choice.value.as_seq() {
            Some(answers) => answers.iter().filter_map(|answer| step.scalar(answer)).collect(),
            None => step.scalar(&choice.value).into_iter().collect(),
        };
        let all_impossible = answers.iter().all(|answer| asked.refuses(answer.text).is_some());
        for answer in answers {
            let text = answer.text;
            if let Some((label, help)) = asked.refuses(text) {
                let message = format!("no caller can answer `{text}`");
                let finding = if all_impossible {
                    Finding::error("unanswerable-choice", answer.place.clone(), message)
                        .consequence(format!("nobody can choose `{name}`"))
                } else {
                    Finding::warning("unanswerable-choice", answer.place.clone(), message)
                };
                findings.push(finding.category("policy").label(label).help(help));
            } else if let Some((first, owner)) = taken
                .iter()
                .find(|(known, owner)| *owner != name && known.text.eq_ignore_ascii_case(text))
            {
                findings.push(
                    Finding::warning(
                        "unanswerable-choice",
                        answer.place.clone(),
                        format!("`{text}` means `{owner}` already"),
                    )
                    .category("policy")
                    .label("never reached by this answer")
                    .related(first.place.clone(), "the first one counts")
                    .consequence(format!("a caller who wants `{name}` comes to `{owner}`"))
                    .help("give each choice answers of its own"),
                );
            }
            taken.push((answer, name));
        }
    }
}

/// What the carrier takes as an answer.
struct Asked<'a> {
    keys: Option<u64>,
    finish: &'a str,
    speech: bool,
}

impl Asked<'_> {
    /// Why an answer can never come; none where it can.
    fn refuses(&self, answer: &str) -> Option<(String, String)> {
        if self.speech || answer.is_empty() {
            return None;
        }
        if !answer
            .chars()
            .all(|key| key.is_ascii_digit() || key == '*' || key == '#')
        {
            return Some((
                "a word, and only keys are taken".to_owned(),
                "add `speech: {}` to listen to words as well".to_owned(),
            ));
        }
        if !self.finish.is_empty() && answer.contains(self.finish) {
            let finish = self.finish;
            return Some((
                format!("`{finish}` ends the input and is no part of it"),
                "write `finish: \"\"`, or choose another key".to_owned(),
            ));
        }
        let length = u64::try_from(answer.chars().count()).unwrap_or(u64::MAX);
        let keys = self.keys.filter(|keys| length > *keys)?;
        Some((
            format!("longer than `keys: {keys}`"),
            format!("write `keys: {length}`, or a shorter answer"),
        ))
    }
}

fn retries(step: &Written<'_>, findings: &mut Findings) {
    let tries = step.number("tries").unwrap_or(3);
    let retries = step.body.key("retry").and_then(Node::as_seq).unwrap_or_default();
    // The first attempt has the prompt; each further one takes the next of `retry`.
    let heard = usize::try_from(tries.max(1) - 1).unwrap_or(usize::MAX);
    if let Some(first) = retries.get(heard) {
        let needed = retries.len().saturating_add(1);
        findings.push(
            Finding::warning(
                "unheard-retry",
                step.at(first),
                format!("with `tries: {tries}` this prompt is never heard"),
            )
            .category("policy")
            .label("asked too seldom for it")
            .help(format!("write `tries: {needed}`, or remove the prompt")),
        );
    }
}
