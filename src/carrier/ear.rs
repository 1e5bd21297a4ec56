//! What the caller heard and said, as two tracks on one timeline, and the silences between.

use std::time::Duration;

use crate::audio::mulaw;
use crate::audio::wav;

/// 20 ms of mu-law sound, the unit of telephony.
pub type Frame = [u8; mulaw::FRAME];

/// 20 ms of nothing.
pub const SILENT: Frame = [mulaw::SILENCE; mulaw::FRAME];

/// A frame quieter than this (mean square of 16-bit samples; 100 of 32 768 is about -50 dBFS) counts as silence.
const AUDIBLE: i64 = 100 * 100;

/// A stretch of time on the call, from its placing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its begin.
    pub from: Duration,
    /// Its end.
    pub to: Duration,
}

impl Span {
    /// Its length.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

/// Everything that was audible on a call. Both tracks start when the call is placed and are equally long.
#[derive(Debug, Clone, Default)]
pub struct Ear {
    said: Vec<u8>,
    heard: Vec<u8>,
    /// The frames in which the caller, and not only the line's noise, could be heard.
    voiced: Vec<bool>,
    /// The frames in which the call was up: answered and not yet over.
    up: Option<(usize, usize)>,
}

impl Ear {
    /// Adds 20 ms: what the caller's line carried, whether the caller was in it, what the caller heard, and whether
    /// the call was up.
    pub(crate) fn take(&mut self, said: &Frame, voiced: bool, heard: &Frame, up: bool) {
        if up {
            let frame = self.said.len() / mulaw::FRAME;
            let first = self.up.map_or(frame, |(first, _)| first);
            self.up = Some((first, frame + 1));
        }
        self.said.extend_from_slice(said);
        self.voiced.push(voiced);
        self.heard.extend_from_slice(heard);
    }

    /// What the caller heard, as mu-law at 8000 Hz.
    #[must_use]
    pub fn heard(&self) -> &[u8] {
        &self.heard
    }

    /// What the caller said, as mu-law at 8000 Hz.
    #[must_use]
    pub fn said(&self) -> &[u8] {
        &self.said
    }

    /// A stereo WAV file, 8000 Hz: the caller on the left, the engine on the right.
    #[must_use]
    pub fn wav(&self) -> Vec<u8> {
        wav::write_stereo(
            mulaw::RATE,
            &mulaw::decode_all(&self.said),
            &mulaw::decode_all(&self.heard),
        )
    }

    /// The longest time, while the call was up, in which neither side could be heard.
    #[must_use]
    pub fn longest_silence(&self) -> Span {
        self.longest(|frame| self.voiced[frame] || self.hears(frame))
    }

    /// The longest time, while the call was up, in which nothing came from the engine's side.
    #[must_use]
    pub fn longest_unheard(&self) -> Span {
        self.longest(|frame| self.hears(frame))
    }

    /// The sounds the caller heard while the call was up; pauses below 300 ms do not part them.
    #[must_use]
    pub fn sounds(&self) -> Vec<Span> {
        self.spans(|frame| self.hears(frame))
    }

    /// For how long, in all, something was heard while the call was up.
    #[must_use]
    pub fn heard_time(&self) -> Duration {
        let (first, end) = self.up.unwrap_or((0, 0));
        let frames = (first..end).filter(|frame| self.hears(*frame)).count();
        span(0, frames).to
    }

    /// The caller's own utterances; pauses below 300 ms do not part them.
    #[must_use]
    pub fn utterances(&self) -> Vec<Span> {
        self.spans(|frame| self.voiced[frame])
    }

    /// For each utterance, how long the caller waited from its end for the next sound. None for one that got no answer.
    #[must_use]
    pub fn answers(&self) -> Vec<Option<Duration>> {
        let sounds = self.sounds();
        self.utterances()
            .iter()
            .map(|said| {
                let next = sounds.iter().find(|sound| sound.to > said.to)?;
                Some(next.from.saturating_sub(said.to))
            })
            .collect()
    }

    fn spans(&self, sounds: impl Fn(usize) -> bool) -> Vec<Span> {
        const PARTING: usize = 15;
        let (first, end) = self.up.unwrap_or((0, 0));
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for frame in (first..end).filter(|frame| sounds(*frame)) {
            match spans.last_mut() {
                Some((_, to)) if frame - *to < PARTING => *to = frame + 1,
                _ => spans.push((frame, frame + 1)),
            }
        }
        spans.into_iter().map(|(from, to)| span(from, to)).collect()
    }

    fn longest(&self, sounds: impl Fn(usize) -> bool) -> Span {
        let (first, end) = self.up.unwrap_or((0, 0));
        let (mut best, mut since) = ((first, first), first);
        for frame in first..=end {
            if frame == end || sounds(frame) {
                if frame - since > best.1 - best.0 {
                    best = (since, frame);
                }
                since = frame + 1;
            }
        }
        span(best.0, best.1)
    }

    fn hears(&self, frame: usize) -> bool {
        let sound = self.heard.get(frame * mulaw::FRAME..(frame + 1) * mulaw::FRAME);
        audible(sound.unwrap_or(&[]))
    }
}

/// Whether a listener would notice this piece of mu-law sound.
#[must_use]
pub fn audible(mulaw: &[u8]) -> bool {
    let power: i64 = mulaw
        .iter()
        .map(|code| i64::from(mulaw::decode(*code)))
        .map(|sample| sample * sample)
        .sum();
    power > AUDIBLE * i64::try_from(mulaw.len()).unwrap_or(i64::MAX)
}

fn span(from: usize, to: usize) -> Span {
    let time = |frame: usize| Duration::from_millis(frame as u64 * mulaw::FRAME_MS);
    Span {
        from: time(from),
        to: time(to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: Frame = [0x00; mulaw::FRAME];

    fn call(pattern: &str) -> Ear {
        let mut ear = Ear::default();
        for mark in pattern.chars() {
            match mark {
                'r' => ear.take(&SILENT, false, &LOUD, false),
                'e' => ear.take(&SILENT, false, &LOUD, true),
                'c' => ear.take(&LOUD, true, &SILENT, true),
                _ => ear.take(&SILENT, false, &SILENT, true),
            }
        }
        ear
    }

    #[test]
    fn silence_counts_only_while_the_call_is_up_and_nobody_speaks() {
        let ear = call("rr..ee....ccccccee..");
        assert_eq!(ear.longest_silence(), span(6, 10));
        assert_eq!(ear.longest_unheard(), span(6, 16));
        assert_eq!(call("").longest_silence().length(), Duration::ZERO);
        assert_eq!(call("e...").longest_silence(), span(1, 4));
    }

    #[test]
    fn an_answer_is_timed_from_the_end_of_the_utterance() {
        let quiet = ".".repeat(20);
        let ear = call(&format!("ee{quiet}cccc{quiet}eee{quiet}ccc"));
        assert_eq!(ear.sounds().len(), 2);
        assert_eq!(ear.heard_time(), Duration::from_millis(100));
        assert_eq!(ear.answers(), [Some(Duration::from_millis(400)), None]);
    }

    #[test]
    fn the_wav_has_both_tracks_side_by_side() {
        let file = wav::read(&call("c.e").wav()).expect("a WAV file");
        assert_eq!((file.rate, file.channels), (8000, 2));
        assert_eq!(file.samples.len(), 3 * 2 * mulaw::FRAME);
    }
}
