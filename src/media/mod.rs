//! The media WebSocket: the carrier's messages, and the task that lets a conversation speak through one.

mod drive;
pub mod host;
mod player;
pub mod session;
mod socket;
pub mod wire;

pub use host::{Admission, CloseReason, Control, Event, Host, Pulse, TalkSetup};
pub use session::{Limits, Summary, run, run_within};
pub use socket::config;
pub use wire::{Start, subprotocol};
