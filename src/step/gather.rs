//! `gather`: keys or speech from the caller, checked and asked for again a counted number of times.

use super::{Kind, Sound, Stands, outcomes};
use crate::call::{Back, Chances, Cx, Next, Outcome, Params, Route, StepError, StepKind, Touches, WaitOn};
use crate::flow::{Condition, Duration, Finding, FromYaml, Located, form};
use crate::twiml::Verb;
use serde_json::{Value, json};

form! {
    /// Speech as an answer, beside keys.
    pub struct Speech {
        /// The recogniser's language. For Hebrew the carrier's newer models want `iw-IL`.
        language: Option<Located<String>>,
        /// Words that are likely.
        hints: Vec<String> = Vec::new(),
        /// The recogniser, such as `googlev2_telephony`.
        model: Option<String>,
        /// Silence that ends the answer. Default: the same as `timeout`.
        end: Option<Duration>,
    }
}

form! {
    /// Asks the caller for keys or speech. `step.digits` and `step.speech` hold the answer afterwards.
    pub struct Gather {
        /// What is asked.
        prompt: Sound,
        /// What is heard instead from the second attempt on; the last one is repeated.
        retry: Vec<Sound> = Vec::new(),
        /// How many keys; without it, `finish` or the timeout ends the input.
        keys: Option<u32>,
        /// The key that ends the input; empty for none.
        finish: String = "#".to_owned(),
        /// How long to wait for the next key.
        timeout: Duration = Duration::from_millis(5_000),
        /// How often is asked in all.
        tries: u32 = 3,
        /// Also listen to speech.
        speech: Option<Speech>,
        /// Outcomes by answer: a name, and the keys or words that mean it.
        choices: Vec<(Located<String>, Answers)> = Vec::new(),
        /// What a valid answer is, such as `step.digits | length == 9`.
        valid: Option<Condition>,
        /// The variable that takes the answer.
        into: Option<String>,
    }
}

/// The keys or words that mean a choice: one, or a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers(Vec<Located<String>>);

impl FromYaml for Answers {
    fn from_yaml(node: &crate::flow::Node, cx: &mut crate::flow::Reader) -> Option<Self> {
        if node.as_seq().is_some() {
            return Vec::<Located<String>>::from_yaml(node, cx).map(Self);
        }
        Located::<String>::from_yaml(node, cx).map(|answer| Self(vec![answer]))
    }

    fn schema() -> Value {
        json!({"anyOf": [{"type": ["string", "integer"]}, {"type": "array", "items": {"type": ["string", "integer"]}}]})
    }

    fn expected() -> &'static str {
        "the keys or words that mean it, such as `\"1\"` or `[\"1\", sales]`"
    }
}

pub(super) const KIND: Kind = Kind {
    name: "gather",
    about: "asks the caller for keys or speech, with counted retries",
    place: Stands::InCall,
    read: |node, cx, _| {
        let gather = Gather::from_yaml(node, cx)?;
        for (name, _) in &gather.choices {
            if matches!(name.value.as_str(), "no_input" | "no_match" | "matched") {
                let message = format!("a choice cannot be called `{}`", name.value);
                cx.report(
                    Finding::error("wrong-type", name.place.clone(), message)
                        .label("`gather` has an outcome of this name already")
                        .help("give the choice another name"),
                );
            }
        }
        Some(Box::new(gather))
    },
    schema: Gather::schema,
};

impl StepKind for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let mut names: Vec<&str> = self.choices.iter().map(|(name, _)| name.value.as_str()).collect();
        if names.is_empty() {
            names.push("matched");
        }
        names.extend(["no_input", "no_match"]);
        outcomes(&names)
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let prompt = match cx.attempt() {
            0 | 1 => &self.prompt,
            attempt => {
                let index = usize::try_from(attempt - 2).unwrap_or(usize::MAX);
                self.retry.get(index).or(self.retry.last()).unwrap_or(&self.prompt)
            }
        };
        let (prompt, millis) = prompt.verb(cx)?;
        let ticket = cx.ticket(Route::Next);
        let timeout = self.timeout.as_secs_ceil().max(1);
        let mut verb = Verb::new("gather")
            .with("route", ticket.route.path())
            .with("n", ticket.n)
            .with("input", if self.speech.is_some() { "dtmf speech" } else { "dtmf" })
            .with("timeout", timeout)
            .with("finish_on_key", self.finish.clone());
        if let Some(keys) = self.keys {
            verb = verb.with("num_digits", keys);
        }
        if let Some(speech) = &self.speech {
            let language = speech
                .language
                .as_ref()
                .map_or(cx.locale(), |language| language.value.as_str());
            verb = verb
                .with("language", language)
                .with("speech_model", speech.model.clone());
            let end = speech.end.map_or(timeout, |end| end.as_secs_ceil().max(1));
            verb = verb.with("speech_timeout", end.to_string());
            if !speech.hints.is_empty() {
                verb = verb.with("hints", speech.hints.join(", "));
            }
        }
        cx.verb(verb.child(prompt), millis);
        // Speech may go on for a minute, keys for as many timeouts as there are keys.
        Ok(cx.wait(
            ticket,
            timeout.saturating_mul(1000).saturating_add(60_000),
            WaitOn::Action,
        ))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Asked(params) = back else {
            return Err(StepError::Unexpected);
        };
        let answer = heard(params);
        cx.set_result(json!({
            "digits": params.text("Digits").unwrap_or_default(),
            "speech": params.text("SpeechResult").unwrap_or_default(),
            "confidence": params.text("Confidence").and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0),
            "attempt": cx.attempt(),
        }));
        let Some(answer) = answer else {
            return self.again(cx, "no_input");
        };
        if let Some(valid) = &self.valid
            && !cx.holds(valid)?
        {
            return self.again(cx, "no_match");
        }
        let outcome = if self.choices.is_empty() {
            "matched"
        } else {
            match self.choices.iter().find(|(_, answers)| answers.mean(&answer)) {
                Some((name, _)) => &name.value,
                None => return self.again(cx, "no_match"),
            }
        };
        if let Some(name) = &self.into {
            cx.set_var(name, Value::from(answer));
        }
        Ok(Next::go(outcome))
    }

    /// One answer of each choice, and ones that are none of them: as many keys as are wanted, fewer, and one with a key
    /// that is no digit.
    fn chances(&self) -> Chances {
        let mut answers: Vec<String> = self
            .choices
            .iter()
            .filter_map(|(_, answers)| answers.0.first())
            .map(|answer| answer.value.clone())
            .collect();
        let length = self
            .keys
            .map_or(1, |keys| usize::try_from(keys).unwrap_or(1).clamp(1, 20));
        let repeated = |length: usize| (0..10).rev().map(move |key| key.to_string().repeat(length));
        answers.extend(self.none_of(repeated(length)));
        if length > 1 {
            answers.extend(self.none_of(repeated(1)));
        }
        let finish = self.finish.chars().next();
        // Without a number of keys, there is always room for one more.
        let before = self.keys.map_or(1, |_| length - 1);
        let others = ['*', '#'].into_iter().filter(|key| Some(*key) != finish);
        answers.extend(self.none_of(others.map(|key| format!("{}{key}", "9".repeat(before)))));
        if self.speech.is_some() {
            answers.push("something else".to_owned());
        }
        Chances {
            answers,
            ..Chances::default()
        }
    }

    fn touches(&self) -> Touches<'_> {
        let mut touches = Touches {
            conditions: self.valid.iter().collect(),
            ..Touches::default()
        };
        touches.sets.extend(self.into.clone());
        for sound in std::iter::once(&self.prompt).chain(&self.retry) {
            sound.touch(&mut touches);
        }
        touches
    }
}

impl Gather {
    /// The first of these answers that no choice takes.
    fn none_of(&self, mut answers: impl Iterator<Item = String>) -> Option<String> {
        answers.find(|keys| !self.choices.iter().any(|(_, answers)| answers.mean(keys)))
    }

    fn again(&self, cx: &mut Cx<'_>, outcome: &str) -> Result<Next, StepError> {
        if cx.attempt() >= self.tries {
            return Ok(Next::go(outcome));
        }
        cx.try_again();
        self.enter(cx)
    }
}

impl Answers {
    /// Keys are compared as they are; words without regard to case and surrounding punctuation.
    fn mean(&self, answer: &str) -> bool {
        let plain = |text: &str| {
            text.trim()
                .trim_matches(|c: char| c.is_ascii_punctuation())
                .to_lowercase()
        };
        self.0
            .iter()
            .any(|known| known.value == answer || (!plain(answer).is_empty() && plain(&known.value) == plain(answer)))
    }
}

/// What the caller answered: keys before speech, because the carrier stops listening at the first key.
fn heard(params: &Params) -> Option<String> {
    params
        .text("Digits")
        .or_else(|| params.text("SpeechResult"))
        .map(str::to_owned)
}
