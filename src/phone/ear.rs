//! When the caller heard or said something, and the silences between.

use crate::call::Time;

/// A stretch of time in which neither side could be heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// Its beginning.
    pub from: Time,
    /// Its end.
    pub to: Time,
}

impl Silence {
    /// How long it was, in milliseconds.
    pub fn millis(self) -> u64 {
        self.to.since(self.from)
    }
}

/// One call's sound, as far as silences need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ear {
    /// Until when something was heard; none before the call was answered.
    until: Option<Time>,
    longest: Silence,
}

impl Ear {
    /// The call is answered: from here silence counts.
    pub fn answered(&mut self, at: Time) {
        self.until.get_or_insert(at);
    }

    /// Something is heard, or the caller says something, from one moment to another.
    pub fn sound(&mut self, from: Time, to: Time) {
        self.listen(from);
        self.until = Some(self.until.unwrap_or(from).max(to));
    }

    /// Nothing was heard up to now, if nothing was.
    pub fn listen(&mut self, now: Time) {
        let Some(until) = self.until else { return };
        let silence = Silence { from: until, to: now };
        if silence.millis() > self.longest.millis() {
            self.longest = silence;
        }
    }

    /// Nobody is on the line any more: nothing counts from here.
    pub fn over(&mut self, at: Time) {
        self.listen(at);
        self.until = None;
    }

    /// The caller does something: what was being heard is cut off, and from here silence counts.
    pub fn interrupt(&mut self, at: Time) {
        self.listen(at);
        if self.until.is_some() {
            self.until = Some(at);
        }
    }

    /// How long nothing has been heard, in milliseconds.
    pub fn quiet(&self, now: Time) -> u64 {
        self.until.map_or(0, |until| now.since(until))
    }

    /// Until when something is heard that has begun: now, where nothing is.
    pub fn heard_by(&self, now: Time) -> Time {
        self.until.map_or(now, |until| until.max(now))
    }

    /// Sets how long nothing has been heard: where many ways lead to the same place, the quietest counts.
    pub fn set_quiet(&mut self, now: Time, millis: u64) {
        self.until = Some(Time(now.0.saturating_sub(millis)));
    }

    /// Forgets the longest silence, not the one that lasts.
    pub fn forget(&mut self) {
        self.longest = Silence::default();
    }

    /// The longest silence so far.
    pub fn longest(&self) -> Silence {
        self.longest
    }
}
