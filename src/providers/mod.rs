//! Speech and language services; one file per wire protocol.

mod endpoint;
mod error;
pub mod transcribe;

pub use error::{ErrorClass, ProviderError};
