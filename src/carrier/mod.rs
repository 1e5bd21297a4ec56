//! The built-in carrier: plays the telephone network's part against a running engine, over HTTP, WebSocket and REST.
//!
//! [`Carrier::start`] opens the REST side; [`place`] makes one call and returns its [`CallReport`]. Many calls may
//! run at once on one carrier.

mod account;
mod call;
mod clock;
mod courier;
mod diagnose;
mod document;
mod ear;
mod errors;
mod exchange;
mod faults;
mod fork;
mod front;
mod http;
mod ids;
mod leg;
mod line;
mod network;
mod noise;
mod notes;
mod overrides;
mod prompt;
mod relay;
mod rest;
mod sign;
mod socket;
mod sounds;
mod spec;
mod status;
mod stream;
mod synthesis;
mod timeline;
mod verbs;
mod voice;
mod wire;

pub use crate::phone::script::{Script, ScriptError, Speech, Step, parse_duration};
pub use account::{Message, Recording};
pub use call::{CallReport, Outcome, PlaceError, place};
pub(crate) use document::is_sound;
pub use ear::{Ear, Frame, Span};
pub use errors::{Code, Level, level, meaning};
pub use exchange::{Exchange, Method, Params};
pub use faults::{ALL as FAULTS, Fault, FaultError};
pub use front::{Front, FrontError};
pub use network::{Carrier, CarrierConfig, CarrierError};
pub use noise::{Colour, Noise, NoiseError};
pub use sign::{signature, signed_url};
pub use spec::{CallSpec, DialOutcome, PayOutcome, StatusEvent};
pub use synthesis::{SynthesisError, voiced};
pub use timeline::{Event, Happening, json_lines, lines};
pub use voice::VoiceError;

#[cfg(test)]
mod tests;
