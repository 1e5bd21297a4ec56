//! Speech over an answer: it pauses it, and what comes of it decides. Meant as a turn, it ends the answer; a nod, a cough
//! or the agent's own echo does not.

use super::answer::{Hold, Over};
use super::guards::own;
use super::words;
use super::{Conversation, Hearing, Phase};
use crate::talk::Output;

impl Conversation {
    /// The caller made a sound over an answer.
    pub(super) fn speech_over(&mut self, now: u64, last_sound: u64, speech: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let Phase::Answering { answer, over } = &mut self.phase else {
            return;
        };
        if !(answer.interruptible && plan.barge_in.allowed) {
            return;
        }
        // What was spoken before the answer was heard is no echo of it; later, its first part does not count.
        let begun = answer.track.begun();
        let was_before = over
            .as_ref()
            .is_some_and(|over| begun.is_none_or(|begun| over.hearing.started < begun));
        let from = match begun {
            Some(begun) if !was_before => begun.saturating_add(plan.barge_in.ignore_first),
            _ => answer.started,
        };
        let started = last_sound.saturating_sub(speech).max(from).max(answer.deaf_until);
        let ms = last_sound.saturating_sub(started);
        if over.is_none() && ms == 0 {
            return;
        }
        if over.is_none() {
            // Speech that goes on from a turn that was taken as too long: that part of it is answered already.
            let began = last_sound.saturating_sub(speech).max(answer.started);
            let hearing = self.open(now, began.min(last_sound), last_sound, false, out);
            if let Phase::Answering { over, .. } = &mut self.phase {
                *over = Some(Over {
                    hearing,
                    ms: 0,
                    since: now,
                    hold: Hold::Nothing,
                });
            }
        }
        let Phase::Answering { over: Some(over), .. } = &mut self.phase else {
            return;
        };
        over.hearing
            .sounds(last_sound, speech.min(last_sound.saturating_sub(over.hearing.started)));
        over.ms = over.ms.max(ms);
        let ms = over.ms;
        if ms >= plan.barge_in.confirm_after && !self.is_no_turn() {
            self.confirm(now, out);
        } else if ms >= plan.barge_in.pause_after {
            self.hold(now, out);
        }
    }

    /// Words came of speech over an answer.
    pub(super) fn words_over(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Answering { over: Some(over), .. } = &self.phase else {
            return;
        };
        let (barge_in, text) = (&self.plan.barge_in, &over.hearing.text);
        let count = words::bare(text).len() as u64;
        let is_enough = barge_in.words > 0 && count >= u64::from(barge_in.words);
        let is_stop = words::begins(text, &barge_in.stop);
        if is_stop && !self.is_own() || is_enough && !self.is_no_turn() {
            self.confirm(now, out);
        } else if over.hearing.is_answered() {
            self.dismiss(now, out);
        }
    }

    /// Nothing more was found out about speech over an answer.
    pub(super) fn dismiss_late(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Answering { over: Some(over), .. } = &self.phase else {
            return;
        };
        let is_audible = over.hearing.wants_flush() && self.quiet().silence < self.flush_after();
        if is_audible && over.ms >= self.plan.barge_in.confirm_after && !self.is_own() {
            self.confirm(now, out);
        } else {
            self.dismiss(now, out);
        }
    }

    /// It meant nothing: the answer goes on.
    pub(super) fn dismiss(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Answering { answer, over } = &mut self.phase else {
            return;
        };
        let Some(Over { hearing, hold, .. }) = over.take() else {
            return;
        };
        answer.track.resume(now);
        answer.deaf_until = now;
        self.close(&hearing, out);
        if hold == Hold::Paused {
            out.push(Output::Resume);
        }
        self.pour(now, out);
    }

    /// The caller cuts the answer off, with a key where there is no speech.
    pub(super) fn interrupt(&mut self, now: u64, ms: u64, hearing: Option<Hearing>, out: &mut Vec<Output>) {
        let Phase::Answering { answer, .. } = &self.phase else {
            return;
        };
        let was_heard = answer.track.begun().is_some();
        if was_heard {
            out.push(Output::Clear);
        }
        out.push(Output::BargeIn { ms });
        self.cancel(out);
        if let Some(known) = self.settle(now, true, out)
            && hearing.is_none()
        {
            self.close(&known, out);
        }
        self.generation += 1;
        self.listen(now, now, hearing, out);
    }

    fn confirm(&mut self, now: u64, out: &mut Vec<Output>) {
        if let Phase::Answering { over: Some(over), .. } = &self.phase {
            let (ms, hearing) = (over.ms, over.hearing.clone());
            self.interrupt(now, ms, Some(hearing), out);
        }
    }

    /// Stops the answer until it is known what the caller wants.
    fn hold(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Answering {
            answer,
            over: Some(over),
        } = &mut self.phase
        else {
            return;
        };
        if over.hold != Hold::Nothing {
            return;
        }
        over.since = now;
        over.hold = match answer.track.begun() {
            Some(_) => Hold::Paused,
            None => Hold::Kept,
        };
        answer.track.pause(now);
        if over.hold == Hold::Paused {
            out.push(Output::Pause);
        }
    }

    /// Whether the words are a nod, or the agent's own.
    fn is_no_turn(&self) -> bool {
        let Phase::Answering { over: Some(over), .. } = &self.phase else {
            return false;
        };
        let barge_in = &self.plan.barge_in;
        let is_nod = words::only(&over.hearing.text, &barge_in.backchannels) && over.ms < barge_in.resume_after;
        is_nod || self.is_own()
    }

    fn is_own(&self) -> bool {
        match &self.phase {
            Phase::Answering {
                answer,
                over: Some(over),
            } => {
                let said = words::bare(&answer.track.text(|_| true));
                own(&self.plan.echo, &over.hearing.text, &said)
            }
            _ => false,
        }
    }
}
