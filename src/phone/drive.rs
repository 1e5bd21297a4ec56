//! Who moves the call: the production machine, or one that tests have broken on purpose.

use crate::call::{Arrival, Call, Effect, Event, Flow, Probe, Time};

/// Takes events and says what is to be done, as the call machine does.
pub trait Drive {
    /// A call's first event.
    fn begin(&self, flow: &Flow, now: Time, arrival: &Arrival, probe: Option<Box<Probe>>) -> (Call, Vec<Effect>);

    /// Any later one.
    fn handle(&self, call: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect>;

    /// The event that was handled last, once more, to a copy of the call: what would happen if it came twice.
    fn again(&self, twin: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        self.handle(twin, flow, now, event)
    }
}

/// The call machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Drive for Machine {
    fn begin(&self, flow: &Flow, now: Time, arrival: &Arrival, probe: Option<Box<Probe>>) -> (Call, Vec<Effect>) {
        Call::begin_observed(flow, now, arrival, probe)
    }

    fn handle(&self, call: &mut Call, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        call.handle(flow, now, event)
    }
}
