//! What a carrier itself says about an answer that was cut off: where it stopped is known then, to the word.

use super::{Piece, Track};
use crate::talk::agent::words::bare;

impl Track {
    /// The carrier has stopped, after these words or so many milliseconds of the answer; it may know neither. Words count
    /// where they are the answer's own. Gives back how much was heard, in milliseconds.
    pub(in crate::talk::agent) fn stopped(&mut self, now: u64, heard: &str, ms: Option<u64>) -> u64 {
        let reckoned = self.heard_ms(now);
        let known = self.reached(&bare(heard), reckoned);
        let millis = known.unwrap_or_else(|| ms.map_or(reckoned, |ms| ms.min(reckoned)));
        self.heard = (now, millis);
        self.paused = Some(now);
        ms.unwrap_or(millis)
    }

    /// Where these words end that were heard from the beginning of the answer, or else of one of its pieces.
    fn reached(&self, heard: &[String], reckoned: u64) -> Option<u64> {
        let mut words: Vec<(String, u64)> = Vec::new();
        let mut starts = Vec::new();
        for piece in self.pieces.iter().filter(|piece| piece.millis > 0) {
            starts.push(words.len());
            for (index, word) in piece.text.split_whitespace().enumerate() {
                let parts = bare(word);
                // Of a word with a hyphen the first part alone is half a word.
                let whole = parts.len().saturating_sub(1);
                words.extend(parts.into_iter().enumerate().map(|(part, bare)| {
                    let count = if part == whole { index + 1 } else { index };
                    (bare, piece.from + piece.reaches(count))
                }));
            }
        }
        let reaches = |start: &usize| end_of(words.get(*start..)?, heard);
        let first = starts.iter().take(1).find_map(reaches);
        first.or_else(|| starts.iter().filter_map(reaches).min_by_key(|at| at.abs_diff(reckoned)))
    }
}

impl Piece {
    /// The milliseconds of it after which so many words were heard.
    fn reaches(&self, count: usize) -> u64 {
        let (mut low, mut high) = (0, self.millis);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.heard(middle).len() >= count {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// Where `heard` ends in these words that it begins; without its last word where that is half a word.
fn end_of(words: &[(String, u64)], heard: &[String]) -> Option<u64> {
    let (last, before) = heard.split_last()?;
    let is_beginning = words.len() > before.len() && words.iter().zip(before).all(|((ours, _), theirs)| ours == theirs);
    let (ours, at) = words.get(before.len()).filter(|_| is_beginning)?;
    match ours == last {
        true => Some(*at),
        false if ours.starts_with(last.as_str()) => Some(words.get(before.len().checked_sub(1)?)?.1),
        false => None,
    }
}
