//! Something that a plan says.

use super::fault::PlanError;
use crate::talk::Clip;
use std::sync::Arc;

/// Something to say. A clip with sound is played; words without one are spoken by a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which of the call's clips.
    pub clip: Option<usize>,
    /// Its words; where there is a clip, its own words count.
    pub text: Arc<str>,
}

impl Line {
    /// A line that is played.
    pub fn clip(clip: usize) -> Self {
        Self {
            clip: Some(clip),
            text: "".into(),
        }
    }

    /// A line that is spoken.
    pub fn words(text: impl Into<Arc<str>>) -> Self {
        Self {
            clip: None,
            text: text.into(),
        }
    }

    /// Whether it can be said with these clips.
    pub(super) fn check(&self, clips: &[Clip]) -> Result<(), PlanError> {
        let has_words = |text: &str| text.chars().any(char::is_alphanumeric);
        match self.clip {
            None if has_words(&self.text) => Ok(()),
            None => Err(PlanError::EmptyLine),
            Some(clip) => match clips.get(clip) {
                None => Err(PlanError::NoSuchClip {
                    clip,
                    clips: clips.len(),
                }),
                Some(found) if found.ulaw.is_empty() && !has_words(&found.text) && !has_words(&self.text) => {
                    Err(PlanError::EmptyClip { clip })
                }
                Some(_) => Ok(()),
            },
        }
    }
}
