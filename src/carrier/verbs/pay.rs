//! `<Pay>`: a payment over the phone with a scripted result.

use std::time::Duration;

use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use super::super::sounds;
use super::super::spec::PayOutcome;
use crate::twiml::Element;

/// Speaks for a while, as the carrier's own prompts would, then asks for the `action`.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    leg.line.play(&sounds::speechlike(Duration::from_secs(3), 23)).await?;
    leg.line.pause(Duration::from_secs(1)).await?;
    let mut result = Vec::new();
    let mut put = |name: &str, value: &str| result.push((name.to_owned(), value.to_owned()));
    put("Result", leg.pay.result());
    put("PaymentMethod", "credit-card");
    if leg.pay == PayOutcome::Success {
        put("PaymentCardNumber", "xxxxxxxxxxxx4242");
        put("PaymentCardType", "visa");
        put("ExpirationDate", "1230");
        if verb.attribute("chargeAmount").is_some() {
            put("PaymentConfirmationCode", "ch_simulated");
        } else {
            put("PaymentToken", "tok_simulated");
        }
    }
    Ok(leg.action(verb, true, result))
}
