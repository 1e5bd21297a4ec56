//! The verbs of TwiML, one file each, and the order in which a document is executed.

mod connect;
mod dial;
mod echo;
mod enqueue;
mod gather;
mod hangup;
mod leave;
mod pause;
mod pay;
mod play;
mod record;
mod redirect;
mod refer;
mod reject;
mod relay;
mod say;
mod start;
mod stop;

use std::future::Future;
use std::pin::Pin;

use super::document::{Content, Document};
use super::leg::{Leg, Next, flag};
use super::line::Interrupt;
use super::prompt;
use super::timeline::Happening;
use crate::twiml::{Element, Severity};

type Running<'a> = Pin<Box<dyn Future<Output = Result<Next, Interrupt>> + Send + 'a>>;
type Run = for<'a> fn(&'a mut Leg, &'a Element) -> Running<'a>;

/// Every verb by its name. A new verb is one file and one line here.
const VERBS: &[(&str, Run)] = &[
    ("Connect", |leg, verb| Box::pin(connect::run(leg, verb))),
    ("Dial", |leg, verb| Box::pin(dial::run(leg, verb))),
    ("Echo", |leg, verb| Box::pin(echo::run(leg, verb))),
    ("Enqueue", |leg, verb| Box::pin(enqueue::run(leg, verb))),
    ("Gather", |leg, verb| Box::pin(gather::run(leg, verb))),
    ("Hangup", |leg, verb| Box::pin(hangup::run(leg, verb))),
    ("Leave", |leg, verb| Box::pin(leave::run(leg, verb))),
    ("Pause", |leg, verb| Box::pin(pause::run(leg, verb))),
    ("Pay", |leg, verb| Box::pin(pay::run(leg, verb))),
    ("Play", |leg, verb| Box::pin(play::run(leg, verb))),
    ("Record", |leg, verb| Box::pin(record::run(leg, verb))),
    ("Redirect", |leg, verb| Box::pin(redirect::run(leg, verb))),
    ("Refer", |leg, verb| Box::pin(refer::run(leg, verb))),
    ("Reject", |leg, verb| Box::pin(reject::run(leg, verb))),
    ("Say", |leg, verb| Box::pin(say::run(leg, verb))),
    ("Start", |leg, verb| Box::pin(start::run(leg, verb))),
    ("Stop", |leg, verb| Box::pin(stop::run(leg, verb))),
];

/// Executes a document. `None` when it ran out of verbs. Boxed, as a queue executes its waiting document in turn.
pub(crate) fn execute(
    leg: &mut Leg,
    document: Document,
) -> Pin<Box<dyn Future<Output = Result<Option<Next>, Interrupt>> + Send + '_>> {
    Box::pin(run(leg, document))
}

async fn run(leg: &mut Leg, document: Document) -> Result<Option<Next>, Interrupt> {
    leg.base = document.base;
    for problem in &document.problems {
        // Errors are raised by the verb that meets them; the schema's own warnings stand here.
        if problem.severity == Severity::Warning && problem.code != 0 {
            leg.error(problem.code, problem.message.clone());
        }
    }
    match document.content {
        Content::Sound(sound) => {
            leg.answer();
            leg.line.play(&sound).await?;
            Ok(Some(Next::HangUp))
        }
        Content::Text(text) => {
            leg.answer();
            let sound = leg.meanwhile(prompt::speak(&text, "en-US")).await?;
            leg.line.play(&sound).await?;
            Ok(Some(Next::HangUp))
        }
        Content::Verbs(verbs) => {
            for (index, verb) in verbs.iter().enumerate() {
                match step(leg, verb, index).await? {
                    Next::Verb => {}
                    next => return Ok(Some(next)),
                }
            }
            Ok(None)
        }
    }
}

async fn step(leg: &mut Leg, verb: &Element, index: usize) -> Result<Next, Interrupt> {
    let Some((name, run)) = VERBS.iter().find(|(name, _)| *name == verb.name) else {
        return Ok(Next::Verb);
    };
    if answers(verb, index) {
        leg.answer();
    }
    leg.line.verb_started(name);
    leg.timeline.note(Happening::VerbStarted((*name).to_owned()));
    let result = run(leg, verb).await;
    let how = match &result {
        Ok(Next::Verb) => "done".to_owned(),
        Ok(Next::Fetch(request)) => format!("goes on at {}", request.url),
        Ok(Next::HangUp) => "hangs up".to_owned(),
        Ok(Next::Refuse(status)) => (*status).to_owned(),
        Ok(Next::Leave) => "leaves the queue".to_owned(),
        Err(Interrupt::HungUp) => "the caller hung up".to_owned(),
        Err(Interrupt::Ordered(_)) => "interrupted by REST".to_owned(),
        Err(Interrupt::TooLong) => "the call reached its longest time".to_owned(),
        Err(Interrupt::Alarm) => "interrupted".to_owned(),
    };
    leg.timeline.note(Happening::VerbEnded((*name).to_owned(), how));
    result
}

/// Whether a verb answers a call that still rings.
fn answers(verb: &Element, index: usize) -> bool {
    match verb.name.as_str() {
        "Reject" | "Redirect" => false,
        "Pause" => index > 0,
        "Dial" => !flag(verb, "answerOnBridge", false),
        _ => true,
    }
}
