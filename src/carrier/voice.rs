//! The caller at work: plays a script beat by beat, reacting to what is heard.

use std::collections::VecDeque;
use std::time::Duration;

use super::caller::{Script, Speech, Step};
use super::ear::{Frame, SILENT, audible};
use super::sounds;
use crate::audio::{mulaw, sound};

/// How long a prompt must be over before the caller believes it.
const PROMPT_OVER: Duration = Duration::from_millis(500);
const BEAT: Duration = Duration::from_millis(mulaw::FRAME_MS);

/// What the caller does in one beat of 20 ms.
#[derive(Debug)]
pub(crate) struct Act {
    /// What comes out of the microphone.
    pub(crate) said: Frame,
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
}

/// A step with its sound at hand.
#[derive(Debug)]
enum Todo {
    Step(Step),
    Speak(Vec<u8>, String),
}

impl Voice {
    /// Reads the script's sound files.
    pub(crate) fn load(script: &Script, seed: u64) -> Result<Self, VoiceError> {
        let mut steps = VecDeque::new();
        for step in &script.steps {
            steps.push_back(match step {
                Step::Speak(speech) => speak(speech, seed)?,
                other => Todo::Step(other.clone()),
            });
        }
        Ok(Self {
            steps,
            speaking: VecDeque::new(),
            words: None,
            keys: VecDeque::new(),
            since: Duration::ZERO,
            heard_since: false,
            quiet: Duration::ZERO,
            verb: None,
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
        act
    }

    fn listen(&mut self, heard: &Frame) {
        self.since += BEAT;
        if audible(heard) {
            self.heard_since = true;
            self.quiet = Duration::ZERO;
        } else {
            self.quiet += BEAT;
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
            Some(Todo::Step(Step::AwaitVerb(name))) => self.verb.as_deref() == Some(name.as_str()),
            Some(_) => true,
        };
        if !ready {
            return;
        }
        self.since = Duration::ZERO;
        self.heard_since = false;
        match self.steps.pop_front() {
            Some(Todo::Speak(sound, words)) => {
                act.told = Some(if words.is_empty() {
                    "speaks".to_owned()
                } else {
                    format!("says \"{words}\"")
                });
                self.speaking = sound.into();
                self.words = Some(words);
            }
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

fn speak(speech: &Speech, seed: u64) -> Result<Todo, VoiceError> {
    Ok(match speech {
        Speech::Words(words) => Todo::Speak(sounds::speechlike(sounds::speaking_time(words), seed), words.clone()),
        Speech::Noise(length) => Todo::Speak(sounds::speechlike(*length, seed), String::new()),
        Speech::Sound { mulaw, words } => Todo::Speak(mulaw.clone(), words.clone()),
        Speech::File { path, words } => {
            let bytes = std::fs::read(path).map_err(|error| VoiceError::Unreadable(path.clone(), error))?;
            let sound = sound::decode(&bytes).map_err(|error| VoiceError::NotSound(path.clone(), error))?;
            Todo::Speak(sound, words.clone())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(script: &str) -> Voice {
        Voice::load(&script.parse().expect("a script"), 1).expect("no files")
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
    fn a_missing_file_is_named() {
        let error = Voice::load(&"speak /nowhere/a.wav".parse().expect("a script"), 1).expect_err("no such file");
        assert!(error.to_string().contains("/nowhere/a.wav"));
    }
}
