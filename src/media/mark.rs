//! The name of a mark on the wire: what was played, and how often the carrier's queue had been emptied before.

use crate::talk::Play;
use std::fmt;

/// A mark as it is sent. A `clear` has every pending mark returned at once, so one that comes back with an older
/// epoch was swept away, or cannot be told from one that was: it is not taken for heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) play: Play,
    /// Rises with every `clear`.
    pub(super) epoch: u32,
}

impl Mark {
    /// The mark of this name; none where the name is not ours.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (generation, rest) = name.strip_prefix('g')?.split_once('n')?;
        let (number, epoch) = rest.split_once('e')?;
        Some(Self {
            play: Play {
                generation: generation.parse().ok()?,
                number: number.parse().ok()?,
            },
            epoch: epoch.parse().ok()?,
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}n{}e{}", self.play.generation, self.play.number, self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mark_is_known_by_its_name(generation: u32, number: u32, epoch: u32, other in ".{0,12}") {
            let mark = Mark { play: Play { generation, number }, epoch };
            prop_assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
            if let Some(mark) = Mark::parse(&other) {
                let plain = |c: char| c.is_ascii_digit() || "+gne".contains(c);
                prop_assert!(other.chars().all(plain), "{:?} from {}", mark, other);
            }
        }
    }
}
