//! The small project in memory that the examples of findings belong to, and what `validate` prints for one.

use crate::audio::about::{About, NoSound, about};
use crate::audio::wav;
use crate::call::Asset;
use crate::check::{Check, Example};
use crate::compile::{Files, ProviderNames};
use crate::flow::Finding;
use crate::prove::proven;
use crate::report::{Format, Report, Summary};
use std::collections::BTreeSet;

/// The texts beside the flow.
const TEXTS: [(&str, &str); 3] = [
    (
        "flows/shared/ask.yaml",
        include_str!("../../../tests/flows/good/shared/ask.yaml"),
    ),
    (
        "templates/bell.xml",
        include_str!("../../../tests/flows/templates/bell.xml"),
    ),
    (
        "templates/whatsapp/thanks.txt",
        include_str!("../../../tests/flows/templates/whatsapp/thanks.txt"),
    ),
];

/// The sounds under `static/`; each is two seconds long.
const SOUNDS: [&str; 2] = ["tts/hello.mp3", "tts/menu.mp3"];

/// What is wrong with the wrong flow of a check, in the order of its places.
pub fn findings(check: &Check, example: &Example) -> Vec<Finding> {
    let project = Project {
        path: format!("flows/{}.yaml", check.id),
        flow: example.wrong(),
    };
    proven(&project.path, &project).0.findings.sorted().into_vec()
}

/// What `validate` prints of the check itself, and the ids of what else it finds in the flow.
pub fn told(check: &Check, example: &Example, format: Format, colour: bool) -> (String, Vec<&'static str>) {
    let (own, others): (Vec<_>, Vec<_>) = findings(check, example)
        .into_iter()
        .partition(|finding| finding.id == check.id);
    let summary = Summary::of(1, &own, 0);
    let report = format.render(&Report {
        colour,
        ..Report::new(&own, &summary)
    });
    // The last line counts what was found; here it would say nothing new.
    let own = report.trim_end().rsplit_once('\n').map_or("", |(lines, _)| lines);
    let others: BTreeSet<&'static str> = others.iter().map(|finding| finding.id).collect();
    (own.trim_end().to_owned(), others.into_iter().collect())
}

/// One flow in front of the texts and sounds of the project.
struct Project<'a> {
    path: String,
    flow: &'a str,
}

impl Files for Project<'_> {
    fn text(&self, path: &str) -> Option<String> {
        if path == self.path {
            return Some(self.flow.to_owned());
        }
        let found = TEXTS.iter().find(|(known, _)| *known == path);
        found.map(|(_, text)| (*text).to_owned())
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let millis = about(&sound(path)?).ok().map(|about| about.millis);
        Some((Asset { millis, lead: 0 }, path.to_owned()))
    }

    fn heard(&self, path: &str) -> Option<Result<About, NoSound>> {
        sound(path).map(|sound| about(&sound))
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let sounds = SOUNDS.iter().map(|sound| format!("static/{sound}"));
        let all = TEXTS.iter().map(|(path, _)| (*path).to_owned()).chain(sounds);
        all.filter_map(|path| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        })
        .collect()
    }

    fn providers(&self) -> ProviderNames {
        crate::line::declared("")
    }
}

/// The bytes of a sound by its path: two that are as they should be, and one for each fault.
fn sound(path: &str) -> Option<Vec<u8>> {
    let tone = |rate: usize, seconds: usize| -> Vec<i16> {
        let wave = |n: usize| (std::f64::consts::TAU * 440.0 * n as f64 / rate as f64).sin() * 8_000.0;
        (0..rate * seconds).map(|n| wave(n) as i16).collect()
    };
    let mp3 = include_bytes!("../../../tests/fixtures/tone_440hz_24k.mp3");
    Some(match path {
        "tts/hello.mp3" | "tts/menu.mp3" | "tts/real.mp3" | "tts/real.ogg" => mp3.to_vec(),
        "tts/page.mp3" => b"<!doctype html><html><body>404 Not Found</body></html>".to_vec(),
        "tts/real.wav" | "tts/wave.mp3" => wav::write_mono(8_000, &tone(8_000, 2)),
        "tts/silent.wav" => wav::write_mono(8_000, &[0; 24_000]),
        "tts/late.wav" => wav::write_mono(8_000, &[vec![0; 12_000], tone(8_000, 2)].concat()),
        "tts/low.wav" => wav::write_mono(6_000, &tone(6_000, 2)),
        "tts/long.wav" => wav::write_mono(8_000, &tone(8_000, 90)),
        _ => return None,
    })
}
