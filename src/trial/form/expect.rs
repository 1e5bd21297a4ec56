//! What must come of a call, or had better: its form.

use super::{Counted, VerbForm};
use crate::flow::{Duration, Located, form};
use serde_json::Value;

form! {
    /// What must come of a call.
    pub struct Expect {
        /// What the caller hears, in this order; other things may be heard between. Files, or words that are said.
        hears: Vec<Located<String>> = Vec::new(),
        /// What the caller never hears.
        not_hears: Vec<Located<String>> = Vec::new(),
        /// The longest time without sound. Where nothing is said, the flow's `limits.silence`.
        silence: Option<Located<Duration>>,
        /// How many recordings are made.
        recordings: Option<Located<u32>>,
        /// The messages that are sent: how many, or each with what it must be.
        messages: Option<Located<Counted<MessageForm>>>,
        /// The steps that the call comes to, in this order; others may lie between.
        steps: Vec<Located<String>> = Vec::new(),
        /// Steps that it never comes to.
        not_steps: Vec<Located<String>> = Vec::new(),
        /// How the call ends: `hung_up`, `caller_left`, `too_long`, `handed_over`, `rejected`, `failed`, `lost`.
        ends: Option<Located<String>>,
        /// How long it takes from the call's first moment at most: `{end: 40s, goodbye: 20s, tts/hello.mp3: 1s}`.
        within: Vec<(Located<String>, Duration)> = Vec::new(),
        /// What is kept of it.
        stored: Option<Stored>,
        /// The document at a step: its verbs in order, such as `[Play, {Record: {maxLength: 30}}]`; others may lie between.
        twiml: Vec<(Located<String>, Vec<Located<VerbForm>>)> = Vec::new(),
        /// Services that are called.
        requests: Vec<Located<RequestForm>> = Vec::new(),
        /// What is said in conversations, in order: `{caller: words}`, `{agent: words}`; other turns may lie between.
        turns: Vec<Located<TurnForm>> = Vec::new(),
    }
}

impl Expect {
    /// Nothing is expected.
    pub fn none() -> Self {
        Self {
            hears: Vec::new(),
            not_hears: Vec::new(),
            silence: None,
            recordings: None,
            messages: None,
            steps: Vec::new(),
            not_steps: Vec::new(),
            ends: None,
            within: Vec::new(),
            stored: None,
            twiml: Vec::new(),
            requests: Vec::new(),
            turns: Vec::new(),
        }
    }
}

form! {
    /// A message that is sent.
    pub struct MessageForm {
        /// `whatsapp` or `sms`.
        channel: Option<String>,
        /// To whom.
        to: Option<String>,
        /// The template's name.
        template: Option<String>,
        /// A part of its text.
        body: Option<String>,
    }
}

form! {
    /// What is kept of a call.
    pub struct Stored {
        /// Variables at its end.
        vars: Vec<(Located<String>, Value)> = Vec::new(),
        /// Fields of the contact.
        contact: Vec<(Located<String>, Value)> = Vec::new(),
        /// Interactions: how many, or each with what it must be.
        interactions: Option<Located<Counted<InteractionForm>>>,
    }
}

form! {
    /// Something that is kept of a contact.
    pub struct InteractionForm {
        /// Its kind.
        kind: Option<String>,
        /// A part of its summary.
        summary: Option<String>,
        /// Fields that its data must hold.
        data: Vec<(Located<String>, Value)> = Vec::new(),
    }
}

form! {
    /// A request to a service.
    pub struct RequestForm shorthand to {
        /// A part of the URL, with `*` for anything; or the step's or action's name.
        to: String,
        /// The method.
        method: Option<String>,
        /// Fields that the body must hold.
        body: Vec<(Located<String>, Value)> = Vec::new(),
        /// How often. At least once where nothing is said.
        times: Option<u32>,
    }
}

form! {
    /// Somebody's turn.
    pub struct TurnForm {
        /// A part of what the caller says.
        caller: Option<String>,
        /// A part of what the agent says.
        agent: Option<String>,
    }
}
