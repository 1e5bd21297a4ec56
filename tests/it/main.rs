//! Tests of the engine from outside: real sockets, a real store, the built-in carrier. One module per subject.

mod server;
mod channels;
mod transcribe;
mod wire;
