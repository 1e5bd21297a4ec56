//! The sounds of a flow, listened to: whether they can be played, and what a caller hears of them.

use super::written::lasting;
use crate::audio::about::{About, NoSound};
use crate::audio::sound::SoundError;
use crate::compile::{Compiled, Files};
use crate::flow::{Finding, Findings, Node, Place};
use std::collections::BTreeSet;

/// Endings whose type the carrier plays. What the first two hold is known here as well.
const PLAYABLE: [&str; 5] = ["mp3", "wav", "aif", "aiff", "gsm"];
/// The carrier may cut what is longer, in milliseconds: 40 minutes.
const LONGEST_MS: u64 = 40 * 60_000;
/// Below this rate a file holds less than a telephone carries, in hertz.
const LOWEST_RATE: u32 = 8_000;

pub(super) fn check(compiled: &Compiled, files: &dyn Files, findings: &mut Findings) {
    let carrier = played_by_carrier(compiled);
    for path in compiled.draft.assets.keys() {
        let Some(place) = first_named(compiled, path) else {
            continue;
        };
        let sound = Sound {
            path,
            place,
            by_carrier: carrier.contains(path.as_str()),
        };
        if sound.by_carrier && !PLAYABLE.contains(&sound.ending().as_str()) {
            findings.push(sound.of_no_type());
            continue;
        }
        match files.heard(path) {
            Some(Ok(about)) => sound.heard(&about, compiled, findings),
            Some(Err(fault)) => findings.extend(sound.unheard(&fault)),
            None => {}
        }
    }
}

/// What the carrier fetches and plays itself; the rest is decoded here, for conversations.
fn played_by_carrier(compiled: &Compiled) -> BTreeSet<&str> {
    let flow = compiled.flow.iter().flat_map(|flow| &flow.steps);
    let steps = flow.chain(&compiled.draft.steps);
    let named = steps.flat_map(|step| step.kind.touches().assets);
    let mut played: BTreeSet<&str> = named.map(|sound| sound.value.as_str()).collect();
    for document in &compiled.documents {
        let apology = document.root.as_ref().and_then(|root| root.key("apology"));
        played.extend(apology.and_then(Node::scalar).map(|scalar| scalar.text.as_str()));
    }
    played
}

/// The first value of the files that is this path.
fn first_named(compiled: &Compiled, path: &str) -> Option<Place> {
    compiled.documents.iter().find_map(|document| {
        let node = super::written::scalars(document.root.as_ref()?)
            .into_iter()
            .find(|node| node.scalar().is_some_and(|scalar| scalar.text == path))?;
        Some(Place::new(&document.source, node.span))
    })
}

struct Sound<'a> {
    path: &'a str,
    place: Place,
    by_carrier: bool,
}

impl Sound<'_> {
    fn ending(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        name.rsplit_once('.')
            .map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase())
    }

    fn of_no_type(&self) -> Finding {
        let message = match self.ending().as_str() {
            "" => format!("`static/{}` has no ending that says what it is", self.path),
            ending => format!("the carrier plays no `.{ending}`: `static/{}`", self.path),
        };
        Finding::error("sound-unplayable", self.place.clone(), message)
            .category("policy")
            .label("its type is refused (12300)")
            .consequence("the caller would hear nothing here")
            .help("save it as `.mp3`, or as `.wav` with 8000 Hz, mono")
    }

    fn unheard(&self, fault: &NoSound) -> Option<Finding> {
        let readable_here = ["mp3", "wav"].contains(&self.ending().as_str());
        // Types that the carrier plays and that nobody decodes here; a file without sound is one in any type.
        if self.by_carrier && !readable_here && matches!(fault, NoSound::Undecodable(_)) {
            return None;
        }
        let message = format!("`static/{}` cannot be played: {fault}", self.path);
        // The carrier knows codings that are not read here.
        let coded = matches!(fault, NoSound::Undecodable(SoundError::Wav(_)));
        if self.by_carrier && coded {
            return Some(
                Finding::warning("sound-unplayable", self.place.clone(), message)
                    .category("policy")
                    .label("perhaps the carrier cannot play it either (13420)")
                    .help("save it as `.mp3`, or as `.wav` with 8000 Hz, mono, 16 bits or mu-law"),
            );
        }
        let finding = Finding::error("sound-unplayable", self.place.clone(), message)
            .category("policy")
            .label("no sound in it (13420)");
        let finding = if self.by_carrier {
            finding.consequence("the caller would hear nothing here")
        } else {
            finding.consequence("the conversation could not begin, and the caller would go to the fallback")
        };
        Some(match fault {
            NoSound::Text => finding.help("look into the file: a download may have saved an error page; fetch it anew"),
            _ => finding.help("save it anew, as `.mp3` or as `.wav`"),
        })
    }

    fn heard(&self, about: &About, compiled: &Compiled, findings: &mut Findings) {
        let path = self.path;
        let warn = |id, message: String| Finding::warning(id, self.place.clone(), message).category("policy");
        let ending = self.ending();
        if self.by_carrier && ending != about.format.as_str() {
            let real = about.format.as_str();
            findings.push(
                warn(
                    "sound-mismatch",
                    format!("`static/{path}` is `.{ending}` by name and `.{real}` by content"),
                )
                .label("sent with the wrong type (13420)")
                .consequence("the carrier may play noise, or nothing")
                .help(format!(
                    "rename it so that it ends in `.{real}`, or save it as `.{ending}`"
                )),
            );
        }
        if about.is_silent() {
            findings.push(
                warn(
                    "sound-silent",
                    format!(
                        "nothing can be heard in `static/{path}`: its loudest moment is {:.0} dBFS",
                        about.loudest
                    ),
                )
                .label("as good as silent")
                .consequence(format!("the caller would hear nothing for {}", seconds(about.millis)))
                .help("record it louder; for a measured silence use `pause`"),
            );
        } else if about.begins_late() {
            findings.push(
                warn(
                    "sound-late-start",
                    format!("the first {} of `static/{path}` are silent", seconds(about.lead)),
                )
                .label("begins late")
                .consequence("the caller waits in silence and may speak into the prompt or hang up")
                .help("cut the silence off its beginning"),
            );
        }
        if about.rate < LOWEST_RATE {
            findings.push(
                warn(
                    "sound-low-rate",
                    format!("`static/{path}` has {} samples a second", about.rate),
                )
                .label("less than a telephone carries")
                .consequence("it sounds muffled")
                .help("save it with 8000 Hz or more, from the original"),
            );
        }
        let call = compiled.flow.as_ref().map_or(u64::MAX, |flow| flow.limits.call);
        if call < super::reason::SHORTEST_CALL {
            return;
        }
        let (longest, whose) = if call < LONGEST_MS {
            (call, "`limits.call` ends the call before")
        } else {
            (LONGEST_MS, "the carrier may cut it after 40 minutes")
        };
        if about.millis > longest {
            findings.push(
                warn(
                    "sound-too-long",
                    format!("`static/{path}` plays for {}", seconds(about.millis)),
                )
                .label(whose)
                .consequence("nobody hears its end")
                .help("shorten it, or divide it among several steps"),
            );
        }
    }
}

/// A length for people: `1.4 s`, `12m`.
fn seconds(millis: u64) -> String {
    if millis < 60_000 {
        format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
    } else {
        lasting(millis / 1_000 * 1_000).to_string()
    }
}
