//! What the conversation waits for, and until when: the only list of its clocks. What is not here is not waited for.

use super::answer::{Answer, Step, Wish};
use super::caller::Hearing;
use super::{LiveConversation, Phase};

/// After this much more than its longest, a conversation ends whatever is going on.
pub(super) const LAST_GRACE: u64 = 30_000;
/// So much silence ends a turn though the model has not said so: more than OpenAI's slowest detection, which takes 8 s.
const MODEL_SILENCE: u64 = 10_000;

/// Something whose time comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The keys are a turn.
    Keys,
    /// The caller's turn must be over.
    Take,
    /// The caller says nothing.
    Idle,
    /// The conversation is too long, at a pause and at all.
    TooLong,
    Cut,
    /// The model is not there, or keeps everybody waiting.
    ModelLate,
    /// The model was to answer by itself, and does not.
    Nudge,
    ActLate,
    /// The caller waits.
    Filler,
    /// Everything was heard.
    Heard,
    /// The caller's words do not come.
    Words,
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

impl LiveConversation {
    /// What comes next, and when; nothing before the beginning and after the end.
    pub(super) fn next_due(&self) -> Option<(u64, Due)> {
        let mut soonest = Soonest(None);
        match &self.phase {
            Phase::Waiting | Phase::Over => return None,
            Phase::Listening { since, hearing } => match hearing {
                _ if self.keys.any() => {
                    let between = if self.keys.are_complete(&[]) {
                        0
                    } else {
                        self.plan.keys.between
                    };
                    soonest.at(self.keys.last.saturating_add(between), Due::Keys);
                }
                Some(hearing) => soonest.at(self.end_of(hearing), Due::Take),
                None => {
                    soonest.at(self.began.saturating_add(self.plan.longest), Due::TooLong);
                    soonest.at(self.plan.idle_due(*since, self.began), Due::Idle);
                }
            },
            Phase::Answering(answer) => self.answering(answer, &mut soonest),
        }
        if let Some(until) = self.ready_by {
            soonest.at(until, Due::ModelLate);
        }
        if let Some(until) = self.left.iter().filter_map(Wish::until).min() {
            soonest.at(until, Due::ActLate);
        }
        if let Some(until) = self.turns.due() {
            soonest.at(until, Due::Words);
        }
        let end = self.began.saturating_add(self.plan.longest).saturating_add(LAST_GRACE);
        soonest.at(end, Due::Cut);
        soonest.0
    }

    /// When an utterance is over without the model's word for it.
    fn end_of(&self, hearing: &Hearing) -> u64 {
        let silence = if hearing.by_model {
            MODEL_SILENCE
        } else {
            self.plan.listen.hard
        };
        let silent = hearing.last_sound.saturating_add(silence);
        silent.min(hearing.started.saturating_add(self.plan.listen.longest_turn))
    }

    fn answering(&self, answer: &Answer, soonest: &mut Soonest) {
        let waits = &self.plan.waits;
        let patience = waits.first_token.saturating_add(waits.first_audio).min(self.plan.reply);
        match &answer.step {
            // One that is not there is waited for by another clock.
            Step::Awaiting { .. } if self.ready_by.is_some() => {}
            Step::Awaiting { since, is_asked } => {
                soonest.at(since.saturating_add(patience), Due::ModelLate);
                if !is_asked {
                    soonest.at(since.saturating_add(waits.first_audio), Due::Nudge);
                }
            }
            Step::Responding { alive, .. } => soonest.at(alive.saturating_add(patience), Due::ModelLate),
            Step::Acting => {
                if let Some(until) = answer.wishes.iter().filter_map(Wish::until).min() {
                    soonest.at(until, Due::ActLate);
                }
            }
            Step::Done => soonest.at(answer.track.heard_by(), Due::Heard),
        }
        if let Some(at) = self.filler_at(answer) {
            soonest.at(at, Due::Filler);
        }
    }

    /// When something is played because the caller waits.
    fn filler_at(&self, answer: &Answer) -> Option<u64> {
        let (filler, track) = (&self.plan.filler, &answer.track);
        if answer.is_line || matches!(answer.step, Step::Done) {
            return None;
        }
        let acts = matches!(answer.step, Step::Acting) || answer.rounds > 1 && !answer.is_retried;
        match answer.filled {
            None if track.begun().is_none() && filler.line.is_some() => {
                Some(answer.started.saturating_add(filler.after))
            }
            filled if acts && (filler.action.is_some() || filler.line.is_some()) => {
                let silent = track.silent_from().max(filled.unwrap_or(answer.started));
                Some(silent.saturating_add(filler.again))
            }
            _ => None,
        }
    }
}
