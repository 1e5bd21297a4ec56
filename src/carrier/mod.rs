//! The built-in carrier: plays the telephone network's part against a running engine, over HTTP, WebSocket and REST.

pub mod caller;
pub mod clock;
pub mod ear;
pub mod errors;
pub mod faults;
pub mod front;
mod http;
mod ids;
mod overrides;
mod sign;
mod sounds;
pub mod timeline;
mod voice;
