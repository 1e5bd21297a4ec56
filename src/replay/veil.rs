//! What may be shown of people. Words that stand in the flow's own files are the author's; everything else came from
//! somebody and is masked, unless it is asked for.

use super::side::Side;
use super::tape::Happened;
use crate::call::{Event, Params, Pii, TaskOutput};
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields of a webhook that hold a number or a name.
const PRIVATE: [&str; 10] = [
    "From",
    "To",
    "Caller",
    "Called",
    "CallerName",
    "ForwardedFrom",
    "DialCallTo",
    "DialCallFrom",
    "SpeechResult",
    "StirPassportToken",
];

/// Keys that are shown as they are: a choice in a menu, not a code.
const SHORT_KEYS: usize = 2;

/// More digits in a row are taken for a telephone number.
const LONGEST_NUMBER: usize = 6;

/// Masks texts, or shows them as they are.
#[derive(Clone, Debug, Default)]
pub struct Veil {
    /// Everything is shown.
    revealed: bool,
    /// Words of the flows' files.
    authors: BTreeSet<String>,
    /// Words of this call's numbers and names.
    secrets: BTreeSet<String>,
    /// What was said, typed or answered in this call: hidden as a whole, though each of its words may be an author's.
    told: Vec<String>,
}

impl Veil {
    /// Shows everything as it is.
    pub fn lifted() -> Self {
        Self {
            revealed: true,
            ..Self::default()
        }
    }

    /// Knows these words as an author's.
    #[cfg(test)]
    pub(super) fn knowing(words: &[&str]) -> Self {
        Self {
            authors: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Masks what does not come from these flows' files, and everything private that this recording names.
    pub fn over(sides: &[&Side], tape: &[Happened]) -> Self {
        let mut veil = Self::default();
        for side in sides {
            for text in side.sources.values() {
                veil.authors.extend(words(text).map(str::to_owned));
            }
            for verb in &side.flow.apology {
                let with = Value::Object(verb.with.clone());
                collect(&with, &mut |text| veil.authors.extend(words(text).map(str::to_owned)));
            }
        }
        let mut told = BTreeSet::new();
        for happened in tape {
            match &happened.event {
                Event::CallArrived(arrival) => {
                    veil.hide_fields(&arrival.params);
                    if let Some(contact) = &arrival.contact {
                        collect(contact, &mut |text| _ = told.insert(text.to_owned()));
                        for value in ["name", "phone"].iter().filter_map(|name| contact.get(name)) {
                            collect(value, &mut |text| veil.secrets.extend(words(text).map(str::to_owned)));
                        }
                    }
                }
                Event::CarrierAsked { params, .. } | Event::AsideAsked { params, .. } => {
                    veil.hide_fields(params);
                    let fields = ["SpeechResult", "Digits"].iter().filter_map(|name| params.text(name));
                    told.extend(fields.map(str::to_owned));
                }
                Event::TurnTaken { text, .. } => _ = told.insert(text.reveal().clone()),
                Event::TalkSet { vars, .. } => {
                    vars.values()
                        .for_each(|value| collect(value, &mut |text| _ = told.insert(text.to_owned())));
                }
                Event::Wished { arguments, .. } => {
                    let arguments = serde_json::from_str(arguments.reveal()).unwrap_or_default();
                    collect(&arguments, &mut |text| _ = told.insert(text.to_owned()));
                }
                Event::TaskEnded {
                    result: Ok(TaskOutput::Http { body, .. }),
                    ..
                } => collect(body, &mut |text| _ = told.insert(text.to_owned())),
                _ => {}
            }
        }
        veil.told = told
            .into_iter()
            .filter(|text| text.trim().chars().count() > SHORT_KEYS)
            .collect();
        // A short text may stand within a longer one.
        veil.told.sort_by_key(|text| std::cmp::Reverse(text.len()));
        // A name's initial or a "he" of a name would tear holes into everybody's sentences.
        veil.secrets.retain(|word| word.chars().count() > 2);
        veil
    }

    /// Whether everything is shown.
    pub fn is_lifted(&self) -> bool {
        self.revealed
    }

    /// A number or a name.
    pub fn private(&self, text: &str) -> String {
        if self.revealed {
            return text.to_owned();
        }
        // The mask shows as many characters as there are, and two of them: that is a match, not a name.
        match text.chars().any(char::is_alphabetic) {
            true => "***".to_owned(),
            false => Pii::new(text.to_owned()).to_string(),
        }
    }

    /// Somebody's words: only how many there are.
    pub fn said(&self, text: &str) -> String {
        if self.revealed {
            return format!("“{text}”");
        }
        match words(text).count() {
            0 => "nothing".to_owned(),
            1 => "1 word".to_owned(),
            count => format!("{count} words"),
        }
    }

    /// Keys that were pressed.
    pub fn keys(&self, keys: &str) -> String {
        if self.revealed || keys.chars().count() <= SHORT_KEYS {
            return keys.to_owned();
        }
        "*".repeat(keys.chars().count())
    }

    /// A value of a variable: of texts and of what holds them, only how much it is.
    pub fn value(&self, value: &Value) -> String {
        match value {
            _ if self.revealed => value.to_string(),
            Value::String(text) => self.said(text),
            Value::Array(values) => format!("{} items", values.len()),
            Value::Object(fields) => format!("{} fields", fields.len()),
            Value::Null | Value::Bool(_) => value.to_string(),
            Value::Number(number) => self.keys(&number.to_string()),
        }
    }

    /// A text in which only the author's own words are shown.
    pub fn text(&self, text: &str) -> String {
        if self.revealed {
            return text.to_owned();
        }
        let hide = |text: String, told: &String| text.replace(told.as_str(), "***");
        let text = self.told.iter().fold(text.to_owned(), hide);
        self.masked(&text, "***", |word| self.shows(word))
    }

    /// What was said, in stand-ins. One word or two may be a choice that the flow knows; then they are needed.
    pub fn stand_ins(&self, text: &str, stand_in: &str) -> String {
        if self.revealed {
            return text.to_owned();
        }
        let short = words(text).count() <= 2;
        self.masked(text, stand_in, |word| short && self.shows(word))
    }

    /// An author's own text: only numbers and names are masked in it.
    pub fn authors(&self, text: &str) -> String {
        if self.revealed {
            return text.to_owned();
        }
        self.masked(text, "***", |word| self.shows(word))
    }

    /// Whether every word of a text stands in the flow's own files, and is nobody's.
    pub(super) fn is_authors(&self, text: &str) -> bool {
        words(text).all(|word| self.shows(word))
    }

    fn masked(&self, text: &str, mask: &str, shows: impl Fn(&str) -> bool) -> String {
        let mut shown = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(in_word) {
            let (between, from) = rest.split_at(start);
            let end = from.find(|c| !in_word(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            shown.push_str(between);
            shown.push_str(if shows(word) { word } else { mask });
            rest = after;
        }
        shown.push_str(rest);
        shown
    }

    fn shows(&self, word: &str) -> bool {
        // A long number is somebody's, also where it stands in a flow.
        let number = word.len() > LONGEST_NUMBER && word.bytes().all(|byte| byte.is_ascii_digit());
        !number && !self.secrets.contains(word) && self.authors.contains(word)
    }

    fn hide_fields(&mut self, params: &Params) {
        for text in PRIVATE.iter().filter_map(|name| params.text(name)) {
            self.secrets.extend(words(text).map(str::to_owned));
        }
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !in_word(c)).filter(|word| !word.is_empty())
}

/// Every text in a value.
fn collect(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(values) => values.iter().for_each(|value| collect(value, take)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, take)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_authors_words_are_shown() {
        let veil = Veil {
            authors: ["Hello", "97231234567", "your", "code", "is", "Dana", "shalom"]
                .map(str::to_owned)
                .into(),
            secrets: ["Dana"].map(str::to_owned).into(),
            told: vec!["your code".to_owned()],
            revealed: false,
        };
        assert_eq!(veil.text("Hello Dana, your code is 4711!"), "Hello ***, *** is ***!");
        assert_eq!(veil.authors("your code is Dana"), "your code is ***");
        assert_eq!(veil.stand_ins("Hello Moshe", "x"), "Hello x");
        assert_eq!(veil.stand_ins("Hello your code", "x"), "x x x");
        assert_eq!(veil.value(&serde_json::json!("your code")), "2 words");
        assert_eq!(veil.value(&serde_json::json!(4711)), "****");
        assert_eq!(veil.text("is +97231234567"), "is +***");
        assert_eq!(veil.private("+972501234567"), "***********67");
        assert_eq!(veil.private("Dana Levi"), "***");
        assert_eq!(
            (veil.keys("1#"), veil.keys("4711")),
            ("1#".to_owned(), "****".to_owned())
        );
        assert_eq!(veil.said("I am Dana"), "3 words");
        assert_eq!(
            (veil.said(""), veil.said("yes")),
            ("nothing".to_owned(), "1 word".to_owned())
        );
        assert_eq!(Veil::lifted().text("Hello Dana"), "Hello Dana");
    }
}
