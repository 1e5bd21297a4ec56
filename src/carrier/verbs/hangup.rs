//! `<Hangup>`: ends the call.

use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use crate::twiml::Element;

/// As the first verb it answers and ends.
pub(super) async fn run(_leg: &mut Leg, _verb: &Element) -> Result<Next, Interrupt> {
    Ok(Next::HangUp)
}
