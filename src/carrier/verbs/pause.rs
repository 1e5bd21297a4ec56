//! `<Pause>`: silence. At the head of the first document the call rings on instead.

use super::super::leg::{Leg, Next, seconds};
use super::super::line::Interrupt;
use crate::twiml::Element;

/// Waits for `length` seconds.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    leg.line.pause(seconds(verb, "length", 1)).await?;
    Ok(Next::Verb)
}
