//! The caller's side: sound, words and keys become turns, each of which is answered once.

use super::answer::Answer;
use super::hearing::Hearing;
use super::words::{self, Shape};
use super::{Conversation, Phase};
use crate::talk::relay::spoken_time;
use crate::talk::{Facts, Order, Output, Role, Stage, State, Turn};

/// How much sound before the first that was recognised as speech goes to the listener: soft beginnings.
const PRE_ROLL: u64 = 200;
/// The same where only words tell of speech.
const LONGEST_BEFORE: u64 = 5000;
/// So many turns in a row whose words were asked for in vain: nobody listens.
const DEAF: u32 = 2;

impl Conversation {
    /// Twenty milliseconds of the caller.
    pub(super) fn frame(&mut self, now: u64, frame: &[u8], out: &mut Vec<Output>) {
        let before = self.activity.silence;
        self.activity = self.ear.push(frame);
        self.last_frame = now;
        let silence = self.activity.silence;
        let is_loud = self.activity.speaking && (silence == 0 || silence < before);
        if !is_loud {
            return;
        }
        let (speech, last_sound) = (u64::from(self.activity.speech), now.saturating_sub(silence.into()));
        match &mut self.phase {
            Phase::Listening {
                hearing: Some(hearing),
                ahead,
                ..
            } => {
                hearing.sounds(last_sound, speech);
                if ahead.take().is_some() {
                    self.cancel(out);
                }
            }
            Phase::Listening { hearing: None, .. } => {
                let mut opened = self.open(now, last_sound.saturating_sub(speech), last_sound, false, out);
                opened.sounds(last_sound, speech);
                if let Phase::Listening { hearing, .. } = &mut self.phase {
                    *hearing = Some(opened);
                }
            }
            Phase::Answering { .. } => self.speech_over(now, last_sound, speech, out),
            Phase::Waiting | Phase::Over => {}
        }
    }

    /// Words of the utterance that goes on, or of one that was not heard as sound.
    pub(super) fn words(&mut self, now: u64, text: &str, flush: Option<u32>, out: &mut Vec<Output>) {
        match &mut self.phase {
            Phase::Listening {
                hearing: Some(hearing), ..
            } => {
                if hearing.words(now, text, flush) {
                    let text = hearing.text.clone();
                    out.push(Output::Words { text, last: false });
                }
                self.think_ahead(now, out);
            }
            Phase::Listening { hearing: None, .. } => {
                if words::bare(text).is_empty() {
                    return;
                }
                let before = spoken_time(text).min(LONGEST_BEFORE);
                let mut opened = self.open(now, now.saturating_sub(before).max(self.began), now, true, out);
                opened.words(now, text, None);
                opened.before = Some(opened.text.clone());
                out.push(Output::Words {
                    text: opened.text.clone(),
                    last: false,
                });
                if let Phase::Listening { hearing, .. } = &mut self.phase {
                    *hearing = Some(opened);
                }
            }
            Phase::Answering { over: Some(over), .. } => {
                if over.hearing.words(now, text, flush) {
                    let text = over.hearing.text.clone();
                    out.push(Output::Words { text, last: false });
                }
                self.words_over(now, out);
            }
            Phase::Answering { over: None, .. } | Phase::Waiting | Phase::Over => {}
        }
    }

    /// A key was pressed. It cuts an answer off that may be cut off; otherwise it waits for the answer's end.
    pub(super) fn key(&mut self, now: u64, key: char, out: &mut Vec<Output>) {
        match &self.phase {
            Phase::Waiting | Phase::Over => return,
            Phase::Answering { answer, .. } if answer.interruptible => self.interrupt(now, 0, None, out),
            Phase::Answering { .. } => {}
            Phase::Listening { ahead, .. } => {
                if ahead.is_some() {
                    self.drop_ahead(out);
                }
            }
        }
        self.keys.press(now, key);
    }

    /// Asks for the words so far.
    pub(super) fn flush(&mut self, out: &mut Vec<Output>) {
        self.flushes += 1;
        let flush = self.flushes;
        if let Some(hearing) = self.hearing_mut() {
            hearing.ask(flush);
            let utterance = hearing.id;
            out.push(Output::Order(Order::Flush { utterance, flush }));
        }
    }

    /// A new utterance.
    pub(super) fn open(
        &mut self,
        now: u64,
        started: u64,
        last_sound: u64,
        is_soft: bool,
        out: &mut Vec<Output>,
    ) -> Hearing {
        self.utterances += 1;
        let utterance = self.utterances;
        if self.plan.transcribes {
            let before = now.saturating_sub(started).saturating_add(PRE_ROLL);
            let before = before.try_into().unwrap_or(u32::MAX);
            out.push(Output::Order(Order::Begin { utterance, before }));
        }
        Hearing::new(utterance, started, last_sound, is_soft)
    }

    /// Nothing more of this utterance is wanted.
    pub(super) fn close(&self, hearing: &Hearing, out: &mut Vec<Output>) {
        if self.plan.transcribes {
            let utterance = hearing.id;
            out.push(Output::Order(Order::End { utterance }));
        }
    }

    /// The caller's turn is over: the one place that has it answered.
    pub(super) fn take(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Listening { since, hearing, ahead } = std::mem::replace(&mut self.phase, Phase::Over) else {
            return;
        };
        if let Some(hearing) = &hearing {
            self.close(hearing, out);
        }
        let typed = std::mem::replace(&mut self.keys, super::Keys::ended_by(self.plan.keys.end));
        let spoken = hearing.as_ref().map_or("", |hearing| &hearing.text);
        if let (Some(hearing), false) = (&hearing, typed.any()) {
            self.deaf = match self.plan.transcribes && hearing.is_unanswered() {
                true => self.deaf + 1,
                false => 0,
            };
            if self.deaf >= DEAF {
                self.phase = Phase::Listening {
                    since,
                    hearing: None,
                    ahead,
                };
                return self.failed(now, Stage::Listen, out);
            }
            let has_words = !words::bare(spoken).is_empty();
            // Of speech that cut off an answer with its actions under way there must be words: noise is no reason to
            // leave them.
            let is_noise = !has_words
                && (hearing.speech < self.plan.listen.shortest || self.plan.transcribes && self.unfinished.is_some());
            if is_noise || self.guards.is_echo(&self.plan.echo, hearing.started, spoken) {
                self.phase = Phase::Listening {
                    since,
                    hearing: None,
                    ahead,
                };
                self.drop_ahead(out);
                return self.nobody_spoke(now, since, out);
            }
            if has_words {
                out.push(Output::Words {
                    text: spoken.to_owned(),
                    last: true,
                });
            }
            out.push(Output::EndOfUtterance {
                ms: hearing.closing.unwrap_or(now).saturating_sub(hearing.last_sound),
            });
        }
        self.unfinished = None;
        let text = [&*typed.typed, spoken].join(" ").trim().to_owned();
        let facts = hearing.as_ref().map(|hearing| Box::new(self.facts_of(now, hearing)));
        let pressed = typed.last.min(now);
        let span = |hearing: &Hearing| (hearing.started, hearing.last_sound.max(hearing.started));
        let (started, ended) = hearing.as_ref().map_or((pressed, pressed), span);
        let last_sound = if typed.any() { now } else { ended };
        out.push(Output::Turn(Turn {
            role: Role::Caller,
            text: text.clone(),
            started,
            ended,
            interrupted: false,
            facts,
        }));
        self.prompts = 0;
        let read = if text.is_empty() {
            self.plan.unheard.to_string()
        } else {
            text
        };
        self.history.caller(&read);
        self.phase = Phase::Listening {
            since: now,
            hearing: None,
            ahead,
        };
        if self.is_too_long(now) {
            return self.too_long(now, out);
        }
        self.answer(now, read, last_sound, out);
    }

    /// What was heard was no turn. A question that was left without an answer for it is answered now.
    pub(super) fn nobody_spoke(&mut self, now: u64, since: u64, out: &mut Vec<Output>) {
        self.listen(now, since, None, out);
        if self.go_on(now, out) {
            return;
        }
        if self.history.is_owed {
            self.think_again(now, out);
        }
    }

    /// Listens; silence counts from `since`.
    pub(super) fn listen(&mut self, now: u64, since: u64, hearing: Option<Hearing>, out: &mut Vec<Output>) {
        // Keys typed ahead are given the usual time for more of them.
        self.keys.last = now;
        self.enter(State::Listening, out);
        self.phase = Phase::Listening {
            since,
            hearing,
            ahead: None,
        };
    }

    /// Begins to think at a pause that may be the end of the turn.
    fn think_ahead(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Listening {
            hearing: Some(hearing),
            ahead,
            ..
        } = &self.phase
        else {
            return;
        };
        let is_ready = hearing.is_answered() && matches!(hearing.shape, Shape::Finished | Shape::Open);
        let is_known = ahead.as_ref().is_some_and(|answer| is_answer_to(answer, &hearing.text));
        if !self.plan.eager || self.keys.any() || !is_ready || is_known || words::bare(&hearing.text).is_empty() {
            return;
        }
        let text = hearing.text.clone();
        self.drop_ahead(out);
        let answer = self.begin(now, Some(text), true, out);
        if let Phase::Listening { ahead, .. } = &mut self.phase {
            *ahead = Some(Box::new(answer));
        }
    }

    /// Gives up what was thought ahead.
    pub(super) fn drop_ahead(&mut self, out: &mut Vec<Output>) {
        if let Phase::Listening { ahead, .. } = &mut self.phase
            && ahead.take().is_some()
        {
            self.cancel(out);
        }
    }

    /// Nothing of any answer so far is wanted.
    pub(super) fn cancel(&self, out: &mut Vec<Output>) {
        let generation = self.generation;
        out.push(Output::Order(Order::Cancel { generation }));
    }

    pub(super) fn is_too_long(&self, now: u64) -> bool {
        now >= self.began.saturating_add(self.plan.longest)
    }

    pub(super) fn facts_of(&self, now: u64, hearing: &Hearing) -> Facts {
        let late = |at: u64| at.saturating_sub(hearing.last_sound).try_into().unwrap_or(u32::MAX);
        let listened = now.saturating_sub(hearing.started).saturating_add(PRE_ROLL);
        Facts {
            end_of_turn: Some(late(hearing.closing.unwrap_or(now))),
            transcript: hearing.heard_at.map(late),
            provider: self.names[0].as_deref().unwrap_or_default().to_owned(),
            listened: if self.plan.transcribes {
                listened.try_into().unwrap_or(u32::MAX)
            } else {
                0
            },
            ..Facts::default()
        }
    }
}

/// Whether this answer was thought for these words.
pub(super) fn is_answer_to(answer: &Answer, text: &str) -> bool {
    answer.to.as_deref().is_some_and(|to| words::same(to, text))
}
