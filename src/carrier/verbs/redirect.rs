//! `<Redirect>`: goes on with another document.

use super::super::exchange::{Method, Params};
use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use crate::twiml::Element;

/// An empty text is the current document again.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    match leg.resolve(&verb.text) {
        Ok(url) => {
            let method = Method::read(verb.attribute("method"));
            Ok(Next::Fetch(leg.request("redirect", url, method, Params::new())))
        }
        Err(failure) => {
            leg.fail(&failure);
            Ok(Next::HangUp)
        }
    }
}
