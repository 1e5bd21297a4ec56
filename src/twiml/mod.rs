//! TwiML, the carrier's call language: its grammar, reading it back, checking it, and rendering it from templates.

mod check;
mod grammar;
mod problem;
mod read;
mod render;
mod voices;

pub use check::{Setting, check, check_messages, examine};
pub use grammar::{AttributeRule, ElementRule, Grammar, Kind, grammar};
pub use problem::{Problem, Severity, severity_of};
pub use read::{Element, read};
pub use render::{Links, RenderError, TemplateError, Templates, Verb};
pub use voices::{Voices, is_hebrew};

/// The largest document that the carrier reads, in bytes (error 11750).
pub const DOCUMENT_LIMIT: usize = 65_536;

/// The longest document that the REST parameter `Twiml` takes, in characters (error 32018).
pub const INLINE_LIMIT: usize = 4_000;
