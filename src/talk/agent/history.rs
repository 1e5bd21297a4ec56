//! What the model is told was said so far: what was heard, and one result for every wish.

use crate::talk::{ActionCall, Message};
use std::sync::Arc;

/// The conversation as the model reads it.
#[derive(Debug)]
pub(super) struct History {
    messages: Vec<Message>,
    /// The caller's last turn has no answer yet that was heard.
    pub(super) is_owed: bool,
    /// Actions that go on: their round, their wish, and which message tells of them.
    under_way: Vec<(u32, Arc<str>, usize)>,
}

/// What became of a wish that nothing became of.
pub(in crate::talk) const CANCELLED: &str = "cancelled";
/// What became of one whose answer was cut off meanwhile, as far as it is known.
pub(in crate::talk) const UNDER_WAY: &str = "The action is still under way; it is not known yet whether it was done.";
/// The same where it was waited for long enough.
pub(in crate::talk) const LATE: &str = "The action took too long; it is not known whether it was done.";

/// One round of thinking: what the model said, and what it wished for.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) generation: u32,
    pub(super) calls: Vec<Call>,
}

/// A wish and what came of it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) call: ActionCall,
    pub(super) fate: Fate,
}

/// How far a wish has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing was done about it.
    Open,
    /// Somebody performs it.
    UnderWay,
    /// Somebody performs it, and nobody waits for them any more.
    Late,
    /// This came of it.
    Told(Arc<str>),
}

impl Call {
    /// Whether its result is still to come.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.fate, Fate::UnderWay | Fate::Late)
    }

    fn text(&self) -> Arc<str> {
        match &self.fate {
            Fate::Open => CANCELLED.into(),
            Fate::UnderWay => UNDER_WAY.into(),
            Fate::Late => LATE.into(),
            Fate::Told(text) => text.clone(),
        }
    }
}

impl History {
    pub(super) fn new(instructions: String) -> Self {
        Self {
            messages: vec![Message::System(instructions.into())],
            is_owed: false,
            under_way: Vec::new(),
        }
    }

    /// The caller's turn.
    pub(super) fn caller(&mut self, text: &str) {
        self.messages.push(Message::Caller(text.into()));
        self.is_owed = true;
    }

    /// What the agent said in one round, as far as it was heard, and what it wished for.
    pub(super) fn round(&mut self, generation: u32, heard: String, calls: Vec<Call>) {
        self.is_owed &= heard.is_empty();
        add(&mut self.messages, heard, &calls);
        // The results are the last messages, in the order of their wishes.
        let first = self.messages.len() - calls.len();
        for (index, known) in calls.into_iter().enumerate().filter(|(_, known)| known.is_under_way()) {
            self.under_way.push((generation, known.call.id, first + index));
        }
    }

    /// Whether the result of this wish is still to come.
    pub(super) fn awaits(&self, generation: u32, id: &str) -> bool {
        self.under_way
            .iter()
            .any(|(round, known, _)| is(*round, known, generation, id))
    }

    /// What came of an action after its answer was over: from now on the model reads this.
    pub(super) fn acted(&mut self, generation: u32, id: &str, text: &str) {
        let mut under_way = self.under_way.iter();
        if let Some(index) = under_way.position(|(round, known, _)| is(*round, known, generation, id)) {
            let (.., at) = self.under_way.swap_remove(index);
            self.tell(at, text);
        }
    }

    /// An action is not waited for any more.
    pub(super) fn late(&mut self, generation: u32, id: &str) {
        let mut under_way = self.under_way.iter();
        let late = under_way.find(|(round, known, _)| is(*round, known, generation, id));
        if let Some((.., at)) = late {
            self.tell(*at, LATE);
        }
    }

    fn tell(&mut self, at: usize, told: &str) {
        if let Some(Message::Result { text, .. }) = self.messages.get_mut(at) {
            *text = told.into();
        }
    }

    /// Everything so far, with what the caller says and the agent did since.
    pub(super) fn with<'a>(
        &self,
        caller: Option<&str>,
        rounds: impl Iterator<Item = (String, &'a [Call])>,
    ) -> Arc<[Message]> {
        let mut messages = self.messages.clone();
        messages.extend(caller.map(|text| Message::Caller(text.into())));
        for (text, calls) in rounds {
            add(&mut messages, text, calls);
        }
        messages.into()
    }

    /// All messages.
    #[cfg(test)]
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }
}

fn add(messages: &mut Vec<Message>, text: String, calls: &[Call]) {
    if text.is_empty() && calls.is_empty() {
        return;
    }
    messages.push(Message::Agent {
        text: text.into(),
        calls: calls.iter().map(|known| known.call.clone()).collect(),
    });
    messages.extend(calls.iter().map(|known| Message::Result {
        id: known.call.id.clone(),
        text: known.text(),
    }));
}

/// Models use their ids again in later rounds.
fn is(round: u32, known: &str, generation: u32, id: &str) -> bool {
    round == generation && known == id
}
