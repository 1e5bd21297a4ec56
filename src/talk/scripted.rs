//! An agent that follows a script: no speech is recognised, only that the caller spoke, for how long, and which
//! keys were pressed. It needs no provider, so it can never be let down by one.

use super::keys::Keys;
use super::playback::{Piece, Playback};
use super::script::{Script, ScriptError};
use super::{Clip, End, Input, Output, Play, Role, State, Talk, Turn};
use crate::audio::gate::{Activity, Gate};
use std::sync::Arc;

/// A conversation that follows a [`Script`].
#[derive(Debug)]
pub struct Scripted {
    script: Arc<Script>,
    /// Words and length of each clip, by index.
    pieces: Vec<Piece>,
    gate: Gate,
    activity: Activity,
    phase: Phase,
    keys: Keys,
    /// The caller's turns so far.
    turns: u32,
    /// Idle prompts since the caller was last heard.
    prompts: u32,
    generation: u32,
    plays: u32,
    began: u64,
    last_frame: u64,
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
        interruptible: bool,
        /// The exit taken when it was heard.
        then: Option<Arc<str>>,
    },
    Over,
}

#[derive(Debug, Clone, Copy)]
struct Utterance {
    started: u64,
    last_sound: u64,
}

/// More silence than ends an utterance is allowed where it is not heard but inferred: no frames come at all.
const STALL: u64 = 1000;
impl Scripted {
    /// An agent for one call, which says `clips`. Errors: the script does not fit them.
    pub fn new(script: Arc<Script>, clips: &[Clip]) -> Result<Self, ScriptError> {
        script.check(clips)?;
        let pieces = clips
            .iter()
            .map(|clip| Piece {
                text: clip.text.clone(),
                millis: clip.millis(),
            })
            .collect();
        Ok(Self {
            gate: Gate::new(script.gate),
            script,
            pieces,
            activity: Activity::default(),
            phase: Phase::Waiting,
            keys: Keys::default(),
            turns: 0,
            prompts: 0,
            generation: 0,
            plays: 0,
            began: 0,
            last_frame: 0,
        })
    }
}

impl Talk for Scripted {
    fn handle(&mut self, now: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Started => self.start(now, out),
            Input::Frame(frame) => {
                self.last_frame = now;
                self.activity = self.gate.push(frame);
                self.listen_in(now, out);
            }
            Input::Digit(key) => self.key(now, key, out),
            Input::Played(play) => {
                if let Phase::Speaking { playback, .. } = &mut self.phase {
                    playback.played(now, play);
                }
            }
            Input::Tick | Input::Signal(_) => {}
            Input::Stopped => return self.stop(now, out),
        }
        while self.pass_time(now, out) {}
    }

    fn deadline(&self) -> Option<u64> {
        match &self.phase {
            Phase::Waiting | Phase::Over => None,
            Phase::Speaking { playback, .. } => Some(playback.deadline()),
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

impl Scripted {
    fn start(&mut self, now: u64, out: &mut Vec<Output>) {
        if !matches!(self.phase, Phase::Waiting) {
            return;
        }
        (self.began, self.last_frame) = (now, now);
        match self.script.greeting {
            Some(greeting) => self.speak(now, &[greeting.clip], greeting.interruptible, None, out),
            None => self.listen(now, None, out),
        }
    }

    /// What a frame means for the one who is listening, or speaking.
    fn listen_in(&mut self, now: u64, out: &mut Vec<Output>) {
        let Activity {
            speaking,
            speech,
            silence,
        } = self.activity;
        if !speaking {
            return;
        }
        match &mut self.phase {
            Phase::Listening {
                utterance: Some(utterance),
                ..
            } => {
                if silence == 0 {
                    utterance.last_sound = now;
                }
            }
            Phase::Listening {
                utterance: utterance @ None,
                ..
            } => {
                let last_sound = now.saturating_sub(silence.into());
                let started = last_sound.saturating_sub(speech.into());
                *utterance = Some(Utterance { started, last_sound });
            }
            Phase::Speaking {
                playback,
                interruptible: true,
                ..
            } => {
                // Only what is spoken over this answer counts, not the end of what came before it.
                let over = u64::from(speech).min(now.saturating_sub(playback.started()));
                if silence == 0 && over >= self.script.barge_in_after {
                    let utterance = Utterance {
                        started: now - over,
                        last_sound: now,
                    };
                    self.interrupt(now, over, Some(utterance), out);
                }
            }
            Phase::Speaking { .. } | Phase::Waiting | Phase::Over => {}
        }
    }

    fn key(&mut self, now: u64, key: char, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Waiting | Phase::Over => return,
            Phase::Speaking {
                interruptible: true, ..
            } => self.interrupt(now, 0, None, out),
            Phase::Speaking { .. } | Phase::Listening { .. } => {}
        }
        self.keys.press(now, key);
    }

    /// Does one thing whose time has come; false when there is none.
    fn pass_time(&mut self, now: u64, out: &mut Vec<Output>) -> bool {
        match &self.phase {
            Phase::Waiting | Phase::Over => false,
            Phase::Speaking { playback, then, .. } => {
                if !playback.is_over(now) {
                    return false;
                }
                let then = then.clone();
                out.push(self.said(now, false));
                match then {
                    Some(exit) => self.finish(exit, End::Exit, out),
                    None => self.listen(now, None, out),
                }
                true
            }
            &Phase::Listening { utterance, .. } if self.keys.any() => {
                let due =
                    self.keys.are_complete(&self.script.rules) || now >= self.keys.last + self.script.between_keys;
                if due {
                    self.answer(now, utterance, out);
                }
                due
            }
            &Phase::Listening {
                utterance: Some(utterance),
                ..
            } => {
                let silent = u64::from(self.activity.silence) >= self.script.end_of_turn;
                let due = silent || now >= self.utterance_limit(&utterance);
                if due {
                    self.answer(now, Some(utterance), out);
                }
                due
            }
            &Phase::Listening { since, utterance: None } => {
                if self.is_too_long(now) {
                    self.finish(self.script.longest_exit.clone(), End::TooLong, out);
                    return true;
                }
                let due = now >= self.script.idle_due(since, self.began);
                if due {
                    self.prompt(now, out);
                }
                due
            }
        }
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
        if let (Some(utterance), true) = (utterance, typed.typed.is_empty()) {
            out.push(Output::EndOfUtterance {
                ms: now.saturating_sub(utterance.last_sound),
            });
        }
        out.push(caller_turn(now, utterance, &typed, false));
        out.push(Output::State(State::Thinking));
        if self.is_too_long(now) {
            return self.finish(self.script.longest_exit.clone(), End::TooLong, out);
        }
        let spoken = utterance.map(|utterance| utterance.last_sound.saturating_sub(utterance.started));
        let script = self.script.clone();
        let answer = script.answer_to(self.turns, &typed.typed, spoken);
        match (&answer.exit, answer.say.is_empty()) {
            (Some(exit), true) => self.finish(exit.clone(), End::Exit, out),
            (exit, _) => self.speak(now, &answer.say, exit.is_none(), exit.clone(), out),
        }
    }

    fn speak(&mut self, now: u64, clips: &[usize], interruptible: bool, then: Option<Arc<str>>, out: &mut Vec<Output>) {
        self.generation += 1;
        out.push(Output::State(State::Speaking));
        let first = self.plays;
        for &clip in clips {
            let play = Play {
                generation: self.generation,
                number: self.plays,
            };
            out.push(Output::Play { clip, play });
            self.plays += 1;
        }
        let pieces = clips
            .iter()
            .filter_map(|&clip| self.pieces.get(clip).cloned())
            .collect();
        let playback = Playback::new(now, self.generation, first, pieces);
        self.phase = Phase::Speaking {
            playback,
            interruptible,
            then,
        };
    }

    fn interrupt(&mut self, now: u64, ms: u64, utterance: Option<Utterance>, out: &mut Vec<Output>) {
        out.push(Output::Clear);
        out.push(Output::BargeIn { ms });
        out.push(self.said(now, true));
        self.generation += 1;
        self.listen(now, utterance, out);
    }

    fn listen(&mut self, now: u64, utterance: Option<Utterance>, out: &mut Vec<Output>) {
        // Keys typed ahead are given the usual time for more of them.
        self.keys.last = now;
        out.push(Output::State(State::Listening));
        self.phase = Phase::Listening { since: now, utterance };
    }

    fn finish(&mut self, exit: Arc<str>, why: End, out: &mut Vec<Output>) {
        self.phase = Phase::Over;
        out.push(Output::Finish { exit, why });
    }

    /// The line is gone: what was begun is told, and nothing else is done.
    fn stop(&mut self, now: u64, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Speaking { .. } => out.push(self.said(now, true)),
            Phase::Listening { utterance, .. } if utterance.is_some() || self.keys.any() => {
                out.push(caller_turn(now, utterance, &self.keys, true));
            }
            Phase::Listening { .. } | Phase::Waiting | Phase::Over => {}
        }
        self.phase = Phase::Over;
    }

    /// The agent's turn as far as it was heard.
    fn said(&self, now: u64, interrupted: bool) -> Output {
        let (text, started) = match &self.phase {
            Phase::Speaking { playback, .. } => (playback.heard_text(now), playback.started()),
            Phase::Waiting | Phase::Listening { .. } | Phase::Over => (String::new(), now),
        };
        Output::Turn(Turn {
            role: Role::Agent,
            text,
            started,
            ended: now,
            interrupted,
            facts: None,
        })
    }

    /// When an utterance is taken as ended though no silence was heard: the caller never stops, or no frames come.
    fn utterance_limit(&self, utterance: &Utterance) -> u64 {
        let stalled = self.last_frame + self.script.end_of_turn + STALL;
        stalled.min(utterance.started + self.script.longest_turn)
    }

    fn is_too_long(&self, now: u64) -> bool {
        now >= self.began + self.script.longest
    }
}

fn caller_turn(now: u64, utterance: Option<Utterance>, keys: &Keys, interrupted: bool) -> Output {
    let (started, ended) = match utterance {
        Some(utterance) => (utterance.started, utterance.last_sound),
        None => (keys.last.min(now), keys.last.min(now)),
    };
    Output::Turn(Turn {
        role: Role::Caller,
        text: keys.typed.clone(),
        started,
        ended,
        interrupted,
        facts: None,
    })
}

#[cfg(test)]
#[path = "scripted_tests.rs"]
mod tests;
