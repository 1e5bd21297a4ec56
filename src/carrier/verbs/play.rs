//! `<Play>`: fetches a sound and plays it, or plays keys. A sound that cannot be had is noted and skipped.

use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use super::super::prompt;
use crate::twiml::Element;

/// Plays to the end, as often as `loop` says.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    let prompt = prompt::prepare(leg, verb).await?;
    for _ in 0..prompt.times {
        if prompt.sound.is_empty() {
            break;
        }
        leg.line.play(&prompt.sound).await?;
    }
    Ok(Next::Verb)
}
