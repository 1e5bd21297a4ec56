//! Tests of the conversation with a speech-to-speech model, on virtual time.

mod answering;
mod ending;
mod interrupting;
mod random;
mod wishing;
mod world;
