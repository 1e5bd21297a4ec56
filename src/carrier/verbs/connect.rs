//! `<Connect>`: hands the call over to a noun, above all to a two-way `<Stream>`, until that ends.

use super::super::ear::SILENT;
use super::super::exchange::Params;
use super::super::faults::Fault;
use super::super::ids;
use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use super::super::socket::{self, Ending};
use super::super::stream::{self, Session};
use super::super::timeline::Happening;
use super::super::wire::{self, Track, Writer};
use super::relay;
use crate::twiml::Element;

/// Runs the noun, then asks for the `action` where there is one.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    let Some(noun) = verb.children.first() else {
        return Ok(leg.action(verb, false, Params::new()));
    };
    let (facts, result) = match noun.name.as_str() {
        "Stream" => (Params::new(), stream(leg, noun).await),
        "ConversationRelay" => relay::run(leg, noun).await,
        other => {
            leg.error(12200, format!("<{other}> is not played by this carrier"));
            (Params::new(), Ok(()))
        }
    };
    match result {
        Ok(()) => Ok(leg.action(verb, false, facts)),
        Err(Interrupt::HungUp) => {
            leg.last_action(verb, false, facts);
            Err(Interrupt::HungUp)
        }
        Err(other) => Err(other),
    }
}

async fn stream(leg: &mut Leg, noun: &Element) -> Result<(), Interrupt> {
    let sid = ids::sid("MZ");
    let url = noun.attribute("url").unwrap_or_default().to_owned();
    if noun.attribute("track").is_some_and(|track| track != "inbound_track") {
        leg.error(31941, "<Connect> takes the inbound track only");
        stream::tell(leg, noun, &sid, "stream-error", Some("31941"));
        return Ok(());
    }
    let (client, faults) = (leg.client.clone(), leg.faults.clone());
    if faults.has(Fault::NeverStream) {
        leg.timeline
            .note(Happening::Fault("the stream never connects".to_owned()));
        return nothing(leg).await;
    }
    let socket = match leg.meanwhile(socket::open(&url, &client, &faults)).await? {
        Ok(socket) => socket,
        Err((code, detail)) => {
            leg.error(code, format!("{url}: {detail}"));
            stream::tell(leg, noun, &sid, "stream-error", Some(&format!("{code} - {detail}")));
            return Ok(());
        }
    };
    let mut session = Session::new(socket, Writer::new(sid.clone()), &faults);
    leg.timeline.note(Happening::StreamStarted(sid.clone(), url));
    stream::tell(leg, noun, &sid, "stream-started", None);
    greet(leg, noun, &mut session);
    let ended = talk(leg, &mut session).await;
    finish(leg, noun, session, &ended);
    ended.map(|_| ())
}

/// How a stream ended without the call's doing.
enum Ended {
    Engine(Ending),
    Broken,
}

fn greet(leg: &Leg, noun: &Element, session: &mut Session) {
    session.socket.send(wire::connected());
    if leg.faults.has(Fault::ExtraEvent) {
        session
            .socket
            .send(r#"{"event":"novelty","streamSid":"MZ0","novelty":{"a":1}}"#.to_owned());
    }
    if leg.faults.has(Fault::NoStart) {
        return;
    }
    let start = session
        .writer
        .start(&leg.account.sid, &leg.sid, &[Track::Inbound], &stream::parameters(noun));
    session.socket.send(start);
}

async fn talk(leg: &mut Leg, session: &mut Session) -> Result<Ended, Interrupt> {
    let mute = leg.faults.has(Fault::NoMedia) || leg.faults.has(Fault::NoStart);
    let drop = leg.faults.stream_drop();
    let began = leg.line.now();
    leg.line.keys.clear();
    loop {
        if let Some(ending) = session.receive(leg) {
            return Ok(Ended::Engine(ending));
        }
        let at = leg.line.now().saturating_sub(began);
        if drop.is_some_and(|drop| at >= drop) {
            leg.timeline
                .note(Happening::Fault("the stream's connection breaks".to_owned()));
            return Ok(Ended::Broken);
        }
        let frame = session.play();
        let beat = leg.line.beat(&frame).await?;
        session.echo();
        if !mute {
            session.send(leg, at.as_millis(), &beat.said);
        }
        while let Some(key) = leg.line.keys.pop_front() {
            if !mute {
                let text = session.writer.dtmf(key);
                session.socket.send(text);
            }
        }
    }
}

fn finish(leg: &Leg, noun: &Element, mut session: Session, ended: &Result<Ended, Interrupt>) {
    let why = match ended {
        Ok(Ended::Engine(ending)) => {
            if let Some(code) = ending.code() {
                leg.error(code, format!("{ending:?}"));
            }
            "the engine closed it"
        }
        Ok(Ended::Broken) => {
            leg.error(31903, "the network broke the connection");
            "the connection broke"
        }
        Err(Interrupt::HungUp) => "the caller hung up",
        Err(_) => "the call moved on",
    };
    let unheard = session.unheard_millis();
    let note = if unheard > 0 {
        format!("{why}, {unheard} ms unheard")
    } else {
        why.to_owned()
    };
    leg.timeline.note(session.summary(&note));
    let event = if matches!(ended, Ok(Ended::Broken)) {
        "stream-error"
    } else {
        "stream-stopped"
    };
    stream::tell(leg, noun, &session.writer.sid, event, None);
    if ended.is_ok() {
        return;
    }
    if !leg.faults.has(Fault::NoStop) && !leg.faults.has(Fault::AbruptClose) && !leg.faults.has(Fault::NoStart) {
        let stop = session.writer.stop(&leg.account.sid, &leg.sid);
        session.socket.send(stop);
    }
    if !leg.faults.has(Fault::AbruptClose) {
        // The call does not wait for the close to be answered.
        tokio::spawn(session.socket.close());
    }
}

pub(super) async fn nothing(leg: &mut Leg) -> Result<(), Interrupt> {
    loop {
        leg.line.beat(&SILENT).await?;
    }
}
