//! Tests of the engine from outside: real sockets, a real store, the built-in carrier. One module per subject.

mod channels;
mod contract;
mod faults;
mod fuzzed;
mod relay;
mod schemas;
mod restart;
mod purity;
mod schemas;
mod flows;
mod server;
mod stage;
mod transcribe;
mod wire;
