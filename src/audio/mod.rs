//! Sound as numbers: G.711, files, the playout clock and the energy gate. No IO and no clock of its own.

pub mod clock;
pub mod gate;
pub mod level;
pub mod mulaw;
pub mod sound;
pub mod wav;
