//! `<Reject>`: refuses an incoming call that was not answered yet.

use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use super::super::sounds;
use crate::twiml::Element;

/// `busy` ends the call as busy, everything else as not answered. An answered call is simply ended.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    if leg.line.is_up() {
        return Ok(Next::HangUp);
    }
    if verb.attribute("reason") == Some("busy") {
        leg.line.play(&sounds::busy()).await?;
        return Ok(Next::Refuse("busy"));
    }
    Ok(Next::Refuse("no-answer"))
}
