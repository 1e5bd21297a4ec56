//! What the caller is saying now: how long they spoke, which words were recognised, how much silence ends it.

use super::plan::Listening;
use super::words::{self, Shape};
use crate::talk::Verdict;

/// How far behind the caller a listener's words come; words later than this were spoken after the last sound heard here.
const LAG: u64 = 300;
/// More silence than ends an utterance is allowed where it is not heard but inferred: no frames come at all.
const STALL: u64 = 1000;

/// The voice activity as of the last frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quiet {
    /// Milliseconds since the caller's last sound, counted in frames.
    pub(super) silence: u64,
    /// When that frame came.
    pub(super) frame: u64,
}

/// One utterance of the caller.
#[derive(Debug, Clone)]
pub(super) struct Hearing {
    pub(super) id: u32,
    pub(super) started: u64,
    pub(super) last_sound: u64,
    /// Milliseconds of speech heard in it.
    pub(super) speech: u64,
    /// Opened by words alone: the voice activity missed it.
    is_soft: bool,
    /// The words that opened it.
    pub(super) before: Option<String>,
    /// Its words so far.
    pub(super) text: String,
    /// How whole they are.
    pub(super) shape: Shape,
    /// When they last became different without being asked for.
    words_at: Option<u64>,
    /// When any words came.
    pub(super) heard_at: Option<u64>,
    /// The last request for its words, answered or not, and whether the caller spoke since.
    flush: Flush,
    verdict: Option<Verdict>,
    /// Since when the silence has been long enough.
    pub(super) closing: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flush {
    /// The caller spoke after the last request.
    Wanted,
    Asked(u32),
    Answered,
}

impl Hearing {
    /// An utterance that began at `started`.
    pub(super) fn new(id: u32, started: u64, last_sound: u64, is_soft: bool) -> Self {
        Self {
            id,
            started,
            last_sound,
            speech: 0,
            is_soft,
            before: None,
            text: String::new(),
            shape: Shape::Open,
            words_at: None,
            heard_at: None,
            flush: Flush::Wanted,
            verdict: None,
            closing: None,
        }
    }

    /// The caller made a sound just now; `speech` is the length of the present one.
    pub(super) fn sounds(&mut self, at: u64, speech: u64) {
        if at > self.last_sound {
            self.last_sound = at;
            self.closing = None;
            self.verdict = None;
            self.flush = Flush::Wanted;
        }
        self.speech = self.speech.max(speech);
        self.is_soft = false;
    }

    /// Words came. True where they are others than before.
    pub(super) fn words(&mut self, now: u64, text: &str, flush: Option<u32>) -> bool {
        let text = text.trim();
        let is_new = !words::same(text, &self.text);
        if flush.is_some() && flush == self.asked() {
            self.flush = Flush::Answered;
            self.heard_at = Some(now);
        }
        // An empty text takes no words away that were heard: an answer to a question that came too late is empty.
        if text.is_empty() {
            return false;
        }
        if is_new && flush.is_none() {
            self.words_at = Some(now);
        }
        if is_new {
            self.heard_at = Some(now);
        }
        // A listener told of the utterance only after its first words may begin anew.
        let text = match &self.before {
            Some(before) if !words::bare(text).starts_with(&words::bare(before)) => format!("{before} {text}"),
            _ => text.to_owned(),
        };
        let is_other = self.text != text;
        self.shape = words::shape(&text);
        self.text = text;
        is_other
    }

    /// Whether words that belong to no utterance are words of this one: it was opened by such words, and no sound was
    /// heard since.
    pub(super) fn takes_stray_words(&self) -> bool {
        self.is_soft
    }

    pub(super) fn judged(&mut self, verdict: Verdict) {
        self.verdict = Some(verdict);
    }

    /// Its words are asked for with this number.
    pub(super) fn ask(&mut self, flush: u32) {
        self.flush = Flush::Asked(flush);
    }

    pub(super) fn wants_flush(&self) -> bool {
        self.flush == Flush::Wanted
    }

    fn asked(&self) -> Option<u32> {
        match self.flush {
            Flush::Asked(flush) => Some(flush),
            Flush::Wanted | Flush::Answered => None,
        }
    }

    /// Whether its words were asked for and none came at all.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.flush, Flush::Asked(_)) && self.text.is_empty()
    }

    /// Whether the words cover everything that was said.
    pub(super) fn is_answered(&self) -> bool {
        self.flush == Flush::Answered
    }

    /// The silence that ends it, by what was said.
    pub(super) fn wanted(&self, plan: &Listening) -> u64 {
        let short = plan.complete.min(plan.silence);
        let wanted = match (self.verdict, self.shape) {
            (Some(Verdict::GoesOn), _) => plan.hard,
            (Some(Verdict::Complete), _) => short,
            (_, Shape::Digits) => plan.digits.max(plan.silence),
            (_, Shape::Unfinished) => plan.unfinished.max(plan.silence),
            (_, Shape::Finished | Shape::Open) => plan.silence,
        };
        wanted.min(plan.hard)
    }

    /// When it will have been quiet for so long. In the past where it has been.
    pub(super) fn quiet_by(&self, wanted: u64, quiet: Quiet) -> u64 {
        // What a frame says is true at that frame; without frames, the clock is believed a little later.
        let voice = match quiet.silence >= wanted {
            true => quiet.frame,
            false => quiet.frame + (wanted - quiet.silence) + STALL,
        };
        match self.words_at {
            Some(at) if self.is_soft => at + wanted,
            Some(at) => voice.max((at + wanted).saturating_sub(LAG)),
            None => voice,
        }
    }
}
