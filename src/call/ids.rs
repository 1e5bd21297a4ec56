//! Identities and time: no bare `String` or number stands for a call, a step, a wait or a moment.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identity as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id! {
    /// The carrier's name for one call leg (`CA` and 32 hex digits at Twilio; any text here).
    CallId
}
text_id! {
    /// The globally unique name of one outside effect. Performing it twice is prevented by this key.
    TaskKey
}
text_id! {
    /// SHA-256 of everything a flow was compiled from, in hex: calls keep the version they began with.
    FlowHash
}
text_id! {
    /// One of the exact results a step can have, such as `done` or `no_answer`.
    Outcome
}

/// A step's place in `Flow::steps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u16);

impl StepId {
    /// The index into `Flow::steps`.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A moment: milliseconds since the Unix epoch. Always an argument, never read from a clock in here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// This moment and `ms` milliseconds.
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 when `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The webhook through which the carrier comes back. The first four are the contract's; every other step uses `Next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The first request of a call.
    IncomingCall,
    /// A media stream's `<Connect action>`.
    StreamEnded,
    /// A `<Record action>`.
    HandleRecording,
    /// The action of any other verb.
    Next,
}

impl Route {
    /// The last part of the webhook's path.
    pub fn path(self) -> &'static str {
        match self {
            Self::IncomingCall => "incoming_call",
            Self::StreamEnded => "stream_ended",
            Self::HandleRecording => "handle_recording",
            Self::Next => "next",
        }
    }
}

/// Names one wait of a call: the `n`th time (from 1) that the carrier is expected back through `route`.
///
/// A late or repeated request carries the ticket of an earlier wait and is recognised by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// The webhook.
    pub route: Route,
    /// Which use of that webhook in this call, from 1.
    pub n: u32,
}

impl Ticket {
    /// The ticket of a call's first request.
    pub const FIRST: Self = Self {
        route: Route::IncomingCall,
        n: 1,
    };
}

/// The timers a call can have; each is at most one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// `limits.call`: the longest call.
    Limit,
    /// Something should have come back from the carrier by now.
    Guard,
    /// The media stream should have started by now.
    StreamStart,
    /// A frame of the caller should have been heard by now.
    StreamMedia,
}

impl Timer {
    /// All timers, for reading a name back.
    pub const ALL: [Self; 4] = [Self::Limit, Self::Guard, Self::StreamStart, Self::StreamMedia];

    /// The name under which the store keeps it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Guard => "guard",
            Self::StreamStart => "stream_start",
            Self::StreamMedia => "stream_media",
        }
    }

    /// The timer of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|timer| timer.name() == name)
    }
}
