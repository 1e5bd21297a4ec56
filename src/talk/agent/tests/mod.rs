//! Tests of the agent on virtual time.

mod actions;
mod answering;
mod listening;
mod random;
mod speaking;
mod world;
