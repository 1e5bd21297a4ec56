//! Calls on virtual time, driven by hand.
