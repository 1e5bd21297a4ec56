//! Labels: what the caller really did and when, as the built-in caller writes it or a person notes it down.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that the caller did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its first millisecond, from the start of the recording.
    pub from_ms: u64,
    /// The millisecond after its last.
    pub to_ms: u64,
    /// What it is.
    pub kind: Kind,
    /// The words, where they are known; they are not judged.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// What an utterance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something that wants an answer.
    Turn,
    /// "mm-hm": the engine is to go on.
    Backchannel,
    /// A turn begun over the engine's speech.
    Interruption,
    /// Silence within a turn: the caller has not finished.
    Pause,
}

/// Why labels cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelError {
    /// Not the JSON that is expected: what, and at which line and column.
    Json(String),
    /// A label that ends before it begins: its number, from 1.
    Backwards(usize),
    /// A label that begins before the one in front of it: its number, from 1.
    Unordered(usize),
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(
                f,
                "not a list of `{{\"from_ms\": 1200, \"to_ms\": 2500, \"kind\": \"turn\"}}`: {error}"
            ),
            Self::Backwards(number) => write!(f, "label {number} ends before it begins"),
            Self::Unordered(number) => write!(f, "label {number} begins before the one in front of it"),
        }
    }
}

impl std::error::Error for LabelError {}

/// Reads a JSON list of labels in the order of time.
///
/// # Errors
/// [`LabelError`] for everything else.
pub fn read(json: &str) -> Result<Vec<Label>, LabelError> {
    let labels: Vec<Label> = serde_json::from_str(json).map_err(|error| LabelError::Json(error.to_string()))?;
    for (index, label) in labels.iter().enumerate() {
        if label.to_ms < label.from_ms {
            return Err(LabelError::Backwards(index + 1));
        }
        if index > 0 && label.from_ms < labels[index - 1].from_ms {
            return Err(LabelError::Unordered(index + 1));
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_and_written_alike() {
        let text =
            r#"[{"from_ms":0,"to_ms":900,"kind":"turn","words":"hello"},{"from_ms":900,"to_ms":1500,"kind":"pause"}]"#;
        let labels = read(text).unwrap();
        assert_eq!(labels[0].words, "hello");
        assert_eq!(labels[1].kind, Kind::Pause);
        assert_eq!(serde_json::to_string(&labels).unwrap(), text);
    }

    #[test]
    fn each_fault_is_named() {
        for (text, part) in [
            ("{", "not a list"),
            (r#"[{"from_ms":1,"to_ms":2,"kind":"shout"}]"#, "unknown variant `shout`"),
            (r#"[{"from_ms":1,"to_ms":2,"kind":"turn","x":1}]"#, "unknown field `x`"),
            (r#"[{"from_ms":1,"kind":"turn"}]"#, "missing field `to_ms`"),
            (
                r#"[{"from_ms":3,"to_ms":2,"kind":"turn"}]"#,
                "label 1 ends before it begins",
            ),
            (
                r#"[{"from_ms":3,"to_ms":4,"kind":"turn"},{"from_ms":2,"to_ms":4,"kind":"turn"}]"#,
                "label 2 begins before",
            ),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
