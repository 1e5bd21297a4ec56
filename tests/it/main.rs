//! Tests of the engine from outside: real sockets, a real store, the built-in carrier. One module per subject.

mod channels;
mod contract;
mod conversation;
mod faults;
mod flows;
mod followups;
mod fuzzed;
mod google;
mod listen;
mod purity;
mod realtime;
mod relay;
mod reload;
mod replay;
mod restart;
mod schemas;
mod server;
mod speak;
mod stage;
mod think;
mod transcribe;
mod trouble;
mod wire;
