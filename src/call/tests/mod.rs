//! The call machine on virtual time. `phone` is one telephone and its carrier; each test reads as a call.

mod phone;
mod project;
mod steps;
