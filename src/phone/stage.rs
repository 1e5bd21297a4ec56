//! What all calls of one run share: the templates, the addresses, and documents that were read before.

use super::act::Act;
use super::document::acts;
use crate::call::Flow;
use crate::twiml::{Links, RenderError, Templates, Verb, read};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Where virtual calls take place.
#[derive(Debug)]
pub struct Stage {
    templates: Templates,
    links: Links,
    statics: String,
    webhooks: String,
    sockets: String,
    /// Documents by their verbs: most of them come again and again.
    known: RefCell<HashMap<String, Rc<[Act]>>>,
}

impl Stage {
    /// A stage with these templates.
    pub fn new(templates: Templates) -> Self {
        let links = Links::new("https://voice.example.com");
        Self {
            templates,
            statics: links.asset("x").trim_end_matches('x').to_owned(),
            webhooks: links.callback("x").trim_end_matches('x').to_owned(),
            sockets: links.socket("x").trim_end_matches('x').to_owned(),
            links,
            known: RefCell::default(),
        }
    }

    /// The engine's address, as documents name it.
    pub fn origin(&self) -> &str {
        &self.links.origin
    }

    /// The document as the carrier would get it.
    ///
    /// # Errors
    /// As [`Templates::render`].
    pub fn render(&self, verbs: &[Verb]) -> Result<String, RenderError> {
        self.templates.render(verbs, &self.links)
    }

    /// What the carrier does with a document.
    ///
    /// # Errors
    /// Why it cannot be rendered or read.
    pub(super) fn acts(&self, flow: &Flow, verbs: &[Verb]) -> Result<Rc<[Act]>, String> {
        let key = serde_json::to_string(verbs).unwrap_or_default();
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(known.clone());
        }
        let twiml = self.render(verbs).map_err(|error| error.to_string())?;
        let root = read(&twiml).map_err(|problem| problem.message)?;
        let acts: Rc<[Act]> = acts(self, flow, &root).into();
        self.known.borrow_mut().insert(key, acts.clone());
        Ok(acts)
    }

    pub(super) fn statics(&self) -> &str {
        &self.statics
    }

    pub(super) fn webhooks(&self) -> &str {
        &self.webhooks
    }

    pub(super) fn is_own_socket(&self, url: &str) -> bool {
        url.starts_with(&self.sockets)
    }
}
