//! Something to hear: a file under `static/`, or words that the carrier speaks.

use crate::call::{Cx, StepError, Touches};
use crate::flow::{Finding, FromYaml, Located, Node, Reader, Template, form};
use crate::twiml::Verb;
use serde_json::{Value, json};

/// A file to play, or a text to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Sound {
    /// A file under `static/`, or a full URL.
    Play(Located<String>),
    /// Words, spoken by the carrier.
    Say(Speech),
}

form! {
    /// Words that the carrier speaks.
    pub struct Speech {
        /// What to say.
        say: Template,
        /// The voice, such as `Google.he-IL-Wavenet-A`; for Hebrew one of the eight Google voices.
        voice: Option<Located<String>>,
        /// The language, such as `he-IL`. Default: the flow's locale.
        language: Option<Located<String>>,
    }
}

form! {
    /// A file to play.
    pub struct File {
        /// A file under `static/`, or a full URL.
        play: Located<String>,
    }
}

impl FromYaml for Sound {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        if node.as_map().is_none() {
            return Located::<String>::from_yaml(node, cx).map(Self::Play);
        }
        if node.entry("say").is_some() {
            return Speech::from_yaml(node, cx).map(Self::Say);
        }
        if node.entry("play").is_some() {
            return File::from_yaml(node, cx).map(|file| Self::Play(file.play));
        }
        cx.report(
            Finding::error("wrong-type", cx.place(node.span), "a sound is a file or words")
                .label("neither `play` nor `say` is here")
                .help("write a file under `static/`, such as `tts/greeting.mp3`, or `{say: \"Hello\"}`"),
        );
        None
    }

    fn schema() -> Value {
        json!({"anyOf": [{"type": "string"}, Speech::schema(), File::schema()]})
    }

    fn expected() -> &'static str {
        "tts/greeting.mp3"
    }

    fn what() -> &'static str {
        "a file under `static/` or words"
    }
}

impl Sound {
    /// Adds the sound to the document.
    pub fn write(&self, cx: &mut Cx<'_>) -> Result<(), StepError> {
        let (verb, millis) = self.verb(cx)?;
        cx.verb(verb, millis);
        Ok(())
    }

    /// The sound as a verb, with how long it takes in milliseconds.
    pub fn verb(&self, cx: &Cx<'_>) -> Result<(Verb, u64), StepError> {
        match self {
            Self::Play(file) => Ok((play_verb(&file.value), cx.sound_millis(&file.value))),
            Self::Say(speech) => {
                let text = cx.text(&speech.say)?;
                let millis = cx.speech_millis(&text);
                Ok((
                    say_verb(cx, &text, speech.voice.as_ref(), speech.language.as_ref()),
                    millis,
                ))
            }
        }
    }

    /// What it refers to.
    pub fn touch<'a>(&'a self, touches: &mut Touches<'a>) {
        match self {
            Self::Play(file) => touches.assets.push(file),
            Self::Say(speech) => touches.templates.push(&speech.say),
        }
    }
}

/// `<Play>` of a file under `static/` or of a URL.
pub(super) fn play_verb(path: &str) -> Verb {
    Verb::new("play").with("asset", path)
}

/// `<Say>`: a voice that nobody named is chosen by the language, because the carrier's own default speaks English.
pub(super) fn say_verb(
    cx: &Cx<'_>,
    text: &str,
    voice: Option<&Located<String>>,
    language: Option<&Located<String>>,
) -> Verb {
    let language = language.map_or(cx.locale(), |language| language.value.as_str());
    let voice = voice
        .map(|voice| voice.value.clone())
        .or_else(|| default_voice(language));
    Verb::new("say")
        .with("text", text)
        .with("language", language)
        .with("voice", voice)
}

/// Hebrew is spoken by eight Google voices only; without one the caller hears nothing.
pub(crate) fn default_voice(language: &str) -> Option<String> {
    (language == "he-IL").then(|| "Google.he-IL-Wavenet-A".to_owned())
}
