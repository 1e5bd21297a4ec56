//! What an agent is to do: plain data with a sensible value for everything, checked once before a call is given to it.
//! Times are milliseconds.

use super::fault::PlanError;
use super::line::Line;
use super::parameters::Parameters;
use super::words;
use crate::audio::vad::VadConfig;
use crate::talk::Clip;
use std::sync::Arc;

/// The whole behaviour of an agent, apart from what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// When the caller's turn is over.
    pub listen: Listening,
    /// When the caller may cut an answer off.
    pub barge_in: BargeIn,
    /// Said first, and once.
    pub greeting: Option<Greeting>,
    /// What happens while the caller says nothing.
    pub idle: Idle,
    /// How long nothing had been heard when the conversation began: the caller has waited for so long already.
    pub quiet_before: u64,
    /// About how long the carrier speaks from the conversation's beginning: until then the caller does not wait.
    pub welcome: u64,
    /// What is said while the caller waits.
    pub filler: Filler,
    /// Said before the conversation fails, where it still can be.
    pub sorry: Option<Line>,
    /// How long providers are waited for.
    pub waits: Waits,
    /// The longest time in which nothing is heard while the caller waits for the agent; then the conversation has failed.
    /// The contract's 8 s, less the second that the fallback takes to be heard.
    pub reply: u64,
    /// How keys become a turn.
    pub keys: KeyEntry,
    /// The conversation ends after this, at the next pause. 15 minutes; elsewhere 5 to 10.
    pub longest: u64,
    /// The exit of a conversation that was too long.
    pub longest_exit: Arc<str>,
    /// Said before that.
    pub longest_line: Option<Line>,
    /// How the agent notices that it hears or repeats itself.
    pub echo: Echo,
    /// What the model may wish for.
    pub actions: Vec<Action>,
    /// Thinking begins at a pause that may turn out to be none; what comes of it waits until the turn is over.
    pub eager: bool,
    /// Somebody turns the caller's speech into words. Without, every turn of speech has no words and is answered
    /// all the same.
    pub transcribes: bool,
    /// What the model reads in place of a turn without words.
    pub unheard: Arc<str>,
    /// How often the model may think within one turn: once, and after each action.
    pub rounds: u32,
    /// How often in a row its wishes may be faulty before the answer has failed.
    pub mistakes: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            listen: Listening::default(),
            barge_in: BargeIn::default(),
            greeting: None,
            idle: Idle::default(),
            quiet_before: 0,
            welcome: 0,
            filler: Filler::default(),
            sorry: None,
            waits: Waits::default(),
            reply: 7000,
            keys: KeyEntry::default(),
            longest: 15 * 60_000,
            longest_exit: "completed".into(),
            longest_line: None,
            echo: Echo::default(),
            actions: Vec::new(),
            eager: false,
            transcribes: true,
            unheard: "(inaudible)".into(),
            rounds: 5,
            mistakes: 2,
        }
    }
}

impl Plan {
    /// Whether an agent can follow this with these clips. Errors: the first fault found.
    pub fn check(&self, clips: &[Clip]) -> Result<(), PlanError> {
        let greeting = self.greeting.as_ref().map(|greeting| &greeting.line);
        let says = self.actions.iter().filter_map(|action| action.say.as_ref());
        let fillers = self.filler.line.iter().chain(&self.filler.action);
        let others = self.idle.line.iter().chain(&self.sorry).chain(&self.longest_line);
        for line in greeting.into_iter().chain(says).chain(fillers).chain(others) {
            line.check(clips)?;
        }
        if !(300..=600).contains(&self.listen.silence) {
            return Err(PlanError::Silence {
                millis: self.listen.silence,
            });
        }
        if self.barge_in.confirm_after < self.barge_in.pause_after {
            return Err(PlanError::BargeIn {
                pause_after: self.barge_in.pause_after,
                confirm_after: self.barge_in.confirm_after,
            });
        }
        if !(0.0..=1.0).contains(&self.echo.similar) {
            return Err(PlanError::Similar);
        }
        let waits = [
            ("listen.longest_turn", self.listen.longest_turn),
            ("listen.hard", self.listen.hard),
            ("idle.after", self.idle.after),
            ("filler.after", self.filler.after),
            ("filler.again", self.filler.again),
            ("waits.transcript", self.waits.transcript),
            ("waits.first_token", self.waits.first_token),
            ("waits.first_audio", self.waits.first_audio),
            ("reply", self.reply),
            ("keys.between", self.keys.between),
            ("barge_in.resume_after", self.barge_in.resume_after),
            ("longest", self.longest),
            ("rounds", u64::from(self.rounds)),
        ];
        if let Some((name, _)) = waits.into_iter().find(|(_, millis)| *millis == 0) {
            return Err(PlanError::NoWait { name });
        }
        for (index, action) in self.actions.iter().enumerate() {
            if action.timeout == 0 {
                return Err(PlanError::NoWait {
                    name: "actions.timeout",
                });
            }
            if self.actions[..index].iter().any(|other| other.name == action.name) {
                return Err(PlanError::SameAction {
                    name: action.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// The words that are always the same, for whoever prepares them.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let greeting = self.greeting.iter().map(|greeting| &greeting.line);
        let fillers = self.filler.line.iter().chain(&self.filler.action);
        let others = self.idle.line.iter().chain(&self.sorry).chain(&self.longest_line);
        let says = self.actions.iter().filter_map(|action| action.say.as_ref());
        let lines = greeting.chain(fillers).chain(others).chain(says);
        lines.filter(|line| line.clip.is_none()).map(|line| &*line.text)
    }

    /// When a caller who says nothing since then is spoken to, in a conversation that began then.
    pub(in crate::talk) fn idle_due(&self, since: u64, began: u64) -> u64 {
        let (waited, welcome) = match (since == began, self.welcome) {
            (true, 0) => (self.quiet_before, 0),
            (true, welcome) => (0, welcome),
            (false, _) => (0, 0),
        };
        let waits = self.idle.after.saturating_sub(waited).saturating_add(welcome);
        since.saturating_add(waits)
    }

    pub(super) fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| &*action.name == name)
    }
}

/// When the caller's turn is over. The silence that ends it depends on what was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Listening {
    /// The silence that ends a turn where nothing speaks for more or less; 300 to 600. The contract's range; 500 as OpenAI.
    pub silence: u64,
    /// The silence that ends a turn where the listener is sure of it; never more than `silence`. The lower end of that
    /// range. A full stop alone shortens nothing: recognisers set one at every pause.
    pub complete: u64,
    /// The silence that ends digits: people pause between groups. Conversations measured at 8 kHz: 500 to 800.
    pub digits: u64,
    /// The silence that ends half a sentence: after a comma, a conjunction, an "um".
    pub unfinished: u64,
    /// The silence that ends everything. LiveKit's and Pipecat's 3 s.
    pub hard: u64,
    /// Less speech than this, without a word, is noise and gets no answer.
    pub shortest: u64,
    /// A turn is taken as over after this, though the caller goes on.
    pub longest_turn: u64,
    /// How speech is told from noise.
    pub activity: VadConfig,
}

impl Default for Listening {
    fn default() -> Self {
        Self {
            silence: 500,
            complete: 300,
            digits: 800,
            unfinished: 1500,
            hard: 3000,
            shortest: 300,
            longest_turn: 60_000,
            activity: VadConfig::default(),
        }
    }
}

/// When the caller cuts an answer off: first it is paused, then given up. Where both take equally long, it is one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BargeIn {
    /// Whether at all; a key still does.
    pub allowed: bool,
    /// Speech over an answer that pauses it. Measured: "yeah" and "mm-hm" last 250 to 370 ms, and the activity hears the
    /// end of a sound some 60 ms late; a pause that turns out to be for nothing costs half a second.
    pub pause_after: u64,
    /// Speech over an answer that ends it, whatever its words. It is paused by then, so that nobody waits for this; "okay"
    /// and "I see" last half a second.
    pub confirm_after: u64,
    /// So many words end it sooner; 0 for never by words.
    pub words: u32,
    /// Speech in the first part of an answer does not count: it is the caller's last word, or an echo.
    pub ignore_first: u64,
    /// A paused answer goes on after this, where nothing came of the interruption. LiveKit's 2 s.
    pub resume_after: u64,
    /// Any of these ends an answer at once.
    pub stop: Vec<Arc<str>>,
    /// What listeners say without wanting the turn; nothing but these ends no answer.
    pub backchannels: Vec<Arc<str>>,
}

impl Default for BargeIn {
    fn default() -> Self {
        let all = |words: &[&str]| words.iter().map(|&word| word.into()).collect();
        Self {
            allowed: true,
            pause_after: 400,
            confirm_after: 800,
            words: 1,
            ignore_first: 500,
            resume_after: 2000,
            stop: all(words::STOP),
            backchannels: all(words::BACKCHANNELS),
        }
    }
}

/// The first thing said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// What.
    pub line: Line,
    /// Whether the caller may speak over it.
    pub interruptible: bool,
}

/// What happens while the caller says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    /// After how long, counted from the last sound of either side. Vapi 7.5 s, Bolna 10 s.
    pub after: u64,
    /// What is said then; without it the first wait is the last.
    pub line: Option<Line>,
    /// How often it is said before the exit is taken instead. Vapi's 3.
    pub times: u32,
    /// The exit.
    pub exit: Arc<str>,
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            after: 8000,
            line: None,
            times: 3,
            exit: "no_reply".into(),
        }
    }
}

/// What is said while the caller waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filler {
    /// Said once per turn where nothing is heard for this long.
    pub after: u64,
    /// What is said then.
    pub line: Option<Line>,
    /// What is said where an action takes time and says nothing of its own.
    pub action: Option<Line>,
    /// That is said again after so much silence.
    pub again: u64,
}

impl Default for Filler {
    fn default() -> Self {
        Self {
            after: 800,
            line: None,
            action: None,
            again: 7000,
        }
    }
}

/// How long providers are waited for. The figures of Pipecat and Bolna; an answer aims at 3 s in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For the caller's words, after the end of the turn.
    pub transcript: u64,
    /// For the first, and the next, word of the model.
    pub first_token: u64,
    /// For the first, and the next, sound of a voice.
    pub first_audio: u64,
}

/// How long a voice is usually waited for, to its first sound, before the next one takes over.
pub const FIRST_SOUND: u64 = 2_000;
/// More than providers may take together: what those who take over from each other need for it.
pub const TAKING_OVER: u64 = 500;

impl Default for Waits {
    fn default() -> Self {
        Self {
            transcript: 2000,
            first_token: 6000,
            first_audio: 3000,
        }
    }
}

/// How keys become a turn. Pipecat waits 2 s, active-call 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEntry {
    /// How long keys are waited for after the last one.
    pub between: u64,
    /// The key that ends them at once.
    pub end: char,
}

impl Default for KeyEntry {
    fn default() -> Self {
        Self {
            between: 3000,
            end: '#',
        }
    }
}

/// How the agent notices that it hears or repeats itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Echo {
    /// The agent's own words come back to it within this, after they were heard.
    pub within: u64,
    /// From which likeness on two texts are the same; 0 to 1.
    pub similar: f32,
    /// So many answers in a row that are like the one before end the conversation; 0 for never.
    pub repeats: u32,
}

impl Default for Echo {
    fn default() -> Self {
        Self {
            within: 1500,
            similar: 0.85,
            repeats: 3,
        }
    }
}

/// Something the model may wish for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The name by which it does.
    pub name: Arc<str>,
    /// What it does.
    pub kind: ActionKind,
    /// What it needs to know.
    pub parameters: Parameters,
    /// How long its result is waited for. 10 s by custom.
    pub timeout: u64,
    /// Said at once where the model itself said nothing.
    pub say: Option<Line>,
}

impl Action {
    /// An action without parameters.
    pub fn new(name: impl Into<Arc<str>>, kind: ActionKind) -> Self {
        Self {
            name: name.into(),
            kind,
            parameters: Parameters::default(),
            timeout: 10_000,
            say: None,
        }
    }
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionKind {
    /// Ends the conversation with this exit, once what was said was heard.
    Exit(Arc<str>),
    /// Gives this variable of the call the arguments as its value.
    Set(Arc<str>),
    /// Somebody performs it, and its result goes to the model.
    Do,
    /// Ends the conversation as completed.
    HangUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_named_and_a_good_plan_passes() {
        let clips = [Clip::new(vec![0; 160], "hello"), Clip::new(vec![], "")];
        assert_eq!(Plan::default().check(&clips), Ok(()));
        let with = |change: fn(&mut Plan)| {
            let mut plan = Plan::default();
            change(&mut plan);
            plan.check(&clips)
        };
        let (pause_after, confirm_after) = (400, 100);
        let cases = [
            (
                with(|p| p.sorry = Some(Line::clip(2))),
                PlanError::NoSuchClip { clip: 2, clips: 2 },
            ),
            (
                with(|p| p.idle.line = Some(Line::clip(1))),
                PlanError::EmptyClip { clip: 1 },
            ),
            (with(|p| p.filler.line = Some(Line::words("…"))), PlanError::EmptyLine),
            (with(|p| p.listen.silence = 601), PlanError::Silence { millis: 601 }),
            (
                with(|p| p.barge_in.confirm_after = 100),
                PlanError::BargeIn {
                    pause_after,
                    confirm_after,
                },
            ),
            (with(|p| p.echo.similar = 1.1), PlanError::Similar),
            (with(|p| p.rounds = 0), PlanError::NoWait { name: "rounds" }),
            (
                with(|p| p.actions = vec![Action::new("a", ActionKind::Do), Action::new("a", ActionKind::HangUp)]),
                PlanError::SameAction { name: "a".into() },
            ),
        ];
        for (result, expected) in cases {
            assert_eq!(result, Err(expected));
        }
    }
}
