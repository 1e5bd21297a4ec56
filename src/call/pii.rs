//! Private data that a log line never shows: numbers and names print as a mask.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that belongs to a person. `Debug` and `Display` mask it; `reveal` gives it.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps a private value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for work that needs it; never for a log.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: AsRef<str>> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(self.0.as_ref()))
    }
}

impl<T: AsRef<str>> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Keeps the last two characters of anything longer than five: enough to match a caller with a log line.
fn mask(text: &str) -> String {
    let length = text.chars().count();
    if length <= 5 {
        return "*".repeat(length);
    }
    let tail: String = text.chars().skip(length - 2).collect();
    format!("{}{tail}", "*".repeat(length - 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_prints_as_a_mask_and_keeps_its_value() {
        let number = Pii::new("+972501234567".to_owned());
        assert_eq!(format!("{number:?} {number}"), "***********67 ***********67");
        assert_eq!(number.reveal(), "+972501234567");
        assert_eq!(format!("{}", Pii::new("דנה".to_owned())), "***");
    }
}
