//! What probes come to: a verdict, what was seen, the carrier's code that it would have caused, and what to do.

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and is to be looked at.
    Warn,
    /// Callers would notice.
    Fail,
    /// Not looked at; the outcome says why.
    Skipped,
}

impl Verdict {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which probe: a name that stays the same between versions, such as `tls-certificate`.
    pub probe: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen, or why it was not looked at.
    pub seen: String,
    /// The carrier's error code that it would have caused.
    pub code: Option<u32>,
    /// What to do.
    pub help: Option<String>,
}

impl Outcome {
    /// As it should be.
    pub fn ok(probe: &'static str, seen: impl Into<String>) -> Self {
        Self::new(probe, Verdict::Ok, seen)
    }

    /// Works, and is to be looked at.
    pub fn warn(probe: &'static str, seen: impl Into<String>) -> Self {
        Self::new(probe, Verdict::Warn, seen)
    }

    /// Callers would notice.
    pub fn fail(probe: &'static str, seen: impl Into<String>) -> Self {
        Self::new(probe, Verdict::Fail, seen)
    }

    /// Not looked at, because of this.
    pub fn skipped(probe: &'static str, why: impl Into<String>) -> Self {
        Self::new(probe, Verdict::Skipped, why)
    }

    fn new(probe: &'static str, verdict: Verdict, seen: impl Into<String>) -> Self {
        Self {
            probe,
            verdict,
            seen: seen.into(),
            code: None,
            help: None,
        }
    }

    /// The carrier's error code.
    #[must_use]
    pub fn code(mut self, code: u32) -> Self {
        self.code = Some(code);
        self
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// All results, in the order of the probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    /// What was looked at: a deployment's address, or a project's folder.
    pub subject: String,
    /// Families with their results.
    pub families: Vec<(&'static str, Vec<Outcome>)>,
}

impl Checkup {
    /// Nothing looked at yet.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            families: Vec::new(),
        }
    }

    /// Adds a family's results; a family without any is left out.
    pub fn add(&mut self, family: &'static str, outcomes: Vec<Outcome>) {
        if !outcomes.is_empty() {
            self.families.push((family, outcomes));
        }
    }

    /// Every result.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.families.iter().flat_map(|(_, outcomes)| outcomes)
    }

    /// How many ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.outcomes().filter(|one| one.verdict == verdict).count()
    }
}
