//! `<Leave>`: takes the caller out of the queue whose waiting document says it.

use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use crate::twiml::Element;

/// Outside of a queue the call ends, as nothing is left to come back to.
pub(super) async fn run(_leg: &mut Leg, _verb: &Element) -> Result<Next, Interrupt> {
    Ok(Next::Leave)
}
