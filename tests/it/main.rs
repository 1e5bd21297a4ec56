//! Tests of the engine from outside: real sockets, a real store, the built-in carrier. One module per subject.

mod channels;
mod contract;
mod faults;
mod flows;
mod followups;
mod fuzzed;
mod purity;
mod relay;
mod reload;
mod restart;
mod schemas;
mod server;
mod speak;
mod stage;
mod transcribe;
mod trouble;
mod wire;
