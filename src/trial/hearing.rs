//! What the caller has heard so far, and the script that waits for it.

use crate::phone::script::{Speech, Step};
use crate::phone::{Told, What};
use std::collections::VecDeque;

/// Nothing was heard for so long: the prompt is over. As the caller of `engine simulate` takes it.
const PROMPT_OVER: u64 = 500;
/// Nothing was heard for so long: the turn is the caller's.
const TURN_OVER: u64 = 700;
/// A gap shorter than this is none.
const GAP: u64 = 200;
/// About 14 characters a second.
const PER_CHARACTER: u64 = 72;
/// What a sound file is taken to last whose length nobody knows.
const UNKNOWN_SPEECH: u64 = 2_000;

/// When something could be heard, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    spans: Vec<(u64, u64)>,
    read: usize,
    verb: Option<&'static str>,
}

impl Hearing {
    /// Takes what was told since the last time.
    pub fn listen(&mut self, told: &[Told]) {
        for told in told.get(self.read..).unwrap_or_default() {
            match &told.what {
                What::Hears { millis, .. } => {
                    self.cut(told.at.0);
                    self.spans.push((told.at.0, told.at.0.saturating_add(*millis)));
                }
                What::Verb(name) => {
                    self.cut(told.at.0);
                    self.verb = Some(name);
                }
                What::Over(_) => self.cut(told.at.0),
                _ => {}
            }
        }
        self.read = told.len();
    }

    /// What was told of the time to come is taken back.
    pub fn take_back(&mut self, told: &[Told], at: u64) {
        self.cut(at);
        self.read = self.read.min(told.len());
    }

    /// What is being heard is heard no longer.
    pub fn cut(&mut self, at: u64) {
        while let Some(last) = self.spans.last_mut() {
            if last.1 <= at {
                break;
            }
            if last.0 < at {
                last.1 = at;
                break;
            }
            self.spans.pop();
        }
    }

    /// When something is heard from that moment on.
    fn sound(&self, since: u64) -> Option<u64> {
        self.spans
            .iter()
            .find(|(_, to)| *to > since)
            .map(|(from, _)| (*from).max(since))
    }

    /// When a sound that was heard after that moment has been over for so long.
    fn over(&self, since: u64, gap: u64) -> Option<u64> {
        let heard = || self.spans.iter().filter(|(_, to)| *to > since);
        let mut over = None;
        let mut next = heard().skip(1);
        for (_, to) in heard() {
            let follows = next.next().is_some_and(|(from, _)| *from < to.saturating_add(gap));
            if !follows {
                over = Some(to.saturating_add(gap));
                break;
            }
        }
        over
    }

    /// When somebody has been speaking for so long, and speaks still.
    fn speaking(&self, since: u64, long: u64) -> Option<u64> {
        let mut block: Option<(u64, u64)> = None;
        for (from, to) in self.spans.iter().copied() {
            block = match block {
                Some((first, last)) if from <= last.saturating_add(GAP) => Some((first, to)),
                _ => Some((from, to)),
            };
            if let Some((first, last)) = block {
                let at = first.saturating_add(long).max(since);
                if at < last {
                    return Some(at);
                }
            }
        }
        None
    }
}

/// The caller's script on its way.
#[derive(Debug)]
pub(super) struct Actor {
    pub steps: VecDeque<Step>,
    /// When the step before was over.
    pub since: u64,
}

impl Actor {
    pub fn new(steps: &[Step], now: u64) -> Self {
        Self {
            steps: steps.iter().cloned().collect(),
            since: now,
        }
    }

    /// When the caller does the next thing, as far as is known now. What only waits is passed over.
    pub fn due(&mut self, hearing: &Hearing, now: u64) -> Option<u64> {
        loop {
            let since = self.since;
            let at = match self.steps.front()? {
                Step::Wait(time) => Some(since.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))),
                Step::AwaitSound => hearing.sound(since),
                Step::AwaitPromptEnd => hearing.over(since, PROMPT_OVER),
                Step::AwaitTurn => hearing.over(since, TURN_OVER),
                Step::AwaitSpeaking(time) => {
                    hearing.speaking(since, u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
                }
                Step::AwaitVerb(name) => hearing
                    .verb
                    .is_some_and(|verb| verb.eq_ignore_ascii_case(name))
                    .then_some(now.max(since)),
                Step::Speak(_) | Step::Backchannel(_) | Step::Keys(_) | Step::HangUp => {
                    return Some(since.max(now));
                }
            };
            match at {
                // What is waited for has come: the next step counts from there.
                Some(at) if at <= now => {
                    self.since = at.max(since);
                    self.steps.pop_front();
                }
                at => return at,
            }
        }
    }

    /// Takes the step that is due.
    pub fn take(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }
}

/// How long it takes to say it, and its words.
pub(super) fn spoken(speech: &Speech) -> (u64, String) {
    match speech {
        Speech::Words(words) => (by_words(words), words.clone()),
        Speech::Noise(time) => (u64::try_from(time.as_millis()).unwrap_or(u64::MAX), String::new()),
        Speech::File { words, .. } if words.is_empty() => (UNKNOWN_SPEECH, String::new()),
        Speech::File { words, .. } => (by_words(words), words.clone()),
        Speech::Sound { mulaw, words } => (crate::audio::mulaw::millis(mulaw.len()), words.clone()),
    }
}

/// How long words take: about 14 characters a second.
pub(super) fn by_words(words: &str) -> u64 {
    (words.chars().count() as u64).saturating_mul(PER_CHARACTER).max(400)
}
