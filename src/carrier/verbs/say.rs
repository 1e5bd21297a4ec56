//! `<Say>`: speaks a text.

use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use super::play;
use crate::twiml::Element;

/// Like `<Play>` of the text's sound.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    play::run(leg, verb).await
}
