//! `<Start>`: begins a copy of the call's sound to the engine and goes on at once.

use super::super::fork::Fork;
use super::super::ids;
use super::super::leg::{Leg, Next};
use super::super::line::Interrupt;
use super::super::socket;
use super::super::stream;
use super::super::timeline::Happening;
use super::super::wire::{self, Track, Writer};
use crate::twiml::Element;

/// Tracks that may be copied at once on a call.
const TRACK_LIMIT: usize = 4;

/// Only `<Stream>` is played; what else can be started is skipped.
pub(super) async fn run(leg: &mut Leg, verb: &Element) -> Result<Next, Interrupt> {
    for noun in verb.children.iter().filter(|noun| noun.name == "Stream") {
        stream(leg, noun).await?;
    }
    Ok(Next::Verb)
}

async fn stream(leg: &mut Leg, noun: &Element) -> Result<(), Interrupt> {
    let sid = ids::sid("MZ");
    let tracks = match noun.attribute("track").unwrap_or("inbound_track") {
        "inbound_track" => vec![Track::Inbound],
        "outbound_track" => vec![Track::Outbound],
        "both_tracks" => vec![Track::Inbound, Track::Outbound],
        other => {
            leg.error(31941, format!("no track is called `{other}`"));
            stream::tell(leg, noun, &sid, "stream-error", Some("31941"));
            return Ok(());
        }
    };
    if leg.line.forks.len() + tracks.len() > TRACK_LIMIT {
        leg.error(31941, format!("more than {TRACK_LIMIT} tracks at once"));
        return Ok(());
    }
    let url = noun.attribute("url").unwrap_or_default().to_owned();
    let (client, faults) = (leg.client.clone(), leg.faults.clone());
    match leg.meanwhile(socket::open(&url, &client, &faults)).await? {
        Ok(open) => {
            let mut writer = Writer::new(sid.clone());
            open.send(wire::connected());
            open.send(writer.start(&leg.account.sid, &leg.sid, &tracks, &stream::parameters(noun)));
            leg.line
                .forks
                .push(Fork::new(noun.clone(), writer, tracks, open, leg.timeline.clone()));
            leg.timeline.note(Happening::StreamStarted(sid.clone(), url));
            stream::tell(leg, noun, &sid, "stream-started", None);
        }
        Err((code, detail)) => {
            leg.error(code, format!("{url}: {detail}"));
            stream::tell(leg, noun, &sid, "stream-error", Some(&format!("{code} - {detail}")));
        }
    }
    Ok(())
}
