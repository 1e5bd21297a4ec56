//! The carrier's WebSockets: their messages, and the task that lets a conversation speak through one, by sound or text.

mod drive;
pub mod host;
mod mark;
mod player;
pub mod relay;
pub mod session;
mod socket;
pub mod tape;
pub mod wire;

pub use host::{Admission, CloseReason, Control, Crew, Event, Host, Pulse, RelaySetup, Services, TalkSetup};
pub use relay::{run_relay, run_relay_within};
pub use session::{Limits, Summary, run, run_within};
pub use socket::config;
pub use tape::{Tape, TapeError, Taped};
pub use wire::{Start, subprotocol};
