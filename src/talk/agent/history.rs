//! What the model is told was said so far: what was heard, and one result for every wish.

use crate::talk::{ActionCall, Message};
use std::sync::Arc;

/// The conversation as the model reads it.
#[derive(Debug)]
pub(super) struct History {
    messages: Vec<Message>,
    /// The caller's last turn has no answer yet that was heard.
    pub(super) is_owed: bool,
}

/// What became of a wish that nothing became of.
pub(in crate::talk) const CANCELLED: &str = "cancelled";

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
    pub(super) result: Option<Arc<str>>,
}

impl History {
    pub(super) fn new(instructions: String) -> Self {
        Self {
            messages: vec![Message::System(instructions.into())],
            is_owed: false,
        }
    }

    /// The caller's turn.
    pub(super) fn caller(&mut self, text: &str) {
        self.messages.push(Message::Caller(text.into()));
        self.is_owed = true;
    }

    /// What the agent said in one round, as far as it was heard, and what it wished for.
    pub(super) fn round(&mut self, heard: String, calls: Vec<Call>) {
        self.is_owed &= heard.is_empty();
        add(&mut self.messages, heard, &calls);
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
        text: known.result.clone().unwrap_or_else(|| CANCELLED.into()),
    }));
}
