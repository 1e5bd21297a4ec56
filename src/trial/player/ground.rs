//! What all calls of a flow share: its templates and its agents' sounds.

use crate::call::{Agent, Flow};
use crate::phone::Stage;
use crate::talk::Clip;
use crate::twiml::Templates;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A flow with everything that its calls share.
#[derive(Debug)]
pub struct Ground<'a> {
    pub(super) flow: &'a Flow,
    pub(super) stage: Stage,
    clips: RefCell<HashMap<String, Rc<[Clip]>>>,
}

impl<'a> Ground<'a> {
    /// A flow that compiles, with its templates.
    pub fn new(flow: &'a Flow, templates: Templates) -> Self {
        Self {
            flow,
            stage: Stage::new(templates),
            clips: RefCell::default(),
        }
    }

    /// The flow.
    pub fn flow(&self) -> &'a Flow {
        self.flow
    }

    /// Its templates and addresses.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// An agent's sounds. Of them only the length counts.
    pub(super) fn clips(&self, agent: &Agent) -> Rc<[Clip]> {
        let mut known = self.clips.borrow_mut();
        let clips = known.entry(agent.name.clone()).or_insert_with(|| {
            let sounds = agent.clips.iter().zip(&agent.texts);
            sounds
                .map(|(path, text)| {
                    let millis = self
                        .flow
                        .assets
                        .get(path)
                        .map_or(0, |asset| asset.millis.unwrap_or(2_000));
                    let bytes = usize::try_from(millis.saturating_mul(8)).unwrap_or(0);
                    Clip::new(vec![crate::audio::mulaw::SILENCE; bytes], text.as_str())
                })
                .collect()
        });
        Rc::clone(clips)
    }
}
