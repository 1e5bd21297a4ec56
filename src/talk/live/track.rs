//! The sound of one answer on its way to the caller's ear: what left, what was heard of which item, and in which words.
//! Sound leaves as it comes; whoever plays it keeps the pace.

use crate::audio::mulaw;
use crate::talk::playback::MARK_GRACE;
use crate::talk::{Output, Play};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// A mark follows at least every half second of sound, in bytes.
const BETWEEN_MARKS: usize = 4000;
/// Bytes of mu-law in a millisecond.
const PER_MILLI: u64 = 8;
/// Slow speech: how long a character may take, while more sound of its item may come.
const PER_CHARACTER: u64 = 70;

/// What left of one answer. Lengths are bytes of mu-law, so that lumps of any size add up.
#[derive(Debug)]
pub(super) struct Track {
    parts: Vec<Part>,
    sent: u64,
    unmarked: usize,
    /// Marks that did not come back, with what had left before them.
    marks: VecDeque<(Play, u64)>,
    /// At this moment so much had been heard.
    heard: (u64, u64),
    /// When the first sound left.
    begun: Option<u64>,
}

/// A clip, or what came of an item in one go.
#[derive(Debug)]
struct Part {
    /// The model's name for it; none for a clip.
    item: Option<Arc<str>>,
    text: String,
    /// It bridges a wait, and is no part of the answer.
    is_aside: bool,
    from: u64,
    length: u64,
    /// No more sound of it will come.
    is_whole: bool,
}

impl Track {
    pub(super) fn new(now: u64) -> Self {
        Self {
            parts: Vec::new(),
            sent: 0,
            unmarked: 0,
            marks: VecDeque::new(),
            heard: (now, 0),
            begun: None,
        }
    }

    /// Plays a clip of the call.
    pub(super) fn clip(
        &mut self,
        now: u64,
        clip: usize,
        (text, millis): &(Arc<str>, u64),
        is_aside: bool,
        play: Play,
        out: &mut Vec<Output>,
    ) {
        self.open(now, None, text.to_string(), is_aside);
        self.add(now, millis * PER_MILLI);
        out.push(Output::Play { clip, play });
        self.unmarked = 0;
        self.marks.push_back((play, self.sent));
    }

    /// Sound of an item goes out; `text` are words of it that came before.
    pub(super) fn sound(
        &mut self,
        now: u64,
        item: &Arc<str>,
        ulaw: &Bytes,
        text: String,
        mut next_play: impl FnMut() -> Play,
        out: &mut Vec<Output>,
    ) {
        match self.parts.last_mut() {
            Some(part) if part.item.as_ref() == Some(item) => part.text.push_str(&text),
            _ => self.open(now, Some(item.clone()), text, false),
        }
        let mut rest = ulaw.clone();
        while !rest.is_empty() {
            let lump = rest.split_to(rest.len().min(BETWEEN_MARKS - self.unmarked));
            self.unmarked += lump.len();
            self.add(now, lump.len() as u64);
            out.push(Output::Sound { ulaw: lump });
            if self.unmarked >= BETWEEN_MARKS {
                self.mark(next_play(), out);
            }
        }
    }

    /// More words of an item. False where none of its sound has left.
    pub(super) fn words(&mut self, item: &str, text: &str) -> bool {
        let part = self.parts.iter_mut().rfind(|part| part.item.as_deref() == Some(item));
        part.map(|part| part.text.push_str(text)).is_some()
    }

    /// No more sound of this response comes; `is_complete` where its words and its sound are both all there.
    pub(super) fn end(&mut self, is_complete: bool, next_play: impl FnOnce() -> Play, out: &mut Vec<Output>) {
        if let Some(part) = self.parts.last_mut() {
            part.is_whole |= is_complete;
        }
        if self.unmarked > 0 {
            self.mark(next_play(), out);
        }
    }

    /// A mark came back; an unknown one changes nothing.
    pub(super) fn played(&mut self, now: u64, play: Play) {
        if let Some(index) = self.marks.iter().position(|(mark, _)| *mark == play) {
            let length = self.marks[index].1;
            self.marks.drain(..=index);
            self.heard = (now, length);
        }
    }

    /// What of each item the caller did not hear to its end: how many milliseconds of it they did.
    pub(super) fn unheard(&self, now: u64) -> Vec<(Arc<str>, u64)> {
        let heard = self.heard_bytes(now);
        let mut items: Vec<(Arc<str>, u64, u64)> = Vec::new();
        for part in &self.parts {
            let Some(item) = &part.item else { continue };
            let known = part.heard(heard);
            match items.iter_mut().find(|(other, ..)| other == item) {
                Some(entry) => (entry.1, entry.2) = (entry.1 + known, entry.2 + part.length),
                None => items.push((item.clone(), known, part.length)),
            }
        }
        let is_short = items.into_iter().filter(|(_, heard, length)| heard < length);
        is_short.map(|(item, heard, _)| (item, heard / PER_MILLI)).collect()
    }

    /// The words heard by now, never half a word.
    pub(super) fn heard_text(&self, now: u64) -> String {
        let heard = self.heard_bytes(now);
        let words: Vec<&str> = self.parts.iter().flat_map(|part| part.words(heard)).collect();
        words.join(" ")
    }

    /// All words that left, heard or not, without what only bridged a wait.
    pub(super) fn text(&self) -> String {
        let parts = self.parts.iter().filter(|part| !part.is_aside);
        let words: Vec<&str> = parts.flat_map(|part| part.text.split_whitespace()).collect();
        words.join(" ")
    }

    /// Whether the caller must have heard everything that left, marks or not.
    pub(super) fn is_heard(&self, now: u64) -> bool {
        self.heard_bytes(now) >= self.sent
    }

    /// When everything that left was heard, its marks lost or not.
    pub(super) fn heard_by(&self) -> u64 {
        match (self.sent - self.heard.1).div_ceil(PER_MILLI) {
            0 => self.heard.0,
            rest => self.heard.0.saturating_add(rest).saturating_add(MARK_GRACE),
        }
    }

    /// When what left falls silent by the clock alone.
    pub(super) fn silent_from(&self) -> u64 {
        self.heard.0.saturating_add((self.sent - self.heard.1) / PER_MILLI)
    }

    /// When the first sound left.
    pub(super) fn begun(&self) -> Option<u64> {
        self.begun
    }

    /// Whether anything of the answer itself left.
    pub(super) fn has_sound(&self) -> bool {
        self.parts.iter().any(|part| !part.is_aside && part.length > 0)
    }

    pub(super) fn sent_ms(&self) -> u64 {
        self.sent / PER_MILLI
    }

    fn open(&mut self, now: u64, item: Option<Arc<str>>, text: String, is_aside: bool) {
        if let Some(before) = self.parts.last_mut() {
            before.is_whole = true;
        }
        let is_whole = item.is_none();
        self.parts.push(Part {
            item,
            text,
            is_aside,
            from: self.sent,
            length: 0,
            is_whole,
        });
        // What was sent before may have been heard by now: then the clock of hearing starts anew.
        if self.is_heard(now) {
            self.heard = (now, self.sent);
        }
    }

    fn add(&mut self, now: u64, length: u64) {
        if length == 0 {
            return;
        }
        if self.is_heard(now) {
            self.heard = (now, self.sent);
        }
        self.begun.get_or_insert(now);
        self.sent += length;
        if let Some(part) = self.parts.last_mut() {
            part.length += length;
        }
    }

    fn mark(&mut self, play: Play, out: &mut Vec<Output>) {
        out.push(Output::Mark { play });
        self.marks.push_back((play, self.sent));
        self.unmarked = 0;
    }

    fn heard_bytes(&self, now: u64) -> u64 {
        let (at, length) = self.heard;
        let since = now.saturating_sub(at).saturating_mul(PER_MILLI);
        length.saturating_add(since).min(self.sent)
    }
}

impl Part {
    /// How much of it was heard, where so much of the answer was.
    fn heard(&self, heard: u64) -> u64 {
        heard.saturating_sub(self.from).min(self.length)
    }

    fn words(&self, heard: u64) -> Vec<&str> {
        let heard = self.heard(heard);
        let mut words: Vec<&str> = self.text.split_whitespace().collect();
        let whole = if self.is_whole {
            self.length
        } else {
            let slow = self.text.chars().count() as u64 * PER_CHARACTER * PER_MILLI;
            self.length.max(slow)
        };
        if heard < whole {
            let count = words.len() as u64 * heard / whole;
            words.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        }
        words
    }
}

/// The length of a lump in milliseconds.
pub(super) fn millis(ulaw: &[u8]) -> u64 {
    mulaw::millis(ulaw.len())
}
