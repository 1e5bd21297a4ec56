//! Tests of the engine from outside: real sockets, a real store, the built-in carrier. One module per subject.

mod channels;
mod contract;
mod faults;
mod followups;
mod reload;
mod restart;
mod server;
mod stage;
mod transcribe;
mod trouble;
mod wire;
