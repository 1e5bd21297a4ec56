//! The media WebSocket: the carrier's messages, and the task that lets a conversation speak through one.

pub mod wire;
