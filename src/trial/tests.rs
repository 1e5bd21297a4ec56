//! Calls that are played, in little.
