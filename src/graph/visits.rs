//! What went where: how often tests or the proof came to each step and took each outcome.
//!
//! The file is JSON, and whoever measures writes it:
//!
//! ```json
//! {"format_version": "1.0",
//!  "flows": {"flows/menu.yaml": {"steps": {"menu": 3}, "edges": {"menu/sales": 1, "menu/no_input": 0}}}}
//! ```

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Visits of flows. Within a major `format_version` fields are only ever added; unknown ones are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visits {
    /// `1.0`.
    pub format_version: String,
    /// By the flow's file, relative to the project and with `/`. A flow that is not here was not visited.
    pub flows: BTreeMap<String, FlowVisits>,
}

/// Visits of one flow and the flows it runs. A step or outcome that is not here was not visited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowVisits {
    /// By the step's full name, such as `menu`, or `ask_name/ask` in a flow that is run.
    pub steps: BTreeMap<String, u64>,
    /// By the step's full name and the outcome: `menu/no_input`.
    pub edges: BTreeMap<String, u64>,
}

impl Default for Visits {
    fn default() -> Self {
        Self {
            format_version: "1.0".to_owned(),
            flows: BTreeMap::new(),
        }
    }
}

impl Visits {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Where it is not JSON of this form, or of another major version.
    pub fn read(text: &str) -> Result<Self, UnreadableVisits> {
        let visits: Self = serde_json::from_str(text).map_err(|error| UnreadableVisits::Form(error.to_string()))?;
        match visits.format_version.split('.').next() {
            Some("1") => Ok(visits),
            _ => Err(UnreadableVisits::Version(visits.format_version)),
        }
    }
}

/// Why a file of visits cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnreadableVisits {
    /// It is not JSON of this form.
    Form(String),
    /// It has a `format_version` of another major number.
    Version(String),
}

impl fmt::Display for UnreadableVisits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(error) => write!(f, "it is not a file of visits: {error}"),
            Self::Version(version) => write!(f, "it has `format_version` {version:?}, and 1.x is read"),
        }
    }
}

impl std::error::Error for UnreadableVisits {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_passes_over_additions() {
        let text = r#"{"format_version":"1.3","by":"x","flows":{"flows/a.yaml":{"steps":{"a":2},"more":1}}}"#;
        let visits = Visits::read(text).unwrap();
        assert_eq!(visits.flows["flows/a.yaml"].steps["a"], 2);
        assert!(visits.flows["flows/a.yaml"].edges.is_empty());
        let again = serde_json::to_string(&visits).unwrap();
        assert_eq!(Visits::read(&again), Ok(visits));
        assert_eq!(
            Visits::read(r#"{"format_version":"1.0","flows":{}}"#),
            Ok(Visits::default())
        );
    }

    #[test]
    fn says_why_it_cannot_be_used() {
        let cases = [
            (r#"{"format_version":"2.0","flows":{}}"#, "\"2.0\", and 1.x is read"),
            (r#"{"flows":{}}"#, "missing field `format_version`"),
            (
                r#"{"format_version":"1.0","flows":{"a":{"steps":{"a":-1}}}}"#,
                "expected u64",
            ),
            ("", "EOF"),
        ];
        for (text, expected) in cases {
            let error = Visits::read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
