//! `play`: a sound file, or key tones.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, StepError, StepKind, Touches};
use crate::flow::{Finding, FromYaml, Located, form};
use crate::twiml::Verb;

form! {
    /// Plays a sound file to the caller, or key tones into the line.
    pub struct Play shorthand file {
        /// A file under `static/`, such as `tts/greeting.mp3`, or a full URL.
        file: Option<Located<String>>,
        /// Key tones to send: digits, `*`, `#`, `w` for half a second.
        digits: Option<Located<String>>,
        /// How often it plays.
        times: u32 = 1,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "play",
    about: "plays a sound file, or key tones",
    place: Stands::InCall,
    read: |node, cx, _| {
        let play = Play::from_yaml(node, cx)?;
        if play.file.is_some() == play.digits.is_some() {
            cx.report(
                Finding::error(
                    "missing-key",
                    cx.place(node.span),
                    "`play` needs either a `file` or `digits`",
                )
                .label("here")
                .help("write `play: tts/greeting.mp3`, or `play: {digits: \"1w2\"}`"),
            );
            return None;
        }
        Some(Box::new(play))
    },
    schema: Play::schema,
};

/// A key tone and the gap after it, in milliseconds.
const TONE_MS: u64 = 250;

impl StepKind for Play {
    fn name(&self) -> &'static str {
        "play"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["done"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let times = u64::from(self.times.max(1));
        if let Some(file) = &self.file {
            let millis = cx.sound_millis(&file.value).saturating_mul(times);
            let verb = super::sound::play_verb(&file.value);
            cx.verb(
                if self.times == 1 {
                    verb
                } else {
                    verb.with("loop", self.times)
                },
                millis,
            );
        }
        if let Some(digits) = &self.digits {
            let tones = u64::try_from(digits.value.len()).unwrap_or(0);
            let millis = tones.saturating_mul(TONE_MS).saturating_mul(times);
            cx.verb(Verb::new("play").with("digits", digits.value.clone()), millis);
        }
        Ok(Next::go("done"))
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            assets: self.file.iter().collect(),
            ..Touches::default()
        }
    }
}
