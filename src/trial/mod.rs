//! Scenarios on virtual time: a call is placed on the production machine, everything around it is played, and what came of
//! it is held against what was expected.
//!
//! [`read`] makes scenarios of a file, [`play`] plays one, [`judge`] says what did not come of it as it must.

mod brain;
mod coverage;
mod faults;
pub mod form;
mod hearing;
mod judge;
mod known;
mod moment;
mod outcome;
mod player;
mod playout;
mod recorder;
mod scenario;
mod services;
mod session;
mod shape;
mod timeline;

pub use coverage::{Coverage, Missed, Share};
pub use faults::{ALL as FAULTS, REAL, VIRTUAL};
pub use judge::{Failure, judge};
pub use known::known;
pub use outcome::{Heard, Message, Played, Request};
pub use player::{Ground, PAYMENTS, play};
pub use scenario::{Scenario, ScenarioFile, read};
pub use timeline::timeline;

#[cfg(test)]
mod tests;
