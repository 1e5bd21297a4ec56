//! The caller's side: what the model hears of it and what is heard here become turns, each of which is answered once.

use super::turns::Said;
use super::{Keys, LiveConversation, Phase, order};
use crate::talk::relay::spoken_time;
use crate::talk::{Facts, LiveOrder, Output, Role, Turn};

/// The longest that a stray word is reckoned to have lasted before it was told.
const LONGEST_BEFORE: u64 = 5000;

/// What the caller is saying now.
#[derive(Debug, Clone)]
pub(super) struct Hearing {
    pub(super) started: u64,
    pub(super) last_sound: u64,
    /// Milliseconds of speech heard in it here.
    pub(super) speech: u64,
    /// The model hears it, and will say when it is over.
    pub(super) by_model: bool,
    /// An answer was cut off for it: something must follow it.
    pub(super) is_owed: bool,
    /// Its words so far.
    pub(super) text: String,
}

impl Hearing {
    pub(super) fn new(started: u64, last_sound: u64, speech: u64) -> Self {
        Self {
            started: started.min(last_sound),
            last_sound,
            speech,
            by_model: false,
            is_owed: false,
            text: String::new(),
        }
    }

    /// What was not heard but as words.
    pub(super) fn of_words(now: u64, began: u64, text: &str) -> Self {
        let before = spoken_time(text).min(LONGEST_BEFORE);
        Self::new(now.saturating_sub(before).max(began), now, 0)
    }
}

impl LiveConversation {
    /// Twenty milliseconds of the caller.
    pub(super) fn frame(&mut self, now: u64, frame: &[u8], out: &mut Vec<Output>) {
        let before = self.activity.silence;
        self.activity = self.ear.push(frame);
        self.last_frame = now;
        let silence = self.activity.silence;
        if !(self.activity.speaking && (silence == 0 || silence < before)) {
            return;
        }
        let (speech, last_sound) = (u64::from(self.activity.speech), now.saturating_sub(silence.into()));
        match &mut self.phase {
            Phase::Listening {
                hearing: Some(hearing), ..
            } => {
                hearing.last_sound = hearing.last_sound.max(last_sound);
                hearing.speech = hearing.speech.max(speech);
            }
            Phase::Listening { since, hearing } => {
                let started = last_sound.saturating_sub(speech).max(*since);
                if last_sound > started {
                    *hearing = Some(Hearing::new(started, last_sound, last_sound - started));
                }
            }
            Phase::Answering(_) => self.speech_over(now, last_sound, speech, out),
            Phase::Waiting | Phase::Over => {}
        }
    }

    /// The model hears the caller begin to speak. Over what may not be cut off, that is not to be heard.
    pub(super) fn speech_started(&mut self, now: u64, out: &mut Vec<Output>) {
        self.has_ears = true;
        let (started, last_sound, speech) = self.present_speech(now);
        match &mut self.phase {
            Phase::Listening { since, hearing } => {
                let since = *since;
                let fresh = || Hearing::new(started.max(since), last_sound.max(since), speech);
                hearing.get_or_insert_with(fresh).by_model = true;
            }
            // Before anything is heard, nothing is cut off: the caller goes on.
            Phase::Answering(answer)
                if answer.interruptible && (self.plan.barge_in.allowed || answer.track.begun().is_none()) =>
            {
                let mut hearing = Hearing::new(started, last_sound, speech);
                (hearing.by_model, hearing.is_owed) = (true, true);
                self.interrupt(now, speech, Some(hearing), out);
            }
            Phase::Answering(_) | Phase::Waiting | Phase::Over => {}
        }
    }

    /// The model takes the caller's turn as over, and will answer it by itself.
    pub(super) fn speech_stopped(&mut self, now: u64, out: &mut Vec<Output>) {
        self.has_ears = true;
        let Phase::Listening { since, hearing } = &mut self.phase else {
            return;
        };
        let (since, heard) = (*since, hearing.take());
        let heard = heard.unwrap_or_else(|| {
            let last_sound = now.saturating_sub(self.activity.silence.into()).max(since);
            Hearing::new(since, last_sound, 0)
        });
        self.end_turn(now, heard, false, out);
    }

    /// Nobody said that the caller's turn is over, and it must be.
    pub(super) fn take_heard(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Listening { hearing, .. } = &mut self.phase else {
            return;
        };
        let Some(heard) = hearing.take() else { return };
        let is_turn = heard.by_model || !self.has_ears && heard.speech >= self.plan.listen.shortest;
        if !is_turn && heard.is_owed && self.go_on(now, out) {
            return;
        }
        if is_turn || heard.is_owed {
            self.end_turn(now, heard, true, out);
        }
    }

    /// The caller's turn is over. Keys that were pressed meanwhile are complete first; they have all of it answered.
    pub(super) fn end_turn(&mut self, now: u64, heard: Hearing, is_asked: bool, out: &mut Vec<Output>) {
        let last_sound = heard.last_sound;
        out.push(Output::EndOfUtterance {
            ms: now.saturating_sub(last_sound),
        });
        self.prompts = 0;
        self.tell_said(now, now, heard, out);
        if self.keys.any() {
            self.listen(now, now, None, out);
        } else if self.is_too_long(now) {
            self.too_long(now, out);
        } else {
            self.begin(now, last_sound, is_asked, out);
        }
    }

    /// A turn of the caller; its words may be told later.
    pub(super) fn tell_said(&mut self, now: u64, ended: u64, heard: Hearing, out: &mut Vec<Output>) {
        let short = |ms: u64| ms.try_into().unwrap_or(u32::MAX);
        let facts = Facts {
            end_of_turn: Some(short(ended.saturating_sub(heard.last_sound))),
            provider: self.name.to_string(),
            listened: short(ended.saturating_sub(heard.started)),
            ..Facts::default()
        };
        let said = Said {
            started: heard.started,
            ended: heard.last_sound,
            text: heard.text,
            facts,
            until: None,
        };
        self.turns.said(now, self.plan.waits.transcript, said);
        self.turns.release(now, out);
    }

    /// A key was pressed. It cuts an answer off that may be cut off; otherwise it waits for the answer's end.
    pub(super) fn key(&mut self, now: u64, key: char, out: &mut Vec<Output>) {
        match &self.phase {
            Phase::Waiting | Phase::Over => return,
            Phase::Answering(answer) if answer.interruptible => self.interrupt(now, 0, None, out),
            Phase::Answering(_) | Phase::Listening { .. } => {}
        }
        self.keys.press(now, key);
    }

    /// The keys are a turn. What was being said with them is told before them.
    pub(super) fn take_keys(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Listening { hearing, .. } = &mut self.phase else {
            return;
        };
        if let Some(heard) = hearing.take().filter(|heard| heard.by_model) {
            self.tell_said(now, now, heard, out);
        }
        let keys = std::mem::replace(&mut self.keys, Keys::ended_by(self.plan.keys.end));
        let pressed = keys.last.min(now);
        let turn = Turn {
            role: Role::Caller,
            text: keys.typed.clone(),
            started: pressed,
            ended: pressed,
            interrupted: false,
            facts: None,
        };
        self.turns.tell(now, self.plan.waits.transcript, turn, out);
        self.prompts = 0;
        out.push(order(LiveOrder::Typed {
            text: keys.typed.into(),
        }));
        if self.is_too_long(now) {
            self.too_long(now, out);
        } else {
            self.begin(now, now, true, out);
        }
    }

    pub(super) fn is_too_long(&self, now: u64) -> bool {
        now >= self.began.saturating_add(self.plan.longest)
    }

    /// Beginning, last sound and length of what is heard here at this moment; all now where nothing is.
    fn present_speech(&self, now: u64) -> (u64, u64, u64) {
        if !self.activity.speaking {
            return (now, now, 0);
        }
        let speech = u64::from(self.activity.speech);
        let last_sound = now.saturating_sub(self.activity.silence.into());
        (last_sound.saturating_sub(speech), last_sound, speech)
    }
}
