//! The caller's script: what the person on the line does, in order, and its form on the command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What the caller does, step after step. After the last step the caller listens until the call ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The steps in order.
    pub steps: Vec<Step>,
}

/// One thing the caller does or waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Waits this long after the step before.
    Wait(Duration),
    /// Waits until something is heard.
    AwaitSound,
    /// Waits until something was heard and has been over for half a second.
    AwaitPromptEnd,
    /// Waits until something was heard and has been over for 700 ms: the turn is the caller's.
    AwaitTurn,
    /// Waits until the engine has been speaking for so long, and speaks still.
    AwaitSpeaking(Duration),
    /// Waits until the carrier begins this verb (`Record`, `Gather`, …).
    AwaitVerb(String),
    /// Speaks.
    Speak(Speech),
    /// Shows that the caller listens, with "mm-hm" or the like; the engine is to go on.
    Backchannel(Speech),
    /// Presses keys: `0-9 * # A-D`, with `w` for half a second and `W` for a second between them.
    Keys(String),
    /// Hangs up.
    HangUp,
}

/// What is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// These words, as speech-like noise of a fitting length (about 14 characters a second).
    Words(String),
    /// Speech-like noise of this length.
    Noise(Duration),
    /// A sound file. `words` is what a speech recogniser would make of it.
    File {
        /// WAV or another format that the engine's decoder reads.
        path: PathBuf,
        /// What is said in it; may be empty.
        words: String,
    },
    /// Mu-law samples (8000 Hz, mono).
    Sound {
        /// The samples.
        mulaw: Vec<u8>,
        /// What is said in them; may be empty.
        words: String,
    },
}

impl Script {
    /// A caller who says nothing and stays until the call ends.
    #[must_use]
    pub fn silent() -> Self {
        Self::default()
    }
}

/// Which part of a script cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptError {
    /// No step begins like this.
    UnknownStep(String),
    /// The text after `wait` or `after` is neither a time nor something to wait for.
    BadWait(String),
    /// `keys` holds something that is no key.
    BadKeys(String),
    /// `speak` or `backchannel` has nothing to say.
    NothingToSay,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownStep(text) => write!(
                f,
                "`{text}` is no step of a caller; use `wait 2s`, `wait prompt`, `speak FILE.wav`, \
                 `speak WORDS`, `interrupt after 1s`, `backchannel WORDS`, `keys 12#`, `silent 3s` or `hangup`"
            ),
            Self::BadWait(text) => write!(
                f,
                "`{text}` is nothing to wait for; use a time such as `2s`, or `prompt`, `turn`, `sound`, \
                 `speaking 1s`, `verb Record`"
            ),
            Self::BadKeys(text) => write!(f, "`{text}` holds something that is no key; use 0-9, *, #, w, W"),
            Self::NothingToSay => f.write_str("`speak` and `backchannel` need a file or words"),
        }
    }
}

impl std::error::Error for ScriptError {}

impl FromStr for Script {
    type Err = ScriptError;

    /// Reads `wait 2s; speak hello.wav; keys 1; hangup`. Steps are separated by `;` or line ends.
    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut steps = Vec::new();
        for part in text.split([';', '\n']).map(str::trim) {
            if !part.is_empty() {
                read_step(part, &mut steps)?;
            }
        }
        Ok(Self { steps })
    }
}

/// A time such as `2s`, `1.5s`, `300ms`, `1m` or plain seconds; `None` when the text is none.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    let value: f64 = number.trim().parse().ok()?;
    Duration::try_from_secs_f64(value * seconds).ok()
}

fn read_step(part: &str, steps: &mut Vec<Step>) -> Result<(), ScriptError> {
    let (word, rest) = part
        .split_once(char::is_whitespace)
        .map_or((part, ""), |(word, rest)| (word, rest.trim()));
    match word {
        "wait" | "after" => steps.push(read_wait(rest)?),
        "on_prompt_end" => {
            steps.push(Step::AwaitPromptEnd);
            if !rest.is_empty() {
                read_step(rest, steps)?;
            }
        }
        "silent" if rest.is_empty() => {}
        "silent" => steps.push(read_wait(rest)?),
        "speak" | "say" => steps.push(Step::Speak(read_speech(rest)?)),
        "backchannel" => steps.push(Step::Backchannel(read_speech(rest)?)),
        "interrupt" => steps.push(read_interruption(rest)?),
        "keys" | "press" => steps.push(Step::Keys(read_keys(rest)?)),
        "hangup" => steps.push(Step::HangUp),
        "hang" if rest == "up" => steps.push(Step::HangUp),
        _ => return Err(ScriptError::UnknownStep(part.to_owned())),
    }
    Ok(())
}

fn read_wait(rest: &str) -> Result<Step, ScriptError> {
    if let Some(time) = parse_duration(rest) {
        return Ok(Step::Wait(time));
    }
    match rest.split_once(char::is_whitespace) {
        None if rest == "prompt" => Ok(Step::AwaitPromptEnd),
        None if rest == "turn" => Ok(Step::AwaitTurn),
        None if rest == "sound" => Ok(Step::AwaitSound),
        Some(("speaking", time)) => read_speaking(time),
        Some(("verb", name)) => Ok(Step::AwaitVerb(name.trim().to_owned())),
        _ => Err(ScriptError::BadWait(rest.to_owned())),
    }
}

fn read_interruption(rest: &str) -> Result<Step, ScriptError> {
    match rest.split_once(char::is_whitespace) {
        Some(("after", time)) => read_speaking(time),
        _ => Err(ScriptError::BadWait(rest.to_owned())),
    }
}

fn read_speaking(time: &str) -> Result<Step, ScriptError> {
    parse_duration(time)
        .map(Step::AwaitSpeaking)
        .ok_or_else(|| ScriptError::BadWait(time.to_owned()))
}

fn read_speech(rest: &str) -> Result<Speech, ScriptError> {
    let (file, words) = rest
        .split_once(" as ")
        .map_or((rest, ""), |(file, words)| (file.trim(), words.trim()));
    let is_file = [".wav", ".mp3", ".ulaw"]
        .iter()
        .any(|end| unquote(file).to_ascii_lowercase().ends_with(end));
    if is_file {
        return Ok(Speech::File {
            path: PathBuf::from(unquote(file)),
            words: unquote(words).to_owned(),
        });
    }
    if rest.starts_with(|c: char| c.is_ascii_digit())
        && let Some(time) = parse_duration(rest)
    {
        return Ok(Speech::Noise(time));
    }
    match unquote(rest) {
        "" => Err(ScriptError::NothingToSay),
        words => Ok(Speech::Words(words.to_owned())),
    }
}

fn read_keys(rest: &str) -> Result<String, ScriptError> {
    let keys = unquote(rest);
    let known = |key: char| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D' | 'w' | 'W');
    if keys.is_empty() || !keys.chars().all(known) {
        return Err(ScriptError::BadKeys(rest.to_owned()));
    }
    Ok(keys.to_owned())
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_form_on_the_command_line() {
        let script: Script = "wait 1.5s; on_prompt_end keys \"12#\"; wait prompt\nwait sound; wait verb Record; \
             speak hello.wav as good morning; speak 2s; speak \"two words\"; silent 300ms; wait turn; \
             interrupt after 1.5s; wait speaking 2s; backchannel mm-hm; hang up; silent"
            .parse()
            .expect("all steps are known");
        assert_eq!(
            script.steps,
            [
                Step::Wait(Duration::from_millis(1500)),
                Step::AwaitPromptEnd,
                Step::Keys("12#".to_owned()),
                Step::AwaitPromptEnd,
                Step::AwaitSound,
                Step::AwaitVerb("Record".to_owned()),
                Step::Speak(Speech::File {
                    path: "hello.wav".into(),
                    words: "good morning".to_owned()
                }),
                Step::Speak(Speech::Noise(Duration::from_secs(2))),
                Step::Speak(Speech::Words("two words".to_owned())),
                Step::Wait(Duration::from_millis(300)),
                Step::AwaitTurn,
                Step::AwaitSpeaking(Duration::from_millis(1500)),
                Step::AwaitSpeaking(Duration::from_secs(2)),
                Step::Backchannel(Speech::Words("mm-hm".to_owned())),
                Step::HangUp,
            ]
        );
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for (text, part) in [
            ("dance", "is no step of a caller"),
            ("wait long", "nothing to wait for"),
            ("keys 1x", "no key"),
            ("keys", "no key"),
            ("speak", "need a file or words"),
            ("backchannel", "need a file or words"),
            ("interrupt", "nothing to wait for"),
            ("interrupt after a while", "nothing to wait for"),
        ] {
            let error = text.parse::<Script>().expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [("2s", 2000), ("0.3", 300), ("250ms", 250), ("1m", 60_000)] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)));
        }
        for text in ["", "s", "2h", "-1s", "x"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
