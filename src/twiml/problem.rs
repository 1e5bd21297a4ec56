//! What is wrong with a document: a code of the carrier's, the place, the fact and the remedy.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong with a TwiML document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The carrier's error code, from its error dictionary; 0 where the carrier says nothing and the engine advises.
    pub code: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The fact: a lowercase fragment that names what stands in the document.
    pub message: String,
    /// The act: what to write instead.
    pub help: String,
    /// The bytes of the document that it is about.
    pub range: Range<usize>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The carrier leaves something out, or takes a default, and goes on.
    Warning,
    /// The document, the verb or the stream fails, or a caller would hear nothing.
    Error,
}

impl Problem {
    /// A problem with the severity that the carrier gives to `code`.
    pub fn new(code: u32, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem {
            code,
            severity: severity_of(code),
            message: message.into(),
            help: help.into(),
            range,
        }
    }

    /// The same problem as an error, where the carrier only warns but the caller is left without sound.
    pub(super) fn grave(mut self) -> Problem {
        self.severity = Severity::Error;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code > 0 {
            write!(f, "{}: ", self.code)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, " (help: {})", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// The level that the carrier's error dictionary gives to the codes of this room; an unknown code is a warning.
pub fn severity_of(code: u32) -> Severity {
    match code {
        11100 | 11240 | 11243 | 11750 | 12100 | 12101 | 12102 => Severity::Error,
        13231 | 13238 | 13239 | 13257 | 13338 | 13621 | 13801 => Severity::Error,
        14201..=14206 | 14300 | 15004 | 32018 => Severity::Error,
        31920 | 31922 | 31923 | 31940 | 31941 | 64004 | 64016 => Severity::Error,
        _ => Severity::Warning,
    }
}
