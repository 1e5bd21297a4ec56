//! A call as a pure machine: events and time go in, effects come out. Nothing else decides what a call does.
//!
//! `Call::handle` is the front door. One file holds each family of events; `walk.rs` moves through the steps and
//! `kind.rs` is what a step kind must offer. `README.md` beside this file says where to add what.

mod after;
mod agent;
mod arrive;
mod asked;
mod conversing;
mod cx;
mod effect;
mod end;
mod event;
mod flow;
mod ids;
mod kind;
mod machine;
mod pii;
mod probe;
mod state;
mod status;
mod stream;
mod task;
mod timer;
mod walk;
mod wish;

pub use agent::{Agent, AgentAction, Providers, ServiceSpec, Talker};
pub use conversing::{Conversing, Opening};
pub use cx::Cx;
pub use effect::{Answer, Effect, Log, MediaOrder, Recording, Row, Task, TaskKind};
pub use event::{Arrival, Event, Params, TaskOutput, TaskResult, Trouble};
pub use flow::{AfterItem, Asset, Flow, Limits, Section, Step};
pub use ids::{CallId, FlowHash, Outcome, Route, StepId, TaskKey, Ticket, Time, Timer};
pub use kind::{Back, Chances, Next, StepError, StepKind, Touches};
pub use pii::Pii;
pub use probe::{Doubt, Probe};
pub use state::{
    Call, CarrierStatus, EndReason, Facts, FollowUp, Live, Phase, RecordWish, Redirect, Stream, StreamPhase, Wait,
    WaitOn, Watchdog,
};

#[cfg(test)]
mod tests;
