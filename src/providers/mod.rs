//! Speech and language services; one file per wire protocol.
//! Streaming ones are tasks: orders come in on one channel, results leave on another, dropping the task stops it.

mod endpoint;
mod error;
mod google;
pub mod listen;
pub mod realtime;
mod service;
pub(crate) mod socket;
pub mod speak;
pub mod think;
pub mod transcribe;

pub use error::{ErrorClass, ProviderError};
pub use service::{Patience, Service};
