//! Sound as numbers: G.711, files and streams, the playout clock, and who is speaking. No IO and no clock of its own.

pub mod about;
pub mod activity;
pub mod clock;
mod floor;
pub mod gate;
pub mod level;
pub mod mulaw;
pub mod resample;
pub mod silero;
pub mod sound;
pub mod stream;
pub mod trim;
pub mod vad;
pub mod wav;
