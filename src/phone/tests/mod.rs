//! The telephone and its carrier, move by move.

mod asking;
mod others;
mod random;
mod recording;
mod silence;
mod streams;
mod troubles;
mod violations;
mod world;
