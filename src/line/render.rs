//! Documents become TwiML, with the templates of the call's own flow version.

use super::engine::Engine;
use super::flows::Version;
use crate::twiml::{Links, RenderError, Verb};

impl Engine {
    /// The document as TwiML with absolute URLs.
    pub(super) fn render(&self, flow: &Version, origin: &str, verbs: &[Verb]) -> Result<String, RenderError> {
        let origin = self.config.public_url.as_deref().unwrap_or(origin);
        let links = Links {
            origin: origin.to_owned(),
            retries: self.config.retries.clone(),
        };
        flow.templates.render(verbs, &links)
    }
}
