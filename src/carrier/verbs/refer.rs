//! `<Refer>`: hands a SIP call over to another address.

use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use crate::twiml::Element;

/// Accepted on SIP calls; on any other the verb is noted (13801) and skipped.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    if !leg.sip {
        leg.error(13801, "the call did not come over SIP");
        return Ok(Next::Verb);
    }
    let result = vec![
        ("ReferCallStatus".to_owned(), "completed".to_owned()),
        ("ReferSipResponseCode".to_owned(), "202".to_owned()),
        ("NotifySipResponseCode".to_owned(), "200".to_owned()),
    ];
    Ok(leg.action(verb, false, result))
}
