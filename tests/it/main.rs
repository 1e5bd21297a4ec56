//! Tests of the engine from outside: real sockets, a real store, the built-in carrier. One module per subject.

mod channels;
mod flows;
mod purity;
mod server;
mod transcribe;
mod wire;
