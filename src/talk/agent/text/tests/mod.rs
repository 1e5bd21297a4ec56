//! Tests of the agent by text on virtual time.

mod actions;
mod answering;
mod cutting_off;
mod random;
mod world;
