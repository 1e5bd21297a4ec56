//! Checks a document against the grammar and against what the carrier does with it at run time.

mod address;
mod connect;
mod dial;
mod gather;
mod message;
mod number;
mod order;
mod record;
mod say;
mod value;

use super::{Element, ElementRule, INLINE_LIMIT, Problem, grammar, read};

/// How the document reaches the carrier. It decides what addresses mean and which verbs make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The answer to a webhook in the course of a call.
    Webhook,
    /// The answer to the first webhook of an incoming call, which nothing has answered yet.
    FirstDocument,
    /// The REST parameter `Twiml` of a call that is created: the document has no address of its own.
    Inline,
    /// The REST parameter `Twiml` that replaces what a live call is doing.
    LiveCall,
    /// What `waitUrl` plays while a conference has not begun.
    ConferenceWait,
    /// What `waitUrl` plays to a caller in a queue.
    QueueWait,
    /// What the party that was dialled hears before the two are connected (`url` of a noun).
    Whisper,
}

impl Setting {
    /// Whether the document came through the REST API, so that no address can be relative to it.
    fn is_inline(self) -> bool {
        matches!(self, Setting::Inline | Setting::LiveCall)
    }

    /// The only verbs that may stand there, and the code for any other; `None` where all may.
    fn verbs(self) -> Option<(&'static [&'static str], u32)> {
        match self {
            Setting::ConferenceWait => Some((&["Play", "Say", "Pause", "Redirect"], 13238)),
            Setting::QueueWait => Some((
                &["Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"],
                SCHEMA_WARNING,
            )),
            Setting::Whisper => Some((&["Play", "Say", "Pause", "Gather", "Hangup", "Redirect"], 13201)),
            _ => None,
        }
    }
}

/// The carrier's warning for what it leaves out (errors B).
const SCHEMA_WARNING: u32 = 12200;
/// No code of the carrier's: what follows is the engine's own advice.
const ADVICE: u32 = 0;

/// Reads and checks a document as a carrier does: everything that is wrong, and the document where it could be read.
pub fn examine(xml: &str, setting: Setting) -> (Option<Element>, Vec<Problem>) {
    let mut problems = Vec::new();
    let characters = xml.chars().count();
    if setting.is_inline() && characters > INLINE_LIMIT {
        problems.push(Problem::new(
            32018,
            0..xml.len(),
            format!("the document has {characters} characters, the `Twiml` parameter takes {INLINE_LIMIT}"),
            "give the call a `Url` instead, or a `<Redirect>` to the rest",
        ));
    }
    match read(xml) {
        Ok(root) => {
            problems.extend(check(&root, setting));
            (Some(root), problems)
        }
        Err(problem) => {
            problems.push(problem);
            (None, problems)
        }
    }
}

/// Checks a voice document. The problems come in the order of the document.
pub fn check(root: &Element, setting: Setting) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(version) = root.attribute("version")
        && !["1.0", "2008-08-01", "2010-04-01"].contains(&version)
    {
        problems.push(Problem::new(
            12101,
            root.attribute_range("version"),
            format!("`version` is `{version}`"),
            "leave `version` away",
        ));
    }
    let walk = Walk {
        setting,
        language: Language::Voice,
    };
    walk.element(None, root, &mut problems);
    order::check(root, setting, &mut problems);
    sorted(problems)
}

/// Checks a document that answers an incoming message.
pub fn check_messages(root: &Element) -> Vec<Problem> {
    let mut problems = Vec::new();
    let walk = Walk {
        setting: Setting::Webhook,
        language: Language::Messaging,
    };
    walk.element(None, root, &mut problems);
    message::check(root, &mut problems);
    sorted(problems)
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.range.start, problem.code));
    problems
}

/// Which of the two vocabularies a document speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Voice,
    Messaging,
}

struct Walk {
    setting: Setting,
    language: Language,
}

impl Walk {
    fn rule(&self, parent: &str, name: &str) -> Option<&'static ElementRule> {
        match self.language {
            Language::Voice => grammar().element(parent, name),
            Language::Messaging => grammar().messaging(name),
        }
    }

    fn element(&self, parent: Option<&Element>, element: &Element, problems: &mut Vec<Problem>) {
        let around = parent.map_or("", |parent| parent.name.as_str());
        let Some(rule) = self.rule(around, &element.name) else {
            return;
        };
        if let Some(reason) = &rule.retired {
            problems.push(Problem::new(
                ADVICE,
                element.range.clone(),
                format!("`<{}>` is retired: {reason}", element.name),
                "use a verb that the carrier still documents",
            ));
        }
        if rule.text.is_none() && !element.text.trim().is_empty() {
            problems.push(Problem::new(
                SCHEMA_WARNING,
                element.range.clone(),
                format!(
                    "`<{}>` takes no text: `{}` is ignored",
                    element.name,
                    excerpt(element.text.trim())
                ),
                "put words to speak into a `<Say>`",
            ));
        }
        self.attributes(around, element, rule, problems);
        if self.language == Language::Voice {
            self.meaning(parent, element, problems);
        }
        for child in &element.children {
            if rule.children.contains(&child.name) {
                self.element(Some(element), child, problems);
            } else {
                problems.push(self.misplaced(element, rule, child));
            }
        }
    }

    fn attributes(&self, around: &str, element: &Element, rule: &ElementRule, problems: &mut Vec<Problem>) {
        for (name, value) in &element.attributes {
            let place = element.attribute_range(name);
            match rule.attribute(name) {
                Some(rule) => problems.extend(value::check(element, name, value, rule, self.setting)),
                None if name.starts_with("xmlns") => {}
                None => problems.push(Problem::new(
                    SCHEMA_WARNING,
                    place,
                    format!("`<{}>` has no attribute `{name}`: it is ignored", element.name),
                    suggestion(name, rule.attributes().map(|(known, _)| known), "its attributes are"),
                )),
            }
        }
        for (name, rule) in rule.attributes() {
            // `<Stop>` names what it stops and repeats nothing else of it.
            if rule.required && element.attribute(name).is_none() && around != "Stop" {
                let problem = Problem::new(
                    rule.code,
                    element.range.clone(),
                    format!("`<{}>` has no `{name}`", element.name),
                    format!("write `<{} {name}=\"…\">`", element.name),
                );
                problems.push(problem);
            }
        }
    }

    /// What the grammar cannot say: rules that join attributes, text and children.
    fn meaning(&self, parent: Option<&Element>, element: &Element, problems: &mut Vec<Problem>) {
        let around = parent.map_or("", |parent| parent.name.as_str());
        match element.name.as_str() {
            "Say" => say::check(around, element, problems),
            "break" | "prosody" => say::check_markup(element, problems),
            "Play" => gather::check_play(around, element, self.setting, problems),
            "Gather" => gather::check(element, self.setting, problems),
            "Record" => record::check(element, self.setting, problems),
            "Redirect" => address::check_redirect(element, self.setting, problems),
            "Dial" => dial::check(element, problems),
            "Number" | "WhatsApp" => number::check(element, problems),
            "Conference" => dial::check_conference(element, problems),
            "Sip" | "Uri" => dial::check_sip(element, problems),
            "Enqueue" => dial::check_enqueue(element, problems),
            "Pay" => record::check_pay(element, problems),
            "Connect" | "Start" | "Stop" => connect::check(element, problems),
            "Stream" | "ConversationRelay" => connect::check_socket(around, element, problems),
            "Parameter" => connect::check_parameter(element, problems),
            "Transcription" => connect::check_callback(element, "statusCallbackUrl", problems),
            _ => {}
        }
    }

    fn misplaced(&self, parent: &Element, rule: &ElementRule, child: &Element) -> Problem {
        let parents: Vec<&str> = match self.language {
            Language::Voice => grammar().parents(&child.name).collect(),
            Language::Messaging => Vec::new(),
        };
        let help = if !parents.is_empty() {
            format!("`<{}>` stands in {}", child.name, listed(parents.iter().copied()))
        } else {
            suggestion(
                &child.name,
                rule.children.iter().map(String::as_str),
                "inside it may stand",
            )
        };
        Problem::new(
            rule.child_code,
            child.range.clone(),
            format!("`<{}>` cannot stand in `<{}>`: it is skipped", child.name, parent.name),
            help,
        )
    }
}

/// "did you mean `x`?", or the list of what is known where nothing is near.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .map(|candidate| {
            (
                strsim::osa_distance(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (word.chars().count() / 3).max(1));
    match near {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None if known.is_empty() => "remove it".to_owned(),
        None => format!("{otherwise} {}", listed(known.into_iter())),
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The beginning of a text, for a message.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
