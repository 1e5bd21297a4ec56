//! What a scripted agent says to what: plain data, checked once before a call is given to it.

use super::Clip;
use crate::audio::gate::GateConfig;
use std::fmt;
use std::sync::Arc;

/// The whole behaviour of a scripted agent. Times are milliseconds; clips are indices into the call's clips.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Said first, and once.
    pub greeting: Option<Greeting>,
    /// The first rule that holds for the caller's turn gives the answer.
    pub rules: Vec<Rule>,
    /// The answer where no rule holds.
    pub otherwise: Answer,
    /// What happens while the caller says nothing.
    pub idle: Idle,
    /// How long nothing had been heard when the conversation began: the caller has waited for so long already.
    pub quiet_before: u64,
    /// About how long the carrier speaks from the conversation's beginning: until then the caller does not wait.
    pub welcome: u64,
    /// Silence that ends an utterance; 300 to 600.
    pub end_of_turn: u64,
    /// Speech over an answer that stops it.
    pub barge_in_after: u64,
    /// How long keys are waited for after the last one; `#` ends them at once.
    pub between_keys: u64,
    /// An utterance is taken as ended after this, though the caller goes on.
    pub longest_turn: u64,
    /// The conversation ends after this, at the next pause.
    pub longest: u64,
    /// The exit of a conversation that was too long.
    pub longest_exit: Arc<str>,
    /// How speech is told from noise.
    pub gate: GateConfig,
}

impl Script {
    /// A script that says `otherwise` to everything, with every other setting at its default.
    pub fn new(otherwise: Answer) -> Self {
        Self {
            greeting: None,
            rules: Vec::new(),
            otherwise,
            idle: Idle::default(),
            quiet_before: 0,
            welcome: 0,
            end_of_turn: 500,
            barge_in_after: 200,
            between_keys: 3000,
            longest_turn: 60_000,
            longest: 15 * 60_000,
            longest_exit: "completed".into(),
            gate: GateConfig::default(),
        }
    }

    /// When a caller who says nothing since then is spoken to, in a conversation that began then.
    pub(super) fn idle_due(&self, since: u64, began: u64) -> u64 {
        let (waited, welcome) = match (since == began, self.welcome) {
            (true, 0) => (self.quiet_before, 0),
            (true, welcome) => (0, welcome),
            (false, _) => (0, 0),
        };
        let waits = self.idle.after.saturating_sub(waited).saturating_add(welcome);
        since.saturating_add(waits)
    }

    /// The answer to the caller's turn of this number, with these keys and this many milliseconds of speech, if any.
    pub(super) fn answer_to(&self, turn: u32, keys: &str, spoken: Option<u64>) -> &Answer {
        let holds = |rule: &&Rule| {
            let when = &rule.when;
            when.turn.is_none_or(|wanted| wanted == turn)
                && when.digits.as_ref().is_none_or(|digits| digits == keys)
                && when
                    .utterance_at_least
                    .is_none_or(|least| spoken.is_some_and(|spoken| spoken >= least))
        };
        self.rules
            .iter()
            .find(holds)
            .map_or(&self.otherwise, |rule| &rule.answer)
    }

    /// Whether this script can be spoken with these clips. Errors: the first fault found.
    pub fn check(&self, clips: &[Clip]) -> Result<(), ScriptError> {
        let answers = self.rules.iter().map(|rule| &rule.answer).chain([&self.otherwise]);
        for answer in answers.clone() {
            if answer.say.is_empty() && answer.exit.is_none() {
                return Err(ScriptError::SilentAnswer);
            }
        }
        let said = answers.flat_map(|answer| answer.say.iter().copied());
        for clip in said
            .chain(self.greeting.map(|greeting| greeting.clip))
            .chain(self.idle.clip)
        {
            match clips.get(clip) {
                None => {
                    return Err(ScriptError::NoSuchClip {
                        clip,
                        clips: clips.len(),
                    });
                }
                Some(found) if found.ulaw.is_empty() => {
                    return Err(ScriptError::EmptyClip { clip });
                }
                Some(_) => {}
            }
        }
        if !(300..=600).contains(&self.end_of_turn) {
            return Err(ScriptError::EndOfTurn {
                millis: self.end_of_turn,
            });
        }
        let waits = [
            ("idle.after", self.idle.after),
            ("between_keys", self.between_keys),
            ("longest_turn", self.longest_turn),
            ("longest", self.longest),
        ];
        match waits.into_iter().find(|(_, millis)| *millis == 0) {
            Some((name, _)) => Err(ScriptError::NoWait { name }),
            None => Ok(()),
        }
    }
}

/// The first thing said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// What.
    pub clip: usize,
    /// Whether the caller may speak over it.
    pub interruptible: bool,
}

/// An answer and the condition for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// When it applies.
    pub when: Match,
    /// What is said then.
    pub answer: Answer,
}

/// A condition on the caller's turn: everything given must hold, and an empty one always does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// It is the caller's turn of this number, counted from 1.
    pub turn: Option<u32>,
    /// The caller pressed exactly these keys; the closing `#` is not among them.
    pub digits: Option<String>,
    /// The caller spoke for at least this long, in milliseconds.
    pub utterance_at_least: Option<u64>,
}

/// What is said, and whether the conversation ends with it. An answer that ends it cannot be interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Clips, in order.
    pub say: Vec<usize>,
    /// The exit taken once they were heard.
    pub exit: Option<Arc<str>>,
}

/// What happens while the caller says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    /// After how long, counted from the last sound of either side.
    pub after: u64,
    /// What is said then; without it the first wait is the last.
    pub clip: Option<usize>,
    /// How often it is said before the exit is taken instead.
    pub times: u32,
    /// The exit.
    pub exit: Arc<str>,
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            after: 8000,
            clip: None,
            times: 3,
            exit: "no_reply".into(),
        }
    }
}

/// Why a script cannot be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptError {
    /// A clip is named that is not there.
    NoSuchClip { clip: usize, clips: usize },
    /// A clip has no sound.
    EmptyClip { clip: usize },
    /// An answer neither says anything nor ends the conversation: the caller would hear silence.
    SilentAnswer,
    /// The silence that ends an utterance is outside of 300 to 600 ms.
    EndOfTurn { millis: u64 },
    /// A wait of no length.
    NoWait { name: &'static str },
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchClip { clip, clips } => {
                write!(f, "clip {clip} is named, and there are {clips}")
            }
            Self::EmptyClip { clip } => write!(f, "clip {clip} has no sound"),
            Self::SilentAnswer => write!(f, "an answer neither says anything nor ends the conversation"),
            Self::EndOfTurn { millis } => {
                write!(
                    f,
                    "an utterance would end after {millis} ms of silence; 300 to 600 are possible"
                )
            }
            Self::NoWait { name } => write!(f, "`{name}` is a wait of no length"),
        }
    }
}

impl std::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_holds_answers() {
        let answer = |clip| Answer {
            say: vec![clip],
            exit: None,
        };
        let rule = |turn, digits: Option<&str>, utterance_at_least, clip| Rule {
            when: Match {
                turn,
                digits: digits.map(str::to_owned),
                utterance_at_least,
            },
            answer: answer(clip),
        };
        let mut script = Script::new(answer(9));
        script.rules = vec![
            rule(Some(1), None, Some(1000), 1),
            rule(None, Some("5"), None, 2),
            rule(None, None, Some(300), 3),
        ];
        let cases = [
            ((1, "", Some(1000)), 1),
            ((2, "", Some(1000)), 3),
            ((1, "5", None), 2),
            ((1, "", Some(299)), 9),
            ((1, "6", None), 9),
        ];
        for ((turn, keys, spoken), clip) in cases {
            assert_eq!(
                script.answer_to(turn, keys, spoken).say,
                [clip],
                "{turn} {keys:?} {spoken:?}"
            );
        }
    }

    #[test]
    fn each_fault_is_named_and_a_good_script_passes() {
        let clips = [Clip::new(vec![0; 160], "hello"), Clip::new(vec![], "nothing")];
        let good = Script::new(Answer {
            say: vec![0],
            exit: None,
        });
        assert_eq!(good.check(&clips), Ok(()));
        let with = |change: fn(&mut Script)| {
            let mut script = good.clone();
            change(&mut script);
            script.check(&clips)
        };
        let cases = [
            (with(|s| s.otherwise.say.clear()), ScriptError::SilentAnswer),
            (
                with(|s| s.otherwise.say.push(2)),
                ScriptError::NoSuchClip { clip: 2, clips: 2 },
            ),
            (with(|s| s.idle.clip = Some(1)), ScriptError::EmptyClip { clip: 1 }),
            (with(|s| s.end_of_turn = 299), ScriptError::EndOfTurn { millis: 299 }),
            (with(|s| s.idle.after = 0), ScriptError::NoWait { name: "idle.after" }),
            (
                with(|s| {
                    s.rules.push(Rule {
                        when: Match::default(),
                        answer: Answer::default(),
                    })
                }),
                ScriptError::SilentAnswer,
            ),
        ];
        for (result, expected) in cases {
            assert_eq!(result, Err(expected));
        }
    }
}
