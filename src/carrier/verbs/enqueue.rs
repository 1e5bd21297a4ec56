//! `<Enqueue>`: waits in a queue to the sound of `waitUrl` until somebody takes the call, as scripted.

use std::time::Duration;

use super::super::ear::SILENT;
use super::super::exchange::{Method, Params};
use super::super::ids;
use super::super::leg::{Leg, Next};
use super::super::line::{Interrupt, endless};
use super::super::sounds;
use crate::twiml::Element;

/// How long the one who takes the call talks.
const TALK: Duration = Duration::from_secs(3);
/// Pause before a waiting document that ended at once is asked for again, so that it cannot flood its server.
const BREATH: Duration = Duration::from_millis(500);

/// Waits, is taken and talks, or leaves; then asks for the `action` where there is one.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    let queue = ids::sid("QU");
    let base = leg.base.clone();
    let began = leg.line.now();
    let patience = leg.queue;
    leg.line.set_alarm(Some(patience));
    let waited = wait(leg, verb, &queue).await;
    leg.line.set_alarm(None);
    leg.base = base;
    let seconds = leg.line.now().saturating_sub(began).as_secs();
    let facts = |result: &str| -> Params {
        vec![
            ("QueueResult".to_owned(), result.to_owned()),
            ("QueueSid".to_owned(), queue.clone()),
            ("QueueTime".to_owned(), seconds.to_string()),
        ]
    };
    match waited {
        Ok(Next::Leave) => Ok(leg.action(verb, false, facts("leave"))),
        Ok(other) => Ok(other),
        Err(Interrupt::Alarm) => {
            let talk = leg.line.play(&sounds::speechlike(TALK, 5)).await;
            if talk == Err(Interrupt::HungUp) {
                leg.last_action(verb, false, facts("bridged"));
            }
            talk?;
            Ok(leg.action(verb, false, facts("bridged")))
        }
        Err(Interrupt::HungUp) => {
            leg.last_action(verb, false, facts("hangup"));
            Err(Interrupt::HungUp)
        }
        Err(other) => Err(other),
    }
}

/// Runs the waiting document over and over. Ends by leaving, hanging up or an interrupt.
async fn wait(leg: &mut Leg, verb: &Element, queue: &str) -> Result<Next, Interrupt> {
    let home = leg.base.clone();
    let url = match verb.attribute("waitUrl") {
        Some("") => return silence(leg).await,
        Some(url) => leg.resolve(url),
        None => return music(leg).await,
    };
    let url = match url {
        Ok(url) => url,
        Err(failure) => {
            leg.fail(&failure);
            return music(leg).await;
        }
    };
    let began = leg.line.now();
    loop {
        let waited = leg.line.now().saturating_sub(began).as_secs();
        let facts: Params = [
            ("QueueSid", queue.to_owned()),
            ("QueuePosition", "1".to_owned()),
            ("QueueTime", waited.to_string()),
            ("AvgQueueTime", waited.to_string()),
            ("CurrentQueueSize", "1".to_owned()),
            (
                "MaxQueueSize",
                verb.attribute("maxQueueSize").unwrap_or("100").to_owned(),
            ),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        leg.base.clone_from(&home);
        let mut request = leg.request(
            "wait",
            url.clone(),
            Method::read(verb.attribute("waitUrlMethod")),
            facts,
        );
        let round = leg.line.now();
        loop {
            let document = match leg.fetch(&request, false).await? {
                Ok(document) => document,
                Err(failure) => {
                    leg.fail(&failure);
                    return music(leg).await;
                }
            };
            match super::execute(leg, document).await? {
                Some(Next::Fetch(next)) => request = next,
                Some(Next::Leave) => return Ok(Next::Leave),
                Some(next) => return Ok(next),
                None => break,
            }
        }
        if leg.line.now().saturating_sub(round) < BREATH {
            leg.line.pause(BREATH).await?;
        }
    }
}

async fn music(leg: &mut Leg) -> Result<Next, Interrupt> {
    let mut music = endless(&sounds::hold_music());
    loop {
        leg.line.beat(&music.next().unwrap_or(SILENT)).await?;
    }
}

async fn silence(leg: &mut Leg) -> Result<Next, Interrupt> {
    loop {
        leg.line.beat(&SILENT).await?;
    }
}
