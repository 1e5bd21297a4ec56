//! A stored call once more: its events, in order and at their times, through the call machine, with the flow that it
//! had or with another one.
//!
//! Start with [`tape::read`] and [`compare()`]; [`veil::Veil`] decides what is shown of people, and [`view`] shows it.

mod apart;
mod compare;
mod faithful;
mod fit;
pub mod lines;
mod run;
mod same;
pub mod scenario;
pub mod services;
mod side;
mod stand_in;
pub mod story;
pub mod tape;
pub mod thoughts;
mod traced;
pub mod veil;
mod verbs;
pub mod view;

pub use compare::{Alone, Beat, Comparison, Stop, alone, compare};
pub use faithful::{Fault, faults};
pub use run::{Document, Moment, Waits};
pub use side::{Excerpt, Side};

#[cfg(test)]
mod tests;
