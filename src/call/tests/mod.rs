//! The call machine on virtual time.
