//! The step kinds: one file each, with its documentation, its YAML form, its outcomes and its behaviour.
//!
//! To add one: write its file after the model of `pause.rs`, and give it a line in `KINDS`.

mod choose;
mod contact;
mod converse;
mod dial;
mod end;
mod enqueue;
mod gather;
mod hangup;
mod http;
mod interaction;
mod later;
mod message;
mod pause;
mod pay;
mod play;
mod record;
mod refer;
mod reject;
mod relay;
mod run;
mod say;
mod set;
mod sms;
mod sound;
mod stream;
mod twiml;
mod whatsapp;

use crate::call::{Outcome, StepKind};
use crate::flow::{Node, Reader};
use serde_json::Value;

pub use sound::Sound;
pub(crate) use sound::default_voice;

/// Reads a kind's YAML; what is wrong with it goes to the reader's findings.
pub type ReadKind = fn(&Node, &mut Reader, &dyn Known) -> Option<Box<dyn StepKind>>;

/// A step kind as the compiler knows it.
pub struct Kind {
    /// The key in YAML.
    pub name: &'static str,
    /// One line of what it does.
    pub about: &'static str,
    /// Where it may stand.
    pub place: Stands,
    /// Its reader.
    pub read: ReadKind,
    /// JSON Schema of its YAML.
    pub schema: fn() -> Value,
}

/// Where a kind may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Only among a call's steps.
    InCall,
    /// Also under `after_call`, where there is no caller.
    Anywhere,
    /// Only in a conversation by messages.
    InMessages,
}

/// What the rest of the flow declares, for kinds whose outcomes depend on it.
pub trait Known {
    /// The exits that the agent declares; none where there is no such agent.
    fn exits(&self, agent: &str) -> Option<Vec<String>>;
    /// The flow file as a part of this one; none where it cannot be read.
    fn part(&self, file: &str) -> Option<Part>;
    /// The text of a message template; none where there is no such file.
    fn message(&self, name: &str) -> Option<crate::flow::Template>;
    /// Whether there is a TwiML template of that name.
    fn has_template(&self, name: &str) -> bool;
}

/// A flow that another one runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its section of the step table.
    pub section: usize,
    /// The ends that it declares.
    pub ends: Vec<String>,
    /// The variables that it gets.
    pub takes: Vec<String>,
}

/// All kinds, in the order of the documentation.
pub static KINDS: &[Kind] = &[
    play::KIND,
    say::KIND,
    pause::KIND,
    gather::KIND,
    record::KIND,
    converse::KIND,
    stream::KIND,
    relay::KIND,
    dial::KIND,
    enqueue::KIND,
    refer::KIND,
    pay::KIND,
    reject::KIND,
    hangup::KIND,
    choose::KIND,
    set::KIND,
    http::KIND,
    whatsapp::KIND,
    sms::KIND,
    contact::KIND,
    interaction::KIND,
    run::KIND,
    end::KIND,
    twiml::KIND,
    later::REPLY,
    later::ASK,
    later::PAYMENT_LINK,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Outcomes by name.
fn outcomes(names: &[&str]) -> Vec<Outcome> {
    names.iter().map(|name| Outcome::from(*name)).collect()
}
