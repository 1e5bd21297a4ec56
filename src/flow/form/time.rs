//! Lengths of time: `500ms`, `6s`, `15m`, `1h`, `30d`.

use std::fmt;

use serde_json::{Value as Json, json};

use super::super::finding::{Fix, Safety};
use super::super::yaml::Node;
use super::{FromYaml, Reader};

/// A length of time in whole milliseconds, always written with its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duration(u64);

/// Units from the longest to the shortest, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// In milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// In whole seconds, a begun one counted: what a carrier that takes only seconds is told.
    pub const fn as_secs_ceil(self) -> u64 {
        self.0.div_ceil(1_000)
    }

    /// Reads `6s`. None where it is not a whole number and one of the units.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(end);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*millis).map(Self)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_millis(duration.0)
    }
}

/// The longest unit that divides it: `90s`, not `1.5m`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        for (name, millis) in UNITS {
            if self.0.is_multiple_of(millis) {
                return write!(f, "{}{name}", self.0 / millis);
            }
        }
        Ok(())
    }
}

impl FromYaml for Duration {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        let text = node.scalar().map(|scalar| scalar.text.as_str());
        if let Some(duration) = text.and_then(Self::parse) {
            return Some(duration);
        }
        let mut finding = cx.wrong_type_finding::<Self>(node);
        match text {
            Some(text) if text.parse::<u64>().is_ok() => {
                finding = finding.label("seconds, or milliseconds?").advise(
                    format!("write `{text}s` for seconds or `{text}ms` for milliseconds"),
                    Fix::replace(Safety::Unsafe, cx.place_of(node), format!("{text}s")),
                );
            }
            Some(text) => {
                finding.message = format!("`{text}` is not a length of time");
                if let Some(written) = whole(text) {
                    finding = finding.advise(
                        format!("write `{written}`: a whole number and its unit"),
                        Fix::replace(Safety::Safe, cx.place_of(node), written.to_string()),
                    );
                }
            }
            None => {}
        }
        cx.report(finding);
        None
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$", "examples": ["500ms", "6s", "15m", "1h"]})
    }

    fn expected() -> &'static str {
        "6s"
    }

    fn what() -> &'static str {
        "a length of time with its unit (`ms`, `s`, `m`, `h` or `d`)"
    }

    fn written(&self) -> Option<Json> {
        Some(json!(self.to_string()))
    }
}

/// What `1.5s` or `6 s` means, in whole milliseconds.
fn whole(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let part = format!("{part:0<3}");
    let thousandths = whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000)?
        .checked_add(part.get(..3)?.parse().ok()?)?;
    let millis = thousandths.checked_mul(*millis)?;
    (millis % 1_000 == 0 && part.len() == 3).then_some(Duration(millis / 1_000))
}
