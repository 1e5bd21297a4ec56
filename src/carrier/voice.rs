//! The caller at work: plays a script beat by beat, reacting to what is heard.

use std::collections::VecDeque;
use std::time::Duration;

use super::ear::{Frame, SILENT, audible};
use super::noise::{Hiss, Noise};
use super::notes::Notes;
use super::sounds;
use crate::audio::{mulaw, sound};
use crate::phone::script::{Script, Speech, Step};
use crate::score::{Kind, Label};

/// How long a prompt must be over before the caller believes it.
const PROMPT_OVER: Duration = Duration::from_millis(500);
/// How long the engine must be silent before the caller takes the turn.
const TURN_OVER: Duration = Duration::from_millis(700);
/// A shorter pause does not end the engine's speech.
const BREATH: Duration = Duration::from_millis(300);
const BEAT: Duration = Duration::from_millis(mulaw::FRAME_MS);

/// What the caller does in one beat of 20 ms.
#[derive(Debug)]
pub(crate) struct Act {
    /// What comes out of the microphone.
    pub(crate) said: Frame,
    /// Whether the caller can be heard in it, and not only the line's noise.
    pub(crate) voiced: bool,
    /// The key pressed, at its beginning.
    pub(crate) key: Option<char>,
    /// The words just finished, as a recogniser would write them down; empty for noise.
    pub(crate) words: Option<String>,
    /// The caller hangs up.
    pub(crate) hangs_up: bool,
    /// Something worth telling, at its beginning.
    pub(crate) told: Option<String>,
}

/// Why a script cannot be played.
#[derive(Debug)]
pub enum VoiceError {
    /// A sound file cannot be read.
    Unreadable(std::path::PathBuf, std::io::Error),
    /// A sound file is in no format that is understood.
    NotSound(std::path::PathBuf, sound::SoundError),
}

impl std::fmt::Display for VoiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read the sound file `{}`: {error}", path.display()),
            Self::NotSound(path, error) => {
                write!(f, "`{}` is no sound file: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for VoiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            Self::NotSound(_, error) => Some(error),
        }
    }
}

/// A script on its way.
#[derive(Debug)]
pub(crate) struct Voice {
    steps: VecDeque<Todo>,
    /// Sound on its way out.
    speaking: VecDeque<u8>,
    /// What is reported once that sound is out.
    words: Option<String>,
    keys: VecDeque<char>,
    since: Duration,
    heard_since: bool,
    quiet: Duration,
    verb: Option<String>,
    /// How long the engine has been speaking.
    heard_for: Duration,
    /// What is said next begins over the engine's speech on purpose.
    interrupts: bool,
    beats: u64,
    notes: Notes,
    noise: Option<Hiss>,
}

/// A step with its sound at hand.
#[derive(Debug)]
enum Todo {
    Step(Step),
    Speak(Vec<u8>, String),
    Backchannel(Vec<u8>, String),
}

impl Voice {
    /// Reads the script's sound files, and puts noise under everything where that is wanted.
    pub(crate) fn load(script: &Script, noise: Option<Noise>, seed: u64) -> Result<Self, VoiceError> {
        let mut steps = VecDeque::new();
        for step in &script.steps {
            steps.push_back(match step {
                Step::Speak(speech) => {
                    let (sound, words) = load(speech, seed)?;
                    Todo::Speak(sound, words)
                }
                Step::Backchannel(speech) => {
                    let (sound, words) = load(speech, seed)?;
                    Todo::Backchannel(sound, words)
                }
                other => Todo::Step(other.clone()),
            });
        }
        let noise = noise.map(|noise| {
            let spoken = steps.iter().filter_map(|step| match step {
                Todo::Speak(sound, _) | Todo::Backchannel(sound, _) => Some(sound.as_slice()),
                Todo::Step(_) => None,
            });
            Hiss::new(noise, spoken, seed)
        });
        Ok(Self {
            steps,
            speaking: VecDeque::new(),
            words: None,
            keys: VecDeque::new(),
            since: Duration::ZERO,
            heard_since: false,
            quiet: Duration::ZERO,
            verb: None,
            heard_for: Duration::ZERO,
            interrupts: false,
            beats: 0,
            notes: Notes::default(),
            noise,
        })
    }

    /// Tells the caller that the carrier began a verb.
    pub(crate) fn verb_started(&mut self, name: &str) {
        self.verb = Some(name.to_owned());
    }

    /// The words that the caller is saying right now; empty for noise.
    pub(crate) fn saying(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// Whether the caller is speaking right now.
    pub(crate) fn is_speaking(&self) -> bool {
        self.words.is_some()
    }

    /// The next 20 ms, having heard `heard` in them.
    pub(crate) fn beat(&mut self, heard: &Frame) -> Act {
        self.listen(heard);
        let mut act = Act {
            said: SILENT,
            voiced: false,
            key: None,
            words: None,
            hangs_up: false,
            told: None,
        };
        if self.speaking.is_empty() {
            self.begin(&mut act);
        }
        if self.speaking.is_empty()
            && let Some(key) = self.keys.pop_front()
        {
            self.press(key, &mut act);
        }
        if !self.speaking.is_empty() || !self.keys.is_empty() {
            // What is waited for next counts from the end of this.
            self.since = Duration::ZERO;
            self.heard_since = false;
        }
        for sample in &mut act.said {
            match self.speaking.pop_front() {
                Some(code) => *sample = code,
                None => break,
            }
        }
        if self.speaking.is_empty() {
            act.words = self.words.take();
        }
        act.voiced = audible(&act.said);
        if let Some(noise) = &mut self.noise {
            noise.add(&mut act.said);
        }
        self.beats += 1;
        act
    }

    /// What the caller did, and when, from the first beat on.
    pub(crate) fn into_labels(self) -> Vec<Label> {
        self.notes.into_labels()
    }

    fn listen(&mut self, heard: &Frame) {
        self.since += BEAT;
        if audible(heard) {
            self.heard_since = true;
            self.quiet = Duration::ZERO;
            self.heard_for += BEAT;
        } else {
            self.quiet += BEAT;
            if self.quiet >= BREATH {
                self.heard_for = Duration::ZERO;
            } else if !self.heard_for.is_zero() {
                self.heard_for += BEAT;
            }
        }
    }

    /// Begins the next step if its time has come.
    fn begin(&mut self, act: &mut Act) {
        if !self.keys.is_empty() {
            return;
        }
        let ready = match self.steps.front() {
            None => false,
            Some(Todo::Step(Step::Wait(time))) => self.since >= *time,
            Some(Todo::Step(Step::AwaitSound)) => self.quiet.is_zero(),
            Some(Todo::Step(Step::AwaitPromptEnd)) => self.heard_since && self.quiet >= PROMPT_OVER,
            Some(Todo::Step(Step::AwaitTurn)) => self.heard_since && self.quiet >= TURN_OVER,
            Some(Todo::Step(Step::AwaitSpeaking(time))) => self.quiet.is_zero() && self.heard_for >= *time,
            Some(Todo::Step(Step::AwaitVerb(name))) => self.verb.as_deref() == Some(name.as_str()),
            Some(_) => true,
        };
        if !ready {
            return;
        }
        self.since = Duration::ZERO;
        self.heard_since = false;
        let step = self.steps.pop_front();
        if !matches!(
            step,
            Some(Todo::Speak(..) | Todo::Backchannel(..) | Todo::Step(Step::Wait(_)))
        ) {
            self.notes.acts();
        }
        match step {
            Some(Todo::Speak(sound, words)) => {
                act.told = Some(if words.is_empty() {
                    "speaks".to_owned()
                } else {
                    format!("says \"{words}\"")
                });
                let kind = if self.interrupts {
                    Kind::Interruption
                } else {
                    Kind::Turn
                };
                self.say(sound, words, kind);
            }
            Some(Todo::Backchannel(sound, words)) => {
                act.told = Some(format!("murmurs \"{words}\""));
                self.say(sound, words, Kind::Backchannel);
            }
            Some(Todo::Step(Step::AwaitSpeaking(_))) => self.interrupts = true,
            Some(Todo::Step(Step::Keys(keys))) => {
                act.told = Some(format!("presses {keys}"));
                self.keys = keys.chars().collect();
            }
            Some(Todo::Step(Step::HangUp)) => {
                act.told = Some("hangs up".to_owned());
                act.hangs_up = true;
            }
            _ => {}
        }
    }

    fn say(&mut self, sound: Vec<u8>, words: String, kind: Kind) {
        self.interrupts = false;
        self.notes.speaks(self.beats * mulaw::FRAME_MS, &sound, kind, &words);
        self.speaking = sound.into();
        self.words = Some(words);
    }

    fn press(&mut self, key: char, act: &mut Act) {
        self.speaking = match key {
            'w' => sounds::silence(Duration::from_millis(500)),
            'W' => sounds::silence(Duration::from_secs(1)),
            key => {
                act.key = Some(key);
                sounds::key(key)
            }
        }
        .into();
    }
}

/// The sound of a speech and the words in it.
fn load(speech: &Speech, seed: u64) -> Result<(Vec<u8>, String), VoiceError> {
    Ok(match speech {
        Speech::Words(words) => (sounds::speechlike(sounds::speaking_time(words), seed), words.clone()),
        Speech::Noise(length) => (sounds::speechlike(*length, seed), String::new()),
        Speech::Sound { mulaw, words } => (mulaw.clone(), words.clone()),
        Speech::File { path, words } => {
            let bytes = std::fs::read(path).map_err(|error| VoiceError::Unreadable(path.clone(), error))?;
            let sound = sound::decode(&bytes).map_err(|error| VoiceError::NotSound(path.clone(), error))?;
            (sound, words.clone())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(script: &str) -> Voice {
        Voice::load(&script.parse().expect("a script"), None, 1).expect("no files")
    }

    #[test]
    fn a_script_is_played_in_its_time() {
        let mut voice = voice("wait 100ms; keys 1w2; speak 100ms; wait 200ms; hangup");
        let mut log = Vec::new();
        for beat in 0..100 {
            let act = voice.beat(&SILENT);
            if let Some(key) = act.key {
                log.push(format!("{beat} {key}"));
            }
            if act.words.is_some() {
                log.push(format!("{beat} spoke"));
            }
            if act.hangs_up {
                log.push(format!("{beat} up"));
                break;
            }
        }
        // 200 ms for a key, 500 ms for `w`: beats of 20 ms.
        assert_eq!(log, ["5 1", "40 2", "54 spoke", "65 up"]);
    }

    #[test]
    fn the_caller_waits_for_the_end_of_a_prompt() {
        let loud: Frame = [0; mulaw::FRAME];
        let mut voice = voice("wait prompt; hangup");
        for _ in 0..200 {
            assert!(!voice.beat(&SILENT).hangs_up);
        }
        assert!(!voice.beat(&loud).hangs_up);
        let over = (0..100).position(|_| voice.beat(&SILENT).hangs_up);
        assert!(matches!(over, Some(24..=26)), "{over:?}");
    }

    #[test]
    fn the_caller_interrupts_and_listens_over_the_engines_speech() {
        let loud: Frame = [0; mulaw::FRAME];
        let mut voice = voice("interrupt after 1s; speak 500ms; wait 400ms; speak 500ms; wait turn; backchannel 1s");
        let mut begun = Vec::new();
        for beat in 0..300u32 {
            // The engine speaks from 1 s to 3.4 s, with a breath of 200 ms, then again from 4 s to 5 s.
            let speaks = matches!(beat, 50..=79 | 90..=169 | 200..=249);
            let act = voice.beat(if speaks { &loud } else { &SILENT });
            begun.extend(act.told.map(|_| beat));
        }
        assert_eq!(
            begun,
            [100, 145, 285],
            "a second with its breath; 700 ms after the last sound; each step takes a beat"
        );
        let labels: Vec<_> = voice
            .into_labels()
            .iter()
            .map(|label| (label.kind, label.from_ms, label.to_ms))
            .collect();
        assert_eq!(
            labels,
            [
                (Kind::Interruption, 2000, 2500),
                (Kind::Pause, 2500, 2900),
                (Kind::Turn, 2900, 3400),
                (Kind::Backchannel, 5700, 6700),
            ]
        );
    }

    #[test]
    fn noise_lies_under_everything_and_is_not_taken_for_the_caller() {
        let script = "wait 200ms; speak 200ms".parse().expect("a script");
        let mut voice = Voice::load(&script, Some("10db".parse().expect("a noise")), 1).expect("no files");
        let acts: Vec<Act> = (0..30).map(|_| voice.beat(&SILENT)).collect();
        assert!(acts.iter().all(|act| audible(&act.said)));
        assert_eq!(acts.iter().filter(|act| act.voiced).count(), 10);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Voice::load(&"speak /nowhere/a.wav".parse().expect("a script"), None, 1).expect_err("no such file");
        assert!(error.to_string().contains("/nowhere/a.wav"));
    }
}
