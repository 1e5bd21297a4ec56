//! Declarative telephony: call flows are YAML, and a call is a pure machine that everything drives.

pub mod audio;
pub mod call;
pub mod carrier;
pub mod channels;
pub mod check;
pub mod cli;
pub mod compile;
pub mod diff;
pub mod doctor;
pub mod edit;
pub mod flow;
pub mod graph;
pub mod line;
pub mod media;
pub mod phone;
pub mod pipeline;
pub mod prove;
pub mod providers;
pub mod replay;
pub mod report;
pub mod score;
pub mod server;
pub mod step;
pub mod store;
pub mod talk;
pub mod twiml;
