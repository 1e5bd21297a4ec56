//! Follows a script by text. One utterance gets one answer, also where it was answered before its end.

use super::utterance::{Utterance, caller_turn, words_of};
use super::{Input, Output, TextTalk, speaking_time, spoken_time};
use crate::talk::keys::Keys;
use crate::talk::playback::{Piece, Playback};
use crate::talk::script::{Script, ScriptError};
use crate::talk::{Clip, End, Role, State, Turn};
use std::sync::Arc;

/// How long past its reckoned end an answer is taken to be on its way: the carrier fetches it first.
const SLACK: u64 = 1000;
/// How long an utterance may stay without a new word before its end is taken for lost.
const STALL: u64 = 3000;

/// A conversation by text that follows a [`Script`].
#[derive(Debug)]
pub struct Relayed {
    script: Arc<Script>,
    lines: Vec<Line>,
    phase: Phase,
    keys: Keys,
    /// The caller's turns so far.
    turns: u32,
    /// Idle prompts since the caller was last heard.
    prompts: u32,
    /// The words of an utterance that was answered though its end had not come.
    answered: Option<String>,
    /// Until when what was said before is reckoned to be heard.
    busy: u64,
    began: u64,
}

/// Something to say.
#[derive(Debug)]
struct Line {
    piece: Piece,
    /// The carrier speaks it; there is no sound.
    is_text: bool,
}

#[derive(Debug)]
enum Phase {
    Waiting,
    Listening {
        since: u64,
        utterance: Option<Utterance>,
    },
    Speaking {
        playback: Playback,
        /// All its words.
        text: String,
        /// When it begins to be heard, and when its end is heard.
        from: u64,
        ends: u64,
        interruptible: bool,
        /// The exit taken when it was heard.
        then: Option<Arc<str>>,
    },
    Over,
}

impl Relayed {
    /// An agent for one call, which says `clips`; one without sound is spoken by the carrier. Errors: the script does
    /// not fit them.
    pub fn new(script: Arc<Script>, clips: &[Clip]) -> Result<Self, ScriptError> {
        let is_text = |clip: &Clip| clip.ulaw.is_empty() && !clip.text.trim().is_empty();
        let sounding: Vec<Clip> = clips
            .iter()
            .map(|clip| match is_text(clip) {
                true => Clip::new(vec![0xFF], clip.text.clone()),
                false => clip.clone(),
            })
            .collect();
        script.check(&sounding)?;
        let lines = clips
            .iter()
            .map(|clip| Line {
                is_text: is_text(clip),
                piece: Piece {
                    text: clip.text.clone(),
                    millis: if is_text(clip) {
                        speaking_time(&clip.text)
                    } else {
                        clip.millis()
                    },
                },
            })
            .collect();
        Ok(Self {
            script,
            lines,
            phase: Phase::Waiting,
            keys: Keys::default(),
            turns: 0,
            prompts: 0,
            answered: None,
            busy: 0,
            began: 0,
        })
    }
}

impl TextTalk for Relayed {
    fn handle(&mut self, now: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Started => self.start(now, out),
            Input::Prompt { words, last } => self.hear(now, words.trim(), last, out),
            Input::Signal(_) => {}
            Input::Interrupted { heard, ms } => self.interrupted(now, heard, ms, out),
            Input::Digit(key) => self.key(now, key, out),
            Input::Tick => {}
            Input::Stopped => return self.stop(now, out),
        }
        while self.pass_time(now, out) {}
    }

    fn deadline(&self) -> Option<u64> {
        match &self.phase {
            Phase::Waiting | Phase::Over => None,
            Phase::Speaking { ends, .. } => Some(ends + SLACK),
            Phase::Listening { .. } if self.keys.any() => Some(self.keys.last + self.script.between_keys),
            Phase::Listening {
                utterance: Some(utterance),
                ..
            } => Some(self.utterance_limit(utterance)),
            Phase::Listening { since, utterance: None } => Some(
                self.script
                    .idle_due(*since, self.began)
                    .min(self.began + self.script.longest),
            ),
        }
    }
}

impl Relayed {
    fn start(&mut self, now: u64, out: &mut Vec<Output>) {
        if !matches!(self.phase, Phase::Waiting) {
            return;
        }
        (self.began, self.busy) = (now, now.saturating_add(self.script.welcome));
        match self.script.greeting {
            Some(greeting) => self.speak(now, &[greeting.clip], greeting.interruptible, None, out),
            None => self.listen(now, None, out),
        }
    }

    fn hear(&mut self, now: u64, words: &str, last: bool, out: &mut Vec<Output>) {
        if self.was_answered(words, last) {
            return;
        }
        match &mut self.phase {
            Phase::Waiting | Phase::Over | Phase::Speaking { then: Some(_), .. } => {}
            Phase::Speaking { ends, .. } => {
                // Words that come without an interruption come after the answer: its reckoned end is too late. Before
                // that end they may as well be an echo of it, until they are whole.
                if !words.is_empty() && (last || now >= *ends) {
                    out.push(self.said(now, None));
                    self.listen(now, None, out);
                    self.hear(now, words, last, out);
                }
            }
            Phase::Listening { utterance, .. } => {
                let known = utterance.take();
                let started = known.as_ref().map(|known| known.started);
                let words = match known {
                    // The end of an utterance need not repeat it.
                    Some(known) if words.is_empty() => known.words,
                    _ => words.to_owned(),
                };
                if words.is_empty() {
                    return;
                }
                let reckoned = now.saturating_sub(spoken_time(&words)).max(self.began);
                let whole = Utterance {
                    started: started.unwrap_or(reckoned).min(now),
                    last_word: now,
                    words,
                };
                if last {
                    self.answer(now, Some(whole), out);
                } else {
                    *utterance = Some(whole);
                }
            }
        }
    }

    /// Whether these words go on with an utterance that has its answer.
    fn was_answered(&mut self, words: &str, last: bool) -> bool {
        let goes_on = self
            .answered
            .as_ref()
            .is_some_and(|known| words.starts_with(known.as_str()));
        if !goes_on || last {
            self.answered = None;
        }
        goes_on
    }

    fn interrupted(&mut self, now: u64, heard: &str, ms: Option<u64>, out: &mut Vec<Output>) {
        if let Phase::Listening { since, utterance: None } = &mut self.phase
            && *since == self.began
            && now < self.busy
        {
            // It was the welcome that was stopped: from here the caller waits.
            *since = now.max(self.began + 1);
            self.busy = now;
        }
        let Phase::Speaking {
            text,
            from,
            ends,
            then: None,
            ..
        } = &self.phase
        else {
            return;
        };
        let from = *from;
        let reckoned = now.min(*ends).saturating_sub(from);
        let ms = ms.unwrap_or(reckoned);
        let known = words_of(text, heard);
        out.push(Output::BargeIn { ms });
        out.push(match known {
            Some(words) => self.told(now, words, true),
            None => self.said(now, Some(from + ms.min(reckoned))),
        });
        self.busy = now;
        self.listen(now, None, out);
    }

    fn key(&mut self, now: u64, key: char, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Waiting | Phase::Over => return,
            // The carrier stops an answer at a key by itself.
            Phase::Speaking {
                interruptible: true,
                then: None,
                ..
            } => self.interrupted(now, "", None, out),
            Phase::Speaking { .. } | Phase::Listening { .. } => {}
        }
        self.keys.press(now, key);
    }

    /// Does one thing whose time has come; false when there is none.
    fn pass_time(&mut self, now: u64, out: &mut Vec<Output>) -> bool {
        if self.deadline().is_none_or(|deadline| now < deadline) && !self.has_all_keys() {
            return false;
        }
        match &mut self.phase {
            Phase::Waiting | Phase::Over => return false,
            Phase::Speaking { then, ends, .. } => {
                let (then, ends) = (then.take(), *ends);
                out.push(self.said(now, None));
                match then {
                    Some(exit) => self.finish(exit, End::Exit, out),
                    None => self.listen(ends, None, out),
                }
            }
            Phase::Listening { utterance, .. } => match utterance.take() {
                utterance if self.keys.any() => self.answer(now, utterance, out),
                Some(utterance) => {
                    self.answered = Some(utterance.words.clone());
                    self.answer(now, Some(utterance), out);
                }
                None if self.is_too_long(now) => self.finish(self.script.longest_exit.clone(), End::TooLong, out),
                None => self.prompt(now, out),
            },
        }
        true
    }

    fn has_all_keys(&self) -> bool {
        matches!(self.phase, Phase::Listening { .. }) && self.keys.any() && self.keys.are_complete(&self.script.rules)
    }

    /// The caller said nothing for too long.
    fn prompt(&mut self, now: u64, out: &mut Vec<Output>) {
        let idle = &self.script.idle;
        match idle.clip {
            Some(clip) if self.prompts < idle.times => {
                self.prompts += 1;
                self.speak(now, &[clip], true, None, out);
            }
            _ => self.finish(idle.exit.clone(), End::Idle, out),
        }
    }

    /// The caller's turn is over: the one place that answers it.
    fn answer(&mut self, now: u64, utterance: Option<Utterance>, out: &mut Vec<Output>) {
        let typed = std::mem::take(&mut self.keys);
        self.turns += 1;
        self.prompts = 0;
        out.push(caller_turn(now, utterance.as_ref(), &typed, false));
        out.push(Output::State(State::Thinking));
        if self.is_too_long(now) {
            return self.finish(self.script.longest_exit.clone(), End::TooLong, out);
        }
        let spoken = utterance.map(|utterance| spoken_time(&utterance.words));
        let script = self.script.clone();
        let answer = script.answer_to(self.turns, &typed.typed, spoken);
        match (&answer.exit, answer.say.is_empty()) {
            (Some(exit), true) => self.finish(exit.clone(), End::Exit, out),
            (exit, _) => self.speak(now, &answer.say, exit.is_none(), exit.clone(), out),
        }
    }

    fn speak(&mut self, now: u64, clips: &[usize], interruptible: bool, then: Option<Arc<str>>, out: &mut Vec<Output>) {
        out.push(Output::State(State::Speaking));
        let mut pieces = Vec::with_capacity(clips.len());
        for &clip in clips {
            let Some(line) = self.lines.get(clip) else { continue };
            pieces.push(line.piece.clone());
            out.push(if line.is_text {
                Output::Say {
                    text: line.piece.text.clone(),
                    interruptible,
                }
            } else {
                Output::Play { clip, interruptible }
            });
        }
        let from = self.busy.max(now);
        let ends = from + pieces.iter().map(|piece| piece.millis).sum::<u64>();
        let words: Vec<&str> = pieces.iter().flat_map(|piece| piece.text.split_whitespace()).collect();
        self.busy = ends;
        self.phase = Phase::Speaking {
            text: words.join(" "),
            playback: Playback::new(from, 0, 0, pieces),
            from,
            ends,
            interruptible,
            then,
        };
    }

    fn listen(&mut self, since: u64, utterance: Option<Utterance>, out: &mut Vec<Output>) {
        // Keys typed ahead are given the usual time for more of them.
        self.keys.last = self.keys.last.max(since);
        // What is heard after an answer, or cuts it off, is something new.
        self.answered = None;
        out.push(Output::State(State::Listening));
        self.phase = Phase::Listening { since, utterance };
    }

    fn finish(&mut self, exit: Arc<str>, why: End, out: &mut Vec<Output>) {
        self.phase = Phase::Over;
        out.push(Output::Finish { exit, why });
    }

    /// The session is gone: what was begun is told, and nothing else is done.
    fn stop(&mut self, now: u64, out: &mut Vec<Output>) {
        match &self.phase {
            Phase::Speaking { .. } => out.push(self.said(now, Some(now))),
            Phase::Listening { utterance, .. } if utterance.is_some() || self.keys.any() => {
                out.push(caller_turn(now, utterance.as_ref(), &self.keys, true));
            }
            Phase::Listening { .. } | Phase::Waiting | Phase::Over => {}
        }
        self.phase = Phase::Over;
    }

    /// The agent's turn: whole, or as far as it was heard by the moment at which it was cut off.
    fn said(&self, now: u64, cut: Option<u64>) -> Output {
        let text = match (&self.phase, cut) {
            (Phase::Speaking { playback, .. }, Some(cut)) => playback.heard_text(cut),
            (Phase::Speaking { text, .. }, None) => text.clone(),
            _ => String::new(),
        };
        self.told(now, text, cut.is_some())
    }

    fn told(&self, now: u64, text: String, interrupted: bool) -> Output {
        let (from, ends) = match &self.phase {
            Phase::Speaking { from, ends, .. } => (*from, *ends),
            _ => (now, now),
        };
        let ended = now.min(ends);
        Output::Turn(Turn {
            role: Role::Agent,
            text,
            started: from.min(ended),
            ended,
            interrupted,
            facts: None,
        })
    }

    /// When an utterance is taken as ended though its end was not told: the caller never stops, or it is lost.
    fn utterance_limit(&self, utterance: &Utterance) -> u64 {
        (utterance.last_word + STALL).min(utterance.started + self.script.longest_turn)
    }

    fn is_too_long(&self, now: u64) -> bool {
        now >= self.began + self.script.longest
    }
}

#[cfg(test)]
#[path = "agent_tests.rs"]
mod tests;
