//! What the caller does, noted down as it happens: the labels against which a call is judged.

use crate::audio::level::rms_dbfs;
use crate::audio::mulaw;
use crate::score::{Kind, Label};

/// A caller who says nothing for longer has finished, whatever comes next (ms).
const LONGEST_PAUSE: u64 = 3000;
/// What is softer at the edges of a voice is breath and echo, over when a listener would call it over (dBFS).
const SPOKEN_DBFS: f32 = -45.0;

/// The labels of a call on its way.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    labels: Vec<Label>,
    /// Since the last utterance the caller has only let time pass, not listened for anything.
    only_time: bool,
}

impl Notes {
    /// The caller begins to speak at `at` ms. The quiet edges of the sound are no part of what is said.
    pub(crate) fn speaks(&mut self, at: u64, sound: &[u8], kind: Kind, words: &str) {
        let loud = |frame: &[u8]| rms_dbfs(&mulaw::decode_all(frame)) >= SPOKEN_DBFS;
        let frames = || sound.chunks(mulaw::FRAME);
        let (Some(first), Some(last)) = (frames().position(loud), frames().rposition(loud)) else {
            return;
        };
        let label = Label {
            from_ms: at + first as u64 * mulaw::FRAME_MS,
            to_ms: at + mulaw::millis(sound.len().min((last + 1) * mulaw::FRAME)),
            kind,
            words: words.to_owned(),
        };
        if let Some(pause) = self.pause(&label) {
            self.labels.push(pause);
        }
        self.labels.push(label);
        self.only_time = true;
    }

    /// The caller does or waits for something other than time.
    pub(crate) fn acts(&mut self) {
        self.only_time = false;
    }

    pub(crate) fn into_labels(self) -> Vec<Label> {
        self.labels
    }

    /// The pause within a turn that lies before `next`, if it goes on with what was said last.
    fn pause(&self, next: &Label) -> Option<Label> {
        let last = self.labels.last()?;
        let short = next.from_ms.saturating_sub(last.to_ms) <= LONGEST_PAUSE;
        (self.only_time && short && next.kind == Kind::Turn && last.kind != Kind::Backchannel).then(|| Label {
            from_ms: last.to_ms,
            to_ms: next.from_ms,
            kind: Kind::Pause,
            words: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sounds::{silence, speechlike};
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_quiet_edges_of_a_sound_are_left_out() {
        let mut sound = silence(Duration::from_millis(200));
        sound.extend(speechlike(Duration::from_millis(500), 1));
        sound.extend(silence(Duration::from_millis(310)));
        let mut notes = Notes::default();
        notes.speaks(1000, &sound, Kind::Interruption, "wait");
        notes.speaks(5000, &silence(Duration::from_secs(1)), Kind::Turn, "");
        let labels = notes.into_labels();
        assert_eq!(labels.len(), 1, "silence is nothing said");
        assert_eq!((labels[0].from_ms, labels[0].to_ms), (1200, 1700));
        assert_eq!((labels[0].kind, labels[0].words.as_str()), (Kind::Interruption, "wait"));
    }

    #[test]
    fn time_alone_makes_a_pause_and_listening_does_not() {
        let sound = speechlike(Duration::from_secs(1), 1);
        let mut notes = Notes::default();
        notes.speaks(0, &sound, Kind::Turn, "");
        notes.speaks(2500, &sound, Kind::Turn, "");
        notes.acts();
        notes.speaks(4000, &sound, Kind::Turn, "");
        notes.speaks(9000, &sound, Kind::Turn, "");
        notes.speaks(11_000, &sound, Kind::Backchannel, "");
        notes.speaks(13_000, &sound, Kind::Turn, "");
        let kinds: Vec<(u64, Kind)> = notes
            .into_labels()
            .iter()
            .map(|label| (label.from_ms, label.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                (0, Kind::Turn),
                (1000, Kind::Pause),
                (2500, Kind::Turn),
                (4000, Kind::Turn),
                (9000, Kind::Turn),
                (11_000, Kind::Backchannel),
                (13_000, Kind::Turn),
            ]
        );
    }
}
