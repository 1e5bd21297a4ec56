//! Spoken pieces are kept, so that the same words are asked for once.
