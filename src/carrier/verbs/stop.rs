//! `<Stop>`: ends a copy that `<Start>` began.

use super::super::fork::Fork;
use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use super::super::stream;
use crate::twiml::Element;

/// Ends the streams named; a name that nobody carries changes nothing.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    let names: Vec<&str> = verb
        .children
        .iter()
        .filter(|noun| noun.name == "Stream")
        .filter_map(|noun| noun.attribute("name"))
        .collect();
    let forks = std::mem::take(&mut leg.line.forks);
    let (ending, staying) = forks
        .into_iter()
        .partition(|fork| fork.noun.attribute("name").is_some_and(|name| names.contains(&name)));
    leg.line.forks = staying;
    let ending: Vec<Fork> = ending;
    for mut fork in ending {
        let (account, call) = (leg.account.sid.clone(), leg.sid.clone());
        leg.meanwhile(fork.stop(&account, &call)).await?;
        stream::tell(leg, &fork.noun, &fork.writer.sid, "stream-stopped", None);
    }
    Ok(Next::Verb)
}
