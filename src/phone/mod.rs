//! A caller's telephone and the carrier behind it, on virtual time: documents are played, webhooks come back, tasks end.
//!
//! [`Phone`] holds one call in progress. Somebody else decides what happens next, a scenario or the explorer, and says so
//! as a [`Move`]. The call itself is the production machine; what the carrier does with a document is read from the
//! rendered TwiML, so that an author's own templates count.

mod act;
mod carrier;
mod document;
mod drive;
mod ear;
mod leg;
mod look;
mod make;
mod moves;
#[expect(clippy::module_inception, reason = "the room is named after what it holds")]
mod phone;
pub mod script;
mod stage;
mod told;

pub use act::{Act, Dial, Gather, Record, Sound, Stream, Way};
pub use drive::{Drive, Machine};
pub use ear::{Ear, Silence};
pub use leg::{Doing, Leg};
pub use look::Violation;
pub use make::REFUSED;
pub use moves::{DialEnd, MessageEnd, Mishap, Move, Timing};
pub use phone::{Beginning, Phone, START};
pub use stage::Stage;
pub use told::{Told, What};

#[cfg(test)]
mod tests;
