//! The explorer: drives the production call machine through every state that a call can reach, over every outcome of
//! caller, carrier, services, store and process, and holds each against what a caller is promised.
//!
//! A breadth-first search with hashing. Data that only a real caller brings is abstract: conditions on it are taken both
//! ways. Numbers that the flow itself counts are exact up to the largest number it compares with. Time is relative: each
//! state knows how long until each timer, and for how long nothing has been heard; where several ways lead to the same
//! state, the quietest counts. Mishaps are counted: silence is bounded for one at a time, everything else for two.

mod abstraction;
mod alive;
mod chances;
mod explore;
mod explored;
mod findings;
mod key;
mod loops;
mod proof;
mod story;
mod talk;

pub use explore::{Bounds, explore};
pub use explored::{Explored, Quietest};
pub use findings::{prove, prove_with, proven};
pub use proof::{Longest, Proof};

#[cfg(test)]
mod tests;
