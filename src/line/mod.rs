//! The engine at work: every webhook, timer, task result and media event goes through one place, `Engine::apply`.
//!
//! Load the call, let the machine handle the event, commit, then answer and perform. Nothing else changes a call.

mod apply;
mod calls;
mod change;
mod clock;
pub mod config;
mod disk;
mod drain;
mod engine;
pub mod engine_yaml;
mod facts;
mod flows;
pub mod host;
mod known;
mod leases;
mod media;
mod outbox;
mod perform;
mod providers;
mod ready;
mod render;
mod running;
mod sockets;
mod sounds;
mod staff;
mod talk;
mod timers;
mod webhooks;
mod wishes;
mod words;

pub use config::{Config, ConfigError};
pub use disk::{Disk, project_root};
pub use engine::{Engine, Parts};
pub use flows::{Flows, Reload, Version, kept};
pub use providers::{declared, key_of, protocols};
pub use ready::Front;
