//! What the conversation waits for, and until when: the only list of its clocks. What is not here is not waited for.

use super::answer::{Answer, Over, Step};
use super::hearing::{Hearing, Quiet};
use super::{Conversation, Phase};

/// After this much more than its longest, a conversation ends whatever is going on.
pub(super) const LAST_GRACE: u64 = 30_000;

/// Something whose time comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The keys are a turn.
    Keys,
    /// The caller's words are asked for.
    Flush,
    /// It was silent long enough; the words are waited for.
    Close,
    /// The caller's turn is over.
    Take,
    /// The caller says nothing.
    Idle,
    /// The conversation is too long, at a pause and at all.
    TooLong,
    Cut,
    /// A provider keeps everybody waiting.
    ThinkLate,
    SpeakLate,
    ActLate,
    /// The caller has heard nothing for too long, whoever is to blame.
    NoAnswer,
    /// The caller waits.
    Filler,
    /// Everything was heard.
    Heard,
    /// Nothing came of speech over an answer.
    Dismiss,
}

/// Keeps the earliest.
struct Soonest(Option<(u64, Due)>);

impl Soonest {
    fn at(&mut self, at: u64, due: Due) {
        if self.0.is_none_or(|(soonest, _)| at < soonest) {
            self.0 = Some((at, due));
        }
    }
}

impl Conversation {
    /// What comes next, and when; nothing before the beginning and after the end.
    pub(super) fn next_due(&self) -> Option<(u64, Due)> {
        let mut soonest = Soonest(None);
        match &self.phase {
            Phase::Waiting | Phase::Over => return None,
            Phase::Listening { since, hearing, ahead } => {
                match hearing {
                    _ if self.keys.any() => {
                        let complete = if self.keys.are_complete(&[]) {
                            0
                        } else {
                            self.plan.keys.between
                        };
                        soonest.at(self.keys.last + complete, Due::Keys);
                    }
                    Some(hearing) => self.end_of_turn(hearing, &mut soonest),
                    None => {
                        soonest.at(self.began.saturating_add(self.plan.longest), Due::TooLong);
                        soonest.at(self.plan.idle_due(*since, self.began), Due::Idle);
                    }
                }
                if let Some(answer) = ahead {
                    self.providers(answer, &mut soonest);
                }
            }
            Phase::Answering { answer, over } => {
                self.providers(answer, &mut soonest);
                self.waiting(answer, &mut soonest);
                match over {
                    Some(over) => self.interruption(over, &mut soonest),
                    None => self.silence(answer, &mut soonest),
                }
            }
        }
        let end = self.began.saturating_add(self.plan.longest).saturating_add(LAST_GRACE);
        soonest.at(end, Due::Cut);
        soonest.0
    }

    pub(super) fn quiet(&self) -> Quiet {
        Quiet {
            silence: self.activity.silence.into(),
            frame: self.last_frame,
        }
    }

    /// The silence after which the words so far are asked for.
    pub(super) fn flush_after(&self) -> u64 {
        (self.plan.listen.silence / 2).min(200)
    }

    fn end_of_turn(&self, hearing: &Hearing, soonest: &mut Soonest) {
        let plan = &self.plan;
        let over = hearing.quiet_by(hearing.wanted(&plan.listen), self.quiet());
        soonest.at(hearing.started.saturating_add(plan.listen.longest_turn), Due::Take);
        if plan.transcribes && hearing.wants_flush() {
            soonest.at(hearing.quiet_by(self.flush_after(), self.quiet()), Due::Flush);
        } else if !plan.transcribes || hearing.is_answered() {
            soonest.at(over, Due::Take);
        } else {
            match hearing.closing {
                None => soonest.at(over, Due::Close),
                Some(since) => soonest.at(over.max(since.saturating_add(plan.waits.transcript)), Due::Take),
            }
        }
    }

    fn providers(&self, answer: &Answer, soonest: &mut Soonest) {
        let waits = &self.plan.waits;
        if let Step::Thinking { alive } = answer.step {
            soonest.at(alive.saturating_add(waits.first_token), Due::ThinkLate);
        }
        if let Some(since) = answer.track.waits_since() {
            soonest.at(since.saturating_add(waits.first_audio), Due::SpeakLate);
        }
    }

    fn waiting(&self, answer: &Answer, soonest: &mut Soonest) {
        let track = &answer.track;
        if let Step::Acting(pending) = &answer.step
            && let Some(until) = pending.iter().map(|action| action.until).min()
        {
            soonest.at(until, Due::ActLate);
        }
        match (&answer.step, track.heard_by()) {
            (Step::Done, Some(by)) if track.is_sent() => soonest.at(by, Due::Heard),
            _ => {}
        }
        if let Some(at) = self.filler_at(answer) {
            soonest.at(at, Due::Filler);
        }
    }

    /// However the wait is made up, nobody hears nothing for longer than a reply may take. Only words that were sent for
    /// to bridge the wait are given the time of a first sound on top: they would come at the very moment of giving up.
    fn silence(&self, answer: &Answer, soonest: &mut Soonest) {
        let track = &answer.track;
        if track.is_paused() || matches!(answer.step, Step::Done) && track.is_sent() {
            return;
        }
        let since = match track.begun() {
            Some(_) => track.silent_from(),
            None => answer.last_sound,
        };
        let by = since.saturating_add(self.plan.reply);
        let bridge = track
            .bridged_since()
            .map(|asked| asked.saturating_add(self.plan.waits.first_audio));
        soonest.at(by.max(bridge.unwrap_or(by)), Due::NoAnswer);
    }

    /// When something is said because the caller waits.
    fn filler_at(&self, answer: &Answer) -> Option<u64> {
        let (filler, track) = (&self.plan.filler, &answer.track);
        if track.is_paused() || matches!(answer.step, Step::Done | Step::Thought) {
            return None;
        }
        let acts = matches!(answer.step, Step::Acting(_)) || answer.rounds.len() > 1;
        match answer.filled {
            None if track.begun().is_none() && filler.line.is_some() => Some(answer.started + filler.after),
            filled if acts && track.is_sent() && (filler.action.is_some() || filler.line.is_some()) => {
                let silent = track.silent_from().max(filled.unwrap_or(answer.started));
                Some(silent + filler.again)
            }
            _ => None,
        }
    }

    fn interruption(&self, over: &Over, soonest: &mut Soonest) {
        let (hearing, flush_after) = (&over.hearing, self.flush_after());
        let silent = hearing.quiet_by(flush_after, self.quiet());
        if !self.plan.transcribes {
            soonest.at(silent, Due::Dismiss);
        } else if hearing.wants_flush() {
            soonest.at(silent, Due::Flush);
        }
        soonest.at(over.since.saturating_add(self.plan.barge_in.resume_after), Due::Dismiss);
    }
}
