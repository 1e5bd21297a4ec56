//! The call machine on virtual time. `phone` is one telephone and its carrier; each test reads as a call.

mod after;
mod engine;
mod phone;
mod project;
mod random;
mod steps;
mod streams;
mod wishes;
