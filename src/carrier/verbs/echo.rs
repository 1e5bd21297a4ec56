//! `<Echo>`: the caller hears what the caller says, until somebody ends the call.

use super::super::ear::SILENT;
use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use crate::twiml::Element;

/// Returns the caller's sound one beat later. Ends only by an interrupt.
pub(super) async fn run(leg: &mut Leg, _verb: &Element) -> Result<Next, Interrupt> {
    let mut heard = SILENT;
    loop {
        heard = leg.line.beat(&heard).await?.said;
    }
}
