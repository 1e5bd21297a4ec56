//! What the engine says to others over HTTP: the carrier's REST API, recordings, and the services a flow calls.

pub mod backoff;
pub mod client;
pub mod http;
pub mod recording;
pub mod redact;
pub mod retry_after;
pub mod twilio;
